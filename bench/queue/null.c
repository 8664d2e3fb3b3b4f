/* SPDX-License-Identifier: GPL-2.0-or-later */
/* null.c - sl_queue_null: the smallest NFQUEUE program that is correct and does not waste: it reads in batches, allows every
 * flow with its mark, answers each batch with one send and lets those run who produce packets. It looks at no packet, so what
 * it costs is the price of the queue. Nothing of it is shared with sluice. */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 64, SLOT = 4096, COPY = 2048, LENGTH = 4096, BUFFER = 8 << 20, VERDICT = 64, REPLY = 8192 };

static void die(const char *what)
{
	(void)fprintf(stderr, "sl_queue_null: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct nlmsghdr *begin(char *at, uint16_t type, uint16_t queue)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(at);
	struct nfgenmsg *gen = mnl_nlmsg_put_extra_header(nlh, sizeof(*gen));
	nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_QUEUE << 8 | type);
	nlh->nlmsg_flags = NLM_F_REQUEST;
	*gen = (struct nfgenmsg){ AF_UNSPEC, NFNETLINK_V0, htons(queue) };
	return nlh;
}

/* No packet comes between: the rules are loaded when all queues are bound. */
static void ask(struct mnl_socket *s, struct nlmsghdr *nlh)
{
	char reply[REPLY];
	nlh->nlmsg_flags |= NLM_F_ACK;
	ssize_t n = mnl_socket_sendto(s, nlh, nlh->nlmsg_len) < 0
	                    ? -1
	                    : mnl_socket_recvfrom(s, reply, sizeof(reply));
	if (n < 0 || mnl_cb_run(reply, (size_t)n, 0, mnl_socket_get_portid(s), NULL, NULL) < 0)
		die("queue");
}

static void bind_queue(struct mnl_socket *s, uint16_t queue)
{
	char buf[REPLY];
	const struct nfqnl_msg_config_cmd bind = { NFQNL_CFG_CMD_BIND, 0, htons(AF_UNSPEC) };
	const struct nfqnl_msg_config_params copy = { htonl(COPY), NFQNL_COPY_PACKET };
	struct nlmsghdr *nlh = begin(buf, NFQNL_MSG_CONFIG, queue);
	mnl_attr_put(nlh, NFQA_CFG_CMD, sizeof(bind), &bind);
	ask(s, nlh);
	nlh = begin(buf, NFQNL_MSG_CONFIG, queue);
	mnl_attr_put(nlh, NFQA_CFG_PARAMS, sizeof(copy), &copy);
	mnl_attr_put_u32(nlh, NFQA_CFG_QUEUE_MAXLEN, htonl(LENGTH));
	mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS, htonl(NFQA_CFG_F_GSO));
	mnl_attr_put_u32(nlh, NFQA_CFG_MASK, htonl(NFQA_CFG_F_GSO));
	ask(s, nlh);
}

/* Appends the verdict of the packet in a message; other users' bits of its mark stay. Returns its bytes, 0 for no packet. */
static size_t answer(struct nlmsghdr *nlh, char *at, uint32_t mask)
{
	struct nlattr *attr;
	const struct nfqnl_msg_packet_hdr *packet = NULL;
	uint32_t mark = 0, allowed = mask & -mask;
	if (nlh->nlmsg_type != (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET))
		return 0;
	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attr) == NFQA_PACKET_HDR)
			packet = mnl_attr_get_payload(attr);
		else if (mnl_attr_get_type(attr) == NFQA_MARK)
			mark = ntohl(mnl_attr_get_u32(attr));
	}
	if (packet == NULL)
		return 0;
	const struct nfgenmsg *gen = mnl_nlmsg_get_payload(nlh);
	const struct nfqnl_msg_verdict_hdr verdict = { htonl(NF_ACCEPT), packet->packet_id };
	struct nlmsghdr *out = begin(at, NFQNL_MSG_VERDICT, ntohs(gen->res_id));
	mnl_attr_put(out, NFQA_VERDICT_HDR, sizeof(verdict), &verdict);
	mnl_attr_put_u32(out, NFQA_MARK, htonl((mark & ~mask) | allowed));
	return out->nlmsg_len;
}

static void serve(int fd, uint32_t mask)
{
	static char buf[BATCH][SLOT] __attribute__((aligned(64))), out[BATCH * VERDICT];
	static struct mmsghdr msg[BATCH];
	static struct iovec iov[BATCH];
	for (int i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){ buf[i], SLOT };
		msg[i].msg_hdr.msg_iov = &iov[i];
		msg[i].msg_hdr.msg_iovlen = 1;
	}
	for (;;) {
		size_t len = 0;
		int n = recvmmsg(fd, msg, BATCH, MSG_WAITFORONE, NULL);
		if (n < 0 && errno != EINTR && errno != ENOBUFS)
			die("recvmmsg");
		for (int i = 0; i < n; i++)
			len += answer((struct nlmsghdr *)(void *)buf[i], out + len, mask);
		if (len > 0 && send(fd, out, len, 0) < 0)
			die("send");
		(void)sched_yield();
	}
}

int main(int argc, char **argv)
{
	const int bytes = BUFFER, on = 1;
	if (argc != 4) {
		(void)fputs(
		        "usage: sl_queue_null FIRST COUNT MASK\n"
		        "queues FIRST .. FIRST + COUNT - 1; the lowest bit of MASK marks what is allowed\n",
		        stderr);
		return 2;
	}
	unsigned long first = strtoul(argv[1], NULL, 0), count = strtoul(argv[2], NULL, 0);
	struct mnl_socket *s = mnl_socket_open(NETLINK_NETFILTER);
	if (s == NULL || mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0)
		die("netlink");
	int fd = mnl_socket_get_fd(s);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) != 0 ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof(on)) != 0)
		die("buffer");
	for (unsigned long i = 0; i < count; i++)
		bind_queue(s, (uint16_t)(first + i));
	(void)puts("ready");
	(void)fflush(stdout);
	serve(fd, (uint32_t)strtoul(argv[3], NULL, 0));
}
