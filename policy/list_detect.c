/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list_detect.c - which format a list has, by its first lines; and whether it is a list at all. */
#include "base/cur.h"
#include "base/utf8.h"
#include "base/util.h"
#include "policy/list_reader.h"

enum { LINES = 500, HEAD = 1 << 16 }; /* lines that vote; bytes that must look like text */

/* What a line looks like: a format, or SL_FORMAT_COUNT for none. */
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
	if (starts_any(line, heads))
		return true;
	(void)sl_list_word(&line);
	for (struct sl_bytes word = sl_list_word(&line); word.p != NULL; word = sl_list_word(&line))
		for (size_t i = 0; i < SL_COUNT(types); i++)
			if (sl_bytes_equal_nocase(word, types[i]))
				return true;
	return false;
}

static bool is_address(struct sl_bytes word)
{
	struct sl_host host;
	word = sl_bytes_first(word, sl_bytes_find(word, '%'));
	return sl_host_canon(word, &host) == SL_OK && host.address;
}

static enum sl_list_format kind_of_word(struct sl_bytes word)
{
	if (sl_list_is_prefix(word) || is_address(word))
		return SL_FORMAT_ADDRESSES;
	if (sl_bytes_find(word, '/') < word.len || sl_bytes_find(word, ':') < word.len)
		return SL_FORMAT_URLS;
	return starts(word, "*.") ? SL_FORMAT_WILDCARD : SL_FORMAT_DOMAINS;
}

static enum sl_list_format kind_of(struct sl_bytes line)
{
	static const char *const dnsmasq[] = {
		"address=/", "server=/", "local=/", "ipset=/", "nftset=/", NULL
	};
	static const char *const unbound[] = { "local-zone:", "local-data:", "server:", NULL };
	if (starts_any(line, dnsmasq))
		return SL_FORMAT_DNSMASQ;
	if (starts_any(line, unbound))
		return SL_FORMAT_UNBOUND;
	if (is_zone(line))
		return SL_FORMAT_RPZ;
	if (is_adblock(line))
		return SL_FORMAT_ADBLOCK;
	struct sl_bytes rest = sl_bytes_first(line, sl_bytes_find(line, ';')), word = sl_list_word(&rest);
	if (word.p == NULL)
		return SL_FORMAT_AUTO; /* a comment of zones and of lists of addresses */
	if (sl_bytes_trim(rest).len == 0)
		return kind_of_word(word);
	return is_address(word) ? SL_FORMAT_HOSTS : SL_FORMAT_COUNT;
}

/* Returns the number of lines that voted. */
static uint32_t count_votes(struct sl_bytes text, uint32_t votes[SL_FORMAT_COUNT + 1])
{
	struct sl_cur c = sl_cur_whole(text);
	uint32_t n = 0;
	for (struct sl_bytes line = sl_cur_line(&c); n < LINES && line.p != NULL; line = sl_cur_line(&c)) {
		struct sl_bytes body = sl_list_plain(line);
		if (starts(body, "[adblock") && n == 0) {
			votes[SL_FORMAT_ADBLOCK] = LINES; /* the file says what it is */
			return LINES;
		}
		enum sl_list_format kind =
		        body.len == 0 || sl_list_is_comment(body) ? SL_FORMAT_AUTO : kind_of(body);
		votes[kind]++;
		n += kind != SL_FORMAT_AUTO;
	}
	return n;
}

static enum sl_list_format most(const uint32_t votes[SL_FORMAT_COUNT + 1])
{
	uint32_t names = votes[SL_FORMAT_DOMAINS] + votes[SL_FORMAT_WILDCARD] + votes[SL_FORMAT_URLS];
	if (votes[SL_FORMAT_HOSTS] > names + votes[SL_FORMAT_ADDRESSES])
		return SL_FORMAT_HOSTS;
	if (votes[SL_FORMAT_URLS] > 0) /* its reader takes names as that of domains does */
		return SL_FORMAT_URLS;
	if (names == 0 && votes[SL_FORMAT_ADDRESSES] > 0)
		return SL_FORMAT_ADDRESSES;
	return votes[SL_FORMAT_WILDCARD] > votes[SL_FORMAT_DOMAINS] ? SL_FORMAT_WILDCARD : SL_FORMAT_DOMAINS;
}

int sl_list_detect(const struct sl_list_cfg *cfg, struct sl_bytes text, const struct sl_diag *diag,
                   enum sl_list_format *out)
{
	/* A quarter of the lines is enough: none but these formats has such lines, and they have lines like names. */
	static const enum sl_list_format marked[] = { SL_FORMAT_ADBLOCK, SL_FORMAT_RPZ, SL_FORMAT_DNSMASQ,
		                                      SL_FORMAT_UNBOUND };
	uint32_t votes[SL_FORMAT_COUNT + 1] = { 0 };
	uint32_t n = count_votes(text, votes);
	for (size_t i = 0; i < SL_COUNT(marked); i++)
		if (votes[marked[i]] > 0 && votes[marked[i]] * 4 >= n) {
			*out = marked[i];
			return SL_OK;
		}
	if (n > 0 && votes[SL_FORMAT_COUNT] * 2 >= n) {
		sl_diag(diag, cfg->file, 0,
		        "the list is refused: its format is not recognised; name it in the configuration");
		return SL_EMALF;
	}
	*out = most(votes);
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
		return "it is compressed in a form that is not read, or twice; unpack it first";
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
