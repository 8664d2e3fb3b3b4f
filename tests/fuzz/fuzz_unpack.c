/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_unpack.c - packed bytes: how they are cut into pieces changes neither what comes out nor the answer (but for how far
 * one gets before an error), and no more comes out than is allowed. The first byte picks the ceiling and the pieces. */
#include <stdlib.h>

#include "daemon/unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct came {
	int err;
	uint64_t n, hash;
};

static void must(bool ok)
{
	if (!ok)
		abort();
}

static struct came unpack(struct sl_bytes packed, size_t size, uint64_t max)
{
	struct came came = { SL_EMORE, 0, 0 };
	struct sl_bytes in = { NULL, 0 }, out = { NULL, 0 };
	struct sl_unpack *u = NULL;
	bool packed_kind = false;
	must(sl_unpack_new(sl_bytes_first(packed, SL_UNPACK_HEAD), max, &u) == SL_OK);
	packed_kind = strcmp(sl_unpack_format(u), "plain") != 0;
	while (came.err == SL_EMORE || (came.err == SL_OK && out.p != NULL)) {
		if (came.err == SL_EMORE) {
			must(in.len == 0);
			in = sl_bytes_first(packed, size);
			packed = sl_bytes_skip(packed, size);
		}
		came.err = sl_unpack_step(u, &in, packed.len == 0, &out);
		must(came.err != SL_EMORE || packed.len > 0);
		must(came.err == SL_OK || out.p == NULL);
		for (size_t i = 0; i < out.len; i++)
			came.hash = came.hash * 31 + out.p[i];
		came.n += out.len;
	}
	must(!packed_kind || came.n <= max);
	sl_unpack_free(&u);
	return came;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	uint64_t max = (uint64_t)1 << (data[0] & 31);
	max = max > 1u << 20 ? 1u << 20 : max;
	struct sl_bytes packed = sl_bytes_of(data + 1, size - 1);
	struct came whole = unpack(packed, size, max), pieces = unpack(packed, 1 + (data[0] >> 5), max);
	must((whole.err == SL_OK) == (pieces.err == SL_OK));
	if (whole.err == SL_OK)
		must(whole.n == pieces.n && whole.hash == pieces.hash);
	return 0;
}
