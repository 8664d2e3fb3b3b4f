/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/policy_load.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/list_file.h"

struct load {
	struct sl_policy_builder *builder;
	const struct sl_diag *diag;
	struct sl_policy_load_stats stats;
	size_t lists;
};

static int has_room(const struct load *l, const char *file)
{
	if (l->lists < SL_POLICY_LOAD_LISTS)
		return SL_OK;
	sl_diag(l->diag, file, 0, "more than %d lists; merge some of them", SL_POLICY_LOAD_LISTS);
	return SL_ELIMIT;
}

static int conclude(struct load *l, const struct sl_policy_list *list, int err,
                    const struct sl_list_stats *stats)
{
	if (err == SL_OK)
		l->stats.list[l->lists++] = *stats;
	else
		sl_diag(l->diag, list->cfg.file, 0, "list %s is refused: %s", list->name, sl_strerror(err));
	return err;
}

static int add_shipped(struct load *l)
{
	const struct sl_policy_list list = {
		.name = SL_POLICY_SHIPPED,
		.kind = SL_LIST_NEVER,
		.cfg = { .file = "(shipped never-block set)", .format = SL_FORMAT_DOMAINS },
	};
	struct sl_list_stats stats = { 0 };
	int err = has_room(l, list.cfg.file);
	if (err != SL_OK)
		return err;
	err = sl_policy_builder_add(l->builder, &list, sl_policy_never_block(), l->diag, &stats);
	return conclude(l, &list, err, &stats);
}

static void tell_unread(const struct load *l, const struct sl_conf_list *from, const struct sl_list_file *f,
                        int err)
{
	const char *format = f == NULL ? "" : sl_list_file_format(f);
	if (err == SL_ELIMIT)
		sl_diag(l->diag, from->file, 0,
		        "list %s cannot be read: this %s file holds more than max_unpacked allows (%" PRIu64
		        " bytes), or needs more memory to be unpacked than 128 MiB",
		        from->name, format, from->max_unpacked);
	else if (err == SL_EMALF)
		sl_diag(l->diag, from->file, 0,
		        "list %s cannot be read: this %s file is broken or ends too early", from->name,
		        format);
	else
		sl_diag(l->diag, from->file, 0, "list %s cannot be read: %s", from->name,
		        err == SL_ESYS ? strerror(errno) : sl_strerror(err));
}

/* Piece by piece into the builder. *err gets what reading the file came to; returns what the builder said. */
static int feed_file(struct load *l, struct sl_list_file *f, int *err)
{
	struct sl_bytes piece = { NULL, 0 };
	int fed = SL_OK;
	do {
		*err = sl_list_file_next(f, &piece);
		if (*err == SL_OK && piece.p != NULL)
			fed = sl_policy_builder_feed(l->builder, piece);
	} while (*err == SL_OK && fed == SL_OK && piece.p != NULL);
	return fed;
}

static int read_file(struct load *l, const struct sl_conf_list *from, const struct sl_policy_list *list,
                     int fd)
{
	struct sl_list_stats stats = { 0 };
	struct sl_list_file *f = NULL;
	int err = fd < 0 ? SL_ESYS : sl_list_file_open(fd, from->max_unpacked, &f);
	if (err != SL_OK) {
		tell_unread(l, from, f, err);
		return err;
	}
	int said = sl_policy_builder_begin(l->builder, list, l->diag);
	if (said == SL_OK) {
		(void)feed_file(l, f, &err); /* what the builder said sticks, and end() says it again */
		if (err != SL_OK) {
			sl_policy_builder_drop(l->builder);
			tell_unread(l, from, f, err);
		} else {
			said = sl_policy_builder_end(l->builder, &stats);
		}
	}
	sl_list_file_close(&f);
	return err != SL_OK ? err : conclude(l, list, said, &stats);
}

static int add_file(struct load *l, const struct sl_conf_list *from, int fd)
{
	const struct sl_policy_list list = {
		.name = from->name,
		.kind = from->kind,
		.cfg = { .file = from->file,
		         .format = from->format,
		         .wildcard_below = from->wildcard_below,
		         .hosts_tree = from->subdomains,
		         .max_refused_percent = from->max_refused },
	};
	int saved = errno;
	int err = has_room(l, from->file);
	errno = saved;
	return err != SL_OK ? err : read_file(l, from, &list, fd);
}

int sl_policy_load(const struct sl_conf *conf, int (*open_file)(void *ctx, const char *path), void *ctx,
                   const struct sl_diag *diag, struct sl_policy **out, struct sl_policy_load_stats *stats)
{
	struct load l = { .diag = diag };

	int err = sl_policy_builder_new(&l.builder);
	if (err == SL_OK && conf->never_block_shipped)
		err = add_shipped(&l);
	for (size_t i = 0; i < conf->lists && err == SL_OK; i++) {
		int fd = open_file(ctx, conf->list[i].file);
		err = add_file(&l, &conf->list[i], fd);
		if (fd >= 0)
			(void)close(fd);
	}
	if (err == SL_OK)
		err = sl_policy_builder_finish(l.builder, out);
	if (err == SL_OK && stats != NULL)
		*stats = l.stats;
	sl_policy_builder_free(&l.builder);
	return err;
}
