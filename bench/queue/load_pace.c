/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "bench/queue/load.h"

void sl_load_pace_new(struct sl_load_pace *p, double per_second, uint32_t places)
{
	*p = (struct sl_load_pace){ .per_second = per_second, .since = sl_load_ns(), .cap = places };
	p->idle = (uint32_t *)malloc(places * sizeof(*p->idle));
	if (p->idle == NULL)
		sl_load_die("memory");
	for (uint32_t i = places; i > 0; i--)
		sl_load_pace_rest(p, i - 1);
}

void sl_load_pace_rest(struct sl_load_pace *p, uint32_t place)
{
	if (p->n < p->cap)
		p->idle[p->n++] = place;
}

/* Who was kept from it for a while makes up for as many as there are places, and for no more. */
int sl_load_pace_next(struct sl_load_pace *p, uint64_t now, uint32_t *place)
{
	uint64_t passed = now > p->since ? now - p->since : 0,
	         due = (uint64_t)(p->per_second * (double)passed / 1e9) + 1;
	if (p->n == 0 || (p->per_second > 0 && p->begun >= due))
		return 0;
	if (p->per_second > 0 && due - p->begun > p->cap)
		p->begun = due - p->cap;
	p->begun++;
	*place = p->idle[--p->n];
	return 1;
}
