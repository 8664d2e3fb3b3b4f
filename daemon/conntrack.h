/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conntrack.h - the little that we ask of connection tracking (ctnetlink over libmnl). A handle belongs to one thread. */
#ifndef SL_DAEMON_CONNTRACK_H
#define SL_DAEMON_CONNTRACK_H

#include <stdint.h>

#include "base/err.h"
#include "filter/flow_key.h"

struct sl_conntrack;

/* fd is a NETLINK_NETFILTER socket that somebody else opened (sl_conntrack_socket()), or -1 to open one. */
int sl_conntrack_socket(void);
int sl_conntrack_new(int fd, struct sl_conntrack **out);
void sl_conntrack_free(struct sl_conntrack **ct); /* closes the socket */

/* A forwarded packet shows its destination after DNAT and its source before SNAT. Gives the original tuple of its
 * connection, client to server as the client sent it, for every mixture of DNAT and SNAT.
 * Returns SL_OK, SL_ENOENT when there is no such connection, SL_ESYS. Two system calls; where both are translated some
 * more, since a way of translating that was seen before is tried first, and only a new one costs a filtered dump of the
 * whole table. Only flows that are refused pay for it. */
int sl_conntrack_original(struct sl_conntrack *ct, const struct sl_flow_key *seen,
                          struct sl_flow_key *original);
uint64_t sl_conntrack_dumps(const struct sl_conntrack *ct); /* how many it has cost so far */
/* Clears the bits of mask in the marks of all connections; others' bits stay. *cleared counts. */
int sl_conntrack_clear_marks(struct sl_conntrack *ct, uint32_t mask, uint64_t *cleared);

#endif
