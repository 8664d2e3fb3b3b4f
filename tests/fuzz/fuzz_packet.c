/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_packet.c - the first two bytes say how many bytes of the packet were not copied and where to cut the
 * copy once more. Property: the payload lies within the copy and the wire; a shorter copy gives the same
 * packet with less of its payload, or no answer. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "filter/packet.h"

static int read_copy(struct sl_bytes ip, size_t wire_len, struct sl_packet *out)
{
	uint8_t *copy = malloc(ip.len == 0 ? 1 : ip.len);
	if (copy == NULL)
		abort();
	if (ip.len > 0)
		memcpy(copy, ip.p, ip.len);
	int err = sl_packet_read((struct sl_bytes){ copy, ip.len }, wire_len, out);
	if (err == SL_OK) {
		size_t at = (size_t)(out->payload.p - copy);
		if (at > ip.len || out->payload.len > ip.len - at)
			abort();
		if (out->payload.len > out->payload_len || at + out->payload_len > wire_len)
			abort();
		out->payload.p = at < ip.len ? ip.p + at : ip.p;
	}
	free(copy);
	return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	struct sl_bytes ip = { data + 2, size - 2 };
	size_t wire_len = ip.len + (size_t)data[0] * 300;
	struct sl_bytes cut = sl_bytes_first(ip, ip.len * data[1] / 256);
	struct sl_packet all = { 0 }, part = { 0 };
	int a = read_copy(ip, wire_len, &all), p = read_copy(cut, wire_len, &part);
	if (p == SL_EMALF)
		return 0;
	if (p != a)
		abort();
	if (p != SL_OK)
		return 0;
	if (memcmp(&all.key, &part.key, sizeof(all.key)) != 0 || all.seq != part.seq || all.ack != part.ack ||
	    all.flags != part.flags || all.payload_len != part.payload_len ||
	    part.payload.len > all.payload.len || (part.payload.len > 0 && part.payload.p != all.payload.p))
		abort();
	return 0;
}
