/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list_line.c - what the readers of the formats do alike: words, comments, names, entries. */
#include "base/util.h"
#include "policy/list_reader.h"

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

struct sl_bytes sl_list_plain(struct sl_bytes line)
{
	line = sl_bytes_trim(line);
	for (size_t at = sl_bytes_find(line, '#'); at < line.len; at++)
		if (at > 0 && line.p[at] == '#' && is_blank(line.p[at - 1]))
			return sl_bytes_trim(sl_bytes_first(line, at));
	return line;
}

struct sl_bytes sl_list_body(struct sl_list_reader *r, struct sl_bytes line)
{
	line = sl_list_plain(line);
	if (line.len == 0 || !sl_list_is_comment(line))
		return line;
	r->stats.comments++;
	return (struct sl_bytes){ NULL, 0 };
}

int sl_list_emit(struct sl_list_reader *r, struct sl_list_entry e)
{
	e.line = r->stats.lines;
	r->stats.entries++;
	return r->entry(r->ctx, &e);
}

void sl_list_aim(struct sl_list_entry *e)
{
	if (!e->host->address || e->port != 0 || e->path.p != NULL)
		return;
	if (sl_prefix_read(sl_bytes_of(e->host->name, e->host->len), &e->prefix) != SL_OK)
		return; /* cannot be: the host is canonical */
	e->scope = SL_SCOPE_ADDRESS;
	e->host = NULL;
}

int sl_list_emit_host(struct sl_list_reader *r, const struct sl_host *host, enum sl_scope scope)
{
	struct sl_list_entry e = { .host = host, .scope = scope };
	if (SL_UNLIKELY(host->address))
		sl_list_aim(&e);
	return sl_list_emit(r, e);
}

/* Letters, digits, and what else names and addresses have. */
static const bool is_plain[256] = {
	['a' ... 'z'] = true, ['0' ... '9'] = true, ['-'] = true, ['.'] = true, ['_'] = true, [':'] = true,
};

int sl_list_plain_host(const struct sl_host *host)
{
	bool plain = true;
	for (size_t i = 0; i < host->len; i++)
		plain &= is_plain[(uint8_t)host->name[i]];
	return plain ? SL_LIST_FINE : SL_REFUSED_BYTE;
}

int sl_list_host(struct sl_bytes text, struct sl_host *out)
{
	if (SL_LIKELY(sl_host_canon(text, out) == SL_OK))
		return sl_list_plain_host(out);
	return sl_bytes_find(text, '*') < text.len ? SL_REFUSED_STAR : SL_REFUSED_HOST;
}

int sl_list_wildcard(struct sl_bytes *text, bool *star, bool *dot)
{
	struct sl_bytes rest = *text;
	*star = rest.len > 0 && rest.p[0] == '*';
	rest = sl_bytes_skip(rest, *star ? 1 : 0);
	*dot = rest.len > 0 && rest.p[0] == '.';
	rest = sl_bytes_skip(rest, *dot ? 1 : 0);
	if ((*star || *dot) && rest.len == 0)
		return SL_REFUSED_EVERY;
	if (*star && !*dot)
		return SL_REFUSED_STAR;
	*text = rest;
	return SL_LIST_FINE;
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

int sl_list_prefix(struct sl_bytes text, struct sl_prefix *out)
{
	int err = sl_prefix_read(text, out);
	if (err != SL_OK)
		return err == SL_EINVAL ? SL_REFUSED_BITS : SL_REFUSED_ADDRESS;
	return out->len == 0 ? SL_REFUSED_EVERY_ADDRESS : SL_LIST_FINE;
}
