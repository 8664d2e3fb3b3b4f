/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nfq_message.h - nfnetlink_queue's messages, and those of nfnetlink_log: a packet as the kernel tells of it, a verdict as it wants one. No socket here. */
#ifndef SL_DAEMON_NFQ_MESSAGE_H
#define SL_DAEMON_NFQ_MESSAGE_H

#include <linux/netlink.h>

#include "daemon/nfq.h"

enum { SL_NFQ_VERDICT_MAX = 64 }; /* bytes of one verdict message */

/* The packet of a message of len bytes; its view is into the message. False for anything else (errors of late verdicts,
 * noise). Cost: bench pipeline/message. */
bool sl_nfq_message_read(const struct nlmsghdr *nlh, size_t len, struct sl_nfq_packet *out);

/* The packet of a message of nfnetlink_log, and its mark; as above. */
bool sl_nflog_message_read(const struct nlmsghdr *nlh, size_t len, struct sl_bytes *ip, uint32_t *mark);

/* Writes ACCEPT with the mark of the answer, or DROP, or QUEUE to another queue, at `at`, which has room for SL_NFQ_VERDICT_MAX and
 * is aligned to 4; returns its bytes. mark_mask: daemon/mark.h. Cost: bench pipeline/verdict. */
size_t sl_nfq_message_verdict(char *at, const struct sl_answer *a, uint32_t mark_mask);

#endif
