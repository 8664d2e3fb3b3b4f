/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nfq.h - queue sockets: packets come out of the kernel's queues in batches, verdicts go back in one send a batch.
 * Over libmnl and the nlmsg API of libnetfilter_queue. The supervisor opens the sockets; a worker reads and answers; what was
 * left after a failure is nfq_left.h's affair. A socket may serve several queues. */
#ifndef SL_DAEMON_NFQ_H
#define SL_DAEMON_NFQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "base/diag.h"
#include "base/err.h"
#include "filter/origin.h"
#include "filter/verdict.h"

struct nlmsghdr;

struct sl_nfq_cfg {
	uint32_t queue_length;
	uint32_t copy_range;
	uint32_t receive_buffer;
	bool fail_open;
};

/* Opens a socket and binds the queues to it: those of [first, first + count) whose distance from first is `share` modulo
 * `shares`. On failure diag was told which queue and why (SL_EBUSY: another program has it). */
int sl_nfq_open(const struct sl_nfq_cfg *cfg, uint16_t first, uint16_t count, unsigned share, unsigned shares,
                const struct sl_diag *diag, int *fd);

/* Binds one more queue to it, as cfg says. */
int sl_nfq_bind(int fd, const struct sl_nfq_cfg *cfg, uint16_t queue, const struct sl_diag *diag);

/* One queued packet; the view is valid until the next read. */
struct sl_nfq_packet {
	struct sl_ticket ticket;
	struct sl_bytes ip; /* what was copied */
	uint32_t wire_len;  /* what there is */
	struct sl_origin origin;
	bool unverified; /* the checksum is on the wire as it stands here, and nobody has looked at it yet */
};

struct sl_nfq_counts {
	/* the socket buffer overflowed: the kernel dropped packets, or let them pass (fail_open) */
	uint64_t enobufs;
	uint64_t errors;       /* verdicts that the kernel refused, messages that make no sense */
	uint64_t send_retries; /* verdicts sent once more, because the kernel had no memory for them */
};

struct sl_nfq_batch; /* buffers for reading and answering; one thread */

int sl_nfq_batch_new(uint32_t messages, uint32_t copy_range, struct sl_nfq_batch **out);
void sl_nfq_batch_free(struct sl_nfq_batch **b);

/* Waits for the first packet as the socket's receive timeout says, then takes what is there, at most a batch.
 * Cost: one system call; 0.2 us a packet in a full batch. Returns the number of packets: 0 on a time-out, a signal or
 * messages that are no packets; SL_ESYS when the socket is of no use any more. */
int sl_nfq_read(int fd, struct sl_nfq_batch *b, const struct sl_nfq_packet **packets,
                struct sl_nfq_counts *counts);
/* Sends the verdicts, in order, as few sends as possible. mark_mask: daemon/mark.h. Cost: one system call a batch, which
 * contains the rest of the packets' way through the kernel. SL_ESYS when the kernel took none for some 200 ms, or never
 * will: the packets wait on. */
int sl_nfq_answer(int fd, struct sl_nfq_batch *b, const struct sl_answer *answer, size_t n,
                  uint32_t mark_mask, struct sl_nfq_counts *counts);

/* A netlink socket of netfilter's with a receive buffer of so many bytes, close-on-exec; -1: errno says why. */
int sl_nfq_socket(uint32_t receive_buffer);
/* Sends one message of configuration and waits for the kernel's answer; SL_ESYS: errno says what it was. */
int sl_nfq_talk(int fd, struct nlmsghdr *nlh, uint32_t seq);

/* Sends bytes to the kernel; asks again, counted in *retries, where it has no memory or no room at the moment. */
int sl_nfq_send(int fd, const char *buf, size_t len, uint64_t *retries);

#endif
