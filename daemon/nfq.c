/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/nfq.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/lines.h"
#include "daemon/nfq_message.h"

enum {
	HEADROOM = 512, /* of a message: everything but the payload */
	SEND_BYTES = 64 * 1024,
	MESSAGE_MAX = 8192, /* of configuration: more than any request or answer needs */
	SEND_TRIES = 10,    /* with the pauses between them some 200 ms */
	SEND_PAUSE_MS = 1,  /* the first pause; each is twice the one before, up to the longest */
	SEND_PAUSE_MAX_MS = 50,
};

struct sl_nfq_batch {
	uint32_t messages;
	size_t slot; /* bytes a message */
	uint8_t *buf;
	struct mmsghdr *msg;
	struct iovec *iov;
	struct sl_nfq_packet *packet;
	char *send;
};

static const struct sockaddr_nl kernel_addr = { .nl_family = AF_NETLINK };

int sl_nfq_talk(int fd, struct nlmsghdr *nlh, uint32_t seq)
{
	char answer[MESSAGE_MAX] __attribute__((aligned(8)));

	nlh->nlmsg_flags |= NLM_F_ACK;
	nlh->nlmsg_seq = seq;
	if (sendto(fd, nlh, nlh->nlmsg_len, 0, (const struct sockaddr *)&kernel_addr, sizeof(kernel_addr)) <
	    0)
		return SL_ESYS;
	for (;;) {
		ssize_t n = recv(fd, answer, sizeof(answer), 0);
		if (n < 0 && (errno == EINTR || errno == ENOBUFS))
			continue;
		if (n < (ssize_t)sizeof(struct nlmsghdr))
			return SL_ESYS;
		const struct nlmsghdr *reply = (const void *)answer;
		if (reply->nlmsg_type != NLMSG_ERROR || reply->nlmsg_seq != seq)
			continue; /* a packet of a queue that is bound already: it waits in the kernel */
		const struct nlmsgerr *err = mnl_nlmsg_get_payload(reply);
		errno = -err->error;
		return err->error == 0 ? SL_OK : SL_ESYS;
	}
}

static int bind_queue(int fd, const struct sl_nfq_cfg *cfg, uint16_t queue)
{
	char buf[MESSAGE_MAX] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, queue);
	uint32_t flags = NFQA_CFG_F_GSO | (cfg->fail_open ? NFQA_CFG_F_FAIL_OPEN : 0);

	nfq_nlmsg_cfg_put_cmd(nlh, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
	int err = sl_nfq_talk(fd, nlh, 1);
	if (err != SL_OK)
		return err;
	nlh = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, queue);
	nfq_nlmsg_cfg_put_params(nlh, NFQNL_COPY_PACKET, (int)cfg->copy_range);
	nfq_nlmsg_cfg_put_qmaxlen(nlh, cfg->queue_length);
	mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS, htonl(flags));
	mnl_attr_put_u32(nlh, NFQA_CFG_MASK, htonl(NFQA_CFG_F_GSO | NFQA_CFG_F_FAIL_OPEN));
	return sl_nfq_talk(fd, nlh, 2);
}

static void set_buffer(int fd, uint32_t bytes)
{
	int n = (int)bytes;

	/* FORCE needs CAP_NET_ADMIN, which the supervisor has; the plain one is capped by net.core.rmem_max. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &n, sizeof(n)) != 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &n, sizeof(n));
}

int sl_nfq_bind(int fd, const struct sl_nfq_cfg *cfg, uint16_t queue, const struct sl_diag *diag)
{
	if (bind_queue(fd, cfg, queue) == SL_OK)
		return SL_OK;
	if (errno == EBUSY || errno == EPERM)
		sl_diag(diag, NULL, 0,
		        "queue %u: %s; another program may hold it: choose another queue_first, or "
		        "stop it",
		        queue, strerror(errno));
	else
		sl_diag(diag, NULL, 0, "queue %u: %s", queue, strerror(errno));
	return SL_ESYS;
}

int sl_nfq_socket(uint32_t receive_buffer)
{
	struct sockaddr_nl local = { .nl_family = AF_NETLINK };
	int s = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

	if (s >= 0 && bind(s, (struct sockaddr *)&local, sizeof(local)) != 0) {
		(void)close(s);
		s = -1;
	}
	if (s >= 0)
		set_buffer(s, receive_buffer);
	return s;
}

int sl_nfq_open(const struct sl_nfq_cfg *cfg, uint16_t first, uint16_t count, unsigned share, unsigned shares,
                const struct sl_diag *diag, int *fd)
{
	int s = sl_nfq_socket(cfg->receive_buffer);

	if (s < 0) {
		sl_diag(diag, NULL, 0, "netfilter socket: %s; is nfnetlink there (modprobe nfnetlink_queue)?",
		        strerror(errno));
		goto fail;
	}
	for (unsigned i = share; i < count; i += shares)
		if (sl_nfq_bind(s, cfg, (uint16_t)(first + i), diag) != SL_OK)
			goto fail;
	*fd = s;
	return SL_OK;
fail:
	if (s >= 0)
		(void)close(s);
	return errno == EBUSY ? SL_EBUSY : SL_ESYS;
}

int sl_nfq_batch_new(uint32_t messages, uint32_t copy_range, struct sl_nfq_batch **out)
{
	struct sl_nfq_batch *b = sl_lines_new(1, sizeof(*b));

	if (b == NULL)
		return SL_ENOMEM;
	b->messages = messages;
	b->slot = ((size_t)copy_range + HEADROOM + SL_CACHE_LINE - 1) & ~(size_t)(SL_CACHE_LINE - 1);
	b->buf = aligned_alloc(SL_CACHE_LINE, b->slot * messages);
	b->msg = sl_lines_new(messages, sizeof(*b->msg));
	b->iov = sl_lines_new(messages, sizeof(*b->iov));
	b->packet = sl_lines_new(messages, sizeof(*b->packet));
	b->send = sl_lines_new(1, SEND_BYTES);
	if (b->buf == NULL || b->msg == NULL || b->iov == NULL || b->packet == NULL || b->send == NULL) {
		sl_nfq_batch_free(&b);
		return SL_ENOMEM;
	}
	for (uint32_t i = 0; i < messages; i++) {
		b->iov[i] = (struct iovec){ b->buf + i * b->slot, b->slot };
		b->msg[i].msg_hdr.msg_iov = &b->iov[i];
		b->msg[i].msg_hdr.msg_iovlen = 1;
	}
	*out = b;
	return SL_OK;
}

void sl_nfq_batch_free(struct sl_nfq_batch **b)
{
	if (*b == NULL)
		return;
	free((*b)->buf);
	free((*b)->msg);
	free((*b)->iov);
	free((*b)->packet);
	free((*b)->send);
	free(*b);
	*b = NULL;
}

static int read_failed(struct sl_nfq_counts *counts)
{
	switch (errno) {
	case ENOBUFS:
		counts->enobufs++;
		return 0;
	case EAGAIN:
	case EINTR:
		return 0;
	default:
		return SL_ESYS;
	}
}

int sl_nfq_read(int fd, struct sl_nfq_batch *b, const struct sl_nfq_packet **packets,
                struct sl_nfq_counts *counts)
{
	int n = recvmmsg(fd, b->msg, b->messages, MSG_WAITFORONE, NULL);
	int got = 0;

	if (n < 0)
		return read_failed(counts);
	for (int i = 0; i < n; i++) {
		const struct nlmsghdr *nlh = b->iov[i].iov_base;
		if (b->msg[i].msg_len ==
		    0) { /* a broker's end, and it is gone: netlink has no empty messages */
			errno = ECONNRESET;
			return SL_ESYS;
		}
		if ((b->msg[i].msg_hdr.msg_flags & MSG_TRUNC) == 0 &&
		    sl_nfq_message_read(nlh, b->msg[i].msg_len, &b->packet[got]))
			got++;
		else if (b->msg[i].msg_len >= NLMSG_HDRLEN && nlh->nlmsg_type == NLMSG_OVERRUN)
			counts->enobufs++; /* as a broker has seen it */
		else
			counts->errors++;
	}
	*packets = b->packet;
	return got;
}

/* The kernel has no memory for the message (ENOBUFS) or no room (EAGAIN): that passes, or this machine is past help. Who
 * asks for ever is neither dead nor alive: nobody would take over. So it is asked a few times, and then has failed; what
 * waits stays in the kernel, for the next engine. */
int sl_nfq_send(int fd, const char *buf, size_t len, uint64_t *retries)
{
	size_t ms = SEND_PAUSE_MS;

	for (int tries = 1; send(fd, buf, len, 0) < 0; tries++) {
		if (errno == EINTR) {
			tries--;
			continue;
		}
		if ((errno != ENOBUFS && errno != EAGAIN) || tries >= SEND_TRIES)
			return SL_ESYS;
		const struct timespec pause = { 0, (long)ms * 1000000 };
		(void)nanosleep(&pause, NULL);
		ms = sl_min(ms * 2, SEND_PAUSE_MAX_MS);
		++*retries;
	}
	return SL_OK;
}

int sl_nfq_answer(int fd, struct sl_nfq_batch *b, const struct sl_answer *answer, size_t n,
                  uint32_t mark_mask, struct sl_nfq_counts *counts)
{
	size_t len = 0;
	int err = SL_OK;

	for (size_t i = 0; i < n && err == SL_OK; i++) {
		if (len + SL_NFQ_VERDICT_MAX > SEND_BYTES) {
			err = sl_nfq_send(fd, b->send, len, &counts->send_retries);
			len = 0;
		}
		len += sl_nfq_message_verdict(b->send + len, &answer[i], mark_mask);
	}
	if (err == SL_OK && len > 0)
		err = sl_nfq_send(fd, b->send, len, &counts->send_retries);
	return err;
}
