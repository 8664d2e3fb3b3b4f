/* SPDX-License-Identifier: GPL-2.0-or-later */
/* broker_run.c - the broker as a process: a thread a worker, in a box. */
#include <errno.h>
#include <pthread.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/util.h"
#include "daemon/box.h"
#include "daemon/broker.h"
#include "daemon/crash.h"
#include "daemon/ipc.h"
#include "daemon/log.h"

struct post {
	pthread_t thread;
	const struct sl_broker_setup *setup;
	struct sl_broker_relay relay;
};

struct broker {
	struct sl_ipc_msg msg;
	struct sl_broker_setup setup;
	struct sl_take take;
	struct post post[SL_WORKERS_MAX];
};

static const int allowed[] = { SCMP_SYS(read),
	                       SCMP_SYS(write),
	                       SCMP_SYS(recvmsg),
	                       SCMP_SYS(recvmmsg),
	                       SCMP_SYS(recvfrom),
	                       SCMP_SYS(sendmsg),
	                       SCMP_SYS(sendmmsg),
	                       SCMP_SYS(sendto),
	                       SCMP_SYS(close),
	                       SCMP_SYS(poll),
	                       SCMP_SYS(ppoll),
	                       SCMP_SYS(clock_nanosleep),
	                       SCMP_SYS(nanosleep),
	                       SCMP_SYS(futex),
	                       SCMP_SYS(sched_yield),
	                       SCMP_SYS(restart_syscall),
	                       SCMP_SYS(munmap),
	                       SCMP_SYS(mremap),
	                       SCMP_SYS(madvise),
	                       SCMP_SYS(brk),
	                       SCMP_SYS(set_robust_list),
	                       SCMP_SYS(rseq),
	                       SCMP_SYS(sched_getaffinity),
	                       SCMP_SYS(getcpu),
	                       SCMP_SYS(clock_gettime),
	                       SCMP_SYS(getpid),
	                       SCMP_SYS(gettid),
	                       SCMP_SYS(rt_sigaction),
	                       SCMP_SYS(rt_sigprocmask),
	                       SCMP_SYS(rt_sigreturn),
	                       SCMP_SYS(getrandom),
	                       SCMP_SYS(exit),
	                       SCMP_SYS(exit_group) };

int sl_broker_box(void)
{
	int files = sl_box_files(NULL, 0, SL_BOX_ALONE);
	int calls = sl_box_calls(allowed, SL_COUNT(allowed), SL_BOX_THREADS, NULL);

	return files != SL_OK ? files : calls;
}

static void *serve(void *arg)
{
	struct post *p = arg;
	int err = sl_broker_relay(&p->relay, p->setup);

	if (err == SL_OK)
		return NULL;
	/* Who cannot read or answer must not look alive: the engine falls with it, and the next pair takes over. */
	sl_log(SL_LOG_ERR, "broker: the queue socket failed: %s",
	       err == SL_ESYS ? strerror(errno) : sl_strerror(err));
	abort();
}

static int receive(int ipc, struct broker *b)
{
	int err = sl_ipc_receive(ipc, &b->msg);

	if (err == SL_OK && (b->msg.type != SL_IPC_BROKER || b->msg.text.len != sizeof(b->setup)))
		err = SL_EMALF;
	if (err != SL_OK)
		return err;
	memcpy(&b->setup, b->msg.text.p, sizeof(b->setup));
	sl_ipc_close_fds(&b->msg);
	err = sl_ipc_receive(ipc, &b->msg);
	if (err == SL_OK)
		err = b->msg.type == SL_IPC_TAKE ? sl_take_read(&b->msg, &b->take) : SL_EMALF;
	sl_ipc_close_fds(&b->msg);
	return err;
}

static int start(struct broker *b, unsigned i)
{
	struct post *p = &b->post[i];

	p->setup = &b->setup;
	p->relay = (struct sl_broker_relay){
		.queue = b->take.queue[i],
		.conntrack = b->take.lookup[i] < 0 ? -1 : b->take.conntrack[i],
		.channel = b->take.channel[i],
		.lookup = b->take.lookup[i],
	};
	return pthread_create(&p->thread, NULL, serve, p) == 0 ? SL_OK : SL_ESYS;
}

/* A correct engine is refused nothing. */
static void say_refused(const struct broker *b)
{
	for (int no = 0; no < SL_LEDGER_NO_COUNT; no++) {
		uint64_t n = 0;
		for (unsigned i = 0; i < b->take.workers; i++)
			n += b->post[i].relay.refused[no];
		if (n > 0)
			sl_log(SL_LOG_ERR, "broker: %llu verdicts of the engine were refused: %s",
			       (unsigned long long)n, sl_ledger_reason((enum sl_ledger_no)no));
	}
}

/* What a terminal sends is the supervisor's business. */
static void set_signals(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
}

int sl_broker_run(int ipc, const struct sl_priv_user *user)
{
	struct broker *b = calloc(1, sizeof(*b));

	set_signals();
	sl_crash_tell("broker");
	if (b == NULL || sl_priv_drop(user) != SL_OK) {
		sl_log(SL_LOG_ERR, "broker: cannot give up privileges: %s", strerror(errno));
		free(b);
		return EXIT_FAILURE;
	}
	if (sl_broker_box() != SL_OK)
		sl_log(SL_LOG_WARN, "broker: no Landlock or no seccomp (%s)", strerror(errno));
	unsigned started = 0;
	int err = receive(ipc, b);
	while (err == SL_OK && started < b->take.workers)
		err = start(b, started++);
	if (err != SL_OK && err != SL_ENOENT) {
		sl_log(SL_LOG_ERR, "broker: %s", err == SL_ESYS ? strerror(errno) : sl_strerror(err));
		exit(EXIT_FAILURE);
	}
	for (unsigned i = 0; i < started; i++)
		(void)pthread_join(b->post[i].thread, NULL);
	say_refused(b);
	sl_take_close(&b->take);
	free(b);
	return EXIT_SUCCESS;
}
