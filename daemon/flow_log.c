/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/flow_log.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/out.h"
#include "base/util.h"
#include "daemon/flow_record.h"
#include "daemon/flow_tap.h"
#include "daemon/ring.h"
#include "filter/stats.h"

enum {
	PIECE = 128 * 1024, /* the buffer is written when it holds as much, or when the rings are empty */
	NAP_MIN_MS = 5,     /* after records came: a burst of a second is then some 200 writes */
	NAP_MAX_MS = 50,    /* nothing comes */
	NAP_RETRY_MS = 250, /* the file cannot be written */
};

struct slot {
	struct sl_ring *ring;
	uint64_t dropped; /* by the worker */
} SL_ALIGNED;

struct sl_flow_log {
	unsigned workers;
	bool text; /* records are lines */
	struct sl_seen_names *seen;
	struct slot *slot;
	struct sl_flow_tap *tap; /* NULL: of text */
	pthread_t thread;

	/* Orders to the writer. */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stop, reopen;
	int next_fd; /* where reopen is set */

	/* Of who counts and ends. */
	struct sl_flow_log_stats told;
	bool ended;

	/* The writer's own; others read the counters. */
	int fd;
	unsigned nap_ms;
	struct sl_out buf;
	size_t sent; /* bytes of buf that are in the file */
	uint64_t written, lost, write_errors;
	int error;
};

static struct sl_bytes unsent(const struct sl_flow_log *log)
{
	return sl_bytes_skip(sl_bytes_of(log->buf.p, log->buf.len), log->sent);
}

static void note_error(struct sl_flow_log *log, int error)
{
	if (error != 0)
		sl_counter_add(&log->write_errors, 1);
	__atomic_store_n(&log->error, error, __ATOMIC_RELAXED);
}

/* Writes the buffer. On failure the rest stays in it and is written later, from the byte where it stopped. */
static bool flush(struct sl_flow_log *log)
{
	while (log->sent < log->buf.len) {
		struct sl_bytes rest = unsent(log);
		ssize_t n = write(log->fd, rest.p, rest.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			note_error(log, n == 0 ? EIO : errno);
			return false;
		}
		sl_counter_add(&log->written, sl_flow_lines(sl_bytes_first(rest, (size_t)n)));
		log->sent += (size_t)n;
		note_error(log, 0);
	}
	log->buf.len = log->sent = 0;
	return true;
}

static void note_name(struct sl_flow_log *log, struct sl_bytes record)
{
	int64_t at;
	struct sl_bytes host = sl_flow_record_host(record, &at);

	if (host.p != NULL)
		sl_seen_names_note(log->seen, host, at);
}

/* Takes records out of the rings, one from each in turn, until the rings are empty or the buffer holds a piece.
 * Returns how many. */
static size_t take_records(struct sl_flow_log *log, bool wanted)
{
	size_t taken = 0;
	bool more = true;

	while (more && log->buf.len < PIECE) {
		more = false;
		for (unsigned i = 0; i < log->workers; i++) {
			struct sl_ring *ring = log->slot[i].ring;
			struct sl_bytes record = sl_ring_peek(ring);
			if (record.p == NULL || log->buf.cap - log->buf.len < SL_FLOW_LINE_MAX)
				continue;
			if (wanted && log->text)
				sl_out_bytes(&log->buf, record.p, record.len);
			else if (wanted)
				sl_flow_record_line(record, &log->buf);
			if (log->seen != NULL)
				note_name(log, record);
			sl_ring_pop(ring);
			taken++;
			more = true;
		}
	}
	return taken;
}

/* The same, and the tap hears of it. */
static size_t drain(struct sl_flow_log *log)
{
	size_t before = log->buf.len;
	bool heard = log->tap != NULL && (log->fd >= 0 || sl_flow_tap_is_heard(log->tap));
	size_t taken = take_records(log, log->fd >= 0 || heard);

	if (heard)
		sl_flow_tap_put(log->tap, sl_bytes_of(log->buf.p + before, log->buf.len - before));
	if (log->fd < 0)
		log->buf.len = before;
	return taken;
}

/* The bytes before the line that is unfinished in the file are done with; the line itself begins anew elsewhere. */
static void rewind_line(struct sl_flow_log *log)
{
	while (log->sent > 0 && log->buf.p[log->sent - 1] != '\n')
		log->sent--;
	memmove(log->buf.p, log->buf.p + log->sent, log->buf.len - log->sent);
	log->buf.len -= log->sent;
	log->sent = 0;
}

static void use_file(struct sl_flow_log *log, int fd)
{
	(void)drain(log);
	if (!flush(log))
		rewind_line(log);
	if (log->fd >= 0)
		(void)close(log->fd);
	log->fd = fd;
	if (fd < 0) {
		sl_counter_add(&log->lost, sl_flow_lines(unsent(log)));
		log->buf.len = 0;
	}
}

/* Returns true when it is time to end. */
static bool take_orders(struct sl_flow_log *log)
{
	(void)pthread_mutex_lock(&log->lock);
	bool stop = log->stop, reopen = log->reopen;
	int fd = log->next_fd;
	log->reopen = false;
	(void)pthread_mutex_unlock(&log->lock);
	if (reopen)
		use_file(log, fd);
	return stop;
}

static void nap(struct sl_flow_log *log)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)log->nap_ms * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	(void)pthread_mutex_lock(&log->lock);
	if (!log->stop && !log->reopen)
		(void)pthread_cond_clockwait(&log->wake, &log->lock, CLOCK_MONOTONIC, &until);
	(void)pthread_mutex_unlock(&log->lock);
}

/* What could be written neither now nor before counts as dropped. */
static void drop_rest(struct sl_flow_log *log)
{
	uint64_t lost = sl_flow_lines(unsent(log));

	for (unsigned i = 0; i < log->workers; i++) {
		while (sl_ring_peek(log->slot[i].ring).p != NULL) {
			sl_ring_pop(log->slot[i].ring);
			lost++;
		}
	}
	sl_counter_add(&log->lost, lost);
}

static void *writer(void *arg)
{
	struct sl_flow_log *log = (struct sl_flow_log *)arg;
	bool stop = false, ok = true, busy = true;

	while (!stop || (ok && busy)) {
		stop = take_orders(log);
		busy = drain(log) > 0 || log->buf.len > 0;
		bool full = log->buf.len >= PIECE;
		ok = flush(log);
		if (stop || (ok && full))
			continue;
		if (!ok)
			log->nap_ms = NAP_RETRY_MS;
		else
			log->nap_ms =
			        busy ? NAP_MIN_MS : (unsigned)sl_min((size_t)2 * log->nap_ms, NAP_MAX_MS);
		nap(log);
	}
	drop_rest(log);
	return NULL;
}

static int make_slots(struct sl_flow_log *log, size_t ring_bytes)
{
	int err = SL_OK;

	log->slot = (struct slot *)aligned_alloc(SL_CACHE_LINE, log->workers * sizeof(*log->slot));
	log->buf = sl_out_of(malloc(PIECE + SL_FLOW_LINE_MAX), PIECE + SL_FLOW_LINE_MAX);
	if (log->slot == NULL || log->buf.p == NULL)
		return SL_ENOMEM;
	memset(log->slot, 0, log->workers * sizeof(*log->slot));
	for (unsigned i = 0; i < log->workers && err == SL_OK; i++)
		err = sl_ring_new(sl_max(ring_bytes, 4 * (size_t)SL_FLOW_RECORD_MAX), &log->slot[i].ring);
	return err;
}

static void free_slots(struct sl_flow_log *log)
{
	sl_flow_tap_free(&log->tap);
	for (unsigned i = 0; log->slot != NULL && i < log->workers; i++)
		sl_ring_free(&log->slot[i].ring);
	free(log->slot);
	free(log->buf.p);
}

/* No signal is for the writer; and a pipe that nobody reads shall be an error, not a signal. */
static int start_writer(struct sl_flow_log *log)
{
	sigset_t all, old;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	int rc = pthread_create(&log->thread, NULL, writer, log);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc == 0 ? SL_OK : SL_ESYS;
}

static int log_new(unsigned workers, bool text, size_t ring_bytes, int fd, struct sl_seen_names *seen,
                   struct sl_flow_log **out)
{
	int err = workers == 0 ? SL_EINVAL : SL_OK;
	struct sl_flow_log *log = (struct sl_flow_log *)calloc(1, sizeof(*log));

	if (log == NULL)
		err = SL_ENOMEM;
	if (err == SL_OK) {
		log->workers = workers;
		log->text = text;
		log->seen = seen;
		log->fd = fd;
		log->nap_ms = NAP_MAX_MS;
		(void)pthread_mutex_init(&log->lock, NULL);
		(void)pthread_cond_init(&log->wake, NULL);
		err = make_slots(log, ring_bytes);
	}
	if (err == SL_OK && !text)
		err = sl_flow_tap_new(&log->tap);
	if (err == SL_OK)
		err = start_writer(log);
	if (err == SL_OK) {
		*out = log;
		return SL_OK;
	}
	if (log != NULL)
		free_slots(log);
	free(log);
	if (fd >= 0)
		(void)close(fd);
	return err;
}

int sl_flow_log_new(unsigned workers, size_t ring_bytes, int fd, struct sl_seen_names *seen,
                    struct sl_flow_log **out)
{
	return log_new(workers, false, ring_bytes, fd, seen, out);
}

int sl_flow_log_new_text(size_t ring_bytes, int fd, struct sl_flow_log **out)
{
	return log_new(1, true, ring_bytes, fd, NULL, out);
}

static void give_order(struct sl_flow_log *log, bool stop, bool reopen, int fd)
{
	(void)pthread_mutex_lock(&log->lock);
	log->stop |= stop;
	if (reopen) {
		if (log->reopen && log->next_fd >= 0)
			(void)close(log->next_fd); /* overtaken before it was used */
		log->reopen = true;
		log->next_fd = fd;
	}
	(void)pthread_cond_signal(&log->wake);
	(void)pthread_mutex_unlock(&log->lock);
}

void sl_flow_log_end(struct sl_flow_log *log)
{
	if (log->ended)
		return;
	give_order(log, true, false, -1);
	(void)pthread_join(log->thread, NULL);
	log->ended = true;
}

void sl_flow_log_free(struct sl_flow_log **log)
{
	struct sl_flow_log *l = sl_take(log);

	if (l == NULL)
		return;
	sl_flow_log_end(l);
	if (l->fd >= 0)
		(void)close(l->fd);
	(void)pthread_cond_destroy(&l->wake);
	(void)pthread_mutex_destroy(&l->lock);
	free_slots(l);
	free(l);
}

void sl_flow_log_put(struct sl_flow_log *log, unsigned worker, const struct sl_report *report,
                     int64_t realtime_us)
{
	struct slot *slot = &log->slot[worker];
	if (!sl_flow_record_put(slot->ring, report, realtime_us))
		sl_counter_add(&slot->dropped, 1);
}

void sl_flow_log_put_text(struct sl_flow_log *log, struct sl_bytes line)
{
	struct slot *slot = &log->slot[0];
	void *to = line.len > SL_FLOW_LINE_MAX ? NULL : sl_ring_reserve(slot->ring, line.len);
	if (to == NULL) {
		sl_counter_add(&slot->dropped, 1);
		return;
	}
	memcpy(to, line.p, line.len);
	sl_ring_commit(slot->ring);
}

void sl_flow_log_tap(struct sl_flow_log *log, int fd)
{
	sl_flow_tap_send_to(log->tap, fd);
}

size_t sl_flow_log_last(struct sl_flow_log *log, char *out, size_t size)
{
	return sl_flow_tap_last(log->tap, out, size);
}

void sl_flow_log_reopen(struct sl_flow_log *log, int fd)
{
	give_order(log, false, true, fd);
}

void sl_flow_log_count(const struct sl_flow_log *log, struct sl_flow_log_stats *out)
{
	out->written = sl_counter_get(&log->written);
	out->dropped = sl_counter_get(&log->lost);
	out->write_errors = sl_counter_get(&log->write_errors);
	out->error = __atomic_load_n(&log->error, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < log->workers; i++)
		out->dropped += sl_counter_get(&log->slot[i].dropped);
}

void sl_flow_log_count_new(struct sl_flow_log *log, struct sl_flow_log_stats *out)
{
	struct sl_flow_log_stats now;

	sl_flow_log_count(log, &now);
	*out = (struct sl_flow_log_stats){ now.written - log->told.written, now.dropped - log->told.dropped,
		                           now.write_errors - log->told.write_errors, now.error };
	log->told = now;
}
