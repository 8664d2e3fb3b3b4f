/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fragments.h - IP fragments made whole (RFC 791 §3.2, RFC 8200 §4.5). In a gateway conntrack has done that before a packet is
 * queued; this serves captures. Memory is fixed at birth; one thread. */
#ifndef SL_FILTER_FRAGMENTS_H
#define SL_FILTER_FRAGMENTS_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/mono.h"

struct sl_fragments;

/* datagrams: that may be incomplete at once, 1..1024, about 66 KB each. The oldest makes room for the next. */
int sl_fragments_new(unsigned datagrams, struct sl_fragments **out);
void sl_fragments_free(struct sl_fragments **f);

/* ip  a packet from its IP header on, whole.
 * whole  written on SL_OK: the datagram as if it had never been cut; borrowed until the next call
 * Returns  SL_OK      it was the last piece that lacked
 *          SL_EMORE   kept                     SL_EPROTO  no fragment: to be read as it is (an atomic one too, RFC 6946)
 *          SL_EMALF   it contradicts itself, or overlaps another with other bounds: then the datagram is thrown away, as
 *                     RFC 5722 has it for IPv6 and Linux does for both; a copy of a piece is ignored
 * A datagram that is not whole after 30 s (Linux, net.ipv4.ipfrag_time) is forgotten. */
int sl_fragments_add(struct sl_fragments *f, struct sl_bytes ip, struct sl_mono now, struct sl_bytes *whole);

#endif
