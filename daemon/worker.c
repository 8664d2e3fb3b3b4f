/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/worker.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/lines.h"
#include "daemon/clock.h"
#include "daemon/conntrack.h"
#include "daemon/judging.h"
#include "daemon/ne_worker.h"
#include "daemon/nfq.h"
#include "daemon/refuse.h"

enum {
	SHORTEST_WAIT_US = 1000,
	LEAVE_LIMIT_MS = 100, /* what begins is awaited no longer than so when the worker makes room */
};

struct sl_worker {
	struct sl_worker_cfg cfg;
	pthread_t thread;
	atomic_bool stop, ended;
	enum sl_worker_end how; /* written before stop */
	struct sl_nfq_batch *batch;
	struct sl_nfq_counts counts;
	struct sl_judging judging;
	struct sl_syn_reader *syns;         /* NULL: no copies come */
	struct sl_ne_worker *ne;            /* in its place, with a content filter; else NULL */
	struct sl_answers *answers;         /* of either; NULL while it is made */
	struct sl_refuse *refuse;           /* NULL: servers are not told */
	struct sl_mono leave_by;            /* .us 0: nobody waits */
	int64_t wait_us;                    /* the socket's receive timeout now */
	uint64_t content[SL_NE_STAT_COUNT]; /* as published last; worker 0 only */
};

static void give_sign(struct sl_worker *w)
{
	/* What a content filter holds waits in the parking queue, which nobody takes for work. */
	sl_life_sign(&w->cfg.shared->life, w->ne != NULL ? 0 : sl_filter_held(w->judging.filter));
}

/* Each gives a sign of life: where nothing of a connection is known, the kernel's whole table is read for it, which takes long
 * for a batch of them. */
static void tell_servers(struct sl_worker *w)
{
	struct sl_worker_shared *s = w->cfg.shared;
	size_t failed = 0;

	for (size_t i = 0; i < w->answers->resets; i++) {
		failed += sl_refuse_ends(w->refuse, &w->answers->reset[i], 1);
		give_sign(w);
	}
	sl_counter_add(&s->resets, w->answers->resets - failed);
	sl_counter_add(&s->resets_failed, failed);
}

/* Sends what has been answered so far: verdicts first, then the servers of refused connections are told. */
static int flush(void *ctx)
{
	struct sl_worker *w = ctx;
	struct sl_answers *a = w->answers;
	int err = SL_OK;

	if (a == NULL)
		return SL_OK; /* nothing was asked yet */
	if (a->answers > 0)
		err = sl_nfq_answer(w->cfg.queue, w->batch, a->answer, a->answers, w->cfg.conf->mark_mask,
		                    &w->counts);
	if (w->refuse != NULL)
		tell_servers(w);
	sl_counter_add(&w->cfg.shared->answers, a->answers);
	a->answers = 0;
	a->resets = 0;
	return err;
}

/* The receive timeout follows the next deadline of held packets; without any, the worker looks up once a second. */
static void set_wait(struct sl_worker *w)
{
	struct sl_mono when;
	int64_t us = SL_LONGEST_SLEEP_US;

	if (sl_filter_deadline(w->judging.filter, &when)) {
		us = sl_mono_since(when, sl_clock_now()).us;
		us = us < SHORTEST_WAIT_US      ? SHORTEST_WAIT_US
		     : us > SL_LONGEST_SLEEP_US ? SL_LONGEST_SLEEP_US
		                                : us;
	}
	if (us == w->wait_us)
		return;
	struct timeval tv = { us / 1000000, us % 1000000 };
	(void)setsockopt(w->cfg.queue, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	w->wait_us = us;
}

static void publish_counts(struct sl_worker *w)
{
	struct sl_worker_shared *s = w->cfg.shared;

	sl_counter_add(&s->enobufs, w->counts.enobufs);
	sl_counter_add(&s->errors, w->counts.errors);
	sl_counter_add(&s->send_retries, w->counts.send_retries);
	w->counts = (struct sl_nfq_counts){ 0, 0, 0 };
	sl_counter_add(&s->batches, 1);
}

/* The filter's counters are the engine's, the shared ones outlive it. */
static void publish_content(struct sl_worker *w)
{
	uint64_t now[SL_NE_STAT_COUNT], *shared = w->cfg.shared->content;

	if (w->ne == NULL)
		return;
	sl_ne_worker_count(w->ne, now);
	for (unsigned i = 0; i < SL_NE_STAT_held; i++)
		sl_counter_add(&shared[i], now[i] - w->content[i]);
	__atomic_store_n(&shared[SL_NE_STAT_held], now[SL_NE_STAT_held], __ATOMIC_RELAXED);
	memcpy(w->content, now, sizeof(now));
}

/* Worker 0's business while it lives. */
static void publish_log_counts(struct sl_worker *w)
{
	if (w->cfg.number == 0 && w->cfg.log != NULL)
		sl_shared_count_log(w->cfg.shared, w->cfg.log);
}

/* Returns how many packets came, or an error. */
static int turn(struct sl_worker *w)
{
	const struct sl_nfq_packet *packet;
	set_wait(w);
	int n = sl_nfq_read(w->cfg.queue, w->batch, &packet, &w->counts);
	int err = n < 0 ? n : sl_judging_batch(&w->judging, packet, (size_t)n);
	return err == SL_OK ? n : err;
}

/* A worker that makes room does so at a moment when of no hello a part is known to it alone: within milliseconds there is one. */
static bool goes_on(struct sl_worker *w)
{
	if (!atomic_load_explicit(&w->stop, memory_order_acquire))
		return true;
	if (w->how != SL_WORKER_LEAVE || w->ne != NULL || sl_filter_begun(w->judging.filter) == 0)
		return false;
	if (w->leave_by.us == 0)
		w->leave_by = sl_mono_add(sl_clock_now(), sl_span_ms(LEAVE_LIMIT_MS));
	return !sl_mono_reached(sl_clock_now(), w->leave_by);
}

/* sched_yield() lets those who produce packets run first, so that batches form under load and an idle queue is still
 * answered at once (measured: 0.79 of unfiltered connections a second instead of 0.42). */
static void *run(void *arg)
{
	struct sl_worker *w = arg;
	char name[16];
	int err = SL_OK;

	/* By the thread itself: another one would have to open a file of /proc, which the engine's box forbids. */
	(void)snprintf(name, sizeof(name), "worker-%u", w->cfg.number);
	(void)prctl(PR_SET_NAME, name);
	sl_policy_slot_register();
	while (err == SL_OK && goes_on(w)) {
		int n = w->ne != NULL ? sl_ne_worker_turn(w->ne, w->batch, &w->counts) : turn(w);
		err = n < 0 ? n : SL_OK;
		/* It looks up at its deadlines though its broker hangs: that is no sign of packets that come. */
		if (n > 0 || !w->cfg.brokered || (w->ne == NULL && sl_filter_held(w->judging.filter) > 0))
			give_sign(w);
		publish_counts(w);
		publish_log_counts(w);
		publish_content(w);
		if (n > 0)
			(void)sched_yield();
	}
	if (w->how == SL_WORKER_RELEASE && w->ne != NULL)
		(void)sl_ne_worker_stop(w->ne, w->batch, &w->counts);
	else if (w->how == SL_WORKER_RELEASE)
		(void)sl_judging_release(&w->judging);
	sl_policy_slot_unregister();
	if (err != SL_OK) {
		/* A worker that cannot read its queue must not look alive: the supervisor takes over from a dead engine. */
		(void)fprintf(stderr, "sluiced: worker %u: the queue socket failed: %s\n", w->cfg.number,
		              strerror(errno));
		abort();
	}
	atomic_store(&w->ended, true);
	return NULL;
}

static int make_refuse(struct sl_worker *w)
{
	struct sl_conntrack *ct = NULL;

	if (w->cfg.conntrack < 0)
		return SL_OK;
	int err = sl_conntrack_new(w->cfg.conntrack, &ct);
	w->cfg.conntrack = -1;
	if (err != SL_OK)
		return err;
	err = sl_refuse_new(w->cfg.raw, ct, &w->refuse);
	w->cfg.raw[0] = w->cfg.raw[1] = -1;
	return err;
}

static int make_syns(struct sl_worker *w)
{
	int fd = w->cfg.syns;

	w->cfg.syns = -1;
	return fd < 0 ? SL_OK : sl_syn_reader_new(w->cfg.syn_log, fd, w->cfg.number, w->cfg.shared, &w->syns);
}

static void worker_free(struct sl_worker **w)
{
	struct sl_worker_cfg *c = &(*w)->cfg;
	int fd[] = { c->queue, c->raw[0], c->raw[1], c->conntrack, c->provider, c->trace, c->syns };

	sl_ne_worker_free(&(*w)->ne);
	sl_refuse_free(&(*w)->refuse);
	for (size_t i = 0; i < SL_COUNT(fd); i++)
		if (fd[i] >= 0)
			(void)close(fd[i]);
	sl_judging_free(&(*w)->judging);
	sl_syn_reader_free(&(*w)->syns);
	sl_nfq_batch_free(&(*w)->batch);
	free(*w);
	*w = NULL;
}

static int make_filter(struct sl_worker *w)
{
	struct sl_worker_cfg *c = &w->cfg;
	struct sl_ne_worker_cfg ne = { .conf = c->conf,
		                       .queue = c->queue,
		                       .provider = c->provider,
		                       .trace = c->trace,
		                       .names = c->names,
		                       .seed = c->seed,
		                       .diag = c->diag,
		                       .flush = flush,
		                       .ctx = w };
	c->provider = c->trace = -1;
	int err = sl_ne_worker_new(&ne, &w->ne);
	if (err == SL_OK)
		w->answers = sl_ne_live_answers(sl_ne_worker_live(w->ne));
	return err;
}

static int make_judging(struct sl_worker *w)
{
	int err = make_syns(w);
	const struct sl_judging_cfg jc = {
		.conf = w->cfg.conf,
		.slot = w->cfg.slot,
		.log = w->cfg.log,
		.stats = &w->cfg.shared->filter,
		.counts = &w->cfg.shared->verdicts,
		.pause = w->cfg.pause,
		.pause_count = &w->cfg.shared->paused,
		.syns = w->syns,
		.names = w->cfg.names,
		.worker = w->cfg.number,
		.seed = w->cfg.seed,
		.flush = flush,
		.ctx = w,
	};
	w->answers = &w->judging.answers;
	return err != SL_OK ? err : sl_judging_new(&jc, &w->judging);
}

static int build(struct sl_worker *w)
{
	const struct sl_conf *c = w->cfg.conf;
	int err = make_refuse(w);
	if (err == SL_OK)
		err = sl_nfq_batch_new(c->batch, sl_conf_copy_range(c), &w->batch);
	if (err == SL_OK)
		err = c->provider == SL_PROVIDER_POLICY ? make_judging(w) : make_filter(w);
	return err;
}

int sl_worker_start(const struct sl_worker_cfg *cfg, struct sl_worker **out)
{
	struct sl_worker *w = sl_lines_new(1, sizeof(*w));

	if (w == NULL)
		return SL_ENOMEM;
	w->cfg = *cfg;
	int err = build(w);
	if (err == SL_OK && pthread_create(&w->thread, NULL, run, w) != 0)
		err = SL_ESYS;
	if (err != SL_OK) {
		worker_free(&w);
		return err;
	}
	*out = w;
	return SL_OK;
}

void sl_worker_ask(struct sl_worker *w, enum sl_worker_end how)
{
	w->how = how;
	atomic_store(&w->stop, true);
	(void)pthread_kill(w->thread, SIGUSR2);
}

void sl_worker_stop(struct sl_worker **w, enum sl_worker_end how)
{
	struct timespec pause = { 0, 2000000 };

	if (*w == NULL)
		return;
	sl_worker_ask(*w, how);
	/* The signal interrupts a waiting read; it is sent again, since it may come just before the wait. */
	while (!atomic_load(&(*w)->ended)) {
		(void)pthread_kill((*w)->thread, SIGUSR2);
		(void)nanosleep(&pause, NULL);
	}
	(void)pthread_join((*w)->thread, NULL);
	worker_free(w);
}
