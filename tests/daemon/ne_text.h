/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_text.h - a recording out of a row's text, where ' stands for ". */
#ifndef SL_TESTS_DAEMON_NE_TEXT_H
#define SL_TESTS_DAEMON_NE_TEXT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "daemon/ne_recording.h"

static struct sl_ne_recording *read_text(const char *text)
{
	struct sl_ne_recording *rec = NULL;
	char *copy = strdup(text);
	for (char *at = strchr(copy, '\''); at != NULL; at = strchr(at, '\''))
		*at = '"';
	FILE *from = fmemopen(copy, strlen(copy), "r");
	assert_non_null(from);
	assert_int_equal(sl_ne_recording_read(from, "test", NULL, &rec), SL_OK);
	(void)fclose(from);
	free(copy);
	return rec;
}

#endif
