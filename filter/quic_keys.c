/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/quic_keys.h"

#include <nettle/gcm.h>
#include <nettle/hmac.h>

enum { SECRET = SHA256_DIGEST_SIZE, SAMPLE = 16, NUMBER_MAX = 4 };

/* HkdfLabel (RFC 8446 §7.1): length of the output, label, empty context; and the block counter of HKDF-Expand (RFC 5869
 * §2.3), which is 1, since no output is longer than a block. */
#define LABEL(len, text_len, text) SL_BYTES_LIT("\0" len text_len "tls13 " text "\0\1")

static void expand(struct hmac_sha256_ctx *secret, struct sl_bytes label, uint8_t *out, size_t n)
{
	hmac_sha256_update(secret, label.len, label.p);
	hmac_sha256_digest(secret, n, out);
}

void sl_quic_keys_client(const struct sl_quic_version *version, struct sl_bytes dcid,
                         struct sl_quic_keys *out)
{
	struct hmac_sha256_ctx hmac;
	uint8_t secret[SECRET];
	hmac_sha256_set_key(&hmac, SL_QUIC_SALT, version->salt);
	hmac_sha256_update(&hmac, dcid.len, dcid.p);
	hmac_sha256_digest(&hmac, sizeof(secret), secret);
	hmac_sha256_set_key(&hmac, sizeof(secret), secret);
	expand(&hmac, LABEL("\x20", "\x0f", "client in"), secret, sizeof(secret));
	hmac_sha256_set_key(&hmac, sizeof(secret), secret);
	expand(&hmac, version->v2 ? LABEL("\x10", "\x10", "quicv2 key") : LABEL("\x10", "\x0e", "quic key"),
	       out->key, sizeof(out->key));
	expand(&hmac, version->v2 ? LABEL("\x0c", "\x0f", "quicv2 iv") : LABEL("\x0c", "\x0d", "quic iv"),
	       out->iv, sizeof(out->iv));
	expand(&hmac, version->v2 ? LABEL("\x10", "\x0f", "quicv2 hp") : LABEL("\x10", "\x0d", "quic hp"),
	       out->hp, sizeof(out->hp));
}

/* The number that ends in `low` and is nearest to the expected one (RFC 9000 appendix A.3). */
static uint64_t whole_number(uint64_t expected, uint32_t low, size_t bytes)
{
	uint64_t win = UINT64_C(1) << (8 * bytes);
	uint64_t n = (expected & ~(win - 1)) | low;
	if (n + win / 2 <= expected && n < (UINT64_C(1) << 62) - win)
		return n + win;
	if (n > expected + win / 2 && n >= win)
		return n - win;
	return n;
}

/* The header without its protection (RFC 9001 §5.4). Returns the length of the packet number. */
static size_t uncover(const struct sl_quic_keys *keys, const struct sl_quic_packet *packet,
                      struct sl_bytes sample, struct sl_out *to, uint32_t *low)
{
	struct aes128_ctx aes;
	uint8_t mask[SAMPLE];
	aes128_set_encrypt_key(&aes, keys->hp);
	aes128_encrypt(&aes, SAMPLE, mask, sample.p);
	uint8_t first = packet->all.p[0] ^ (mask[0] & 0x0f);
	size_t n = (first & 3U) + 1U;
	struct sl_bytes middle = sl_bytes_skip(sl_bytes_first(packet->all, packet->number_at), 1);
	struct sl_bytes number = sl_bytes_skip(packet->all, packet->number_at);
	sl_out_u8(to, first);
	sl_out_bytes(to, middle.p, middle.len);
	*low = 0;
	for (size_t i = 0; i < n; i++) {
		uint8_t b = number.p[i] ^ mask[1 + i];
		sl_out_u8(to, b);
		*low = *low << 8 | b;
	}
	return n;
}

int sl_quic_open(const struct sl_quic_keys *keys, const struct sl_quic_packet *packet, uint64_t expected,
                 struct sl_out *to, struct sl_bytes *frames, uint64_t *number)
{
	struct sl_cur c = sl_cur_whole(sl_bytes_skip(packet->all, packet->number_at + NUMBER_MAX));
	struct sl_bytes sample = sl_cur_bytes(&c, SAMPLE);
	if (c.err != SL_OK || to->cap - to->len < packet->all.len)
		return SL_EMALF;
	uint32_t low;
	size_t start = to->len, bytes = uncover(keys, packet, sample, to, &low), header = to->len - start;
	uint64_t n = whole_number(expected, low, bytes);

	uint8_t nonce[GCM_IV_SIZE], tag[GCM_DIGEST_SIZE];
	memcpy(nonce, keys->iv, sizeof(nonce));
	for (size_t i = 0; i < sizeof(n); i++)
		nonce[sizeof(nonce) - 1 - i] ^= (uint8_t)(n >> (8 * i));
	struct sl_bytes sealed = sl_bytes_skip(packet->all, header);
	sealed.len -= GCM_DIGEST_SIZE; /* at least the sample, less what the number is shorter, is there */

	struct gcm_aes128_ctx gcm;
	uint8_t *plain = to->p + to->len;
	gcm_aes128_set_key(&gcm, keys->key);
	gcm_aes128_set_iv(&gcm, sizeof(nonce), nonce);
	gcm_aes128_update(&gcm, header, to->p + start);
	gcm_aes128_decrypt(&gcm, sealed.len, plain, sealed.p);
	gcm_aes128_digest(&gcm, sizeof(tag), tag);
	if (memcmp(tag, sl_bytes_skip(sealed, sealed.len).p, sizeof(tag)) != 0)
		return SL_EPROTO;
	to->len += sealed.len;
	*frames = (struct sl_bytes){ plain, sealed.len };
	*number = n;
	return SL_OK;
}
