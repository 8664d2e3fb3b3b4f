/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/compile_files.h"

#include <stdlib.h>

#include "daemon/conf_value.h"

/* One argument a line. `inside` has no default; nothing looks at it. */
static void write_conf(char *const *file, int n, FILE *to)
{
	(void)fputs("{inside: lan0, never_block_shipped: no, lists: [", to);
	for (int i = 0; i < n; i++) {
		(void)fputs("{file: ", to);
		sl_conf_string_print(file[i], to);
		(void)fputs("},\n", to);
	}
	(void)fputs("]}", to);
}

int sl_conf_of_files(char *const *file, int n, const struct sl_diag *diag, struct sl_conf **out)
{
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);
	if (to == NULL)
		return SL_ENOMEM;
	write_conf(file, n, to);
	int err = fclose(to) == 0 ? SL_OK : SL_ENOMEM;
	if (err == SL_OK)
		err = sl_conf_read("(arguments)", sl_bytes_of(text, len), diag, out);
	free(text);
	return err;
}
