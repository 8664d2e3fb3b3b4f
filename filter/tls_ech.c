/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/tls_ech.h"

#include "base/cur.h"

enum { TYPE_OUTER = 0, TYPE_INNER = 1 };
/* HPKE's registries: HKDF with SHA-256 to SHA-512, then SHAKE and TurboSHAKE; AES-128-GCM, AES-256-GCM, ChaCha20-Poly1305.
 * All three seal with a tag of 16 bytes. */
enum { KDF_FIRST = 0x0001, KDF_LAST = 0x0013, AEAD_FIRST = 0x0001, AEAD_LAST = 0x0003, TAG = 16 };
/* The shortest hello inside: version, random, no session id, one suite, one compression method, and the extensions that
 * say that it is the inner one and that it offers TLS 1.3 (RFC 9849 §5.1). */
enum { INNER_MIN = 2 + 32 + 1 + 4 + 2 + 2 + 5 + 7 };
/* The shortest key that any KEM encapsulates (X25519, RFC 9180 §7.1); none at all after a HelloRetryRequest (§6.1.5). */
enum { ENC_MIN = 32 };

const char *sl_ech_kind_name(enum sl_ech_kind kind)
{
	static const char *const name[] = {
		[SL_ECH_NONE] = "none",
		[SL_ECH_OUTER] = "outer",
		[SL_ECH_GREASE] = "grease",
		[SL_ECH_INNER] = "inner",
	};
	return name[kind];
}

static bool may_be_opened(const struct sl_tls_ech *ech)
{
	return ech->kdf >= KDF_FIRST && ech->kdf <= KDF_LAST && ech->aead >= AEAD_FIRST &&
	       ech->aead <= AEAD_LAST && (ech->enc_len == 0 || ech->enc_len >= ENC_MIN) &&
	       ech->payload_len >= INNER_MIN + TAG;
}

struct sl_tls_ech sl_tls_ech_read(struct sl_bytes ext)
{
	struct sl_cur c = sl_cur_whole(ext);
	struct sl_tls_ech ech = { .kind = SL_ECH_GREASE };
	uint8_t type = sl_cur_u8(&c);
	if (c.err == SL_OK && type == TYPE_INNER && c.left == 0)
		ech.kind = SL_ECH_INNER;
	if (c.err != SL_OK || type != TYPE_OUTER)
		return ech;
	ech.kdf = sl_cur_u16(&c);
	ech.aead = sl_cur_u16(&c);
	ech.config_id = sl_cur_u8(&c);
	ech.enc_len = (uint16_t)sl_cur_bytes(&c, sl_cur_u16(&c)).len;
	ech.payload_len = (uint16_t)sl_cur_bytes(&c, sl_cur_u16(&c)).len;
	if (sl_cur_end(&c) != SL_OK)
		return (struct sl_tls_ech){ .kind = SL_ECH_GREASE };
	if (may_be_opened(&ech))
		ech.kind = SL_ECH_OUTER;
	return ech;
}

uint8_t sl_tls_ech_kind_in(const struct sl_tls_ech *ech, bool offers_13, bool named)
{
	return ech->kind == SL_ECH_OUTER && !(offers_13 && named) ? (uint8_t)SL_ECH_GREASE : ech->kind;
}
