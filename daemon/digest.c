/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/digest.h"

#include <errno.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PIECE = 1 << 16 };

static void finish(struct sha256_ctx *state, char out[SL_DIGEST_TEXT])
{
	uint8_t digest[SHA256_DIGEST_SIZE];

	sha256_digest(state, sizeof(digest), digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		(void)snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

int sl_digest_file(int fd, char out[SL_DIGEST_TEXT])
{
	struct sha256_ctx state;
	uint8_t *piece = (uint8_t *)malloc(PIECE);
	ssize_t n = piece == NULL ? 0 : 1;

	sha256_init(&state);
	for (off_t at = 0; n > 0; at += n) {
		do
			n = pread(fd, piece, PIECE, at);
		while (n < 0 && errno == EINTR);
		if (n > 0)
			sha256_update(&state, (size_t)n, piece);
	}
	finish(&state, out);
	int err = piece == NULL ? SL_ENOMEM : n < 0 ? SL_ESYS : SL_OK;
	free(piece);
	return err;
}

int sl_digest_all(const struct sl_bytes *text, size_t texts, const int *fd, size_t files,
                  char out[SL_DIGEST_TEXT])
{
	char one[SL_DIGEST_TEXT];
	struct sha256_ctx state;
	int err = SL_OK;

	sha256_init(&state);
	for (size_t i = 0; i < texts; i++) {
		const uint64_t len = text[i].len;
		sha256_update(&state, sizeof(len), (const uint8_t *)&len);
		sha256_update(&state, text[i].len, text[i].p);
	}
	for (size_t i = 0; i < files && err == SL_OK; i++) {
		err = sl_digest_file(fd[i], one);
		sha256_update(&state, sizeof(one), (const uint8_t *)one);
	}
	finish(&state, out);
	return err;
}
