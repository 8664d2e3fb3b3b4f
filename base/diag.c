/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/diag.h"

#include <stdarg.h>
#include <stdio.h>

void sl_diag(const struct sl_diag *d, const char *file, unsigned line, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (d == NULL || d->emit == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	d->emit(d->ctx, file, line, text);
}
