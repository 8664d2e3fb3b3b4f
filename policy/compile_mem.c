/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "base/util.h"
#include "policy/compile_impl.h"

enum { FIRST = 64 }; /* elements */

static bool fits(struct sl_budget *b, size_t size)
{
	bool ok = size <= b->limit - b->used;
	b->spent = b->spent || !ok;
	return ok;
}

void *sl_budget_get(struct sl_budget *b, size_t size)
{
	if (!fits(b, size))
		return NULL;
	void *mem = calloc(1, sl_max(size, 1));
	if (mem == NULL)
		return NULL;
	b->used += size;
	b->peak = sl_max(b->peak, b->used);
	return mem;
}

void sl_budget_put(struct sl_budget *b, void *mem, size_t size)
{
	if (mem == NULL)
		return;
	free(mem);
	b->used -= size;
}

int sl_budget_grow(struct sl_budget *b, void **mem, size_t *cap, size_t need, size_t size)
{
	if (need <= *cap)
		return SL_OK;
	size_t next = sl_max(sl_max(need, FIRST), *cap + *cap / 2);
	if (next > SIZE_MAX / size || !fits(b, (next - *cap) * size))
		return SL_ENOMEM;
	uint8_t *more = (uint8_t *)realloc(*mem, next * size);
	if (more == NULL)
		return SL_ENOMEM;
	memset(more + *cap * size, 0, (next - *cap) * size);
	b->used += (next - *cap) * size;
	b->peak = sl_max(b->peak, b->used);
	*mem = more;
	*cap = next;
	return SL_OK;
}
