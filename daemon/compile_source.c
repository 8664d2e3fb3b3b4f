/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/compile_source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/digest.h"
#include "daemon/file.h"
#include "daemon/minisign.h"

static int check_pin(const struct sl_list_source *from, const struct sl_conf_list *list, int fd)
{
	char text[SL_DIGEST_TEXT];
	int err = sl_digest_file(fd, text);
	if (err != SL_OK)
		sl_diag(from->diag, list->file, 0, "list %s cannot be read: %s", list->name,
		        err == SL_ESYS ? strerror(errno) : sl_strerror(err));
	else if (strcasecmp(text, list->sha256) != 0) {
		sl_diag(from->diag, list->file, 0,
		        "list %s is refused: its SHA-256 is %s and not the one of the configuration",
		        list->name, text);
		err = SL_EMALF;
	}
	return err;
}

static int open_signature(const struct sl_list_source *from, const struct sl_conf_list *list)
{
	char *path = NULL;
	if (asprintf(&path, "%s%s", list->file, SL_SIGNATURE_SUFFIX) < 0) {
		errno = ENOMEM;
		return -1;
	}
	int fd = from->open_file(from->ctx, path);
	int saved = errno;
	free(path);
	errno = saved;
	return fd;
}

static int verify(const struct sl_conf_list *list, int fd, struct sl_bytes text, const char **why)
{
	struct sl_minisign_key key;
	struct sl_minisign sig;
	*why = "what should be its signature is none of minisign";
	int err = text.len > SL_MINISIGN_MAX ? SL_EMALF : sl_minisign_read(text, &sig);
	if (err == SL_OK)
		err = sl_minisign_key_read(list->sign_key, &key);
	return err == SL_OK ? sl_minisign_verify(&key, &sig, fd, why) : err;
}

static int check_signature(const struct sl_list_source *from, const struct sl_conf_list *list, int fd)
{
	struct sl_bytes text = { NULL, 0 };
	const char *why = NULL;
	int sig = open_signature(from, list);
	int err = sig < 0 ? SL_ESYS : sl_file_read(sig, &text);
	if (err == SL_OK)
		err = verify(list, fd, text, &why);
	if (err != SL_OK && sig < 0)
		sl_diag(from->diag, list->file, 0,
		        "list %s is refused: its signature (%s) cannot be read: %s", list->name,
		        SL_SIGNATURE_SUFFIX, strerror(errno));
	else if (err != SL_OK)
		sl_diag(from->diag, list->file, 0, "list %s is refused: %s", list->name,
		        err == SL_ESYS    ? strerror(errno)
		        : err == SL_EMALF ? why
		                          : sl_strerror(err));
	sl_file_free(&text);
	if (sig >= 0)
		(void)close(sig);
	return err;
}

int sl_compile_source_check(const struct sl_list_source *from, const struct sl_conf_list *list, int fd)
{
	int err = list->sha256 == NULL ? SL_OK : check_pin(from, list, fd);
	return err == SL_OK && list->sign_key != NULL ? check_signature(from, list, fd) : err;
}
