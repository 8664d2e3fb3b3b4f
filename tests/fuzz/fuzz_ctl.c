/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Property: however a client's bytes are cut, every whole line of up to 64 KiB gets exactly one reply, a JSON object with
 * "v" and "ok", in order; a longer line ends the connection, and what follows it gets none. Half of the requests are
 * answered at once, half later. The first byte of the input says how the others are cut. */
#include "daemon/ctl.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bytes.h"
#include "daemon/ctl_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sl_ctl *ctl;
static char path[64];
static uint64_t later; /* the client that waits for its reply; 0: none */
static unsigned requests;

static void on_request(void *ctx, uint64_t client, const struct sl_ctl_peer *peer, const char *cmd,
                       json_t *args)
{
	(void)ctx;
	(void)args;
	(void)peer;
	if (cmd == NULL || later != 0)
		abort(); /* one at a time */
	if (requests++ % 2 == 0)
		later = client;
	else
		sl_ctl_reply(ctl, client, json_pack("{s:b}", "ok", 1));
}

static void serve(void)
{
	struct pollfd p = { sl_ctl_fd(ctl), POLLIN, 0 };

	do {
		while (poll(&p, 1, 0) > 0)
			sl_ctl_serve(ctl);
		if (later != 0) {
			uint64_t client = later;
			later = 0;
			sl_ctl_reply(ctl, client, json_pack("{s:b}", "ok", 1));
		}
	} while (later != 0 || poll(&p, 1, 0) > 0);
}

static void clean_up(void)
{
	sl_ctl_close(&ctl);
}

static void start(void)
{
	const struct sl_ctl_handler handler = { .ctx = NULL, .request = on_request };
	(void)snprintf(path, sizeof(path), "/tmp/sluice-fuzz-ctl-%d.sock", (int)getpid());
	if (sl_ctl_open(path, &handler, NULL, &ctl) != SL_OK)
		abort();
	(void)atexit(clean_up);
}

static int client(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0)
		abort();
	return fd;
}

static void check_reply(struct sl_bytes line)
{
	json_t *reply = json_loadb((const char *)line.p, line.len, 0, NULL);
	if (json_integer_value(json_object_get(reply, "v")) != 1 ||
	    !json_is_boolean(json_object_get(reply, "ok")))
		abort();
	json_decref(reply);
}

/* Takes what has come, and counts the whole replies in it. */
static unsigned hear(int fd, struct sl_bytes *part, uint8_t *buf, size_t cap, bool *ended)
{
	unsigned n = 0;
	for (;;) {
		ssize_t got = recv(fd, buf + part->len, cap - part->len, 0);
		*ended |= got == 0 || (got < 0 && errno == ECONNRESET);
		if (got <= 0)
			return n;
		struct sl_bytes all = { buf, part->len + (size_t)got };
		for (size_t at = sl_bytes_find(all, '\n'); at < all.len; at = sl_bytes_find(all, '\n')) {
			check_reply(sl_bytes_first(all, at));
			all = sl_bytes_skip(all, at + 1);
			n++;
		}
		memmove(buf, all.p, all.len);
		*part = (struct sl_bytes){ buf, all.len };
	}
}

static unsigned expected(struct sl_bytes all)
{
	unsigned n = 0;
	for (size_t at = sl_bytes_find(all, '\n'); at < all.len && at <= SL_CTL_LINE_MAX;
	     at = sl_bytes_find(all, '\n')) {
		all = sl_bytes_skip(all, at + 1);
		n++;
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t buf[65536];
	struct sl_bytes part = { buf, 0 };
	unsigned replies = 0;
	bool ended = false;

	if (ctl == NULL)
		start();
	if (size == 0)
		return 0;
	struct sl_bytes rest = { data + 1, size - 1 };
	size_t piece = data[0] == 0 ? size : data[0];
	int fd = client();
	while (rest.len > 0) {
		ssize_t n = send(fd, rest.p, sl_bytes_first(rest, piece).len, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN)
			break; /* ended */
		rest = sl_bytes_skip(rest, n > 0 ? (size_t)n : 0);
		serve();
		replies += hear(fd, &part, buf, sizeof(buf), &ended);
	}
	(void)shutdown(fd, SHUT_WR);
	for (size_t i = 0; i <= size && !ended;
	     i++) { /* what does not fit into the socket's buffer takes more rounds */
		serve();
		replies += hear(fd, &part, buf, sizeof(buf), &ended);
	}
	(void)close(fd);
	serve();
	if (replies != expected((struct sl_bytes){ data + 1, size - 1 }) || part.len != 0 || !ended)
		abort();
	return 0;
}
