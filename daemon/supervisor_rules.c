/* SPDX-License-Identifier: GPL-2.0-or-later */
/* supervisor_rules.c - keeps our rules in place. Others rewrite whole rule sets (`flush ruleset`, ufw, firewalld, docker):
 * the watch tells, a look confirms, the rules are put back, and the gap is counted and said. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon/file.h"
#include "daemon/log.h"
#include "daemon/ne_source_of.h"
#include "daemon/rules_state.h"
#include "daemon/supervisor_events.h"
#include "filter/ne_names.h"

enum {
	RETRY_MS = 200, /* after a restoration that failed */
	POLL_MS = 100,
	AFTER_UPGRADE_MS = 1000,
	HURRY = -10, /* nice value; the programs that we run inherit it */
};

/* What the next supervisor has to know of them lies in a memory file that the engine has, too. */
static void note(struct sl_supervisor *s)
{
	json_t *state = sl_rules_state(s->rules);
	char *text = json_dumps(state, JSON_COMPACT);

	if (text != NULL && s->take.rules >= 0 && ftruncate(s->take.rules, 0) == 0)
		(void)!pwrite(s->take.rules, text, strlen(text), 0);
	free(text);
	json_decref(state);
}

static json_t *read_note(int fd)
{
	struct sl_bytes text;

	if (fd < 0 || sl_file_read(fd, &text) != SL_OK)
		return NULL;
	json_t *state = json_loadb((const char *)text.p, text.len, 0, NULL);
	sl_file_free(&text);
	return state;
}

/* Where both directions are queued, answers of DNS are, too. */
static bool answers_wanted(const struct sl_conf *c)
{
	if (!c->dns_names || sl_ne_source_needs((enum sl_provider_kind)c->provider) != 0)
		return false;
	return c->provider == SL_PROVIDER_POLICY || c->hostname != SL_NE_NAMING_NONE;
}

static struct sl_rules_cfg rules_cfg(const struct sl_conf *c)
{
	return (struct sl_rules_cfg){
		.backend = (enum sl_backend)c->backend,
		.inside = c->inside,
		.insides = c->insides,
		.queue_first = (uint16_t)c->queue_first,
		.queue_count = (uint16_t)(c->provider == SL_PROVIDER_POLICY ? c->queue_count : 1U),
		.both = sl_ne_source_needs((enum sl_provider_kind)c->provider) != 0,
		.bypass = c->bypass,
		.refuse_silent = c->refuse != 0,
		.refuse_icmp = c->refuse_udp != 0,
		.ask_syn = c->provider == SL_PROVIDER_POLICY && c->tcp_hold != 0,
		.copy_syn = c->provider == SL_PROVIDER_POLICY && c->tcp_hold == 0,
		.answers = answers_wanted(c),
		.mark_mask = c->mark_mask,
	};
}

int sl_supervisor_rules_open(struct sl_supervisor *s, const json_t *state)
{
	struct sl_rules_cfg cfg = rules_cfg(s->conf);
	json_t *noted = read_note(s->take.rules);
	int err = sl_rules_open_state(&cfg, state != NULL ? state : noted, &s->rules);

	json_decref(noted);
	if (s->take.rules < 0)
		s->take.rules = memfd_create("sluice-rules", MFD_CLOEXEC);
	if (err != SL_OK)
		return sl_rules_open(&cfg, &sl_log_diag, &s->rules);
	s->gap_since = s->verify_at = sl_clock_now();
	if (state != NULL) /* an engine waits for the other to make room: that goes first */
		s->verify_at = sl_mono_add(s->verify_at, sl_span_ms(AFTER_UPGRADE_MS));
	return SL_OK;
}

int sl_supervisor_rules_install(struct sl_supervisor *s)
{
	int err = sl_rules_installed(s->rules) ? SL_OK : sl_rules_install(s->rules, &sl_log_diag);

	if (err == SL_OK)
		note(s);
	return err;
}

static void note_change(struct sl_supervisor *s, struct sl_mono now)
{
	if (s->verify_at.us == 0)
		s->verify_at = sl_mono_add(now, sl_span_ms(sl_rules_pace_wait(&s->rules_pace, now)));
	if (s->gap_since.us == 0)
		s->gap_since = now;
}

static void restored(struct sl_supervisor *s)
{
	struct sl_mono now = sl_clock_now();
	int64_t ms = sl_mono_since(now, s->gap_since).us / 1000;

	note(s);
	s->rules_restored++;
	s->rules_gap_ms += (uint64_t)ms;
	sl_supervisor_tell_state(s, "rules restored", "after %lld ms without them", (long long)ms);
	sl_log(SL_LOG_WARN,
	       "somebody changed or removed our rules: restored after %lld ms; flows that began meanwhile "
	       "may "
	       "have passed unjudged",
	       (long long)ms);
	if (sl_rules_pace_restored(&s->rules_pace, now))
		sl_log(SL_LOG_WARN,
		       "our rules are undone again and again: another program insists on its own; restoring "
		       "once a second from now on");
}

static void verify(struct sl_supervisor *s)
{
	struct sl_mono now = sl_clock_now();

	s->verify_at.us = 0;
	if (sl_rules_verify(s->rules) == SL_OK) {
		s->gap_since.us = 0;
		return;
	}
	if (sl_rules_install(s->rules, &sl_log_diag) == SL_OK) {
		restored(s);
		s->gap_since.us = 0;
	} else {
		s->verify_at = sl_mono_add(now, sl_span_ms(RETRY_MS));
	}
}

/* While rules are missing, everything passes unjudged: the few programs that put them back go ahead of whatever else keeps
 * the machine busy. Needs CAP_SYS_NICE; without it they take their turn. The engine is never started meanwhile, so it does
 * not inherit this. It costs others what the programs take anyway, sooner: some 15 ms of CPU time each, four of them. */
static void verify_urgently(struct sl_supervisor *s)
{
	int usual = getpriority(PRIO_PROCESS, 0);

	if (usual > HURRY)
		(void)setpriority(PRIO_PROCESS, 0, HURRY);
	verify(s);
	if (usual > HURRY)
		(void)setpriority(PRIO_PROCESS, 0, usual);
}

void sl_supervisor_rules_timers(struct sl_supervisor *s, struct sl_mono now)
{
	bool due = sl_mono_since(now, s->rules_polled).us >= sl_span_ms(POLL_MS).us;

	/* A notification is read at once; legacy tables are looked at a few times a second. */
	if (!sl_rules_watch_poll_needed(s->rules) || due) {
		s->rules_polled = now;
		if (sl_rules_watch_changed(s->rules))
			note_change(s, now);
	}
	if (s->verify_at.us != 0 && sl_mono_reached(now, s->verify_at))
		verify_urgently(s);
}
