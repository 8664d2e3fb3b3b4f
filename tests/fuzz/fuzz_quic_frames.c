/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_quic_frames.c - the input is the payload of an Initial; its first byte chooses the version. Properties: what came once
 * and comes again changes nothing; the bytes in order end at the first gap; the second copy of a stream of other bytes changes
 * none of them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "filter/quic_frames.h"

enum { ROOM = 1024 };

static int read_copy(uint32_t version, struct sl_bytes frames, struct sl_quic_crypto *s, uint32_t *differs)
{
	uint8_t *copy = (uint8_t *)malloc(frames.len == 0 ? 1 : frames.len);
	if (copy == NULL)
		abort();
	if (frames.len > 0)
		memcpy(copy, frames.p, frames.len);
	int err = sl_quic_frames_read(sl_quic_version_of(version), sl_bytes_of(copy, frames.len), s, differs);
	free(copy);
	return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t other[ROOM] = { 1, 2, 3 };
	uint8_t byte[ROOM], before[ROOM];
	uint64_t came[ROOM / 64] = { 0 }, came_before[ROOM / 64];
	struct sl_quic_crypto s = { .byte = byte, .came = came, .room = ROOM };
	uint32_t differs = 0, again = 0;
	if (size == 0)
		return 0;
	uint32_t version = (data[0] & 1) != 0 ? 0x51303530 : SL_QUIC_V1;
	struct sl_bytes frames = { data + 1, size - 1 };
	memset(byte, 0, sizeof(byte));
	int err = read_copy(version, frames, &s, &differs);
	memcpy(before, byte, sizeof(byte));
	memcpy(came_before, came, sizeof(came));
	struct sl_quic_crypto first = s;
	if (read_copy(version, frames, &s, &again) != err || again < differs)
		abort();
	if (s.ready != first.ready || s.top != first.top || memcmp(byte, before, sizeof(byte)) != 0 ||
	    memcmp(came, came_before, sizeof(came)) != 0)
		abort();
	for (uint32_t i = 0; i <= s.ready && i < ROOM; i++)
		if ((came[i / 64] >> (i % 64) & 1) != (i < s.ready))
			abort();
	if (sl_quic_crypto_push(&s, 0, sl_bytes_of(other, sizeof(other)), &again) != SL_OK || s.ready != ROOM)
		abort();
	for (uint32_t i = 0; i < ROOM; i++)
		if (byte[i] != ((came_before[i / 64] >> (i % 64) & 1) != 0 ? before[i] : other[i]))
			abort();
	sl_quic_crypto_clear(&s);
	for (size_t i = 0; i < ROOM / 64; i++)
		if (came[i] != 0)
			abort();
	return 0;
}
