/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/ne_held.h"

#include <stdlib.h>

#include "base/util.h"

int sl_ne_held_pool_init(struct sl_ne_held_pool *pool, uint32_t packets, uint64_t bytes)
{
	*pool = (struct sl_ne_held_pool){ .max_bytes = bytes };
	pool->slot = (struct sl_ne_held *)calloc(packets == 0 ? 1 : packets, sizeof(pool->slot[0]));
	if (pool->slot == NULL)
		return SL_ENOMEM;
	for (uint32_t i = packets; i-- > 0;) {
		pool->slot[i].next = pool->spare;
		pool->spare = &pool->slot[i];
	}
	return SL_OK;
}

void sl_ne_held_pool_end(struct sl_ne_held_pool *pool)
{
	free(pool->slot);
	*pool = (struct sl_ne_held_pool){ 0 };
}

bool sl_ne_held_push(struct sl_ne_held_pool *pool, struct sl_ne_held_queue *queue,
                     const struct sl_ne_packet *packet, uint64_t end)
{
	struct sl_ne_held *held = pool->spare;
	if (held == NULL || packet->bytes.len > pool->max_bytes - pool->bytes)
		return false;
	pool->spare = held->next;
	*held = (struct sl_ne_held){ .packet = *packet, .end = end };
	if (queue->first == NULL)
		queue->first = held;
	else
		queue->last->next = held;
	queue->last = held;
	queue->bytes += packet->bytes.len;
	queue->packets++;
	pool->bytes += packet->bytes.len;
	pool->packets++;
	return true;
}

struct sl_ne_packet sl_ne_held_pop(struct sl_ne_held_pool *pool, struct sl_ne_held_queue *queue)
{
	struct sl_ne_held *held = queue->first;
	struct sl_ne_packet packet = held->packet;
	queue->first = held->next;
	if (queue->first == NULL)
		queue->last = NULL;
	queue->bytes -= packet.bytes.len;
	queue->packets--;
	pool->bytes -= packet.bytes.len;
	pool->packets--;
	held->next = pool->spare;
	pool->spare = held;
	return packet;
}

/* ---- what a callback is shown: from an offset in the first of these packets on ---- */

bool sl_ne_read_bytes_next(struct sl_ne_read_bytes *bytes, struct sl_bytes *piece)
{
	while (bytes->len > 0 && bytes->at != NULL) {
		const struct sl_ne_held *held = bytes->at;
		struct sl_bytes all = held->packet.bytes;
		uint64_t left = held->end - bytes->offset;
		size_t n = left < bytes->len ? (size_t)left : (size_t)bytes->len;
		bytes->at = held->next;
		bytes->offset = held->end;
		bytes->len -= n;
		if (n == 0)
			continue;
		*piece = (struct sl_bytes){ all.p == NULL ? NULL : all.p + (all.len - left), n };
		return true;
	}
	return false;
}

size_t sl_ne_read_bytes_copy(const struct sl_ne_read_bytes *bytes, uint8_t *out, size_t cap)
{
	struct sl_ne_read_bytes rest = *bytes;
	struct sl_bytes piece;
	size_t done = 0;
	while (done < cap && sl_ne_read_bytes_next(&rest, &piece)) {
		size_t n = sl_min(piece.len, cap - done);
		if (piece.p == NULL)
			memset(out + done, 0, n);
		else
			memcpy(out + done, piece.p, n);
		done += n;
	}
	return done;
}
