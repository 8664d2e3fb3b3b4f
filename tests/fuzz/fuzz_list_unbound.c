/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_list_unbound.c - unbound.conf: list_property.h. The first byte has the options. */
#include "tests/fuzz/list_property.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	uint8_t *copy = malloc(size);
	must(copy != NULL);
	memcpy(copy, data, size);
	check_list(SL_FORMAT_UNBOUND, copy[0], sl_bytes_of(&copy[1], size - 1));
	free(copy);
	return 0;
}
