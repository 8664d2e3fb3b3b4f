/* SPDX-License-Identifier: GPL-2.0-or-later */
/* supervisor_operator.c - groups, roles and the operator's words on their way to the engine, and to the disk. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/out.h"
#include "daemon/file.h"
#include "daemon/log.h"
#include "daemon/standing.h"
#include "daemon/supervisor_state.h"

enum { KEEP_AGAIN_MS = 60000, ANSWER_MS = 8000 };

static const char not_kept[] =
        "it is in force, but could not be written to the disk: a restart would forget it";
static const char file_name[] = "operator.json", last_name[] = "operator.json.last";

/* ---- to the engine ---- */

static void local_now(struct tm *local)
{
	time_t now = time(NULL);

	tzset(); /* the zone may have been set anew */
	(void)localtime_r(&now, local);
}

static int memory_file(json_t *value, const char *name)
{
	char *text = value == NULL ? NULL : json_dumps(value, JSON_INDENT(1));
	int fd = text == NULL ? -1 : memfd_create(name, MFD_CLOEXEC);
	size_t len = text == NULL ? 0 : strlen(text);

	if (fd >= 0 && write(fd, text, len) != (ssize_t)len) {
		(void)close(fd);
		fd = -1;
	}
	free(text);
	json_decref(value);
	return fd;
}

void sl_supervisor_send_standing(struct sl_supervisor *s, const struct sl_conf *conf, int ipc, bool with_next)
{
	struct sl_operator_state *o = &s->orders;
	struct tm local;

	if (conf->provider != SL_PROVIDER_POLICY)
		return;
	local_now(&local);
	int fd = memory_file(sl_standing_write(conf, &o->said, &o->interfaces, &local), "sluice-standing");
	if (fd < 0 || sl_ipc_send(ipc, SL_IPC_STANDING, ++o->sent, (struct sl_bytes){ NULL, 0 }, &fd, 1,
	                          with_next ? SL_IPC_WITH_NEXT : 0) != SL_OK)
		sl_log(SL_LOG_ERR, "the engine was not told of groups and exceptions: %s", strerror(errno));
	if (fd >= 0)
		(void)close(fd);
}

void sl_supervisor_renew_standing(struct sl_supervisor *s)
{
	if (s->good != NULL && s->ready && s->engine.state == SL_CHILD_ACTIVE)
		sl_supervisor_send_standing(s, sl_bundle_conf(s->good), s->engine.ipc, false);
}

/* ---- clients that wait ---- */

static void answer_if_done(struct sl_supervisor *s, struct sl_operator_waiting *w)
{
	if (w->client == 0 || w->stands != 0 || w->kept != 0)
		return;
	sl_ctl_reply(s->ctl, w->client, sl_take(&w->reply));
	w->client = 0;
}

void sl_supervisor_stands(struct sl_supervisor *s)
{
	if (s->msg.type == SL_IPC_STANDING_FAILED)
		sl_log(SL_LOG_ERR, "groups and exceptions stay as they were: the engine says: %.*s",
		       (int)s->msg.text.len, (const char *)s->msg.text.p);
	for (size_t i = 0; i < SL_OPERATOR_WAITING; i++) {
		struct sl_operator_waiting *w = &s->orders.waiting[i];
		if (w->client == 0 || w->stands == 0 || w->stands > s->msg.number)
			continue;
		w->stands = 0;
		if (s->msg.type == SL_IPC_STANDING_FAILED)
			(void)json_object_set_new(w->reply, "warning",
			                          json_string("the engine did not take it; see the log"));
		answer_if_done(s, w);
	}
}

static void kept(struct sl_supervisor *s, const char *warning)
{
	struct sl_operator_state *o = &s->orders;

	for (size_t i = 0; i < SL_OPERATOR_WAITING; i++) {
		struct sl_operator_waiting *w = &o->waiting[i];
		if (w->client == 0 || w->kept == 0 || w->kept > o->keeping)
			continue;
		w->kept = 0;
		if (warning != NULL)
			(void)json_object_set_new(w->reply, "warning", json_string(warning));
		answer_if_done(s, w);
	}
}

static void answer_late(struct sl_supervisor *s, struct sl_mono now)
{
	for (size_t i = 0; i < SL_OPERATOR_WAITING; i++) {
		struct sl_operator_waiting *w = &s->orders.waiting[i];
		if (w->client == 0 || !sl_mono_reached(now, w->by))
			continue;
		(void)json_object_set_new(w->reply, "warning",
		                          json_string(w->stands != 0 ? "no engine has confirmed it yet"
		                                                     : "it is not on the disk yet"));
		w->stands = w->kept = 0;
		answer_if_done(s, w);
	}
}

/* ---- the file ---- */

static bool keeps(const struct sl_supervisor *s)
{
	return s->kept.folder[0] != '\0';
}

static void path_of(const struct sl_supervisor *s, const char *name, char *out, size_t cap)
{
	(void)snprintf(out, cap, "%s/%s", s->kept.folder, name);
}

static int read_one(const struct sl_supervisor *s, const char *name, struct sl_operator *out)
{
	char path[4200];
	struct sl_bytes text;

	path_of(s, name, path, sizeof(path));
	int fd = sl_file_open(path);
	if (fd < 0)
		return errno == ENOENT ? SL_ENOENT : SL_ESYS;
	int err = sl_file_read(fd, &text);
	(void)close(fd);
	if (err == SL_OK) {
		err = sl_operator_read(path, text, &sl_log_diag, out);
		sl_file_free(&text);
	}
	return err;
}

/* A bad file stays where somebody can look at it: it would be written over by the next change. */
static void put_aside(const struct sl_supervisor *s)
{
	char path[4200], bad[4200];

	path_of(s, file_name, path, sizeof(path));
	path_of(s, "operator.json.bad", bad, sizeof(bad));
	if (rename(path, bad) == 0)
		sl_log(SL_LOG_ERR, "%s is kept as %s", path, bad);
}

void sl_supervisor_operator_open(struct sl_supervisor *s)
{
	struct sl_operator_state *o = &s->orders;
	struct tm local;

	if (sl_interfaces_read(&o->interfaces) != SL_OK)
		sl_log(SL_LOG_WARN,
		       "the interfaces cannot be listed: %s; groups by interface or VLAN are empty",
		       strerror(errno));
	o->watch = sl_interfaces_watch();
	local_now(&local);
	const struct sl_bundle *b = s->good != NULL ? s->good : s->next;
	if (b != NULL)
		o->moment = sl_standing_moment(sl_bundle_conf(b), &local);
	if (!keeps(s))
		return;
	int err = read_one(s, file_name, &o->said);
	if (err == SL_OK || err == SL_ENOENT)
		return;
	int second = read_one(s, last_name, &o->said);
	sl_log(SL_LOG_ERR, "%s/%s cannot be used; exceptions and armed lists %s", s->kept.folder, file_name,
	       second == SL_OK ? "are those before the last change" : "are lost: say them again");
	put_aside(s);
}

/* The next file, and behind it the one that is there now. */
static int send_to_keeper(struct sl_supervisor *s)
{
	char names[4300], path[4200];
	struct sl_out o = sl_out_of(names, sizeof(names));
	int fd[2] = { memory_file(sl_operator_json(&s->orders.said), "sluice-operator"), -1 };
	unsigned n = 1;

	sl_out_fmt(&o, "%s", s->kept.folder);
	sl_out_u8(&o, '\0');
	path_of(s, file_name, path, sizeof(path));
	fd[1] = sl_file_open(path);
	if (fd[1] >= 0) {
		sl_out_bytes(&o, last_name, sizeof(last_name));
		n = 2;
	}
	sl_out_bytes(&o, file_name, sizeof(file_name));
	const int order[2] = { n == 2 ? fd[1] : fd[0], fd[0] };
	int err = fd[0] < 0 || o.overflow ? SL_ESYS
	                                  : sl_ipc_send(s->orders.keeper.ipc, SL_IPC_KEEP, 0,
	                                                sl_bytes_of(names, o.len), order, n, 0);
	for (int i = 0; i < 2; i++)
		if (fd[i] >= 0)
			(void)close(fd[i]);
	return err;
}

static void failed(struct sl_supervisor *s)
{
	struct sl_operator_state *o = &s->orders;

	sl_log(SL_LOG_ERR,
	       "exceptions and armed lists are in force and are not kept: %s; tried again every minute",
	       o->error.text);
	o->keep_at = sl_mono_add(sl_clock_now(), sl_span_ms(KEEP_AGAIN_MS));
	kept(s, not_kept);
}

/* One at a time: what changes meanwhile is written by the next. */
static void keep(struct sl_supervisor *s)
{
	static const struct sl_priv_user root = { 0, 0, false };
	struct sl_operator_state *o = &s->orders;
	struct sl_diag diag = sl_trouble_diag(&o->error);

	o->keep_at = sl_clock_now();
	if (o->keeper.pid > 0)
		return;
	o->keeping = o->changes;
	int err = sl_child_start(&o->keeper, "--keeper", &root);
	if (err == SL_OK)
		err = send_to_keeper(s);
	if (err == SL_OK) {
		o->keep_at.us = 0;
		return;
	}
	sl_diag(&diag, NULL, 0, "the keeper cannot be started: %s", strerror(errno));
	if (o->keeper.pid > 0)
		sl_child_signal(&o->keeper, SIGKILL);
	failed(s);
}

void sl_supervisor_operator_message(struct sl_supervisor *s)
{
	struct sl_operator_state *o = &s->orders;

	if (sl_ipc_receive(o->keeper.ipc, &s->msg) != SL_OK)
		return;                   /* it is dying: the signal tells */
	o->keeper.state = SL_CHILD_READY; /* it has spoken */
	if (s->msg.type == SL_IPC_KEPT) {
		o->error = (struct sl_trouble){ 0 };
		o->kept = o->keeping;
		kept(s, NULL);
	} else if (s->msg.type == SL_IPC_KEEP_FAILED) {
		struct sl_diag diag = sl_trouble_diag(&o->error);
		sl_diag(&diag, NULL, 0, "%.*s", (int)s->msg.text.len, (const char *)s->msg.text.p);
		failed(s);
	}
	sl_ipc_close_fds(&s->msg);
}

void sl_supervisor_operator_event(struct sl_supervisor *s)
{
	struct sl_operator_state *o = &s->orders;
	int status;

	if (o->keeper.pid > 0 && o->keeper.state != SL_CHILD_READY)
		sl_supervisor_operator_message(s);
	bool spoke = o->keeper.state == SL_CHILD_READY;
	if (!sl_child_ended(&o->keeper, &status) || spoke)
		return;
	struct sl_diag diag = sl_trouble_diag(&o->error);
	sl_diag(&diag, NULL, 0, "the keeper died");
	failed(s);
}

/* ---- changes ---- */

void sl_supervisor_operator_changed(struct sl_supervisor *s, uint64_t client, json_t *reply)
{
	struct sl_operator_state *o = &s->orders;
	struct sl_operator_waiting *w = NULL;

	o->changes++;
	sl_supervisor_renew_standing(s);
	if (keeps(s))
		keep(s);
	else if (reply != NULL)
		(void)json_object_set_new(reply, "warning",
		                          json_string("it is in force until sluiced ends: there is no folder "
		                                      "state in which it could be kept (sluice.yaml)"));
	if (client == 0)
		return;
	for (size_t i = 0; i < SL_OPERATOR_WAITING && w == NULL; i++)
		if (o->waiting[i].client == 0)
			w = &o->waiting[i];
	if (w == NULL) {
		sl_ctl_reply(s->ctl, client, reply);
		return;
	}
	*w = (struct sl_operator_waiting){ .client = client,
		                           .reply = reply,
		                           .stands = s->engine.state == SL_CHILD_ACTIVE ? o->sent : 0,
		                           .kept = o->keeper.pid > 0 ? o->changes : 0,
		                           .by = sl_mono_add(sl_clock_now(), sl_span_ms(ANSWER_MS)) };
	if (keeps(s) && w->kept == 0)
		(void)json_object_set_new(reply, "warning", json_string(not_kept));
	answer_if_done(s, w);
}

/* ---- the clock ---- */

static void drop_expired(struct sl_supervisor *s, int64_t now)
{
	struct sl_operator *said = &s->orders.said;
	const struct sl_operator_entry *e;
	bool any = false;

	while ((e = sl_operator_expired(said, now)) != NULL) {
		sl_log(SL_LOG_NOTICE, "exception %u is over: %s %s%s%s", e->id,
		       sl_operator_what_name(e->what), e->name, e->group == NULL ? "" : " for group ",
		       e->group == NULL ? "" : e->group);
		sl_operator_remove(said, e->id);
		any = true;
	}
	if (any)
		sl_supervisor_operator_changed(s, 0, NULL);
}

static void turn_schedules(struct sl_supervisor *s)
{
	struct tm local;
	const struct sl_conf *c = sl_bundle_conf(s->good);

	if (c->groups == 0)
		return;
	local_now(&local);
	uint64_t moment = sl_standing_moment(c, &local);
	bool same = moment == s->orders.moment, anew = c != s->orders.conf;
	s->orders.moment = moment;
	s->orders.conf = c;
	if (same || anew) /* with a policy its roles went along */
		return;
	sl_log(SL_LOG_INFO, "a schedule of groups has begun or ended");
	sl_supervisor_renew_standing(s);
}

static void look_at_interfaces(struct sl_supervisor *s)
{
	struct sl_operator_state *o = &s->orders;
	struct sl_interfaces next;

	if (!sl_interfaces_changed(o->watch) || sl_interfaces_read(&next) != SL_OK)
		return;
	sl_interfaces_free(&o->interfaces);
	o->interfaces = next;
	if (sl_bundle_conf(s->good)->groups > 0)
		sl_supervisor_renew_standing(s);
}

void sl_supervisor_operator_timers(struct sl_supervisor *s, struct sl_mono now)
{
	struct sl_operator_state *o = &s->orders;
	int64_t second = sl_clock_wall_us() / 1000000;

	answer_late(s, now);
	if (o->keep_at.us != 0 && o->keeper.pid <= 0 && sl_mono_reached(now, o->keep_at))
		keep(s);
	if (second == o->looked || s->good == NULL || !s->ready)
		return;
	o->looked = second;
	drop_expired(s, second);
	turn_schedules(s);
	look_at_interfaces(s);
}

void sl_supervisor_operator_close(struct sl_supervisor *s)
{
	struct sl_operator_state *o = &s->orders;

	for (size_t i = 0; i < SL_OPERATOR_WAITING; i++)
		json_decref(o->waiting[i].reply);
	sl_operator_free(&o->said);
	sl_interfaces_free(&o->interfaces);
	if (o->watch >= 0)
		(void)close(o->watch);
}
