/* SPDX-License-Identifier: GPL-2.0-or-later */
/* supervisor_metrics.c - what the supervisor knows, as metrics (metrics.def): for `sluice metrics`, and for the reporter. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/memory_use.h"
#include "daemon/metrics.h"
#include "daemon/supervisor_requests.h"
#include "daemon/supervisor_state.h"
#include "daemon/version.h"

enum { RULES_EVERY_MS = 5000 }; /* reading their counters makes a program run */

static struct sl_metrics_labels one_label(const char *name, const char *value)
{
	return (struct sl_metrics_labels){ { { name, value } } };
}

static void put_state(FILE *to, const struct sl_supervisor *s)
{
	static const char *const provider[] = { "policy", "rules", "scripted", "external" };
	struct sl_metrics_labels what = { {
		{ "version", SL_VERSION },
		{ "backend", sl_rules_backend(s->rules) },
		{ "provider", provider[s->conf->provider] },
	} };
	int64_t up = sl_mono_since(sl_clock_now(), s->started).us;

	sl_metric_family(to, SL_METRIC_info);
	sl_metrics_count(to, sl_metric_name(SL_METRIC_info), what, 1);
	sl_metric_count(to, SL_METRIC_ready,
	                s->ready && !s->stopping && s->engine.state == SL_CHILD_ACTIVE &&
	                        s->failed_at.us == 0);
	sl_metric_family(to, SL_METRIC_start_time_seconds);
	sl_metrics_seconds(to, sl_metric_name(SL_METRIC_start_time_seconds), SL_METRICS_NONE,
	                   (uint64_t)(sl_clock_wall_us() - up));
	sl_metric_count(to, SL_METRIC_generation, s->generation);
}

/* ---- lists ---- */

/* One sample a list, of the policy's report: `member` of each. Of lists of the same name, which the never-block set may have, the
 * first counts. */
static void put_list_number(FILE *to, enum sl_metric metric, const json_t *lists, const char *member)
{
	sl_metric_family(to, metric);
	for (size_t i = 0; i < json_array_size(lists); i++) {
		const json_t *list = json_array_get(lists, i);
		const char *name = json_string_value(json_object_get(list, "name"));
		bool again = name == NULL;
		for (size_t k = 0; k < i && !again; k++) {
			const char *other =
			        json_string_value(json_object_get(json_array_get(lists, k), "name"));
			again = other != NULL && strcmp(name, other) == 0;
		}
		if (!again)
			sl_metrics_count(to, sl_metric_name(metric), one_label("list", name),
			                 (uint64_t)json_integer_value(json_object_get(list, member)));
	}
}

static void put_policy(FILE *to, const struct sl_supervisor *s)
{
	const json_t *about = s->good != NULL && s->generation > 0 ? sl_bundle_about(s->good) : NULL;
	const json_t *lists = json_object_get(about, "lists");

	sl_metric_count(to, SL_METRIC_policy_entries,
	                (uint64_t)json_integer_value(json_object_get(about, "entries")));
	put_list_number(to, SL_METRIC_list_entries, lists, "entries");
	put_list_number(to, SL_METRIC_list_lines_refused, lists, "refused");
}

static void put_feeds(FILE *to, const struct sl_supervisor *s)
{
	static const struct {
		enum sl_metric metric;
		size_t offset;
	} times[] = {
		{ SL_METRIC_list_fetched_timestamp_seconds, offsetof(struct sl_feed, fetched) },
		{ SL_METRIC_list_checked_timestamp_seconds, offsetof(struct sl_feed, checked) },
	};

	for (size_t t = 0; t < SL_COUNT(times); t++) {
		sl_metric_family(to, times[t].metric);
		for (size_t i = 0; i < s->feeds.n; i++) {
			const char *feed = (const char *)&s->feeds.feed[i];
			int64_t when = *(const int64_t *)(const void *)(feed + times[t].offset);
			if (when != 0)
				sl_metrics_count(to, sl_metric_name(times[t].metric),
				                 one_label("list", s->feeds.feed[i].name), (uint64_t)when);
		}
	}
	sl_metric_family(to, SL_METRIC_list_update_failures);
	for (size_t i = 0; i < s->feeds.n; i++)
		sl_metrics_count(to, sl_metric_name(SL_METRIC_list_update_failures),
		                 one_label("list", s->feeds.feed[i].name), s->feeds.feed[i].failures);
}

/* ---- the kernel ---- */

static void put_queues(FILE *to, const struct sl_supervisor *s)
{
	struct sl_nfq_kernel queue[SL_NFQ_QUEUES_MAX];
	unsigned first = s->conf->queue_first, n = sl_conf_queues(s->conf);
	char number[12];

	if (sl_nfq_kernel_each((uint16_t)first, (uint16_t)n, queue) != SL_OK)
		n = 0;
	sl_metric_family(to, SL_METRIC_queue_waiting);
	for (unsigned q = 0; q < n; q++) {
		(void)snprintf(number, sizeof(number), "%u", first + q);
		sl_metrics_count(to, sl_metric_name(SL_METRIC_queue_waiting), one_label("queue", number),
		                 queue[q].waiting);
	}
	sl_metric_family(to, SL_METRIC_queue_dropped_total);
	for (unsigned q = 0; q < 2 * n; q++) {
		struct sl_metrics_labels labels = { { { "queue", number },
			                              { "full", q % 2 == 0 ? "queue" : "socket" } } };
		(void)snprintf(number, sizeof(number), "%u", first + q / 2);
		sl_metrics_count(to, sl_metric_name(SL_METRIC_queue_dropped_total), labels,
		                 q % 2 == 0 ? queue[q / 2].queue_dropped : queue[q / 2].user_dropped);
	}
}

const struct sl_rules_counts *sl_supervisor_rules_counts(struct sl_supervisor *s, bool now)
{
	struct sl_reporting *r = &s->reporting;

	if (now || sl_mono_reached(sl_clock_now(), r->rules_at)) {
		(void)sl_rules_count(s->rules, &r->rules);
		r->rules_at = sl_mono_add(sl_clock_now(), sl_span_ms(RULES_EVERY_MS));
	}
	return &r->rules;
}

static void put_rules(FILE *to, struct sl_supervisor *s)
{
	const struct sl_rules_counts *rules = sl_supervisor_rules_counts(s, false);

	sl_metric_count(to, SL_METRIC_kernel_unjudged_packets_total, rules->unjudged_packets);
	sl_metric_count(to, SL_METRIC_kernel_invalid_packets_total, rules->invalid_packets);
	sl_metric_count(to, SL_METRIC_kernel_unrefused_packets_total, rules->unrefused_packets);
	sl_metric_count(to, SL_METRIC_rules_restored_total, s->rules_restored);
	sl_metric_family(to, SL_METRIC_rules_gap_seconds_total);
	sl_metrics_seconds(to, sl_metric_name(SL_METRIC_rules_gap_seconds_total), SL_METRICS_NONE,
	                   s->rules_gap_ms * 1000);
}

/* ---- processes ---- */

static void put_failures(FILE *to, const struct sl_supervisor *s)
{
	sl_metric_count(to, SL_METRIC_engine_restarts_total, s->engine_restarts);
	sl_metric_count(to, SL_METRIC_engine_hangs_total, s->engine_hangs);
	sl_metric_count(to, SL_METRIC_takeovers_total, s->takeovers);
	sl_metric_family(to, SL_METRIC_takeover_seconds_total);
	sl_metrics_seconds(to, sl_metric_name(SL_METRIC_takeover_seconds_total), SL_METRICS_NONE,
	                   s->takeover_us);
	sl_metric_count(to, SL_METRIC_upgrades_total, s->upgrades);
	sl_metric_count(to, SL_METRIC_repeated_packets_total, s->answered_repeat);
	sl_metric_count(to, SL_METRIC_on_failure_packets_total, s->answered_on_failure);
}

static void put_resident(FILE *to, const char *process, pid_t pid)
{
	struct sl_resident r;

	if (pid <= 0 || sl_resident_read(pid, &r) != SL_OK)
		return;
	const struct {
		const char *kind;
		uint64_t bytes;
	} kinds[] = { { "anon", r.anon }, { "file", r.file }, { "shmem", r.shmem } };
	for (size_t i = 0; i < SL_COUNT(kinds); i++)
		sl_metrics_count(
		        to, sl_metric_name(SL_METRIC_memory_resident_bytes),
		        (struct sl_metrics_labels){ { { "process", process }, { "kind", kinds[i].kind } } },
		        kinds[i].bytes);
}

static void put_heap(FILE *to, const char *process, const struct sl_memory_use *h)
{
	const struct {
		const char *state;
		uint64_t bytes;
	} states[] = {
#define X(name, doc) { #name, sl_counter_get(&h->name) },
		SL_MEMORY_USE(X)
#undef X
	};

	for (size_t i = 0; i < SL_COUNT(states) && h->allocated != 0; i++)
		sl_metrics_count(to, sl_metric_name(SL_METRIC_memory_heap_bytes),
		                 (struct sl_metrics_labels){
		                         { { "process", process }, { "state", states[i].state } } },
		                 states[i].bytes);
}

static void put_memory(FILE *to, const struct sl_supervisor *s)
{
	struct sl_memory_use own = { 0 };

	sl_memory_use_read(&own);
	if (s->engine.state == SL_CHILD_ACTIVE)
		(void)sl_ipc_send(s->engine.ipc, SL_IPC_MEMORY, 0, SL_BYTES_LIT(""), NULL, 0, 0);
	sl_metric_family(to, SL_METRIC_memory_resident_bytes);
	put_resident(to, "supervisor", getpid());
	put_resident(to, "engine", s->engine.pid);
	put_resident(to, "spare", s->spare.pid);
	put_resident(to, "reporter", s->reporting.child.pid);
	sl_metric_family(to, SL_METRIC_memory_heap_bytes);
	put_heap(to, "supervisor", &own);
	put_heap(to, "engine", &s->shared->engine_heap);
}

void sl_supervisor_metrics(struct sl_supervisor *s, FILE *to)
{
	put_state(to, s);
	put_policy(to, s);
	put_feeds(to, s);
	sl_metrics_shared(to, s->shared, s->take.workers, s->conf->provider != SL_PROVIDER_POLICY);
	put_queues(to, s);
	put_rules(to, s);
	put_failures(to, s);
	put_memory(to, s);
}

void sl_supervisor_ctl_metrics(struct sl_supervisor *s, uint64_t client, json_t *args)
{
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	(void)args;
	if (to != NULL)
		sl_supervisor_metrics(s, to);
	if (to == NULL || fclose(to) != 0)
		sl_ctl_reply_error(s->ctl, client, "out of memory");
	else
		sl_ctl_reply(s->ctl, client, json_pack("{s:b, s:s}", "ok", 1, "metrics", text));
	free(text);
}
