/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ipc.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct head {
	uint32_t type, have;
	uint64_t number;
};

void sl_ipc_set_buffer(int end)
{
	int bytes = SL_IPC_TEXT_MAX * 2;

	if (setsockopt(end, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) != 0)
		(void)setsockopt(end, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

int sl_ipc_pair(int end[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, end) != 0)
		return SL_ESYS;
	sl_ipc_set_buffer(end[0]);
	sl_ipc_set_buffer(end[1]);
	return SL_OK;
}

int sl_ipc_send(int end, enum sl_ipc_type type, uint64_t number, struct sl_bytes text, const int *fd,
                unsigned fds, uint32_t have)
{
	struct head head = { type, have, number };
	struct iovec iov[2] = { { &head, sizeof(head) }, { (void *)(uintptr_t)text.p, text.len } };
	union {
		char space[CMSG_SPACE(sizeof(int) * SL_IPC_FDS_MAX)];
		struct cmsghdr align;
	} control = { .space = { 0 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = text.len > 0 ? 2 : 1 };

	if (fds > SL_IPC_FDS_MAX || text.len > SL_IPC_TEXT_MAX)
		return SL_ELIMIT;
	if (fds > 0) {
		msg.msg_control = control.space;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * fds);
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * fds);
		memcpy(CMSG_DATA(c), fd, sizeof(int) * fds);
	}
	while (sendmsg(end, &msg, MSG_NOSIGNAL) < 0) {
		if (errno == EPIPE || errno == ECONNRESET)
			return SL_ENOENT;
		if (errno != EINTR)
			return SL_ESYS;
	}
	return SL_OK;
}

static void take_fds(struct msghdr *msg, struct sl_ipc_msg *out)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		unsigned n = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(out->fd, CMSG_DATA(c), n * sizeof(int));
		out->fds = n;
	}
}

int sl_ipc_receive(int end, struct sl_ipc_msg *out)
{
	struct head head;
	struct iovec iov[2] = { { &head, sizeof(head) }, { out->buf, sizeof(out->buf) } };
	union {
		char space[CMSG_SPACE(sizeof(int) * SL_IPC_FDS_MAX)];
		struct cmsghdr align;
	} control;
	struct msghdr msg = { .msg_iov = iov,
		              .msg_iovlen = 2,
		              .msg_control = control.space,
		              .msg_controllen = sizeof(control.space) };
	ssize_t n;

	out->fds = 0;
	do
		n = recvmsg(end, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? SL_EMORE : errno == ECONNRESET ? SL_ENOENT : SL_ESYS;
	if (n == 0)
		return SL_ENOENT;
	take_fds(&msg, out);
	if ((size_t)n < sizeof(head) || (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
		sl_ipc_close_fds(out);
		return SL_EMALF;
	}
	out->type = head.type;
	out->have = head.have;
	out->number = head.number;
	out->text = sl_bytes_of(out->buf, (size_t)n - sizeof(head));
	return SL_OK;
}

void sl_ipc_close_fds(struct sl_ipc_msg *msg)
{
	for (unsigned i = 0; i < msg->fds; i++)
		if (msg->fd[i] >= 0)
			(void)close(msg->fd[i]);
	msg->fds = 0;
}
