/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_host.c - the canonical form is canonical: reading it again changes nothing, neither does writing the input in upper
 * case, and every parent of a name is canonical itself. */
#include <stdlib.h>

#include "policy/host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static bool same(const struct sl_host *a, const struct sl_host *b)
{
	return a->len == b->len && a->address == b->address &&
	       memcmp(a->name, b->name, (size_t)a->len + 1) == 0;
}

static void check_upper(const uint8_t *data, size_t size, const struct sl_host *host)
{
	struct sl_host again;
	must(size > 0); /* nothing is no host */
	uint8_t *upper = malloc(size);
	must(upper != NULL);
	for (size_t i = 0; i < size; i++)
		upper[i] = data[i] >= 'a' && data[i] <= 'z' ? data[i] & 0xdf : data[i];
	must(sl_host_canon(sl_bytes_of(upper, size), &again) == SL_OK && same(host, &again));
	free(upper);
}

static void check_parents(const struct sl_host *host)
{
	struct sl_bytes at = sl_bytes_of(host->name, host->len);
	for (; at.p != NULL; at = sl_host_parent(at)) {
		struct sl_host again;
		must(sl_host_canon(at, &again) == SL_OK && !again.address);
		must(again.len == at.len && memcmp(again.name, at.p, at.len) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_host host, again;
	uint8_t *copy = malloc(size == 0 ? 1 : size);
	must(copy != NULL);
	memcpy(copy, data, size);
	int err = sl_host_canon(sl_bytes_of(copy, size), &host);
	must(host.len <= SL_HOST_MAX && strlen(host.name) == host.len && (err == SL_OK) == (host.len > 0));
	if (err == SL_OK) {
		must(sl_host_canon(sl_bytes_of(host.name, host.len), &again) == SL_OK && same(&host, &again));
		check_upper(copy, size, &host);
		if (!host.address)
			check_parents(&host);
	}
	free(copy);
	return 0;
}
