/* SPDX-License-Identifier: GPL-2.0-or-later */
/* supervisor_handover.c - all that a supervisor knows, as the state that the next program starts from (handover.h), and the way
 * back. What is put here is taken there: docs/upgrade.md names each member. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/conf_fd.h"
#include "daemon/handover.h"
#include "daemon/log.h"
#include "daemon/rules_state.h"
#include "daemon/supervisor_requests.h"

static const struct number {
	const char *name;
	size_t at;
} numbers[] = {
#define NUMBER(member)                                          \
	{                                                       \
#member, offsetof(struct sl_supervisor, member) \
	}
	NUMBER(generation), NUMBER(engine_restarts),     NUMBER(engine_hangs),   NUMBER(answered_repeat),
	NUMBER(upgrades),   NUMBER(answered_on_failure), NUMBER(rules_restored), NUMBER(rules_gap_ms),
	NUMBER(takeovers),  NUMBER(takeover_us),         NUMBER(pause_until),
#undef NUMBER
};

static uint64_t *number_of(struct sl_supervisor *s, size_t i)
{
	return (uint64_t *)(void *)((char *)s + numbers[i].at);
}

/* ---- put ---- */

static void put_take(void *ctx, const char *name, int *fd)
{
	sl_handover_put_fd(ctx, name, *fd);
}

struct clients {
	json_t *state, *subscriptions; /* a number of bits each */
	unsigned n;
};

/* A program that knows no events closes the connections of those who wait for some. */
static void put_client(void *ctx, int fd, bool asks, unsigned events)
{
	struct clients *c = ctx;
	char name[32] = "asker";

	if (!asks && events == 0)
		(void)snprintf(name, sizeof(name), "client-%u", c->n++);
	if (!asks && events != 0) {
		(void)snprintf(name, sizeof(name), "subscriber-%zu", json_array_size(c->subscriptions));
		(void)json_array_append_new(c->subscriptions, json_integer(events));
	}
	sl_handover_put_fd(c->state, name, fd);
}

static void put_child(json_t *state, const char *name, const struct sl_child *c)
{
	char pidfd[32];

	if (c->pid <= 0)
		return;
	(void)snprintf(pidfd, sizeof(pidfd), "%s-pidfd", name);
	sl_handover_put_fd(state, name, c->ipc);
	sl_handover_put_fd(state, pidfd, c->adopted ? c->pidfd : -1);
	(void)json_object_set_new(state, name,
	                          json_pack("{s:i, s:b}", "pid", (int)c->pid, "adopted", c->adopted));
}

/* For a program whose counters lie elsewhere: by name, all workers together. */
static void put_counters(json_t *state, const struct sl_supervisor *s)
{
	(void)json_object_set_new(state, "flows", sl_supervisor_flow_counts(s));
	(void)json_object_set_new(state, "unjudged", sl_supervisor_cause_counts(s));
}

json_t *sl_supervisor_state(struct sl_supervisor *s)
{
	json_t *state = sl_handover_new();
	struct clients clients = { state, json_array(), 0 };
	uint64_t asker = s->upgrade.waiting ? s->upgrade.client : 0;
	int snapshot, conf;

	for (size_t i = 0; i < SL_COUNT(numbers); i++)
		(void)json_object_set_new(state, numbers[i].name, json_integer((json_int_t)*number_of(s, i)));
	(void)json_object_set_new(state, "config", json_string(s->conf_path));
	(void)json_object_set_new(state, "workers", json_integer((json_int_t)s->take.workers));
	(void)json_object_set_new(state, "started_us", json_integer(s->started.us));
	(void)json_object_set_new(state, "last_error", json_string(s->last_error.text));
	(void)json_object_set_new(state, "reload", json_boolean(s->upgrade.then_reload || s->reload_again));
	(void)json_object_set(state, "about", (json_t *)(uintptr_t)sl_bundle_about(s->good));
	sl_bundle_lend(s->good, &snapshot, &conf);
	sl_handover_put_fd(state, "snapshot", snapshot);
	sl_handover_put_fd(state, "policy-conf", conf);
	sl_handover_put_fd(state, "control", sl_ctl_listener(s->ctl));
	sl_take_each(&s->take, put_take, state);
	sl_ctl_each_client(s->ctl, asker, put_client, &clients);
	(void)json_object_set_new(state, "subscriptions", clients.subscriptions);
	(void)json_object_set_new(state, "asked", sl_audit_state(&s->audit, asker));
	put_child(state, "engine", &s->engine);
	put_child(state, "next", &s->upgrade.engine);
	(void)json_object_set_new(state, "rules", sl_rules_state(s->rules));
	put_counters(state, s);
	return state;
}

/* ---- take ---- */

static uint64_t number(const json_t *object, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(object, name));
}

static void take_one(void *ctx, const char *name, int *fd)
{
	*fd = sl_handover_take_fd(ctx, name);
}

static int take_descriptors(struct sl_supervisor *s, json_t *state)
{
	uint64_t workers = number(state, "workers");

	if (workers == 0 || workers > SL_WORKERS_MAX)
		return SL_EMALF;
	s->take.workers = (unsigned)workers;
	sl_take_each(&s->take, take_one, state);
	return sl_take_is_whole(&s->take) ? SL_OK : SL_EMALF;
}

static void take_child(json_t *state, const char *name, struct sl_child *c)
{
	const json_t *child = json_object_get(state, name);
	char pidfd[32];

	*c = (struct sl_child){ .ipc = -1 };
	if (child == NULL)
		return;
	(void)snprintf(pidfd, sizeof(pidfd), "%s-pidfd", name);
	c->ipc = sl_handover_take_fd(state, name);
	c->pid = (pid_t)number(child, "pid");
	c->adopted = json_is_true(json_object_get(child, "adopted"));
	c->pidfd = sl_handover_take_fd(state, pidfd);
}

/* Into worker 0: what is shown is the sum. */
static void take_counters(struct sl_supervisor *s, const json_t *state)
{
	struct sl_filter_stats *to = &s->shared->worker[0].filter;
	const json_t *flows = json_object_get(state, "flows"), *causes = json_object_get(state, "unjudged");

	for (int i = 0; i < SL_STAT_COUNT; i++)
		to->count[i] = number(flows, sl_stat_name((enum sl_stat)i));
	for (int i = 0; i < SL_CAUSE_COUNT; i++) {
		const json_t *cause = json_object_get(causes, sl_cause_name((enum sl_cause)i));
		to->unjudged_allowed[i] = number(cause, "allowed");
		to->unjudged_blocked[i] = number(cause, "blocked");
	}
}

static int take_shared(struct sl_supervisor *s, const json_t *state)
{
	if (sl_shared_map(s->take.shared, &s->shared) == SL_OK)
		return SL_OK;
	(void)close(s->take.shared);
	s->take.shared = -1;
	int err = sl_shared_new(s->take.workers, &s->take.shared, &s->shared);
	if (err == SL_OK)
		take_counters(s, state);
	s->shared_anew = true;
	return err;
}

static void take_clients(struct sl_supervisor *s, json_t *state)
{
	char name[32];
	int fd = sl_handover_take_fd(state, "asker");

	if (fd >= 0) {
		s->upgrade.client = sl_ctl_add(s->ctl, fd, true);
		s->upgrade.waiting = s->upgrade.client != 0;
		sl_audit_resume(&s->audit, s->upgrade.client, json_object_get(state, "asked"));
	}
	for (size_t i = 0; i < json_array_size(json_object_get(state, "subscriptions")); i++) {
		const json_t *events = json_array_get(json_object_get(state, "subscriptions"), i);
		(void)snprintf(name, sizeof(name), "subscriber-%zu", i);
		fd = sl_handover_take_fd(state, name);
		if (fd >= 0)
			sl_ctl_subscribe(s->ctl, sl_ctl_add(s->ctl, fd, false),
			                 (unsigned)json_integer_value(events));
	}
	for (unsigned i = 0;; i++) {
		(void)snprintf(name, sizeof(name), "client-%u", i);
		fd = sl_handover_take_fd(state, name);
		if (fd < 0)
			return;
		(void)sl_ctl_add(s->ctl, fd, false);
	}
}

static void take_knowledge(struct sl_supervisor *s, json_t *state)
{
	const char *was = json_string_value(json_object_get(state, "version"));
	const char *error = json_string_value(json_object_get(state, "last_error"));

	for (size_t i = 0; i < SL_COUNT(numbers); i++)
		*number_of(s, i) = number(state, numbers[i].name);
	s->started.us = (int64_t)number(state, "started_us");
	s->reload_again = json_is_true(json_object_get(state, "reload"));
	(void)snprintf(s->upgrade.was, sizeof(s->upgrade.was), "%s", was == NULL ? "?" : was);
	(void)snprintf(s->last_error.text, sizeof(s->last_error.text), "%s", error == NULL ? "" : error);
	s->last_error.len = strlen(s->last_error.text);
	take_child(state, "engine", &s->engine);
	take_child(state, "next", &s->spare);
	s->engine.state = SL_CHILD_ACTIVE;
	s->spare.state = SL_CHILD_READY;
}

static int take_policy(struct sl_supervisor *s, json_t *state)
{
	int snapshot = sl_handover_take_fd(state, "snapshot");
	int conf = sl_handover_take_fd(state, "policy-conf");

	return sl_bundle_revive(s->conf_path, snapshot, conf, json_object_get(state, "about"), &sl_log_diag,
	                        &s->good);
}

int sl_supervisor_resume(struct sl_supervisor *s, json_t *state)
{
	struct sl_ctl_handler handler = sl_supervisor_ctl_handler(s);
	int err = take_descriptors(s, state);

	take_knowledge(s, state);
	if (err == SL_OK)
		err = take_policy(s, state);
	if (err == SL_OK)
		err = sl_conf_read_fd(s->take.conf, s->conf_path, &sl_log_diag, &s->conf);
	if (err == SL_OK)
		err = sl_ctl_continue(s->conf->control, sl_handover_take_fd(state, "control"), &handler,
		                      &s->ctl);
	if (err == SL_OK)
		err = take_shared(s, state);
	if (err != SL_OK)
		return err;
	sl_supervisor_ctl_rights(s, sl_bundle_conf(s->good));
	sl_audit_open(&s->audit, sl_bundle_conf(s->good)->audit_log);
	take_clients(s, state);
	return SL_OK;
}
