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

int sl_budget_widen(struct sl_budget *b, void **mem, size_t *cap, size_t need, size_t size)
{
	if (need <= *cap)
		return SL_OK;
	if (need > SIZE_MAX / size || !fits(b, (need - *cap) * size))
		return SL_ENOMEM;
	void *more = realloc(*mem, need * size);
	if (more == NULL)
		return SL_ENOMEM;
	b->used += (need - *cap) * size;
	b->peak = sl_max(b->peak, b->used);
	*mem = more;
	*cap = need;
	return SL_OK;
}

int sl_budget_grow(struct sl_budget *b, void **mem, size_t *cap, size_t need, size_t size)
{
	size_t before = *cap;
	if (need <= before)
		return SL_OK;
	int err = sl_budget_widen(b, mem, cap, sl_max(sl_max(need, FIRST), before + before / 2), size);
	if (err == SL_OK)
		memset((uint8_t *)*mem + before * size, 0, (*cap - before) * size);
	return err;
}
