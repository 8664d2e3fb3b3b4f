/* SPDX-License-Identifier: GPL-2.0-or-later */
/* diag.h - where a library says what is wrong with somebody's file: "FILE:LINE: what, and what to do about it".
 * The sink is the caller's; libraries below daemon/ print nothing themselves. */
#ifndef SL_BASE_DIAG_H
#define SL_BASE_DIAG_H

#include <stddef.h>

#include "base/util.h"

struct sl_diag {
	/* file may be NULL, line 0 where there is none. text is one line without its end, valid during the call. */
	void (*emit)(void *ctx, const char *file, unsigned line, const char *text);
	void *ctx;
};

/* Does nothing where d is NULL. */
SL_PRINTF(4, 5) void sl_diag(const struct sl_diag *d, const char *file, unsigned line, const char *fmt, ...);

#endif
