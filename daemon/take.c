/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/take.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cur.h"

enum { ONE, EACH_WORKER };

static const struct slot {
	const char *name; /* of a worker's: with "-" and its number behind it */
	size_t at;
	int many;
	bool needed;
} slots[] = {
	{ "shared", offsetof(struct sl_take, shared), ONE, true },
	{ "conf", offsetof(struct sl_take, conf), ONE, true },
	{ "raw-4", offsetof(struct sl_take, raw[0]), ONE, false },
	{ "raw-6", offsetof(struct sl_take, raw[1]), ONE, false },
	{ "flow-log", offsetof(struct sl_take, flow_log), ONE, false },
	{ "rules", offsetof(struct sl_take, rules), ONE, false },
	{ "adopt", offsetof(struct sl_take, adopt), ONE, false },
	{ "syns", offsetof(struct sl_take, syns), ONE, false },
	{ "provider", offsetof(struct sl_take, provider), ONE, false },
	{ "trace", offsetof(struct sl_take, trace), ONE, false },
	{ "seen", offsetof(struct sl_take, seen), ONE, false },
	{ "broker", offsetof(struct sl_take, broker), ONE, false },
	{ "queue", offsetof(struct sl_take, queue), EACH_WORKER, true },
	{ "conntrack", offsetof(struct sl_take, conntrack), EACH_WORKER, false },
	{ "channel", offsetof(struct sl_take, channel), EACH_WORKER, false },
	{ "lookup", offsetof(struct sl_take, lookup), EACH_WORKER, false },
};

static int *place(struct sl_take *take, const struct slot *slot, unsigned worker)
{
	return (int *)(void *)((char *)take + slot->at) + worker;
}

void sl_take_none(struct sl_take *take)
{
	take->workers = SL_WORKERS_MAX;
	for (size_t i = 0; i < SL_COUNT(slots); i++)
		for (unsigned w = 0; w < (slots[i].many ? take->workers : 1); w++)
			*place(take, &slots[i], w) = -1;
	take->workers = 0;
}

void sl_take_each(struct sl_take *take, void (*each)(void *ctx, const char *name, int *fd), void *ctx)
{
	char name[SL_TAKE_NAME_MAX];

	for (size_t i = 0; i < SL_COUNT(slots); i++) {
		if (!slots[i].many)
			each(ctx, slots[i].name, place(take, &slots[i], 0));
		for (unsigned w = 0; slots[i].many && w < take->workers; w++) {
			(void)snprintf(name, sizeof(name), "%s-%u", slots[i].name, w);
			each(ctx, name, place(take, &slots[i], w));
		}
	}
}

struct search {
	const char *name;
	int *found;
};

static void compare(void *ctx, const char *name, int *fd)
{
	struct search *s = ctx;

	if (strcmp(s->name, name) == 0)
		s->found = fd;
}

int *sl_take_place(struct sl_take *take, const char *name)
{
	struct search s = { name, NULL };

	sl_take_each(take, compare, &s);
	return s.found;
}

bool sl_take_is_whole(const struct sl_take *take)
{
	struct sl_take t = *take;

	for (size_t i = 0; i < SL_COUNT(slots); i++)
		for (unsigned w = 0; slots[i].needed && w < (slots[i].many ? t.workers : 1); w++)
			if (*place(&t, &slots[i], w) < 0)
				return false;
	return t.workers > 0;
}

/* The names of a message, each with its NUL, in the order of the descriptors. */
struct letter {
	int fd[SL_IPC_FDS_MAX];
	unsigned fds;
	char names[SL_IPC_FDS_MAX * SL_TAKE_NAME_MAX];
	size_t len;
};

static void add(void *ctx, const char *name, int *fd)
{
	struct letter *l = ctx;
	size_t n = strlen(name) + 1;

	if (*fd < 0 || l->fds == SL_IPC_FDS_MAX)
		return;
	l->fd[l->fds++] = *fd;
	memcpy(l->names + l->len, name, n);
	l->len += n;
}

int sl_take_send(int ipc, enum sl_ipc_type type, const struct sl_take *take)
{
	struct sl_take t = *take;
	struct letter l = { .fds = 0 };

	sl_take_each(&t, add, &l);
	return sl_ipc_send(ipc, type, t.workers, sl_bytes_of(l.names, l.len), l.fd, l.fds, 0);
}

/* What is named twice, or not known, stays in the message, which closes it. */
static int read_names(struct sl_ipc_msg *msg, struct sl_take *take)
{
	struct sl_bytes rest = msg->text;
	unsigned i = 0;

	for (; rest.len > 0; i++) {
		size_t n = sl_bytes_find(rest, '\0');
		if (n == rest.len || i >= msg->fds)
			return SL_EMALF;
		int *fd = sl_take_place(take, (const char *)rest.p);
		if (fd != NULL && *fd < 0) {
			*fd = msg->fd[i];
			msg->fd[i] = -1;
		}
		rest = sl_bytes_skip(rest, n + 1);
	}
	return i == msg->fds && sl_take_is_whole(take) ? SL_OK : SL_EMALF;
}

int sl_take_read(struct sl_ipc_msg *msg, struct sl_take *take)
{
	sl_take_none(take);
	if (msg->number == 0 || msg->number > SL_WORKERS_MAX)
		return SL_EMALF;
	take->workers = (unsigned)msg->number;
	int err = read_names(msg, take);
	if (err != SL_OK)
		sl_take_close(take);
	return err;
}

static void shut(void *ctx, const char *name, int *fd)
{
	(void)ctx;
	(void)name;
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

void sl_take_close(struct sl_take *take)
{
	sl_take_each(take, shut, NULL);
	take->workers = 0;
}
