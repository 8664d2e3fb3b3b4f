/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_conf.c - whatever parses, prints; what is printed parses and prints the same; what does not parse says why. */
#include <stdio.h>
#include <stdlib.h>

#include "daemon/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void count(void *ctx, const char *file, unsigned line, const char *text)
{
	(void)file, (void)line;
	if (text[0] == '\0')
		abort();
	++*(unsigned *)ctx;
}

static char *print(const struct sl_conf *conf, size_t *len)
{
	char *text = NULL;
	FILE *to = open_memstream(&text, len);
	if (to == NULL || sl_conf_print(conf, to) != SL_OK || fclose(to) != 0)
		abort();
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned errors = 0;
	struct sl_diag diag = { count, &errors };
	struct sl_conf *conf = NULL, *again = NULL;
	int err = sl_conf_read("/etc/sluice/sluice.yaml", sl_bytes_of(data, size), &diag, &conf);
	if ((err == SL_OK) != (errors == 0) || (err == SL_OK) != (conf != NULL) || errors > 21)
		abort();
	if (err != SL_OK)
		return 0;
	size_t len, len_again;
	char *text = print(conf, &len);
	if (sl_conf_read("/other/x.yaml", sl_bytes_of(text, len), &diag, &again) != SL_OK)
		abort();
	char *text_again = print(again, &len_again);
	char restart[64];
	sl_conf_restart_needed(conf, again, restart, sizeof(restart));
	if (len != len_again || memcmp(text, text_again, len) != 0 || restart[0] != '\0')
		abort();
	free(text);
	free(text_again);
	sl_conf_free(&conf);
	sl_conf_free(&again);
	return 0;
}
