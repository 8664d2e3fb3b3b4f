/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/file.h"
#include "daemon/version.h"

enum { FD_MAX = 1 << 20 };

json_t *sl_handover_new(void)
{
	return json_pack("{s:i, s:i, s:s, s:{}}", "layout", SL_HANDOVER_LAYOUT, "readable_by",
	                 SL_HANDOVER_READABLE, "version", SL_VERSION, "fds");
}

void sl_handover_put_fd(json_t *state, const char *name, int fd)
{
	if (fd >= 0)
		(void)json_object_set_new(json_object_get(state, "fds"), name, json_integer(fd));
}

int sl_handover_fd(const json_t *state, const char *name)
{
	const json_t *fd = json_object_get(json_object_get(state, "fds"), name);
	json_int_t n = json_is_integer(fd) ? json_integer_value(fd) : -1;

	return n < 0 || n > FD_MAX || fcntl((int)n, F_GETFD) < 0 ? -1 : (int)n;
}

int sl_handover_take_fd(json_t *state, const char *name)
{
	int fd = sl_handover_fd(state, name);

	(void)json_object_del(json_object_get(state, "fds"), name);
	if (fd >= 0)
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
}

void sl_handover_inherit(const json_t *state, bool yes)
{
	const char *name;
	json_t *fd;

	json_object_foreach(json_object_get(state, "fds"), name, fd)(void)
	        fcntl((int)json_integer_value(fd), F_SETFD, yes ? 0 : FD_CLOEXEC);
}

void sl_handover_close(json_t *state)
{
	json_t *fds = json_object_get(state, "fds"), *value;
	const char *name;

	json_object_foreach(fds, name, value)
	{
		int fd = sl_handover_fd(state, name);
		if (fd >= 0)
			(void)close(fd);
	}
	(void)json_object_clear(fds);
}

int sl_handover_write(const json_t *state, int *fd)
{
	char *text = json_dumps(state, JSON_COMPACT);

	if (text == NULL)
		return SL_ENOMEM;
	int m = memfd_create("sluice-handover", MFD_ALLOW_SEALING);
	size_t len = strlen(text);
	bool fine = m >= 0 && write(m, text, len) == (ssize_t)len &&
	            fcntl(m, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0;
	free(text);
	if (!fine && m >= 0)
		(void)close(m);
	if (fine)
		*fd = m;
	return fine ? SL_OK : SL_ESYS;
}

static int check_layout(const json_t *state, const struct sl_diag *diag)
{
	const json_t *layout = json_object_get(state, "layout");
	const json_t *readable = json_object_get(state, "readable_by");
	const json_t *version = json_object_get(state, "version");

	if (!json_is_integer(layout) || !json_is_integer(readable) || !json_is_string(version) ||
	    !json_is_object(json_object_get(state, "fds"))) {
		sl_diag(diag, NULL, 0, "what is handed over is no state of a sluiced");
		return SL_EMALF;
	}
	if (json_integer_value(readable) <= SL_HANDOVER_LAYOUT)
		return SL_OK;
	sl_diag(diag, NULL, 0,
	        "sluiced %s hands over in layout %lld, and this one, " SL_VERSION
	        ", reads up to %d: stop that one, then start this one",
	        json_string_value(version), (long long)json_integer_value(layout), SL_HANDOVER_LAYOUT);
	return SL_EUNSUP;
}

int sl_handover_read(int fd, const struct sl_diag *diag, json_t **state)
{
	struct sl_bytes text;
	int err = sl_file_read(fd, &text);

	if (err != SL_OK) {
		sl_diag(diag, NULL, 0, "what is handed over cannot be read: %s",
		        err == SL_ESYS ? strerror(errno) : sl_strerror(err));
		return err;
	}
	(void)close(fd);
	json_t *all = json_loadb((const char *)text.p, text.len, 0, NULL);
	sl_file_free(&text);
	err = check_layout(all, diag);
	if (err == SL_OK)
		*state = all;
	else
		json_decref(all);
	return err;
}
