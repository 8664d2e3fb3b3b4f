/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf_error.h - what is wrong with a configuration file: every error, up to a limit, and not only the first. */
#ifndef SL_DAEMON_CONF_ERROR_H
#define SL_DAEMON_CONF_ERROR_H

#include "base/bytes.h"
#include "base/diag.h"
#include "base/util.h"

enum { SL_CONF_ERRORS_SHOWN = 20, SL_CONF_SHOWN_MAX = 72 };

struct sl_conf_errors {
	const struct sl_diag *diag;
	const char *file;
	unsigned count; /* all of them, shown or not */
};

/* line 0 where the error is of no one line: something is missing. */
SL_PRINTF(3, 4) void sl_conf_error(struct sl_conf_errors *e, unsigned line, const char *fmt, ...);

/* text in quotes, for a message; a long one is cut, and says so. Returns out. */
const char *sl_conf_shown(const char *text, char out[SL_CONF_SHOWN_MAX]);

/* Which known word did somebody mean? Ask for each word in turn; best stays absent (p NULL) where none is near. */
struct sl_near {
	struct sl_bytes text;
	struct sl_bytes best;
	unsigned distance;
};

struct sl_near sl_near_to(const char *text);
void sl_near_try(struct sl_near *near, struct sl_bytes word);
/* `did you mean "WORD"?`, with before in front of it; empty where no word is near. Returns out. */
const char *sl_near_question(const struct sl_near *near, const char *before, char out[SL_CONF_SHOWN_MAX]);

#endif
