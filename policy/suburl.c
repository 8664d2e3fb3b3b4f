/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/suburl.h"

#include "base/out.h"
#include "policy/suburl_parts.h"

#define PLACEHOLDER "%*" /* NE-URL-38 */

const struct sl_suburl_parsing sl_suburl_parsing_default = {
	.exclude_scheme = true,
	.domain = { .strip_www = true, .hierarchy = true },
	.path = { .hierarchy = true },
};

/* ---- heads ---- */

/* NE-URL-33, NE-CHOICE-34: ne26 has the one form that the URL shows, ne27 always both. */
static void put_head(struct sl_suburls *s, struct sl_bytes host, uint8_t profiles, bool default_port)
{
	uint8_t bare = SL_SUBURL_NE27 | (default_port ? SL_SUBURL_NE26 : 0);
	uint8_t with = SL_SUBURL_NE27 | (default_port ? 0 : SL_SUBURL_NE26);
	if ((profiles & bare) != 0)
		s->head[s->n_heads++] =
		        (struct sl_suburl_head){ host, { NULL, 0 }, (uint8_t)(profiles & bare) };
	if ((profiles & with) != 0)
		s->head[s->n_heads++] =
		        (struct sl_suburl_head){ host, sl_bytes_str(s->port), (uint8_t)(profiles & with) };
}

static unsigned count_labels(struct sl_bytes host)
{
	unsigned n = 0;
	for (; host.p != NULL; host = sl_host_parent(host))
		n++;
	return n;
}

/* Every suffix of two labels and more; a single label and an address only as they are (NE-URL-34, NE-CHOICE-35). */
static void put_suffixes(struct sl_suburls *s, uint8_t profile, const struct sl_suburl_parsing *parsing,
                         bool default_port)
{
	struct sl_bytes at = sl_bytes_of(s->host.name, s->host.len);
	unsigned labels = count_labels(at);
	unsigned levels = parsing->domain.levels == 0 ? labels : parsing->domain.levels;
	bool www = parsing->domain.strip_www && sl_suburl_www_len(&s->host) > 0, single = labels == 1,
	     done = false;
	for (; at.p != NULL; at = sl_host_parent(at), labels--) {
		uint8_t mask = profile;
		if ((www && at.len == s->host.len) || labels > levels || (done && !parsing->domain.hierarchy))
			mask &= (uint8_t)~SL_SUBURL_NE27;
		if (labels == 1 && !single && levels > 1)
			mask = 0;
		done = done || (mask & SL_SUBURL_NE27) != 0;
		put_head(s, at, mask, default_port);
	}
}

static struct sl_bytes put_literal(struct sl_suburls *s)
{
	struct sl_out o = sl_out_of(s->literal, sizeof(s->literal));
	bool v6 = sl_suburl_is_v6(&s->host);
	sl_out_str(&o, v6 ? "[" : "");
	sl_out_bytes(&o, s->host.name, s->host.len);
	sl_out_str(&o, v6 ? "]" : "");
	return sl_bytes_of(s->literal, o.len);
}

static void put_heads(struct sl_suburls *s, const struct sl_url_parts *url, uint8_t profile,
                      const struct sl_suburl_parsing *parsing)
{
	uint16_t implied = sl_suburl_port(url->scheme), port = url->port != 0 ? url->port : implied;
	struct sl_out o = sl_out_of(s->port, sizeof(s->port) - 1);
	sl_out_fmt(&o, ":%u", port);
	s->port[o.len] = '\0';
	s->host = url->host;
	if (parsing->domain.excluded)
		put_head(s, SL_BYTES_LIT(PLACEHOLDER), profile, port == implied);
	else if (s->host.address)
		put_head(s, put_literal(s), profile, port == implied);
	else
		put_suffixes(s, profile, parsing, port == implied);
}

static struct sl_bytes put_scheme(struct sl_suburls *s, struct sl_bytes scheme)
{
	struct sl_out o = sl_out_of(s->prefix, sizeof(s->prefix));
	for (size_t i = 0; i < scheme.len; i++)
		sl_out_u8(&o, sl_ascii_lower(scheme.p[i]));
	sl_out_str(&o, scheme.len > 0 ? "://" : "");
	return sl_bytes_of(s->prefix, o.len);
}

/* ---- the parsing configuration's part of the tails ---- */

/* The first n segments. */
static struct sl_bytes cut_path(struct sl_bytes path, unsigned n)
{
	for (size_t i = 1; i < path.len; i++)
		if (path.p[i] == '/' && --n == 0)
			return sl_bytes_first(path, i);
	return path;
}

/* Appends the parameters of that name, in their order. */
static void put_parameters(struct sl_out *o, struct sl_bytes query, struct sl_bytes name)
{
	while (query.len > 0) {
		struct sl_bytes one = sl_bytes_first(query, sl_bytes_find(query, '&'));
		query = sl_bytes_skip(query, one.len + 1);
		if (!sl_bytes_equal(sl_bytes_first(one, sl_bytes_find(one, '=')), name))
			continue;
		sl_out_u8(o, o->len == 0 ? '?' : '&');
		sl_out_bytes(o, one.p, one.len);
	}
}

static int pick_query(struct sl_suburls *s, const struct sl_suburl_parsing *parsing, struct sl_bytes *query)
{
	struct sl_out o = sl_out_of(s->query, sizeof(s->query));
	if (parsing->query.parameters == NULL || query->len == 0)
		return SL_OK;
	for (size_t i = 0; i < parsing->query.n_parameters; i++)
		put_parameters(&o, sl_bytes_skip(*query, 1), parsing->query.parameters[i]);
	*query = sl_bytes_of(s->query, o.len);
	return o.overflow ? SL_ELIMIT : SL_OK;
}

static int apply_parsing(struct sl_suburls *s, const struct sl_suburl_parsing *parsing,
                         struct sl_suburl_parts *p)
{
	if (parsing->path.excluded && p->path.len > 0)
		p->path = SL_BYTES_LIT("/" PLACEHOLDER);
	else if (parsing->path.segments > 0)
		p->path = cut_path(p->path, parsing->path.segments);
	if (parsing->fragment_excluded && p->fragment.len > 0)
		p->fragment = SL_BYTES_LIT("#" PLACEHOLDER);
	if (!parsing->query.excluded)
		return pick_query(s, parsing, &p->query);
	if (p->query.len > 0)
		p->query = SL_BYTES_LIT("?" PLACEHOLDER);
	return SL_OK;
}

/* ---- tails ---- */

struct path_ends {
	uint8_t plain, slash; /* the tails that are the full path without and with its final slash */
};

static uint8_t put_tail(struct sl_suburls *s, uint8_t base, struct sl_bytes more, unsigned profiles)
{
	s->tail[s->n_tails] = (struct sl_suburl_tail){ more, base, (uint8_t)profiles };
	return (uint8_t)s->n_tails++;
}

/* NE-URL-35: every prefix on a segment boundary, each with and without a final slash. An empty segment is one, too
 * (NE-CHOICE-33); its prefix without a slash is the one before it with one. */
static struct path_ends put_path(struct sl_suburls *s, struct sl_bytes path, unsigned profiles)
{
	static const struct sl_bytes slash = SL_BYTES_LIT("/");
	struct path_ends at = { put_tail(s, SL_SUBURL_NONE, (struct sl_bytes){ NULL, 0 }, profiles), 0 };
	at.slash = put_tail(s, at.plain, slash, profiles);
	path = sl_bytes_skip(path, 1);
	for (unsigned n = 0; path.len > 0; n++) {
		struct sl_bytes segment = sl_bytes_first(path, sl_bytes_find(path, '/'));
		s->deep = n == SL_SUBURL_SEGMENTS;
		if (s->deep)
			break;
		at.plain = segment.len == 0 ? at.slash : put_tail(s, at.slash, segment, profiles);
		at.slash = put_tail(s, at.plain, slash, profiles);
		path = sl_bytes_skip(path, segment.len + 1);
	}
	return at;
}

/* Query and fragment behind one form of the full path. ne26 knows only the form that the URL has, and a slash at the very
 * end; ne27 knows both forms, and no such slash (NE-URL-33). */
static void put_behind(struct sl_suburls *s, uint8_t base, bool own, const struct sl_suburl_parts *p,
                       uint8_t profile)
{
	static const struct sl_bytes slash = SL_BYTES_LIT("/");
	const struct sl_bytes more[] = { p->query, p->fragment };
	uint8_t old = own ? profile & SL_SUBURL_NE26 : 0, all = old | (profile & SL_SUBURL_NE27);
	for (size_t i = 0; i < 2 && all != 0; i++) {
		if (more[i].len == 0)
			continue;
		base = put_tail(s, base, more[i], all);
		if (old != 0)
			put_tail(s, base, slash, old);
	}
}

static void put_tails(struct sl_suburls *s, const struct sl_suburl_parts *p, uint8_t profile, bool hierarchy)
{
	bool slash = p->path.len > 0 && p->path.p[p->path.len - 1] == '/';
	struct path_ends full = put_path(s, p->path, hierarchy ? profile : 0);
	if (s->deep)
		return;
	if (!hierarchy && p->query.len == 0 && p->fragment.len == 0)
		s->tail[full.plain].profiles = s->tail[full.slash].profiles = profile;
	put_behind(s, full.plain, !slash, p, profile);
	put_behind(s, full.slash, slash, p, profile);
}

/* ---- a regular expression ---- */

/* The URL that it is matched against: as it is, but for the host's form, the scheme's case, and without userinfo. */
static bool write_url(const struct sl_url_parts *url, struct sl_suburls *s, struct sl_out *o)
{
	for (size_t i = 0; i < url->scheme.len; i++)
		sl_out_u8(o, sl_ascii_lower(url->scheme.p[i]));
	sl_out_str(o, url->scheme.len > 0 ? "://" : "https://");
	s->host = url->host;
	struct sl_bytes host = put_literal(s);
	sl_out_bytes(o, host.p, host.len);
	if (url->port != 0)
		sl_out_fmt(o, ":%u", url->port);
	sl_out_bytes(o, url->tail.p, url->tail.len);
	return !o->overflow;
}

static int put_made(struct sl_suburls *s, const struct sl_url_parts *url, const struct sl_suburl_regex *regex)
{
	char text[SL_SUBURL_REGEX_URL];
	struct sl_out o = sl_out_of(text, sizeof(text));
	size_t len = 0;
	s->made = true;
	if (!write_url(url, s, &o))
		return SL_ELIMIT;
	int err = sl_suburl_regex_text(regex, sl_bytes_of(text, o.len), s->query, sizeof(s->query), &len);
	if (err == SL_ENOENT)
		return SL_OK;
	if (err != SL_OK)
		return err;
	s->head[s->n_heads++] = (struct sl_suburl_head){ { NULL, 0 }, { NULL, 0 }, SL_SUBURL_NE27 };
	put_tail(s, SL_SUBURL_NONE, sl_bytes_of(s->query, len), SL_SUBURL_NE27);
	return SL_OK;
}

/* ---- all ---- */

int sl_suburls_of(struct sl_bytes in, enum sl_suburl_profile profile, const struct sl_suburl_parsing *parsing,
                  struct sl_suburls *out)
{
	struct sl_url_parts url;
	if (parsing != NULL && profile != SL_SUBURL_NE27)
		return SL_EINVAL;
	int err = sl_url_split(in, &url);
	if (err != SL_OK)
		return err;
	struct sl_suburl_parts parts = sl_suburl_split(url.tail);
	out->n_heads = out->n_tails = 0;
	out->deep = out->made = false;
	out->scheme = (struct sl_bytes){ NULL, 0 };
	if (parsing != NULL && parsing->regex != NULL)
		return put_made(out, &url, parsing->regex);
	parsing = parsing == NULL ? &sl_suburl_parsing_default : parsing;
	out->scheme = put_scheme(out, parsing->exclude_scheme ? (struct sl_bytes){ NULL, 0 } : url.scheme);
	err = apply_parsing(out, parsing, &parts);
	if (err != SL_OK)
		return err;
	put_heads(out, &url, profile, parsing);
	put_tails(out, &parts, profile, parsing->path.hierarchy);
	return SL_OK;
}

uint32_t sl_suburls_count(const struct sl_suburls *s)
{
	uint32_t n = 0;
	for (unsigned head = 0; head < s->n_heads; head++)
		for (unsigned tail = 0; tail < s->n_tails; tail++)
			n += sl_suburl_is_key(s, head, tail);
	return n;
}

static void put_chain(struct sl_out *o, const struct sl_suburls *s, unsigned tail)
{
	uint8_t chain[SL_SUBURL_TAILS];
	unsigned n = 0;
	for (unsigned at = tail; at != SL_SUBURL_NONE; at = s->tail[at].base)
		chain[n++] = (uint8_t)at;
	while (n > 0) {
		const struct sl_bytes *more = &s->tail[chain[--n]].more;
		sl_out_bytes(o, more->p, more->len);
	}
}

bool sl_suburl_tail_write(const struct sl_suburls *s, unsigned tail, char *out, size_t cap, size_t *len)
{
	struct sl_out o = sl_out_of(out, cap);
	put_chain(&o, s, tail);
	*len = o.overflow ? 0 : o.len;
	return !o.overflow;
}

size_t sl_suburl_write(const struct sl_suburls *s, unsigned head, unsigned tail, char *out, size_t cap)
{
	struct sl_out o = sl_out_of(out, cap);
	sl_out_bytes(&o, s->scheme.p, s->scheme.len);
	sl_out_bytes(&o, s->head[head].host.p, s->head[head].host.len);
	sl_out_bytes(&o, s->head[head].port.p, s->head[head].port.len);
	put_chain(&o, s, tail);
	return o.len;
}
