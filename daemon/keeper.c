/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/keeper.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cur.h"
#include "daemon/compile_output.h"
#include "daemon/ipc.h"
#include "daemon/log.h"
#include "daemon/trouble.h"

enum { FOLDER_MODE = 0750 };

/* The next name of the message, which ends in NUL; NULL at its end. */
static const char *next_name(struct sl_cur *c)
{
	struct sl_bytes rest = { c->p, c->left };
	struct sl_bytes name = sl_cur_bytes(c, sl_bytes_find(rest, '\0') + 1);
	return name.p == NULL ? NULL : (const char *)name.p;
}

static int copy(int from, int to)
{
	off_t at = 0;
	ssize_t n = 1;
	while (n > 0)
		n = sendfile(to, from, &at, 1 << 20);
	return n == 0 ? SL_OK : SL_ESYS;
}

static int write_file(const char *name, int from)
{
	struct sl_output out;
	int err = sl_output_open(name, &out);
	if (err == SL_OK)
		err = copy(from, out.fd);
	if (err == SL_OK)
		err = sl_output_commit(&out);
	int saved = errno;
	sl_output_close(&out);
	errno = saved;
	return err;
}

static int make_folder(const char *path)
{
	return mkdir(path, FOLDER_MODE) == 0 || errno == EEXIST ? SL_OK : SL_ESYS;
}

static int enter(const char *folder)
{
	if (make_folder(folder) != SL_OK || chdir(folder) != 0 || make_folder("generations") != SL_OK ||
	    make_folder("lists") != SL_OK)
		return SL_ESYS;
	if (sl_keeper_box() != SL_OK)
		sl_log(SL_LOG_WARN,
		       "keeper: no Landlock or no seccomp (%s): policies are kept without it, and without "
		       "privileges",
		       strerror(errno));
	return SL_OK;
}

static int keep(struct sl_ipc_msg *m, const struct sl_diag *diag)
{
	struct sl_cur c = sl_cur_whole(m->text);
	const char *folder = next_name(&c), *name = folder;
	int err = folder == NULL ? SL_EMALF : enter(folder);
	for (unsigned i = 0; err == SL_OK && i < m->fds; i++) {
		name = next_name(&c);
		err = name == NULL ? SL_EMALF : write_file(name, m->fd[i]);
	}
	if (err != SL_OK)
		sl_diag(diag, NULL, 0, "%s%s%s cannot be written: %s", folder == NULL ? "" : folder,
		        name == folder ? "" : "/", name == folder || name == NULL ? "" : name,
		        err == SL_ESYS ? strerror(errno) : sl_strerror(err));
	while (err == SL_OK && (name = next_name(&c)) != NULL)
		if (name[0] == '-')
			(void)unlink(name + 1); /* one that stays costs room, and is not looked for */
	return err;
}

int sl_keeper_run(int ipc, const struct sl_priv_user *user)
{
	const struct sl_priv_user root = { 0, 0, false };
	struct sl_trouble trouble;
	struct sl_ipc_msg *m = calloc(1, sizeof(*m));

	(void)user;
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	if (m == NULL || sl_priv_drop_all(&root) != SL_OK) {
		sl_log(SL_LOG_ERR, "keeper: cannot give up privileges: %s", strerror(errno));
		free(m);
		return EXIT_FAILURE;
	}
	const struct sl_diag diag = sl_trouble_diag(&trouble);
	int err = sl_ipc_receive(ipc, m);
	if (err == SL_OK && m->type == SL_IPC_KEEP)
		err = keep(m, &diag);
	(void)sl_ipc_send(ipc, err == SL_OK ? SL_IPC_KEPT : SL_IPC_KEEP_FAILED, m->number,
	                  sl_bytes_of(trouble.text, trouble.len), NULL, 0, 0);
	sl_ipc_close_fds(m);
	free(m);
	return err == SL_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
