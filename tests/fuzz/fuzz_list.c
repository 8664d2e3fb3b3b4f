/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_list.c - lists of whatever format is found, and of names, hosts and URLs: list_property.h. The first byte picks the
 * format; the other formats have targets of their own. */
#include "tests/fuzz/list_property.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum sl_list_format formats[] = { SL_FORMAT_AUTO, SL_FORMAT_DOMAINS, SL_FORMAT_HOSTS,
		                                       SL_FORMAT_URLS };
	if (size == 0)
		return 0;
	uint8_t *copy = malloc(size);
	must(copy != NULL);
	memcpy(copy, data, size);
	check_list(formats[copy[0] & 3], copy[0] >> 2, sl_bytes_of(&copy[1], size - 1));
	free(copy);
	return 0;
}
