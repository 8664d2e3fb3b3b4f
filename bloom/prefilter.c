/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bloom/prefilter.h"

#include "base/util.h"
#include "bloom/prefilter_impl.h"

enum { BLOCK_BITS = SL_PREFILTER_BLOCK * 8, NATIVE_HASHES = 8 };

static const uint64_t blocks_max = UINT32_MAX;
static const uint64_t apple_bits_max = UINT32_MAX - 7; /* NE-BLOOM-09 */

_Static_assert(sizeof(struct sl_prefilter) <= sizeof(union sl_prefilter_mem), "a prefilter fits its memory");
_Static_assert(sizeof(struct sl_prefilter_shape) == 24, "shapes are kept in files");

int sl_prefilter_shape_native(uint64_t keys, unsigned bits_per_key, struct sl_prefilter_shape *out)
{
	if (bits_per_key < 1 || bits_per_key > 64)
		return SL_EINVAL;
	if (keys > blocks_max * BLOCK_BITS / bits_per_key)
		return SL_ELIMIT;
	uint64_t blocks = (keys * bits_per_key + BLOCK_BITS - 1) / BLOCK_BITS;
	*out = (struct sl_prefilter_shape){ .format = SL_PREFILTER_NATIVE,
		                            .hashes = NATIVE_HASHES,
		                            .bits = (blocks == 0 ? 1 : blocks) * BLOCK_BITS };
	return SL_OK;
}

size_t sl_prefilter_bytes(const struct sl_prefilter_shape *shape)
{
	return (size_t)(shape->bits / 8 + (shape->bits % 8 != 0));
}

static bool native_fits(const struct sl_prefilter_shape *s, const void *bits)
{
	return s->hashes == NATIVE_HASHES && s->seed == 0 && s->bits > 0 && s->bits % BLOCK_BITS == 0 &&
	       s->bits / BLOCK_BITS <= blocks_max && (uintptr_t)bits % SL_PREFILTER_BLOCK == 0;
}

static bool apple_fits(const struct sl_prefilter_shape *s)
{
	return s->hashes > 0 && s->hashes <= SL_PREFILTER_HASHES_MAX && s->bits > 0 &&
	       s->bits <= apple_bits_max;
}

static int make(union sl_prefilter_mem *mem, const struct sl_prefilter_shape *s, uint8_t *bits, size_t len,
                struct sl_prefilter **out)
{
	bool native = s->format == SL_PREFILTER_NATIVE;

	if (!native && s->format != SL_PREFILTER_APPLE)
		return SL_EUNSUP;
	if (!(native ? native_fits(s, bits) : apple_fits(s)) || s->pad != 0 || len != sl_prefilter_bytes(s))
		return SL_EMALF;
	struct sl_prefilter *pf = (struct sl_prefilter *)mem;
	*pf = (struct sl_prefilter){
		.bits = bits,
		.ops = native ? sl_fmt_native_best() : &sl_fmt_apple,
		.modulus = native ? s->bits / BLOCK_BITS : s->bits,
		.inverse = UINT64_MAX / s->bits + 1,
		.hashes = s->hashes,
		.seed = s->seed,
		.format = s->format,
	};
	*out = pf;
	return SL_OK;
}

int sl_prefilter_open(union sl_prefilter_mem *mem, const struct sl_prefilter_shape *shape,
                      struct sl_bytes bits, const struct sl_prefilter **out)
{
	struct sl_prefilter *pf = NULL;
	int err = make(mem, shape, (uint8_t *)(uintptr_t)bits.p, bits.len, &pf);
	if (err == SL_OK)
		*out = pf;
	return err;
}

int sl_prefilter_build(union sl_prefilter_mem *mem, const struct sl_prefilter_shape *shape, void *bits,
                       size_t len, struct sl_prefilter **out)
{
	int err = make(mem, shape, (uint8_t *)bits, len, out);
	if (err == SL_OK)
		memset(bits, 0, len);
	return err;
}

void sl_prefilter_add(struct sl_prefilter *pf, const uint64_t *key, size_t n)
{
	for (size_t i = 0; i < n; i += SL_PREFILTER_AHEAD)
		pf->ops->add(pf, key + i, sl_min(n - i, SL_PREFILTER_AHEAD));
}

bool sl_prefilter_maybe(const struct sl_prefilter *pf, uint64_t key)
{
	return pf->ops->maybe(pf, key);
}

uint64_t sl_prefilter_maybe_many(const struct sl_prefilter *pf, const uint64_t *key, size_t n)
{
	return pf->ops->maybe_many(pf, key, sl_min(n, SL_PREFILTER_MANY));
}

void sl_prefilter_shape_of(const struct sl_prefilter *pf, struct sl_prefilter_shape *out)
{
	uint64_t unit = pf->format == SL_PREFILTER_NATIVE ? BLOCK_BITS : 1;
	*out = (struct sl_prefilter_shape){
		.format = pf->format, .hashes = pf->hashes, .bits = pf->modulus * unit, .seed = pf->seed
	};
}

void sl_prefilter_portable(union sl_prefilter_mem *mem)
{
	struct sl_prefilter *pf = (struct sl_prefilter *)mem;
	if (pf->format == SL_PREFILTER_NATIVE)
		pf->ops = &sl_fmt_native;
}
