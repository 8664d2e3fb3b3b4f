/* SPDX-License-Identifier: GPL-2.0-or-later */
/* keeper_box.c - files of one folder, and nothing but files. */
#include <seccomp.h>

#include "base/util.h"
#include "daemon/box.h"
#include "daemon/keeper.h"

static const int allowed[] = {
	/* what it was given, and the folder; which files is Landlock's business */
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(sendfile), SCMP_SYS(recvmsg), SCMP_SYS(sendmsg),
	SCMP_SYS(close), SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(lseek), SCMP_SYS(fsync),
	SCMP_SYS(fdatasync), SCMP_SYS(ftruncate), SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(link),
	SCMP_SYS(linkat), SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(unlink),
	SCMP_SYS(unlinkat),
	/* memory */
	SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk), SCMP_SYS(futex),
	SCMP_SYS(sched_yield),
	/* itself */
	SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(getpid), SCMP_SYS(gettid),
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall),
	SCMP_SYS(getrandom), SCMP_SYS(exit), SCMP_SYS(exit_group)
};

int sl_keeper_box(void)
{
	const struct sl_box_folder here[] = { { ".", true } };
	int files = sl_box_files(here, SL_COUNT(here), SL_BOX_ALONE);
	int calls = sl_box_calls(allowed, SL_COUNT(allowed), 0, NULL);

	return files != SL_OK ? files : calls;
}
