/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ne_worker.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/clock.h"
#include "daemon/ne_source_of.h"
#include "daemon/ne_trace_log.h"
#include "daemon/provider_external.h"
#include "daemon/shared.h"

enum { STOP_LIMIT_MS = 1000 };

struct sl_ne_worker {
	struct sl_ne_worker_cfg cfg;
	struct sl_ne_source *source;
	struct sl_ne_trace_log *trace;
	struct sl_ne_live *live;
	struct sl_mono began; /* by the machine's clock */
};

/* The driver's time: from 0, time_scale times as fast as the clock. */
static struct sl_mono now_of(const struct sl_ne_worker *w)
{
	return (struct sl_mono){ sl_mono_since(sl_clock_now(), w->began).us *
		                 (int64_t)w->cfg.conf->time_scale };
}

static int open_trace(struct sl_ne_worker *w)
{
	const struct sl_conf *c = w->cfg.conf;
	struct sl_ne_options options = sl_ne_live_options(c);
	int fd = w->cfg.trace;
	w->cfg.trace = -1;
	if (fd < 0)
		return SL_OK;
	return sl_ne_trace_log_new(fd, c->trace_ring, sl_ne_live_profile(c), &options, sl_clock_wall_us(),
	                           &w->trace);
}

int sl_ne_worker_new(const struct sl_ne_worker_cfg *cfg, struct sl_ne_worker **out)
{
	struct sl_ne_worker *w = (struct sl_ne_worker *)calloc(1, sizeof(*w));
	struct sl_ne_live_cfg live = { .conf = cfg->conf,
		                       .names = cfg->names,
		                       .seed = cfg->seed,
		                       .flush = cfg->flush,
		                       .ctx = cfg->ctx };
	int err = w == NULL ? SL_ENOMEM : SL_OK;
	if (w == NULL) {
		if (cfg->provider >= 0)
			(void)close(cfg->provider);
		if (cfg->trace >= 0)
			(void)close(cfg->trace);
		return err;
	}
	w->cfg = *cfg;
	w->began = sl_clock_now();
	err = sl_ne_source_open(cfg->conf, cfg->provider, cfg->diag, &w->source);
	if (err == SL_OK)
		err = open_trace(w);
	live.source = w->source;
	if (w->trace != NULL)
		live.trace = sl_ne_trace_log_trace(w->trace);
	if (err == SL_OK)
		err = sl_ne_live_new(&live, now_of(w), &w->live);
	if (err == SL_OK)
		*out = w;
	else
		sl_ne_worker_free(&w);
	return err;
}

void sl_ne_worker_free(struct sl_ne_worker **worker)
{
	struct sl_ne_worker *w = sl_take(worker);
	if (w == NULL)
		return;
	sl_ne_live_free(&w->live);
	if (w->source != NULL)
		w->source->close(w->source);
	sl_ne_trace_log_free(&w->trace);
	if (w->cfg.trace >= 0)
		(void)close(w->cfg.trace);
	free(w);
}

/* Until the next deadline, by the machine's clock. */
static struct timespec time_to_wait(const struct sl_ne_worker *w)
{
	int64_t us = SL_LONGEST_SLEEP_US, scale = w->cfg.conf->time_scale;
	struct sl_mono due;
	if (sl_ne_live_due(w->live, &due)) {
		int64_t left = (sl_mono_since(due, now_of(w)).us + scale - 1) / scale;
		us = left < 0 ? 0 : left < us ? left : us;
	}
	return (struct timespec){ us / 1000000, us % 1000000 * 1000 };
}

int sl_ne_worker_turn(struct sl_ne_worker *w, struct sl_nfq_batch *batch, struct sl_nfq_counts *counts)
{
	struct pollfd fd[] = { { w->cfg.queue, POLLIN, 0 }, { w->source->fd, w->source->events, 0 } };
	struct timespec wait = time_to_wait(w);
	const struct sl_nfq_packet *packet = NULL;
	int n = 0;
	if (ppoll(fd, SL_COUNT(fd), &wait, NULL) < 0 && errno != EINTR)
		return SL_ESYS;
	if (fd[0].revents != 0)
		n = sl_nfq_read(w->cfg.queue, batch, &packet, counts);
	int err = n < 0 ? n : sl_ne_live_batch(w->live, packet, (size_t)n, now_of(w));
	if (err == SL_OK && fd[1].revents != 0)
		err = sl_ne_live_ready(w->live, fd[1].revents, now_of(w));
	return err == SL_OK ? n : err;
}

int sl_ne_worker_stop(struct sl_ne_worker *w, struct sl_nfq_batch *batch, struct sl_nfq_counts *counts)
{
	struct sl_mono limit = sl_mono_add(sl_clock_now(), sl_span_ms(STOP_LIMIT_MS));
	int err = sl_ne_live_stop(w->live, SL_NE_STOP_none, now_of(w));
	while (err >= 0 && !sl_ne_live_stopped(w->live) && !sl_mono_reached(sl_clock_now(), limit))
		err = sl_ne_worker_turn(w, batch, counts);
	return err < 0 ? err : SL_OK;
}

static void count_provider(const struct sl_ne_worker *w, uint64_t out[SL_NE_STAT_COUNT])
{
	const struct sl_provider_counters *c = sl_provider_external_counters(w->source);
	out[SL_NE_STAT_providers] = c->connections;
	out[SL_NE_STAT_providers_lost] = c->lost;
	out[SL_NE_STAT_providers_nonsense] = c->nonsense;
	out[SL_NE_STAT_providers_unread] = c->unread;
	out[SL_NE_STAT_questions] = c->questions;
	out[SL_NE_STAT_questions_answered] = c->answers;
	out[SL_NE_STAT_questions_stuck] = c->stuck;
	out[SL_NE_STAT_questions_full] = c->full;
	out[SL_NE_STAT_questions_absent] = c->absent;
}

void sl_ne_worker_count(const struct sl_ne_worker *w, uint64_t out[SL_NE_STAT_COUNT])
{
	const struct sl_ne_live_counts *l = sl_ne_live_counts(w->live);
	const struct sl_ne_parking_counts *p = sl_ne_live_parking(w->live);
	const struct sl_ne_names_counts *n = sl_ne_live_names(w->live);
	const struct sl_ne_counters *c = sl_ne_filter_counters(sl_ne_live_filter(w->live));
	struct sl_flow_log_stats trace = { 0 };
	uint64_t illegal = 0;
	if (w->trace != NULL)
		sl_ne_trace_log_count(w->trace, &trace);
	for (unsigned i = 0; i < SL_NE_ILLEGAL_COUNT; i++)
		illegal += c->illegal[i];
	const uint64_t now[SL_NE_STAT_COUNT] = {
		[SL_NE_STAT_packets] = l->packets,
		[SL_NE_STAT_passed] = l->passed,
		[SL_NE_STAT_damaged] = l->damaged,
		[SL_NE_STAT_again] = l->again,
		[SL_NE_STAT_absorbed] = l->absorbed,
		[SL_NE_STAT_early] = l->early,
		[SL_NE_STAT_parked] = p->parked,
		[SL_NE_STAT_no_parking] = p->no_room,
		[SL_NE_STAT_lost] = p->lost,
		[SL_NE_STAT_flows] = c->flows,
		[SL_NE_STAT_no_room] = c->no_room,
		[SL_NE_STAT_in_vain] = c->in_vain,
		[SL_NE_STAT_names_taught] = n->taught,
		[SL_NE_STAT_named_by_dns] = n->by_dns,
		[SL_NE_STAT_named_by_hello] = n->sniffed,
		[SL_NE_STAT_stalls] = c->stalls,
		[SL_NE_STAT_illegal] = illegal,
		[SL_NE_STAT_refused] = c->refused_packets,
		[SL_NE_STAT_undecided_ended] = c->undecided_ended,
		[SL_NE_STAT_idle_ended] = c->idle_ended,
		[SL_NE_STAT_close_wait_ended] = c->close_wait_ended,
		[SL_NE_STAT_answers_late] = c->answers_late,
		[SL_NE_STAT_trace_dropped] = trace.dropped,
		[SL_NE_STAT_held] = sl_ne_live_held(w->live),
	};
	memcpy(out, now, sizeof(now));
	if (w->cfg.conf->provider == SL_PROVIDER_EXTERNAL)
		count_provider(w, out);
}

struct sl_ne_live *sl_ne_worker_live(struct sl_ne_worker *w)
{
	return w->live;
}
