/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bloom/apple_size.h"

#include <math.h>
#include <nettle/sha2.h>

#include "base/util.h"

static const double bits_max = UINT32_MAX - 7.0; /* NE-BLOOM-09 */

static double hashes_for(double bits, double items)
{
	return ceil(bits / items * M_LN2);
}

int sl_apple_size(const struct sl_apple_want *want, struct sl_prefilter_shape *out)
{
	double items = (double)(want->strict ? want->lines : want->distinct);

	if (items < 1 || !(want->tolerance > 0 && want->tolerance < 1))
		return SL_EINVAL;
	double bits = ceil(-items * log(want->tolerance) / (M_LN2 * M_LN2));
	double hashes = hashes_for(bits, items);
	if (!want->strict) {
		bits = fmax(bits, SL_APPLE_BITS_MIN);
		hashes = fmin(hashes_for(bits, items), SL_APPLE_HASHES_CAP);
	}
	if (bits > bits_max)
		return SL_ELIMIT;
	*out = (struct sl_prefilter_shape){ .format = SL_PREFILTER_APPLE,
		                            .hashes = (uint32_t)hashes,
		                            .bits = (uint64_t)bits,
		                            .seed = want->seed };
	return SL_OK;
}

void sl_apple_tag(struct sl_bytes bits, char tag[SL_APPLE_TAG])
{
	static const char hex[] = "0123456789abcdef";
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, bits.len, bits.p);
	sha256_digest(&ctx, sizeof(digest), digest);
	for (size_t i = 0; i < sizeof(digest); i++) {
		tag[2 * i] = hex[digest[i] >> 4];
		tag[2 * i + 1] = hex[digest[i] & 15];
	}
	tag[2 * sizeof(digest)] = '\0';
}
