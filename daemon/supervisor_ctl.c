/* SPDX-License-Identifier: GPL-2.0-or-later */
/* supervisor_ctl.c - what the control socket can ask for: status, reload, check. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "daemon/flow_log_file.h"
#include "daemon/json_text.h"
#include "daemon/log.h"
#include "daemon/nfq_left.h"
#include "daemon/supervisor_events.h"
#include "daemon/supervisor_requests.h"
#include "daemon/version.h"

json_t *sl_supervisor_flow_counts(const struct sl_supervisor *s)
{
	json_t *flows = json_object();

	for (int i = 0; i < SL_STAT_COUNT; i++) {
		uint64_t sum = 0;
		for (unsigned w = 0; w < s->take.workers; w++)
			sum += sl_counter_get(&s->shared->worker[w].filter.count[i]);
		json_object_set_new(flows, sl_stat_name((enum sl_stat)i), json_integer((json_int_t)sum));
	}
	return flows;
}

json_t *sl_supervisor_cause_counts(const struct sl_supervisor *s)
{
	json_t *causes = json_object();

	for (int i = 0; i < SL_CAUSE_COUNT; i++) {
		uint64_t allowed = 0, blocked = 0;
		for (unsigned w = 0; w < s->take.workers; w++) {
			allowed += sl_counter_get(&s->shared->worker[w].filter.unjudged_allowed[i]);
			blocked += sl_counter_get(&s->shared->worker[w].filter.unjudged_blocked[i]);
		}
		json_object_set_new(causes, sl_cause_name((enum sl_cause)i),
		                    json_pack("{s:I, s:I}", "allowed", (json_int_t)allowed, "blocked",
		                              (json_int_t)blocked));
	}
	return causes;
}

static json_t *worker_counts(const struct sl_supervisor *s, unsigned w)
{
	const struct sl_worker_shared *x = &s->shared->worker[w];
	char queues[256] = "";
	size_t at = 0;

	for (unsigned q = w; q < sl_conf_queues(s->conf) && at < sizeof(queues) - 8; q += s->take.workers)
		at += (size_t)snprintf(queues + at, sizeof(queues) - at, "%s%u", at > 0 ? "," : "",
		                       s->conf->queue_first + q);
	return json_pack(
	        "{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "queues", queues, "packets",
	        (json_int_t)sl_counter_get(&x->filter.count[SL_STAT_packets]), "batches",
	        (json_int_t)sl_counter_get(&x->batches), "answers", (json_int_t)sl_counter_get(&x->answers),
	        "resets", (json_int_t)sl_counter_get(&x->resets), "resets_failed",
	        (json_int_t)sl_counter_get(&x->resets_failed), "errors",
	        (json_int_t)sl_counter_get(&x->errors), "enobufs", (json_int_t)sl_counter_get(&x->enobufs),
	        "syn_overruns", (json_int_t)sl_counter_get(&x->syn_overruns), "syns_lost",
	        (json_int_t)sl_counter_get(&x->syns_lost), "send_retries",
	        (json_int_t)sl_counter_get(&x->send_retries));
}

/* Who is not root is not to have programs run as often as it likes. */
static json_t *kernel_counts(struct sl_supervisor *s, json_t *workers)
{
	const struct sl_rules_counts rules = *sl_supervisor_rules_counts(s, s->for_root);
	struct sl_nfq_kernel queues = { 0, 0, 0, 0 };
	json_int_t enobufs = 0, syn_overruns = 0;
	json_t *worker;
	size_t i;

	(void)sl_nfq_kernel_counts((uint16_t)s->conf->queue_first, sl_conf_queues(s->conf), &queues);
	json_array_foreach(workers, i, worker) enobufs +=
	        json_integer_value(json_object_get(worker, "enobufs"));
	json_array_foreach(workers, i, worker) syn_overruns +=
	        json_integer_value(json_object_get(worker, "syn_overruns"));
	return json_pack(
	        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "unjudged_packets",
	        (json_int_t)rules.unjudged_packets, "invalid_packets", (json_int_t)rules.invalid_packets,
	        "unrefused_packets", (json_int_t)rules.unrefused_packets, "queue_dropped",
	        (json_int_t)queues.queue_dropped, "user_dropped", (json_int_t)queues.user_dropped, "waiting",
	        (json_int_t)queues.waiting, "enobufs", enobufs, "syn_overruns", syn_overruns);
}

static json_t *log_counts(const struct sl_supervisor *s)
{
	uint64_t written = 0, dropped = 0, errors = 0;

	for (unsigned w = 0; w < s->take.workers; w++) {
		written += sl_counter_get(&s->shared->worker[w].log_written);
		dropped += sl_counter_get(&s->shared->worker[w].log_dropped);
		errors += sl_counter_get(&s->shared->worker[w].log_errors);
	}
	return json_pack("{s:I, s:I, s:I}", "written", (json_int_t)written, "dropped", (json_int_t)dropped,
	                 "write_errors", (json_int_t)errors);
}

static json_t *content_counts(const struct sl_supervisor *s)
{
	const struct sl_worker_shared *x = &s->shared->worker[0];
	json_t *out = json_object();

	for (int i = 0; i < SL_NE_STAT_COUNT; i++)
		json_object_set_new(out, sl_ne_stat_name((enum sl_ne_stat)i),
		                    json_integer((json_int_t)sl_counter_get(&x->content[i])));
	return out;
}

static const char *state_name(const struct sl_supervisor *s)
{
	return s->stopping                               ? "stopping"
	       : !s->ready                               ? "starting"
	       : s->failed_at.us != 0 || s->dead.pid > 0 ? "takeover"
	                                                 : "running";
}

/* How beginnings of connections are known. */
static const char *syns_name(const struct sl_supervisor *s)
{
	return s->conf->tcp_hold != 0 ? "queued" : s->take.syns >= 0 ? "copied" : "unseen";
}

static json_t *status_of(struct sl_supervisor *s)
{
	json_t *workers = json_array();

	for (unsigned w = 0; w < s->take.workers; w++)
		json_array_append_new(workers, worker_counts(s, w));
	json_t *out = json_pack(
	        "{s:b, s:s, s:s, s:I, s:I, s:I, s:I, s:s, s:I}", "ok", 1, "state", state_name(s), "version",
	        SL_VERSION, "pid", (json_int_t)getpid(), "engine_pid", (json_int_t)s->engine.pid, "spare_pid",
	        (json_int_t)(s->spare.state == SL_CHILD_READY ? s->spare.pid : 0), "uptime_s",
	        (json_int_t)(sl_mono_since(sl_clock_now(), s->started).us / 1000000), "backend",
	        sl_rules_backend(s->rules), "generation", (json_int_t)s->generation);
	json_object_update_new(
	        out, json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "engine_restarts",
	                       (json_int_t)s->engine_restarts, "engine_hangs", (json_int_t)s->engine_hangs,
	                       "repeated_packets", (json_int_t)s->answered_repeat, "on_failure_packets",
	                       (json_int_t)s->answered_on_failure, "rules_restored",
	                       (json_int_t)s->rules_restored, "rules_gap_ms", (json_int_t)s->rules_gap_ms));
	json_object_update_new(out, json_pack("{s:s, s:I}", "program", s->upgrade.program, "upgrades",
	                                      (json_int_t)s->upgrades));
	json_object_set_new(out, "paused", sl_supervisor_pause_status(s));
	json_object_set_new(out, "pauses", sl_supervisor_pause_counts(s));
	json_object_set_new(out, "log_level", json_string(sl_log_level_name(sl_log_level())));
	if (s->good != NULL && s->generation > 0)
		json_object_set(out, "policy", (json_t *)(uintptr_t)sl_bundle_about(s->good));
	if (s->conf->provider == SL_PROVIDER_POLICY)
		json_object_set_new(out, "syns", json_string(syns_name(s)));
	json_object_set_new(out, "kept", sl_supervisor_kept(s));
	json_object_set_new(out, "feeds", sl_supervisor_feeds(s));
	json_object_set_new(out, "flows", sl_supervisor_flow_counts(s));
	json_object_set_new(out, "unjudged", sl_supervisor_cause_counts(s));
	if (s->conf->provider != SL_PROVIDER_POLICY)
		json_object_set_new(out, "content_filter", content_counts(s));
	json_object_set_new(out, "kernel", kernel_counts(s, workers));
	json_object_set_new(out, "flow_log", log_counts(s));
	json_object_set_new(out, "workers", workers);
	json_object_set_new(out, "last_error",
	                    s->last_error.len > 0 ? json_string(s->last_error.text) : json_null());
	return out;
}

void sl_supervisor_ctl_status(struct sl_supervisor *s, uint64_t client, json_t *args)
{
	(void)args;
	sl_ctl_reply(s->ctl, client, status_of(s));
}

void sl_supervisor_ctl_check(struct sl_supervisor *s, uint64_t client, json_t *args)
{
	json_t *items = json_object_get(args, "items");
	bool explain = json_is_true(json_object_get(args, "explain"));
	json_t *question = json_is_array(items)
	                           ? json_pack("{s:O, s:b, s:s?, s:s?}", "items", items, "explain", explain,
	                                       "client", json_string_value(json_object_get(args, "client")),
	                                       "group", json_string_value(json_object_get(args, "group")))
	                           : NULL;
	char *text = question == NULL ? NULL : json_dumps(question, JSON_COMPACT);

	if (text == NULL)
		sl_ctl_reply_error(s->ctl, client, "check needs \"items\", an array of hosts or URLs");
	else if (s->engine.state != SL_CHILD_ACTIVE)
		sl_ctl_reply_error(s->ctl, client, "no engine is ready; try again");
	else if (sl_ipc_send(s->engine.ipc, SL_IPC_CHECK, client, sl_bytes_str(text), NULL, 0, 0) != SL_OK)
		sl_ctl_reply_error(s->ctl, client, "the engine did not take the question; try again");
	free(text);
	json_decref(question);
}

/* Only one reload at a time: lists are compiled and loaded while the engine goes on judging. */
static const char *start_reload(struct sl_supervisor *s)
{
	struct sl_diag diag = sl_trouble_diag(&s->last_error);

	if (s->next != NULL)
		return "a reload is under way; try again";
	if (sl_supervisor_upgrading(s))
		return "an upgrade is under way; try again";
	if (sl_bundle_read(s->conf_path, &diag, &s->next) != SL_OK)
		return s->last_error.text;
	if (sl_bundle_open_lists(s->next, &s->feeds, &diag) != SL_OK) {
		sl_bundle_free(&s->next);
		return s->last_error.text;
	}
	char fixed[512];
	sl_conf_restart_needed(s->conf, sl_bundle_conf(s->next), fixed, sizeof(fixed));
	if (fixed[0] != '\0')
		sl_log(SL_LOG_WARN, "%s: at the next restart take effect: %s", s->conf_path, fixed);
	if (sl_supervisor_compile(s, "reload") != SL_OK) {
		sl_bundle_free(&s->next);
		return s->last_error.text;
	}
	return NULL;
}

void sl_supervisor_reload(struct sl_supervisor *s)
{
	const char *why = start_reload(s);

	if (why == NULL)
		return;
	sl_log(SL_LOG_ERR, "reload failed, the old policy stays in force: %s", why);
	sl_supervisor_tell(s, SL_EVENT_GENERATION,
	                   json_pack("{s:b, s:I, s:s, s:o}", "ok", 0, "generation", (json_int_t)s->generation,
	                             "why", "reload", "error", sl_json_text(sl_bytes_str(why))));
	if (s->reload_waiting)
		sl_ctl_reply_error(s->ctl, s->reload_client, why);
	s->reload_waiting = false;
}

static void new_flow_log(struct sl_supervisor *s);

void sl_supervisor_reload_signal(struct sl_supervisor *s)
{
	if (s->ready && s->kept.pinned != 0) { /* such as logrotate's */
		new_flow_log(s);
		sl_log(SL_LOG_NOTICE,
		       "the lists are not read again: generation %llu was chosen by sluice policy "
		       "rollback, and stays until sluice reload",
		       (unsigned long long)s->kept.pinned);
	} else if (s->ready && s->next == NULL && !sl_supervisor_upgrading(s))
		sl_supervisor_reload(s);
	else
		s->reload_again = true;
}

static void new_flow_log(struct sl_supervisor *s)
{
	int fd = sl_flow_log_file_open(sl_bundle_conf(s->good)->flow_log, &s->user);

	(void)sl_ipc_send(s->engine.ipc, SL_IPC_LOG, 0, (struct sl_bytes){ NULL, 0 }, &fd, fd >= 0 ? 1 : 0,
	                  0);
	if (s->take.flow_log >= 0)
		(void)close(s->take.flow_log);
	s->take.flow_log = fd;
}

void sl_supervisor_reload_again(struct sl_supervisor *s)
{
	if (!s->reload_again)
		return;
	s->reload_again = false;
	sl_supervisor_reload(s);
}

/* What is different for those who asked of late. */
static void log_changes(const struct sl_supervisor *s)
{
	const json_t *dry = json_object_get(sl_bundle_about(s->good), "dry_run"), *one;
	json_int_t blocked = json_integer_value(json_object_get(dry, "newly_blocked")),
	           allowed = json_integer_value(json_object_get(dry, "newly_allowed"));
	size_t i;

	if (blocked + allowed > 0)
		sl_log(SL_LOG_NOTICE,
		       "of %lld names that were asked for in the last hour %lld are newly blocked, and %lld "
		       "no "
		       "longer",
		       (long long)json_integer_value(json_object_get(dry, "names")), (long long)blocked,
		       (long long)allowed);
	json_array_foreach(json_object_get(dry, "examples"), i, one)
	        sl_log(SL_LOG_NOTICE, "  %s: %s by list %s", json_string_value(json_object_get(one, "name")),
	               strcmp(json_string_value(json_object_get(one, "verdict")), "block") == 0
	                       ? "newly blocked"
	                       : "no longer blocked",
	               json_string_value(json_object_get(one, "list")));
}

void sl_supervisor_reload_done(struct sl_supervisor *s, bool ok)
{
	if (s->next == NULL)
		return;
	if (ok) {
		sl_bundle_free(&s->good);
		s->good = sl_take(&s->next);
		s->generation = s->next_number;
		new_flow_log(s);
		sl_supervisor_ctl_rights(s, sl_bundle_conf(s->good));
		sl_audit_open(&s->audit, sl_bundle_conf(s->good)->audit_log);
		sl_supervisor_load_spare(s);
		sl_log(SL_LOG_INFO, "generation %llu is in force (%s)", (unsigned long long)s->generation,
		       s->next_why);
		log_changes(s);
		sl_supervisor_tell(s, SL_EVENT_GENERATION,
		                   json_pack("{s:b, s:I, s:s, s:O?}", "ok", 1, "generation",
		                             (json_int_t)s->generation, "why", s->next_why, "entries",
		                             json_object_get(sl_bundle_about(s->good), "entries")));
		sl_supervisor_renew_standing(
		        s); /* what was said meanwhile, was said by the old configuration */
		sl_supervisor_published(s);
	} else {
		sl_bundle_free(&s->next);
		sl_log(SL_LOG_ERR, "%s failed, generation %llu stays in force", s->next_why,
		       (unsigned long long)s->generation);
		sl_supervisor_tell(s, SL_EVENT_GENERATION,
		                   json_pack("{s:b, s:I, s:s, s:o}", "ok", 0, "generation",
		                             (json_int_t)s->generation, "why", s->next_why, "error",
		                             sl_json_text(sl_bytes_str(s->last_error.text))));
	}
	if (s->reload_waiting && ok)
		sl_ctl_reply(s->ctl, s->reload_client,
		             json_pack("{s:b, s:I, s:O}", "ok", 1, "generation", (json_int_t)s->generation,
		                       "entries", json_object_get(sl_bundle_about(s->good), "entries")));
	else if (s->reload_waiting)
		sl_ctl_reply_error(s->ctl, s->reload_client,
		                   s->last_error.len > 0 ? s->last_error.text
		                                         : "the engine died while it loaded the policy");
	s->reload_waiting = s->next_forced = false;
	sl_supervisor_reload_again(s);
	sl_supervisor_update_again(s);
}

void sl_supervisor_ctl_reload(struct sl_supervisor *s, uint64_t client, json_t *args)
{
	if (!s->ready) {
		sl_ctl_reply_error(s->ctl, client, "sluiced is still starting; try again");
	} else if (s->reload_waiting || s->next != NULL) {
		sl_ctl_reply_error(s->ctl, client, "a reload is under way; try again");
	} else {
		s->reload_client = client;
		s->reload_waiting = true;
		s->next_forced = json_is_true(json_object_get(args, "force"));
		sl_supervisor_reload(s);
	}
}

void sl_supervisor_ctl_rollback(struct sl_supervisor *s, uint64_t client, json_t *args)
{
	const char *why =
	        sl_supervisor_rollback(s, (uint64_t)json_integer_value(json_object_get(args, "generation")));

	if (why != NULL) {
		sl_ctl_reply_error(s->ctl, client, why);
		return;
	}
	s->reload_client = client;
	s->reload_waiting = true;
}

void sl_supervisor_ctl_update(struct sl_supervisor *s, uint64_t client, json_t *args)
{
	const char *why = sl_supervisor_update(s, json_object_get(args, "lists"),
	                                       json_is_true(json_object_get(args, "force")));

	if (why != NULL)
		sl_ctl_reply_error(s->ctl, client, why);
	else
		sl_ctl_reply(s->ctl, client, sl_supervisor_update_progress(s));
}

void sl_supervisor_ctl_updates(struct sl_supervisor *s, uint64_t client, json_t *args)
{
	(void)args;
	sl_ctl_reply(s->ctl, client, sl_supervisor_update_progress(s));
}

void sl_supervisor_ctl_generations(struct sl_supervisor *s, uint64_t client, json_t *args)
{
	(void)args;
	sl_ctl_reply(s->ctl, client,
	             json_pack("{s:b, s:I, s:o}", "ok", 1, "generation", (json_int_t)s->generation,
	                       "generations", sl_generations_json(&s->kept)));
}
