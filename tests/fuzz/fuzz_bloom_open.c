/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_bloom_open.c - a shape and bits from a file (a snapshot's section): what is opened can be asked without touching memory
 * outside, many at once as one by one; and what is added to it is there. The first 24 bytes are the shape. */
#include <stdlib.h>

#include "bloom/prefilter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void check(const struct sl_prefilter_shape *shape, uint8_t *bits, size_t len)
{
	const struct sl_prefilter *pf;
	struct sl_prefilter *built;
	union sl_prefilter_mem mem;
	uint64_t key[SL_PREFILTER_MANY], answer;

	for (unsigned i = 0; i < SL_PREFILTER_MANY; i++)
		key[i] = (i + 1 + len) * 0x9e3779b97f4a7c15U;
	key[0] = 0;
	key[1] = UINT64_MAX;
	if (sl_prefilter_open(&mem, shape, sl_bytes_of(bits, len), &pf) != SL_OK)
		return;
	must(sl_prefilter_bytes(shape) == len);
	answer = sl_prefilter_maybe_many(pf, key, SL_PREFILTER_MANY);
	sl_prefilter_portable(&mem);
	must(answer == sl_prefilter_maybe_many(pf, key, SL_PREFILTER_MANY));
	for (unsigned i = 0; i < SL_PREFILTER_MANY; i++)
		must(sl_prefilter_maybe(pf, key[i]) == (answer >> i & 1));
	must(sl_prefilter_build(&mem, shape, bits, len, &built) == SL_OK);
	must(sl_prefilter_maybe_many(built, key, SL_PREFILTER_MANY) == 0);
	sl_prefilter_add(built, key, SL_PREFILTER_MANY);
	must(sl_prefilter_maybe_many(built, key, SL_PREFILTER_MANY) == UINT64_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_prefilter_shape shape;
	void *bits = NULL;

	if (size < sizeof(shape))
		return 0;
	memcpy(&shape, data, sizeof(shape));
	size_t len = size - sizeof(shape);
	must(posix_memalign(&bits, SL_PREFILTER_BLOCK, len == 0 ? 1 : len) == 0);
	memcpy(bits, data + sizeof(shape), len);
	check(&shape, bits, len);
	free(bits);
	return 0;
}
