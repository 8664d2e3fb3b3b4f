/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/minisign.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cur.h"
#include "base/util.h"
#include "daemon/file.h"

enum { ALGORITHM = 2, ID = 8, PIECE = 1 << 16 };

static int decode(struct sl_bytes text, uint8_t *out, size_t len)
{
	size_t got = 0;
	int failed = sodium_base642bin(out, len, (const char *)text.p, text.len, NULL, &got, NULL,
	                               sodium_base64_VARIANT_ORIGINAL);
	return failed == 0 && got == len ? SL_OK : SL_EMALF;
}

int sl_minisign_key_read(const char *text, struct sl_minisign_key *out)
{
	uint8_t raw[ALGORITHM + ID + 32];
	if (decode(sl_bytes_str(text), raw, sizeof(raw)) != SL_OK || memcmp(raw, "Ed", ALGORITHM) != 0)
		return SL_EMALF;
	memcpy(out->id, raw + ALGORITHM, ID);
	memcpy(out->key, raw + ALGORITHM + ID, sizeof(out->key));
	return SL_OK;
}

int sl_minisign_read(struct sl_bytes text, struct sl_minisign *out)
{
	static const char untrusted[] = "untrusted comment: ", trusted[] = "trusted comment: ";
	uint8_t raw[ALGORITHM + ID + 64];
	struct sl_cur c = sl_cur_whole(text);
	struct sl_bytes first = sl_cur_line(&c), signature = sl_cur_line(&c), comment = sl_cur_line(&c),
	                global = sl_cur_line(&c);
	if (!sl_bytes_equal(sl_bytes_first(first, sizeof(untrusted) - 1), sl_bytes_str(untrusted)) ||
	    !sl_bytes_equal(sl_bytes_first(comment, sizeof(trusted) - 1), sl_bytes_str(trusted)) ||
	    decode(signature, raw, sizeof(raw)) != SL_OK ||
	    decode(global, out->global, sizeof(out->global)) != SL_OK)
		return SL_EMALF;
	out->prehashed = memcmp(raw, "ED", ALGORITHM) == 0;
	if (!out->prehashed && memcmp(raw, "Ed", ALGORITHM) != 0)
		return SL_EMALF;
	memcpy(out->id, raw + ALGORITHM, ID);
	memcpy(out->signature, raw + ALGORITHM + ID, sizeof(out->signature));
	out->comment = sl_bytes_skip(comment, sizeof(trusted) - 1);
	return SL_OK;
}

static int hash(int fd, uint8_t out[crypto_generichash_BYTES_MAX])
{
	crypto_generichash_state state;
	uint8_t *piece = (uint8_t *)malloc(PIECE);
	ssize_t n = piece == NULL ? 0 : 1;
	(void)crypto_generichash_init(&state, NULL, 0, crypto_generichash_BYTES_MAX);
	for (off_t at = 0; n > 0; at += n) {
		do
			n = pread(fd, piece, PIECE, at);
		while (n < 0 && errno == EINTR);
		if (n > 0)
			(void)crypto_generichash_update(&state, piece, (unsigned long long)n);
	}
	(void)crypto_generichash_final(&state, out, crypto_generichash_BYTES_MAX);
	int err = piece == NULL ? SL_ENOMEM : n < 0 ? SL_ESYS : SL_OK;
	free(piece);
	return err;
}

static bool is_signed(const struct sl_minisign_key *key, const uint8_t signature[64], struct sl_bytes text)
{
	return crypto_sign_verify_detached(signature, text.p, text.len, key->key) == 0;
}

static int verify_file(const struct sl_minisign_key *key, const struct sl_minisign *sig, int fd, bool *ok)
{
	uint8_t digest[crypto_generichash_BYTES_MAX];
	struct sl_bytes whole = { NULL, 0 };
	int err = sig->prehashed ? hash(fd, digest) : sl_file_read(fd, &whole);
	if (err == SL_OK)
		*ok = is_signed(key, sig->signature,
		                sig->prehashed ? sl_bytes_of(digest, sizeof(digest)) : whole);
	sl_file_free(&whole);
	return err;
}

/* The trusted comment is signed together with the signature. */
static int verify_comment(const struct sl_minisign_key *key, const struct sl_minisign *sig, bool *ok)
{
	size_t len = sizeof(sig->signature) + sig->comment.len;
	uint8_t *both = (uint8_t *)malloc(len);
	if (both == NULL)
		return SL_ENOMEM;
	memcpy(both, sig->signature, sizeof(sig->signature));
	memcpy(both + sizeof(sig->signature), sig->comment.p, sig->comment.len);
	*ok = is_signed(key, sig->global, sl_bytes_of(both, len));
	free(both);
	return SL_OK;
}

int sl_minisign_verify(const struct sl_minisign_key *key, const struct sl_minisign *sig, int fd,
                       const char **why)
{
	bool ok = false;
	*why = "it was signed with another key";
	if (memcmp(key->id, sig->id, ID) != 0)
		return SL_EMALF;
	*why = "the signature is not that of this text";
	int err = verify_file(key, sig, fd, &ok);
	if (err != SL_OK || !ok)
		return err != SL_OK ? err : SL_EMALF;
	*why = "the signature of its comment is wrong";
	err = verify_comment(key, sig, &ok);
	return err != SL_OK || ok ? err : SL_EMALF;
}
