/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/sniff_preface.h"

#include "base/cur.h"
#include "base/util.h"

enum {
	SOCKS4 = 4,
	SOCKS5 = 5,
	SOCKS_CONNECT = 1,
	SOCKS_NONE = 0,     /* no authentication */
	SOCKS_PASSWORD = 2, /* RFC 1929 */
	ATYP_IPV4 = 1,
	ATYP_NAME = 3,
	ATYP_IPV6 = 4,
	SOCKS_TEXT_MAX = 255, /* of SOCKS 4, which gives no bound */
	LINE_MAX_BYTES = 512, /* RFC 5321 §4.5.3.1.4, RFC 2449 §4; no line that starts a dialogue is longer */
};

/* ---- SOCKS ---- */

/* Text that ends in a NUL byte. */
static struct sl_bytes read_text(struct sl_cur *c)
{
	struct sl_bytes rest = { c->p, c->err == SL_OK ? c->left : 0 };
	size_t n = sl_bytes_find(rest, '\0');
	if (n > SOCKS_TEXT_MAX)
		sl_cur_fail(c, SL_EPROTO);
	struct sl_bytes text = sl_cur_bytes(c, n);
	sl_cur_skip(c, 1);
	return text;
}

/* Version 4: command, port, address, user; 4A: an address 0.0.0.x says that a name follows. */
static int read_socks4(struct sl_cur *c, struct sl_preface *p)
{
	uint8_t command = sl_cur_u8(c);
	p->port = sl_cur_u16(c);
	uint32_t address = sl_cur_u32(c);
	if (c->err == SL_OK && command != SOCKS_CONNECT)
		return SL_EPROTO;
	(void)read_text(c);
	if (address > 0 && address <= UINT8_MAX)
		p->host = read_text(c);
	return c->err;
}

static int read_password(struct sl_cur *c)
{
	if (sl_cur_u8(c) != 1 && c->err == SL_OK)
		return SL_EPROTO;
	sl_cur_skip(c, sl_cur_u8(c));
	sl_cur_skip(c, sl_cur_u8(c));
	return c->err;
}

static int read_address(struct sl_cur *c, struct sl_preface *p)
{
	switch (sl_cur_u8(c)) {
	case ATYP_IPV4:
		sl_cur_skip(c, 4);
		break;
	case ATYP_IPV6:
		sl_cur_skip(c, 16);
		break;
	case ATYP_NAME:
		p->host = sl_cur_bytes(c, sl_cur_u8(c));
		break;
	default:
		return c->err != SL_OK ? c->err : SL_EPROTO;
	}
	p->port = sl_cur_u16(c);
	return c->err;
}

/* Version 5: the methods offered, the password if one was asked for, and the request. Which method the server chose is not
 * seen; the byte after the greeting tells, as the version of the password's message is 1 and that of the request 5. */
static int read_socks5(struct sl_cur *c, struct sl_preface *p)
{
	struct sl_cur methods = sl_cur_block(c, sl_cur_u8(c));
	bool known = false;
	while (sl_cur_more(&methods)) {
		uint8_t method = sl_cur_u8(&methods);
		known = known || method == SOCKS_NONE || method == SOCKS_PASSWORD;
	}
	if (c->err == SL_OK && !known)
		return SL_EPROTO;
	struct sl_cur peek = *c;
	if (sl_cur_u8(&peek) == 1) {
		int err = read_password(c);
		if (err != SL_OK)
			return err;
	}
	uint8_t version = sl_cur_u8(c), command = sl_cur_u8(c);
	sl_cur_skip(c, 1);
	if (c->err != SL_OK)
		return c->err;
	return version == SOCKS5 && command == SOCKS_CONNECT ? read_address(c, p) : SL_EPROTO;
}

static int read_socks(struct sl_bytes stream, struct sl_preface *p)
{
	struct sl_cur c = sl_cur_stream(stream);
	uint8_t version = sl_cur_u8(&c);
	int err = version == SOCKS4 ? read_socks4(&c, p) : read_socks5(&c, p);
	p->kind = SL_PREFACE_SOCKS;
	p->len = stream.len - c.left;
	if (p->host.len == 0)
		p->host = (struct sl_bytes){ NULL, 0 };
	return err;
}

/* ---- requests of a few bytes ---- */

/* Is one of them at the head of stream? SL_EMORE where stream is a part of one. */
static int read_fixed(struct sl_bytes stream, struct sl_preface *p)
{
	static const struct sl_bytes fixed[] = {
		SL_BYTES_LIT("\0\0\0\x08\x04\xd2\x16\x2f"), /* PostgreSQL: SSLRequest */
	};
	for (size_t i = 0; i < SL_COUNT(fixed); i++) {
		size_t n = sl_min(stream.len, fixed[i].len);
		if (n == 0 || !sl_bytes_equal(sl_bytes_first(stream, n), sl_bytes_first(fixed[i], n)))
			continue;
		p->kind = SL_PREFACE_STARTTLS;
		p->len = n;
		return n == fixed[i].len ? SL_OK : SL_EMORE;
	}
	return SL_EPROTO;
}

/* LDAPMessage with an ExtendedRequest for StartTLS: the only long text in it is its OID. */
static int read_ldap(struct sl_bytes stream, struct sl_preface *p)
{
	static const struct sl_bytes oid = SL_BYTES_LIT("1.3.6.1.4.1.1466.20037");
	struct sl_cur c = sl_cur_stream(stream);
	uint8_t tag = sl_cur_u8(&c), len = sl_cur_u8(&c);
	if (c.err == SL_OK && (tag != 0x30 || len < oid.len || len > 0x7f))
		return SL_EPROTO;
	struct sl_bytes message = sl_cur_bytes(&c, len);
	if (c.err != SL_OK)
		return c.err;
	if (!sl_bytes_equal(sl_bytes_skip(message, message.len - oid.len), oid))
		return SL_EPROTO;
	p->kind = SL_PREFACE_STARTTLS;
	p->len = stream.len - c.left;
	return SL_OK;
}

/* ---- lines ---- */

static struct sl_bytes next_word(struct sl_bytes *line)
{
	size_t n = sl_bytes_find(*line, ' ');
	struct sl_bytes word = sl_bytes_first(*line, n);
	*line = sl_bytes_skip(*line, n + 1);
	return word;
}

static bool is_one_of(struct sl_bytes word, const struct sl_bytes *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (sl_bytes_equal_nocase(word, words[i]))
			return true;
	return false;
}

/* What a client says first, and nobody says in a protocol that cannot turn to TLS. */
static bool is_opening(struct sl_bytes word)
{
	static const struct sl_bytes words[] = {
		SL_BYTES_LIT("EHLO"),         SL_BYTES_LIT("HELO"),         SL_BYTES_LIT("LHLO"),
		SL_BYTES_LIT("CAPA"),         SL_BYTES_LIT("STLS"),         SL_BYTES_LIT("CAPABILITY"),
		SL_BYTES_LIT("STARTTLS"),     SL_BYTES_LIT("CAPABILITIES"), SL_BYTES_LIT("USER"),
		SL_BYTES_LIT("AUTH"),         SL_BYTES_LIT("FEAT"),         SL_BYTES_LIT("APOP"),
		SL_BYTES_LIT("MODE"),         SL_BYTES_LIT("LOGIN"),        SL_BYTES_LIT("ID"),
		SL_BYTES_LIT("AUTHENTICATE"),
	};
	return is_one_of(word, words, SL_COUNT(words));
}

static bool is_starttls(struct sl_bytes word, struct sl_bytes rest)
{
	static const struct sl_bytes words[] = { SL_BYTES_LIT("STARTTLS"), SL_BYTES_LIT("STLS") };
	static const struct sl_bytes modes[] = { SL_BYTES_LIT("TLS"), SL_BYTES_LIT("TLS-C"),
		                                 SL_BYTES_LIT("SSL") };
	if (sl_bytes_equal_nocase(
	            word, SL_BYTES_LIT("AUTH"))) /* FTP; of SMTP and POP3 it names another mechanism */
		return is_one_of(sl_bytes_trim(rest), modes, SL_COUNT(modes));
	return is_one_of(word, words, SL_COUNT(words)) && sl_bytes_trim(rest).len == 0;
}

/* "A1 STARTTLS" of IMAP has a tag before the command. */
static int read_words(struct sl_bytes line, bool in_dialogue, struct sl_preface *p)
{
	struct sl_bytes rest = sl_bytes_trim(line), first = next_word(&rest), after = rest;
	struct sl_bytes second = next_word(&after);
	bool tagged = second.len > 0 && is_opening(second) && !is_opening(first);
	if (!in_dialogue && !is_opening(first) && !tagged)
		return SL_EPROTO;
	bool turns = is_starttls(first, rest) || (tagged && is_starttls(second, after));
	p->kind = turns ? SL_PREFACE_STARTTLS : SL_PREFACE_DIALOGUE;
	return SL_OK;
}

static bool is_text(struct sl_bytes b)
{
	for (size_t i = 0; i < b.len; i++)
		if ((b.p[i] < ' ' && b.p[i] != '\t' && b.p[i] != '\r' && b.p[i] != '\n') || b.p[i] == 0x7f)
			return false;
	return true;
}

static int read_line(struct sl_bytes stream, bool in_dialogue, struct sl_preface *p)
{
	size_t n = sl_bytes_find(stream, '\n');
	struct sl_bytes line = sl_bytes_first(stream, n);
	if (!is_text(line) || n > LINE_MAX_BYTES)
		return SL_EPROTO;
	if (n == stream.len)
		return SL_EMORE;
	p->len = n + 1;
	if (line.len > 0 && line.p[line.len - 1] == '\r')
		line.len--;
	return read_words(line, in_dialogue, p);
}

/* ---- XMPP ---- */

/* An element at a time: the stream's header, then <starttls/>. */
static int read_xml(struct sl_bytes stream, struct sl_preface *p)
{
	static const struct sl_bytes starttls = SL_BYTES_LIT("<starttls");
	size_t n = sl_bytes_find(stream, '>');
	if (!is_text(sl_bytes_first(stream, n)) || n > (size_t)2 * LINE_MAX_BYTES)
		return SL_EPROTO;
	if (n == stream.len)
		return SL_EMORE;
	bool turns = sl_bytes_equal(sl_bytes_first(stream, starttls.len), starttls);
	p->kind = turns ? SL_PREFACE_STARTTLS : SL_PREFACE_DIALOGUE;
	p->len = n + 1;
	return SL_OK;
}

/* "<?xml" and "<stream:stream" only: other XML is some other protocol's. Which of them it is may not be known yet. */
static int read_stream_start(struct sl_bytes stream, struct sl_preface *p)
{
	static const struct sl_bytes starts[] = { SL_BYTES_LIT("<?xml"), SL_BYTES_LIT("<stream:stream") };
	for (size_t i = 0; i < SL_COUNT(starts); i++) {
		size_t n = sl_min(stream.len, starts[i].len);
		if (sl_bytes_equal(sl_bytes_first(stream, n), sl_bytes_first(starts[i], n)))
			return n < starts[i].len ? SL_EMORE : read_xml(stream, p);
	}
	return SL_EPROTO;
}

/* ---- all ---- */

static int read_any(struct sl_bytes stream, bool in_dialogue, struct sl_preface *p)
{
	switch (stream.p[0]) {
	case SOCKS4:
	case SOCKS5:
		return read_socks(stream, p);
	case '\0':
		return read_fixed(stream, p);
	case '0': /* of a tag of IMAP; or a SEQUENCE, of 29 or 30 bytes where it is what we look for */
		return stream.len == 1      ? SL_EMORE
		       : stream.p[1] >= ' ' ? read_line(stream, in_dialogue, p)
		                            : read_ldap(stream, p);
	case '<':
		return in_dialogue ? read_xml(stream, p) : read_stream_start(stream, p);
	default:
		return read_line(stream, in_dialogue, p);
	}
}

int sl_preface_read(struct sl_bytes stream, bool in_dialogue, struct sl_preface *out)
{
	struct sl_preface p = { 0 };
	if (stream.len == 0)
		return SL_EMORE;
	int err = read_any(stream, in_dialogue, &p);
	if (err == SL_OK)
		*out = p;
	return err;
}
