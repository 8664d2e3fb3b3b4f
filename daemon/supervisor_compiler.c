/* SPDX-License-Identifier: GPL-2.0-or-later */
/* supervisor_compiler.c - lists become a policy: a compiler is started for s->next, and what it made is offered to the
 * engine. At the start there is no engine yet; it is started when the first snapshot is there. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/guard.h"
#include "daemon/log.h"
#include "daemon/supervisor_state.h"

static void set_error(struct sl_supervisor *s, struct sl_bytes text)
{
	s->last_error.len = sl_min(text.len, sizeof(s->last_error.text) - 1);
	memcpy(s->last_error.text, text.p, s->last_error.len);
	s->last_error.text[s->last_error.len] = '\0';
}

void sl_supervisor_give_up(struct sl_supervisor *s, int list)
{
	if (sl_supervisor_update_drop(s, list))
		return;
	if (s->ready) {
		sl_supervisor_reload_done(s, false);
		return;
	}
	if (sl_supervisor_fall_back(s))
		return;
	sl_log(SL_LOG_ERR, "no policy could be loaded: not started, no rule installed");
	sl_supervisor_fail(s);
}

/* The last one has said what it had to say; it may still be giving its memory back. */
static int start(struct sl_supervisor *s, uint64_t number, const char *why)
{
	sl_child_kill(&s->compiler);
	s->next_sent = s->compile_late = false;
	s->next_number = number;
	s->next_why = why;
	int err = sl_child_start(&s->compiler, "--compiler", &s->list_user);
	s->compiler.state = SL_CHILD_COMPILING;
	s->compile_by = sl_mono_add(sl_clock_now(), sl_bundle_conf(s->next)->compile_limit);
	return err;
}

static int started(struct sl_supervisor *s, int err)
{
	if (err != SL_OK) {
		struct sl_diag diag = sl_trouble_diag(&s->last_error);
		sl_diag(&diag, NULL, 0, "cannot start the compiler: %s",
		        err == SL_ESYS ? strerror(errno) : sl_strerror(err));
		sl_child_kill(&s->compiler);
	}
	return err;
}

int sl_supervisor_compile(struct sl_supervisor *s, const char *why)
{
	int err = start(s, sl_max(s->kept.last, s->generation) + 1, why);
	/* At a start the last one may be of these very lists. A reload makes a new one: who asks for it wants to see them read. */
	const struct sl_generation *newest = s->ready ? NULL : sl_generations_newest(&s->kept);
	struct sl_bundle_beside beside = { .kept = -1, .before = s->good, .seen = s->take.seen };

	s->next_restored = false;
	if (newest != NULL) {
		beside.kept = sl_generations_snapshot(&s->kept, newest->number);
		beside.about = newest->about;
	}
	if (err == SL_OK)
		err = sl_bundle_compile(s->next, s->compiler.ipc, s->next_number, s->ready, &beside);
	if (beside.kept >= 0)
		(void)close(beside.kept);
	return started(s, err);
}

int sl_supervisor_restore(struct sl_supervisor *s, uint64_t number, const char *why)
{
	int from = sl_generations_snapshot(&s->kept, number);
	int err = from < 0 ? SL_ESYS : start(s, number, why);

	s->next_restored = true;
	if (err == SL_OK)
		err = sl_bundle_restore(s->next, from, s->compiler.ipc, number, s->ready);
	if (from >= 0)
		(void)close(from);
	return started(s, err);
}

void sl_supervisor_offer(struct sl_supervisor *s)
{
	if (s->next == NULL || s->next_sent || !sl_bundle_is_compiled(s->next) ||
	    s->engine.state != SL_CHILD_ACTIVE)
		return;
	sl_supervisor_send_standing(s, sl_bundle_conf(s->next), s->engine.ipc, true);
	if (sl_bundle_send(s->next, s->take.conf, s->engine.ipc, s->next_number) == SL_OK) {
		s->next_sent = true;
		return;
	}
	set_error(s, SL_BYTES_LIT("the engine did not take the new policy"));
	sl_supervisor_reload_done(s, false);
}

/* What compiling came to; of a policy that was kept it is kept, too. */
static json_t *about_of(const struct sl_supervisor *s)
{
	const struct sl_generation *kept =
	        s->next_restored ? sl_generations_find(&s->kept, s->next_number) : NULL;

	if (kept != NULL)
		return json_incref(kept->about);
	return json_loadb((const char *)s->msg.text.p, s->msg.text.len, 0, NULL);
}

static bool is_plausible(struct sl_supervisor *s, size_t *list)
{
	const json_t *before = s->good == NULL ? NULL : sl_bundle_about(s->good);
	const struct sl_generation *newest = sl_generations_newest(&s->kept);

	if (s->next_restored)
		return true;                  /* and s->last_error says why it had to be */
	if (before == NULL && newest != NULL) /* a start: beside what was in force before it */
		before = newest->about;
	struct sl_diag diag = sl_trouble_diag(&s->last_error);
	return sl_guard_check(sl_bundle_conf(s->next), before, sl_bundle_about(s->next), s->next_forced,
	                      &diag, list) == SL_OK;
}

/* The lists make what is kept already: it bears its own number on. */
static void on_same(struct sl_supervisor *s)
{
	const struct sl_generation *newest = sl_generations_newest(&s->kept);

	if (newest == NULL)
		return;
	s->next_number = newest->number;
	s->next_restored = true;
	sl_log(SL_LOG_INFO, "the lists are those of generation %llu, which was kept",
	       (unsigned long long)newest->number);
}

static void on_compiled(struct sl_supervisor *s)
{
	size_t list = 0;

	s->compile_by.us = 0;
	if ((s->msg.have & SL_IPC_KEPT_TOO) != 0)
		on_same(s);
	if (sl_bundle_compiled(s->next, about_of(s)) != SL_OK) {
		set_error(s, SL_BYTES_LIT("the compiler left its snapshot unsealed: it is not used"));
		sl_log(SL_LOG_ERR, "%s", s->last_error.text);
		sl_supervisor_give_up(s, -1);
	} else if (!is_plausible(s, &list)) {
		sl_supervisor_give_up(s, (int)list);
	} else if (s->ready) {
		sl_supervisor_offer(s);
	} else {
		s->good = sl_take(&s->next);
		if (s->engine.pid > 0)
			sl_supervisor_want_spare(s); /* an adopted one judges until the other is ready */
		else if (sl_supervisor_start_engine(s) != SL_OK)
			sl_supervisor_fail(s);
	}
}

bool sl_supervisor_compiler_message(struct sl_supervisor *s)
{
	if (sl_ipc_receive(s->compiler.ipc, &s->msg) != SL_OK)
		return false; /* it is dying: the signal tells */
	bool awaited = s->next != NULL && !sl_bundle_is_compiled(s->next);
	if (awaited && s->msg.type == SL_IPC_COMPILED) {
		on_compiled(s);
	} else if (awaited && s->msg.type == SL_IPC_COMPILE_FAILED) {
		s->compile_by.us = 0;
		set_error(s, s->msg.text);
		sl_supervisor_give_up(s, (int)s->msg.have - 1);
	}
	sl_ipc_close_fds(&s->msg);
	return true;
}

/* A message, or the end of all messages: reading does not wait. */
static bool is_readable(const struct sl_supervisor *s)
{
	struct pollfd fd = { s->compiler.ipc, POLLIN, 0 };

	return s->compiler.pid > 0 && poll(&fd, 1, 0) == 1;
}

void sl_supervisor_compiler_event(struct sl_supervisor *s)
{
	char how[128];
	int status;

	/* What it said before it ended counts. */
	while (is_readable(s) && sl_supervisor_compiler_message(s))
		;
	if (!sl_child_ended(&s->compiler, &status) || s->next == NULL || sl_bundle_is_compiled(s->next))
		return;
	s->compile_by.us = 0;
	if (s->compile_late)
		(void)snprintf(how, sizeof(how),
		               "the compiler was ended: it took longer than compile_limit (%lld ms)",
		               (long long)sl_bundle_conf(s->next)->compile_limit.us / 1000);
	else if (WIFSIGNALED(status))
		(void)snprintf(how, sizeof(how),
		               "the compiler died of signal %d (%s) while it read the lists",
		               WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		(void)snprintf(how, sizeof(how), "the compiler ended with status %d while it read the lists",
		               WEXITSTATUS(status));
	set_error(s, sl_bytes_str(how));
	sl_log(SL_LOG_ERR, "%s", how);
	sl_supervisor_give_up(s, -1);
}
