/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/take.h"

#include <unistd.h>

enum { HAVE_RAW4 = 1, HAVE_RAW6 = 2, HAVE_LOG = 4, HAVE_CONNTRACK = 8, HAVE_ADOPT = 16 };

/* Calls each() for every descriptor that `have` names, in the order of the message. */
static void walk(struct sl_take *t, uint32_t have, void (*each)(void *ctx, int *fd), void *ctx)
{
	each(ctx, &t->shared);
	each(ctx, &t->conf);
	if ((have & HAVE_RAW4) != 0)
		each(ctx, &t->raw[0]);
	if ((have & HAVE_RAW6) != 0)
		each(ctx, &t->raw[1]);
	if ((have & HAVE_LOG) != 0)
		each(ctx, &t->flow_log);
	if ((have & HAVE_ADOPT) != 0)
		each(ctx, &t->adopt);
	for (unsigned i = 0; i < t->workers; i++) {
		each(ctx, &t->queue[i]);
		if ((have & HAVE_CONNTRACK) != 0)
			each(ctx, &t->conntrack[i]);
	}
}

struct fds {
	int *fd;
	unsigned n, cap;
};

static void append(void *ctx, int *fd)
{
	struct fds *f = ctx;

	f->fd[f->n++] = *fd;
}

void sl_take_none(struct sl_take *take)
{
	take->workers = 0;
	take->shared = take->conf = take->raw[0] = take->raw[1] = take->flow_log = take->adopt = -1;
	for (unsigned i = 0; i < SL_WORKERS_MAX; i++)
		take->queue[i] = take->conntrack[i] = -1;
}

int sl_take_send(int ipc, enum sl_ipc_type type, const struct sl_take *take)
{
	struct sl_take t = *take;
	int fd[SL_IPC_FDS_MAX];
	struct fds f = { fd, 0, SL_IPC_FDS_MAX };
	uint32_t have = (t.raw[0] >= 0 ? HAVE_RAW4 : 0) | (t.raw[1] >= 0 ? HAVE_RAW6 : 0) |
	                (t.flow_log >= 0 ? HAVE_LOG : 0) | (t.conntrack[0] >= 0 ? HAVE_CONNTRACK : 0) |
	                (t.adopt >= 0 ? HAVE_ADOPT : 0);

	walk(&t, have, append, &f);
	return sl_ipc_send(ipc, type, t.workers, (struct sl_bytes){ NULL, 0 }, fd, f.n, have);
}

static void count(void *ctx, int *fd)
{
	struct fds *f = ctx;
	(void)fd;

	f->n++;
}

static void hand_over(void *ctx, int *fd)
{
	struct fds *f = ctx;

	*fd = f->fd[f->n];
	f->fd[f->n++] = -1;
}

int sl_take_read(struct sl_ipc_msg *msg, struct sl_take *take)
{
	struct fds f = { msg->fd, 0, msg->fds };

	sl_take_none(take);
	if (msg->number == 0 || msg->number > SL_WORKERS_MAX)
		return SL_EMALF;
	take->workers = (unsigned)msg->number;
	walk(take, msg->have, count, &f);
	if (f.n != f.cap) {
		take->workers = 0;
		return SL_EMALF;
	}
	f.n = 0;
	walk(take, msg->have, hand_over, &f);
	return SL_OK;
}

static void shut(void *ctx, int *fd)
{
	(void)ctx;
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

void sl_take_close(struct sl_take *take)
{
	walk(take, UINT32_MAX, shut, NULL);
}
