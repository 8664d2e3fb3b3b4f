/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/policy_load.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/file.h"

struct load {
	struct sl_policy_builder *builder;
	const struct sl_diag *diag;
	struct sl_policy_load_stats stats;
	size_t lists;
};

static int add_text(struct load *l, const struct sl_policy_list *list, struct sl_bytes text)
{
	struct sl_list_stats stats = { 0 };

	if (l->lists == SL_POLICY_LOAD_LISTS) {
		sl_diag(l->diag, list->cfg.file, 0, "more than %d lists; merge some of them",
		        SL_POLICY_LOAD_LISTS);
		return SL_ELIMIT;
	}
	int err = sl_policy_builder_add(l->builder, list, text, l->diag, &stats);
	if (err == SL_OK)
		l->stats.list[l->lists++] = stats;
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
	return add_text(l, &list, sl_policy_never_block());
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
	struct sl_bytes text = { NULL, 0 };

	int err = fd < 0 ? SL_ESYS : sl_file_read(fd, &text);
	if (err != SL_OK)
		sl_diag(l->diag, from->file, 0, "list %s cannot be read: %s", from->name,
		        err == SL_ESYS ? strerror(errno) : sl_strerror(err));
	else
		err = add_text(l, &list, text);
	sl_file_free(&text);
	return err;
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
