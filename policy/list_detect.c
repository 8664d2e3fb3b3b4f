/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list_detect.c - which format a list has, by its first lines. Formats that are not read are recognised, so that none of
 * their lines is ever taken for a name. */
#include "base/cur.h"
#include "base/utf8.h"
#include "base/util.h"
#include "policy/list_reader.h"

enum { LINES = 500, HEAD = 1 << 16 }; /* lines that vote; bytes that must look like text */

enum kind { DOMAIN, HOSTS, URL, ADBLOCK, RPZ, DNSMASQ, UNBOUND, OTHER, KINDS };

static const char *const foreign[KINDS] = {
	[ADBLOCK] = "adblock",
	[RPZ] = "RPZ",
	[DNSMASQ] = "dnsmasq",
	[UNBOUND] = "unbound",
};

static bool starts(struct sl_bytes text, const char *head)
{
	struct sl_bytes want = sl_bytes_str(head);
	return sl_bytes_equal_nocase(sl_bytes_first(text, want.len), want);
}

static bool starts_any(struct sl_bytes text, const char *const *heads)
{
	for (; *heads != NULL; heads++)
		if (starts(text, *heads))
			return true;
	return false;
}

static bool has(struct sl_bytes text, const char *what)
{
	return memmem(text.p, text.len, what, strlen(what)) != NULL;
}

/* Options behind a "$", separators, or element rules. In a URL with its scheme a "$" is only a character. */
static bool is_adblock(struct sl_bytes line)
{
	static const char *const heads[] = { "[adblock", "||", "@@", "|http", NULL };
	struct sl_bytes option = sl_bytes_skip(line, sl_bytes_find(line, '$') + 1);
	bool options = option.len > 0 && (option.p[0] == '~' || (option.p[0] >= 'a' && option.p[0] <= 'z'));
	return starts_any(line, heads) || sl_bytes_find(line, '^') < line.len || has(line, "##") ||
	       has(line, "#@#") || has(line, "#?#") || has(line, "#$#") || (options && !has(line, "://"));
}

static bool is_zone(struct sl_bytes line)
{
	static const char *const heads[] = { "$ttl", "$origin", NULL };
	static const struct sl_bytes types[] = { SL_BYTES_LIT("CNAME"), SL_BYTES_LIT("SOA"),
		                                 SL_BYTES_LIT("NS") };
	if (starts_any(line, heads) || line.p[0] == ';')
		return true;
	(void)sl_list_word(&line);
	for (struct sl_bytes word = sl_list_word(&line); word.p != NULL; word = sl_list_word(&line))
		for (size_t i = 0; i < SL_COUNT(types); i++)
			if (sl_bytes_equal_nocase(word, types[i]))
				return true;
	return false;
}

static enum kind kind_of_word(struct sl_bytes word)
{
	struct sl_host host;
	if (sl_list_is_prefix(word))
		return OTHER;
	if (sl_bytes_find(word, '/') < word.len)
		return URL;
	if (sl_bytes_find(word, ':') == word.len)
		return DOMAIN;
	return sl_host_canon(word, &host) == SL_OK ? DOMAIN : URL;
}

static enum kind kind_of(struct sl_bytes line)
{
	static const char *const dnsmasq[] = {
		"address=/", "server=/", "local=/", "ipset=/", "nftset=/", NULL
	};
	static const char *const unbound[] = { "local-zone:", "local-data:", "server:", NULL };
	struct sl_host host;
	if (starts_any(line, dnsmasq))
		return DNSMASQ;
	if (starts_any(line, unbound))
		return UNBOUND;
	if (is_zone(line))
		return RPZ;
	if (is_adblock(line))
		return ADBLOCK;
	struct sl_bytes rest = line, word = sl_list_word(&rest);
	if (rest.len == 0)
		return kind_of_word(word);
	word = sl_bytes_first(word, sl_bytes_find(word, '%'));
	return sl_host_canon(word, &host) == SL_OK && host.address ? HOSTS : OTHER;
}

/* Returns the number of lines that voted. */
static uint32_t count_votes(struct sl_bytes text, uint32_t votes[KINDS])
{
	struct sl_cur c = sl_cur_whole(text);
	uint32_t n = 0;
	for (struct sl_bytes line = sl_cur_line(&c); n < LINES && line.p != NULL; line = sl_cur_line(&c)) {
		struct sl_bytes body = sl_list_plain(line);
		if (body.len == 0 || sl_list_is_comment(body))
			continue;
		votes[kind_of(body)]++;
		if (n++ == 0 && starts(body, "[adblock"))
			votes[ADBLOCK] = LINES; /* the file says what it is */
	}
	return n;
}

int sl_list_detect(const struct sl_list_cfg *cfg, struct sl_bytes text, const struct sl_diag *diag,
                   enum sl_list_format *out)
{
	uint32_t votes[KINDS] = { 0 };
	uint32_t n = count_votes(text, votes), names = votes[DOMAIN] + votes[URL];
	for (int kind = 0; kind < KINDS; kind++) {
		if (foreign[kind] == NULL || votes[kind] == 0 || votes[kind] * 4 < n)
			continue;
		sl_diag(diag, cfg->file, 0,
		        "the list is refused: format %s is not read by this version; use the list's edition "
		        "as domains or "
		        "hosts",
		        foreign[kind]);
		return SL_EMALF;
	}
	if (n > 0 && names + votes[HOSTS] <= votes[OTHER]) {
		sl_diag(diag, cfg->file, 0,
		        "the list is refused: its format is not recognised; if it is domains, hosts or urls, "
		        "name the "
		        "format in the configuration");
		return SL_EMALF;
	}
	/* The reader of URLs takes names as that of domains does. */
	*out = votes[HOSTS] > names ? SL_FORMAT_HOSTS : votes[URL] > 0 ? SL_FORMAT_URLS : SL_FORMAT_DOMAINS;
	return SL_OK;
}

/* Bytes that belong to no UTF-8 sequence (RFC 3629 §4). */
static size_t count_broken(struct sl_bytes text)
{
	size_t broken = 0;
	while (text.len > 0) {
		size_t n = sl_utf8_len(text);
		broken += n == 0;
		text = sl_bytes_skip(text, n == 0 ? 1 : n);
	}
	return broken;
}

static const char *no_text(struct sl_bytes text)
{
	static const char *const html[] = { "<!doctype", "<html", "<head", "<body", "<?xml", "<!--", NULL };
	struct sl_bytes head = sl_bytes_first(text, HEAD), start = head;
	while (start.len > 0 && (start.p[0] <= ' '))
		start = sl_bytes_skip(start, 1);
	if (starts_any(start, html))
		return "it is a web page; check the address that it was fetched from";
	if (starts(head, "\x1f\x8b") || starts(head, "PK\x03\x04") ||
	    starts(head, "\xfd"
	                 "7zXZ") ||
	    starts(head, "\x28\xb5\x2f\xfd"))
		return "it is compressed; unpack it first";
	if (starts(head, "\xff\xfe") || starts(head, "\xfe\xff"))
		return "it is UTF-16; save it as UTF-8";
	if (sl_bytes_find(text, '\0') < text.len)
		return "it is a binary file; check that it is the list that was meant";
	if (count_broken(head) * 8 > head.len)
		return "it is binary or not UTF-8; check the file, or save it as UTF-8";
	return NULL;
}

int sl_list_is_text(const struct sl_list_cfg *cfg, struct sl_bytes text, const struct sl_diag *diag)
{
	const char *why = no_text(text);
	if (why == NULL)
		return SL_OK;
	sl_diag(diag, cfg->file, 0, "this is no list: %s", why);
	return SL_EMALF;
}
