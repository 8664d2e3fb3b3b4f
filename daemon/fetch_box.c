/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/util.h"
#include "daemon/box.h"
#include "daemon/fetch.h"

/* What glibc reads to resolve names, and where certificates are. */
static const struct sl_box_folder files[] = {
	{ "/etc/resolv.conf", false },
	{ "/etc/hosts", false },
	{ "/etc/nsswitch.conf", false },
	{ "/etc/host.conf", false },
	{ "/etc/gai.conf", false },
	{ "/etc/services", false },
	{ "/etc/ssl", false },
	{ "/etc/ca-certificates", false },
	{ "/etc/pki", false },
	{ "/etc/gnutls", false },
	{ "/etc/crypto-policies", false },
	{ "/usr/share/ca-certificates", false },
	{ "/usr/local/share/ca-certificates", false },
	{ "/etc/ld.so.cache", false },
	{ "/lib", false },
	{ "/lib64", false },
	{ "/usr/lib", false },
	{ "/usr/lib64", false },
	{ "/run/systemd/resolve", false },
	{ "/run/resolvconf", false },
	{ "/run/NetworkManager", false },
	{ "/dev/urandom", false },
};

static const int allowed[] = {
	/* what it holds */
	SCMP_SYS(read), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(recvmsg),
	SCMP_SYS(sendmsg), SCMP_SYS(recvfrom), SCMP_SYS(sendto), SCMP_SYS(sendmmsg), SCMP_SYS(recvmmsg),
	SCMP_SYS(close), SCMP_SYS(dup), SCMP_SYS(fstat), SCMP_SYS(lseek), SCMP_SYS(poll), SCMP_SYS(ppoll),
	/* to connect: socket() is below */
	SCMP_SYS(connect), SCMP_SYS(setsockopt), SCMP_SYS(getsockopt), SCMP_SYS(getsockname),
	SCMP_SYS(getpeername), SCMP_SYS(shutdown), SCMP_SYS(socketpair), SCMP_SYS(pipe2), SCMP_SYS(eventfd2),
	SCMP_SYS(uname),
	/* files: which of them is Landlock's business */
	SCMP_SYS(openat), SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(access), SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getdents64),
	/* memory and threads: a name is resolved by one */
	SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk), SCMP_SYS(futex),
	SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity),
	/* itself */
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep), SCMP_SYS(gettimeofday), SCMP_SYS(time),
	SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid),
	SCMP_SYS(getegid), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(restart_syscall), SCMP_SYS(getrandom), SCMP_SYS(sysinfo), SCMP_SYS(exit),
	SCMP_SYS(exit_group)
};

/* Sockets of the internet and no others; of ioctl() nothing that a terminal or an interface would obey. */
static int add_more(void *filter)
{
	static const uint64_t family[] = { AF_INET, AF_INET6 };
	static const uint64_t request[] = { FIONREAD, FIONBIO };
	int failed = 0;
	for (size_t i = 0; i < SL_COUNT(family) && failed == 0; i++)
		failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
		                          SCMP_A0(SCMP_CMP_EQ, family[i], 0));
	for (size_t i = 0; i < SL_COUNT(request) && failed == 0; i++)
		failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
		                          SCMP_A1(SCMP_CMP_EQ, request[i], 0));
	return failed;
}

int sl_fetch_box(void)
{
	int err = sl_box_files(files, SL_COUNT(files), SL_BOX_CONNECTS);
	int calls = sl_box_calls(allowed, SL_COUNT(allowed), SL_BOX_THREADS | SL_BOX_LOADS_CODE, add_more);
	return err != SL_OK ? err : calls;
}
