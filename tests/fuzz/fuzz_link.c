/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_link.c - the first byte chooses the link type, the rest is frames of up to 255 bytes, each with its length before it.
 * Properties: the packet lies within the frame and begins with a version; a datagram made whole reads as a packet that is no
 * fragment. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cur.h"
#include "filter/fragments.h"
#include "filter/link.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_frame(struct sl_fragments *f, uint32_t linktype, struct sl_bytes frame, int64_t ms)
{
	struct sl_link link;
	struct sl_bytes whole, again;
	struct sl_mono now = { ms * 1000 };
	if (sl_link_read(linktype, frame, &link) != SL_OK)
		return;
	const uint8_t *end = link.ip.p + link.ip.len, *frame_end = frame.p + frame.len;
	if (link.ip.p < frame.p || link.ip.len == 0 || end > frame_end)
		abort();
	if (end != frame_end && linktype != SL_LINK_NFLOG) /* where other attributes may follow */
		abort();
	if (sl_fragments_add(f, link.ip, now, &whole) == SL_OK &&
	    sl_fragments_add(f, whole, now, &again) == SL_OK)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t types[] = { 0, 1, 9, 50, 101, 104, 113, 239, 276, 258 };
	struct sl_cur c = sl_cur_whole((struct sl_bytes){ data, size });
	uint32_t type = types[sl_cur_u8(&c) % (sizeof(types) / sizeof(types[0]))];
	struct sl_fragments *f = NULL;
	if (sl_fragments_new(2, &f) != SL_OK)
		abort();
	for (int64_t ms = 0; sl_cur_more(&c); ms += 1000) {
		struct sl_bytes frame = sl_cur_bytes(&c, sl_cur_u8(&c));
		uint8_t *copy = malloc(frame.len + 1);
		if (copy == NULL)
			abort();
		if (frame.len > 0)
			memcpy(copy, frame.p, frame.len);
		check_frame(f, type, (struct sl_bytes){ copy, frame.len }, ms);
		free(copy);
	}
	sl_fragments_free(&f);
	return 0;
}
