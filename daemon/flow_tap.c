/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/flow_tap.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/flow_record.h"
#include "daemon/ipc.h"

struct sl_flow_tap {
	pthread_mutex_t lock; /* of all below */
	int fd;               /* -1: nobody listens */
	uint64_t lost;        /* lines, not told yet */
	size_t at;            /* where the next byte goes: bytes so far */
	char kept[SL_FLOW_TAP_KEPT];
};

int sl_flow_tap_new(struct sl_flow_tap **out)
{
	struct sl_flow_tap *tap = (struct sl_flow_tap *)calloc(1, sizeof(*tap));

	if (tap == NULL)
		return SL_ENOMEM;
	tap->fd = -1;
	(void)pthread_mutex_init(&tap->lock, NULL);
	*out = tap;
	return SL_OK;
}

void sl_flow_tap_free(struct sl_flow_tap **tap)
{
	struct sl_flow_tap *t = sl_take(tap);

	if (t == NULL)
		return;
	if (t->fd >= 0)
		(void)close(t->fd);
	(void)pthread_mutex_destroy(&t->lock);
	free(t);
}

void sl_flow_tap_send_to(struct sl_flow_tap *tap, int fd)
{
	(void)pthread_mutex_lock(&tap->lock);
	int old = tap->fd;
	tap->fd = fd;
	tap->lost = 0;
	(void)pthread_mutex_unlock(&tap->lock);
	if (old >= 0)
		(void)close(old);
}

bool sl_flow_tap_is_heard(struct sl_flow_tap *tap)
{
	(void)pthread_mutex_lock(&tap->lock);
	bool heard = tap->fd >= 0;
	(void)pthread_mutex_unlock(&tap->lock);
	return heard;
}

static void keep(struct sl_flow_tap *tap, struct sl_bytes lines)
{
	lines = sl_bytes_skip(lines, lines.len - sl_min(lines.len, SL_FLOW_TAP_KEPT));
	if (lines.p == NULL)
		return;
	size_t at = tap->at % SL_FLOW_TAP_KEPT, first = sl_min(lines.len, SL_FLOW_TAP_KEPT - at);
	memcpy(tap->kept + at, lines.p, first);
	memcpy(tap->kept, lines.p + first, lines.len - first);
	tap->at += lines.len;
}

/* As many whole lines as a message holds; a longer line alone. */
static struct sl_bytes piece_of(struct sl_bytes lines)
{
	size_t len = sl_min(lines.len, SL_FLOW_TAP_PIECE);

	while (len > 0 && lines.p[len - 1] != '\n')
		len--;
	return sl_bytes_first(lines, len > 0 ? len : sl_bytes_find(lines, '\n') + 1);
}

static void tell(struct sl_flow_tap *tap, struct sl_bytes lines)
{
	while (lines.len > 0) {
		struct sl_bytes piece = piece_of(lines);
		if (sl_ipc_send(tap->fd, SL_IPC_FLOWS_HEARD, tap->lost, piece, NULL, 0, 0) == SL_OK)
			tap->lost = 0;
		else
			tap->lost += sl_flow_lines(piece);
		lines = sl_bytes_skip(lines, piece.len);
	}
}

void sl_flow_tap_put(struct sl_flow_tap *tap, struct sl_bytes lines)
{
	if (lines.len == 0)
		return;
	(void)pthread_mutex_lock(&tap->lock);
	keep(tap, lines);
	if (tap->fd >= 0)
		tell(tap, lines);
	(void)pthread_mutex_unlock(&tap->lock);
}

/* The first byte that is there may be in the midst of a line. */
size_t sl_flow_tap_last(struct sl_flow_tap *tap, char *out, size_t size)
{
	(void)pthread_mutex_lock(&tap->lock);
	size_t len = sl_min(sl_min(tap->at, SL_FLOW_TAP_KEPT), size), from = tap->at - len;
	for (size_t i = 0; i < len; i++)
		out[i] = tap->kept[(from + i) % SL_FLOW_TAP_KEPT];
	bool begins =
	        from == 0 || (len < SL_FLOW_TAP_KEPT && tap->kept[(from - 1) % SL_FLOW_TAP_KEPT] == '\n');
	(void)pthread_mutex_unlock(&tap->lock);
	if (begins || len == 0)
		return len;
	size_t skip = sl_bytes_find(sl_bytes_of(out, len), '\n') + 1;
	len -= sl_min(skip, len);
	memmove(out, out + skip, len);
	return len;
}
