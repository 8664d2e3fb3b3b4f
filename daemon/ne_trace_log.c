/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ne_trace_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/ne_trace_write.h"

enum { STARTED_TEXT = 64 };

struct sl_ne_trace_log {
	FILE *to; /* whose writes are lines */
	struct sl_ne_trace_writer *writer;
	struct sl_flow_log *log;
};

static ssize_t put_line(void *cookie, const char *text, size_t len)
{
	struct sl_ne_trace_log *log = (struct sl_ne_trace_log *)cookie;
	sl_flow_log_put_text(log->log, sl_bytes_of(text, len));
	return (ssize_t)len; /* what is lost is counted there */
}

static const char *started_text(int64_t us, char out[STARTED_TEXT])
{
	time_t seconds = (time_t)(us / 1000000);
	struct tm tm;
	char text[32];
	if (gmtime_r(&seconds, &tm) == NULL || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		return NULL;
	(void)snprintf(out, STARTED_TEXT, "%s.%06dZ", text, (int)(us % 1000000));
	return out;
}

int sl_ne_trace_log_new(int fd, size_t ring_bytes, enum sl_ne_profile profile,
                        const struct sl_ne_options *options, int64_t now_us, struct sl_ne_trace_log **out)
{
	static const cookie_io_functions_t functions = { .write = put_line };
	struct sl_ne_trace_log *log = (struct sl_ne_trace_log *)calloc(1, sizeof(*log));
	char started[STARTED_TEXT];
	int err = SL_ENOMEM;
	if (log == NULL)
		(void)close(fd);
	else
		err = sl_flow_log_new_text(ring_bytes, fd, &log->log);
	if (err == SL_OK && (log->to = fopencookie(log, "w", functions)) == NULL)
		err = SL_ENOMEM;
	/* Without a buffer of its own, each fwrite() is one call of put_line(). */
	if (err == SL_OK && setvbuf(log->to, NULL, _IONBF, 0) != 0)
		err = SL_ESYS;
	if (err == SL_OK)
		err = sl_ne_trace_writer_new(log->to, profile, options, started_text(now_us, started),
		                             &log->writer);
	if (err == SL_OK)
		*out = log;
	else
		sl_ne_trace_log_free(&log);
	return err;
}

void sl_ne_trace_log_free(struct sl_ne_trace_log **log)
{
	struct sl_ne_trace_log *l = sl_take(log);
	if (l == NULL)
		return;
	sl_ne_trace_writer_free(&l->writer);
	if (l->to != NULL)
		(void)fclose(l->to);
	sl_flow_log_free(&l->log);
	free(l);
}

struct sl_ne_trace sl_ne_trace_log_trace(struct sl_ne_trace_log *log)
{
	return (struct sl_ne_trace){ log->writer, sl_ne_trace_write };
}

void sl_ne_trace_log_count(const struct sl_ne_trace_log *log, struct sl_flow_log_stats *out)
{
	sl_flow_log_count(log->log, out);
}
