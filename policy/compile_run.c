/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile_run.c - sorted entries kept small: the key front-coded (string_heap.h) against the entry before, then list and
 * slot, then the line, as numbers of seven bits a byte, the lowest first. A block is coded by itself. */
#include "base/util.h"
#include "policy/compile_impl.h"

static size_t put_number(uint8_t *out, uint64_t value)
{
	size_t n = 0;
	for (; value >= 0x80; value >>= 7)
		out[n++] = (uint8_t)(value | 0x80);
	out[n++] = (uint8_t)value;
	return n;
}

static uint64_t get_number(struct sl_cur *c)
{
	uint64_t value = 0;
	for (unsigned shift = 0; shift < 63; shift += 7) {
		uint8_t byte = sl_cur_u8(c);
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return value;
	}
	sl_cur_fail(c, SL_EMALF);
	return 0;
}

int sl_run_open(struct sl_run_writer *w)
{
	w->buf = (uint8_t *)sl_budget_get(w->budget, SL_RUN_BLOCK);
	return w->buf == NULL ? SL_ENOMEM : SL_OK;
}

/* Hands the open block over to the run, in memory of just its size where that is much less. */
static int end_block(struct sl_run_writer *w)
{
	void *list = w->run->block;
	int err = sl_budget_grow(w->budget, &list, &w->run->cap, w->run->n + 1, sizeof(*w->run->block));
	w->run->block = (struct sl_run_block *)list;
	if (err != SL_OK)
		return err;
	struct sl_run_block *block = &w->run->block[w->run->n];
	*block = (struct sl_run_block){ .len = w->len };
	if (w->spill != NULL) {
		block->offset = *w->spill_end;
		err = w->spill->write(w->spill->ctx, block->offset, sl_bytes_of(w->buf, w->len));
		*w->spill_end += w->len;
	} else {
		block->cap = w->len;
		block->mem = (uint8_t *)sl_budget_get(w->budget, block->cap);
		if (block->mem == NULL)
			return SL_ENOMEM;
		memcpy(block->mem, w->buf, w->len);
	}
	w->run->n += err == SL_OK;
	w->len = 0;
	return err;
}

int sl_run_put(struct sl_run_writer *w, const struct sl_item *item)
{
	if (w->len + SL_RUN_ITEM > SL_RUN_BLOCK) {
		int err = end_block(w);
		if (err != SL_OK)
			return err;
	}
	uint8_t *at = w->buf + w->len;
	size_t n = sl_heap_put(&w->heap, item->key, w->len == 0, at);
	n += put_number(at + n, (uint64_t)item->list * SL_SLOTS + item->slot);
	n += put_number(at + n, item->line);
	w->len += n;
	return SL_OK;
}

int sl_run_close(struct sl_run_writer *w)
{
	int err = w->len > 0 ? end_block(w) : SL_OK;
	sl_budget_put(w->budget, sl_take(&w->buf), SL_RUN_BLOCK);
	return err;
}

static void free_block(struct sl_budget *b, struct sl_run_block *block)
{
	sl_budget_put(b, sl_take(&block->mem), block->cap);
}

void sl_run_free(struct sl_budget *b, struct sl_run *run)
{
	for (size_t i = 0; i < run->n; i++)
		free_block(b, &run->block[i]);
	sl_budget_put(b, run->block, run->cap * sizeof(*run->block));
	*run = (struct sl_run){ .n = 0 };
}

static int load_block(struct sl_run_reader *r, const struct sl_spill *spill)
{
	const struct sl_run_block *block = &r->run->block[r->block];
	int err = SL_OK;
	if (block->mem == NULL)
		err = spill->read(spill->ctx, block->offset, r->buf, block->len);
	r->c = sl_cur_whole(sl_bytes_of(block->mem == NULL ? r->buf : block->mem, block->len));
	r->heap.len = r->heap.shared = 0;
	return err;
}

int sl_run_start(struct sl_run_reader *r, struct sl_budget *b, const struct sl_run *run,
                 const struct sl_spill *spill)
{
	*r = (struct sl_run_reader){ .run = run };
	if (run->n > 0 && run->block[0].mem == NULL) {
		r->buf = (uint8_t *)sl_budget_get(b, SL_RUN_BLOCK);
		if (r->buf == NULL)
			return SL_ENOMEM;
	}
	if (run->n == 0) {
		r->end = true;
		return SL_OK;
	}
	int err = load_block(r, spill);
	return err != SL_OK ? err : sl_run_next(r, spill);
}

int sl_run_next(struct sl_run_reader *r, const struct sl_spill *spill)
{
	if (r->c.left == 0) {
		if (++r->block >= r->run->n) {
			r->end = true;
			return SL_OK;
		}
		int err = load_block(r, spill);
		if (err != SL_OK)
			return err;
	}
	int err = sl_heap_read(&r->c, &r->heap);
	uint64_t what = get_number(&r->c), line = get_number(&r->c);
	if (err != SL_OK || r->c.err != SL_OK || what / SL_SLOTS >= SL_COMPILE_LISTS || line > UINT32_MAX)
		return SL_EMALF;
	r->item = (struct sl_item){ sl_bytes_of(r->heap.last, r->heap.len), (uint32_t)line,
		                    (uint16_t)(what / SL_SLOTS), (uint8_t)(what % SL_SLOTS) };
	return SL_OK;
}

void sl_run_stop(struct sl_run_reader *r, struct sl_budget *b)
{
	sl_budget_put(b, sl_take(&r->buf), SL_RUN_BLOCK);
}
