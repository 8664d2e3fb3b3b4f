/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sniff_quic.h - which server is a QUIC client asking for?
 * Reads the ClientHello in the CRYPTO frames of a client's Initial packets (RFC 9000 §17.2.2, §19.6; RFC 9001 §4), over any
 * number of frames, coalesced packets and datagrams, in any order; Google's older versions as sniff_gquic.h says.
 *
 * A flow may hold several connections, told by their connection id: the one that the client begins, the same one begun again
 * after a Retry or a version negotiation, and decoys. Each has bytes and keys of its own, so that none can spoil another.
 * Memory comes from a pool that is fixed at birth; a flow has some of it only while its hello is incomplete. One thread. */
#ifndef SL_FILTER_SNIFF_QUIC_H
#define SL_FILTER_SNIFF_QUIC_H

#include "filter/quic_version.h"
#include "filter/sniff_tls.h"

enum { SL_QUIC_CONNS = 4 }; /* connections of one flow that are kept; the one used longest ago goes */

struct sl_quic_pool;
typedef uint32_t sl_quic_flow; /* what a flow holds of the pool; 0 = nothing */

struct sl_quic_hello {
	struct sl_tls_hello tls; /* of a CHLO: its server name */
	uint32_t version;
	struct sl_bytes
	        dcid; /* by which the keys of its connection were made; lives as long as tls. None of a CHLO */
	struct sl_bytes
	        rest; /* of the datagram, behind the packet that completed it: other connections' may be there, glued */
	bool padded; /* the datagram is long enough for a server to read it; Google's did not ask for so much */
};

/* conns  how many connections may be incomplete at once, 1..2^20; budget  bytes of the CRYPTO stream of each, 512..65536. */
int sl_quic_pool_new(uint32_t conns, uint32_t budget, struct sl_quic_pool **out);
void sl_quic_pool_free(struct sl_quic_pool **pool);
uint32_t sl_quic_in_use(const struct sl_quic_pool *pool); /* connections whose hello is incomplete */

/* The client's next datagram, or several of them glued together by GSO.
 * flow     holds nothing of the hello's connection after SL_OK, and nothing at all after SL_ENOMEM
 * out      written only on SL_OK; its views live until the next call with this pool, those of a CHLO as long as the datagram
 * differs  how many bytes came that had come before with another value; the first copy stays
 * Returns  SL_OK      the hello is complete
 *          SL_EMORE   QUIC, and nothing in it ends the matter: incomplete, or sealed with other keys, or not an Initial
 *          SL_EMALF   the connection's stream is no hello, or a packet's frames are broken, and the tag fits
 *          SL_ELIMIT  the hello is longer than the budget
 *          SL_EUNSUP  a version whose packets cannot be read
 *          SL_ENOMEM  no memory to keep the pieces
 *          SL_EPROTO  not QUIC, or only packets with a short header
 * None but SL_OK says that the next datagram will not have the hello: a datagram is easily forged and servers discard what
 * does not fit. The cost is that of 64 packets and 4 sets of keys at most, whatever the datagram holds: bench quic/. */
int sl_quic_read(struct sl_quic_pool *pool, sl_quic_flow *flow, struct sl_bytes datagram,
                 struct sl_quic_hello *out, uint32_t *differs);
/* What the connection said last that was heard last, as above; SL_EUNSUP where none was read. */
int sl_quic_why(const struct sl_quic_pool *pool, sl_quic_flow flow);
/* Gives back what the flow holds; leaves 0 behind. */
void sl_quic_close(struct sl_quic_pool *pool, sl_quic_flow *flow);

#endif
