/* SPDX-License-Identifier: GPL-2.0-or-later */
/* syn_log.h - the kernel's copies of SYNs (NFLOG): with tcp_hold = data no SYN is queued, and where a connection begins is known
 * by its copy only.
 * A copy wakes nobody. It lies in a socket, one for all workers, until one of them meets bytes of a connection that it does not
 * know; that one reads all that lies there into a table, which all share. The SYN passed a round trip before its bytes did, so it
 * is in the socket by then, or in the table, or in the hands of a worker that reads at the same time: it is waited for then.
 * When the socket was full (a flood of SYNs), copies are missing, and beginnings are guessed: SL_STAT_guessed. */
#ifndef SL_DAEMON_SYN_LOG_H
#define SL_DAEMON_SYN_LOG_H

#include "base/diag.h"
#include "base/mono.h"
#include "daemon/shared.h"
#include "filter/syns.h"

/* Opens a socket and binds the group to it. Needs CAP_NET_ADMIN. On failure diag was told why: SL_EUNSUP where the kernel has no
 * NFLOG, SL_EBUSY where another program has the group. */
int sl_syn_log_open(uint16_t group, uint32_t receive_buffer, const struct sl_diag *diag, int *fd);

struct sl_syn_log; /* opaque: of all workers of an engine */

/* mark_mask  as daemon/mark.h says. */
int sl_syn_log_new(unsigned workers, uint32_t mark_mask, uint64_t seed, struct sl_syn_log **out);
void sl_syn_log_free(struct sl_syn_log **log);

/* One worker's way to it; one thread. */
struct sl_syn_reader; /* opaque */

/* fd  the socket, taken over also on failure; worker  below workers, each its own; counters  of this worker. */
int sl_syn_reader_new(struct sl_syn_log *log, int fd, unsigned worker, struct sl_worker_shared *counters,
                      struct sl_syn_reader **out);
void sl_syn_reader_free(struct sl_syn_reader **r);

/* A batch was read from the queue: what it needs is in the socket now. */
void sl_syn_reader_batch(struct sl_syn_reader *r);
/* For sl_filter_cfg.find_syn: ctx is the reader. Cost: a look-up. The first of a batch also reads the socket, one system call for
 * each 64 copies that lie there and one more, and waits until others that read it have written down what they found: microseconds,
 * or a millisecond where one of them was put to sleep meanwhile. */
bool sl_syn_reader_find(void *ctx, const struct sl_flow_key *key, struct sl_syn *out);
/* Empties the socket when there is nothing else to do. */
void sl_syn_reader_idle(struct sl_syn_reader *r);

#endif
