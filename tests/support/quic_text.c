/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/support/quic_text.h"

#include <nettle/gcm.h>
#include <nettle/hkdf.h>
#include <nettle/hmac.h>
#include <stdlib.h>

#include "filter/quic_version.h"

enum { TAG = 16, CID = 8, FULL = 1200 };

struct packet {
	char kind;
	const struct sl_quic_version *version;
	uint32_t number, plain_version;
	size_t number_len;
	uint8_t dcid[CID], keys_of[CID];
	size_t dcid_len;
	bool keys_given, token, bad_tag, no_fixed, pad;
	uint8_t frames[65536];
	struct sl_out f;
};

static void need(bool ok, const char *text)
{
	if (ok)
		return;
	(void)fprintf(stderr, "quic_text: %s\n", text);
	abort();
}

/* ---- hellos ---- */

static void extension(struct sl_out *to, uint16_t type, const void *p, size_t n)
{
	sl_out_u16(to, type);
	sl_out_u16(to, (uint16_t)n);
	sl_out_bytes(to, p, n);
}

static void server_name(struct sl_out *to, const char *sni)
{
	uint8_t mem[512];
	struct sl_out e = sl_out_of(mem, sizeof(mem));
	sl_out_u16(&e, (uint16_t)(strlen(sni) + 3));
	sl_out_u8(&e, 0);
	sl_out_u16(&e, (uint16_t)strlen(sni));
	sl_out_str(&e, sni);
	extension(to, 0, e.p, e.len);
}

void quic_text_hello(const char *sni, size_t len, struct sl_out *to)
{
	static uint8_t body[65536], exts[65536];
	static const uint8_t zeros[65536];
	struct sl_out b = sl_out_of(body, sizeof(body)), e = sl_out_of(exts, sizeof(exts));
	sl_out_u16(&b, 0x0303);
	for (uint8_t i = 0; i < 32; i++)
		sl_out_u8(&b, (uint8_t)(0x80 + i));
	sl_out_u8(&b, 0);
	sl_out_bytes(&b, "\0\2\x13\x01\1\0", 6);
	if (sni != NULL)
		server_name(&e, sni);
	extension(&e, 16, "\0\3\2h3", 5);
	extension(&e, 43, "\2\3\4", 3);
	size_t now = 4 + b.len + 2 + e.len;
	if (now + 4 < len)
		extension(&e, 21, zeros, len - now - 4);
	sl_out_u16(&b, (uint16_t)e.len);
	sl_out_bytes(&b, e.p, e.len);
	sl_out_u8(to, 1);
	sl_out_u8(to, (uint8_t)(b.len >> 16));
	sl_out_u16(to, (uint16_t)b.len);
	sl_out_bytes(to, b.p, b.len);
	need(!to->overflow, "hello");
}

static void le32(struct sl_out *to, uint32_t v)
{
	sl_out_u32(to, __builtin_bswap32(v));
}

void quic_text_chlo(const char *sni, struct sl_out *to)
{
	uint32_t n = (uint32_t)strlen(sni);
	sl_out_bytes(to, "CHLO\3\0\0\0", 8);
	sl_out_bytes(to, "PAD\0", 4);
	le32(to, 40);
	sl_out_bytes(to, "SNI\0", 4);
	le32(to, 40 + n);
	sl_out_bytes(to, "VER\0", 4);
	le32(to, 44 + n);
	for (int i = 0; i < 40; i++)
		sl_out_u8(to, '-');
	sl_out_str(to, sni);
	sl_out_str(to, "Q046");
}

/* ---- keys ---- */

static void expand_label(const uint8_t secret[32], const char *label, uint8_t *out, size_t n)
{
	uint8_t mem[64];
	struct sl_out info = sl_out_of(mem, sizeof(mem));
	struct hmac_sha256_ctx h;
	sl_out_u16(&info, (uint16_t)n);
	sl_out_u8(&info, (uint8_t)(6 + strlen(label)));
	sl_out_str(&info, "tls13 ");
	sl_out_str(&info, label);
	sl_out_u8(&info, 0);
	hmac_sha256_set_key(&h, 32, secret);
	hkdf_expand(&h, (nettle_hash_update_func *)hmac_sha256_update,
	            (nettle_hash_digest_func *)hmac_sha256_digest, SHA256_DIGEST_SIZE, info.len, info.p, n,
	            out);
}

static void derive(const struct sl_quic_version *v, const uint8_t *cid, size_t cid_len, uint8_t key[16],
                   uint8_t iv[12], uint8_t hp[16])
{
	uint8_t prk[32], secret[32];
	struct hmac_sha256_ctx h;
	hmac_sha256_set_key(&h, SL_QUIC_SALT, v->salt);
	hkdf_extract(&h, (nettle_hash_update_func *)hmac_sha256_update,
	             (nettle_hash_digest_func *)hmac_sha256_digest, SHA256_DIGEST_SIZE, cid_len, cid, prk);
	expand_label(prk, "client in", secret, sizeof(secret));
	expand_label(secret, v->v2 ? "quicv2 key" : "quic key", key, 16);
	expand_label(secret, v->v2 ? "quicv2 iv" : "quic iv", iv, 12);
	expand_label(secret, v->v2 ? "quicv2 hp" : "quic hp", hp, 16);
}

/* ---- packets ---- */

static uint8_t first_byte(const struct packet *p, unsigned type)
{
	unsigned bits = p->version->v2 ? (type + 1) & 3 : type;
	return (uint8_t)(0x80U | (p->no_fixed ? 0U : 0x40U) | bits << 4 | (p->number_len - 1));
}

static void header(const struct packet *p, unsigned type, struct sl_out *to)
{
	sl_out_u8(to, first_byte(p, type));
	sl_out_u32(to, p->plain_version != 0 ? p->plain_version : p->version->number);
	sl_out_u8(to, (uint8_t)p->dcid_len);
	sl_out_bytes(to, p->dcid, p->dcid_len);
	sl_out_bytes(to, "\4src.", 5);
}

static void seal(struct packet *p, struct sl_out *to)
{
	size_t start = to->len;
	header(p, SL_QUIC_INITIAL, to);
	sl_out_str(to, p->token ? "\x07token.." : "");
	if (!p->token)
		sl_out_u8(to, 0);
	size_t fixed = to->len + 2 + p->number_len + TAG;
	while (p->f.len + p->number_len < 4 || (p->pad && fixed + p->f.len < FULL))
		sl_out_u8(&p->f, 0);
	sl_out_u16(to, (uint16_t)(0x4000 | (p->number_len + p->f.len + TAG)));
	size_t number_at = to->len;
	for (size_t i = p->number_len; i-- > 0;)
		sl_out_u8(to, (uint8_t)(p->number >> (8 * i)));

	uint8_t key[16], iv[12], hp[16], mask[16], tag[TAG];
	struct gcm_aes128_ctx gcm;
	struct aes128_ctx aes;
	if (p->keys_given)
		derive(p->version, p->keys_of, CID, key, iv, hp);
	else
		derive(p->version, p->dcid, p->dcid_len, key, iv, hp);
	for (size_t i = 0; i < 4; i++)
		iv[11 - i] ^= (uint8_t)(p->number >> (8 * i));
	gcm_aes128_set_key(&gcm, key);
	gcm_aes128_set_iv(&gcm, sizeof(iv), iv);
	gcm_aes128_update(&gcm, to->len - start, to->p + start);
	gcm_aes128_encrypt(&gcm, p->f.len, p->f.p, p->f.p);
	gcm_aes128_digest(&gcm, TAG, tag);
	tag[TAG - 1] ^= p->bad_tag ? 1 : 0;
	sl_out_bytes(to, p->f.p, p->f.len);
	sl_out_bytes(to, tag, TAG);

	aes128_set_encrypt_key(&aes, hp);
	aes128_encrypt(&aes, 16, mask, to->p + number_at + 4);
	to->p[start] ^= mask[0] & 0x0f;
	for (size_t i = 0; i < p->number_len; i++)
		to->p[number_at + i] ^= mask[1 + i];
}

static void other(const struct packet *p, struct sl_out *to)
{
	static const char garbage[] = "\x17 garbage, 20 bytes";
	switch (p->kind) {
	case 'Z':
	case 'H':
		header(p, p->kind == 'Z' ? SL_QUIC_0RTT : SL_QUIC_HANDSHAKE, to);
		sl_out_u8(to, 30);
		for (int i = 0; i < 30; i++)
			sl_out_u8(to, (uint8_t)(i * 37));
		break;
	case 'R':
		header(p, SL_QUIC_RETRY, to);
		sl_out_str(to, "a token of a Retry, and its tag: 0123456789abcdef");
		break;
	case 'V':
		header(p, SL_QUIC_INITIAL, to);
		memset(to->p + to->len - 5 - p->dcid_len - 5, 0, 4);
		sl_out_bytes(to, "\0\0\0\1\x6b\x33\x43\xcf", 8);
		break;
	case 'S':
		sl_out_u8(to, 0x41);
		sl_out_bytes(to, p->dcid, p->dcid_len);
		for (int i = 0; i < 30; i++)
			sl_out_u8(to, (uint8_t)(i * 91));
		break;
	case 'O':
		for (int i = 0; i < 20; i++)
			sl_out_u8(to, 0);
		break;
	case 'G':
		sl_out_bytes(to, garbage, sizeof(garbage));
		break;
	default:
		need(false, "a packet of no kind");
	}
}

static void finish(struct packet *p, struct sl_out *to)
{
	if (p->kind == 'I')
		seal(p, to);
	else if (p->kind != 0)
		other(p, to);
	need(!to->overflow && !p->f.overflow, "too much");
}

/* ---- the text ---- */

static void varint(struct sl_out *to, size_t v)
{
	if (v < 0x40)
		sl_out_u8(to, (uint8_t)v);
	else
		sl_out_u32(to, (uint32_t)v | 0x80000000U);
}

/* "A-B" */
static void crypto(struct packet *p, const char *t, struct sl_bytes of)
{
	char *end = NULL;
	size_t from = strtoul(t, &end, 10), to = of.len;
	need(*end == '-', t);
	if (end[1] >= '0' && end[1] <= '9')
		to = strtoul(end + 1, NULL, 10);
	need(from <= to && to <= of.len, t);
	sl_out_u8(&p->f, p->version->google ? 8 : 6);
	varint(&p->f, from);
	varint(&p->f, to - from);
	sl_out_bytes(&p->f, of.p + from, to - from);
}

static bool frame(struct packet *p, const char *t, struct sl_bytes first, struct sl_bytes second)
{
	static const struct {
		char letter;
		struct sl_bytes bytes;
	} plain[] = {
		{ '0', SL_BYTES_LIT("\0") },
		{ 'g', SL_BYTES_LIT("\1") },
		{ 'a', SL_BYTES_LIT("\2\x40\x90\0\2\1\1\1\2\3") },
		{ 'e', SL_BYTES_LIT("\3\1\0\0\1\1\2\3") },
		{ 'q', SL_BYTES_LIT("\x1c\x0a\0\4oops") },
		{ 's', SL_BYTES_LIT("\x08\1x") },
		{ 'b', SL_BYTES_LIT("\6\0\4\2\0\0\0") },
		{ 'w', SL_BYTES_LIT("\6\0\x80\0\xff\0") },
	};
	if (*t == 'c' || *t == 'C') {
		crypto(p, t + 1, *t == 'c' ? first : second);
		return true;
	}
	for (size_t i = 0; i < SL_COUNT(plain); i++) {
		if (plain[i].letter != *t)
			continue;
		sl_out_bytes(&p->f, plain[i].bytes.p, plain[i].bytes.len);
		return true;
	}
	return false;
}

static void version(struct packet *p, const char *t)
{
	uint32_t n = (uint32_t)strtoul(t, NULL, 10);
	if (*t == 'Q' || *t == 'T')
		n = (uint32_t)t[0] << 24 | (uint32_t)t[1] << 16 | (uint32_t)t[2] << 8 | (uint8_t)t[3];
	else if (*t == '?')
		p->plain_version = 0x1a2a3a4a;
	else if (*t == '!')
		p->plain_version = 0x709a50c4;
	else if (n == 2)
		n = SL_QUIC_V2;
	else if (n > 2)
		n |= 0xff000000;
	if (p->plain_version == 0)
		p->version = sl_quic_version_of(n);
	need(p->version != NULL, t);
}

static void modify(struct packet *p, const char *t)
{
	switch (*t) {
	case 'd':
		p->dcid_len = t[1] == '-' ? 0 : CID;
		memset(p->dcid, t[1], CID);
		break;
	case 'k':
		memset(p->keys_of, t[1], CID);
		p->keys_given = true;
		break;
	case 'v':
		version(p, t + 1);
		break;
	case 'n':
		p->number = (uint32_t)strtoul(t + 1, NULL, 0);
		p->number_len = t[1] == '0' && t[2] == 'x' ? 4 : 1;
		break;
	case 't':
		p->token = true;
		break;
	case 'x':
		p->bad_tag = true;
		break;
	case 'f':
		p->no_fixed = true;
		break;
	case 'p':
		p->pad = true;
		break;
	default:
		need(false, t);
	}
}

static void begin(struct packet *p, char kind)
{
	p->kind = kind;
	p->version = sl_quic_version_of(SL_QUIC_V1);
	p->plain_version = p->number = 0;
	p->number_len = 1;
	p->dcid_len = CID;
	memset(p->dcid, 'A', CID);
	p->keys_given = p->token = p->bad_tag = p->no_fixed = p->pad = false;
	p->f = sl_out_of(p->frames, sizeof(p->frames));
}

void quic_text(const char *text, struct sl_bytes first, struct sl_bytes second, struct sl_out *to)
{
	static struct packet p;
	size_t less = 0;
	p.kind = 0;
	for (const char *t = text; *t != '\0'; t += strcspn(t, " "), t += strspn(t, " ")) {
		if (*t == 'l') {
			less = strtoul(t + 1, NULL, 10);
		} else if (strchr("IZHSRVOG", *t) != NULL) {
			finish(&p, to);
			begin(&p, *t);
		} else if (!frame(&p, t, first, second)) {
			modify(&p, t);
		}
	}
	finish(&p, to);
	need(less <= to->len, text);
	to->len -= less;
}
