/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/crash.h"

#include <execinfo.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/util.h"

enum { FRAMES = 24, THREAD_NAME = 16 };

static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
static char prefix[64]; /* of a line; made beforehand, since a handler may call little */

static void put(const char *text)
{
	if (write(STDERR_FILENO, text, strlen(text)) < 0)
		return;
}

/* One write is one line of the log. Only functions that a handler may call (signal-safety(7)); backtrace() has been called before,
 * so that it loads nothing now. */
static void tell(int number)
{
	char line[160] = "", thread[THREAD_NAME] = "?";
	void *frame[FRAMES];
	const char *name = sigabbrev_np(number);

	(void)prctl(PR_GET_NAME, thread);
	const char *const parts[] = { prefix,        " signal ", name == NULL ? "?" : name,
		                      " in thread ", thread,     ", its stack:\n" };
	size_t at = 0;
	for (size_t i = 0; i < SL_COUNT(parts); i++) {
		size_t n = sl_min(strlen(parts[i]), sizeof(line) - 1 - at);
		memcpy(line + at, parts[i], n);
		at += n;
	}
	put(line);
	backtrace_symbols_fd(frame, backtrace(frame, FRAMES), STDERR_FILENO);
	(void)raise(number); /* SA_RESETHAND: now it ends as it would have */
}

void sl_crash_tell(const char *role)
{
#ifdef SL_SANITIZE
	(void)role;
	(void)tell;
	(void)signals;
#else
	struct sigaction act = { .sa_handler = tell, .sa_flags = (int)SA_RESETHAND };
	void *frame[1];

	(void)snprintf(prefix, sizeof(prefix),
	               "%s%s:", getenv("JOURNAL_STREAM") != NULL ? "<3>" : "sluiced: ", role);
	(void)backtrace(frame, 1);
	for (size_t i = 0; i < SL_COUNT(signals); i++)
		(void)sigaction(signals[i], &act, NULL);
#endif
}
