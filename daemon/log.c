/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void sl_log(enum sl_log_level level, const char *fmt, ...)
{
	char line[1024];
	size_t at = 0;
	va_list ap;

	if (getenv("JOURNAL_STREAM") != NULL)
		at += (size_t)snprintf(line, sizeof(line), "<%d>", level);
	else
		at += (size_t)snprintf(line, sizeof(line), "sluiced: ");
	va_start(ap, fmt);
	int n = vsnprintf(line + at, sizeof(line) - at - 1, fmt, ap);
	va_end(ap);
	at += n < 0 ? 0 : sl_min((size_t)n, sizeof(line) - at - 2);
	line[at++] = '\n';
	/* One write, so that lines of several processes do not mix; there is nobody to tell if it fails. */
	if (write(STDERR_FILENO, line, at) < 0)
		return;
}

static void emit(void *ctx, const char *file, unsigned line, const char *text)
{
	(void)ctx;
	if (file != NULL && line > 0)
		sl_log(SL_LOG_ERR, "%s:%u: %s", file, line, text);
	else if (file != NULL)
		sl_log(SL_LOG_ERR, "%s: %s", file, text);
	else
		sl_log(SL_LOG_ERR, "%s", text);
}

const struct sl_diag sl_log_diag = { emit, NULL };
