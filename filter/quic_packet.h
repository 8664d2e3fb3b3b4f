/* SPDX-License-Identifier: GPL-2.0-or-later */
/* quic_packet.h - one QUIC packet with a long header, as views (RFC 8999 §5.1, RFC 9000 §17.2). A datagram may hold several,
 * one behind the other (RFC 9000 §12.2). */
#ifndef SL_FILTER_QUIC_PACKET_H
#define SL_FILTER_QUIC_PACKET_H

#include "base/cur.h"
#include "filter/quic_version.h"

enum { SL_QUIC_CID_MAX = 20 };

struct sl_quic_packet {
	enum sl_quic_type type;
	uint32_t version;
	const struct sl_quic_version
	        *readable; /* NULL where the version is none of ours: the type is OTHER then */
	bool fixed;        /* the bit that is 1 unless the server has said that it need not be (RFC 9287) */
	struct sl_bytes dcid; /* where OTHER: empty */
	struct sl_bytes scid;
	struct sl_bytes token; /* of an Initial, or of a Retry */
	struct sl_bytes
	        all; /* from its first byte to its last, which is the datagram's where it has no length */
	size_t number_at; /* Initial, 0-RTT, Handshake: where in it the packet number begins, which is protected */
};

/* datagram  what is left of it, borrowed
 * out       written only on SL_OK
 * Returns   SL_OK      one packet; the next one begins behind out->all
 *           SL_EPROTO  no long header, or a version that nobody speaks
 *           SL_EMALF   a header that contradicts itself, or a packet longer than the datagram
 * Pure; any thread. */
int sl_quic_packet_read(struct sl_bytes datagram, struct sl_quic_packet *out);

/* Does a datagram begin a connection of a version that sl_quic_version_is_known() does not know? As far as one can tell by what
 * holds for all versions (RFC 8999 §5.1), by what servers want of a first datagram (RFC 9000 §7.2, §14.1), and by what other
 * protocols on UDP begin with (RFC 9443 §2). Pure; any thread. */
bool sl_quic_is_new_version(struct sl_bytes datagram);

/* A variable-length integer (RFC 9000 §16). */
uint64_t sl_quic_varint(struct sl_cur *c);

#endif
