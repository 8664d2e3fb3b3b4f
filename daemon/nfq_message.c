/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/nfq_message.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>

#include "daemon/mark.h"

bool sl_nfq_message_read(const struct nlmsghdr *nlh, size_t len, struct sl_nfq_packet *out)
{
	struct nlattr *attr[NFQA_MAX + 1] = { NULL };

	if (!mnl_nlmsg_ok(nlh, (int)len) || nlh->nlmsg_type != ((NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_PACKET))
		return false;
	if (nfq_nlmsg_parse(nlh, attr) < 0 || attr[NFQA_PACKET_HDR] == NULL)
		return false;
	const struct nfgenmsg *gen = mnl_nlmsg_get_payload(nlh);
	const struct nfqnl_msg_packet_hdr *hdr = mnl_attr_get_payload(attr[NFQA_PACKET_HDR]);
	out->ticket.id = ntohl(hdr->packet_id);
	out->ticket.queue = ntohs(gen->res_id);
	out->ticket.mark = attr[NFQA_MARK] == NULL ? 0 : ntohl(mnl_attr_get_u32(attr[NFQA_MARK]));
	out->ip = attr[NFQA_PAYLOAD] == NULL ? (struct sl_bytes){ NULL, 0 }
	                                     : sl_bytes_of(mnl_attr_get_payload(attr[NFQA_PAYLOAD]),
	                                                   mnl_attr_get_payload_len(attr[NFQA_PAYLOAD]));
	uint32_t info = attr[NFQA_SKB_INFO] == NULL ? 0 : ntohl(mnl_attr_get_u32(attr[NFQA_SKB_INFO]));
	out->unverified = (info & (NFQA_SKB_CSUMNOTREADY | NFQA_SKB_GSO | NFQA_SKB_CSUM_NOTVERIFIED)) ==
	                  NFQA_SKB_CSUM_NOTVERIFIED;
	out->wire_len = attr[NFQA_CAP_LEN] == NULL ? (uint32_t)out->ip.len
	                                           : ntohl(mnl_attr_get_u32(attr[NFQA_CAP_LEN]));
	return true;
}

size_t sl_nfq_message_verdict(char *at, const struct sl_answer *a, uint32_t mark_mask)
{
	static const enum sl_mark_verdict mark[] = {
		[SL_ACTION_PASS] = SL_MARK_PASSED,
		[SL_ACTION_ALLOW] = SL_MARK_ALLOWED,
		[SL_ACTION_BLOCK] = SL_MARK_BLOCKED,
	};
	struct nlmsghdr *nlh = nfq_nlmsg_put(at, NFQNL_MSG_VERDICT, a->ticket.queue);

	nfq_nlmsg_verdict_put(nlh, (int)a->ticket.id, NF_ACCEPT);
	nfq_nlmsg_verdict_put_mark(nlh, sl_mark_answer(mark_mask, a->ticket.mark, mark[a->action]));
	return nlh->nlmsg_len;
}
