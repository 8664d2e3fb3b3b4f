/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/util.h"
#include "daemon/clock.h"
#include "daemon/flow_log.h"
#include "daemon/flow_log_file.h"
#include "daemon/json_text.h"
#include "daemon/log.h"

enum { RING = 65536 };

void sl_audit_open(struct sl_audit *a, const char *path)
{
	static const struct sl_priv_user root = { 0, 0, false };
	int fd = path[0] == '\0' ? -1 : sl_flow_log_file_open(path, &root);

	if (a->file != NULL)
		sl_flow_log_reopen(a->file, fd);
	else if (fd >= 0 && sl_flow_log_new_text(RING, fd, &a->file) != SL_OK)
		sl_log(SL_LOG_ERR, "audit log %s: no memory or no thread; changes are told to this log alone",
		       path);
}

static void forget(struct sl_audit_entry *e)
{
	json_decref(e->args);
	*e = (struct sl_audit_entry){ 0 };
}

void sl_audit_close(struct sl_audit *a)
{
	for (size_t i = 0; i < SL_AUDIT_PENDING; i++)
		forget(&a->pending[i]);
	sl_flow_log_free(&a->file);
}

static struct sl_audit_entry *find(struct sl_audit *a, uint64_t client)
{
	for (size_t i = 0; i < SL_AUDIT_PENDING; i++)
		if (a->pending[i].client == client)
			return &a->pending[i];
	return NULL;
}

/* As it was asked, but for its version; where it is longer than a line of the log may be, only what was asked for. */
static json_t *args_of(const json_t *request)
{
	json_t *args = json_deep_copy(request);
	char *text = json_dumps(args, JSON_COMPACT);
	bool fits = text != NULL && strlen(text) <= SL_AUDIT_ARGS_MAX;

	free(text);
	(void)json_object_del(args, "v");
	if (fits)
		return args;
	json_decref(args);
	return json_pack("{s:O?, s:b}", "cmd", json_object_get(request, "cmd"), "too_long", 1);
}

void sl_audit_begin(struct sl_audit *a, uint64_t client, const struct sl_ctl_peer *peer, const json_t *args)
{
	struct sl_audit_entry *e = find(a, 0);

	/* There are as many places as clients, and a client asks once at a time; but one that has gone leaves its change behind. */
	if (e == NULL) {
		sl_log(SL_LOG_WARN, "control: changes of %d clients are under way", SL_AUDIT_PENDING);
		e = &a->pending[0];
		forget(e);
	}
	*e = (struct sl_audit_entry){ client, *peer, args_of(args) };
}

static void write_file(struct sl_audit *a, const struct sl_audit_entry *e, bool ok, const char *error)
{
	int64_t us = sl_clock_wall_us();
	time_t second = (time_t)(us / 1000000);
	struct tm at;
	char when[64], stamp[96];

	if (a->file == NULL || gmtime_r(&second, &at) == NULL)
		return;
	(void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &at);
	(void)snprintf(stamp, sizeof(stamp), "%s.%06lld+0000", when, (long long)(us % 1000000));
	json_t *line = json_pack("{s:s, s:I, s:I, s:i, s:s, s:O?, s:O, s:b}", "timestamp", stamp, "uid",
	                         (json_int_t)e->peer.uid, "gid", (json_int_t)e->peer.gid, "pid",
	                         (int)e->peer.pid, "comm", e->peer.comm, "cmd",
	                         json_object_get(e->args, "cmd"), "args", e->args, "ok", ok);
	if (!ok)
		(void)json_object_set_new(line, "error", sl_json_text(sl_bytes_str(error)));
	char *text = json_dumps(line, JSON_COMPACT);
	if (text != NULL) {
		size_t len = strlen(text);
		text[len] = '\n'; /* in the place of the NUL: by length */
		sl_flow_log_put_text(a->file, sl_bytes_of(text, len + 1));
	}
	free(text);
	json_decref(line);
}

/* On one line, whatever a file's name in it holds. */
static void one_line(const char *text, char *out, size_t size)
{
	(void)snprintf(out, size, "%s", text);
	for (; *out != '\0'; out++)
		if ((unsigned char)*out < 0x20 || *out == 0x7f)
			*out = ' ';
}

void sl_audit_end(struct sl_audit *a, uint64_t client, const json_t *reply)
{
	struct sl_audit_entry *e = client == 0 ? NULL : find(a, client);
	bool ok = json_is_true(json_object_get(reply, "ok"));
	const char *error = json_string_value(json_object_get(reply, "error"));

	if (e == NULL)
		return;
	char *args = json_dumps(e->args, JSON_COMPACT | JSON_ENSURE_ASCII);
	char why[512];
	error = error == NULL ? "out of memory" : error;
	one_line(error, why, sizeof(why));
	sl_log(SL_LOG_NOTICE, "control: uid %u, pid %d (%s): %s: %s%s", (unsigned)e->peer.uid,
	       (int)e->peer.pid, e->peer.comm, args == NULL ? "?" : args,
	       ok ? "done" : "refused: ", ok ? "" : why);
	write_file(a, e, ok, error);
	free(args);
	forget(e);
}

json_t *sl_audit_state(const struct sl_audit *a, uint64_t client)
{
	for (size_t i = 0; i < SL_AUDIT_PENDING; i++) {
		const struct sl_audit_entry *e = &a->pending[i];
		if (client != 0 && e->client == client)
			return json_pack("{s:I, s:I, s:i, s:s, s:O}", "uid", (json_int_t)e->peer.uid, "gid",
			                 (json_int_t)e->peer.gid, "pid", (int)e->peer.pid, "comm",
			                 e->peer.comm, "args", e->args);
	}
	return NULL;
}

void sl_audit_resume(struct sl_audit *a, uint64_t client, const json_t *state)
{
	const char *comm = json_string_value(json_object_get(state, "comm"));
	struct sl_ctl_peer peer = {
		.uid = (uid_t)json_integer_value(json_object_get(state, "uid")),
		.gid = (gid_t)json_integer_value(json_object_get(state, "gid")),
		.pid = (pid_t)json_integer_value(json_object_get(state, "pid")),
	};

	if (comm == NULL || !json_is_object(json_object_get(state, "args")))
		return;
	(void)snprintf(peer.comm, sizeof(peer.comm), "%s", comm);
	sl_audit_begin(a, client, &peer, json_object_get(state, "args"));
}
