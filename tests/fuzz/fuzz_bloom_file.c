/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_bloom_file.c - somebody's prefilter: what is read has numbers in their bounds; written as property list or JSON and
 * read again it is the same; and no content of it does harm when it is asked. */
#include <stdlib.h>

#include "bloom/gauge.h"
#include "daemon/prefilter_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

struct text {
	uint8_t *p;
	size_t len, cap;
};

static int put(void *ctx, const void *p, size_t n)
{
	struct text *t = ctx;
	if (t->len + n > t->cap) {
		t->cap = (t->len + n) * 2;
		t->p = realloc(t->p, t->cap);
		must(t->p != NULL);
	}
	memcpy(t->p + t->len, p, n);
	t->len += n;
	return SL_OK;
}

static void check_again(const struct sl_prefilter_file *file, enum sl_prefilter_kind kind)
{
	struct sl_prefilter_file again;
	struct text t = { NULL, 0, 0 };

	must(sl_prefilter_file_write(file, kind, put, &t) == SL_OK);
	must(sl_prefilter_file_read("again", sl_bytes_of(t.p, t.len), NULL, NULL, &again) == SL_OK);
	must(again.kind == kind && memcmp(&again.shape, &file->shape, sizeof(again.shape)) == 0);
	must(sl_bytes_equal(again.data, file->data) && again.tolerance == file->tolerance);
	must(again.items.given == file->items.given && again.items.value == file->items.value);
	must(again.bytes.given == file->bytes.given && again.bytes.value == file->bytes.value);
	sl_prefilter_file_free(&again);
	free(t.p);
}

static void check_asked(const struct sl_prefilter_file *file)
{
	const struct sl_prefilter *pf;
	union sl_prefilter_mem mem;

	if (sl_prefilter_open(&mem, &file->shape, file->data, &pf) != SL_OK)
		return;
	for (uint64_t key = 1; key != 0; key <<= 1)
		(void)sl_prefilter_maybe(pf, key * 0x9e3779b97f4a7c15U);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct sl_prefilter_beside beside = { { true, 77 }, { true, 3 }, { true, 1 } };
	struct sl_prefilter_file file;
	struct sl_bytes text = sl_bytes_of(data, size);

	if (sl_prefilter_file_read("given", text, &beside, NULL, &file) == SL_OK) {
		must(file.shape.bits == 77 && file.shape.hashes == 3 && file.shape.seed == 1);
		sl_prefilter_file_free(&file);
	}
	if (sl_prefilter_file_read("input", text, NULL, NULL, &file) != SL_OK)
		return 0;
	must(file.shape.bits > 0 && file.shape.bits <= UINT32_MAX - 7 && file.shape.hashes > 0 &&
	     file.shape.hashes <= SL_PREFILTER_HASHES_MAX && file.shape.format == SL_PREFILTER_APPLE);
	check_again(&file, SL_PREFILTER_PLIST_XML);
	check_again(&file, SL_PREFILTER_JSON);
	check_asked(&file);
	sl_prefilter_file_free(&file);
	return 0;
}
