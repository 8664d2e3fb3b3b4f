/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_ledger.c - what an engine may say of the packets that a broker has handed to it. */
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "daemon/ledger.h"
#include "daemon/nfq_message.h"

enum { FIRST = 10, COUNT = 3, MASK = 0x70000000, FOREIGN = 0x0000beef, ROOM = 8192 };

static char buf[ROOM] SL_ALIGNED, out[ROOM] SL_ALIGNED;

/* As the kernel tells of a packet; mark 0 is left out, as by the kernel. */
static struct sl_bytes packet(uint16_t queue, uint32_t id, uint32_t mark)
{
	static char at[256] SL_ALIGNED;
	struct nlmsghdr *nlh = nfq_nlmsg_put(at, NFQNL_MSG_PACKET, queue);
	struct nfqnl_msg_packet_hdr header = { .packet_id = htonl(id) };
	mnl_attr_put(nlh, NFQA_PACKET_HDR, sizeof(header), &header);
	if (mark != 0)
		mnl_attr_put_u32(nlh, NFQA_MARK, htonl(mark));
	mnl_attr_put(nlh, NFQA_PAYLOAD, 4, "abcd");
	return sl_bytes_of(at, nlh->nlmsg_len);
}

static size_t verdict(size_t at, uint16_t queue, uint32_t id, uint32_t verdict, bool marks, uint32_t mark)
{
	struct nlmsghdr *nlh = nfq_nlmsg_put(buf + at, NFQNL_MSG_VERDICT, queue);
	nfq_nlmsg_verdict_put(nlh, (int)id, (int)verdict);
	if (marks)
		nfq_nlmsg_verdict_put_mark(nlh, mark);
	return at + nlh->nlmsg_len;
}

static struct sl_ledger *ledger(void)
{
	const struct sl_ledger_limits limits = { FIRST, COUNT, MASK };
	struct sl_ledger *l = NULL;
	assert_int_equal(sl_ledger_new(&limits, &l), SL_OK);
	return l;
}

#define MARKED true, (FOREIGN | 0x10000000)

static const struct verdict_case {
	const char *name;
	uint16_t queue;
	uint32_t id, verdict;
	bool marks;
	uint32_t mark;
	int answer; /* SL_LEDGER_NO_COUNT: it is sent */
} cases[] = {
	{ "ACCEPT with a mark of ours", 10, 7, NF_ACCEPT, MARKED, SL_LEDGER_NO_COUNT },
	{ "ACCEPT that takes our bits away", 10, 7, NF_ACCEPT, true, FOREIGN, SL_LEDGER_NO_COUNT },
	{ "DROP", 10, 7, NF_DROP, false, 0, SL_LEDGER_NO_COUNT },
	{ "QUEUE to another one of ours", 10, 7, NF_QUEUE_NR(12), false, 0, SL_LEDGER_NO_COUNT },
	{ "the same number in another queue of ours", 11, 7, NF_ACCEPT, true, 0x10000000,
	  SL_LEDGER_NO_COUNT },
	{ "a queue of somebody else", 13, 7, NF_ACCEPT, MARKED, SL_LEDGER_QUEUE },
	{ "a queue below ours", 9, 7, NF_ACCEPT, MARKED, SL_LEDGER_QUEUE },
	{ "a number that was not handed out", 10, 8, NF_ACCEPT, MARKED, SL_LEDGER_ID },
	{ "a number of another queue", 12, 7, NF_ACCEPT, MARKED, SL_LEDGER_ID },
	{ "a mark with bits of others set", 10, 7, NF_ACCEPT, true, FOREIGN | 0x10010000, SL_LEDGER_MARK },
	{ "a mark with bits of others cleared", 10, 7, NF_ACCEPT, true, 0x10000000, SL_LEDGER_MARK },
	{ "ACCEPT without a mark, which no chain would see", 10, 7, NF_ACCEPT, false, 0, SL_LEDGER_MARK },
	{ "DROP with a mark", 10, 7, NF_DROP, MARKED, SL_LEDGER_MARK },
	{ "REPEAT", 10, 7, NF_REPEAT, MARKED, SL_LEDGER_VERDICT },
	{ "STOLEN", 10, 7, NF_STOLEN, false, 0, SL_LEDGER_VERDICT },
	{ "STOP", 10, 7, NF_STOP, MARKED, SL_LEDGER_VERDICT },
	{ "DROP with an error number for the sender", 10, 7, 0xffff0000 /* NF_DROP_ERR(1) */, false, 0,
	  SL_LEDGER_VERDICT },
	{ "QUEUE to a queue of somebody else", 10, 7, NF_QUEUE_NR(13), false, 0, SL_LEDGER_VERDICT },
	{ "QUEUE with a bit that means nothing yet", 10, 7, NF_QUEUE_NR(12) | 0x0100, false, 0,
	  SL_LEDGER_VERDICT },
	{ "QUEUE past a queue without a reader", 10, 7, NF_QUEUE_NR(12) | NF_VERDICT_FLAG_QUEUE_BYPASS, false,
	  0, SL_LEDGER_VERDICT },
};

static void test_verdict(void **state)
{
	const struct verdict_case *c = *state;
	uint64_t refused[SL_LEDGER_NO_COUNT] = { 0 }, expected[SL_LEDGER_NO_COUNT] = { 0 };
	struct sl_ledger *l = ledger();
	bool sent = c->answer == SL_LEDGER_NO_COUNT;
	assert_int_equal(sl_ledger_note(l, packet(10, 7, FOREIGN)), SL_OK);
	assert_int_equal(sl_ledger_note(l, packet(11, 7, 0)), SL_OK);
	size_t len = verdict(0, c->queue, c->id, c->verdict, c->marks, c->mark);
	size_t n = sl_ledger_check(l, sl_bytes_of(buf, len), out, refused);
	if (!sent)
		expected[c->answer] = 1;
	assert_memory_equal(refused, expected, sizeof(refused));
	assert_int_equal(n, sent ? len : 0);
	assert_int_equal(sl_ledger_outstanding(l), sent ? 1 : 2);
	if (sent)
		assert_memory_equal(buf, out, len);
	/* Once and no more; what was refused may still be answered rightly. */
	n = sl_ledger_check(l, sl_bytes_of(buf, len), out, refused);
	assert_int_equal(n, 0);
	assert_true(refused[sent ? SL_LEDGER_ID : c->answer] == (sent ? 1 : 2));
	sl_ledger_free(&l);
}

static const struct bytes_case {
	const char *name;
	uint16_t type;
	size_t cut;      /* bytes that are missing of the second verdict */
	uint32_t length; /* what it says of itself; 0: the truth */
} shapes[] = {
	{ "configuration of a queue is no verdict", (NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_CONFIG, 0, 0 },
	{ "a verdict for all up to a number is none", (NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_VERDICT_BATCH, 0,
	  0 },
	{ "a table of nftables is no verdict", (10 << 8) /* NFNL_SUBSYS_NFTABLES */, 0, 0 },
	{ "connections are no verdict", NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE, 0, 0 },
	{ "one that was cut off", (NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_VERDICT, 4, 0 },
	{ "one that says it is longer", (NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_VERDICT, 0, 400 },
	{ "one that says it is nothing", (NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_VERDICT, 0, 1 },
	{ "one without its verdict", (NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_VERDICT, 0, 20 },
};

/* The first goes through, the second is refused, the third is not read. */
static void test_shape(void **state)
{
	const struct bytes_case *c = *state;
	uint64_t refused[SL_LEDGER_NO_COUNT] = { 0 };
	struct sl_ledger *l = ledger();
	for (uint32_t id = 1; id <= 3; id++)
		assert_int_equal(sl_ledger_note(l, packet(10, id, 0)), SL_OK);
	size_t first = verdict(0, 10, 1, NF_DROP, false, 0);
	size_t second = verdict(first, 10, 2, NF_DROP, false, 0);
	struct nlmsghdr *nlh = (void *)(buf + first);
	nlh->nlmsg_type = c->type;
	nlh->nlmsg_len = c->length == 0 ? nlh->nlmsg_len : c->length;
	size_t len = c->cut > 0 ? second - c->cut : verdict(second, 10, 3, NF_DROP, false, 0);
	assert_int_equal(sl_ledger_check(l, sl_bytes_of(buf, len), out, refused), first);
	assert_int_equal(refused[SL_LEDGER_MALFORMED], 1);
	assert_int_equal(sl_ledger_outstanding(l), 2);
	sl_ledger_free(&l);
}

/* Many more than there were places at first, answered in an order of their own; numbers that nobody answers are forgotten. */
static void test_many(void **state)
{
	enum { MANY = 20000 };
	uint64_t refused[SL_LEDGER_NO_COUNT] = { 0 };
	struct sl_ledger *l = ledger();
	(void)state;
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(sl_ledger_note(l, packet((uint16_t)(FIRST + i % COUNT), i / COUNT, i)),
		                 SL_OK);
	assert_int_equal(sl_ledger_outstanding(l), MANY);
	for (uint32_t i = 0; i < MANY; i++) {
		uint32_t j = i * 7919 % MANY;
		size_t len = verdict(0, (uint16_t)(FIRST + j % COUNT), j / COUNT, NF_ACCEPT, true, j);
		assert_int_equal(sl_ledger_check(l, sl_bytes_of(buf, len), out, refused), len);
	}
	assert_int_equal(sl_ledger_outstanding(l), 0);
	for (uint32_t id = 0; id < 500; id++)
		assert_int_equal(sl_ledger_note(l, packet(FIRST, id, 0)), SL_OK);
	for (uint32_t id = 0; id < MANY; id++)
		assert_int_equal(sl_ledger_note(l, packet(FIRST, SL_LEDGER_FORGETS + 1000 + id, 0)), SL_OK);
	assert_int_equal(sl_ledger_outstanding(l), MANY + 500); /* there was room */
	for (uint32_t id = MANY; id < 4 * MANY; id++)
		assert_int_equal(sl_ledger_note(l, packet(FIRST, SL_LEDGER_FORGETS + 1000 + id, 0)), SL_OK);
	assert_int_equal(sl_ledger_outstanding(l), 4 * MANY);
	sl_ledger_free(&l);
}

static void test_lookup(void **state)
{
	static char at[256] SL_ALIGNED;
	struct nlmsghdr *nlh = nfq_nlmsg_put(at, 0, 0);
	(void)state;
	nlh->nlmsg_type = (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_GET;
	assert_true(sl_ledger_is_lookup(sl_bytes_of(at, nlh->nlmsg_len)));
	assert_false(
	        sl_ledger_is_lookup(sl_bytes_of(at, nlh->nlmsg_len + 20U))); /* and another one behind it */
	assert_false(sl_ledger_is_lookup(sl_bytes_of(at, 16)));
	static const uint16_t others[] = { IPCTNL_MSG_CT_NEW, IPCTNL_MSG_CT_DELETE,
		                           IPCTNL_MSG_CT_GET_CTRZERO };
	for (size_t i = 0; i < SL_COUNT(others); i++) {
		nlh->nlmsg_type = (uint16_t)((NFNL_SUBSYS_CTNETLINK << 8) | others[i]);
		assert_false(sl_ledger_is_lookup(sl_bytes_of(at, nlh->nlmsg_len)));
	}
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(cases) + SL_COUNT(shapes) + 2];
	size_t n = 0;
	for (size_t i = 0; i < SL_COUNT(cases); i++)
		tests[n++] = (struct CMUnitTest){ cases[i].name, test_verdict, NULL, NULL,
			                          (void *)(uintptr_t)&cases[i] };
	for (size_t i = 0; i < SL_COUNT(shapes); i++)
		tests[n++] = (struct CMUnitTest){ shapes[i].name, test_shape, NULL, NULL,
			                          (void *)(uintptr_t)&shapes[i] };
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_many);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_lookup);
	return cmocka_run_group_tests_name("daemon/ledger", tests, NULL, NULL);
}
