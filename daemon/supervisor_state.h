/* SPDX-License-Identifier: GPL-2.0-or-later */
/* supervisor_state.h - the supervisor's state, shared by its source files only. One thread. */
#ifndef SL_DAEMON_SUPERVISOR_STATE_H
#define SL_DAEMON_SUPERVISOR_STATE_H

#include <jansson.h>
#include <stdio.h>

#include "base/mono.h"
#include "daemon/audit.h"
#include "daemon/bundle.h"
#include "daemon/child.h"
#include "daemon/clock.h"
#include "daemon/conf.h"
#include "daemon/ctl.h"
#include "daemon/ctl_socket.h"
#include "daemon/feeds.h"
#include "daemon/generations.h"
#include "daemon/hang.h"
#include "daemon/ipc.h"
#include "daemon/nfq_left.h"
#include "daemon/priv.h"
#include "daemon/rules.h"
#include "daemon/rules_pace.h"
#include "daemon/supervisor_operator.h"
#include "daemon/supervisor_upgrade.h"
#include "daemon/take.h"
#include "daemon/trouble.h"

/* supervisor_metrics.c, supervisor_reporter.c */
struct sl_reporting {
	struct sl_child child;            /* the process that speaks HTTP */
	struct sl_ctl_socket socket;      /* that it listens on; fd -1: none */
	struct sl_mono started, start_at; /* the last time, and the next */
	bool told;                        /* that the socket cannot be listened on */
	struct sl_mono answer_at;         /* it is answered no sooner */
	unsigned failures;                /* in a row */
	struct sl_rules_counts rules;
	struct sl_mono rules_at; /* when they are read again */
};

struct sl_supervisor {
	const char *conf_path;
	struct sl_bundle *good; /* the state in force; also what the next engine loads */
	struct sl_bundle *next; /* being compiled, then being loaded by the engine */
	bool next_sent;         /* to the engine */
	uint64_t next_number;   /* generation that it will be */
	const char *next_why;   /* "start", "reload", "update", "rollback" */
	bool next_restored;     /* it is not compiled, but was kept */
	bool next_forced;       /* the guard looks away */
	struct sl_conf *conf;   /* as at the start: what is not live stays as it was */
	uint64_t generation;
	struct sl_priv_user user, list_user;

	struct sl_take take; /* every descriptor an engine needs */
	struct sl_shared *shared;
	struct sl_rules *rules;
	struct sl_ctl *ctl;
	struct sl_audit audit;
	bool for_root; /* so is the request that is being served */
	struct sl_reporting reporting;
	struct sl_ctl_socket provider; /* of an external one; fd -1: none */
	int signals;                   /* signalfd */

	struct sl_child engine, spare, compiler;
	struct sl_child broker; /* ready for the next engine; that of the engine now is s->take.broker */
	struct sl_child dead;   /* the engine has ended, and its broker not yet */
	int dead_status;
	struct sl_mono dead_by; /* then that broker is ended */
	bool relieve; /* the engine is of an earlier program: it makes room as soon as a spare is ready */
	struct sl_ipc_msg msg;
	struct sl_mono started, engine_started, failed_at; /* failed_at.us 0: no takeover under way */
	struct sl_mono restart_at;                         /* .us 0: none planned */
	struct sl_mono answer_at;                          /* when on_failure answers again */
	unsigned quick_deaths;   /* engines in a row that died soon after they had taken over */
	struct sl_span unmanned; /* the times without an engine in such a series */
	struct sl_mono spare_at; /* when a spare is started; .us 0: not planned */
	unsigned spare_failures; /* spares in a row that died before they were ready */
	struct sl_nfq_suspects suspects[SL_NFQ_QUEUES_MAX];
	struct sl_hang hang;
	bool hung;              /* the engine was found hanging, and is to be dead by ... */
	struct sl_mono kill_at; /* ... then at the latest */
	int hung_worker;        /* because of which; -1: of none */
	uint64_t engine_restarts, engine_hangs;
	uint64_t takeovers, takeover_us;               /* and how long no engine judged meanwhile */
	uint64_t answered_repeat, answered_on_failure; /* packets */

	bool rules_stand;                                  /* since before anybody was ready to judge */
	struct sl_mono verify_at, gap_since, rules_polled; /* .us 0: none */
	uint64_t rules_restored, rules_gap_ms;
	struct sl_rules_pace rules_pace;

	struct sl_operator_state orders;
	struct sl_upgrade upgrade;
	uint64_t upgrades;
	bool shared_anew; /* the engine that was taken over counts elsewhere: nothing is known of its signs of life */
	struct sl_generations kept;
	struct sl_child keeper;
	uint64_t keeping;       /* the generation that the keeper writes */
	struct sl_mono keep_at; /* when it is tried again; .us 0: there is nothing to keep */
	struct sl_trouble kept_error;
	struct sl_mono compile_by; /* .us 0: no compiler is at work */
	bool compile_late;         /* it was ended since it took too long */

	uint64_t pause_until; /* us of sl_clock_now(); 0: nothing is paused */
	struct sl_mono pause_said;
	int tap[2];  /* flows, from the engine's end [1] to ours [0]; -1: not made yet */
	bool tapped; /* the engine has its end */

	struct sl_feeds feeds;
	struct sl_child fetcher;
	struct sl_mono fetch_by;
	uint64_t update_run; /* counts runs of the fetcher */
	bool update_forced;  /* the guard looks away */
	bool update_waits;   /* something fresh waits for the end of a reload */

	uint64_t reload_client; /* waits for the answer of the reload under way */
	bool reload_waiting;
	bool reload_again; /* a signal came while one was under way */
	bool ready, stopping;
	struct sl_mono watchdog_at; /* the next sign of life for systemd ... */
	struct sl_span watchdog;    /* ... which wants one as often; .us 0: it does not */
	int exit_status;
	struct sl_trouble last_error;
};

/* supervisor_compiler.c */
/* Starts a compiler for s->next, which becomes a new generation. On failure s->last_error says why. */
int sl_supervisor_compile(struct sl_supervisor *s, const char *why);
/* The same for a generation that was kept. */
int sl_supervisor_restore(struct sl_supervisor *s, uint64_t number, const char *why);
bool sl_supervisor_compiler_message(struct sl_supervisor *s); /* false: there will be none */
void sl_supervisor_compiler_event(struct sl_supervisor *s);   /* a child ended: it may have been this one */
/* Sends s->next to the engine, as soon as there are both. */
void sl_supervisor_offer(struct sl_supervisor *s);

/* The policy cannot be made, because of this list of the configuration (-1: of none); s->last_error says why. */
void sl_supervisor_give_up(struct sl_supervisor *s, int list);

/* supervisor_generation.c */
/* Finds what is kept, and begins with the first policy: the pinned one, else of the lists, else the last that was good. */
int sl_supervisor_begin(struct sl_supervisor *s);
/* The same after an upgrade: the policy in force was handed over. */
void sl_supervisor_generation_resume(struct sl_supervisor *s);
bool sl_supervisor_fall_back(
        struct sl_supervisor *s); /* to the last that was good; false: there is none, or it was tried */
/* s->next is in force: what is fresh in it counts, and all is written to the disk. */
void sl_supervisor_published(struct sl_supervisor *s);
void sl_supervisor_keep(struct sl_supervisor *s);
void sl_supervisor_keeper_message(struct sl_supervisor *s);
void sl_supervisor_keeper_event(struct sl_supervisor *s);
void sl_supervisor_keeper_wait(struct sl_supervisor *s,
                               int limit_ms); /* at the end: not for ever, a disk may hang */
void sl_supervisor_generation_timers(struct sl_supervisor *s, struct sl_mono now);
json_t *sl_supervisor_kept(const struct sl_supervisor *s); /* for status */
const char *sl_supervisor_rollback(struct sl_supervisor *s,
                                   uint64_t number); /* NULL: it is on its way; else why not */

/* supervisor_update.c */
void sl_supervisor_update_timers(struct sl_supervisor *s, struct sl_mono now);
bool sl_supervisor_fetcher_message(struct sl_supervisor *s);
void sl_supervisor_fetcher_event(struct sl_supervisor *s);
/* The list was fetched anew and is to blame: it is put aside, and the rest is compiled again. False: it is not so. */
bool sl_supervisor_update_drop(struct sl_supervisor *s, int list);
void sl_supervisor_update_again(
        struct sl_supervisor *s); /* a reload has ended: what waited for that goes on */
/* Fetches these lists, all of them where names is no array. NULL: it is on its way; else why not. */
const char *sl_supervisor_update(struct sl_supervisor *s, const json_t *names, bool force);
json_t *sl_supervisor_update_progress(const struct sl_supervisor *s);
json_t *sl_supervisor_feeds(const struct sl_supervisor *s); /* for status */

/* supervisor.c */
unsigned sl_supervisor_workers(const struct sl_conf *c);

/* supervisor_adopt.c */
/* Is there an engine whose supervisor has died? Then s->engine and s->take are of it, if they can be. Else the next supervisor is
 * to find ours. */
void sl_supervisor_adopt(struct sl_supervisor *s);
/* The spare is ready: an engine of an earlier program makes room for it. False: there is none. */
bool sl_supervisor_succeed(struct sl_supervisor *s);
/* The daemon fails before it was ready: an adopted engine is left as it was found. */
bool sl_supervisor_leave_adopted(struct sl_supervisor *s);

/* supervisor_engine.c */
void sl_supervisor_fail(struct sl_supervisor *s); /* ends the daemon */
int sl_supervisor_start_engine(struct sl_supervisor *s);
int sl_supervisor_load_child(struct sl_supervisor *s, struct sl_child *c); /* gives it the policy in force */
void sl_supervisor_hand_over(struct sl_supervisor *s);                     /* the sockets, to the engine */
void sl_supervisor_engine_message(struct sl_supervisor *s);

/* supervisor_broker.c, where the option verdicts is broker; else they do nothing */
void sl_supervisor_want_broker(struct sl_supervisor *s); /* one is started, unless it is there */
/* The broker that is ready is the engine's from now on: the ends that lead to it are put into take. The channels are s->take's, too,
 * for what is unread in them when that engine dies; the lookups are the caller's. */
int sl_supervisor_give_broker(struct sl_supervisor *s, struct sl_take *take);
void sl_supervisor_broker_event(struct sl_supervisor *s);
/* The engine's has ended, or there is none. Until then it may answer; then descriptors of it are closed. */
bool sl_supervisor_broker_gone(struct sl_supervisor *s);
void sl_supervisor_end_broker(const struct sl_take *take); /* at once */
/* It ends by itself when it has sent what the engine said last; after limit_ms it is made to. */
void sl_supervisor_await_broker(struct sl_take *take, int limit_ms);

/* supervisor_filter.c: what is not there yet. SL_OK, or diag was told */
int sl_supervisor_open_filter(struct sl_supervisor *s);

/* supervisor_death.c */
/* What a content filter's engine had in the parking queue. */
void sl_supervisor_answer_parked(struct sl_supervisor *s, enum sl_nfq_final how);
struct sl_span sl_supervisor_back_off(unsigned failures); /* how long to wait after so many in a row */
void sl_supervisor_unmanned(
        struct sl_supervisor
                *s); /* nobody judges, and nobody is to blame: what waits is for the next engine */
void sl_supervisor_child_event(struct sl_supervisor *s);
void sl_supervisor_engine_timers(struct sl_supervisor *s, struct sl_mono now);

/* supervisor_spare.c */
void sl_supervisor_want_spare(struct sl_supervisor *s); /* if there is none, one is started soon */
void sl_supervisor_load_spare(struct sl_supervisor *s); /* the policy has changed */
void sl_supervisor_spare_timers(struct sl_supervisor *s, struct sl_mono now);
void sl_supervisor_spare_message(struct sl_supervisor *s);
void sl_supervisor_spare_event(struct sl_supervisor *s);
/* The spare becomes the engine; false: there is none. */
bool sl_supervisor_promote_spare(struct sl_supervisor *s);

/* supervisor_hang.c */
void sl_supervisor_hang_timers(struct sl_supervisor *s, struct sl_mono now);

/* supervisor_rules.c */
/* Those that stand, where an engine or an earlier program tells of them and they are what we would install: they are looked at soon,
 * and put back where they are gone. Else ours, not installed yet. */
int sl_supervisor_rules_open(struct sl_supervisor *s, const json_t *state);
int sl_supervisor_rules_install(struct sl_supervisor *s); /* unless they are kept */
void sl_supervisor_rules_timers(struct sl_supervisor *s, struct sl_mono now);

/* supervisor_handover.c */
json_t *sl_supervisor_state(struct sl_supervisor *s); /* NULL: no memory */
/* Everything of it but the rules. s->conf_path is set. SL_EMALF: something is missing. */
int sl_supervisor_resume(struct sl_supervisor *s, json_t *state);

/* supervisor_upgrade.c */
void sl_supervisor_upgrade_init(struct sl_supervisor *s);
/* The program's file is another than the one that runs: it is tried, and then the lists are read anew. False: nothing of the kind. */
bool sl_supervisor_upgrade_if_changed(struct sl_supervisor *s);
bool sl_supervisor_upgrading(const struct sl_supervisor *s);
bool sl_supervisor_upgrade_message(struct sl_supervisor *s); /* false: there will be none */
void sl_supervisor_upgrade_event(struct sl_supervisor *s);
void sl_supervisor_upgrade_timers(struct sl_supervisor *s, struct sl_mono now);
void sl_supervisor_upgrade_cancel(struct sl_supervisor *s); /* the daemon ends */
/* This is the new program, and its engine judges. */
void sl_supervisor_upgrade_done(struct sl_supervisor *s);

/* supervisor_metrics.c */
/* Those of the kernel's rules, for which programs are run: of this moment, or some seconds old. */
const struct sl_rules_counts *sl_supervisor_rules_counts(struct sl_supervisor *s, bool now);
/* All metrics, as Prometheus reads them. */
void sl_supervisor_metrics(struct sl_supervisor *s, FILE *to);

/* supervisor_reporter.c: option metrics_listen. What fails here is told, and harms nothing else. */
void sl_supervisor_reporter_timers(struct sl_supervisor *s, struct sl_mono now);
void sl_supervisor_reporter_message(struct sl_supervisor *s);
void sl_supervisor_reporter_event(struct sl_supervisor *s);
void sl_supervisor_reporter_stop(struct sl_supervisor *s); /* for this program's end, or an upgrade */

/* supervisor_pause.c */
bool sl_supervisor_is_paused(const struct sl_supervisor *s);
json_t *sl_supervisor_pause_status(const struct sl_supervisor *s); /* null: there is none */
json_t *sl_supervisor_pause_counts(const struct sl_supervisor *s);
/* One that was begun by an earlier supervisor or program goes on; s->shared is there. */
void sl_supervisor_pause_resume(struct sl_supervisor *s);
void sl_supervisor_pause_timers(struct sl_supervisor *s, struct sl_mono now);

/* supervisor_operator.c */
/* Finds what the operator said, once the state folder is known. */
void sl_supervisor_operator_open(struct sl_supervisor *s);
void sl_supervisor_operator_close(struct sl_supervisor *s);
/* Groups, roles and words, by this configuration; with_next: for the policy that the engine is given next. */
void sl_supervisor_send_standing(struct sl_supervisor *s, const struct sl_conf *conf, int ipc,
                                 bool with_next);
/* To who judges, if somebody does; whoever does so next is told before it begins. */
void sl_supervisor_renew_standing(struct sl_supervisor *s);
void sl_supervisor_stands(struct sl_supervisor *s); /* s->msg is the engine's answer */
/* s->orders.said has changed. The client (0: none) gets the reply, which is taken over, when the change is in force and kept. */
void sl_supervisor_operator_changed(struct sl_supervisor *s, uint64_t client, json_t *reply);
void sl_supervisor_operator_message(struct sl_supervisor *s);
void sl_supervisor_operator_event(struct sl_supervisor *s);
void sl_supervisor_operator_timers(struct sl_supervisor *s, struct sl_mono now);

/* supervisor_ctl.c */
json_t *sl_supervisor_flow_counts(const struct sl_supervisor *s);
json_t *sl_supervisor_cause_counts(const struct sl_supervisor *s);
/* Reads the configuration anew and has it compiled; the outcome is told to the log and to reload_client. */
void sl_supervisor_reload(struct sl_supervisor *s);
/* The same for a signal, which nobody repeats: while a reload is under way, another one follows it. */
void sl_supervisor_reload_signal(struct sl_supervisor *s);
void sl_supervisor_reload_again(struct sl_supervisor *s); /* the one that had to wait, if there is one */
void sl_supervisor_reload_done(struct sl_supervisor *s, bool ok);

#endif
