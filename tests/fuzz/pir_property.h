/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pir_property.h - somebody's PIR input (FORM says which): the rows that are read, written in either form and read again,
 * are the same rows; and a set holds each keyword. */
#include <stdlib.h>

#include "daemon/pir_entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static int expect(void *ctx, const struct sl_pir_row *row)
{
	const struct sl_pir_row *want = ctx;
	must(sl_bytes_equal(row->keyword, want->keyword) && sl_bytes_equal(row->value, want->value));
	return SL_OK;
}

static void write_and_read(enum sl_pir_form form, const struct sl_pir_row *row)
{
	static uint8_t buf[SL_PIR_ROW_MAX];
	struct sl_out o = sl_out_of(buf, sizeof(buf));
	uint64_t at = 0;

	sl_pir_write(form, row, &o);
	must(!o.overflow);
	must(sl_pir_read(form, sl_bytes_of(buf, o.len), expect, (void *)(uintptr_t)row, &at) == SL_OK);
}

static int check_row(void *ctx, const struct sl_pir_row *row)
{
	char mended[SL_PIR_ENTRY_MAX];
	size_t len;

	if (ctx != NULL) {
		must(row->keyword.len == 0 || sl_pir_set_has(ctx, row->keyword));
		return SL_OK;
	}
	if (row->keyword.len > SL_PIR_STRING_MAX || row->value.len > SL_PIR_STRING_MAX)
		return SL_OK;
	write_and_read(SL_PIR_TEXT, row);
	write_and_read(SL_PIR_BINARY, row);
	const struct sl_pir_asking asking = { .profile = SL_SUBURL_NE27 };
	if (sl_pir_entry_judge(row->keyword, &asking, mended, &len) == SL_PIR_FAULT_NONE)
		must(len == 0);
	return SL_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_bytes file = sl_bytes_of(data, size);
	struct sl_pir_set set;
	uint64_t at = 0;

	int err = sl_pir_read(FORM, file, check_row, NULL, &at);
	must(err == SL_OK || err == SL_EMALF || err == SL_ELIMIT);
	must((err == SL_OK) == (sl_pir_set_read(FORM, file, &set, &at) == SL_OK));
	if (err != SL_OK)
		return 0;
	must(sl_pir_read(FORM, file, check_row, &set, &at) == SL_OK);
	sl_pir_set_free(&set);
	return 0;
}
