/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"

#define VARIABLE "SLUICE_LOG_LEVEL"

static const struct level {
	const char *name;
	enum sl_log_level level;
} levels[] = {
	{ "error", SL_LOG_ERR }, { "warning", SL_LOG_WARN }, { "notice", SL_LOG_NOTICE },
	{ "info", SL_LOG_INFO }, { "debug", SL_LOG_DEBUG },
};

static _Atomic int current; /* 0: nobody has said */

bool sl_log_level_read(const char *name, enum sl_log_level *out)
{
	for (size_t i = 0; i < SL_COUNT(levels); i++) {
		if (strcmp(levels[i].name, name) == 0) {
			*out = levels[i].level;
			return true;
		}
	}
	return false;
}

const char *sl_log_level_name(enum sl_log_level level)
{
	for (size_t i = 0; i < SL_COUNT(levels); i++)
		if (levels[i].level == level)
			return levels[i].name;
	return "info";
}

void sl_log_set_level(enum sl_log_level level)
{
	atomic_store(&current, (int)level);
	(void)setenv(VARIABLE, sl_log_level_name(level), 1);
}

enum sl_log_level sl_log_level(void)
{
	enum sl_log_level level = SL_LOG_INFO;
	const char *name;
	int set = atomic_load_explicit(&current, memory_order_relaxed);

	if (set != 0)
		return (enum sl_log_level)set;
	name = getenv(VARIABLE);
	if (name != NULL)
		(void)sl_log_level_read(name, &level);
	atomic_store(&current, (int)level);
	return level;
}

void sl_log(enum sl_log_level level, const char *fmt, ...)
{
	char line[1024];
	size_t at = 0;
	va_list ap;

	if (level > sl_log_level())
		return;
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
