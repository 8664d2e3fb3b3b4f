/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/box.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"

/* Whatever a list forgets fails with EPERM and does not kill: a library's update that begins to ask for something harmless must
 * not be an outage. These are no oversight of anybody's. */
static const int deadly[] = {
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
#ifndef SL_SANITIZE /* LeakSanitizer traces its own process */
	SCMP_SYS(ptrace),
#endif
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(bpf),
	SCMP_SYS(mount),
	SCMP_SYS(unshare),
	SCMP_SYS(setns),
	SCMP_SYS(init_module),
	SCMP_SYS(finit_module),
	SCMP_SYS(kexec_load),
};

#ifdef SL_SANITIZE
/* Their reports read /proc and files, and LeakSanitizer stops all threads from a process that shares their memory. */
static const int wider[] = {
	SCMP_SYS(open),
	SCMP_SYS(openat),
	SCMP_SYS(read),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(getdents64),
	SCMP_SYS(newfstatat),
	SCMP_SYS(access),
	SCMP_SYS(ioctl),
	SCMP_SYS(prctl),
	SCMP_SYS(ptrace),
	SCMP_SYS(clone),
	SCMP_SYS(wait4),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(mincore),
	SCMP_SYS(prlimit64),
	SCMP_SYS(getrlimit),
	SCMP_SYS(getrusage),
	SCMP_SYS(uname),
	SCMP_SYS(sched_yield),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(nanosleep),
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getegid),
	SCMP_SYS(getppid),
	SCMP_SYS(gettid),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq),
	SCMP_SYS(mlock),
	SCMP_SYS(munlock),
	SCMP_SYS(pipe2),
	SCMP_SYS(dup),
	SCMP_SYS(exit),
};
#endif

static int add_list(scmp_filter_ctx box, uint32_t action, const int *call, size_t n)
{
	int failed = 0;

	for (size_t i = 0; i < n && (failed == 0 || failed == -EEXIST); i++)
		failed = seccomp_rule_add(box, action, call[i], 0);
	return failed == -EEXIST ? 0 : failed;
}

/* F_SETOWN would have the kernel signal somebody else, F_NOTIFY and leases are for files. */
static int add_fcntl(scmp_filter_ctx box)
{
	static const int command[] = { F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD,     F_SETFD,
		                       F_GETFL, F_SETFL,         F_GET_SEALS, F_ADD_SEALS };
	int failed = 0;

	for (size_t i = 0; i < SL_COUNT(command) && failed == 0; i++)
		failed = seccomp_rule_add(box, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
		                          SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)command[i], 0));
	return failed;
}

static int add_memory(scmp_filter_ctx box, bool executable)
{
	static const int call[] = { SCMP_SYS(mmap), SCMP_SYS(mprotect) };
	int failed = 0;

	if (executable)
		return add_list(box, SCMP_ACT_ALLOW, call, SL_COUNT(call));
	for (size_t i = 0; i < SL_COUNT(call) && failed == 0; i++)
		failed = seccomp_rule_add(box, SCMP_ACT_ALLOW, call[i], 1,
		                          SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	return failed;
}

/* abort(), raise() and pthread_kill(): processes of the same user are not to be signalled. */
static int add_tgkill(scmp_filter_ctx box)
{
	return seccomp_rule_add(box, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
	                        SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
}

/* clone3() hides its flags in memory: glibc does without it. */
static int add_threads(scmp_filter_ctx box)
{
	int failed = seccomp_rule_add(box, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

	if (failed == 0)
		failed = seccomp_rule_add(box, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
		                          SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
	return failed;
}

static int add_all(scmp_filter_ctx box, unsigned also, int (*more)(void *filter))
{
	int failed = seccomp_attr_set(box, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

	if (failed == 0)
		failed = add_list(box, SCMP_ACT_KILL_PROCESS, deadly, SL_COUNT(deadly));
#ifdef SL_SANITIZE
	if (failed == 0)
		failed = add_list(box, SCMP_ACT_ALLOW, wider, SL_COUNT(wider));
#endif
	if (failed == 0)
		failed = add_fcntl(box);
	if (failed == 0)
		failed = add_tgkill(box);
	if (failed == 0)
		failed = add_memory(box, (also & SL_BOX_LOADS_CODE) != 0);
	if (failed == 0 && (also & SL_BOX_THREADS) != 0)
		failed = add_threads(box);
	if (failed == 0 && more != NULL)
		failed = more(box);
	return failed;
}

int sl_box_calls(const int *call, size_t n, unsigned also, int (*more)(void *filter))
{
	scmp_filter_ctx box = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int failed = box == NULL ? -ENOMEM : add_list(box, SCMP_ACT_ALLOW, call, n);

	if (failed == 0)
		failed = add_all(box, also, more);
	if (failed == 0)
		failed = seccomp_load(box);
	seccomp_release(box);
	errno = failed == 0 ? errno : -failed;
	return failed == 0 ? SL_OK : SL_ESYS;
}

/* ---- Landlock ---- */

/* As <linux/landlock.h> has it since 6.12; Debian 12's is older than what its kernels from backports can do. */
struct ruleset {
	uint64_t files, tcp, scope;
};

enum {
	READ = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
	TRUNCATE = 1 << 14,
	WRITE = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
	        LANDLOCK_ACCESS_FS_MAKE_DIR | TRUNCATE,
	OF_FILES = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_EXECUTE |
	           TRUNCATE,
	TCP_BIND = 1,
	TCP_CONNECT = 2,
	SCOPE_ALL = 3, /* abstract Unix sockets, signals */
};

/* All that this version of it can deny. */
static struct ruleset all_of(long version, enum sl_box_reach reach, size_t *size)
{
	struct ruleset r = { .files = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1 };

	if (version >= 2)
		r.files |= 1 << 13; /* REFER */
	if (version >= 3)
		r.files |= TRUNCATE;
	if (version >= 4)
		r.tcp = reach == SL_BOX_CONNECTS ? TCP_BIND : TCP_BIND | TCP_CONNECT;
	if (version >= 5)
		r.files |= 1 << 15; /* IOCTL_DEV */
	if (version >= 6)
		r.scope = SCOPE_ALL;
	*size = version >= 6 ? sizeof(r) : version >= 4 ? offsetof(struct ruleset, scope) : sizeof(r.files);
	return r;
}

static int allow(int rules, const struct sl_box_folder *folder, uint64_t known)
{
	struct landlock_path_beneath_attr beneath = { .allowed_access = READ | (folder->write ? WRITE : 0) };
	struct stat st;
	beneath.parent_fd = open(folder->path, O_PATH | O_CLOEXEC);
	if (beneath.parent_fd < 0)
		return SL_OK;
	if (fstat(beneath.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
		beneath.allowed_access &= OF_FILES;
	beneath.allowed_access &= known;
	long failed = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
	(void)close(beneath.parent_fd);
	return failed == 0 ? SL_OK : SL_ESYS;
}

int sl_box_files(const struct sl_box_folder *folder, size_t n, enum sl_box_reach reach)
{
	long version =
	        syscall(SYS_landlock_create_ruleset, NULL, 0, (unsigned)LANDLOCK_CREATE_RULESET_VERSION);
	size_t size = 0;
	if (version < 1)
		return SL_ESYS;
	const struct ruleset attr = all_of(version, reach, &size);
	int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
	int err = rules < 0 ? SL_ESYS : SL_OK;
	for (size_t i = 0; i < n && err == SL_OK; i++)
		err = allow(rules, &folder[i], attr.files);
#ifdef SL_SANITIZE /* their reports read these */
	static const struct sl_box_folder readable = { "/", false };
	if (err == SL_OK)
		err = allow(rules, &readable, attr.files);
#endif
	if (err == SL_OK && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	                     syscall(SYS_landlock_restrict_self, rules, 0) != 0))
		err = SL_ESYS;
	if (rules >= 0)
		(void)close(rules);
	return err;
}
