/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sniff_gquic.h - Google's QUIC before TLS: its first message, CHLO, in the clear up to version Q046. No standard; what is
 * known is what its clients send ("QUIC Wire Layout Specification", "QUIC Crypto", 2013-2019, and captures). Nobody has
 * shipped it since 2021. The hash over the packet is not checked. */
#ifndef SL_FILTER_SNIFF_GQUIC_H
#define SL_FILTER_SNIFF_GQUIC_H

#include "base/cur.h"

/* message  a CHLO from its tag on, borrowed by *sni, which is absent where it has no server name
 * Returns  SL_OK, written only then; SL_EMORE consistent so far; SL_EMALF no CHLO. Pure; any thread. */
int sl_gquic_chlo_read(struct sl_bytes message, struct sl_bytes *sni);

/* datagram  the client's first one, borrowed
 * version   written unless SL_EPROTO
 * Returns   SL_OK       its CHLO was read
 *           SL_EPROTO   not a packet of these versions     SL_EMALF  one of them, but no whole CHLO is at its head
 * Pure; any thread. */
int sl_gquic_read(struct sl_bytes datagram, uint32_t *version, struct sl_bytes *sni);

#endif
