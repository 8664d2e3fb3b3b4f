/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/provider_flows.h"

#include <stdlib.h>

#include "base/err.h"

int sl_provider_flows_init(struct sl_provider_flows *f, uint32_t cap)
{
	uint32_t buckets = 1;
	while (buckets < cap && buckets < UINT32_C(1) << 31)
		buckets *= 2;
	*f = (struct sl_provider_flows){ .cap = cap, .mask = buckets - 1 };
	f->entry = (struct sl_provider_flow *)calloc(cap, sizeof(f->entry[0]));
	f->bucket = (uint32_t *)calloc(buckets, sizeof(f->bucket[0]));
	if (f->entry == NULL || f->bucket == NULL) {
		sl_provider_flows_end(f);
		return SL_ENOMEM;
	}
	for (uint32_t i = cap; i > 0; i--) {
		f->entry[i - 1].next = f->spare;
		f->spare = i;
	}
	return SL_OK;
}

void sl_provider_flows_end(struct sl_provider_flows *f)
{
	free(f->entry);
	free(f->bucket);
	*f = (struct sl_provider_flows){ 0 };
}

/* Numbers count up and nobody outside chooses them: their low bits are the best of hashes. */
static uint32_t *place_of(const struct sl_provider_flows *f, uint64_t number)
{
	uint32_t *at = &f->bucket[number & f->mask];
	while (*at != 0 && f->entry[*at - 1].number != number)
		at = &f->entry[*at - 1].next;
	return at;
}

struct sl_provider_flow *sl_provider_flows_add(struct sl_provider_flows *f, struct sl_ne_flow *flow)
{
	uint32_t *bucket = &f->bucket[flow->number & f->mask];
	uint32_t i = f->spare;
	if (i == 0)
		return NULL;
	struct sl_provider_flow *e = &f->entry[i - 1];
	f->spare = e->next;
	*e = (struct sl_provider_flow){ .number = flow->number, .flow = flow, .next = *bucket };
	*bucket = i;
	return e;
}

struct sl_provider_flow *sl_provider_flows_get(const struct sl_provider_flows *f, uint64_t number)
{
	uint32_t i = number == 0 ? 0 : *place_of(f, number);
	return i == 0 ? NULL : &f->entry[i - 1];
}

void sl_provider_flows_remove(struct sl_provider_flows *f, struct sl_provider_flow *entry)
{
	uint32_t *at = place_of(f, entry->number);
	uint32_t i = *at;
	*at = entry->next;
	*entry = (struct sl_provider_flow){ .next = f->spare };
	f->spare = i;
}
