/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/export.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "daemon/export_impl.h"

int sl_export_failed(const struct sl_export *x, const char *what)
{
	sl_diag(x->diag, x->cfg->dir, 0, "%s cannot be written: %s", what, strerror(errno));
	return SL_ESYS;
}

void sl_export_leave(struct sl_export *x, struct sl_bytes entry, const char *why, unsigned list,
                     uint32_t line)
{
	(void)fwrite(entry.p, 1, entry.len, x->left_out); /* what fails is seen when it is committed */
	(void)fprintf(x->left_out, "\t%s\t%s:%u\n", why, x->cfg->list[list].path, line);
}

static int open_all(struct sl_export *x)
{
	int err = sl_export_files_new(x->cfg->dir, &x->files);

	if (err == SL_OK) {
		x->left_out = sl_export_files_open(x->files, "left-out.txt", 0644);
		x->sorted = sl_export_unnamed(x->cfg->dir);
		x->www = sl_export_unnamed(x->cfg->dir);
		err = x->left_out == NULL || x->sorted == NULL || x->www == NULL ? SL_ESYS : SL_OK;
	}
	if (err == SL_ESYS)
		return sl_export_failed(x, "this folder");
	if (err == SL_OK)
		err = sl_export_sort_new(x->cfg->dir, x->cfg->memory, &x->sort);
	return err == SL_OK ? sl_export_except_new(&x->except) : err;
}

static int run(struct sl_export *x)
{
	static int (*const stages[])(struct sl_export *) = { open_all,
		                                             sl_export_read_lists,
		                                             sl_export_merge,
		                                             sl_export_canonical,
		                                             sl_export_prefilter,
		                                             sl_export_conf };
	int err = SL_OK;

	for (size_t i = 0; i < SL_COUNT(stages) && err == SL_OK; i++)
		err = stages[i](x);
	if (err == SL_OK && sl_export_files_commit(x->files) != SL_OK)
		err = sl_export_failed(x, "a file");
	return err;
}

int sl_export(const struct sl_export_cfg *cfg, const struct sl_diag *diag, json_t **report)
{
	struct sl_export x = { .cfg = cfg, .diag = diag };
	int err = run(&x);

	if (err == SL_ENOMEM)
		sl_diag(diag, NULL, 0, "%s", sl_strerror(err));
	if (err == SL_OK) {
		*report = sl_export_report(&x);
		err = *report == NULL ? SL_ENOMEM : SL_OK;
	}
	if (x.sorted != NULL)
		(void)fclose(x.sorted);
	if (x.www != NULL)
		(void)fclose(x.www);
	free(x.fate);
	sl_export_sort_free(&x.sort);
	sl_export_sort_free(&x.made);
	sl_export_except_free(&x.except);
	sl_export_files_free(&x.files);
	return err;
}
