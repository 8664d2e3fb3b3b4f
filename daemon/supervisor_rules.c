/* SPDX-License-Identifier: GPL-2.0-or-later */
/* supervisor_rules.c - keeps our rules in place. Others rewrite whole rule sets (`flush ruleset`, ufw, firewalld, docker):
 * the watch tells, a look confirms, the rules are put back, and the gap is counted and said. */
#include <sys/resource.h>

#include "daemon/log.h"
#include "daemon/supervisor_state.h"

enum {
	RETRY_MS = 200, /* after a restoration that failed */
	POLL_MS = 100,
	HURRY = -10, /* nice value; the programs that we run inherit it */
};

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

	s->rules_restored++;
	s->rules_gap_ms += (uint64_t)ms;
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
