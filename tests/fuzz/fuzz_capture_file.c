/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_capture_file.c - Properties: reading ends; a frame's bytes lie within the file, and no two frames share one; a file that
 * is cut short has the same frames up to there. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "filter/capture_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count(struct sl_bytes file, struct sl_capture_file *f)
{
	struct sl_capture_frame frame;
	size_t n = 0, end = 0;
	if (sl_capture_file_open(file, f) != SL_OK)
		return 0;
	for (; sl_capture_file_next(f, &frame) == SL_OK; n++) {
		if (frame.bytes.p == NULL)
			continue;
		size_t at = (size_t)(frame.bytes.p - file.p);
		if (at < end || at + frame.bytes.len > file.len)
			abort();
		end = at + frame.bytes.len;
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sl_capture_file f;
	size_t all = count((struct sl_bytes){ data, size }, &f);
	for (size_t len = 0; len < size; len += 1 + size / 16) {
		uint8_t *copy = malloc(len + 1);
		if (copy == NULL)
			abort();
		memcpy(copy, data, len);
		if (count((struct sl_bytes){ copy, len }, &f) > all)
			abort();
		free(copy);
	}
	return 0;
}
