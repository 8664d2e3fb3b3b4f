/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/compile_source.h"
#include "daemon/conf_fd.h"
#include "daemon/file.h"
#include "daemon/ipc.h"

enum { SNAPSHOT, CONF, LISTS }; /* descriptors, as SL_IPC_COMPILE wants them */

struct sl_bundle {
	struct sl_conf *conf;
	int fd[SL_IPC_FDS_MAX];
	unsigned fds;
	char names[SL_IPC_TEXT_MAX / 2]; /* the configuration's, then the lists', each with NUL */
	size_t names_len;
	bool compiled;
	json_t *about;
};

static int add_name(struct sl_bundle *b, const char *path)
{
	size_t n = strlen(path) + 1;

	if (b->fds == SL_IPC_FDS_MAX || n > sizeof(b->names) - b->names_len)
		return SL_ELIMIT;
	memcpy(b->names + b->names_len, path, n);
	b->names_len += n;
	return SL_OK;
}

static int add_conf(struct sl_bundle *b, const char *path, const struct sl_diag *diag)
{
	int err = add_name(b, path);

	if (err != SL_OK) {
		sl_diag(diag, path, 0, "its path is too long");
		return err;
	}
	b->fd[SNAPSHOT] = memfd_create("sluice-snapshot", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	b->fd[CONF] = sl_file_copy(path);
	b->fds = LISTS;
	if (b->fd[CONF] < 0)
		sl_diag(diag, path, 0, "cannot read it: %s", strerror(errno));
	else if (b->fd[SNAPSHOT] < 0)
		sl_diag(diag, path, 0, "no memory for its policy: %s", strerror(errno));
	return b->fd[CONF] < 0 || b->fd[SNAPSHOT] < 0 ? SL_ESYS : SL_OK;
}

/* The text that a feed has in memory, else what stands under path. */
static int open_text(const char *path, int held)
{
	return held >= 0 ? fcntl(held, F_DUPFD_CLOEXEC, 0) : sl_file_open(path);
}

static int add_file(struct sl_bundle *b, const char *path, int fd)
{
	int err = add_name(b, path);
	if (err == SL_OK)
		b->fd[b->fds++] = fd;
	else
		(void)close(fd);
	return err;
}

/* One that is absent is the compiler's business to tell. */
static int add_signature(struct sl_bundle *b, const struct sl_conf_list *list,
                         const struct sl_feed_text *held)
{
	char *path = NULL;
	if (asprintf(&path, "%s%s", list->file, SL_SIGNATURE_SUFFIX) < 0)
		return SL_ENOMEM;
	int fd = open_text(path, held->fd >= 0 ? held->signature : -1);
	int err = fd < 0 ? SL_OK : add_file(b, path, fd);
	free(path);
	return err;
}

static int add_list(struct sl_bundle *b, const struct sl_conf_list *list, const struct sl_feeds *feeds,
                    const struct sl_diag *diag)
{
	const struct sl_feed_text none = { .fd = -1, .signature = -1 },
	                          *held = list->url == NULL ? &none : sl_feeds_text(feeds, list->name, &none);
	int fd = open_text(list->file, held->fd);
	if (fd < 0 && list->url != NULL && errno == ENOENT)
		return SL_OK; /* never fetched: the compiler tells */
	if (fd < 0) {
		sl_diag(diag, b->names, list->at, "cannot read %s: %s; mend the path or remove the entry",
		        list->file, strerror(errno));
		return SL_ESYS;
	}
	int err = add_file(b, list->file, fd);
	if (err == SL_OK && list->sign_key != NULL)
		err = add_signature(b, list, held);
	if (err == SL_ELIMIT)
		sl_diag(diag, b->names, list->at, "too many list files");
	return err;
}

int sl_bundle_parse(const struct sl_bundle *b, const struct sl_diag *diag, struct sl_conf **out)
{
	/* The first name is the configuration's. */
	return sl_conf_read_fd(b->fd[CONF], b->names, diag, out);
}

int sl_bundle_read(const char *path, const struct sl_diag *diag, struct sl_bundle **out)
{
	struct sl_bundle *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return SL_ENOMEM;
	int err = add_conf(b, path, diag);
	if (err == SL_OK)
		err = sl_bundle_parse(b, diag, &b->conf);
	if (err != SL_OK)
		sl_bundle_free(&b);
	else
		*out = b;
	return err;
}

int sl_bundle_open_lists(struct sl_bundle *b, const struct sl_feeds *feeds, const struct sl_diag *diag)
{
	int err = SL_OK;

	for (size_t i = 0; err == SL_OK && i < b->conf->lists; i++)
		err = add_list(b, &b->conf->list[i], feeds, diag);
	return err;
}

int sl_bundle_like(const struct sl_bundle *other, struct sl_bundle **out)
{
	struct sl_bundle *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return SL_ENOMEM;
	int err = add_name(b, other->names);
	b->fd[SNAPSHOT] = memfd_create("sluice-snapshot", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	b->fd[CONF] = sl_bundle_conf_fd(other);
	b->fds = LISTS;
	if (err == SL_OK && (b->fd[CONF] < 0 || b->fd[SNAPSHOT] < 0))
		err = SL_ESYS;
	if (err == SL_OK)
		err = sl_bundle_parse(b, NULL, &b->conf);
	if (err != SL_OK)
		sl_bundle_free(&b);
	else
		*out = b;
	return err;
}

static void close_from(struct sl_bundle *b, unsigned first)
{
	for (unsigned i = first; i < b->fds; i++)
		if (b->fd[i] >= 0)
			(void)close(b->fd[i]);
	if (b->fds > first)
		b->fds = first;
}

void sl_bundle_free(struct sl_bundle **b)
{
	if (*b == NULL)
		return;
	close_from(*b, 0);
	sl_conf_free(&(*b)->conf);
	json_decref((*b)->about);
	free(*b);
	*b = NULL;
}

const struct sl_conf *sl_bundle_conf(const struct sl_bundle *b)
{
	return b->conf;
}

/* False: there is no room, or nothing is known of it. */
static bool put_kept(struct sl_bundle *with, const struct sl_bundle_beside *beside)
{
	char name[256];
	const char *made_of = json_string_value(json_object_get(beside->about, "made_of")),
	           *checksum = json_string_value(json_object_get(beside->about, "checksum"));

	if (beside->kept < 0 || made_of == NULL || checksum == NULL ||
	    snprintf(name, sizeof(name), "%s %s", made_of, checksum) >= (int)sizeof(name) ||
	    add_name(with, name) != SL_OK)
		return false;
	with->fd[with->fds++] = beside->kept;
	return true;
}

static bool put_before(struct sl_bundle *with, const struct sl_bundle_beside *beside)
{
	if (beside->before == NULL || !beside->before->compiled || beside->seen < 0 ||
	    with->fds + SL_IPC_DRY_FDS > SL_IPC_FDS_MAX)
		return false;
	with->fd[with->fds++] = beside->before->fd[SNAPSHOT];
	with->fd[with->fds++] = beside->seen;
	return true;
}

int sl_bundle_compile(const struct sl_bundle *b, int ipc, uint64_t generation, bool behind,
                      const struct sl_bundle_beside *beside)
{
	struct sl_bundle *with = malloc(sizeof(*with));
	uint32_t have = behind ? SL_IPC_BEHIND : 0;

	if (with == NULL)
		return SL_ENOMEM;
	*with = *b;
	if (beside != NULL && put_before(with, beside))
		have |= SL_IPC_DRY;
	if (beside != NULL && put_kept(with, beside))
		have |= SL_IPC_KEPT_TOO;
	int err = sl_ipc_send(ipc, SL_IPC_COMPILE, generation, sl_bytes_of(with->names, with->names_len),
	                      with->fd, with->fds, have);
	free(with); /* a view: what it leads to is the other's */
	return err;
}

int sl_bundle_restore(const struct sl_bundle *b, int from, int ipc, uint64_t generation, bool behind)
{
	const int fd[] = { b->fd[SNAPSHOT], from };

	return sl_ipc_send(ipc, SL_IPC_RESTORE, generation, (struct sl_bytes){ NULL, 0 }, fd, 2,
	                   behind ? SL_IPC_BEHIND : 0);
}

int sl_bundle_snapshot_fd(const struct sl_bundle *b)
{
	return b->fd[SNAPSHOT];
}

/* The engine maps it: a file that somebody could still shorten or change would not do. */
static bool is_sealed(int fd)
{
	enum { NEEDED = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };
	int have = fcntl(fd, F_GET_SEALS);

	return have >= 0 && (have & NEEDED) == NEEDED;
}

int sl_bundle_compiled(struct sl_bundle *b, json_t *about)
{
	close_from(b, LISTS);
	json_decref(b->about);
	b->about = about;
	b->compiled = is_sealed(b->fd[SNAPSHOT]);
	return b->compiled ? SL_OK : SL_EMALF;
}

bool sl_bundle_is_compiled(const struct sl_bundle *b)
{
	return b->compiled;
}

const json_t *sl_bundle_about(const struct sl_bundle *b)
{
	return b->about;
}

int sl_bundle_conf_fd(const struct sl_bundle *b)
{
	return fcntl(b->fd[CONF], F_DUPFD_CLOEXEC, 0);
}

int sl_bundle_send(const struct sl_bundle *b, int conf_fd, int ipc, uint64_t generation)
{
	const int fd[LISTS] = { [SNAPSHOT] = b->fd[SNAPSHOT], [CONF] = conf_fd };

	return sl_ipc_send(ipc, SL_IPC_LOAD, generation, sl_bytes_of(b->names, strlen(b->names) + 1), fd,
	                   LISTS, 0);
}

void sl_bundle_lend(const struct sl_bundle *b, int *snapshot, int *conf)
{
	*snapshot = b->fd[SNAPSHOT];
	*conf = b->fd[CONF];
}

int sl_bundle_revive(const char *path, int snapshot, int conf, json_t *about, const struct sl_diag *diag,
                     struct sl_bundle **out)
{
	struct sl_bundle *b = calloc(1, sizeof(*b));
	int err = b == NULL ? SL_ENOMEM : add_name(b, path);

	if (err != SL_OK) {
		free(b);
		return err;
	}
	b->fd[SNAPSHOT] = snapshot;
	b->fd[CONF] = conf;
	b->fds = LISTS;
	b->about = json_incref(about);
	b->compiled = is_sealed(snapshot);
	if (!b->compiled) {
		sl_diag(diag, path, 0, "its policy is no sealed snapshot");
		err = SL_EMALF;
	}
	if (err == SL_OK)
		err = sl_bundle_parse(b, diag, &b->conf);
	if (err == SL_OK) {
		*out = b;
		return SL_OK;
	}
	b->fds = 0; /* they stay the caller's */
	sl_bundle_free(&b);
	return err;
}
