/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine_box.c - what the process that judges may still ask of the kernel. */
#include <errno.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "base/util.h"
#include "daemon/box.h"
#include "daemon/engine.h"

enum { NAME_MEMORY = 0x53564d41 }; /* PR_SET_VMA: allocators name what they map */

static const int allowed[] = {
	/* the sockets and files that it was given, and a supervisor or a provider that comes to it: no socket() and no connect() */
	SCMP_SYS(read), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(recvmsg),
	SCMP_SYS(recvmmsg), SCMP_SYS(recvfrom), SCMP_SYS(sendmsg), SCMP_SYS(sendto), SCMP_SYS(accept4),
	SCMP_SYS(listen), SCMP_SYS(getsockopt), SCMP_SYS(getsockname), SCMP_SYS(close), SCMP_SYS(fstat),
	SCMP_SYS(newfstatat), SCMP_SYS(lseek),
	/* to wait */
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep), SCMP_SYS(futex),
	SCMP_SYS(sched_yield), SCMP_SYS(restart_syscall),
	/* memory and threads */
	SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk), SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq), SCMP_SYS(membarrier), SCMP_SYS(sched_getaffinity), SCMP_SYS(getcpu),
	/* itself */
	SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(getpid), SCMP_SYS(gettid),
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack),
	SCMP_SYS(getrandom), SCMP_SYS(exit), SCMP_SYS(exit_group)
};

/* Of the options of sockets those that it sets: the wait for the next deadline, and room for what it tells a supervisor. Of
 * prctl() the names of its threads. */
static int add_more(void *filter)
{
	static const int option[] = { SO_RCVTIMEO, SO_SNDBUF, SO_SNDBUFFORCE };
	static const uint64_t about[] = { PR_SET_NAME, PR_GET_NAME, NAME_MEMORY };
	int failed = 0;

	for (size_t i = 0; i < SL_COUNT(option) && failed == 0; i++)
		failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(setsockopt), 2,
		                          SCMP_A1(SCMP_CMP_EQ, SOL_SOCKET, 0),
		                          SCMP_A2(SCMP_CMP_EQ, (scmp_datum_t)option[i], 0));
	for (size_t i = 0; i < SL_COUNT(about) && failed == 0; i++)
		failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
		                          SCMP_A0(SCMP_CMP_EQ, about[i], 0));
	return failed == -EEXIST ? 0 : failed; /* in a build with sanitizers */
}

int sl_engine_box(void)
{
	int files = sl_box_files(NULL, 0, SL_BOX_ALONE);
	int calls = sl_box_calls(allowed, SL_COUNT(allowed), SL_BOX_THREADS, add_more);

	return files != SL_OK ? files : calls;
}
