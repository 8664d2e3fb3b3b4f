/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/broker.h"

#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/nfq.h"

enum {
	HEADROOM = 512, /* of a message: everything but the payload */
	SAID_MAX = 64 * 1024,
	CHANNEL_BUFFER = 4 << 20, /* more than a batch of the longest packets that are usual */
	LOOKUP_WAIT_US = 200000,
};

enum { CHANNEL, QUEUE, LOOKUP, CONNTRACK, FDS };

struct relay {
	struct sl_broker_relay *to;
	struct sl_ledger *ledger;
	uint32_t batch;
	size_t slot; /* bytes a message */
	char *buf, *said, *checked;
	struct mmsghdr *msg;
	struct iovec *iov;
	int read, handed; /* messages of the kernel, and how many of them the engine has */
	bool ended;       /* the engine is gone */
	uint64_t retries;
};

static int relay_new(struct relay *r, const struct sl_broker_setup *setup)
{
	int err = sl_ledger_new(&setup->limits, &r->ledger);

	r->batch = setup->batch;
	r->slot = ((size_t)setup->copy_range + HEADROOM + SL_CACHE_LINE - 1) & ~(size_t)(SL_CACHE_LINE - 1);
	r->buf = malloc(r->slot * r->batch);
	r->said = malloc(SAID_MAX);
	r->checked = malloc(SAID_MAX);
	r->msg = calloc(r->batch, sizeof(*r->msg));
	r->iov = calloc(r->batch, sizeof(*r->iov));
	if (err != SL_OK || r->buf == NULL || r->said == NULL || r->checked == NULL || r->msg == NULL ||
	    r->iov == NULL)
		return SL_ENOMEM;
	for (uint32_t i = 0; i < r->batch; i++) {
		r->iov[i].iov_base = r->buf + i * r->slot;
		r->msg[i].msg_hdr.msg_iov = &r->iov[i];
		r->msg[i].msg_hdr.msg_iovlen = 1;
	}
	return SL_OK;
}

static void relay_free(struct relay *r)
{
	sl_ledger_free(&r->ledger);
	free(r->buf);
	free(r->said);
	free(r->checked);
	free(r->msg);
	free(r->iov);
}

/* To the engine. What does not fit waits: nothing is read from the kernel meanwhile. */
static int hand_out(struct relay *r)
{
	while (r->handed < r->read) {
		int n = sendmmsg(r->to->channel, r->msg + r->handed, (unsigned)(r->read - r->handed),
		                 MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0) {
			r->handed += n;
			continue;
		}
		if (errno == EAGAIN || errno == EINTR)
			return SL_OK;
		if (errno != EPIPE && errno != ECONNRESET)
			return SL_ESYS;
		r->handed = r->read; /* it is gone; what it has said last is still to be read */
	}
	return SL_OK;
}

/* The engine counts it, as it does where it reads the kernel's socket itself. */
static int tell_overrun(struct relay *r)
{
	const struct nlmsghdr lost = { .nlmsg_len = sizeof(lost), .nlmsg_type = NLMSG_OVERRUN };

	(void)send(r->to->channel, &lost, sizeof(lost), MSG_DONTWAIT | MSG_NOSIGNAL);
	return SL_OK;
}

static int read_packets(struct relay *r)
{
	for (uint32_t i = 0; i < r->batch; i++)
		r->iov[i].iov_len = r->slot;
	int n = recvmmsg(r->to->queue, r->msg, r->batch, MSG_DONTWAIT, NULL);
	if (n < 0)
		return errno == ENOBUFS                    ? tell_overrun(r)
		       : errno == EAGAIN || errno == EINTR ? SL_OK
		                                           : SL_ESYS;
	for (int i = 0; i < n; i++) {
		r->iov[i].iov_len = r->msg[i].msg_len;
		int err = sl_ledger_note(r->ledger, sl_bytes_of(r->iov[i].iov_base, r->iov[i].iov_len));
		if (err != SL_OK)
			return err;
	}
	r->read = n;
	r->handed = 0;
	return hand_out(r);
}

/* One message of an end of the engine's; 0: there is none at the moment, or for ever. That it left without reading all it was told
 * (ECONNRESET) says nothing of what it said before. */
static size_t hear(struct relay *r, int from)
{
	ssize_t n = recv(from, r->said, SAID_MAX, MSG_DONTWAIT);

	r->ended |= n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNRESET);
	return n < 0 ? 0 : (size_t)n;
}

static int read_answers(struct relay *r)
{
	size_t len = hear(r, r->to->channel);
	size_t n =
	        len == 0 ? 0
	                 : sl_ledger_check(r->ledger, sl_bytes_of(r->said, len), r->checked, r->to->refused);

	return n == 0 ? SL_OK : sl_nfq_send(r->to->queue, r->checked, n, &r->retries);
}

/* What is no question for connections is not asked; the engine waits for an answer no longer than it would for the kernel's. */
static int read_question(struct relay *r)
{
	size_t len = hear(r, r->to->lookup);

	if (len > 0 && !sl_ledger_is_lookup(sl_bytes_of(r->said, len)))
		r->to->refused[SL_LEDGER_MALFORMED]++;
	else if (len > 0)
		(void)send(r->to->conntrack, r->said, len, 0);
	return SL_OK;
}

static int read_connections(struct relay *r)
{
	ssize_t n = recv(r->to->conntrack, r->said, SAID_MAX, MSG_DONTWAIT);

	if (n > 0)
		(void)send(r->to->lookup, r->said, (size_t)n, MSG_NOSIGNAL);
	return SL_OK;
}

static int turn(struct relay *r, const struct pollfd fd[FDS])
{
	int err = SL_OK;

	if ((fd[CHANNEL].revents & ~POLLOUT) != 0)
		err = read_answers(r);
	if (err == SL_OK && !r->ended && (fd[CHANNEL].revents & POLLOUT) != 0)
		err = hand_out(r);
	if (err == SL_OK && !r->ended && fd[QUEUE].revents != 0 && r->handed == r->read)
		err = read_packets(r);
	if (err == SL_OK && !r->ended && fd[LOOKUP].revents != 0)
		err = read_question(r);
	if (err == SL_OK && !r->ended && fd[CONNTRACK].revents != 0)
		err = read_connections(r);
	return err;
}

int sl_broker_relay(struct sl_broker_relay *relay, const struct sl_broker_setup *setup)
{
	struct relay r = { .to = relay };
	int err = relay_new(&r, setup);

	while (err == SL_OK && !r.ended) {
		bool waits = r.handed < r.read;
		struct pollfd fd[FDS] = {
			[CHANNEL] = { relay->channel, (short)(POLLIN | (waits ? POLLOUT : 0)), 0 },
			[QUEUE] = { waits ? -1 : relay->queue, POLLIN, 0 },
			[LOOKUP] = { relay->lookup, POLLIN, 0 },
			[CONNTRACK] = { relay->conntrack, POLLIN, 0 },
		};
		if (poll(fd, FDS, -1) < 0)
			err = errno == EINTR ? SL_OK : SL_ESYS;
		else
			err = turn(&r, fd);
	}
	relay_free(&r);
	return err;
}

/* ---- the supervisor's part ---- */

static void shut(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

void sl_broker_close_lookups(struct sl_take *take)
{
	for (unsigned i = 0; i < take->workers; i++)
		shut(&take->lookup[i]);
}

void sl_broker_disconnect(struct sl_take *take)
{
	for (unsigned i = 0; i < take->workers; i++)
		shut(&take->channel[i]);
	sl_broker_close_lookups(take);
}

static void widen(int fd)
{
	const int bytes = CHANNEL_BUFFER;

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) != 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

static int pair(int *engine, int *broker)
{
	int end[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, end) != 0)
		return SL_ESYS;
	widen(end[0]);
	widen(end[1]);
	*engine = end[0];
	*broker = end[1];
	return SL_OK;
}

int sl_broker_connect(struct sl_take *engine, struct sl_take *broker)
{
	const struct timeval wait = { .tv_usec = LOOKUP_WAIT_US };
	int err = SL_OK;

	for (unsigned i = 0; i < engine->workers && err == SL_OK; i++) {
		err = pair(&engine->channel[i], &broker->channel[i]);
		if (err != SL_OK || broker->conntrack[i] < 0)
			continue;
		err = pair(&engine->lookup[i], &broker->lookup[i]);
		if (err == SL_OK &&
		    (setsockopt(engine->lookup[i], SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) != 0 ||
		     setsockopt(broker->lookup[i], SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) != 0))
			err = SL_ESYS;
	}
	if (err != SL_OK) {
		sl_broker_disconnect(engine);
		sl_broker_disconnect(broker);
	}
	return err;
}
