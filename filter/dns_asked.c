/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/dns_asked.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/lines.h"
#include "base/out.h"
#include "base/util.h"

enum { WAYS = 4, SETS = 1024, PATIENCE_US = 10000000 };

struct question {
	uint64_t print; /* 0: free */
	struct sl_mono at;
};

struct sl_dns_asked {
	uint64_t seed;
	struct question question[SETS][WAYS];
};

int sl_dns_asked_new(uint64_t seed, struct sl_dns_asked **out)
{
	struct sl_dns_asked *a = sl_lines_new(1, sizeof(*a));
	if (a == NULL)
		return SL_ENOMEM;
	a->seed = seed;
	*out = a;
	return SL_OK;
}

void sl_dns_asked_free(struct sl_dns_asked **a)
{
	free(sl_take(a));
}

static uint64_t print_of(const struct sl_dns_asked *a, const struct sl_dns_ask *ask)
{
	uint8_t mem[sizeof(*ask->flow) + 4 + SL_DNS_NAME_MAX];
	struct sl_out o = sl_out_of(mem, sizeof(mem));
	sl_out_bytes(&o, ask->flow, sizeof(*ask->flow));
	sl_out_u16(&o, ask->id);
	sl_out_u16(&o, ask->type);
	for (size_t i = 0; i < ask->name->len; i++)
		sl_out_u8(&o, sl_ascii_lower((uint8_t)ask->name->text[i]));
	return sl_hash(mem, o.len, a->seed) | 1;
}

static struct question *set_of(struct sl_dns_asked *a, uint64_t print)
{
	return a->question[print >> 32 & (SETS - 1)];
}

static struct question *find(struct question *set, uint64_t print)
{
	for (size_t i = 0; i < WAYS; i++)
		if (set[i].print == print)
			return &set[i];
	return NULL;
}

static struct question *oldest(struct question *set)
{
	struct question *old = &set[0];
	for (size_t i = 1; i < WAYS && old->print != 0; i++)
		if (set[i].print == 0 || set[i].at.us < old->at.us)
			old = &set[i];
	return old;
}

void sl_dns_asked_put(struct sl_dns_asked *a, const struct sl_dns_ask *ask, struct sl_mono now)
{
	uint64_t print = print_of(a, ask);
	struct question *set = set_of(a, print), *q = find(set, print);
	*(q != NULL ? q : oldest(set)) = (struct question){ print, now };
}

bool sl_dns_asked_take(struct sl_dns_asked *a, const struct sl_dns_ask *ask, struct sl_mono now)
{
	uint64_t print = print_of(a, ask);
	struct question *q = find(set_of(a, print), print);
	if (q == NULL)
		return false;
	q->print = 0;
	return sl_mono_since(now, q->at).us < PATIENCE_US;
}
