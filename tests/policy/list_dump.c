/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list_dump.c - FILE [FORMAT]: the entries of a list as the readers see them, one a line with tabs between: line, effect,
 * scope, host or prefix, port, path. The last line has the format and the counts. For count_lists.py. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/list_file.h"
#include "policy/list.h"

static int print(void *ctx, const struct sl_list_entry *e)
{
	static const char *const scopes[] = { "exact", "below", "tree", "path", "address" };
	char prefix[SL_PREFIX_MAX + 1] = "";
	(void)ctx;
	if (e->host == NULL)
		(void)sl_prefix_write(&e->prefix, prefix);
	(void)printf("%u\t%s%s\t%s\t%s\t%u\t%.*s\n", e->line,
	             e->effect == SL_EFFECT_EXCEPT ? "except" : "block", e->important ? "!" : "",
	             scopes[e->scope], e->host == NULL ? prefix : e->host->name, e->port, (int)e->path.len,
	             e->path.p == NULL ? "" : (const char *)e->path.p);
	return SL_OK;
}

static enum sl_list_format format_of(const char *word)
{
	for (unsigned i = 0; i < SL_FORMAT_COUNT; i++)
		if (strcmp(sl_list_format_name((enum sl_list_format)i), word) == 0)
			return (enum sl_list_format)i;
	return SL_FORMAT_COUNT;
}

static int feed(struct sl_list_file *f, struct sl_list_reader *r)
{
	struct sl_bytes piece = { NULL, 0 };
	int err = SL_OK;
	do {
		err = sl_list_file_next(f, &piece);
		if (err == SL_OK && piece.p != NULL)
			err = sl_list_reader_feed(r, piece);
	} while (err == SL_OK && piece.p != NULL);
	return err;
}

int main(int argc, char **argv)
{
	struct sl_list_cfg cfg = { .file = argv[1], .max_refused_percent = 100 };
	struct sl_list_stats stats = { 0 };
	struct sl_list_reader *r = NULL;
	struct sl_list_file *f = NULL;
	int fd = argc < 2 ? -1 : open(argv[1], O_RDONLY | O_CLOEXEC);
	cfg.format = argc > 2 ? format_of(argv[2]) : SL_FORMAT_AUTO;
	int err = fd < 0 ? SL_ESYS : sl_list_file_open(fd, UINT32_MAX, &f);
	if (err == SL_OK)
		err = sl_list_reader_new(&cfg, print, NULL, NULL, &r);
	if (err == SL_OK)
		err = feed(f, r);
	if (err == SL_OK)
		err = sl_list_reader_end(r, &stats);
	(void)printf("#\t%s\t%u\t%u\t%u\t%u\t%u\t%s\n", sl_list_format_name(stats.format), stats.lines,
	             stats.entries, stats.comments, stats.refused, stats.errors, sl_strerror(err));
	sl_list_reader_free(&r);
	sl_list_file_close(&f);
	return err == SL_OK ? 0 : 1;
}
