/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of a few entries each, a cache line an entry. */
#include "filter/clients.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/lines.h"
#include "base/util.h"

enum { WAYS = 8, MAX_CLIENTS = 1 << 20, MAX_RATE = 10000000, ADDRESS = 16, SECOND_NS = 1000000000 };

struct sl_clients {
	struct sl_client_account *client;
	struct sl_client_account *last; /* that was met; never NULL */
	uint64_t seed;
	struct sl_client_address mask6;
	int64_t packet_ns; /* what a packet takes of a second; 0: nothing */
	uint32_t mask;     /* sets - 1 */
};

static uint32_t sets_of(uint32_t max)
{
	uint32_t sets = 1;
	while (sets * WAYS < max)
		sets *= 2;
	return sets;
}

static struct sl_client_address mask_of(unsigned bits)
{
	struct sl_client_address mask;
	uint8_t bytes[ADDRESS] = { 0 };
	for (unsigned i = 0; i < bits; i++)
		bytes[i / 8] |= (uint8_t)(0x80 >> i % 8);
	memcpy(&mask, bytes, sizeof(mask));
	return mask;
}

int sl_clients_new(const struct sl_client_limits *limits, uint64_t seed, struct sl_clients **out)
{
	if (limits->max == 0 || limits->max > MAX_CLIENTS || limits->rate > MAX_RATE ||
	    limits->prefix6 == 0 || limits->prefix6 > 8 * ADDRESS)
		return SL_EINVAL;
	struct sl_clients *t = sl_lines_new(1, sizeof(*t));
	uint32_t sets = sets_of(limits->max);
	if (t == NULL)
		return SL_ENOMEM;
	t->mask = sets - 1;
	t->seed = seed;
	t->packet_ns = limits->rate == 0 ? 0 : SECOND_NS / limits->rate;
	t->mask6 = mask_of(limits->prefix6);
	t->client = sl_lines_new((size_t)sets * WAYS, sizeof(*t->client));
	if (t->client == NULL) {
		sl_clients_free(&t);
		return SL_ENOMEM;
	}
	t->last = t->client;
	*out = t;
	return SL_OK;
}

void sl_clients_free(struct sl_clients **t)
{
	struct sl_clients *old = sl_take(t);
	if (old == NULL)
		return;
	free(old->client);
	free(old);
}

/* ---- who ---- */

static inline struct sl_client_address whose(const struct sl_clients *t, uint8_t family,
                                             const uint8_t addr[16])
{
	struct sl_client_address who;
	memcpy(&who.first, addr, sizeof(who.first));
	memcpy(&who.second, addr + sizeof(who.first), sizeof(who.second));
	if (family == 6) {
		who.first &= t->mask6.first;
		who.second &= t->mask6.second;
	}
	return who;
}

static inline bool is(const struct sl_client_account *c, uint8_t family, struct sl_client_address a)
{
	return ((c->addr.first ^ a.first) | (c->addr.second ^ a.second)) == 0 && c->family == family;
}

static struct sl_client_account *set_of(const struct sl_clients *t, uint8_t family,
                                        struct sl_client_address a)
{
	return &t->client[(size_t)(sl_hash(&a, sizeof(a), t->seed ^ family) & t->mask) * WAYS];
}

static struct sl_client_account *search(const struct sl_clients *t, uint8_t family,
                                        struct sl_client_address a)
{
	struct sl_client_account *set = set_of(t, family, a);
	for (unsigned i = 0; i < WAYS; i++)
		if (is(&set[i], family, a))
			return &set[i];
	return NULL;
}

static bool has_anything(const struct sl_client_account *c)
{
	return c->flows > 0 || c->held > 0;
}

/* Does a make room rather than b? */
static bool goes_before(const struct sl_client_account *a, const struct sl_client_account *b)
{
	if (a->family == 0 || b->family == 0)
		return a->family == 0;
	if (has_anything(a) != has_anything(b))
		return has_anything(b);
	return a->free_ns < b->free_ns;
}

static struct sl_client_account *take_place(struct sl_client_account *set)
{
	struct sl_client_account *best = set;
	for (unsigned i = 1; i < WAYS; i++)
		if (goes_before(&set[i], best))
			best = &set[i];
	return best;
}

/* Another client than that of the packet before. Returns what that came to. */
static uint8_t meet(struct sl_clients *t, uint8_t family, struct sl_client_address who)
{
	uint8_t said = 0;
	struct sl_client_account *c = search(t, family, who);
	if (c == NULL) {
		c = take_place(set_of(t, family, who));
		said = has_anything(c) ? SL_CLIENT_LOST : 0;
		*c = (struct sl_client_account){ .addr = who, .family = family, .told_us = INT64_MIN };
	}
	t->last = c;
	return said;
}

struct sl_client_account *sl_clients_find(struct sl_clients *t, uint8_t family, const uint8_t addr[16])
{
	struct sl_client_address who = whose(t, family, addr);
	return is(t->last, family, who) ? t->last : search(t, family, who);
}

/* ---- how much ---- */

struct sl_client_account *sl_clients_take(struct sl_clients *t, uint8_t family, const uint8_t addr[16],
                                          struct sl_mono now)
{
	struct sl_client_address who = whose(t, family, addr);
	uint8_t said = SL_LIKELY(is(t->last, family, who)) ? 0 : meet(t, family, who);
	struct sl_client_account *c = t->last;
	int64_t now_ns = now.us * 1000;
	int64_t ns = (c->free_ns < now_ns ? now_ns : c->free_ns) + t->packet_ns;
	if (SL_LIKELY(ns <= now_ns + SECOND_NS))
		c->free_ns = ns;
	else
		said |= SL_CLIENT_FAST;
	c->said = said;
	return c;
}

void sl_clients_charge(const struct sl_clients *t, struct sl_client_account *c, uint32_t packets,
                       struct sl_mono now)
{
	int64_t now_ns = now.us * 1000;
	c->free_ns = (c->free_ns < now_ns ? now_ns : c->free_ns) + packets * t->packet_ns;
}
