/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/compiler.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cur.h"
#include "base/util.h"
#include "daemon/clock.h"
#include "daemon/compile_job.h"
#include "daemon/digest.h"
#include "daemon/dry_run.h"
#include "daemon/file.h"
#include "daemon/ipc.h"
#include "daemon/log.h"
#include "daemon/snapshot_file.h"
#include "daemon/standing.h"
#include "daemon/trouble.h"
#include "policy/host.h"

enum { SNAPSHOT, CONF, LISTS, NICE = 5 };

struct compiler {
	int ipc;
	struct sl_ipc_msg msg;
	struct sl_trouble trouble;
	struct sl_conf *conf;
	struct sl_compile_job_stats stats;
	int program; /* this one's file */
	int kept;    /* a snapshot that was kept; -1: none came */
	struct sl_bytes kept_as;
	char made_of[SL_DIGEST_TEXT]; /* "": not known */
};

/* Path i of the message is descriptor CONF + i; path 0 is the configuration's own. */
static int open_list(void *ctx, const char *path)
{
	const struct sl_ipc_msg *m = ctx;
	struct sl_cur c = sl_cur_whole(m->text);

	for (unsigned i = CONF; i < m->fds && sl_cur_more(&c); i++) {
		struct sl_bytes rest = { c.p, c.left };
		size_t n = sl_bytes_find(rest, '\0');
		struct sl_bytes name = sl_cur_bytes(&c, n);
		sl_cur_skip(&c, 1);
		if (i >= LISTS && sl_bytes_equal(name, sl_bytes_str(path)))
			return dup(m->fd[i]);
	}
	errno = ENOENT;
	return -1;
}

static void say(struct compiler *c, enum sl_ipc_type type, struct sl_bytes text, uint32_t have)
{
	if (sl_ipc_send(c->ipc, type, c->msg.number, text, NULL, 0, have) == SL_ELIMIT)
		(void)sl_ipc_send(c->ipc, type, c->msg.number, SL_BYTES_LIT("null"), NULL, 0, have);
}

/* A list in the shadow, or off, changes nothing for anybody. By the group default, as if no schedule were on: the new one's roles for
 * both, since it is the lists that are tried. */
static int set_roles(const struct compiler *c, struct sl_policy **policy)
{
	return c->conf == NULL ? SL_OK : sl_standing_apply(c->conf, NULL, policy);
}

/* What it would change for the names that were asked for of late; NULL: there is nothing to try it on. */
static json_t *try_it(const struct compiler *c)
{
	const int *last = c->msg.fd + c->msg.fds - SL_IPC_DRY_FDS;
	struct sl_policy *before = NULL, *after = NULL;
	struct sl_seen_names *seen = NULL;
	const char *why;
	json_t *out = NULL;

	if ((c->msg.have & SL_IPC_DRY) == 0 || c->msg.fds < LISTS + SL_IPC_DRY_FDS)
		return NULL;
	if (sl_snapshot_file_map(last[0], SL_SNAPSHOT_LOOK, &why, &before) == SL_OK &&
	    sl_snapshot_file_map(c->msg.fd[SNAPSHOT], SL_SNAPSHOT_LOOK, &why, &after) == SL_OK &&
	    sl_seen_names_map(last[1], false, &seen) == SL_OK && set_roles(c, &before) == SL_OK &&
	    set_roles(c, &after) == SL_OK)
		out = sl_dry_run(before, after, seen, sl_clock_wall_us() - SL_DRY_RUN_S * (int64_t)1000000);
	sl_policy_free(&before);
	sl_policy_free(&after);
	sl_seen_names_unmap(&seen);
	return out;
}

/* Its descriptor and its text are the last. */
static void find_kept(struct compiler *c)
{
	struct sl_ipc_msg *m = &c->msg;
	size_t last = m->text.len;

	if ((m->have & SL_IPC_KEPT_TOO) == 0 || m->fds <= LISTS || last == 0)
		return;
	for (last--; last > 0 && m->text.p[last - 1] != '\0'; last--)
		;
	c->kept = m->fd[--m->fds];
	c->kept_as = sl_bytes_skip(m->text, last);
	m->text.len = last;
}

static void digest(const struct compiler *c, char out[SL_DIGEST_TEXT])
{
	const struct sl_bytes text[] = { c->msg.text, sl_bytes_str(sl_host_idna()) };
	bool dry = (c->msg.have & SL_IPC_DRY) != 0 && c->msg.fds >= LISTS + SL_IPC_DRY_FDS;
	unsigned inputs = c->msg.fds - (dry ? SL_IPC_DRY_FDS : 0U);
	int fd[SL_IPC_FDS_MAX];
	size_t n = 0;

	fd[n++] = c->program;
	for (unsigned i = CONF; i < inputs; i++)
		fd[n++] = c->msg.fd[i];
	if (c->program < 0 || sl_digest_all(text, SL_COUNT(text), fd, n, out) != SL_OK)
		out[0] = '\0';
}

/* Is what was kept the same again? */
static bool take_kept(struct compiler *c)
{
	struct sl_trouble trouble = { 0 };
	const struct sl_diag diag = sl_trouble_diag(&trouble);
	struct sl_cur cur = sl_cur_whole(c->kept_as);
	struct sl_bytes made_of = sl_cur_bytes(&cur, SL_DIGEST_TEXT - 1);

	if (c->kept < 0 || c->made_of[0] == '\0' || !sl_bytes_equal(made_of, sl_bytes_str(c->made_of)))
		return false;
	/* Its text ends in NUL. */
	uint64_t checksum = strtoull((const char *)cur.p, NULL, 16);
	if (sl_compile_job_take(c->kept, checksum, c->msg.fd[SNAPSHOT], &diag) == SL_OK)
		return true;
	sl_log(SL_LOG_WARN, "compiler: what was kept of these lists is of no use, they are read: %s",
	       trouble.text);
	return false;
}

static void note_made_of(struct compiler *c, json_t *about)
{
	char checksum[17], again[SL_DIGEST_TEXT];

	digest(c, again); /* somebody may have written into a list while it was read */
	if (c->made_of[0] == '\0' || strcmp(c->made_of, again) != 0)
		return;
	(void)snprintf(checksum, sizeof(checksum), "%016" PRIx64, c->stats.snapshot.checksum);
	(void)json_object_set_new(about, "made_of", json_string(c->made_of));
	(void)json_object_set_new(about, "checksum", json_string(checksum));
}

static void say_compiled(struct compiler *c, const struct sl_compile_job *job)
{
	json_t *about = sl_compile_job_report(job, &c->stats), *dry = try_it(c);
	if (dry != NULL)
		(void)json_object_set_new(about, "dry_run", dry);
	if (about != NULL)
		note_made_of(c, about);
	char *text = about == NULL ? NULL : json_dumps(about, JSON_COMPACT);

	say(c, SL_IPC_COMPILED, sl_bytes_str(text == NULL ? "null" : text), 0);
	free(text);
	json_decref(about);
}

static int read_conf(struct compiler *c, const struct sl_diag *diag)
{
	struct sl_bytes text;
	int err = c->msg.fds < LISTS ? SL_EMALF : sl_file_read(c->msg.fd[CONF], &text);

	if (err != SL_OK)
		return err;
	err = sl_conf_read(c->msg.buf, text, diag, &c->conf);
	sl_file_free(&text);
	return err;
}

/* 1 + the number of the list because of which it failed; 0: of none. */
static uint32_t failed_list(const struct compiler *c)
{
	for (size_t i = 0; c->conf != NULL && i < c->conf->lists; i++)
		if (c->stats.lists.failed == c->conf->list[i].name)
			return (uint32_t)i + 1;
	return 0;
}

static int say_failed(struct compiler *c, const struct sl_diag *diag, int err)
{
	if (c->trouble.len == 0)
		sl_diag(diag, NULL, 0, "%s", sl_strerror(err));
	say(c, SL_IPC_COMPILE_FAILED, sl_bytes_of(c->trouble.text, c->trouble.len), failed_list(c));
	return err;
}

static int compile(struct compiler *c)
{
	const struct sl_diag diag = sl_trouble_diag(&c->trouble);
	struct sl_compile_job job = {
		.source = { .open_file = open_list, .ctx = &c->msg, .diag = &diag },
		.spill = -1,
		.generation = c->msg.number,
		.fold = true,
	};
	int err = read_conf(c, &diag);

	digest(c, c->made_of);
	if (err == SL_OK && take_kept(c)) {
		say(c, SL_IPC_COMPILED, SL_BYTES_LIT("null"), SL_IPC_KEPT_TOO);
		return err;
	}
	job.source.conf = c->conf;
	if (err == SL_OK)
		err = sl_compile_job_run(&job, c->msg.fd[SNAPSHOT], &c->stats);
	if (err == SL_OK) {
		say_compiled(c, &job);
		return err;
	}
	return say_failed(c, &diag, err);
}

/* A snapshot that an earlier compiler made, and a disk kept: every byte is looked at anew. */
static int restore(struct compiler *c)
{
	const struct sl_diag diag = sl_trouble_diag(&c->trouble);
	int err =
	        c->msg.fds < 2 ? SL_EMALF : sl_compile_job_restore(c->msg.fd[1], c->msg.fd[SNAPSHOT], &diag);

	if (err != SL_OK)
		return say_failed(c, &diag, err);
	say(c, SL_IPC_COMPILED, SL_BYTES_LIT("null"), 0);
	return SL_OK;
}

/* Lists that need more memory than there is shall end this process and not the one that judges. */
static void go_first(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		(void)!write(fd, "500", 3);
		(void)close(fd);
	}
}

/* Judging comes before a reload; at the start nobody judges yet, and all wait for us. */
static void be_nice(const struct sl_ipc_msg *msg)
{
	if ((msg->have & SL_IPC_BEHIND) != 0)
		(void)setpriority(PRIO_PROCESS, 0, NICE);
}

/* What a terminal sends is the supervisor's business. */
static void set_signals(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
}

int sl_compiler_run(int ipc, const struct sl_priv_user *user)
{
	struct compiler *c = calloc(1, sizeof(*c));

	set_signals();
	go_first();
	if (c == NULL || sl_priv_drop_all(user) != SL_OK) {
		sl_log(SL_LOG_ERR, "compiler: cannot give up privileges: %s", strerror(errno));
		free(c);
		return EXIT_FAILURE;
	}
	c->ipc = ipc;
	c->kept = -1;
	c->program = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int err = sl_ipc_receive(ipc, &c->msg);
	if (err == SL_OK) {
		be_nice(&c->msg);
		find_kept(c);
	}
	if (sl_compiler_box() != SL_OK)
		sl_log(SL_LOG_WARN,
		       "compiler: no Landlock or no seccomp (%s): lists are read without it, and "
		       "without "
		       "privileges",
		       strerror(errno));
	if (err == SL_OK && c->msg.type == SL_IPC_COMPILE)
		err = compile(c);
	else if (err == SL_OK && c->msg.type == SL_IPC_RESTORE)
		err = restore(c);
	sl_ipc_close_fds(&c->msg); /* without the two that are ours; they end with us */
	sl_conf_free(&c->conf);
	free(c);
	return err == SL_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
