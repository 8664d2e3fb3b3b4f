/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/metrics.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const struct family {
	const char *name, *type, *help;
} families[] = {
#define SL_METRIC(name, type, help) { #name, #type, help },
#include "daemon/metrics.def"
#undef SL_METRIC
};

static const struct family stats[] = {
#define SL_STAT(name, doc) { #name, "counter", doc },
#include "filter/stats.def"
#undef SL_STAT
};

static const char *const content[][2] = {
#define X(name, text) { #name, text },
	SL_NE_STATS(X)
#undef X
};

const char *sl_metric_name(enum sl_metric metric)
{
	return families[metric].name;
}

void sl_metric_family(FILE *to, enum sl_metric metric)
{
	sl_metrics_family(to, families[metric].name, families[metric].type, families[metric].help);
}

void sl_metric_count(FILE *to, enum sl_metric metric, uint64_t value)
{
	sl_metric_family(to, metric);
	sl_metrics_count(to, families[metric].name, SL_METRICS_NONE, value);
}

/* ---- filter/stats.def ---- */

/* Those whose own name does not say what is counted. */
static const char *const other_names[][2] = {
	{ "judged", "flows_judged" },    { "allowed", "flows_allowed" }, { "blocked", "flows_blocked" },
	{ "overlaps", "overlap_bytes" }, { "guessed", "flows_guessed" }, { "expired", "flows_expired" },
	{ "evicted", "flows_evicted" },  { "watched", "flows_watched" }, { "held", "packets_held" },
};

static void stat_name(size_t i, char out[64])
{
	const char *name = stats[i].name;

	for (size_t k = 0; k < SL_COUNT(other_names); k++)
		if (strcmp(name, other_names[k][0]) == 0)
			name = other_names[k][1];
	(void)snprintf(out, 64, "%s_total", name);
}

static uint64_t sum(const struct sl_shared *s, unsigned workers, size_t offset)
{
	uint64_t n = 0;

	for (unsigned w = 0; w < workers; w++)
		n += sl_counter_get((const uint64_t *)(const void *)((const char *)&s->worker[w] + offset));
	return n;
}

static void put_stats(FILE *to, const struct sl_shared *s, unsigned workers)
{
	char name[64];

	for (size_t i = 0; i < SL_COUNT(stats); i++) {
		stat_name(i, name);
		sl_metrics_family(to, name, stats[i].type, stats[i].help);
		if (s != NULL)
			sl_metrics_count(
			        to, name, SL_METRICS_NONE,
			        sum(s, workers,
			            offsetof(struct sl_worker_shared, filter.count) + i * sizeof(uint64_t)));
	}
}

static void put_causes(FILE *to, const struct sl_shared *s, unsigned workers)
{
	static const struct {
		const char *name;
		size_t offset;
	} actions[] = {
		{ "allow", offsetof(struct sl_worker_shared, filter.unjudged_allowed) },
		{ "block", offsetof(struct sl_worker_shared, filter.unjudged_blocked) },
	};

	sl_metric_family(to, SL_METRIC_flows_unjudged_total);
	for (size_t i = 0; i < SL_CAUSE_COUNT; i++)
		for (size_t a = 0; a < SL_COUNT(actions); a++)
			sl_metrics_count(
			        to, sl_metric_name(SL_METRIC_flows_unjudged_total),
			        (struct sl_metrics_labels){ { { "cause", sl_cause_name((enum sl_cause)i) },
			                                      { "action", actions[a].name } } },
			        sum(s, workers, actions[a].offset + i * sizeof(uint64_t)));
}

/* ---- by list: each worker has its own places for names ---- */

static bool is_named_before(const struct sl_shared *s, unsigned worker, const char *name)
{
	for (unsigned w = 0; w < worker; w++)
		for (uint32_t i = 1; i < sl_list_counts(&s->worker[w].verdicts); i++)
			if (strcmp(s->worker[w].verdicts.list[i].name, name) == 0)
				return true;
	return false;
}

static void put_list(FILE *to, const struct sl_shared *s, unsigned workers, const char *name)
{
	uint64_t allowed = 0, blocked = 0;

	for (unsigned w = 0; w < workers; w++) {
		const struct sl_verdict_counts *c = &s->worker[w].verdicts;
		uint32_t n = sl_list_counts(c);
		for (uint32_t i = 0; i < (n == 0 ? 1 : n); i++) {
			if (strcmp(c->list[i].name, name) != 0)
				continue;
			allowed += sl_counter_get(&c->list[i].allowed);
			blocked += sl_counter_get(&c->list[i].blocked);
		}
	}
	if (*name == '\0' && allowed + blocked == 0)
		return; /* every list has had a place */
	const char *shown = *name == '\0' ? "(others)" : name,
	           *metric = sl_metric_name(SL_METRIC_list_verdicts_total);
	sl_metrics_count(to, metric,
	                 (struct sl_metrics_labels){ { { "list", shown }, { "verdict", "allow" } } },
	                 allowed);
	sl_metrics_count(to, metric,
	                 (struct sl_metrics_labels){ { { "list", shown }, { "verdict", "block" } } },
	                 blocked);
}

static void put_lists(FILE *to, const struct sl_shared *s, unsigned workers)
{
	sl_metric_family(to, SL_METRIC_list_verdicts_total);
	put_list(to, s, workers, "");
	for (unsigned w = 0; w < workers; w++) {
		const struct sl_verdict_counts *c = &s->worker[w].verdicts;
		for (uint32_t i = 1; i < sl_list_counts(c); i++)
			if (!is_named_before(s, w, c->list[i].name))
				put_list(to, s, workers, c->list[i].name);
	}
}

/* ---- by worker ---- */

static const struct {
	enum sl_metric metric;
	size_t offset;
} worker_counts[] = {
	{ SL_METRIC_worker_batches_total, offsetof(struct sl_worker_shared, batches) },
	{ SL_METRIC_worker_verdicts_total, offsetof(struct sl_worker_shared, answers) },
	{ SL_METRIC_worker_errors_total, offsetof(struct sl_worker_shared, errors) },
	{ SL_METRIC_worker_overruns_total, offsetof(struct sl_worker_shared, enobufs) },
	{ SL_METRIC_worker_send_retries_total, offsetof(struct sl_worker_shared, send_retries) },
	{ SL_METRIC_worker_syn_overruns_total, offsetof(struct sl_worker_shared, syn_overruns) },
	{ SL_METRIC_worker_syns_lost_total, offsetof(struct sl_worker_shared, syns_lost) },
	{ SL_METRIC_worker_resets_total, offsetof(struct sl_worker_shared, resets) },
	{ SL_METRIC_worker_resets_failed_total, offsetof(struct sl_worker_shared, resets_failed) },
};

static struct sl_metrics_labels by_worker(unsigned w, char number[12])
{
	(void)snprintf(number, 12, "%u", w);
	return (struct sl_metrics_labels){ { { "worker", number } } };
}

static void put_workers(FILE *to, const struct sl_shared *s, unsigned workers)
{
	char number[12];

	for (size_t i = 0; i < SL_COUNT(worker_counts); i++) {
		enum sl_metric metric = worker_counts[i].metric;
		sl_metric_family(to, metric);
		for (unsigned w = 0; w < workers; w++)
			sl_metrics_count(
			        to, sl_metric_name(metric), by_worker(w, number),
			        sl_counter_get((const uint64_t *)(const void *)((const char *)&s->worker[w] +
			                                                        worker_counts[i].offset)));
	}
}

static void put_histogram(FILE *to, const struct sl_shared *s, unsigned workers, enum sl_metric metric,
                          size_t offset)
{
	char number[12];

	sl_metric_family(to, metric);
	for (unsigned w = 0; w < workers; w++)
		sl_metrics_histogram(
		        to, sl_metric_name(metric), by_worker(w, number),
		        (const struct sl_histogram *)(const void *)((const char *)&s->worker[w] + offset));
}

static void put_log(FILE *to, const struct sl_shared *s, unsigned workers)
{
	sl_metric_count(to, SL_METRIC_flow_log_records_total,
	                sum(s, workers, offsetof(struct sl_worker_shared, log_written)));
	sl_metric_count(to, SL_METRIC_flow_log_records_lost_total,
	                sum(s, workers, offsetof(struct sl_worker_shared, log_dropped)));
	sl_metric_count(to, SL_METRIC_flow_log_write_errors_total,
	                sum(s, workers, offsetof(struct sl_worker_shared, log_errors)));
}

/* The last of them is no count, but how it is now. */
static void put_content(FILE *to, const struct sl_shared *s)
{
	char name[64];

	for (size_t i = 0; i < SL_NE_STAT_COUNT; i++) {
		bool now = i == SL_NE_STAT_held;
		(void)snprintf(name, sizeof(name), "content_filter_%s%s", content[i][0], now ? "" : "_total");
		sl_metrics_family(to, name, now ? "gauge" : "counter", content[i][1]);
		if (s != NULL)
			sl_metrics_count(to, name, SL_METRICS_NONE, sl_counter_get(&s->worker[0].content[i]));
	}
}

void sl_metrics_shared(FILE *to, const struct sl_shared *shared, unsigned workers, bool content_filter)
{
	put_stats(to, shared, workers);
	put_causes(to, shared, workers);
	put_lists(to, shared, workers);
	put_histogram(to, shared, workers, SL_METRIC_undecided_seconds,
	              offsetof(struct sl_worker_shared, verdicts.undecided));
	put_histogram(to, shared, workers, SL_METRIC_verdict_seconds,
	              offsetof(struct sl_worker_shared, verdicts.latency));
	put_workers(to, shared, workers);
	put_log(to, shared, workers);
	if (content_filter)
		put_content(to, shared);
}

void sl_metrics_families(FILE *to)
{
	for (size_t i = 0; i < SL_METRICS; i++)
		sl_metric_family(to, (enum sl_metric)i);
	put_stats(to, NULL, 0);
	put_content(to, NULL);
}
