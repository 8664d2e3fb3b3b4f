/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/pir_set.h"

#include <stdlib.h>

#include "base/cur.h"

struct filling {
	struct sl_pir_set *set;
	size_t cap, used; /* used: of decoded */
};

int sl_pir_compare(struct sl_bytes a, struct sl_bytes b)
{
	size_t n = a.p == NULL || b.p == NULL ? 0 : sl_min(a.len, b.len);
	int diff = n == 0 ? 0 : memcmp(a.p, b.p, n);
	return diff != 0 ? diff : (a.len > b.len) - (a.len < b.len);
}

static int by_bytes(const void *a, const void *b)
{
	return sl_pir_compare(*(const struct sl_bytes *)a, *(const struct sl_bytes *)b);
}

static int put(struct filling *f, struct sl_bytes keyword)
{
	struct sl_pir_set *set = f->set;

	if (set->n == f->cap) {
		size_t cap = f->cap == 0 ? 64 : 2 * f->cap;
		struct sl_bytes *more = (struct sl_bytes *)realloc(set->keyword, cap * sizeof(*more));
		if (more == NULL)
			return SL_ENOMEM;
		set->keyword = more;
		f->cap = cap;
	}
	set->keyword[set->n++] = keyword;
	return SL_OK;
}

/* Strings of the text form are decoded, which never makes them longer, and live during the call only. */
static int put_row(void *ctx, const struct sl_pir_row *row)
{
	struct filling *f = (struct filling *)ctx;
	struct sl_bytes keyword = row->keyword;

	f->set->rows++;
	f->set->odd_values += !sl_bytes_equal(row->value, SL_PIR_VALUE);
	if (keyword.len == 0) {
		f->set->empty++;
		return SL_OK;
	}
	if (f->set->decoded != NULL) {
		memcpy(f->set->decoded + f->used, keyword.p, keyword.len);
		keyword.p = f->set->decoded + f->used;
		f->used += keyword.len;
	}
	return put(f, keyword);
}

static void sort(struct sl_pir_set *set)
{
	size_t kept = 0;

	if (set->n > 0)
		qsort(set->keyword, set->n, sizeof(*set->keyword), by_bytes);
	for (size_t i = 0; i < set->n; i++) {
		if (kept > 0 && sl_bytes_equal(set->keyword[kept - 1], set->keyword[i]))
			set->repeated = set->keyword[i];
		else
			set->keyword[kept++] = set->keyword[i];
	}
	set->n = kept;
}

int sl_pir_set_read(enum sl_pir_form form, struct sl_bytes file, struct sl_pir_set *out, uint64_t *at)
{
	struct sl_pir_set set = { .n = 0 };
	struct filling f = { .set = &set };
	int err = SL_OK;

	if (form == SL_PIR_TEXT) {
		set.decoded = (uint8_t *)malloc(file.len + 1);
		err = set.decoded == NULL ? SL_ENOMEM : SL_OK;
	}
	if (err == SL_OK)
		err = sl_pir_read(form, file, put_row, &f, at);
	if (err != SL_OK) {
		sl_pir_set_free(&set);
		return err;
	}
	sort(&set);
	*out = set;
	return SL_OK;
}

int sl_pir_set_lines(struct sl_bytes file, struct sl_pir_set *out)
{
	struct sl_pir_set set = { .n = 0 };
	struct filling f = { .set = &set };
	struct sl_cur c = sl_cur_whole(file);
	int err = SL_OK;

	for (struct sl_bytes line = sl_cur_line(&c); line.p != NULL && err == SL_OK; line = sl_cur_line(&c)) {
		set.rows += line.len > 0;
		err = line.len > 0 ? put(&f, line) : SL_OK;
	}
	if (err != SL_OK) {
		sl_pir_set_free(&set);
		return err;
	}
	sort(&set);
	*out = set;
	return SL_OK;
}

bool sl_pir_set_has(const struct sl_pir_set *set, struct sl_bytes keyword)
{
	return set->n > 0 && bsearch(&keyword, set->keyword, set->n, sizeof(*set->keyword), by_bytes) != NULL;
}

uint64_t sl_pir_set_missing(const struct sl_pir_set *a, const struct sl_pir_set *b, struct sl_bytes *first)
{
	uint64_t missing = 0;
	size_t j = 0;

	*first = (struct sl_bytes){ NULL, 0 };
	for (size_t i = 0; i < a->n; i++) {
		while (j < b->n && sl_pir_compare(b->keyword[j], a->keyword[i]) < 0)
			j++;
		if (j < b->n && sl_bytes_equal(b->keyword[j], a->keyword[i]))
			continue;
		if (missing++ == 0)
			*first = a->keyword[i];
	}
	return missing;
}

void sl_pir_set_free(struct sl_pir_set *set)
{
	free(set->keyword);
	free(set->decoded);
	*set = (struct sl_pir_set){ .n = 0 };
}
