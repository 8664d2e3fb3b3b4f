/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <seccomp.h>

#include "base/util.h"
#include "daemon/box.h"
#include "daemon/compiler.h"

/* Names, since seccomp knows them for every architecture. What is not here fails with EPERM. */
static const int allowed[] = {
	/* what it holds */
	SCMP_SYS(read), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(pwrite64), SCMP_SYS(recvmsg),
	SCMP_SYS(sendmsg), SCMP_SYS(close), SCMP_SYS(dup), SCMP_SYS(fstat), SCMP_SYS(newfstatat),
	SCMP_SYS(lseek), SCMP_SYS(ftruncate),
	/* memory */
	SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk), SCMP_SYS(futex),
	/* itself: its folder (paths of the configuration are relative to it), its clock, its end, an abort() (box.h) */
	SCMP_SYS(getcwd), SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(getpid), SCMP_SYS(gettid),
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall),
	SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity), SCMP_SYS(getrandom), SCMP_SYS(exit),
	SCMP_SYS(exit_group)
};

int sl_compiler_box(void)
{
	int files = sl_box_files(NULL, 0, SL_BOX_ALONE);
	int calls = sl_box_calls(allowed, SL_COUNT(allowed), 0, NULL);
	return files != SL_OK ? files : calls;
}
