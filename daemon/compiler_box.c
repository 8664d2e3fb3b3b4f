/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <seccomp.h>

#include "base/util.h"
#include "daemon/compiler.h"

#ifdef SL_SANITIZE
/* Sanitizers read /proc and stop threads when they report: in the box their report would be of the box. */
int sl_compiler_box(void)
{
	return SL_OK;
}
#else

/* Names, since seccomp knows them for every architecture. What is not here fails with EPERM. */
static const int allowed[] = {
	/* what it holds */
	SCMP_SYS(read), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(pwrite64), SCMP_SYS(recvmsg),
	SCMP_SYS(sendmsg), SCMP_SYS(close), SCMP_SYS(dup), SCMP_SYS(fcntl), SCMP_SYS(fstat),
	SCMP_SYS(newfstatat), SCMP_SYS(lseek),
	/* memory */
	SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(mprotect), SCMP_SYS(madvise),
	SCMP_SYS(brk), SCMP_SYS(futex),
	/* itself: its folder (paths of the configuration are relative to it), its clock, its end, an abort() */
	SCMP_SYS(getcwd), SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(getpid), SCMP_SYS(gettid),
	SCMP_SYS(tgkill), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(restart_syscall), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity), SCMP_SYS(getrandom),
	SCMP_SYS(exit), SCMP_SYS(exit_group)
};

int sl_compiler_box(void)
{
	scmp_filter_ctx box = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int failed = box == NULL ? -ENOMEM : 0;
	for (size_t i = 0; i < SL_COUNT(allowed) && failed == 0; i++)
		failed = seccomp_rule_add(box, SCMP_ACT_ALLOW, allowed[i], 0);
	if (failed == 0)
		failed = seccomp_load(box);
	seccomp_release(box);
	errno = failed == 0 ? errno : -failed;
	return failed == 0 ? SL_OK : SL_ESYS;
}
#endif
