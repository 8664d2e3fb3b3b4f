/* SPDX-License-Identifier: GPL-2.0-or-later */
/* supervisor_compiler.c - lists become a policy: a compiler is started for s->next, and what it made is offered to the
 * engine. At the start there is no engine yet; it is started when the first snapshot is there. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "daemon/log.h"
#include "daemon/supervisor_state.h"

static void set_error(struct sl_supervisor *s, struct sl_bytes text)
{
	s->last_error.len = sl_min(text.len, sizeof(s->last_error.text) - 1);
	memcpy(s->last_error.text, text.p, s->last_error.len);
	s->last_error.text[s->last_error.len] = '\0';
}

/* s->last_error says why. */
static void give_up(struct sl_supervisor *s)
{
	if (s->ready) {
		sl_supervisor_reload_done(s, false);
		return;
	}
	sl_log(SL_LOG_ERR, "no policy could be loaded: not started, no rule installed");
	sl_supervisor_fail(s);
}

int sl_supervisor_compile(struct sl_supervisor *s)
{
	/* The last one has said what it had to say; it may still be giving its memory back. */
	sl_child_kill(&s->compiler);
	s->next_sent = false;
	int err = sl_child_start(&s->compiler, "--compiler", &s->user);
	if (err == SL_OK)
		err = sl_bundle_compile(s->next, s->compiler.ipc, s->generation + 1);
	s->compiler.state = SL_CHILD_COMPILING;
	if (err != SL_OK) {
		struct sl_diag diag = sl_trouble_diag(&s->last_error);
		sl_diag(&diag, NULL, 0, "cannot start the compiler: %s",
		        err == SL_ESYS ? strerror(errno) : sl_strerror(err));
		sl_child_kill(&s->compiler);
	}
	return err;
}

void sl_supervisor_offer(struct sl_supervisor *s)
{
	if (s->next == NULL || s->next_sent || !sl_bundle_is_compiled(s->next) ||
	    s->engine.state != SL_CHILD_ACTIVE)
		return;
	if (sl_bundle_send(s->next, s->take.conf, s->engine.ipc, s->generation + 1) == SL_OK) {
		s->next_sent = true;
		return;
	}
	set_error(s, SL_BYTES_LIT("the engine did not take the new policy"));
	sl_supervisor_reload_done(s, false);
}

static void on_compiled(struct sl_supervisor *s)
{
	json_t *about = json_loadb((const char *)s->msg.text.p, s->msg.text.len, 0, NULL);

	if (sl_bundle_compiled(s->next, about) != SL_OK) {
		set_error(s, SL_BYTES_LIT("the compiler left its snapshot unsealed: it is not used"));
		sl_log(SL_LOG_ERR, "%s", s->last_error.text);
		give_up(s);
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
		set_error(s, s->msg.text);
		give_up(s);
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
	if (WIFSIGNALED(status))
		(void)snprintf(how, sizeof(how),
		               "the compiler died of signal %d (%s) while it read the lists",
		               WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		(void)snprintf(how, sizeof(how), "the compiler ended with status %d while it read the lists",
		               WEXITSTATUS(status));
	set_error(s, sl_bytes_str(how));
	sl_log(SL_LOG_ERR, "%s", how);
	give_up(s);
}
