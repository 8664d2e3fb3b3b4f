/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/sniff_tls.h"

#include "base/cur.h"
#include "base/out.h"
#include "base/util.h"

/* Record content types (RFC 8446 §5.1; heartbeat: RFC 6520 §2). */
enum { RECORD_CCS = 20, RECORD_ALERT = 21, RECORD_HANDSHAKE = 22, RECORD_DATA = 23, RECORD_HEARTBEAT = 24 };
enum { RECORD_MAJOR = 3, RECORD_PLAIN_MAX = 1 << 14, RECORD_CIPHER_MAX = (1 << 14) + 2048 };
enum { HANDSHAKE_CLIENT_HELLO = 1, HANDSHAKE_HEADER = 4, SESSION_ID_MAX = 32 };
enum { EXT_SERVER_NAME = 0, EXT_ALPN = 16, EXT_SUPPORTED_VERSIONS = 43, EXT_ECH = 0xfe0d };
enum { NAME_HOST = 0 };
enum {
	V2_LONG = 0x80,
	V2_HELLO = 1,
	V2_HEAD = 9,
	V2_CIPHER = 3,
	V2_SESSION = 16,
	V2_CHALLENGE = 32,
	SSL_2 = 2
};
enum { TLS_1_3 = 0x0304, DTLS_1_3 = 0xfefc, DTLS_MAJOR = 0xfe };

/* One record of which a part may still be missing. */
struct record {
	struct sl_bytes fragment; /* what is there of it */
	size_t len;               /* what there will be */
};

/* What cannot be a record at all is another protocol at the head of the stream, and broken TLS after it: a
 * handshake message may not be interleaved with other types (RFC 8446 §5.1). An empty handshake record is
 * forbidden there too, but servers read over it, so that refusing it would let a blocked name through unread;
 * it is an empty fragment here. */
static int read_record(struct sl_cur *c, bool first, struct record *out)
{
	int alien = first ? SL_EPROTO : SL_EMALF;
	if (sl_cur_u8(c) != RECORD_HANDSHAKE)
		sl_cur_fail(c, alien);
	if (sl_cur_u8(c) != RECORD_MAJOR)
		sl_cur_fail(c, alien);
	sl_cur_skip(c, 1); /* clients write 1, OpenSSL takes any (RFC 8446 appendix D: MUST be ignored) */
	size_t len = sl_cur_u16(c);
	if (len > RECORD_PLAIN_MAX)
		sl_cur_fail(c, SL_EMALF);
	if (c->err != SL_OK)
		return c->err;
	out->len = len;
	out->fragment = sl_cur_bytes(c, sl_min(len, c->left));
	return SL_OK;
}

/* Copies the first `want` bytes of the handshake stream, over as many records as they need. What was there
 * before an error, or before the end of the bytes, stands in `to`. */
static int join(struct sl_bytes stream, size_t want, struct sl_out *to)
{
	struct sl_cur c = sl_cur_stream(stream);
	for (bool first = true; to->len < want; first = false) {
		struct record r;
		int err = read_record(&c, first, &r);
		if (err != SL_OK)
			return err;
		struct sl_bytes part = sl_bytes_first(r.fragment, want - to->len);
		sl_out_bytes(to, part.p, part.len);
		if (to->len < want && r.fragment.len < r.len)
			return SL_EMORE;
	}
	return SL_OK;
}

static int first_filled_record(struct sl_bytes stream, struct record *out)
{
	struct sl_cur c = sl_cur_stream(stream);
	int err = read_record(&c, true, out);
	while (err == SL_OK && out->len == 0)
		err = read_record(&c, false, out);
	return err;
}

/* ServerNameList, RFC 6066 §3: the first host_name counts, other name types are skipped. An extension with
 * nothing in it, and an empty name, say nothing. */
static int read_server_name(struct sl_cur ext, struct sl_bytes *sni)
{
	if (ext.err == SL_OK && ext.left == 0)
		return SL_OK;
	struct sl_cur list = sl_cur_block(&ext, sl_cur_u16(&ext));
	while (sl_cur_more(&list)) {
		uint8_t type = sl_cur_u8(&list);
		struct sl_bytes name = sl_cur_bytes(&list, sl_cur_u16(&list));
		if (type == NAME_HOST && sni->p == NULL && name.len > 0)
			*sni = name;
	}
	return list.err != SL_OK ? list.err : sl_cur_end(&ext);
}

/* ProtocolNameList, RFC 7301 §3.1: neither the list nor a name in it is empty. */
static struct sl_bytes read_alpn(struct sl_cur ext)
{
	struct sl_bytes all = sl_cur_bytes(&ext, sl_cur_u16(&ext));
	struct sl_cur list = sl_cur_whole(all);
	while (sl_cur_more(&list))
		if (sl_cur_bytes(&list, sl_cur_u8(&list)).len == 0)
			sl_cur_fail(&list, SL_EMALF);
	if (sl_cur_end(&ext) != SL_OK || list.err != SL_OK || all.len == 0)
		return (struct sl_bytes){ NULL, 0 };
	return all;
}

/* SupportedVersions, RFC 8446 §4.2.1. A numbered version beats a draft or private one, as it does at every
 * server. */
static uint16_t read_versions(struct sl_cur ext, uint16_t legacy)
{
	uint16_t best = 0, other = 0;
	struct sl_cur list = sl_cur_block(&ext, sl_cur_u8(&ext));
	while (sl_cur_more(&list)) {
		uint16_t v = sl_cur_u16(&list);
		bool grease = (v & 0x0f0f) == 0x0a0a && v >> 8 == (v & 0xff);
		bool better = v >> 8 == RECORD_MAJOR ? v > best : v <= legacy && (best == 0 || v < best);
		if ((v >> 8 == RECORD_MAJOR || v >> 8 == DTLS_MAJOR) && better)
			best = v;
		else if (!grease && v > other)
			other = v;
	}
	if (list.err != SL_OK || sl_cur_end(&ext) != SL_OK)
		return legacy;
	return best != 0 ? best : other != 0 ? other : legacy;
}

/* An extension that a server may not know, and then does not read, cannot break the hello: a broken one is as
 * absent. The name is what we came for: a broken server_name, or a second one (RFC 8446 §4.2), is refused. */
static int read_extensions(struct sl_cur c, struct sl_tls_hello *h)
{
	bool named = false;
	while (sl_cur_more(&c)) {
		uint16_t type = sl_cur_u16(&c);
		struct sl_cur ext = sl_cur_block(&c, sl_cur_u16(&c));
		if (ext.err != SL_OK)
			return ext.err;
		if (type == EXT_SERVER_NAME) {
			int err = named ? SL_EMALF : read_server_name(ext, &h->sni);
			if (err != SL_OK)
				return err;
			named = true;
		} else if (type == EXT_ALPN && h->alpn.p == NULL) {
			h->alpn = read_alpn(ext);
		} else if (type == EXT_SUPPORTED_VERSIONS) {
			h->version = read_versions(ext, h->version);
		} else if (type == EXT_ECH) {
			if (h->ech.kind == SL_ECH_NONE)
				h->ech = sl_tls_ech_read(sl_cur_rest(&ext));
		}
	}
	return c.err;
}

/* A vector of the hello of which `missing` bytes are still to come: one that cannot end within it is a lie,
 * known early. */
static struct sl_cur vector(struct sl_cur *c, size_t missing, size_t n)
{
	if (n > c->left + missing)
		sl_cur_fail(c, SL_EMALF);
	return sl_cur_block(c, n);
}

/* ClientHello, RFC 8446 §4.1.2 and RFC 5246 §7.4.1.2; hellos before extensions end after the compression
 * methods. */
static int read_hello(struct sl_bytes body, size_t missing, bool dtls, struct sl_tls_hello *out)
{
	struct sl_tls_hello h = { 0 };
	struct sl_cur c = missing > 0 ? sl_cur_stream(body) : sl_cur_whole(body);
	h.version = sl_cur_u16(&c);
	(void)vector(&c, missing, 32); /* random */
	size_t n = sl_cur_u8(&c);
	if (n > SESSION_ID_MAX)
		sl_cur_fail(&c, SL_EMALF);
	(void)vector(&c, missing, n);
	if (dtls)
		(void)vector(&c, missing, sl_cur_u8(&c)); /* cookie */
	n = sl_cur_u16(&c);
	if (n == 0 || n % 2 != 0) /* cipher suites */
		sl_cur_fail(&c, SL_EMALF);
	(void)vector(&c, missing, n);
	n = sl_cur_u8(&c);
	if (n == 0) /* compression methods */
		sl_cur_fail(&c, SL_EMALF);
	(void)vector(&c, missing, n);
	if (c.err == SL_OK && (c.left > 0 || missing > 0)) {
		struct sl_cur ext = vector(&c, missing, sl_cur_u16(&c));
		if (c.err == SL_OK && (c.left > 0 || missing > 0))
			sl_cur_fail(&c, SL_EMALF);
		else if (c.err == SL_OK)
			sl_cur_fail(&c, read_extensions(ext, &h));
	}
	if (c.err != SL_OK)
		return c.err;
	h.ech.kind = sl_tls_ech_kind_in(&h.ech, dtls ? h.version == DTLS_1_3 : h.version >= TLS_1_3,
	                                h.sni.p != NULL);
	*out = h;
	return SL_OK;
}

static int read_joined(struct sl_bytes stream, size_t len, struct sl_arena *scratch, struct sl_tls_hello *out)
{
	struct sl_arena before = *scratch;
	void *mem = sl_arena_get(scratch, len);
	struct sl_out to = sl_out_of(mem, len);
	int err = mem == NULL ? SL_ELIMIT : join(stream, len, &to);
	if (mem != NULL) {
		struct sl_bytes body = sl_bytes_skip((struct sl_bytes){ to.p, to.len }, HANDSHAKE_HEADER);
		int body_err = read_hello(body, len - to.len, false, out);
		err = err == SL_OK || body_err == SL_EMALF ? body_err : err;
	}
	if (err != SL_OK)
		*scratch = before;
	return err;
}

/* What a hello of SSL 2.0 has in its head, if it is one. */
static bool is_v2_head(struct sl_cur *c, uint16_t len, uint16_t version)
{
	uint16_t ciphers = sl_cur_u16(c), session = sl_cur_u16(c), challenge = sl_cur_u16(c);
	return c->err != SL_OK ||
	       (ciphers > 0 && ciphers % V2_CIPHER == 0 && (session == 0 || session == V2_SESSION) &&
	        challenge >= V2_CHALLENGE / 2 && challenge <= V2_CHALLENGE &&
	        V2_HEAD + ciphers + session + challenge == len &&
	        (version >> 8 == RECORD_MAJOR || version == SSL_2));
}

/* The hello of SSL 2.0, by which old clients ask for TLS (RFC 5246 appendix E.2): it has no extensions, and so no name. */
static int read_v2_hello(struct sl_bytes stream, struct sl_tls_hello *out)
{
	if (stream.len == 0 || (stream.p[0] & V2_LONG) == 0)
		return SL_EPROTO;
	struct sl_cur c = sl_cur_stream(stream);
	uint16_t len = sl_cur_u16(&c) & 0x7fff;
	uint8_t type = sl_cur_u8(&c);
	uint16_t version = sl_cur_u16(&c);
	if (stream.len > 2 && type != V2_HELLO)
		return SL_EPROTO;
	if (!is_v2_head(&c, len, version))
		return SL_EPROTO;
	if (c.err != SL_OK)
		return c.err;
	*out = (struct sl_tls_hello){ .version = version };
	return SL_OK;
}

int sl_tls_hello_read(struct sl_bytes stream, struct sl_arena *scratch, struct sl_tls_hello *out)
{
	struct record r;
	int err = first_filled_record(stream, &r);
	if (err == SL_EPROTO)
		return read_v2_hello(stream, out);
	if (err != SL_OK)
		return err;
	uint8_t head[HANDSHAKE_HEADER] = { 0 };
	struct sl_out to = sl_out_of(head, sizeof(head));
	err = join(stream, sizeof(head), &to);
	if (to.len > 0 && head[0] != HANDSHAKE_CLIENT_HELLO)
		return SL_EPROTO;
	if (err != SL_OK)
		return err;
	struct sl_cur c = sl_cur_whole((struct sl_bytes){ head + 1, 3 });
	size_t len = HANDSHAKE_HEADER + (size_t)sl_cur_u24(&c);
	if (len > r.len)
		return read_joined(stream, len, scratch, out);
	struct sl_bytes whole = sl_bytes_first(r.fragment, len);
	return read_hello(sl_bytes_skip(whole, HANDSHAKE_HEADER), len - whole.len, false, out);
}

int sl_tls_hello_read_bare(struct sl_bytes handshake, struct sl_tls_hello *out)
{
	struct sl_cur c = sl_cur_stream(handshake);
	if (sl_cur_u8(&c) != HANDSHAKE_CLIENT_HELLO)
		sl_cur_fail(&c, SL_EPROTO);
	size_t len = sl_cur_u24(&c);
	if (c.err != SL_OK)
		return c.err;
	struct sl_bytes body = sl_bytes_first(sl_cur_rest(&c), len);
	return read_hello(body, len - body.len, false, out);
}

int sl_dtls_hello_read_body(struct sl_bytes body, struct sl_tls_hello *out)
{
	return read_hello(body, 0, true, out);
}

bool sl_tls_is_later_record(struct sl_bytes stream)
{
	struct sl_cur c = sl_cur_whole(stream);
	uint8_t type = sl_cur_u8(&c);
	uint8_t major = sl_cur_u8(&c);
	sl_cur_skip(&c, 1);
	size_t len = sl_cur_u16(&c);
	if (c.err != SL_OK || major != RECORD_MAJOR || len == 0 || len > RECORD_CIPHER_MAX)
		return false;
	uint8_t message = sl_cur_u8(&c);
	switch (type) {
	case RECORD_CCS:
	case RECORD_ALERT:
	case RECORD_DATA:
	case RECORD_HEARTBEAT:
		return true;
	case RECORD_HANDSHAKE: /* a later message of the handshake, or an encrypted one */
		return c.err == SL_OK && message != HANDSHAKE_CLIENT_HELLO;
	default:
		return false;
	}
}
