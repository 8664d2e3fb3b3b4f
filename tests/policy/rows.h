/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rows.h - a test is a table: every row has a sentence for its name, as its first member, and runs as its own case. */
#ifndef SL_TESTS_POLICY_ROWS_H
#define SL_TESTS_POLICY_ROWS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ROWS_MAX = 256 };

struct rows {
	struct CMUnitTest test[ROWS_MAX];
	size_t n;
};

/* Appends a case for each row of a table of structs whose first member is their name. */
#define ADD_ROWS(rows, table, function)                                          \
	for (size_t row_ = 0; row_ < sizeof(table) / sizeof((table)[0]); row_++) \
	add_row(rows, (table)[row_].name, function, &(table)[row_])

static inline void add_row(struct rows *rows, const char *name, CMUnitTestFunction function, const void *row)
{
	if (rows->n == ROWS_MAX)
		abort();
	rows->test[rows->n++] = (struct CMUnitTest){ name, function, NULL, NULL, (void *)(uintptr_t)row };
}

static inline int run_rows(const char *group, const struct rows *rows)
{
	return _cmocka_run_group_tests(group, rows->test, rows->n, NULL, NULL);
}

#endif
