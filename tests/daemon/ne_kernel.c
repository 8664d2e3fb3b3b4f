/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/daemon/ne_kernel.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"

static void must(bool right, const char *what, const struct sl_ticket *t)
{
	if (right)
		return;
	(void)fprintf(stderr, "%s: packet %u of queue %u\n", what, t->id, t->queue);
	abort();
}

static struct ne_sent *sent_of(struct ne_kernel *k, struct sl_ticket t)
{
	for (unsigned i = 0; i < k->n; i++)
		if (k->sent[i].ticket.id == t.id && k->sent[i].ticket.queue == t.queue)
			return &k->sent[i];
	must(false, "an answer for what nobody sent", &t);
	return NULL;
}

static void answered(struct ne_kernel *k, struct ne_sent *s, enum sl_action how)
{
	s->waits = false;
	s->how = how;
	s->answers++;
	s->order = ++k->order;
}

int ne_kernel_flush(void *ctx)
{
	struct ne_kernel *k = (struct ne_kernel *)ctx;
	struct sl_answers *a = sl_ne_live_answers(k->live);
	for (size_t i = 0; i < a->answers; i++) {
		const struct sl_answer *one = &a->answer[i];
		struct ne_sent *s = sent_of(k, one->ticket);
		must(s->waits, "answered twice", &one->ticket);
		if (one->action != SL_ACTION_PARK) {
			answered(k, s, one->action);
			continue;
		}
		must(!s->parked && one->queue == NE_QUEUE + SL_NE_QUEUE_PARKING, "parked twice",
		     &one->ticket);
		if (k->lose) {
			k->lose = false;
			answered(k, s, SL_ACTION_DROP);
			continue;
		}
		s->parked = true;
		s->ticket = (struct sl_ticket){ k->next_id++, 0, one->queue };
		k->moving[k->moved++] = (unsigned)(s - k->sent);
	}
	for (size_t i = 0; i < a->resets; i++)
		k->reset[k->resets++ % NE_RESETS] = a->reset[i];
	a->answers = a->resets = 0;
	return SL_OK;
}

static struct sl_nfq_packet view(const struct ne_sent *s)
{
	return (struct sl_nfq_packet){ .ticket = s->ticket,
		                       .ip = sl_bytes_of(s->ip, s->len),
		                       .wire_len = (uint32_t)s->len };
}

int ne_kernel_batch(struct ne_kernel *k, struct ne_sent *const *packets, unsigned n, bool later,
                    struct sl_mono now)
{
	static struct sl_nfq_packet in[NE_PACKETS];
	unsigned count = 0, moved = k->moved;
	for (unsigned i = 0; !later && i < moved; i++)
		in[count++] = view(&k->sent[k->moving[i]]);
	if (!later)
		k->moved = 0;
	for (unsigned i = 0; i < n; i++)
		in[count++] = view(packets[i]);
	return sl_ne_live_batch(k->live, in, count, now);
}

struct ne_sent *ne_kernel_make(struct ne_kernel *k, bool inbound, uint8_t proto, const uint8_t *l4,
                               size_t len)
{
	struct ne_sent *s = &k->sent[k->n++];
	const uint8_t ends[2][4] = { { 10, 0, 0, 2 }, { 192, 0, 2, 1 } };
	uint16_t total = htons((uint16_t)(20 + len));
	memset(s, 0, sizeof(*s));
	s->ticket = (struct sl_ticket){ k->next_id++, 0, (uint16_t)(NE_QUEUE + (inbound ? 1 : 0)) };
	must(k->n <= NE_PACKETS && len <= sizeof(s->ip) - 20, "too much for this kernel", &s->ticket);
	s->ip[0] = 0x45;
	memcpy(s->ip + 2, &total, 2);
	s->ip[8] = 64;
	s->ip[9] = proto;
	memcpy(s->ip + 12, ends[inbound], 4);
	memcpy(s->ip + 16, ends[!inbound], 4);
	memcpy(s->ip + 20, l4, len);
	s->len = 20 + len;
	s->waits = true;
	return s;
}
