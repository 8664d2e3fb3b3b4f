/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/verdict_counts.h"

#include <string.h>

static uint8_t place_of(struct sl_verdict_counts *c, const char *name)
{
	uint32_t n = c->lists == 0 ? 1 : c->lists; /* 0 is for what has no place */
	char cut[SL_LIST_COUNT_NAME] = "";

	strncpy(cut, name, sizeof(cut) - 1);
	for (uint32_t i = 1; i < n; i++)
		if (strcmp(c->list[i].name, cut) == 0)
			return (uint8_t)i;
	if (n == SL_LIST_COUNTS)
		return 0;
	memcpy(c->list[n].name, cut, sizeof(cut));
	__atomic_store_n(&c->lists, n + 1, __ATOMIC_RELEASE);
	return (uint8_t)n;
}

void sl_list_places_find(struct sl_list_places *places, struct sl_verdict_counts *c,
                         const struct sl_policy *p, uint64_t serial)
{
	places->policy = p;
	places->serial = serial;
	memset(places->of, 0, sizeof(places->of));
	for (uint16_t i = 0; p != NULL && i < SL_LIST_COUNT_NUMBERS; i++) {
		const char *name = sl_policy_list_name(p, i);
		if (name == NULL)
			return;
		places->of[i] = place_of(c, name);
	}
}
