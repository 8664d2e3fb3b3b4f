/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_ledger.c - whatever an engine says, a broker sends only verdicts, each for a packet that waits, and for each packet one: what
 * goes out is read back by a reader of its own, and marks keep the bits of others. */
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "daemon/ledger.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIRST = 10, QUEUES = 2, PACKETS = 8, MASK = 0x70000000, MARK = 0x80000123, LONGEST = 65536 };

static void note_packets(struct sl_ledger *l)
{
	char at[256] SL_ALIGNED;
	for (uint32_t i = 0; i < QUEUES * PACKETS; i++) {
		struct nlmsghdr *nlh = nfq_nlmsg_put(at, NFQNL_MSG_PACKET, (uint16_t)(FIRST + i % QUEUES));
		struct nfqnl_msg_packet_hdr header = { .packet_id = htonl(i / QUEUES) };
		mnl_attr_put(nlh, NFQA_PACKET_HDR, sizeof(header), &header);
		mnl_attr_put_u32(nlh, NFQA_MARK, htonl(MARK));
		if (sl_ledger_note(l, sl_bytes_of(at, nlh->nlmsg_len)) != SL_OK)
			abort();
	}
}

/* By libmnl, which reads nothing of ours. */
static void look_at(const struct nlmsghdr *nlh, bool answered[QUEUES][PACKETS])
{
	const struct nfgenmsg *gen = mnl_nlmsg_get_payload(nlh);
	const struct nfqnl_msg_verdict_hdr *v = NULL;
	uint32_t mark = MARK;
	const struct nlattr *attr = mnl_nlmsg_get_payload_offset(nlh, sizeof(*gen));
	const char *end = mnl_nlmsg_get_payload_tail(nlh);
	for (; mnl_attr_ok(attr, (int)(end - (const char *)attr)); attr = mnl_attr_next(attr)) {
		if (mnl_attr_get_type(attr) == NFQA_VERDICT_HDR)
			v = mnl_attr_get_payload(attr);
		else if (mnl_attr_get_type(attr) == NFQA_MARK)
			mark = ntohl(mnl_attr_get_u32(attr));
		else
			abort();
	}
	unsigned queue = ntohs(gen->res_id) - FIRST;
	if (nlh->nlmsg_type != ((NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_VERDICT) || v == NULL ||
	    queue >= QUEUES || ntohl(v->id) >= PACKETS || answered[queue][ntohl(v->id)] ||
	    ((mark ^ MARK) & ~(uint32_t)MASK) != 0)
		abort();
	uint32_t verdict = ntohl(v->verdict);
	if (verdict != NF_ACCEPT && verdict != NF_DROP && verdict != (uint32_t)NF_QUEUE_NR(FIRST) &&
	    verdict != (uint32_t)NF_QUEUE_NR(FIRST + 1))
		abort();
	answered[queue][ntohl(v->id)] = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sl_ledger_limits limits = { FIRST, QUEUES, MASK };
	uint64_t refused[SL_LEDGER_NO_COUNT] = { 0 };
	bool answered[QUEUES][PACKETS] = { { false } };
	static char out[LONGEST] SL_ALIGNED;
	struct sl_ledger *l = NULL;
	if (size > LONGEST || sl_ledger_new(&limits, &l) != SL_OK)
		return 0;
	note_packets(l);
	size_t n = sl_ledger_check(l, sl_bytes_of(data, size), out, refused), sent = 0;
	int left = (int)n;
	const struct nlmsghdr *nlh = (const void *)out;
	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left), sent++)
		look_at(nlh, answered);
	if (n > size || left != 0 || sl_ledger_outstanding(l) + sent != (size_t)QUEUES * PACKETS)
		abort();
	(void)sl_ledger_is_lookup(sl_bytes_of(data, size));
	sl_ledger_free(&l);
	return 0;
}
