/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/fd_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

static bool is_stored(const char *name)
{
	return strcmp(name, "flow-log") != 0 && strcmp(name, "adopt") != 0 && strcmp(name, "broker") != 0 &&
	       strncmp(name, "channel-", strlen("channel-")) != 0;
}

static void put(void *ctx, const char *name, int *fd)
{
	char text[128];
	(void)ctx;

	if (*fd < 0 || !is_stored(name))
		return;
	(void)snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=%s\nFDPOLL=0", name);
	(void)sd_pid_notify_with_fds(0, 0, text, fd, 1);
}

void sl_fd_store_put(const struct sl_take *take)
{
	struct sl_take t = *take;

	sl_take_each(&t, put, NULL);
}

static void forget(const char *name)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%s", name);
	(void)sd_notify(0, text);
}

static void drop(void *ctx, const char *name, int *fd)
{
	(void)ctx;
	if (*fd >= 0 && is_stored(name))
		forget(name);
}

void sl_fd_store_drop(const struct sl_take *take)
{
	struct sl_take t = *take;

	sl_take_each(&t, drop, NULL);
}

/* The number of workers is that of the queues: "queue-0" to the first one that is not there. */
static void count_workers(struct sl_take *take)
{
	unsigned n = 0;

	while (n < SL_WORKERS_MAX && take->queue[n] >= 0)
		n++;
	for (unsigned i = n; i < SL_WORKERS_MAX; i++)
		if (take->queue[i] >= 0 || take->conntrack[i] >= 0)
			n = 0; /* one in between is missing */
	if (n > 0)
		take->workers = n;
}

bool sl_fd_store_take(struct sl_take *take)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names);

	sl_take_none(take);
	take->workers = SL_WORKERS_MAX;
	for (int i = 0; i < n; i++) {
		int *place = sl_take_place(take, names[i]);
		if (place != NULL && *place < 0)
			*place = SD_LISTEN_FDS_START + i;
		else
			(void)close(SD_LISTEN_FDS_START + i);
		free(names[i]);
	}
	free(names);
	count_workers(take);
	if (n > 0 && sl_take_is_whole(take))
		return true;
	sl_take_close(take);
	return false;
}

void sl_fd_store_release(void)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names);

	for (int i = 0; i < n; i++) {
		forget(names[i]);
		(void)close(SD_LISTEN_FDS_START + i);
		free(names[i]);
	}
	free(names);
}
