/* SPDX-License-Identifier: GPL-2.0-or-later */
/* quic_version.h - the versions of QUIC whose Initial packets can be read: v1 (RFC 9000, 9001), v2 (RFC 9369), the IETF's
 * drafts from 23 on, Facebook's, and the last of Google's. All of them protect an Initial with keys that follow from the
 * version's salt and the connection id, so whoever sees the packet can read it (RFC 9001 §5.2). */
#ifndef SL_FILTER_QUIC_VERSION_H
#define SL_FILTER_QUIC_VERSION_H

#include <stdbool.h>
#include <stdint.h>

enum { SL_QUIC_SALT = 20, SL_QUIC_NAME = 16, SL_QUIC_V1 = 0x00000001, SL_QUIC_V2 = 0x6b3343cf };
enum { SL_QUIC_DATAGRAM_MIN = 1200 }; /* a server discards Initials in shorter datagrams (RFC 9000 §14.1) */

/* The kinds of packets with a long header. */
enum sl_quic_type {
	SL_QUIC_INITIAL,
	SL_QUIC_0RTT,
	SL_QUIC_HANDSHAKE,
	SL_QUIC_RETRY,
	SL_QUIC_NEGOTIATION, /* version 0: only servers send it */
	SL_QUIC_OTHER,       /* of a version whose packets cannot be told apart here */
};

struct sl_quic_version {
	uint32_t number;
	const char *name;    /* "v1", "draft-29", "Q050" */
	const uint8_t *salt; /* SL_QUIC_SALT bytes */
	bool v2;             /* labels (RFC 9369 §3.3.2) and type bits (§3.2) of version 2 */
	bool google;         /* its CRYPTO frame has another number */
	bool chlo;           /* that stream holds a CHLO message, not TLS */
};

/* NULL where Initials of this version cannot be read. */
const struct sl_quic_version *sl_quic_version_of(uint32_t number);
/* Its name, or what it reads as ("Q046"), else its number in hex. */
void sl_quic_version_name(uint32_t number, char name[SL_QUIC_NAME]);
/* Is it a version that some client speaks, readable or not? The reserved ones, 0x?a?a?a?a, are what a client sends to
 * force a negotiation (RFC 9000 §15). */
bool sl_quic_version_is_known(uint32_t number);
/* The type of a packet by its first byte. */
enum sl_quic_type sl_quic_version_type(const struct sl_quic_version *version, uint8_t first);

#endif
