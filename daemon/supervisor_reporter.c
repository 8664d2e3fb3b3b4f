/* SPDX-License-Identifier: GPL-2.0-or-later */
/* supervisor_reporter.c - the process that serves metrics over HTTP, sluice-reporter: started where option metrics_listen says so,
 * again when it has died, and answered. Nothing that it does or does not do delays anything else: it is answered at most every
 * ANSWER_EVERY_MS, and is believed nothing. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/metrics_listen.h"
#include "daemon/supervisor_state.h"

enum {
	ANSWER_EVERY_MS = 200,
	SOCKET_AGAIN_MS = 10000, /* after a socket that cannot be listened on */
	LIVED_MS = 10000,        /* who lived as long did not die of its start */
	FAILURES = 5,            /* in a row, and it is hardly tried any more */
	HOPELESS_MS = 60000,
	CANNOT_RUN = 127, /* child.c */
};

static bool is_wanted(const struct sl_supervisor *s)
{
	return s->conf->metrics_listen[0] != '\0' && !s->stopping;
}

static void plan(struct sl_supervisor *s)
{
	struct sl_reporting *r = &s->reporting;

	struct sl_span wait = sl_supervisor_back_off(r->failures + 1);

	if (r->failures > FAILURES)
		wait = sl_span_ms(HOPELESS_MS);
	r->start_at = sl_mono_add(sl_clock_now(), wait);
}

static void start(struct sl_supervisor *s)
{
	struct sl_reporting *r = &s->reporting;

	r->started = sl_clock_now();
	if (r->socket.fd < 0 && sl_metrics_listen_open(s->conf->metrics_listen, s->conf->metrics_remote,
	                                               r->told ? NULL : &sl_log_diag, &r->socket) != SL_OK) {
		r->told = true; /* once */
		r->start_at = sl_mono_add(r->started, sl_span_ms(SOCKET_AGAIN_MS));
		return;
	}
	r->told = false;
	int err = sl_child_start_helper(&r->child, "sluice-reporter", "--report", &s->user);
	if (err == SL_OK)
		err = sl_ipc_send(r->child.ipc, SL_IPC_REPORT, 0, SL_BYTES_LIT(""), &r->socket.fd, 1, 0);
	if (err == SL_OK)
		return;
	sl_log(SL_LOG_ERR, "cannot start sluice-reporter: %s", strerror(errno));
	r->failures++;
	plan(s);
}

void sl_supervisor_reporter_timers(struct sl_supervisor *s, struct sl_mono now)
{
	if (is_wanted(s) && s->ready && s->reporting.child.pid <= 0 &&
	    sl_mono_reached(now, s->reporting.start_at))
		start(s);
}

static int answer(struct sl_supervisor *s, uint64_t number)
{
	int fd = memfd_create("sluice-metrics", MFD_CLOEXEC);
	FILE *to = fd < 0 ? NULL : fdopen(fd, "w");
	int err = SL_ESYS;

	if (to != NULL)
		sl_supervisor_metrics(s, to);
	if (to != NULL && fflush(to) == 0)
		err = sl_ipc_send(s->reporting.child.ipc, SL_IPC_METRICS, number, SL_BYTES_LIT(""), &fd, 1,
		                  0);
	if (to != NULL)
		(void)fclose(to);
	else if (fd >= 0)
		(void)close(fd);
	return err;
}

/* A question too soon stays without an answer: the reporter asks again, or is none. */
void sl_supervisor_reporter_message(struct sl_supervisor *s)
{
	struct sl_reporting *r = &s->reporting;
	struct sl_mono now = sl_clock_now();

	if (sl_ipc_receive(r->child.ipc, &s->msg) != SL_OK)
		return; /* it is dying: the signal tells */
	sl_ipc_close_fds(&s->msg);
	if (s->msg.type != SL_IPC_METRICS || !sl_mono_reached(now, r->answer_at))
		return;
	if (answer(s, s->msg.number) != SL_OK)
		sl_log(SL_LOG_WARN, "metrics could not be told: %s", strerror(errno));
	r->answer_at = sl_mono_add(sl_clock_now(), sl_span_ms(ANSWER_EVERY_MS));
}

void sl_supervisor_reporter_event(struct sl_supervisor *s)
{
	struct sl_reporting *r = &s->reporting;
	int status, pid = (int)r->child.pid;

	if (!sl_child_ended(&r->child, &status))
		return;
	bool soon = sl_mono_since(sl_clock_now(), r->started).us < LIVED_MS * INT64_C(1000);
	r->failures = soon ? r->failures + 1 : 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == CANNOT_RUN)
		sl_log(SL_LOG_ERR,
		       "sluice-reporter cannot be run: it stands neither beside sluiced nor where "
		       "it is installed");
	else
		sl_log(SL_LOG_ERR, "sluice-reporter (%d) has ended (status 0x%x), and is started again", pid,
		       (unsigned)status);
	plan(s);
}

void sl_supervisor_reporter_stop(struct sl_supervisor *s)
{
	sl_child_kill(&s->reporting.child);
	sl_ctl_socket_close(&s->reporting.socket);
	s->reporting.start_at = (struct sl_mono){ 0 };
}
