/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of the queue: what the kernel writes is read whole, and nothing of what it would never write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <string.h>

#include "base/util.h"
#include "daemon/nfq_message.h"

enum { QUEUE = 2861, ID = 0x01020304, MARK = 0x40000001, WIRE = 1500, MESSAGE_MAX = 512 };

/* Which attributes a message has, and what is wrong with it. */
struct row {
	const char *name;
	bool header, mark, cap_len, payload, other, mac;
	uint16_t mac_len;
	uint32_t info;
	int cut;             /* bytes of the message that did not come */
	uint16_t short_attr; /* an attribute that is two bytes shorter than it says it must be */
	uint16_t type;       /* 0: a packet's */
	bool read, unverified;
	uint32_t wire;
};

static const char payload[] = "an IP packet, or so";

static const struct row rows[] = {
	{ .name = "all that a kernel sends",
	  .header = true,
	  .mark = true,
	  .cap_len = true,
	  .payload = true,
	  .other = true,
	  .read = true,
	  .wire = WIRE },
	{ .name = "the address of who sent it",
	  .header = true,
	  .payload = true,
	  .mac = true,
	  .mac_len = 6,
	  .read = true,
	  .wire = sizeof(payload) },
	{ .name = "an address of another kind of link says nothing",
	  .header = true,
	  .payload = true,
	  .mac = true,
	  .mac_len = 8,
	  .read = true,
	  .wire = sizeof(payload) },
	{ .name = "an address that is cut short",
	  .header = true,
	  .payload = true,
	  .mac = true,
	  .mac_len = 6,
	  .short_attr = NFQA_HWADDR },
	{ .name = "an interface that is too short",
	  .header = true,
	  .payload = true,
	  .other = true,
	  .short_attr = NFQA_IFINDEX_INDEV },
	{ .name = "what was not cut has no length of its own",
	  .header = true,
	  .payload = true,
	  .read = true,
	  .wire = sizeof(payload) },
	{ .name = "a checksum that nobody looked at",
	  .header = true,
	  .payload = true,
	  .info = NFQA_SKB_CSUM_NOTVERIFIED,
	  .read = true,
	  .unverified = true,
	  .wire = sizeof(payload) },
	{ .name = "a checksum that is not there yet",
	  .header = true,
	  .payload = true,
	  .info = NFQA_SKB_CSUM_NOTVERIFIED | NFQA_SKB_CSUMNOTREADY,
	  .read = true,
	  .wire = sizeof(payload) },
	{ .name = "no payload", .header = true, .read = true },
	{ .name = "no header: it could not be answered", .mark = true, .payload = true },
	{ .name = "another message", .header = true, .payload = true, .type = NLMSG_ERROR },
	{ .name = "less came than it says", .header = true, .payload = true, .cut = 4 },
	{ .name = "less than a message's head", .header = true, .cut = 64 },
	{ .name = "a header that is too short", .header = true, .short_attr = NFQA_PACKET_HDR },
	{ .name = "a mark that is too short", .header = true, .mark = true, .short_attr = NFQA_MARK },
	{ .name = "a length that is too short", .header = true, .cap_len = true, .short_attr = NFQA_CAP_LEN },
};

static void put(struct nlmsghdr *nlh, const struct row *r, uint16_t type, size_t len, const void *value)
{
	mnl_attr_put(nlh, type, r->short_attr == type ? len - 2 : len, value);
}

static void put_number(struct nlmsghdr *nlh, const struct row *r, uint16_t type, uint32_t value)
{
	value = htonl(value);
	put(nlh, r, type, sizeof(value), &value);
}

static struct nlmsghdr *make(const struct row *r, char *buf)
{
	const struct nfqnl_msg_packet_hdr header = { htonl(ID), htons(0x0800), 2 };
	struct nfqnl_msg_packet_hw hw = { htons(r->mac_len), 0, { 2, 0, 0x5e, 0x10, 0, 1 } };
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = r->type != 0 ? r->type : (uint16_t)(NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET);
	struct nfgenmsg *gen = mnl_nlmsg_put_extra_header(nlh, sizeof(*gen));
	*gen = (struct nfgenmsg){ AF_INET, NFNETLINK_V0, htons(QUEUE) };
	if (r->header) /* its last byte counts: the structure is packed */
		mnl_attr_put(nlh, NFQA_PACKET_HDR,
		             r->short_attr == NFQA_PACKET_HDR ? sizeof(header) - 1 : sizeof(header), &header);
	if (r->mark)
		put_number(nlh, r, NFQA_MARK, MARK);
	if (r->other)
		put_number(nlh, r, NFQA_IFINDEX_INDEV, 3);
	if (r->mac)
		put(nlh, r, NFQA_HWADDR, sizeof(hw), &hw);
	if (r->cap_len)
		put_number(nlh, r, NFQA_CAP_LEN, WIRE);
	if (r->info != 0)
		put_number(nlh, r, NFQA_SKB_INFO, r->info);
	if (r->payload)
		mnl_attr_put(nlh, NFQA_PAYLOAD, sizeof(payload), payload);
	return nlh;
}

static void test_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < SL_COUNT(rows); i++) {
		const struct row *r = &rows[i];
		char buf[MESSAGE_MAX] __attribute__((aligned(4)));
		struct sl_nfq_packet p;
		struct nlmsghdr *nlh = make(r, buf);
		size_t len = nlh->nlmsg_len < (uint32_t)r->cut ? 0 : nlh->nlmsg_len - (size_t)r->cut;
		print_message("%s\n", r->name);
		assert_int_equal(sl_nfq_message_read(nlh, len, &p), r->read);
		if (!r->read)
			continue;
		assert_int_equal(p.ticket.id, ID);
		assert_int_equal(p.ticket.queue, QUEUE);
		assert_int_equal(p.ticket.mark, r->mark ? MARK : 0);
		assert_int_equal(p.wire_len, r->wire);
		assert_int_equal(p.unverified, r->unverified);
		assert_int_equal(p.origin.ifindex, r->other ? 3 : 0);
		assert_int_equal(p.origin.has_mac, r->mac && r->mac_len == 6);
		if (p.origin.has_mac)
			assert_memory_equal(p.origin.mac, "\2\0\x5e\x10\0\1", 6);
		assert_int_equal(p.ip.len, r->payload ? sizeof(payload) : 0);
		if (r->payload)
			assert_memory_equal(p.ip.p, payload, sizeof(payload));
	}
}

/* Attributes whose lengths are any: nothing outside is read, which the sanitizers see, and no loop is without end. */
static void test_lengths(void **state)
{
	(void)state;
	const struct row whole = { .header = true, .mark = true, .cap_len = true, .payload = true };
	for (uint32_t n = 0; n < 256; n++) {
		char buf[MESSAGE_MAX] __attribute__((aligned(4)));
		struct sl_nfq_packet p;
		struct nlmsghdr *nlh = make(&whole, buf);
		struct nlattr *mark =
		        (struct nlattr *)(void *)(buf + NLMSG_HDRLEN + sizeof(struct nfgenmsg) + 12);
		assert_int_equal(mark->nla_type, NFQA_MARK);
		mark->nla_len = (uint16_t)n;
		assert_int_equal(sl_nfq_message_read(nlh, nlh->nlmsg_len, &p), n == NLA_HDRLEN + 4);
	}
}

/* A copy of a SYN: the packet, whatever else the kernel tells. */
static void test_log(void **state)
{
	static const char mac[12];
	char buf[MESSAGE_MAX] __attribute__((aligned(4)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct sl_bytes ip = { NULL, 0 };
	uint32_t mark;
	(void)state;
	nlh->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET;
	(void)mnl_nlmsg_put_extra_header(nlh, sizeof(struct nfgenmsg));
	mnl_attr_put_u32(nlh, NFULA_MARK, htonl(0x40));
	mnl_attr_put(nlh, NFULA_HWADDR, sizeof(mac), mac);
	assert_false(sl_nflog_message_read(nlh, nlh->nlmsg_len, &ip, &mark));
	struct nlattr *last = mnl_nlmsg_get_payload_tail(nlh);
	mnl_attr_put(nlh, NFULA_PAYLOAD, sizeof(payload), payload);
	assert_true(sl_nflog_message_read(nlh, nlh->nlmsg_len, &ip, &mark));
	assert_int_equal(ip.len, sizeof(payload));
	assert_memory_equal(ip.p, payload, sizeof(payload));
	assert_int_equal(mark, 0x40);
	assert_false(sl_nflog_message_read(nlh, nlh->nlmsg_len - 4, &ip, &mark));
	for (uint32_t n = 0; n < 256; n++) {
		last->nla_len = (uint16_t)n;
		bool fits = n >= NLA_HDRLEN && n <= NLA_HDRLEN + NLA_ALIGN(sizeof(payload));
		assert_int_equal(sl_nflog_message_read(nlh, nlh->nlmsg_len, &ip, &mark), fits);
	}
	nlh->nlmsg_type = NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET;
	assert_false(sl_nflog_message_read(nlh, nlh->nlmsg_len, &ip, &mark));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_log),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
