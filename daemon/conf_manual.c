/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf_manual.c - writes sluice.yaml.5 while sluice is built: sl_conf_manual TEMPLATE PAGE. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "daemon/conf_man.h"

int main(int argc, char **argv)
{
	if (argc != 3) {
		(void)fprintf(stderr, "usage: sl_conf_manual TEMPLATE PAGE\n");
		return 2;
	}
	FILE *template = fopen(argv[1], "r");
	FILE *page = template == NULL ? NULL : fopen(argv[2], "w");
	int err = page == NULL ? SL_ESYS : sl_conf_manual_fill(template, page);
	if (template != NULL)
		(void)fclose(template);
	if (page != NULL && fclose(page) != 0)
		err = SL_ESYS;
	if (err != SL_OK)
		(void)fprintf(stderr, "sl_conf_manual: %s, %s: %s\n", argv[1], argv[2], strerror(errno));
	return err == SL_OK ? 0 : 1;
}
