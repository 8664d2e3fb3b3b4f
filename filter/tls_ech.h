/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tls_ech.h - the encrypted_client_hello extension of a ClientHello (RFC 9849 §5): is a second hello hidden in it?
 *
 * Nobody without the server's key can tell for sure: a client that has no key of the server sends one made of random bytes
 * (GREASE, §6.2), meant to look like a real one. What can be told is when it cannot be real, since no server could open it or
 * the hello around it is not what §6.1 wants. All else may be real. */
#ifndef SL_FILTER_TLS_ECH_H
#define SL_FILTER_TLS_ECH_H

#include "base/bytes.h"

enum sl_ech_kind {
	SL_ECH_NONE,   /* no such extension */
	SL_ECH_OUTER,  /* may be real, and then the server name is the public front's; or GREASE */
	SL_ECH_GREASE, /* cannot be real: the server name is the one meant */
	SL_ECH_INNER, /* the hello that was hidden, on its way behind the front (§7): its server name is the one meant */
};

struct sl_tls_ech {
	uint8_t kind;         /* enum sl_ech_kind */
	uint8_t config_id;    /* these are of the outer form, 0 where it is broken or another */
	uint16_t kdf, aead;   /* HpkeSymmetricCipherSuite (RFC 9180 §7.2, §7.3) */
	uint16_t enc_len;     /* bytes of the encapsulated key; 0 in the hello after a HelloRetryRequest */
	uint16_t payload_len; /* bytes of the sealed hello, its tag included */
};

/* "none", "outer", "grease", "inner". Static text. */
const char *sl_ech_kind_name(enum sl_ech_kind kind);

/* ext  the extension's data. Never fails: what is broken no server takes, and is GREASE. Pure; any thread. */
struct sl_tls_ech sl_tls_ech_read(struct sl_bytes ext);
/* The kind, by the hello around it, too: TLS 1.3 is offered (or DTLS 1.3), and a name is in the clear, as §6.1 demands. */
uint8_t sl_tls_ech_kind_in(const struct sl_tls_ech *ech, bool offers_13, bool named);

#endif
