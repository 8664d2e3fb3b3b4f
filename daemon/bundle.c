/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/file.h"
#include "daemon/ipc.h"

struct sl_bundle {
	struct sl_conf *conf;
	int fd[SL_IPC_FDS_MAX]; /* sealed memfds: the configuration, then one a list */
	unsigned fds;
	char names[SL_IPC_TEXT_MAX / 2]; /* as SL_IPC_LOAD wants them */
	size_t names_len;
};

/* A copy that nobody can change: the admin may edit the file in place while engines come and go. */
static int copy_file(const char *path)
{
	struct stat st;
	int in = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int out = in < 0 ? -1 : memfd_create("sluice-file", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ssize_t n = 1;

	if (out >= 0 && fstat(in, &st) == 0 && !S_ISREG(st.st_mode)) {
		errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
		n = -1;
	}
	while (out >= 0 && n > 0)
		n = sendfile(out, in, NULL, 1 << 20);
	int saved = errno;
	if (in >= 0)
		(void)close(in);
	if (out >= 0 && n < 0) {
		(void)close(out);
		out = -1;
	}
	if (out >= 0)
		(void)fcntl(out, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
	errno = saved;
	return out;
}

static int add(struct sl_bundle *b, const char *path, const char *conf_path, unsigned line,
               const struct sl_diag *diag)
{
	size_t n = strlen(path) + 1;

	if (b->fds == SL_IPC_FDS_MAX || n > sizeof(b->names) - b->names_len) {
		sl_diag(diag, conf_path, line, "too many list files");
		return SL_ELIMIT;
	}
	int fd = copy_file(path);
	if (fd < 0) {
		const char *why = strerror(errno);
		if (line > 0)
			sl_diag(diag, conf_path, line,
			        "cannot read %s: %s; mend the path or remove the entry", path, why);
		else
			sl_diag(diag, path, 0, "cannot read it: %s", why);
		return SL_ESYS;
	}
	b->fd[b->fds++] = fd;
	memcpy(b->names + b->names_len, path, n);
	b->names_len += n;
	return SL_OK;
}

int sl_bundle_parse(const struct sl_bundle *b, const struct sl_diag *diag, struct sl_conf **out)
{
	const char *path = b->names; /* the first name is the configuration's */
	struct sl_bytes text;
	int err = sl_file_read(b->fd[0], &text);

	if (err != SL_OK)
		return err;
	err = sl_conf_read(path, text, diag, out);
	sl_file_free(&text);
	return err;
}

int sl_bundle_read(const char *path, const struct sl_diag *diag, struct sl_bundle **out)
{
	struct sl_bundle *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return SL_ENOMEM;
	int err = add(b, path, path, 0, diag);
	if (err == SL_OK)
		err = sl_bundle_parse(b, diag, &b->conf);
	for (size_t i = 0; err == SL_OK && i < b->conf->lists; i++)
		err = add(b, b->conf->list[i].file, path, b->conf->list[i].at, diag);
	if (err != SL_OK)
		sl_bundle_free(&b);
	else
		*out = b;
	return err;
}

void sl_bundle_free(struct sl_bundle **b)
{
	if (*b == NULL)
		return;
	for (unsigned i = 0; i < (*b)->fds; i++)
		(void)close((*b)->fd[i]);
	sl_conf_free(&(*b)->conf);
	free(*b);
	*b = NULL;
}

const struct sl_conf *sl_bundle_conf(const struct sl_bundle *b)
{
	return b->conf;
}

int sl_bundle_send(const struct sl_bundle *b, int ipc, uint64_t generation)
{
	return sl_ipc_send(ipc, SL_IPC_LOAD, generation, sl_bytes_of(b->names, b->names_len), b->fd, b->fds,
	                   0);
}
