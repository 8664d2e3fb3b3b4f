/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Property: whatever was recorded, it is read or refused; checked twice it gives the same findings; and a trace compared with itself
 * has no difference that is undocumented. */
#include <stdlib.h>

#include "daemon/ne_compare.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static struct sl_ne_recording *read_copy(const uint8_t *data, size_t size)
{
	struct sl_ne_recording *rec = NULL;
	FILE *from = fmemopen((void *)(uintptr_t)data, size, "r");
	must(from != NULL);
	int err = sl_ne_recording_read(from, "fuzz", NULL, &rec);
	must((err == SL_OK) == (rec != NULL));
	(void)fclose(from);
	return rec;
}

static void check_alone(const struct sl_ne_recording *rec)
{
	struct sl_ne_comparison one, two;
	must(sl_ne_compare(rec, NULL, &one) == SL_OK && sl_ne_compare(rec, NULL, &two) == SL_OK);
	must(one.findings.n == two.findings.n);
	for (size_t i = 0; i < one.findings.n; i++)
		must(strcmp(one.findings.at[i].text, two.findings.at[i].text) == 0);
	sl_ne_comparison_free(&one);
	sl_ne_comparison_free(&two);
}

static void check_with_itself(const struct sl_ne_recording *rec)
{
	struct sl_ne_comparison c;
	char *out = NULL;
	size_t n = 0;
	FILE *to = open_memstream(&out, &n);
	must(to != NULL && sl_ne_compare(rec, rec, &c) == SL_OK);
	must(sl_ne_comparison_print(&c, false, to) == SL_OK && sl_ne_comparison_print(&c, true, to) == SL_OK);
	(void)fclose(to);
	free(out);
	must(!sl_ne_comparison_wrong(&c));
	sl_ne_comparison_free(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_ne_recording *rec = size == 0 ? NULL : read_copy(data, size);
	if (rec == NULL)
		return 0;
	check_alone(rec);
	if (rec->kind == SL_NE_TRACE)
		check_with_itself(rec);
	sl_ne_recording_free(&rec);
	return 0;
}
