/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "daemon/adopt.h"
#include "daemon/check_query.h"
#include "daemon/clock.h"
#include "daemon/conf_fd.h"
#include "daemon/crash.h"
#include "daemon/file.h"
#include "daemon/ipc.h"
#include "daemon/log.h"
#include "daemon/memory_use.h"
#include "daemon/snapshot_file.h"
#include "daemon/standing.h"
#include "daemon/take.h"
#include "daemon/trouble.h"
#include "daemon/worker.h"

enum { SNAPSHOT, CONF, FDS }; /* of SL_IPC_LOAD */
enum { LAST_FLOWS = SL_IPC_TEXT_MAX - 1024 };

struct engine {
	int ipc;
	struct sl_ipc_msg msg;
	struct sl_conf *conf; /* of the first load: what is not live stays as it was */
	struct sl_policy_slot slot;
	json_t *standing;      /* what stands beside the lists; NULL: nothing was said */
	json_t *standing_next; /* the same, for the policy that comes next; NULL: standing */
	struct sl_group_numbers numbers;
	struct sl_take
	        take; /* kept for the next supervisor, should this one die; workers and log have copies */
	struct sl_shared *shared;
	struct sl_flow_log *log;
	struct sl_seen_names *seen; /* NULL: nobody wants to know */
	struct sl_dns_names *names; /* NULL where the option is off */
	struct sl_syn_log *syns;    /* NULL where no copies of SYNs come */
	struct sl_worker *worker[SL_WORKERS_MAX];
	unsigned workers;
	char last[LAST_FLOWS];
};

static void say(struct engine *e, enum sl_ipc_type type, uint64_t number, struct sl_bytes text)
{
	if (sl_ipc_send(e->ipc, type, number, text, NULL, 0, 0) == SL_ELIMIT)
		(void)sl_ipc_send(e->ipc, type, number, SL_BYTES_LIT("null"), NULL, 0, 0);
}

static void say_json(struct engine *e, enum sl_ipc_type type, uint64_t number, json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT);

	say(e, type, number, sl_bytes_str(text == NULL ? "null" : text));
	free(text);
	json_decref(value);
}

/* The snapshot is mapped, and nothing of it read here but its header: its bodies were verified by the compiler, and the
 * supervisor saw that nobody can change it any more. */
static int map_snapshot(int fd, const struct sl_diag *diag, struct sl_policy **out)
{
	const char *why = NULL;
	int err = sl_snapshot_file_map(fd, SL_SNAPSHOT_JUDGE, &why, out);

	if (err != SL_OK)
		sl_diag(diag, NULL, 0, "the snapshot cannot be used: %s", why);
	return err;
}

/* The policy with groups, in the place of that without; as it is where nothing stands. */
static int regroup(struct engine *e, const json_t *standing, const struct sl_policy *p,
                   struct sl_policy **out)
{
	struct sl_groups *groups = NULL;
	int err = sl_standing_read(standing, sl_policy_snapshot(p), &e->numbers, &groups);

	if (err == SL_OK)
		err = sl_policy_regroup(p, &groups, out);
	sl_groups_free(&groups);
	return err;
}

static void take_standing(struct engine *e, json_t **from)
{
	if (*from == NULL)
		return;
	json_decref(e->standing);
	e->standing = sl_take(from);
}

/* Whatever asks is asked with groups from its first question on. */
static int publish(struct engine *e, struct sl_policy **policy)
{
	const json_t *standing = e->standing_next != NULL ? e->standing_next : e->standing;
	struct sl_policy *grouped = NULL;
	int err = standing == NULL ? SL_OK : regroup(e, standing, *policy, &grouped);

	if (err != SL_OK)
		return err;
	take_standing(e, &e->standing_next);
	sl_policy_slot_publish(&e->slot, grouped != NULL ? grouped : sl_take(policy));
	return SL_OK;
}

static int read_standing(const struct sl_ipc_msg *msg, json_t **out)
{
	struct sl_bytes text;
	int err = msg->fds < 1 ? SL_EMALF : sl_file_read(msg->fd[0], &text);

	if (err != SL_OK)
		return err;
	*out = json_loadb((const char *)text.p, text.len, 0, NULL);
	sl_file_free(&text);
	return *out == NULL ? SL_EMALF : SL_OK;
}

/* For the policy in force, if there is one: else it waits for the first. */
static void stand(struct engine *e)
{
	const struct sl_policy *now = sl_policy_slot_peek(&e->slot);
	struct sl_policy *grouped = NULL;
	json_t *standing = NULL;
	int err = read_standing(&e->msg, &standing);

	if (err == SL_OK && ((e->msg.have & SL_IPC_WITH_NEXT) != 0 || now == NULL)) {
		json_decref(e->standing_next);
		e->standing_next = sl_take(&standing);
	} else if (err == SL_OK) {
		err = regroup(e, standing, now, &grouped);
		if (err == SL_OK)
			sl_policy_slot_publish(&e->slot, grouped);
		if (err == SL_OK)
			take_standing(e, &standing);
	}
	json_decref(standing);
	say(e, err == SL_OK ? SL_IPC_STANDS : SL_IPC_STANDING_FAILED, e->msg.number,
	    sl_bytes_str(err == SL_OK ? "" : sl_strerror(err)));
}

static void load(struct engine *e)
{
	struct sl_trouble t;
	struct sl_diag diag = sl_trouble_diag(&t);
	struct sl_policy *policy = NULL;
	struct sl_conf *conf = NULL;
	const char *name = e->msg.buf;
	int err = e->msg.fds < FDS ? SL_EMALF : sl_conf_read_fd(e->msg.fd[CONF], name, &diag, &conf);

	if (err == SL_OK)
		err = map_snapshot(e->msg.fd[SNAPSHOT], &diag, &policy);
	if (err == SL_OK)
		err = publish(e, &policy);
	if (err != SL_OK) {
		if (t.len == 0)
			sl_diag(&diag, NULL, 0, "%s", sl_strerror(err));
		say(e, SL_IPC_LOAD_FAILED, e->msg.number, sl_bytes_of(t.text, t.len));
	} else {
		if (e->conf == NULL)
			e->conf = sl_take(&conf);
		say(e, SL_IPC_LOADED, e->msg.number, SL_BYTES_LIT(""));
	}
	json_decref(e->standing_next);
	e->standing_next = NULL;
	sl_policy_free(&policy);
	sl_conf_free(&conf);
}

/* -1 for none. */
static int copy_of(int fd)
{
	return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

static int start_worker(struct engine *e, unsigned i)
{
	const struct sl_take *take = &e->take;
	struct sl_worker_cfg cfg = {
		.number = i,
		.queue = copy_of(take->channel[i] >= 0 ? take->channel[i] : take->queue[i]),
		.brokered = take->channel[i] >= 0,
		.raw = { copy_of(take->raw[0]), copy_of(take->raw[1]) },
		.conntrack = copy_of(take->lookup[i] >= 0 ? take->lookup[i] : take->conntrack[i]),
		.provider = copy_of(take->provider),
		.trace = copy_of(take->trace),
		.diag = &sl_log_diag,
		.syns = copy_of(take->syns),
		.syn_log = e->syns,
		.conf = e->conf,
		.slot = &e->slot,
		.log = e->log,
		.shared = &e->shared->worker[i],
		.pause = &e->shared->pause,
		.names = e->names,
	};

	if (getrandom(&cfg.seed, sizeof(cfg.seed), 0) != sizeof(cfg.seed))
		return SL_ESYS;
	return sl_worker_start(&cfg, &e->worker[i]);
}

static int make_names(struct engine *e)
{
	uint64_t seed;

	if (!e->conf->dns_names)
		return SL_OK;
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return SL_ESYS;
	return sl_dns_names_new(e->conf->dns_names_max, seed, &e->names);
}

static int make_syns(struct engine *e)
{
	uint64_t seed;

	if (e->take.syns < 0)
		return SL_OK;
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return SL_ESYS;
	return sl_syn_log_new(e->take.workers, e->conf->mark_mask, seed, &e->syns);
}

static int take_over(struct engine *e)
{
	if (e->conf == NULL || e->workers > 0)
		return SL_EINVAL;
	int err = sl_take_read(&e->msg, &e->take);
	if (err == SL_OK)
		err = sl_shared_map(e->take.shared, &e->shared);
	if (err == SL_OK && e->take.seen >= 0)
		err = sl_seen_names_map(e->take.seen, true, &e->seen);
	if (err == SL_OK)
		err = sl_flow_log_new(e->take.workers, e->conf->flow_log_ring, copy_of(e->take.flow_log),
		                      e->seen, &e->log);
	if (err == SL_OK)
		err = make_names(e);
	if (err == SL_OK)
		err = make_syns(e);
	for (unsigned i = 0; i < e->take.workers && err == SL_OK; i++) {
		err = start_worker(e, i);
		if (err == SL_OK)
			e->workers = i + 1;
	}
	if (err == SL_OK && e->take.adopt >= 0)
		err = sl_adopt_listen(e->take.adopt);
	if (err != SL_OK)
		sl_log(SL_LOG_ERR, "engine: cannot take the queues over: %s (%s)", sl_strerror(err),
		       strerror(errno));
	else
		say(e, SL_IPC_TAKEN, 0, SL_BYTES_LIT(""));
	return err;
}

/* The supervisor is gone. Who judges goes on with it, and gives the next one all that it has. */
static int find_supervisor(struct engine *e)
{
	int err = SL_ENOENT, conn;

	if (e->workers == 0 || e->take.adopt < 0)
		return err;
	(void)close(e->ipc);
	e->ipc = -1;
	sl_log(SL_LOG_ERR,
	       "engine: the supervisor is gone; judging goes on, and the next one will be given the queues");
	while ((err = sl_adopt_accept(e->take.adopt, &conn)) == SL_OK) {
		if (sl_take_send(conn, SL_IPC_ADOPTED, &e->take) == SL_OK) {
			e->ipc = conn;
			return SL_OK;
		}
		(void)close(conn);
	}
	return err;
}

static void check(struct engine *e)
{
	json_t *question = json_loadb((const char *)e->msg.text.p, e->msg.text.len, 0, NULL);
	const struct sl_policy *policy = sl_policy_slot_peek(&e->slot);
	bool explain = json_is_true(json_object_get(question, "explain"));
	json_t *results = json_array(), *item;
	size_t i;

	struct sl_check_who who;
	const char *why = NULL;
	if (policy != NULL && sl_check_who(policy, json_string_value(json_object_get(question, "client")),
	                                   json_string_value(json_object_get(question, "group")),
	                                   sl_clock_wall_us(), &who, &why) != SL_OK) {
		json_array_append_new(results, json_pack("{s:s}", "refused", why));
		policy = NULL;
	}
	json_array_foreach(json_object_get(question, "items"), i,
	                   item) if (policy != NULL && json_is_string(item))
	        json_array_append_new(
	                results, sl_check_query_for(policy, json_string_value(item), explain, NULL, &who));
	json_decref(question);
	say_json(e, SL_IPC_CHECKED, e->msg.number, results);
}

static void reopen_log(struct engine *e)
{
	if (e->log == NULL)
		return;
	int fd = e->msg.fds > 0 ? e->msg.fd[0] : -1;
	if (e->msg.fds > 0)
		e->msg.fd[0] = -1;
	if (e->take.flow_log >= 0)
		(void)close(e->take.flow_log);
	e->take.flow_log = copy_of(fd);
	sl_flow_log_reopen(e->log, fd);
}

static void tap(struct engine *e)
{
	int fd = e->msg.fds > 0 ? e->msg.fd[0] : -1;

	if (e->log == NULL)
		return;
	if (e->msg.fds > 0)
		e->msg.fd[0] = -1;
	sl_flow_log_tap(e->log, fd);
}

static void last_flows(struct engine *e)
{
	size_t len = e->log == NULL ? 0 : sl_flow_log_last(e->log, e->last, sizeof(e->last));

	say(e, SL_IPC_FLOWS_ARE, e->msg.number, sl_bytes_of(e->last, len));
}

static void stop(struct engine *e, enum sl_worker_end how)
{
	for (unsigned i = 0; i < e->workers; i++)
		sl_worker_ask(e->worker[i], how); /* all at once */
	for (unsigned i = 0; i < e->workers; i++)
		sl_worker_stop(&e->worker[i], how);
	if (e->log != NULL)
		sl_flow_log_end(e->log);
	if (e->log != NULL && e->shared != NULL)
		sl_shared_count_log(&e->shared->worker[0],
		                    e->log); /* what came to the file after their end */
	sl_flow_log_free(&e->log);
	sl_seen_names_unmap(&e->seen);
	sl_dns_names_free(&e->names);
	sl_syn_log_free(&e->syns);
	sl_policy_slot_publish(&e->slot, NULL);
	sl_shared_unmap(&e->shared);
	json_decref(e->standing);
	json_decref(e->standing_next);
	sl_conf_free(&e->conf);
	sl_take_close(&e->take);
}

static void interrupt(int signal_number)
{
	(void)signal_number;
}

/* Terminal signals are the supervisor's business; SIGUSR2 only interrupts a worker's wait. */
static void set_signals(void)
{
	struct sigaction nothing = { .sa_handler = interrupt };
	sigset_t set;

	(void)sigaction(SIGUSR2, &nothing, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigfillset(&set);
	(void)sigdelset(&set, SIGUSR2);
	(void)sigdelset(&set, SIGSEGV);
	(void)sigdelset(&set, SIGBUS);
	(void)sigdelset(&set, SIGFPE);
	(void)sigdelset(&set, SIGILL);
	(void)sigdelset(&set, SIGABRT);
	(void)sigprocmask(SIG_SETMASK, &set, NULL);
}

/* Until it is told to end, or has no supervisor and never had the queues. */
static int serve(struct engine *e, enum sl_worker_end *how)
{
	for (;;) {
		int err = sl_ipc_receive(e->ipc, &e->msg);
		if (err == SL_ENOENT && find_supervisor(e) == SL_OK)
			continue;
		if (err != SL_OK)
			return err;
		uint32_t type = e->msg.type;
		if (type == SL_IPC_LOAD)
			load(e);
		else if (type == SL_IPC_TAKE)
			err = take_over(e);
		else if (type == SL_IPC_LOG)
			reopen_log(e);
		else if (type == SL_IPC_TAP)
			tap(e);
		else if (type == SL_IPC_FLOWS)
			last_flows(e);
		else if (type == SL_IPC_LOG_LEVEL)
			sl_log_set_level((enum sl_log_level)e->msg.number);
		else if (type == SL_IPC_CHECK)
			check(e);
		else if (type == SL_IPC_MEMORY && e->shared != NULL)
			sl_memory_use_read(&e->shared->engine_heap);
		else if (type == SL_IPC_STANDING)
			stand(e);
		sl_ipc_close_fds(&e->msg);
		*how = type == SL_IPC_YIELD ? SL_WORKER_LEAVE : SL_WORKER_RELEASE;
		if (err != SL_OK || type == SL_IPC_STOP || type == SL_IPC_YIELD)
			return err;
	}
}

static int run(int ipc, const struct sl_priv_user *user, int (*drop)(const struct sl_priv_user *user))
{
	struct engine *e = calloc(1, sizeof(*e));
	enum sl_worker_end how = SL_WORKER_RELEASE;
	int err;

	set_signals();
	sl_crash_tell("engine");
	if (e == NULL || drop(user) != SL_OK) {
		sl_log(SL_LOG_ERR, "engine: cannot give up privileges: %s", strerror(errno));
		free(e);
		return EXIT_FAILURE;
	}
	if (sl_engine_box() != SL_OK)
		sl_log(SL_LOG_WARN,
		       "engine: no Landlock or no seccomp (%s): it judges without it, as its own user",
		       strerror(errno));
	e->ipc = ipc;
	sl_take_none(&e->take);
	err = serve(e, &how);
	stop(e, how);
	free(e);
	return err == SL_OK || err == SL_ENOENT ? EXIT_SUCCESS : EXIT_FAILURE;
}

int sl_engine_run(int ipc, const struct sl_priv_user *user)
{
	return run(ipc, user, sl_priv_drop);
}

int sl_engine_run_brokered(int ipc, const struct sl_priv_user *user)
{
	return run(ipc, user, sl_priv_drop_all);
}

const char *sl_engine_role(const struct sl_conf *conf)
{
	return conf->verdicts == 0 ? "--engine" : "--engine-brokered";
}
