/* SPDX-License-Identifier: GPL-2.0-or-later */
/* payload_bpf.h - "does this packet carry payload?" as classic BPF programs for the xt match `bpf`.
 * The packet begins at its IP header. TCP and UDP alone can carry payload that we judge:
 *   TCP  total length beyond the IP and TCP headers, options counted; a length of 0 (BIG TCP) counts as payload
 *   UDP  a length above 8; a length of 0 (RFC 2675 §4) counts as payload
 *   IPv6 with an extension header counts as payload whatever follows: the kernel's filter does not walk the chain
 * A packet too short for its own headers carries none. */
#ifndef SL_DAEMON_PAYLOAD_BPF_H
#define SL_DAEMON_PAYLOAD_BPF_H

#include <linux/filter.h>
#include <stddef.h>

#include "base/out.h"

/* family 4 or 6; static. *n is the number of instructions. */
const struct sock_filter *sl_payload_bpf(int family, size_t *n);
/* As xt_bpf wants it: "N,code jt jf k,code jt jf k" and so on. */
void sl_payload_bpf_text(int family, struct sl_out *o);

/* The same for: is this UDP whose first byte of payload has the top bit clear, as QUIC's short header has it (RFC 9000 §17.3)? A packet
 * with extension headers is none. */
const struct sock_filter *sl_quic_short_bpf(int family, size_t *n);
void sl_quic_short_bpf_text(int family, struct sl_out *o);

#endif
