/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_preface.c - the first byte says whether a dialogue is under way. Properties: the answer for any part of the bytes is
 * "more" or the answer for all of them; what is taken lies within them, and so does the name. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "filter/sniff_preface.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int ask(struct sl_bytes bytes, bool in_dialogue, struct sl_preface *out, size_t *host_at)
{
	uint8_t *copy = malloc(bytes.len + 1);
	if (copy == NULL)
		abort();
	if (bytes.len > 0)
		memcpy(copy, bytes.p, bytes.len);
	int err = sl_preface_read((struct sl_bytes){ copy, bytes.len }, in_dialogue, out);
	if (err == SL_OK) {
		if (out->len == 0 || out->len > bytes.len)
			abort();
		*host_at = out->host.p == NULL ? 0 : (size_t)(out->host.p - copy);
		if (out->host.p != NULL && *host_at + out->host.len > out->len)
			abort();
	}
	free(copy);
	return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	bool in_dialogue = (data[0] & 1) != 0;
	struct sl_bytes all = { data + 1, size - 1 };
	struct sl_preface late = { 0 };
	size_t late_at = 0;
	int want = ask(all, in_dialogue, &late, &late_at);
	for (size_t n = 0; n < all.len; n++) {
		struct sl_preface early = { 0 };
		size_t at = 0;
		int err = ask((struct sl_bytes){ all.p, n }, in_dialogue, &early, &at);
		if (err != SL_EMORE && err != want)
			abort();
		if (err == SL_OK &&
		    (early.kind != late.kind || early.len != late.len || early.port != late.port ||
		     early.host.len != late.host.len || at != late_at))
			abort();
	}
	return 0;
}
