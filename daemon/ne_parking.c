/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ne_parking.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/util.h"

enum {
	SMALL = 2048,   /* bytes of a buffer: most packets */
	LARGE = 65536,  /* what a network card may put together */
	LARGE_ONE = 16, /* one large buffer to so many small ones */
	PRINT_MAX =
	        64, /* bytes of a packet that its fingerprint is made of: both headers of TCP, without options */
};

enum place {
	FREE,
	AT_HAND,  /* of this batch: under the number of the queue it came by */
	MOVING,   /* to the parking queue */
	PARKED,   /* under the number of the parking queue */
	ANSWERED, /* it was lost: nothing is left to be answered */
};

enum buffer_class { NO_BUFFER, SMALL_BUFFER, LARGE_BUFFER, BUFFER_CLASSES };

struct buffers {
	uint8_t *memory;
	uint8_t **spare; /* addresses */
	size_t spares;
};

struct sl_ne_parking {
	uint16_t queue;
	struct sl_ne_parked *slot, *spare;
	struct sl_ne_parked *hand; /* of this batch, the first that came first */
	struct sl_ne_parked *hand_last;
	struct sl_ne_parked *moving, *moving_last;
	struct buffers buffers[BUFFER_CLASSES];
	size_t held;
	struct sl_ne_parking_counts counts;
};

static int buffers_new(struct buffers *b, size_t n, size_t size)
{
	b->memory = (uint8_t *)malloc(n * size);
	b->spare = (uint8_t **)calloc(n, sizeof(b->spare[0]));
	if (b->memory == NULL || b->spare == NULL)
		return SL_ENOMEM;
	for (size_t i = n; i-- > 0;)
		b->spare[b->spares++] = b->memory + i * size;
	return SL_OK;
}

int sl_ne_parking_new(uint32_t packets, uint16_t queue, struct sl_ne_parking **out)
{
	struct sl_ne_parking *p = (struct sl_ne_parking *)calloc(1, sizeof(*p));
	if (p == NULL || packets == 0) {
		free(p);
		return p == NULL ? SL_ENOMEM : SL_EINVAL;
	}
	p->queue = queue;
	p->slot = (struct sl_ne_parked *)calloc(packets, sizeof(p->slot[0]));
	int err = p->slot == NULL ? SL_ENOMEM : SL_OK;
	for (uint32_t i = err == SL_OK ? packets : 0; i-- > 0;) {
		p->slot[i].link = p->spare;
		p->spare = &p->slot[i];
	}
	if (err == SL_OK)
		err = buffers_new(&p->buffers[SMALL_BUFFER], packets, SMALL);
	if (err == SL_OK)
		err = buffers_new(&p->buffers[LARGE_BUFFER], packets / LARGE_ONE + 1, LARGE);
	if (err != SL_OK)
		sl_ne_parking_free(&p);
	else
		*out = p;
	return err;
}

void sl_ne_parking_free(struct sl_ne_parking **parking)
{
	struct sl_ne_parking *p = sl_take(parking);
	if (p == NULL)
		return;
	for (unsigned i = 0; i < BUFFER_CLASSES; i++) {
		free(p->buffers[i].memory);
		free(p->buffers[i].spare);
	}
	free(p->slot);
	free(p);
}

/* ---- the fingerprint ---- */

static uint64_t print_of(struct sl_bytes ip, uint32_t len)
{
	return sl_hash(ip.p, len, len);
}

static bool is_it(const struct sl_ne_parked *k, const struct sl_nfq_packet *packet)
{
	return packet->ip.len >= k->print_len && print_of(packet->ip, k->print_len) == k->print;
}

/* ---- taken and given back ---- */

static void give_back(struct sl_ne_parking *p, struct sl_ne_parked *k)
{
	struct buffers *b = &p->buffers[k->buffer_class];
	if (k->buffer_class != NO_BUFFER)
		b->spare[b->spares++] = k->buffer;
	p->held--;
	k->place = FREE;
	k->link = p->spare;
	p->spare = k;
}

static bool copy_bytes(struct sl_ne_parking *p, struct sl_ne_parked *k, struct sl_bytes payload)
{
	enum buffer_class c = payload.len <= SMALL ? SMALL_BUFFER : LARGE_BUFFER;
	k->bytes = (struct sl_bytes){ NULL, payload.len };
	k->buffer_class = NO_BUFFER;
	if (payload.p == NULL || payload.len == 0)
		return true;
	if (payload.len > LARGE || p->buffers[c].spares == 0)
		return false;
	k->buffer_class = (uint8_t)c;
	k->buffer = p->buffers[c].spare[--p->buffers[c].spares];
	memcpy(k->buffer, payload.p, payload.len);
	k->bytes.p = k->buffer;
	return true;
}

static void put_in_hand(struct sl_ne_parking *p, struct sl_ne_parked *k)
{
	k->prev = p->hand_last;
	k->link = NULL;
	if (p->hand_last == NULL)
		p->hand = k;
	else
		p->hand_last->link = k;
	p->hand_last = k;
}

static void take_off_hand(struct sl_ne_parking *p, struct sl_ne_parked *k)
{
	if (k->prev == NULL)
		p->hand = k->link;
	else
		k->prev->link = k->link;
	if (k->link == NULL)
		p->hand_last = k->prev;
	else
		k->link->prev = k->prev;
}

struct sl_ne_parked *sl_ne_parking_take(struct sl_ne_parking *p, const struct sl_nfq_packet *packet,
                                        struct sl_bytes payload)
{
	struct sl_ne_parked *k = p->spare;
	if (k == NULL || !copy_bytes(p, k, payload)) {
		p->counts.no_room++;
		return NULL;
	}
	p->spare = k->link;
	p->held++;
	k->ticket = packet->ticket;
	k->place = AT_HAND;
	k->decided = false;
	k->next = NULL;
	k->print_len = (uint32_t)sl_min(packet->ip.len, PRINT_MAX);
	k->print = print_of(packet->ip, k->print_len);
	put_in_hand(p, k);
	return k;
}

bool sl_ne_parking_answer(struct sl_ne_parking *p, struct sl_ne_parked *k, enum sl_action action,
                          struct sl_answer *out)
{
	if (k->place == MOVING) {
		k->decided = true;
		k->action = (uint8_t)action;
		return false;
	}
	bool answers = k->place != ANSWERED;
	if (k->place == AT_HAND)
		take_off_hand(p, k);
	if (answers)
		*out = (struct sl_answer){ .ticket = k->ticket, .action = action };
	give_back(p, k);
	return answers;
}

/* ---- to the parking queue ---- */

bool sl_ne_parking_leave(struct sl_ne_parking *p, struct sl_answer *out)
{
	struct sl_ne_parked *k = p->hand;
	if (k == NULL)
		return false;
	take_off_hand(p, k);
	k->place = MOVING;
	k->link = NULL;
	if (p->moving == NULL)
		p->moving = k;
	else
		p->moving_last->link = k;
	p->moving_last = k;
	p->counts.parked++;
	*out = (struct sl_answer){ .ticket = k->ticket, .action = SL_ACTION_PARK, .queue = p->queue };
	return true;
}

static struct sl_ne_parked *first_moving(struct sl_ne_parking *p)
{
	struct sl_ne_parked *k = p->moving;
	p->moving = k->link;
	if (p->moving == NULL)
		p->moving_last = NULL;
	return k;
}

/* It never came: whatever is decided about it, there is nothing to answer. */
static void lose(struct sl_ne_parking *p, struct sl_ne_parked *k)
{
	p->counts.lost++;
	if (k->decided)
		give_back(p, k);
	else
		k->place = ANSWERED;
}

static bool is_moving(const struct sl_ne_parking *p, const struct sl_nfq_packet *packet)
{
	const struct sl_ne_parked *k = p->moving;
	while (k != NULL && !is_it(k, packet))
		k = k->link;
	return k != NULL;
}

bool sl_ne_parking_came(struct sl_ne_parking *p, const struct sl_nfq_packet *packet, struct sl_answer *out)
{
	if (!is_moving(p, packet)) {
		p->counts.strangers++;
		*out = (struct sl_answer){ .ticket = packet->ticket, .action = SL_ACTION_DROP };
		return true;
	}
	while (!is_it(p->moving, packet))
		lose(p, first_moving(p));
	struct sl_ne_parked *k = first_moving(p);
	k->ticket = packet->ticket;
	k->place = PARKED;
	if (!k->decided)
		return false;
	*out = (struct sl_answer){ .ticket = k->ticket, .action = (enum sl_action)k->action };
	give_back(p, k);
	return true;
}

size_t sl_ne_parking_held(const struct sl_ne_parking *p)
{
	return p->held;
}

const struct sl_ne_parking_counts *sl_ne_parking_counts(const struct sl_ne_parking *p)
{
	return &p->counts;
}
