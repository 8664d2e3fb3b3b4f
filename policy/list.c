/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/list.h"

#include "base/cur.h"
#include "base/utf8.h"
#include "base/util.h"
#include "policy/list_reader.h"

enum { TOLD = 5, SHOWN_MAX = 80 }; /* refused lines that are told one by one; bytes of each */

static const struct format {
	const char *name;
	int (*line)(struct sl_list_reader *r, struct sl_bytes line);
} formats[] = {
	[SL_FORMAT_AUTO] = { "auto", NULL },
	[SL_FORMAT_DOMAINS] = { "domains", sl_list_line_domains },
	[SL_FORMAT_HOSTS] = { "hosts", sl_list_line_hosts },
	[SL_FORMAT_URLS] = { "urls", sl_list_line_urls },
};

const char *sl_list_format_name(enum sl_list_format format)
{
	return (size_t)format < SL_COUNT(formats) ? formats[format].name : "unknown";
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

struct sl_bytes sl_list_word(struct sl_bytes *line)
{
	size_t n = 0;
	*line = sl_bytes_trim(*line);
	if (line->len == 0)
		return (struct sl_bytes){ NULL, 0 };
	while (n < line->len && !is_blank(line->p[n]))
		n++;
	struct sl_bytes word = sl_bytes_first(*line, n);
	*line = sl_bytes_skip(*line, n);
	return word;
}

struct sl_bytes sl_list_body(struct sl_bytes line)
{
	line = sl_bytes_trim(line);
	for (size_t at = sl_bytes_find(line, '#'); at < line.len; at++)
		if (at > 0 && line.p[at] == '#' && is_blank(line.p[at - 1]))
			return sl_bytes_trim(sl_bytes_first(line, at));
	return line;
}

/* What a list said, fit for a message: control characters and broken UTF-8 become "?". */
static void show(struct sl_bytes what, char out[SHOWN_MAX + 1])
{
	size_t len = 0;
	while (what.p != NULL && what.len > 0) {
		size_t n = sl_utf8_len(what);
		bool plain = n > 1 || (n == 1 && what.p[0] >= 0x20 && what.p[0] != 0x7f);
		n = n == 0 ? 1 : n;
		if (len + n > SHOWN_MAX)
			break;
		memcpy(&out[len], plain ? (const char *)what.p : "?", n);
		len += n;
		what = sl_bytes_skip(what, n);
	}
	out[len] = '\0';
}

void sl_list_refuse(struct sl_list_reader *r, struct sl_bytes what, const char *why)
{
	char shown[SHOWN_MAX + 1];
	if (r->refused)
		return;
	r->refused = true;
	if (r->stats->refused++ >= TOLD)
		return;
	show(what, shown);
	sl_diag(r->diag, r->cfg->file, r->stats->lines, "refused \"%s\": %s", shown, why);
}

int sl_list_emit(struct sl_list_reader *r, const struct sl_host *host, enum sl_scope scope)
{
	struct sl_list_entry e = { .host = host, .scope = scope, .line = r->stats->lines };
	r->stats->entries++;
	return r->entry(r->ctx, &e);
}

const char *sl_list_host(struct sl_bytes text, struct sl_host *out)
{
	if (sl_host_canon(text, out) != SL_OK)
		return sl_bytes_find(text, '*') < text.len ? "a \"*\" is known only as \"*.\" at the head"
		                                           : "not a valid host name";
	for (size_t i = 0; i < out->len; i++) {
		char c = out->name[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
		             c == '_' || c == ':';
		if (!plain)
			return "a character that names in lists do not have";
	}
	return NULL;
}

const char *sl_list_wildcard(const struct sl_list_reader *r, struct sl_bytes *text, bool *below)
{
	struct sl_bytes rest = *text;
	bool star = rest.len > 0 && rest.p[0] == '*';
	rest = sl_bytes_skip(rest, star ? 1 : 0);
	bool dot = rest.len > 0 && rest.p[0] == '.';
	rest = sl_bytes_skip(rest, dot ? 1 : 0);
	*below = star && r->cfg->wildcard_below;
	if ((star || dot) && rest.len == 0)
		return "would match every name";
	if (star && !dot)
		return "a \"*\" is known only as \"*.\" at the head";
	*text = rest;
	return NULL;
}

bool sl_list_is_prefix(struct sl_bytes text)
{
	struct sl_host host;
	size_t slash = sl_bytes_find(text, '/');
	struct sl_bytes bits = sl_bytes_skip(text, slash + 1);
	for (size_t i = 0; i < bits.len; i++)
		if (bits.p[i] < '0' || bits.p[i] > '9')
			return false;
	return bits.len > 0 && bits.len <= 3 && sl_host_canon(sl_bytes_first(text, slash), &host) == SL_OK &&
	       host.address;
}

static int read_line(struct sl_list_reader *r, const struct format *format, struct sl_bytes line)
{
	struct sl_bytes body = sl_list_body(line);
	r->stats->lines++;
	if (body.len == 0)
		return SL_OK;
	if (sl_list_is_comment(body)) {
		r->stats->comments++;
		return SL_OK;
	}
	r->refused = false;
	return format->line(r, body);
}

/* *body gets the number of lines that say something. */
static int read_lines(struct sl_list_reader *r, const struct format *format, struct sl_bytes text,
                      uint64_t *body)
{
	struct sl_cur c = sl_cur_whole(text);
	int err = SL_OK;
	for (struct sl_bytes line = sl_cur_line(&c); err == SL_OK && line.p != NULL; line = sl_cur_line(&c)) {
		uint64_t before = (uint64_t)r->stats->entries + r->stats->refused;
		err = read_line(r, format, line);
		*body += (uint64_t)r->stats->entries + r->stats->refused > before;
	}
	return err;
}

/* Tells the total of what was refused, and whether it is too much. */
static int weigh_refused(const struct sl_list_reader *r, enum sl_list_format format, uint64_t body)
{
	const struct sl_list_cfg *cfg = r->cfg;
	uint64_t refused = r->stats->refused;
	if (refused > TOLD)
		sl_diag(r->diag, cfg->file, 0, "%u of %u lines were refused; the first %d are named above",
		        r->stats->refused, (unsigned)body, TOLD);
	if (refused * 100 <= body * cfg->max_refused_percent)
		return SL_OK;
	sl_diag(r->diag, cfg->file, 0,
	        "the list is refused: %u of %u lines could not be read as format %s, more than the %u %% "
	        "that are "
	        "allowed; check the file and its format",
	        r->stats->refused, (unsigned)body, sl_list_format_name(format), cfg->max_refused_percent);
	return SL_EMALF;
}

int sl_list_read(const struct sl_list_cfg *cfg, struct sl_bytes text,
                 int (*entry)(void *ctx, const struct sl_list_entry *e), void *ctx,
                 const struct sl_diag *diag, struct sl_list_stats *stats)
{
	static const struct sl_bytes bom = SL_BYTES_LIT("\xef\xbb\xbf");
	struct sl_list_reader r = { .cfg = cfg, .entry = entry, .ctx = ctx, .diag = diag, .stats = stats };
	enum sl_list_format format = cfg->format;
	uint64_t body = 0;

	*stats = (struct sl_list_stats){ 0 };
	if ((size_t)format >= SL_COUNT(formats))
		return SL_EINVAL;
	if (sl_bytes_equal(sl_bytes_first(text, bom.len), bom))
		text = sl_bytes_skip(text, bom.len);
	int err = sl_list_is_text(cfg, text, diag);
	if (err == SL_OK && format == SL_FORMAT_AUTO)
		err = sl_list_detect(cfg, text, diag, &format);
	if (err == SL_OK)
		err = read_lines(&r, &formats[format], text, &body);
	return err != SL_OK ? err : weigh_refused(&r, format, body);
}
