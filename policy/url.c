/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/url.h"

#include "base/cur.h"
#include "base/util.h"

enum { PATH = 0x01, UNRESERVED = 0x02, SEGMENT = 0x04, QUERY = 0x08 };

/* pchar, "/" and "?" (RFC 3986 §3.3, §3.4) stand as they are; any other byte is written as an escape, as clients do, so
 * that a raw byte and its escape compare equal. SEGMENT: without "/". QUERY: without "'", which browsers escape there. */
#define ANYWHERE (PATH | SEGMENT | QUERY)
static const uint8_t class_of[256] = {
	['!'] = ANYWHERE,
	['$'] = ANYWHERE,
	['&'] = ANYWHERE,
	['\''] = PATH | SEGMENT,
	['(' ... ','] = ANYWHERE,
	['-' ... '.'] = ANYWHERE | UNRESERVED,
	['/'] = PATH | QUERY,
	['0' ... '9'] = ANYWHERE | UNRESERVED,
	[':' ... ';'] = ANYWHERE,
	['='] = ANYWHERE,
	['?' ... '@'] = ANYWHERE,
	['A' ... 'Z'] = ANYWHERE | UNRESERVED,
	['_'] = ANYWHERE | UNRESERVED,
	['a' ... 'z'] = ANYWHERE | UNRESERVED,
	['~'] = ANYWHERE | UNRESERVED,
};

struct piece {
	struct sl_bytes raw; /* a run of bytes that stand as they are; absent where one[] is the text */
	char one[3];         /* an escape, or the byte that one stood for */
	uint8_t len;
};

/* The path as it grows. Segments that do not fit are only counted, so that ".." can take them back. */
struct path {
	char *out;
	size_t len, segment; /* bytes written; where the open segment starts */
	size_t open_len;     /* canonical bytes of the open segment, whether they fitted or not */
	bool open_dots;      /* they are all dots */
	size_t lost;         /* segments behind the last one that fitted */
};

static int hex(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = sl_ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static struct piece escape(uint8_t c)
{
	static const char digits[] = "0123456789ABCDEF";
	return (struct piece){ { NULL, 0 }, { '%', digits[c >> 4], digits[c & 15] }, 3 };
}

static struct sl_bytes piece_text(const struct piece *piece)
{
	return piece->raw.p != NULL ? piece->raw : sl_bytes_of(piece->one, piece->len);
}

/* An escape, in canonical form (RFC 3986 §6.2.2), its "%" read already. A "%" that starts none is data. */
static struct piece next_escape(struct sl_cur *c)
{
	struct sl_cur ahead = *c;
	int high = hex(sl_cur_u8(&ahead)), low = hex(sl_cur_u8(&ahead));
	if (high < 0 || low < 0)
		return escape('%');
	*c = ahead;
	uint8_t byte = (uint8_t)(high << 4 | low);
	if ((class_of[byte] & UNRESERVED) == 0)
		return escape(byte);
	return (struct piece){ { NULL, 0 }, { (char)byte }, 1 };
}

/* A run of bytes that all have the class; where there is none, one byte, which stands as it is where it is of the other
 * class; or one escape. canon/url */
static struct piece next_piece(struct sl_cur *c, uint8_t run, uint8_t stands)
{
	struct sl_bytes left = sl_bytes_of(c->p, c->left);
	size_t n = 0;
	while (n < left.len && (class_of[left.p[n]] & run) != 0)
		n++;
	if (SL_LIKELY(n > 0))
		return (struct piece){ .raw = sl_cur_bytes(c, n) };
	uint8_t byte = sl_cur_u8(c);
	if (byte == '%')
		return next_escape(c);
	return (class_of[byte] & stands) == 0 ? escape(byte)
	                                      : (struct piece){ { NULL, 0 }, { (char)byte }, 1 };
}

static bool all_dots(struct sl_bytes text)
{
	return text.p[0] == '.' && (text.len == 1 || (text.len == 2 && text.p[1] == '.'));
}

static void put_piece(struct path *p, struct sl_bytes text)
{
	p->open_dots = p->open_dots && all_dots(text);
	p->open_len += text.len;
	if (p->lost > 0 || p->open_len > SL_PATH_MAX - p->segment)
		return;
	memcpy(&p->out[p->len], text.p, text.len);
	p->len += text.len;
}

/* Back to the start of the segment before (RFC 3986 §5.2.4 2C). */
static void pop_segment(struct path *p)
{
	if (p->lost > 0) {
		p->lost--;
	} else if (p->segment > 1) {
		p->segment--;
		while (p->out[p->segment - 1] != '/')
			p->segment--;
	}
	p->len = p->segment;
}

/* Ends the open segment: empty ones and "." go, ".." takes one back, others get their slash unless the path ends. */
static void close_segment(struct path *p, bool slash)
{
	bool fits = p->lost == 0 && p->open_len + (slash ? 1 : 0) <= SL_PATH_MAX - p->segment;
	if (p->open_len == 0 || (p->open_dots && p->open_len == 1)) {
		p->len = p->segment;
	} else if (p->open_dots && p->open_len == 2) {
		pop_segment(p);
	} else if (!fits) {
		p->lost++;
		p->len = p->segment;
	} else if (slash) {
		p->out[p->len++] = '/';
		p->segment = p->len;
	}
	p->open_len = 0;
	p->open_dots = true;
}

/* A query counts as a whole only (NE-URL-35): one that does not fit goes. The slash before it makes no difference to a
 * server, and none to us (NE-URL-32 has both forms); that of the root stays, since a path starts with one. */
static bool put_query(struct path *p, struct sl_cur *c)
{
	if (!sl_cur_more(c) || p->lost > 0)
		return p->lost > 0; /* an empty query is none */
	size_t start = p->len > 1 && p->out[p->len - 1] == '/' ? p->len - 1 : p->len, n = start;
	struct piece piece = { .raw = SL_BYTES_LIT("?") };
	for (;; piece = next_piece(c, QUERY, QUERY)) {
		struct sl_bytes text = piece_text(&piece);
		if (text.len > SL_PATH_MAX - n) {
			p->len = start;
			return true;
		}
		memcpy(&p->out[n], text.p, text.len);
		n += text.len;
		if (!sl_cur_more(c))
			break;
	}
	p->len = n;
	return false;
}

/* Returns whether something was cut off. */
static bool canon_path(struct sl_bytes in, char out[SL_PATH_MAX + 1], uint16_t *len)
{
	in = sl_bytes_first(in, sl_bytes_find(in, '#'));
	size_t query = sl_bytes_find(in, '?');
	struct sl_cur path = sl_cur_whole(sl_bytes_first(in, query));
	struct sl_cur rest = sl_cur_whole(sl_bytes_skip(in, query + 1));
	struct path p = { out, 1, 1, 0, true, 0 };

	out[0] = '/';
	while (sl_cur_more(&path)) {
		struct piece piece = next_piece(&path, SEGMENT, PATH);
		struct sl_bytes text = piece_text(&piece);
		if (text.p[0] == '/')
			close_segment(&p, true);
		else
			put_piece(&p, text);
	}
	close_segment(&p, false);
	bool cut = put_query(&p, &rest);
	out[p.len] = '\0';
	*len = (uint16_t)p.len;
	return cut;
}

void sl_path_canon(struct sl_bytes in, char out[SL_PATH_MAX + 1], uint16_t *len)
{
	(void)canon_path(in, out, len);
}

static bool is_scheme_byte(uint8_t c)
{
	uint8_t lower = sl_ascii_lower(c);
	return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
}

/* Takes "scheme://", or the "//" of a reference without one, off the head. */
static bool take_scheme(struct sl_bytes *in, struct sl_bytes *scheme)
{
	static const struct sl_bytes slashes = SL_BYTES_LIT("//");
	size_t n = 0;
	while (n < in->len && is_scheme_byte(in->p[n]))
		n++;
	struct sl_bytes rest = sl_bytes_skip(*in, n);
	*scheme = (struct sl_bytes){ NULL, 0 };
	if (n > 0 && (rest.len == 0 || rest.p[0] != ':'))
		return false;
	rest = sl_bytes_skip(rest, n > 0 ? 1 : 0);
	if (!sl_bytes_equal(sl_bytes_first(rest, 2), slashes))
		return false;
	if (n > 0)
		*scheme = sl_bytes_first(*in, n);
	*in = sl_bytes_skip(rest, 2);
	return true;
}

static struct sl_bytes take_authority(struct sl_bytes *in)
{
	size_t n = 0;
	while (n < in->len && in->p[n] != '/' && in->p[n] != '?' && in->p[n] != '#')
		n++;
	struct sl_bytes authority = sl_bytes_first(*in, n);
	*in = sl_bytes_skip(*in, n);
	return authority;
}

/* Userinfo ends at the last "@". */
static struct sl_bytes skip_userinfo(struct sl_bytes authority)
{
	for (size_t at = sl_bytes_find(authority, '@'); at < authority.len;
	     at = sl_bytes_find(authority, '@'))
		authority = sl_bytes_skip(authority, at + 1);
	return authority;
}

/* An empty port is none (RFC 3986 §3.2.3), but without a scheme it is more likely a scheme that lost its slashes. */
static int read_port(struct sl_bytes text, bool scheme, uint16_t *port)
{
	uint32_t value = 0;
	if (text.len == 0)
		return scheme ? SL_OK : SL_EMALF;
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return SL_EMALF;
		value = value * 10 + (text.p[i] - '0');
		if (value > UINT16_MAX)
			return SL_EMALF;
	}
	*port = (uint16_t)value;
	return value == 0 ? SL_EMALF : SL_OK; /* nothing listens there, and 0 stands for "none" */
}

/* host [":" port]; an IPv6 literal may stand without brackets where no port follows. */
static int read_authority(struct sl_bytes text, bool scheme, struct sl_url_parts *out)
{
	size_t from = text.len > 0 && text.p[0] == '[' ? sl_bytes_find(text, ']') : 0;
	struct sl_bytes tail = sl_bytes_skip(text, from);
	size_t colon = sl_bytes_find(tail, ':');
	struct sl_bytes port = sl_bytes_skip(tail, colon + 1);
	int err = SL_OK;
	if (colon < tail.len && sl_bytes_find(port, ':') == port.len) {
		err = read_port(port, scheme, &out->port);
		text = sl_bytes_first(text, from + colon);
	}
	return err != SL_OK ? err : sl_host_canon(text, &out->host);
}

int sl_url_split(struct sl_bytes in, struct sl_url_parts *out)
{
	in = sl_bytes_trim(in);
	bool scheme = take_scheme(&in, &out->scheme);
	struct sl_bytes authority = take_authority(&in);
	out->port = 0;
	out->tail = in;
	if (sl_bytes_find(authority, '\\') < authority.len)
		return SL_EMALF; /* browsers and RFC 3986 disagree about where the host would end */
	return read_authority(skip_userinfo(authority), scheme, out);
}

int sl_url_canon(struct sl_bytes in, struct sl_url *out)
{
	struct sl_url_parts parts;
	int err = sl_url_split(in, &parts);
	if (err != SL_OK)
		return err;
	out->host = parts.host;
	out->port = parts.port;
	out->cut = canon_path(parts.tail, out->path, &out->path_len);
	out->has_path = out->path_len > 1;
	return SL_OK;
}
