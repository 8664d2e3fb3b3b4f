/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sniff_dtls.h - which server is a DTLS client asking for? (RFC 6347 §4, RFC 9147 §4, §5)
 * Reads the ClientHello in the plaintext records of a client's datagrams, in fragments of any order. A client whose server
 * asks for a cookie (HelloVerifyRequest, HelloRetryRequest) sends a second one, with message_seq 1.
 * Memory comes from a pool that is fixed at birth; a flow has some of it only while a hello is incomplete. One thread. */
#ifndef SL_FILTER_SNIFF_DTLS_H
#define SL_FILTER_SNIFF_DTLS_H

#include "base/cur.h"
#include "filter/sniff_tls.h"

enum {
	SL_DTLS_MESSAGES = 4
}; /* incomplete hellos of one flow that are kept; the one used longest ago goes */

struct sl_dtls_pool;
typedef uint32_t sl_dtls_flow; /* what a flow holds of the pool; 0 = nothing */

struct sl_dtls_hello {
	struct sl_tls_hello tls;
	uint16_t message_seq; /* 0: a server may not have looked at it, and ask for a second one */
};

/* The place in a datagram. */
struct sl_dtls_cur {
	struct sl_cur records, messages;
};

/* messages  how many may be incomplete at once, 1..2^20; budget  bytes of each, 512..65536. */
int sl_dtls_pool_new(uint32_t messages, uint32_t budget, struct sl_dtls_pool **out);
void sl_dtls_pool_free(struct sl_dtls_pool **pool);

/* Does the datagram begin with a DTLS record? The first byte alone tells it from STUN, TURN, RTP and QUIC v1 (RFC 7983, RFC
 * 9443); version and length are looked at, too. */
bool sl_dtls_begin(struct sl_bytes datagram, struct sl_dtls_cur *out);
/* The next hello that the datagram completes: it may bring several, and it is the server's choice which one it reads.
 * out      written on SL_OK; its views live until the next call with this pool or the end of the datagram
 * differs  is added the number of bytes that came with another value before; the first copy stays
 * Returns  SL_OK; SL_EMORE at the end of the datagram; SL_ENOMEM when there is no memory to keep a piece */
int sl_dtls_next(struct sl_dtls_pool *pool, sl_dtls_flow *flow, struct sl_dtls_cur *at,
                 struct sl_dtls_hello *out, uint32_t *differs);
/* Gives back what the flow holds; leaves 0 behind. */
void sl_dtls_close(struct sl_dtls_pool *pool, sl_dtls_flow *flow);

/* Is it a STUN message (RFC 8489 §5, told from others by RFC 7983 §7)? What is spoken between the same ports afterwards is not
 * known yet. */
bool sl_is_stun(struct sl_bytes datagram);

#endif
