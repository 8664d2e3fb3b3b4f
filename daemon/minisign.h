/* SPDX-License-Identifier: GPL-2.0-or-later */
/* minisign.h - detached signatures of minisign(1) and signify(1): Ed25519 (RFC 8032) over a file, or over its BLAKE2b-512
 * (RFC 7693), which is what minisign makes since version 0.10. Pure but for libsodium's own choice of code; any thread. */
#ifndef SL_DAEMON_MINISIGN_H
#define SL_DAEMON_MINISIGN_H

#include "base/bytes.h"
#include "base/err.h"

enum { SL_MINISIGN_MAX = 4096 }; /* bytes of a signature file, at most */

struct sl_minisign_key {
	uint8_t id[8];
	uint8_t key[32];
};

struct sl_minisign {
	bool prehashed;
	uint8_t id[8];
	uint8_t signature[64], global[64]; /* global: over signature and comment */
	struct sl_bytes comment;           /* the trusted one; borrowed */
};

/* The line of base64 that minisign prints for -P. SL_OK, SL_EMALF. */
int sl_minisign_key_read(const char *text, struct sl_minisign_key *out);
/* A signature file: two pairs of a comment and a line of base64. SL_OK, SL_EMALF. */
int sl_minisign_read(struct sl_bytes text, struct sl_minisign *out);
/* Is fd's content, from its first byte, what this key signed? why gets a sentence where it is not; static text.
 * Returns SL_OK; SL_EMALF: no; SL_ESYS with errno; SL_ENOMEM. A signature of the older kind needs the file in memory, as
 * its whole is what is signed. */
int sl_minisign_verify(const struct sl_minisign_key *key, const struct sl_minisign *sig, int fd,
                       const char **why);

#endif
