/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "daemon/adopt.h"
#include "daemon/broker.h"
#include "daemon/fd_store.h"
#include "daemon/flow_log_file.h"
#include "daemon/handover.h"
#include "daemon/log.h"
#include "daemon/ne_parking.h"
#include "daemon/nfq.h"
#include "daemon/nfq_left.h"
#include "daemon/refuse.h"
#include "daemon/seen_names.h"
#include "daemon/supervisor_events.h"
#include "daemon/supervisor_requests.h"
#include "daemon/syn_log.h"

enum { STOP_LIMIT_MS = 3000, TICK_MS = 100, IDLE_MS = 1000 };

unsigned sl_supervisor_workers(const struct sl_conf *c)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	size_t n = c->workers != 0 ? c->workers : (size_t)(cores < 1 ? 1 : cores);

	if (c->provider != SL_PROVIDER_POLICY)
		return 1; /* a content filter */
	return (unsigned)sl_min(sl_min(n, c->queue_count), SL_WORKERS_MAX);
}

static int open_queues(struct sl_supervisor *s)
{
	const struct sl_conf *c = s->conf;
	struct sl_nfq_cfg cfg = { c->queue_length, sl_conf_copy_range(c), (uint32_t)c->receive_buffer,
		                  c->fail_open };
	struct sl_nfq_cfg parking = { c->max_parked, SL_NE_PARKING_COPY, 0, false };
	int err = SL_OK;

	if (s->take.workers == 0)
		s->take.workers = sl_supervisor_workers(c);
	for (unsigned i = 0; i < s->take.workers && err == SL_OK; i++) {
		bool fresh = s->take.queue[i] < 0; /* else taken from an engine, or from an earlier program */
		if (fresh)
			err = sl_nfq_open(&cfg, (uint16_t)c->queue_first, sl_conf_queues(c), i,
			                  s->take.workers, &sl_log_diag, &s->take.queue[i]);
		if (err == SL_OK && fresh && c->provider != SL_PROVIDER_POLICY)
			err = sl_nfq_bind(s->take.queue[i], &parking, sl_conf_parking_queue(c), &sl_log_diag);
		if (err == SL_OK && c->refuse == 0 && s->take.conntrack[i] < 0)
			s->take.conntrack[i] = sl_conntrack_socket();
	}
	return err;
}

/* Where the kernel has no copies for us, or nobody could read them, sluice filters all the same, and says so. */
static void open_syns(struct sl_supervisor *s)
{
	const struct sl_conf *c = s->conf;

	if (s->take.syns < 0 && sl_rules_copies(s->rules))
		(void)sl_syn_log_open((uint16_t)c->queue_first, (uint32_t)c->receive_buffer, &sl_log_diag,
		                      &s->take.syns);
	if (s->take.syns < 0)
		sl_rules_without_copies(s->rules);
	if (c->provider == SL_PROVIDER_POLICY && c->tcp_hold == 0 && s->take.syns < 0)
		sl_log(SL_LOG_WARN,
		       "no copies of SYNs: where connections begin is guessed (tcp_hold: syn would know)");
}

/* Sockets that tell the servers of refused connections. Without them sluice filters all the same, and says so. */
static void open_raw(struct sl_supervisor *s)
{
	if (s->conf->refuse == 0 && s->take.raw[0] < 0 && s->take.raw[1] < 0 &&
	    sl_refuse_sockets(0, s->take.raw) != SL_OK)
		sl_log(SL_LOG_WARN, "raw sockets: %s; servers of refused connections will not be told",
		       strerror(errno));
}

static void find_user(struct sl_supervisor *s)
{
	s->user = sl_priv_lookup(s->conf->user);
	if (!s->user.found)
		sl_log(SL_LOG_NOTICE,
		       "there is no user '%s': the engine runs as root with CAP_NET_ADMIN only",
		       s->conf->user);
	s->list_user = sl_priv_lookup_lists(s->conf->list_user, &s->user);
}

/* What an earlier version did not have, and so did not leave, is opened here. */
static int open_missing(struct sl_supervisor *s)
{
	int err = open_queues(s);

	if (err == SL_OK && s->shared == NULL)
		err = sl_shared_new(s->take.workers, &s->take.shared, &s->shared);
	if (err != SL_OK)
		return err;
	open_syns(s);
	open_raw(s);
	if (s->conf->dry_run && s->take.seen < 0)
		s->take.seen = sl_seen_names_file(); /* without it no policy is tried before */
	if (s->take.flow_log < 0)
		s->take.flow_log = sl_flow_log_file_open(s->conf->flow_log, &s->user);
	return sl_supervisor_open_filter(s);
}

static int open_all(struct sl_supervisor *s)
{
	struct sl_ctl_handler handler = sl_supervisor_ctl_handler(s);
	int err = sl_bundle_read(s->conf_path, &sl_log_diag, &s->next);

	if (err == SL_OK)
		err = sl_bundle_parse(s->next, &sl_log_diag, &s->conf);
	if (err == SL_OK && (s->take.conf = sl_bundle_conf_fd(s->next)) < 0)
		err = SL_ESYS;
	if (err != SL_OK)
		return err;
	find_user(s);
	err = sl_ctl_open(s->conf->control, &handler, &sl_log_diag, &s->ctl);
	if (err != SL_OK)
		return err;
	sl_supervisor_ctl_rights(s, s->conf);
	sl_audit_open(&s->audit, s->conf->audit_log);
	sl_supervisor_adopt(s);
	err = sl_supervisor_rules_open(s, NULL);
	if (err == SL_OK)
		err = open_missing(s);
	if (err == SL_OK)
		sl_supervisor_pause_resume(s);
	if (err == SL_OK && s->conf->provider != SL_PROVIDER_POLICY && s->conf->starting != 0) {
		/* Closed from the first moment: what comes waits in the queues (NE-CHOICE-16). */
		err = sl_supervisor_rules_install(s);
		s->rules_stand = true;
	}
	return err;
}

/* At an upgrade: everything is there, and an engine judges. */
static int resume_all(struct sl_supervisor *s, int fd)
{
	json_t *state = NULL;
	int err = sl_handover_read(fd, &sl_log_diag, &state);

	if (err == SL_OK)
		err = sl_supervisor_resume(s, state);
	if (err == SL_OK) {
		find_user(s);
		err = sl_supervisor_rules_open(s, json_object_get(state, "rules"));
	}
	if (err == SL_OK)
		err = open_missing(s);
	if (err == SL_OK)
		sl_supervisor_pause_resume(s);
	if (err == SL_OK && s->take.adopt < 0)
		(void)sl_adopt_open(s->conf->control, &sl_log_diag, &s->take.adopt);
	sl_handover_close(state);
	json_decref(state);
	if (err != SL_OK) {
		sl_log(SL_LOG_ERR,
		       "upgrade: cannot go on with what was handed over: %s; the engine judges on, "
		       "and the next sluiced takes over from it",
		       sl_strerror(err));
		return err;
	}
	sl_hang_begin(&s->hang, s->take.workers, s->conf->hang_limit, sl_clock_now());
	if (s->shared_anew)
		s->hang.due = sl_mono_add(sl_clock_now(), s->conf->start_limit);
	s->ready = s->relieve = s->upgrade.finishing = true;
	sl_supervisor_generation_resume(s);
	if (s->spare.pid <= 0 || !sl_supervisor_succeed(s))
		sl_supervisor_want_spare(s);
	return SL_OK;
}

static void close_all(struct sl_supervisor *s)
{
	sl_fd_store_release();
	sl_fd_store_drop(&s->take);
	sl_take_close(&s->take);
	sl_rules_close(&s->rules);
	sl_ctl_close(&s->ctl);
	sl_audit_close(&s->audit);
	sl_supervisor_events_close(s);
	sl_ctl_socket_close(&s->provider);
	sl_shared_unmap(&s->shared);
	sl_bundle_free(&s->next);
	sl_bundle_free(&s->good);
	sl_generations_close(&s->kept);
	sl_supervisor_operator_close(s);
	sl_feeds_free(&s->feeds);
	sl_conf_free(&s->conf);
	if (s->signals >= 0)
		(void)close(s->signals);
}

static int catch_signals(void)
{
	sigset_t set;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void on_signals(struct sl_supervisor *s)
{
	struct signalfd_siginfo info;

	while (read(s->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
			s->stopping = true;
		else if (info.ssi_signo == SIGHUP && !sl_supervisor_upgrade_if_changed(s))
			sl_supervisor_reload_signal(s);
		else if (info.ssi_signo == SIGCHLD)
			sl_supervisor_child_event(s);
	}
}

/* Milliseconds until the next look at the engine. */
static int hang_wait(const struct sl_supervisor *s)
{
	struct sl_mono due = s->hung ? s->kill_at : s->hang.due;

	if (s->engine.pid <= 0 || (!s->hung && s->engine.state != SL_CHILD_ACTIVE))
		return IDLE_MS;
	int64_t us = sl_mono_since(due, sl_clock_now()).us;
	return us <= 0 ? 1 : (int)((us + 999) / 1000);
}

static int next_wait(const struct sl_supervisor *s)
{
	bool busy = s->restart_at.us != 0 || s->failed_at.us != 0 || s->verify_at.us != 0 ||
	            s->gap_since.us != 0 || s->spare_at.us != 0 || s->upgrade.fd >= 0 || s->dead.pid > 0;

	int wait = busy || sl_rules_watch_poll_needed(s->rules) ? TICK_MS : IDLE_MS;

	if (s->verify_at.us != 0)
		wait = 10;
	return (int)sl_min((size_t)wait, (size_t)hang_wait(s));
}

/* Twice as often as systemd wants it. */
static void watchdog(struct sl_supervisor *s, struct sl_mono now)
{
	if (s->watchdog.us == 0 || !sl_mono_reached(now, s->watchdog_at))
		return;
	(void)sd_notify(0, "WATCHDOG=1");
	s->watchdog_at = sl_mono_add(now, (struct sl_span){ s->watchdog.us / 2 });
}

static void find_watchdog(struct sl_supervisor *s)
{
	uint64_t us;

	if (sd_watchdog_enabled(0, &us) > 0 && us < INT64_MAX)
		s->watchdog.us = (int64_t)us;
}

/* Who may have said something. */
enum {
	SIGNALS,
	CTL,
	RULES,
	ENGINE,
	COMPILER,
	SPARE,
	ADOPTED,
	TRIAL,
	KEEPER,
	FETCHER,
	REPORTER,
	TAP,
	DEAD,
	OPERATOR,
};

static void serve(struct sl_supervisor *s)
{
	struct pollfd fd[] = {
		[SIGNALS] = { s->signals, POLLIN, 0 },
		[CTL] = { sl_ctl_fd(s->ctl), POLLIN, 0 },
		[RULES] = { sl_rules_watch_fd(s->rules), POLLIN, 0 },
		[ENGINE] = { s->engine.pid > 0 ? s->engine.ipc : -1, POLLIN, 0 },
		[COMPILER] = { s->compiler.pid > 0 ? s->compiler.ipc : -1, POLLIN, 0 },
		[SPARE] = { s->spare.pid > 0 ? s->spare.ipc : -1, POLLIN, 0 },
		[ADOPTED] = { s->engine.adopted ? s->engine.pidfd : -1, POLLIN, 0 },
		[TRIAL] = { s->upgrade.trial.pid > 0 ? s->upgrade.trial.ipc : -1, POLLIN, 0 },
		[KEEPER] = { s->keeper.pid > 0 ? s->keeper.ipc : -1, POLLIN, 0 },
		[FETCHER] = { s->fetcher.pid > 0 ? s->fetcher.ipc : -1, POLLIN, 0 },
		[REPORTER] = { s->reporting.child.pid > 0 ? s->reporting.child.ipc : -1, POLLIN, 0 },
		[TAP] = { s->tap[0], POLLIN, 0 },
		[DEAD] = { s->dead.pid > 0 ? s->take.broker : -1, POLLIN, 0 },
		[OPERATOR] = { s->orders.keeper.pid > 0 ? s->orders.keeper.ipc : -1, POLLIN, 0 },
	};

	if (poll(fd, SL_COUNT(fd), next_wait(s)) < 0 && errno != EINTR)
		s->stopping = true;
	if (fd[SIGNALS].revents != 0)
		on_signals(s);
	if ((fd[ENGINE].revents & POLLIN) != 0 && s->engine.ipc == fd[ENGINE].fd)
		sl_supervisor_engine_message(s);
	if ((fd[COMPILER].revents & POLLIN) != 0 && s->compiler.ipc == fd[COMPILER].fd)
		(void)sl_supervisor_compiler_message(s);
	if (fd[ADOPTED].revents != 0 || fd[DEAD].revents != 0)
		sl_supervisor_child_event(s); /* no signal tells of somebody else's child */
	if ((fd[SPARE].revents & POLLIN) != 0 && s->spare.ipc == fd[SPARE].fd)
		sl_supervisor_spare_message(s);
	if ((fd[TRIAL].revents & POLLIN) != 0 && s->upgrade.trial.ipc == fd[TRIAL].fd)
		(void)sl_supervisor_upgrade_message(s);
	if ((fd[KEEPER].revents & POLLIN) != 0 && s->keeper.ipc == fd[KEEPER].fd)
		sl_supervisor_keeper_message(s);
	if ((fd[FETCHER].revents & POLLIN) != 0 && s->fetcher.ipc == fd[FETCHER].fd)
		(void)sl_supervisor_fetcher_message(s);
	if ((fd[REPORTER].revents & POLLIN) != 0 && s->reporting.child.ipc == fd[REPORTER].fd)
		sl_supervisor_reporter_message(s);
	if (fd[TAP].revents != 0)
		sl_supervisor_tap_message(s);
	if ((fd[OPERATOR].revents & POLLIN) != 0 && s->orders.keeper.ipc == fd[OPERATOR].fd)
		sl_supervisor_operator_message(s);
	if (fd[CTL].revents != 0)
		sl_ctl_serve(s->ctl);
	struct sl_mono now = sl_clock_now();
	watchdog(s, now);
	sl_supervisor_engine_timers(s, now);
	sl_supervisor_hang_timers(s, now);
	sl_supervisor_spare_timers(s, now);
	sl_supervisor_upgrade_timers(s, now);
	sl_supervisor_generation_timers(s, now);
	sl_supervisor_update_timers(s, now);
	sl_supervisor_reporter_timers(s, now);
	sl_supervisor_pause_timers(s, now);
	sl_supervisor_events_timers(s);
	sl_supervisor_operator_timers(s, now);
	if (sl_rules_installed(s->rules))
		sl_supervisor_rules_timers(s, now);
}

/* Rules first, so that nothing new is queued; then the engine answers what waits; only then the queues go. */
static void stop_all(struct sl_supervisor *s)
{
	uint64_t answered = 0;
	const struct sl_conf *c = s->conf;

	(void)sd_notify(0, "STOPPING=1");
	sl_supervisor_tell_state(s, "stopping", "sluiced ends");
	sl_supervisor_upgrade_cancel(s);
	sl_child_kill(&s->compiler);
	sl_child_kill(&s->spare);
	sl_child_kill(&s->broker);
	sl_child_kill(&s->fetcher);
	sl_supervisor_reporter_stop(s);
	if (sl_supervisor_leave_adopted(s))
		return;
	if (s->rules != NULL && sl_rules_remove(s->rules, &sl_log_diag) != SL_OK)
		sl_log(SL_LOG_ERR, "some rules could not be removed; run: sluice cleanup");
	sl_child_stop(&s->engine, STOP_LIMIT_MS);
	sl_broker_disconnect(&s->take);
	sl_supervisor_await_broker(&s->take, STOP_LIMIT_MS);
	sl_supervisor_keeper_wait(s, STOP_LIMIT_MS);
	sl_adopt_unlink(c->control);
	for (unsigned i = 0; i < s->take.workers; i++)
		if (s->take.queue[i] >= 0)
			(void)sl_nfq_answer_all(s->take.queue[i], (uint16_t)c->queue_first, sl_conf_queues(c),
			                        i, s->take.workers, SL_NFQ_ACCEPT, &answered);
	sl_supervisor_answer_parked(s, SL_NFQ_ACCEPT);
	if (answered > 0)
		sl_log(SL_LOG_NOTICE, "%llu waiting packets passed unjudged at the end",
		       (unsigned long long)answered);
}

static struct sl_supervisor *supervisor_new(const char *conf_path)
{
	struct sl_supervisor *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->conf_path = conf_path;
	s->signals = catch_signals();
	s->started = sl_clock_now();
	s->engine.ipc = s->spare.ipc = s->compiler.ipc = s->keeper.ipc = s->fetcher.ipc = s->broker.ipc = -1;
	s->orders.keeper.ipc = s->orders.watch = -1;
	sl_operator_init(&s->orders.said);
	s->kept = (struct sl_generations){ .folder = "", .lock = -1 };
	sl_take_none(&s->take);
	s->provider.fd = s->reporting.socket.fd = s->tap[0] = s->tap[1] = -1;
	s->reporting.child.ipc = -1;
	sl_supervisor_upgrade_init(s);
	find_watchdog(s);
	return s;
}

int sl_supervisor_run(const char *conf_path, int state)
{
	struct sl_supervisor *s = supervisor_new(conf_path);

	if (s == NULL)
		return EXIT_FAILURE;
	if (sl_priv_keep() != SL_OK)
		sl_log(SL_LOG_WARN, "more privileges than are needed cannot be given up: %s",
		       strerror(errno));
	int err = state >= 0 ? resume_all(s, state) : open_all(s);
	if (err == SL_OK && state < 0)
		err = sl_supervisor_begin(s);
	if (err == SL_OK) {
		while (!s->stopping)
			serve(s);
		stop_all(s);
	}
	if (err != SL_OK && s->rules_stand)
		(void)sl_rules_remove(s->rules, &sl_log_diag);
	int status = err == SL_OK ? s->exit_status : EXIT_FAILURE;
	close_all(s);
	free(s);
	return status;
}
