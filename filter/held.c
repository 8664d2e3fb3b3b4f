/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two arrays of equal size: packets, and the lines they stand in, one a flow. Index 0 of either says "none"; line 0 is the
 * head of the ring of lines by the time since when they wait. */
#include "filter/held.h"

#include <assert.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/lines.h"
#include "base/util.h"

struct packet {
	struct sl_held held;
	uint32_t next; /* in its line, or in the free list */
};

struct line {
	struct sl_flow *flow;
	struct sl_mono since;
	uint32_t first, last; /* packets */
	uint32_t longer;      /* the line that waits longer; in the free list, the next one */
	uint32_t shorter;
};

struct sl_held_pool {
	struct packet *packet;
	struct line *line;
	uint32_t free_packet, free_line;
	uint32_t count;
};

int sl_held_pool_new(uint32_t packets, struct sl_held_pool **out)
{
	if (packets == 0 || packets == UINT32_MAX)
		return SL_EINVAL;
	struct sl_held_pool *pool = sl_lines_new(1, sizeof(*pool));
	if (pool == NULL)
		return SL_ENOMEM;
	pool->packet = sl_lines_new((size_t)packets + 1, sizeof(*pool->packet));
	pool->line = sl_lines_new((size_t)packets + 1, sizeof(*pool->line));
	if (pool->packet == NULL || pool->line == NULL) {
		sl_held_pool_free(&pool);
		return SL_ENOMEM;
	}
	for (uint32_t i = packets; i > 0; i--) {
		pool->packet[i].next = pool->free_packet;
		pool->line[i].longer = pool->free_line;
		pool->free_packet = pool->free_line = i;
	}
	*out = pool;
	return SL_OK;
}

void sl_held_pool_free(struct sl_held_pool **pool)
{
	struct sl_held_pool *old = sl_take(pool);
	if (old == NULL)
		return;
	free(old->packet);
	free(old->line);
	free(old);
}

void sl_answer_push(struct sl_answers *out, struct sl_ticket ticket, enum sl_action action)
{
	assert(out->answers < out->answer_cap);
	if (out->answers < out->answer_cap)
		out->answer[out->answers++] = (struct sl_answer){ .ticket = ticket, .action = action };
}

/* ---- lines ---- */

static void line_unlink(struct sl_held_pool *pool, const struct line *line)
{
	pool->line[line->longer].shorter = line->shorter;
	pool->line[line->shorter].longer = line->longer;
}

static void line_append(struct sl_held_pool *pool, uint32_t at, struct sl_mono now)
{
	struct line *head = &pool->line[0], *line = &pool->line[at];
	line->since = now;
	line->shorter = 0;
	line->longer = head->longer;
	pool->line[head->longer].shorter = at;
	head->longer = at;
}

/* A flow's line, made when it has none. There are as many lines as packets, so there is one for every packet. */
static struct line *line_of(struct sl_held_pool *pool, struct sl_flow *flow, struct sl_mono now)
{
	if (flow->hold == 0) {
		uint32_t at = pool->free_line;
		pool->free_line = pool->line[at].longer;
		pool->line[at] = (struct line){ .flow = flow };
		line_append(pool, at, now);
		flow->hold = at;
	}
	return &pool->line[flow->hold];
}

static void line_free(struct sl_held_pool *pool, struct sl_flow *flow)
{
	struct line *line = &pool->line[flow->hold];
	line_unlink(pool, line);
	line->longer = pool->free_line;
	pool->free_line = flow->hold;
	flow->hold = 0;
}

/* ---- packets ---- */

bool sl_held_add(struct sl_held_pool *pool, struct sl_flow *flow, const struct sl_held *packet,
                 struct sl_mono now)
{
	uint32_t at = pool->free_packet;
	if (at == 0)
		return false;
	pool->free_packet = pool->packet[at].next;
	pool->packet[at] = (struct packet){ *packet, 0 };
	struct line *line = line_of(pool, flow, now);
	if (line->first == 0)
		line->first = at;
	else
		pool->packet[line->last].next = at;
	line->last = at;
	pool->count++;
	return true;
}

static uint32_t answer(struct sl_held_pool *pool, uint32_t at, enum sl_action action, struct sl_answers *out)
{
	struct packet *p = &pool->packet[at];
	sl_answer_push(out, p->held.ticket, action);
	p->next = pool->free_packet;
	pool->free_packet = at;
	pool->count--;
	return p->held.size;
}

int64_t sl_held_release(struct sl_held_pool *pool, struct sl_flow *flow, enum sl_action action,
                        struct sl_answers *out)
{
	int64_t size = 0;
	if (flow->hold == 0)
		return 0;
	for (uint32_t at = pool->line[flow->hold].first, next; at != 0; at = next) {
		next = pool->packet[at].next;
		size += answer(pool, at, action, out);
	}
	line_free(pool, flow);
	return size;
}

int64_t sl_held_pass_until(struct sl_held_pool *pool, struct sl_flow *flow, uint32_t seq, struct sl_mono now,
                           struct sl_answers *out)
{
	int64_t size = 0;
	if (flow->hold == 0)
		return 0;
	struct line *line = &pool->line[flow->hold];
	uint32_t before = pool->count;
	uint32_t at = line->first, next;
	line->first = line->last = 0;
	for (; at != 0; at = next) {
		next = pool->packet[at].next;
		if (sl_seq_diff(pool->packet[at].held.end, seq) <= 0) {
			size += answer(pool, at, SL_ACTION_PASS, out);
			continue;
		}
		pool->packet[at].next = 0;
		if (line->first == 0)
			line->first = at;
		else
			pool->packet[line->last].next = at;
		line->last = at;
	}
	if (line->first == 0) {
		line_free(pool, flow);
	} else if (pool->count != before) {
		line_unlink(pool, line);
		line_append(pool, flow->hold, now);
	}
	return size;
}

uint32_t sl_held_reset_seq(const struct sl_held_pool *pool, const struct sl_flow *flow, uint32_t seq)
{
	uint32_t at = flow->hold == 0 ? 0 : pool->line[flow->hold].first;
	for (; at != 0; at = pool->packet[at].next)
		if (sl_seq_diff(pool->packet[at].held.reset, seq) < 0)
			seq = pool->packet[at].held.reset;
	return seq;
}

struct sl_flow *sl_held_longest(const struct sl_held_pool *pool, struct sl_mono *since)
{
	const struct line *line = &pool->line[pool->line[0].shorter];
	if (pool->count == 0)
		return NULL;
	*since = line->since;
	return line->flow;
}

size_t sl_held_count(const struct sl_held_pool *pool)
{
	return pool->count;
}
