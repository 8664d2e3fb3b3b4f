/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Property: a message is read the same in upper case as it stands, and views lie within it. */
#include <stdlib.h>

#include "filter/ne_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void within(struct sl_bytes view, const uint8_t *p, size_t n)
{
	if (view.p != NULL && (view.p < p || view.len > n || (size_t)(view.p - p) > n - view.len))
		abort();
}

static void check_views(const struct sl_ne_log_line *l, const uint8_t *p, size_t n)
{
	within(l->type, p, n);
	within(l->app, p, n);
	within(l->process, p, n);
	within(l->local, p, n);
	within(l->remote, p, n);
	within(l->hash, p, n);
	if (l->id >= SL_NE_LOG_IDS || l->how > 2)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_ne_log_line l = { 0 }, other = { 0 };
	uint8_t *upper = malloc(size + 1);
	if (upper == NULL)
		abort();
	for (size_t i = 0; i < size; i++)
		upper[i] = data[i] >= 'a' && data[i] <= 'z' ? (uint8_t)(data[i] - 0x20) : data[i];
	int err = sl_ne_log_read(sl_bytes_of(data, size), &l);
	int err_upper = sl_ne_log_read(sl_bytes_of(upper, size), &other);
	if (err != err_upper ||
	    (err == SL_OK && (l.id != other.id || l.n != other.n || l.flow != other.flow)))
		abort();
	if (err == SL_OK) {
		check_views(&l, data, size);
		check_views(&other, upper, size);
	}
	free(upper);
	return 0;
}
