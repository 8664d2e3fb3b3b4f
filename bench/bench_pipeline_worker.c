/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench_pipeline_worker.c - daemon/worker.c without its socket: a batch of messages is put where a read would put it, the rest is
 * the daemon's own code, and verdicts are written where a send would take them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/bench_pipeline.h"
#include "daemon/nfq_message.h"

enum { BATCH_MAX = 256, HEADROOM = 512 };

struct sl_pipe_worker {
	struct sl_pipe_worker_cfg cfg;
	struct sl_conf *conf;
	struct sl_judging judging;
	struct sl_filter_stats stats;
	struct sl_verdict_counts counts;
	bool verdicts; /* are written */
	uint64_t flows, packets, random;
	size_t slot;
	uint8_t *mem;            /* batch of messages */
	uint32_t len[BATCH_MAX]; /* of each */
	size_t n;                /* in the batch */
	struct sl_nfq_packet *packet;
	char *send;
};

static int flush(void *ctx)
{
	struct sl_pipe_worker *w = (struct sl_pipe_worker *)ctx;
	struct sl_answers *a = &w->judging.answers;
	size_t len = 0;
	for (size_t i = 0; i < a->answers && w->verdicts; i++)
		len += sl_nfq_message_verdict(w->send + len, &a->answer[i], w->conf->mark_mask);
	sl_keep(len);
	a->answers = a->resets = 0;
	return SL_OK;
}

/* As shipped, but for the size of the table; no flow is idle, and no client too fast. */
static struct sl_conf *read_conf(uint32_t live)
{
	char text[200];
	struct sl_conf *conf = NULL;
	(void)snprintf(text, sizeof(text),
	               "inside:\n  - lan\nlists: []\nmax_flows: %u\nflow_idle: 86400s\n"
	               "client_rate: 10000000\nclient_flows: 16777216\n", /* counted, and never reached */
	               live);
	if (sl_conf_read("sl_pipeline", sl_bytes_str(text), NULL, &conf) != SL_OK)
		sl_pipe_die("configuration");
	return conf;
}

struct sl_pipe_worker *sl_pipe_worker_new(const struct sl_pipe_worker_cfg *cfg)
{
	struct sl_pipe_worker *w = (struct sl_pipe_worker *)aligned_alloc(
	        SL_CACHE_LINE, (sizeof(*w) + SL_CACHE_LINE - 1) & ~(size_t)(SL_CACHE_LINE - 1));
	if (w == NULL)
		sl_pipe_die("memory");
	*w = (struct sl_pipe_worker){ .cfg = *cfg, .conf = read_conf(cfg->live) };
	const struct sl_judging_cfg jc = { .conf = w->conf,
		                           .slot = cfg->slot,
		                           .log = cfg->log,
		                           .stats = &w->stats,
		                           .counts = cfg->counts ? &w->counts : NULL,
		                           .worker = cfg->number,
		                           .seed = cfg->number + 1,
		                           .flush = flush,
		                           .ctx = w };
	size_t answers = (size_t)w->conf->batch + w->conf->max_held + 1;
	w->slot = (w->conf->copy_range + HEADROOM + SL_CACHE_LINE - 1) & ~(size_t)(SL_CACHE_LINE - 1);
	w->mem = (uint8_t *)aligned_alloc(SL_CACHE_LINE, w->slot * w->conf->batch);
	w->packet = (struct sl_nfq_packet *)calloc(w->conf->batch, sizeof(*w->packet));
	w->send = (char *)malloc(answers * SL_NFQ_VERDICT_MAX);
	if (w->mem == NULL || w->packet == NULL || w->send == NULL || w->conf->batch > BATCH_MAX ||
	    sl_judging_new(&jc, &w->judging) != SL_OK)
		sl_pipe_die("memory");
	return w;
}

void sl_pipe_worker_free(struct sl_pipe_worker *w)
{
	sl_judging_free(&w->judging);
	sl_conf_free(&w->conf);
	free(w->mem);
	free(w->packet);
	free(w->send);
	free(w);
}

static uint8_t *message(struct sl_pipe_worker *w, size_t i)
{
	return w->mem + i * w->slot;
}

static void judge(struct sl_pipe_worker *w, enum sl_pipe_depth depth)
{
	for (size_t i = 0; i < w->n && depth >= SL_PIPE_MESSAGE; i++)
		if (!sl_nfq_message_read((const struct nlmsghdr *)(const void *)message(w, i), w->len[i],
		                         &w->packet[i]))
			sl_pipe_die("a message is none");
	if (depth == SL_PIPE_HEADERS) {
		for (size_t i = 0; i < w->n; i++) {
			struct sl_packet view;
			sl_keep((uint64_t)sl_packet_read(w->packet[i].ip, w->packet[i].wire_len, &view) +
			        view.seq);
		}
	}
	if (depth >= SL_PIPE_JUDGED) {
		w->verdicts = depth == SL_PIPE_WHOLE;
		(void)sl_judging_batch(&w->judging, w->packet, w->n);
	}
	w->n = 0;
}

static void take(struct sl_pipe_worker *w, const struct sl_pipe_message *m, uint64_t number,
                 enum sl_pipe_depth depth)
{
	sl_pipe_put(m, number, (uint32_t)++w->packets, message(w, w->n));
	w->len[w->n++] = m->len;
	if (w->n == w->conf->batch)
		judge(w, depth);
}

void sl_pipe_worker_run(struct sl_pipe_worker *w, enum sl_pipe_kind kind, enum sl_pipe_depth depth,
                        uint64_t flows)
{
	for (uint64_t i = 0; i < flows; i++, w->flows++) {
		const struct sl_pipe_flow *f = &w->cfg.packets->of[kind][w->flows % SL_PIPE_NAMES];
		for (unsigned n = 0; n < f->packets; n++)
			take(w, &f->packet[n], w->flows, depth);
	}
	judge(w, depth);
}

void sl_pipe_worker_run_known(struct sl_pipe_worker *w, enum sl_pipe_depth depth, uint64_t packets)
{
	uint64_t live = w->flows < w->cfg.live ? w->flows : w->cfg.live;
	for (uint64_t i = 0; i < packets; i++) {
		uint64_t number = w->flows - 1 - sl_bench_key(w->random++) % live;
		take(w, &w->cfg.packets->of[SL_PIPE_TLS][number % SL_PIPE_NAMES].packet[0], number, depth);
	}
	judge(w, depth);
}

uint64_t sl_pipe_worker_blocked(const struct sl_pipe_worker *w)
{
	return w->stats.count[SL_STAT_blocked];
}

uint64_t sl_pipe_worker_judged(const struct sl_pipe_worker *w)
{
	return w->stats.count[SL_STAT_judged];
}
