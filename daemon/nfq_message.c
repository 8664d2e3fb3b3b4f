/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/nfq_message.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <string.h>

#include "base/util.h"
#include "daemon/mark.h"

/* Of other links than Ethernet and Wi-Fi, addresses have other lengths, and say nothing of a client. */
static bool read_mac(const void *value, size_t len, struct sl_origin *out)
{
	const struct nfqnl_msg_packet_hw *hw = value;

	if (len < sizeof(*hw))
		return false;
	if (ntohs(hw->hw_addrlen) != sizeof(out->mac))
		return true;
	memcpy(out->mac, hw->hw_addr, sizeof(out->mac));
	out->has_mac = true;
	return true;
}

/* Of the length that it should have; the kernel's own messages are always right. */
static bool read_attribute(const struct nlattr *attr, size_t len, struct sl_nfq_packet *out)
{
	const void *value = (const char *)attr + NLA_HDRLEN;
	const struct nfqnl_msg_packet_hdr *header = value;
	uint32_t number = 0;

	if ((attr->nla_type & NLA_TYPE_MASK) == NFQA_PAYLOAD) {
		out->ip = sl_bytes_of(value, len);
		return true;
	}
	if (len >= sizeof(number))
		memcpy(&number, value, sizeof(number));
	number = ntohl(number);
	switch (attr->nla_type & NLA_TYPE_MASK) {
	case NFQA_PACKET_HDR:
		if (len < sizeof(*header))
			return false;
		out->ticket.id = ntohl(header->packet_id);
		return true;
	case NFQA_MARK:
		out->ticket.mark = number;
		return len == sizeof(number);
	case NFQA_CAP_LEN:
		out->wire_len = number;
		return len == sizeof(number);
	case NFQA_SKB_INFO:
		out->unverified =
		        (number & (NFQA_SKB_CSUMNOTREADY | NFQA_SKB_GSO | NFQA_SKB_CSUM_NOTVERIFIED)) ==
		        NFQA_SKB_CSUM_NOTVERIFIED;
		return len == sizeof(number);
	case NFQA_IFINDEX_INDEV:
		out->origin.ifindex = number;
		return len == sizeof(number);
	case NFQA_HWADDR:
		return read_mac(value, len, &out->origin);
	default:
		return true;
	}
}

/* Where the attributes of a message of this kind begin; 0 where it is none. */
static size_t begin(const struct nlmsghdr *nlh, size_t len, uint16_t type)
{
	size_t at = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct nfgenmsg));

	return len < at || nlh->nlmsg_len < at || nlh->nlmsg_len > len || nlh->nlmsg_type != type ? 0 : at;
}

static bool is_whole(const struct nlmsghdr *nlh, size_t at, const struct nlattr *attr)
{
	return attr->nla_len >= NLA_HDRLEN && attr->nla_len <= nlh->nlmsg_len - at;
}

/* The kernel puts the packet last. */
bool sl_nflog_message_read(const struct nlmsghdr *nlh, size_t len, struct sl_bytes *ip, uint32_t *mark)
{
	size_t at = begin(nlh, len, (NFNL_SUBSYS_ULOG << 8) | NFULNL_MSG_PACKET);

	*mark = 0;
	while (at != 0 && nlh->nlmsg_len - at >= NLA_HDRLEN) {
		const struct nlattr *attr = (const void *)((const char *)nlh + at);
		if (!is_whole(nlh, at, attr))
			return false;
		if ((attr->nla_type & NLA_TYPE_MASK) == NFULA_MARK &&
		    attr->nla_len == NLA_HDRLEN + sizeof(*mark)) {
			memcpy(mark, (const char *)attr + NLA_HDRLEN, sizeof(*mark));
			*mark = ntohl(*mark);
		}
		if ((attr->nla_type & NLA_TYPE_MASK) == NFULA_PAYLOAD) {
			*ip = sl_bytes_of((const char *)attr + NLA_HDRLEN,
			                  attr->nla_len - (size_t)NLA_HDRLEN);
			return true;
		}
		at = sl_min(at + NLA_ALIGN(attr->nla_len), nlh->nlmsg_len);
	}
	return false;
}

/* Walked here and not by libmnl, whose functions cost 140 of 170 ns: three calls an attribute. */
bool sl_nfq_message_read(const struct nlmsghdr *nlh, size_t len, struct sl_nfq_packet *out)
{
	size_t at = begin(nlh, len, (NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_PACKET);
	bool has_header = false;

	if (at == 0)
		return false;
	const struct nfgenmsg *gen = (const void *)((const char *)nlh + NLMSG_HDRLEN);
	*out = (struct sl_nfq_packet){ .ticket.queue = ntohs(gen->res_id) };
	while (nlh->nlmsg_len - at >= NLA_HDRLEN) {
		const struct nlattr *attr = (const void *)((const char *)nlh + at);
		if (!is_whole(nlh, at, attr) ||
		    !read_attribute(attr, attr->nla_len - (size_t)NLA_HDRLEN, out))
			return false;
		has_header |= (attr->nla_type & NLA_TYPE_MASK) == NFQA_PACKET_HDR;
		at = sl_min(at + NLA_ALIGN(attr->nla_len), nlh->nlmsg_len);
	}
	if (out->wire_len == 0) /* where nothing was cut off */
		out->wire_len = (uint32_t)out->ip.len;
	return has_header;
}

size_t sl_nfq_message_verdict(char *at, const struct sl_answer *a, uint32_t mark_mask)
{
	static const enum sl_mark_verdict mark[] = {
		[SL_ACTION_PASS] = SL_MARK_PASSED,
		[SL_ACTION_ALLOW] = SL_MARK_ALLOWED,
		[SL_ACTION_BLOCK] = SL_MARK_BLOCKED,
		[SL_ACTION_ALLOW_QUIC] = SL_MARK_ALLOWED_QUIC,
	};
	struct nlmsghdr *nlh = nfq_nlmsg_put(at, NFQNL_MSG_VERDICT, a->ticket.queue);

	if (a->action == SL_ACTION_DROP || a->action == SL_ACTION_PARK) {
		uint32_t verdict = a->action == SL_ACTION_DROP ? NF_DROP : NF_QUEUE_NR((uint32_t)a->queue);
		nfq_nlmsg_verdict_put(nlh, (int)a->ticket.id, (int)verdict); /* the mark stays as it came */
		return nlh->nlmsg_len;
	}
	nfq_nlmsg_verdict_put(nlh, (int)a->ticket.id, NF_ACCEPT);
	nfq_nlmsg_verdict_put_mark(nlh, sl_mark_answer(mark_mask, a->ticket.mark, mark[a->action]));
	return nlh->nlmsg_len;
}
