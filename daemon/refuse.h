/* SPDX-License-Identifier: GPL-2.0-or-later */
/* refuse.h - tells the ends of a blocked TCP connection that no rule tells. The client is told by the kernel's own REJECT; the server
 * has seen the handshake and would wait: it gets a RST from a raw socket, which goes out as a packet of the client's own
 * connection and so takes every NAT of it. Where no packet of the client is at hand it gets a RST in the server's name, from the
 * address that it knows. One thread. */
#ifndef SL_DAEMON_REFUSE_H
#define SL_DAEMON_REFUSE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "daemon/conntrack.h"
#include "filter/verdict.h"

struct sl_refuse;

/* The raw sockets, opened where CAP_NET_RAW is: fd[0] IPv4, fd[1] IPv6 (-1 where the family is absent). mark is that
 * of our own packets; no rule queues it. SL_EPERM, SL_ESYS. */
int sl_refuse_sockets(uint32_t mark, int fd[2]);
/* Takes both sockets and ct over. */
int sl_refuse_new(const int fd[2], struct sl_conntrack *ct, struct sl_refuse **out);
void sl_refuse_free(struct sl_refuse **r);
/* Sends one RST for each. Returns how many could not be sent (no such connection, no route, buffer full). */
size_t sl_refuse_ends(struct sl_refuse *r, const struct sl_reset *reset, size_t n);

#endif
