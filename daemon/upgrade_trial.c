/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/upgrade_trial.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/bundle.h"
#include "daemon/child.h"
#include "daemon/conf_fd.h"
#include "daemon/engine.h"
#include "daemon/handover.h"
#include "daemon/ipc.h"
#include "daemon/log.h"
#include "daemon/trouble.h"

struct trial {
	json_t *state;
	int report;
	struct sl_trouble why;
	struct sl_diag diag; /* into why */
	const char *conf_path;
	int conf; /* as at the start; the state's */
	struct sl_priv_user user, list_user;
	const char *role; /* of its engine */
	uint64_t generation;
	struct sl_child engine, compiler;
	struct sl_bundle *policy;
	bool compiled; /* by this program */
	struct sl_ipc_msg msg;
};

static void say(const struct trial *t, enum sl_ipc_type type, const char *text)
{
	(void)sl_ipc_send(t->report, type, 0, sl_bytes_str(text), NULL, 0, 0);
}

/* The next message of a child; its end is told. */
static int await(struct trial *t, const struct sl_child *c, const char *who)
{
	struct pollfd fd = { c->ipc, POLLIN, 0 };
	int err;

	while (poll(&fd, 1, -1) < 0 && errno == EINTR)
		;
	err = sl_ipc_receive(c->ipc, &t->msg);
	if (err != SL_OK)
		sl_diag(&t->diag, NULL, 0, "its %s ended before it was ready", who);
	return err;
}

/* The options that the new program goes by, and the user: as the old one had them. */
static int read_conf(struct trial *t)
{
	struct sl_conf *conf = NULL;
	int err = sl_conf_read_fd(t->conf, t->conf_path, &t->diag, &conf);

	if (err == SL_OK) {
		t->user = sl_priv_lookup(conf->user);
		t->role = sl_engine_role(conf);
		t->list_user = sl_priv_lookup_lists(conf->list_user, &t->user);
	}
	sl_conf_free(&conf);
	return err;
}

static int read_state(struct trial *t, int fd)
{
	int err = sl_handover_read(fd, &t->diag, &t->state);

	if (err != SL_OK)
		return err;
	sl_handover_inherit(t->state, false); /* neither engine nor compiler gets more than it is given */
	t->conf_path = json_string_value(json_object_get(t->state, "config"));
	t->conf = sl_handover_fd(t->state, "conf");
	t->generation = (uint64_t)json_integer_value(json_object_get(t->state, "generation"));
	if (t->conf_path == NULL) {
		sl_diag(&t->diag, NULL, 0, "what is handed over names no configuration");
		return SL_EMALF;
	}
	return read_conf(t);
}

/* SL_EUNSUP: the engine does not understand the snapshot. */
static int load(struct trial *t)
{
	int err = sl_bundle_send(t->policy, t->conf, t->engine.ipc, t->generation);

	if (err == SL_OK)
		err = await(t, &t->engine, "engine");
	if (err != SL_OK)
		return err;
	sl_ipc_close_fds(&t->msg);
	if (t->msg.type == SL_IPC_LOADED)
		return SL_OK;
	sl_diag(&t->diag, NULL, 0, "its engine cannot load the policy: %.*s", (int)t->msg.text.len,
	        (const char *)t->msg.text.p);
	return SL_EUNSUP;
}

static int load_old(struct trial *t)
{
	int snapshot = sl_handover_fd(t->state, "snapshot"), conf = sl_handover_fd(t->state, "policy-conf");
	int err = sl_bundle_revive(t->conf_path, snapshot, conf, json_object_get(t->state, "about"), &t->diag,
	                           &t->policy);

	return err == SL_OK ? load(t) : SL_EUNSUP;
}

static int compile(struct trial *t)
{
	int err = sl_bundle_read(t->conf_path, &t->diag, &t->policy);

	if (err == SL_OK)
		err = sl_bundle_open_lists(t->policy, NULL, &t->diag);

	if (err == SL_OK)
		err = sl_child_start(&t->compiler, "--compiler", &t->list_user);
	if (err == SL_OK)
		err = sl_bundle_compile(t->policy, t->compiler.ipc, t->generation, true, NULL);
	if (err == SL_OK)
		err = await(t, &t->compiler, "compiler");
	if (err != SL_OK)
		return err;
	sl_ipc_close_fds(&t->msg);
	if (t->msg.type != SL_IPC_COMPILED) {
		sl_diag(&t->diag, NULL, 0, "%.*s", (int)t->msg.text.len, (const char *)t->msg.text.p);
		return SL_EMALF;
	}
	t->compiled = true;
	return sl_bundle_compiled(t->policy,
	                          json_loadb((const char *)t->msg.text.p, t->msg.text.len, 0, NULL));
}

/* Its own engine, with the policy in force; where another version's snapshot says nothing to it, with the lists as they are. */
static int prepare(struct trial *t)
{
	int err = sl_child_start(&t->engine, t->role, &t->user);

	if (err == SL_OK)
		err = load_old(t);
	if (err != SL_EUNSUP)
		return err;
	say(t, SL_IPC_TRIAL_COMPILES, t->why.text);
	t->diag = sl_trouble_diag(&t->why);
	sl_bundle_free(&t->policy);
	t->generation++;
	err = compile(t);
	return err == SL_OK ? load(t) : err;
}

static int report_ready(const struct trial *t)
{
	int fd[3] = { t->engine.ipc, -1, -1 };
	char *about = json_dumps(sl_bundle_about(t->policy), JSON_COMPACT | JSON_ENCODE_ANY);

	sl_bundle_lend(t->policy, &fd[1], &fd[2]);
	int err = sl_ipc_send(t->report, SL_IPC_TRIAL_READY, (uint64_t)t->engine.pid,
	                      sl_bytes_str(about == NULL ? "null" : about), fd, t->compiled ? 3 : 1, 0);
	free(about);
	return err;
}

int sl_upgrade_trial(int state, int report)
{
	struct trial *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return EXIT_FAILURE;
	(void)fcntl(report, F_SETFD, FD_CLOEXEC);
	t->report = report;
	t->engine.ipc = t->compiler.ipc = -1;
	t->diag = sl_trouble_diag(&t->why);
	int err = read_state(t, state);
	if (err == SL_OK)
		err = prepare(t);
	if (err == SL_OK)
		err = report_ready(t);
	if (err == SL_OK)
		return EXIT_SUCCESS; /* the engine is the supervisor's, this process was for that alone */
	if (t->why.len == 0)
		sl_diag(&t->diag, NULL, 0, "%s", err == SL_ESYS ? strerror(errno) : sl_strerror(err));
	say(t, SL_IPC_TRIAL_FAILED, t->why.text);
	return EXIT_FAILURE;
}
