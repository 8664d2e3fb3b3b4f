/* SPDX-License-Identifier: GPL-2.0-or-later */
/* quic_keys.h - the keys of a client's Initial packets, and the packet that they open (RFC 9001 §5; version 2: RFC 9369 §3.3).
 * Anybody on the path can derive them: the tag tells that the bytes belong together, not who wrote them. */
#ifndef SL_FILTER_QUIC_KEYS_H
#define SL_FILTER_QUIC_KEYS_H

#include "base/out.h"
#include "filter/quic_packet.h"

struct sl_quic_keys {
	uint8_t key[16];
	uint8_t iv[12];
	uint8_t hp[16]; /* of the header protection */
};

/* dcid  the destination connection id of the client's first Initial, or of the first one after a Retry.
 * 16 blocks of SHA-256: bench quic/keys. */
void sl_quic_keys_client(const struct sl_quic_version *version, struct sl_bytes dcid,
                         struct sl_quic_keys *out);

/* packet  an Initial.   expected  the packet number after the largest one that was read of this connection (RFC 9000
 *         appendix A.3); 0 at its beginning.
 * to      gets the header without protection and then the payload: room for packet->all.len bytes
 * frames  the payload, in to;   number  that of the packet. Both are written only on SL_OK.
 * Returns SL_OK; SL_EPROTO when the tag is not of these keys; SL_EMALF when there is no room for a tag.
 * Pure; any thread; allocates nothing. */
int sl_quic_open(const struct sl_quic_keys *keys, const struct sl_quic_packet *packet, uint64_t expected,
                 struct sl_out *to, struct sl_bytes *frames, uint64_t *number);

#endif
