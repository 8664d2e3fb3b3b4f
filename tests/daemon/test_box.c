/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_box.c - each process of ours, shut into what it really shuts itself into, tries what a taken-over one would. A row is a
 * process and a thing; beside them stands the same thing done by root outside of any box, which shows that the trial itself can
 * succeed. Builds with sanitizers load a wider list: here they say so by skipping. */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"
#include "daemon/box.h"
#include "daemon/broker.h"
#include "daemon/compiler.h"
#include "daemon/engine.h"
#include "daemon/fetch.h"
#include "daemon/keeper.h"
#include "daemon/priv.h"
#include "daemon/reporter.h"

enum { NOBODY = 65534, IN_HAND = 20, DID = 3, NO_BOX = 4, REFUSED = 5, ELSE = 6, LIMIT_S = 10 };

static pid_t victim;     /* a process of the same user */
static pid_t stranger;   /* one of root's */
static char folder[64];  /* the keeper's */
static char outside[80]; /* a file beside it */

/* ---- what is tried: 0, or what errno says ---- */

static int say(long r)
{
	return r < 0 ? errno : 0;
}
static int reads_file(void)
{
	return say(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}
static int reads_by_old_call(void)
{
	return say(syscall(SYS_open, "/etc/passwd", O_RDONLY));
}
static int writes_file(void)
{
	return say(open(outside, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}
static int truncates_file(void)
{
	return say(truncate(outside, 0));
}
static int makes_file_here(void)
{
	return say(open("new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}
static int removes_file(void)
{
	return say(unlink(outside));
}
static int changes_owner(void)
{
	return say(chown(outside, NOBODY, NOBODY));
}
static int reads_resolver(void)
{
	return say(open("/etc/nsswitch.conf", O_RDONLY | O_CLOEXEC));
}
static int tcp(void)
{
	return say(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}
static int listens(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return s < 0 ? errno : say(bind(s, (struct sockaddr *)&any, sizeof(any)));
}
static int unix_socket(void)
{
	return say(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}
static int netlink(void)
{
	return say(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
}
static int packets(void)
{
	return say(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
}
static int becomes(void)
{
	char path[] = "/bin/true", *argv[] = { path, NULL };
	return say(execv(path, argv)); /* whoever may ends here, with status 0 */
}
static int process(void)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	return say(pid);
}
static int process_by_clone3(void)
{
	uint64_t args[11] = { 0 };
	args[4] = SIGCHLD;
	long pid = syscall(SYS_clone3, args, sizeof(args));
	if (pid == 0)
		_exit(0);
	return pid < 0 && errno == ENOSYS ? EPERM : say(pid);
}
static int traces(void)
{
	return say(ptrace(PTRACE_ATTACH, victim, NULL, NULL));
}
static int reads_memory(void)
{
	char byte;
	struct iovec to = { &byte, 1 }, from = { &victim, 1 };
	return say(process_vm_readv(victim, &to, 1, &from, 1, 0));
}
static int kills_same_user(void)
{
	return say(kill(victim, 0));
}
static int tgkills_same_user(void)
{
	return say(syscall(SYS_tgkill, victim, victim, 0));
}
static int kills_root(void)
{
	return say(kill(stranger, 0));
}
static int kills_by_descriptor(void)
{
	long fd = syscall(SYS_pidfd_open, victim, 0);
	return fd < 0 ? errno : say(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
}
static int signals_by_descriptor(void)
{
	return say(fcntl(STDERR_FILENO, F_SETOWN, victim));
}
static int types_into_terminal(void)
{
	int r = ioctl(STDIN_FILENO, TIOCSTI, "x");
	return r < 0 && (errno == ENOTTY || errno == EIO) ? 0 : say(r); /* the kernel has looked at it */
}
static int mounts(void)
{
	return say(mount("none", folder, "tmpfs", 0, NULL));
}
static int unshares(void)
{
	return say(unshare(CLONE_NEWNS));
}
static int enters_namespace(void)
{
	int r = setns(STDERR_FILENO, CLONE_NEWNET);
	return r < 0 && errno == EINVAL ? 0 : say(r);
}
static int loads_module(void)
{
	long r = syscall(SYS_init_module, "", 0, "");
	return r < 0 && errno == ENOEXEC ? 0 : say(r);
}
static int bpf_program(void)
{
	uint8_t attr[128] = { 0 };
	long r = syscall(SYS_bpf, 0, attr, sizeof(attr)); /* a map of no kind */
	return r < 0 && errno == EINVAL ? 0 : say(r);
}
static int becomes_root(void)
{
	return say(setresuid(0, 0, 0));
}
static int gets_dumpable(void)
{
	return say(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}
static int executable_memory(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED ? errno : 0;
}
static int makes_memory_executable(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED ? ENOMEM : say(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}
static int memory_file(void)
{
	return say(memfd_create("x", MFD_CLOEXEC));
}
static int keyring(void)
{
	return say(syscall(SYS_keyctl, 0, -3, 1)); /* the process's keyring, made where there is none */
}
static int io_ring(void)
{
	uint8_t params[120] = { 0 };
	long r = syscall(SYS_io_uring_setup, 1, params);
	return r < 0 && errno == ENOSYS ? 0 : say(r);
}
/* The same kernel by the door of 32-bit programs, where the numbers are others: 20 is getpid(). */
static int other_architecture(void)
{
#ifdef __x86_64__
	long r = 20;
	__asm__ volatile("int $0x80" : "+a"(r) : : "memory");
	return r > 0 ? 0 : (int)-r;
#else
	return ENOSYS;
#endif
}
static int x32_call(void)
{
#ifdef __x86_64__
	long r = syscall(0x40000000 + SYS_getpid);
	return r < 0 && errno == ENOSYS ? 0 : say(r); /* a kernel without them, and no filter ahead of it */
#else
	return ENOSYS;
#endif
}
static int reads_its_own(void)
{
	char byte;
	return say(pread(IN_HAND, &byte, 1, 0));
}
static int takes_memory(void)
{
	void *volatile p = malloc(64 << 20);
	int err = p == NULL ? ENOMEM : 0;
	free(p);
	return err;
}

/* ---- who tries ---- */

static const struct sl_priv_user nobody = { NOBODY, NOBODY, true }, root = { 0, 0, false };

static int enter_engine(void)
{
	return sl_priv_drop(&nobody) != SL_OK ? SL_EPERM : sl_engine_box();
}
static int enter_engine_brokered(void)
{
	return sl_priv_drop_all(&nobody) != SL_OK ? SL_EPERM : sl_engine_box();
}
static int enter_broker(void)
{
	return sl_priv_drop(&nobody) != SL_OK ? SL_EPERM : sl_broker_box();
}
static int enter_compiler(void)
{
	return sl_priv_drop_all(&nobody) != SL_OK ? SL_EPERM : sl_compiler_box();
}
static int enter_fetcher(void)
{
	return sl_priv_drop_all(&nobody) != SL_OK ? SL_EPERM : sl_fetch_box();
}
static int enter_keeper(void)
{
	return sl_priv_drop_all(&root) != SL_OK || chdir(folder) != 0 ? SL_EPERM : sl_keeper_box();
}
static int enter_reporter(void)
{
	return sl_priv_drop_all(&nobody) != SL_OK ? SL_EPERM : sl_reporter_box();
}
static int enter_landlock(void)
{
	return sl_box_files(NULL, 0, SL_BOX_ALONE);
}
static int enter_nothing(void)
{
	return chdir(folder) == 0 ? SL_OK : SL_ESYS;
}

enum {
	ENGINE = 1,
	COMPILER = 2,
	FETCHER = 4,
	KEEPER = 8,
	BROKERED = 16,
	BROKER = 32,
	REPORTER = 64,
	BOXES = 7
};

static const struct {
	const char *name;
	int (*enter)(void);
} who[] = {
	{ "the engine", enter_engine },
	{ "the compiler", enter_compiler },
	{ "the fetcher", enter_fetcher },
	{ "the keeper", enter_keeper },
	{ "the engine with a broker", enter_engine_brokered },
	{ "the broker", enter_broker },
	{ "the reporter", enter_reporter },
	{ "Landlock alone", enter_landlock }, /* as root, so that nothing else refuses */
	{ "root outside", enter_nothing },
};
enum { LANDLOCK = BOXES, OUTSIDE };

static const struct trial {
	const char *name;
	int (*try)(void);
	unsigned may;      /* which of the boxes */
	unsigned landlock; /* from which version on it refuses, too; 0: it is none of its business */
	bool unsure;       /* root itself may be refused it: no such door in this kernel, a container */
} trials[] = {
	{ "reads a file", reads_file, 0, 1, false },
	{ "reads a file by the old call", reads_by_old_call, 0, 1, false },
	{ "makes a file", writes_file, 0, 1, false },
	{ "makes a file where it is", makes_file_here, KEEPER, 1, false },
	{ "empties a file", truncates_file, 0, 3, false },
	{ "removes a file", removes_file, 0, 1, false },
	{ "gives a file away", changes_owner, 0, 0, false },
	{ "reads how names are resolved", reads_resolver, FETCHER, 1, false },
	{ "makes a TCP socket", tcp, FETCHER, 0, false },
	{ "takes a TCP port", listens, 0, 4, false },
	{ "makes a Unix socket", unix_socket, 0, 0, false },
	{ "makes a netlink socket", netlink, 0, 0, false },
	{ "makes a packet socket", packets, 0, 0, true },
	{ "becomes another program", becomes, 0, 1, false },
	{ "starts a process", process, 0, 0, false },
	{ "starts a process by clone3", process_by_clone3, 0, 0, false },
	{ "traces a process of its user", traces, 0, 1, true },
	{ "reads a process's memory", reads_memory, 0, 0, true },
	{ "signals a process of its user", kills_same_user, 0, 6, false },
	{ "signals a thread of its user", tgkills_same_user, 0, 6, false },
	{ "signals a process of root", kills_root, 0, 6, false },
	{ "signals a process by its descriptor", kills_by_descriptor, 0, 6, false },
	{ "has the kernel signal a process", signals_by_descriptor, 0, 0, false },
	{ "types into the terminal", types_into_terminal, 0, 0, true },
	{ "mounts", mounts, 0, 1, true },
	{ "makes a namespace", unshares, 0, 0, true },
	{ "enters a namespace", enters_namespace, 0, 0, false },
	{ "loads a module", loads_module, 0, 0, true },
	{ "makes a BPF map", bpf_program, 0, 0, true },
	{ "becomes root", becomes_root, 0, 0, false },
	{ "lets others trace it", gets_dumpable, 0, 0, false },
	{ "maps executable memory", executable_memory, FETCHER, 0, false },
	{ "makes memory executable", makes_memory_executable, FETCHER, 0, false },
	{ "makes a memory file", memory_file, 0, 0, false },
	{ "makes a keyring", keyring, 0, 0, true },
	{ "sets up io_uring", io_ring, 0, 0, true },
	{ "calls as a 32-bit program", other_architecture, 0, 0, true },
	{ "calls as an x32 program", x32_call, 0, 0, false },
	{ "reads what it holds", reads_its_own, ENGINE | BROKERED | REPORTER | COMPILER | FETCHER, 0, false },
	{ "takes memory", takes_memory, ENGINE | BROKERED | BROKER | REPORTER | COMPILER | FETCHER | KEEPER,
	  0, false },
};

struct row {
	char name[96];
	const struct trial *trial;
	size_t who;
};

/* In the child. */
static void try(const struct row *r)
{
	int fd = memfd_create("held", 0);
	if (fd < 0 || write(fd, "x", 1) != 1 || dup2(fd, IN_HAND) != IN_HAND)
		_exit(ELSE);
	(void)alarm(LIMIT_S);
	if (who[r->who].enter() != SL_OK)
		_exit(NO_BOX);
	int err = r->trial->try();
	_exit(err == 0 ? DID : err == EPERM || err == EACCES ? REFUSED : ELSE);
}

/* DID, REFUSED, NO_BOX or ELSE. */
static int outcome(const struct row *r)
{
	int status = 0;
	pid_t pid = fork();
	if (pid == 0)
		try(r);
	if (waitpid(pid, &status, 0) != pid)
		return ELSE;
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGSYS ? REFUSED : ELSE;
	return WEXITSTATUS(status) == 0 ? DID : WEXITSTATUS(status); /* 0: it is another program now */
}

static void test_row(void **state)
{
	const struct row *r = *state;
	int fd = open(outside, O_WRONLY | O_CREAT | O_CLOEXEC, 0644), did;
	assert_true(fd >= 0);
	(void)close(fd);
	did = outcome(r);
	if (did == NO_BOX)
		skip(); /* a kernel without */
	if (r->who == OUTSIDE && r->trial->unsure && did != DID)
		skip();
	if (r->who == OUTSIDE || (r->who < BOXES && (r->trial->may >> r->who & 1) != 0))
		assert_int_equal(did, DID);
	else
		assert_int_equal(did, REFUSED);
}

static bool is_there(const struct trial *t, size_t process, long version)
{
	(void)version;
#ifdef SL_SANITIZE /* a wider list; what it still refuses, and that it loads */
	return process < BOXES && (t->try == takes_memory || t->try == becomes || t->try == tcp);
#else
	return process != LANDLOCK || (t->landlock > 0 && version >= (long)t->landlock);
#endif
}

static pid_t start_sleeper(uid_t uid)
{
	pid_t pid = fork();
	if (pid == 0) {
		if (setresgid(uid, uid, uid) != 0 || setresuid(uid, uid, uid) != 0)
			_exit(1);
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
		for (;;)
			(void)pause();
	}
	return pid;
}

static void end(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

int main(void)
{
	static struct row rows[SL_COUNT(trials) * SL_COUNT(who)];
	static struct CMUnitTest tests[SL_COUNT(rows)];
	size_t n = 0;
	if (geteuid() != 0)
		return 77;
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	(void)snprintf(folder, sizeof(folder), "/tmp/sluice-box-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return EXIT_FAILURE;
	(void)snprintf(outside, sizeof(outside), "%s.outside", folder);
	victim = start_sleeper(NOBODY);
	stranger = start_sleeper(0);
	for (size_t t = 0; t < SL_COUNT(trials); t++)
		for (size_t w = 0; w < SL_COUNT(who); w++) {
			if (!is_there(&trials[t], w, version))
				continue;
			rows[n] = (struct row){ .trial = &trials[t], .who = w };
			(void)snprintf(rows[n].name, sizeof(rows[n].name), "%s %s", who[w].name,
			               trials[t].name);
			tests[n] = (struct CMUnitTest){ rows[n].name, test_row, NULL, NULL, &rows[n] };
			n++;
		}
	int failed = _cmocka_run_group_tests("daemon/box", tests, n, NULL, NULL);
	end(victim);
	end(stranger);
	char new[80];
	(void)snprintf(new, sizeof(new), "%s/new", folder);
	(void)unlink(new);
	(void)unlink(outside);
	(void)rmdir(folder);
	return failed;
}
