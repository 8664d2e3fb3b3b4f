/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <seccomp.h>

#include "base/util.h"
#include "daemon/box.h"
#include "daemon/reporter.h"

/* No file, no socket of its own, no process, no thread: what it holds, and whom it accepts. */
static const int allowed[] = {
	SCMP_SYS(accept4),      SCMP_SYS(read),         SCMP_SYS(write),           SCMP_SYS(writev),
	SCMP_SYS(pread64),      SCMP_SYS(recvfrom),     SCMP_SYS(sendto),          SCMP_SYS(recvmsg),
	SCMP_SYS(sendmsg),      SCMP_SYS(shutdown),     SCMP_SYS(close),           SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),   SCMP_SYS(setsockopt),   SCMP_SYS(getsockopt),      SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),  SCMP_SYS(poll),         SCMP_SYS(ppoll),           SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_wait),   SCMP_SYS(epoll_pwait),  SCMP_SYS(munmap),          SCMP_SYS(mremap),
	SCMP_SYS(madvise),      SCMP_SYS(brk),          SCMP_SYS(futex),           SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday), SCMP_SYS(time),         SCMP_SYS(getpid),          SCMP_SYS(gettid),
	SCMP_SYS(getrandom),    SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall), SCMP_SYS(exit),
	SCMP_SYS(exit_group)
};

int sl_reporter_box(void)
{
	int err = sl_box_files(NULL, 0, SL_BOX_ALONE);
	int calls = sl_box_calls(allowed, SL_COUNT(allowed), 0, NULL);
	return err != SL_OK ? err : calls;
}
