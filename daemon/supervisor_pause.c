/* SPDX-License-Identifier: GPL-2.0-or-later */
/* supervisor_pause.c - for a stated time nothing is refused. What is said lies in shared memory (pause.h), where every engine finds it,
 * and the next supervisor, too; at an upgrade to another layout it goes by the state. The engine ends it by the clock, whoever is alive. */
#include <stdio.h>
#include <time.h>

#include "daemon/log.h"
#include "daemon/supervisor_events.h"
#include "daemon/supervisor_requests.h"

enum { REMIND_MS = 300000, SHORTEST_MS = 1000 };

static int64_t left_ms(const struct sl_supervisor *s)
{
	int64_t us = (int64_t)s->pause_until - sl_clock_now().us;

	return s->pause_until == 0 || us <= 0 ? 0 : (us + 999) / 1000;
}

bool sl_supervisor_is_paused(const struct sl_supervisor *s)
{
	return left_ms(s) > 0;
}

/* "2026-01-31 12:00:00 +0000", of the wall clock as it stands now. */
static void until_text(int64_t ms, char *out, size_t size)
{
	time_t at = (time_t)((sl_clock_wall_us() + ms * 1000) / 1000000);
	struct tm tm;

	out[0] = '\0';
	if (localtime_r(&at, &tm) != NULL)
		(void)strftime(out, size, "%Y-%m-%d %H:%M:%S %z", &tm);
}

json_t *sl_supervisor_pause_status(const struct sl_supervisor *s)
{
	char until[64];
	int64_t ms = left_ms(s);

	if (ms == 0)
		return json_null();
	until_text(ms, until, sizeof(until));
	return json_pack("{s:I, s:s}", "left_ms", (json_int_t)ms, "until", until);
}

json_t *sl_supervisor_pause_counts(const struct sl_supervisor *s)
{
	uint64_t packets = 0, refused = 0;

	for (unsigned w = 0; w < s->take.workers; w++) {
		packets += sl_counter_get(&s->shared->worker[w].paused.packets);
		refused += sl_counter_get(&s->shared->worker[w].paused.refused);
	}
	return json_pack("{s:I, s:I}", "packets", (json_int_t)packets, "refused", (json_int_t)refused);
}

static void say(struct sl_supervisor *s, const char *how)
{
	char until[64];
	int64_t ms = left_ms(s);

	until_text(ms, until, sizeof(until));
	s->pause_said = sl_clock_now();
	sl_log(SL_LOG_WARN,
	       "PAUSED%s: all traffic passes and nothing is refused until %s (%lld s); sluice resume ends it",
	       how, until, (long long)(ms / 1000));
	sl_supervisor_tell(s, SL_EVENT_STATE,
	                   json_pack("{s:s, s:s, s:o}", "state", "paused", "text",
	                             "all traffic passes, and nothing is refused", "paused",
	                             sl_supervisor_pause_status(s)));
}

static void end(struct sl_supervisor *s, const char *why)
{
	s->pause_until = 0;
	sl_pause_set(&s->shared->pause, 0);
	sl_log(SL_LOG_WARN, "the pause %s: flows are refused again", why);
	sl_supervisor_tell_state(s, "resumed", "the pause %s: flows are refused again", why);
}

void sl_supervisor_pause_resume(struct sl_supervisor *s)
{
	int64_t now = sl_clock_now().us;
	uint64_t known = s->pause_until != 0 ? s->pause_until : sl_pause_until(&s->shared->pause);
	uint64_t most = (uint64_t)(now + s->conf->pause_limit.us);

	s->pause_until = known <= (uint64_t)now ? 0 : sl_min(known, most);
	sl_pause_set(&s->shared->pause, s->pause_until);
	if (s->pause_until != 0)
		say(s, ", as before");
}

void sl_supervisor_pause_timers(struct sl_supervisor *s, struct sl_mono now)
{
	if (s->pause_until == 0)
		return;
	if ((uint64_t)now.us >= s->pause_until)
		end(s, "is over");
	else if (sl_mono_since(now, s->pause_said).us >= sl_span_ms(REMIND_MS).us)
		say(s, " still");
}

void sl_supervisor_ctl_pause(struct sl_supervisor *s, uint64_t client, json_t *args)
{
	json_int_t ms = json_integer_value(json_object_get(args, "for_ms"));
	int64_t most = (s->ready ? sl_bundle_conf(s->good) : s->conf)->pause_limit.us / 1000;
	char why[160];

	if (s->conf->provider != SL_PROVIDER_POLICY) {
		sl_ctl_reply_error(
		        s->ctl, client,
		        "a content filter (option provider) cannot be paused: it holds bytes that nobody "
		        "else has; stop sluiced, or change its provider's rules");
	} else if (!s->ready) {
		sl_ctl_reply_refused(s->ctl, client, "again", "sluiced is still starting; try again");
	} else if (ms < SHORTEST_MS || ms > most) {
		(void)snprintf(why, sizeof(why),
		               "a pause needs \"for_ms\", from %d to %lld milliseconds (option pause_limit)",
		               SHORTEST_MS, (long long)most);
		sl_ctl_reply_error(s->ctl, client, why);
	} else {
		s->pause_until = (uint64_t)(sl_clock_now().us + ms * 1000);
		sl_pause_set(&s->shared->pause, s->pause_until);
		say(s, "");
		sl_ctl_reply(s->ctl, client,
		             json_pack("{s:b, s:o}", "ok", 1, "paused", sl_supervisor_pause_status(s)));
	}
}

void sl_supervisor_ctl_resume(struct sl_supervisor *s, uint64_t client, json_t *args)
{
	bool was = sl_supervisor_is_paused(s);

	(void)args;
	if (was)
		end(s, "was ended");
	sl_ctl_reply(s->ctl, client, json_pack("{s:b, s:b}", "ok", 1, "was_paused", was));
}

void sl_supervisor_ctl_log_level(struct sl_supervisor *s, uint64_t client, json_t *args)
{
	const char *name = json_string_value(json_object_get(args, "level"));
	enum sl_log_level level, was = sl_log_level();

	if (name == NULL || !sl_log_level_read(name, &level)) {
		sl_ctl_reply_error(s->ctl, client, "\"level\" is one of error, warning, notice, info, debug");
		return;
	}
	sl_log_set_level(level);
	if (s->engine.pid > 0)
		(void)sl_ipc_send(s->engine.ipc, SL_IPC_LOG_LEVEL, level, (struct sl_bytes){ NULL, 0 }, NULL,
		                  0, 0);
	if (s->spare.pid > 0)
		(void)sl_ipc_send(s->spare.ipc, SL_IPC_LOG_LEVEL, level, (struct sl_bytes){ NULL, 0 }, NULL,
		                  0, 0);
	sl_ctl_reply(s->ctl, client,
	             json_pack("{s:b, s:s, s:s}", "ok", 1, "level", name, "was", sl_log_level_name(was)));
}
