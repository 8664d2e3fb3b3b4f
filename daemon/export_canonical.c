/* SPDX-License-Identifier: GPL-2.0-or-later */
/* export_canonical.c - what becomes of names with www., and the canonical list.
 * A client of ne27 takes "www." off before it asks, so that such an entry is never found (NE-URL-33); without it, the entry
 * would block the whole site where the list names one host of it. All texts are sorted, and so are those with www. when it
 * is taken off: which of these are listed is one walk along both, and the canonical list is one more. */
#include <errno.h>
#include <stdlib.h>

#include "base/util.h"
#include "daemon/export_impl.h"

enum www_fate {
	WWW_KEEP, /* as it is: never asked for under ne27 */
	WWW_BOTH, /* as it is; without www. it is listed, too */
	WWW_FOLD, /* not at all: without www. it is listed, which covers it */
	WWW_MOVE, /* without www. */
	WWW_ADD,  /* both ways */
};

/* A file of lines, read one by one. */
struct lines {
	FILE *file;
	char *buf;
	size_t cap, n;      /* n: lines before this one */
	struct sl_bytes at; /* absent behind the last */
	size_t mark;        /* bytes in front of each */
};

static int lines_next(struct lines *l)
{
	errno = 0;
	ssize_t len = getline(&l->buf, &l->cap, l->file);
	l->n += l->at.p != NULL;
	l->at = len > 0 ? sl_bytes_skip(sl_bytes_of(l->buf, (size_t)len - 1), l->mark)
	                : (struct sl_bytes){ NULL, 0 };
	return len > 0 || feof(l->file) ? SL_OK : errno == ENOMEM ? SL_ENOMEM : SL_ESYS;
}

static int lines_start(struct lines *l, FILE *file, size_t mark)
{
	*l = (struct lines){ .file = file, .mark = mark };
	return fflush(file) == 0 && fseeko(file, 0, SEEK_SET) == 0 ? lines_next(l) : SL_ESYS;
}

/* Order of bytes; what is absent comes behind all. */
static int compare(struct sl_bytes a, struct sl_bytes b)
{
	if (a.p == NULL || b.p == NULL)
		return (a.p == NULL) - (b.p == NULL);
	return sl_export_compare(a, b);
}

/* ------------------------------------------------------------------ the fate of each */

static enum www_fate unlisted_fate(struct sl_export *x, struct sl_bytes bare)
{
	char path[SL_PATH_MAX + 1];
	struct sl_export_entry e;

	sl_export_entry_split(bare, &e);
	e.path = sl_export_entry_path(e.path, path);
	if (x->cfg->www == SL_WWW_STRIP && e.path.len == 0)
		return WWW_KEEP;
	if (!x->cfg->block_conflicts && sl_export_except_judge(x->except, &e) != SL_EXPORT_FREE) {
		x->stats.www_conflicts++;
		return WWW_KEEP;
	}
	return x->cfg->www == SL_WWW_STRIP ? WWW_MOVE : WWW_ADD;
}

static enum www_fate fate_of(struct sl_export *x, struct sl_bytes bare, bool listed)
{
	if (x->cfg->www == SL_WWW_KEEP)
		return listed ? WWW_BOTH : WWW_KEEP;
	if (listed)
		return x->cfg->www == SL_WWW_STRIP ? WWW_FOLD : WWW_BOTH;
	return unlisted_fate(x, bare);
}

static void count_fate(struct sl_export_stats *s, enum www_fate fate)
{
	s->www_unreachable += fate == WWW_KEEP;
	s->www_folded += fate == WWW_FOLD;
	s->www_moved += fate == WWW_MOVE;
	s->www_added += fate == WWW_ADD;
}

static int keep_fate(struct sl_export *x, size_t n, enum www_fate fate)
{
	if ((n & (n - 1)) == 0) { /* a power of two: full */
		uint8_t *more = (uint8_t *)realloc(x->fate, n == 0 ? 1 : 2 * n);
		if (more == NULL)
			return SL_ENOMEM;
		x->fate = more;
	}
	x->fate[n] = (uint8_t)fate;
	count_fate(&x->stats, fate);
	return SL_OK;
}

static int find_fates(struct sl_export *x)
{
	struct lines all = { 0 }, www = { 0 };

	int err = lines_start(&all, x->sorted, 0);
	if (err == SL_OK)
		err = lines_start(&www, x->www, 1);
	while (err == SL_OK && www.at.p != NULL) {
		int diff = compare(all.at, www.at);
		if (diff < 0) {
			err = lines_next(&all);
			continue;
		}
		enum www_fate fate = fate_of(x, www.at, diff == 0);
		x->stats.exact -= fate == WWW_FOLD && www.buf[0] == SL_EXPORT_MARK_EXACT[0];
		err = keep_fate(x, www.n, fate);
		if (err == SL_OK)
			err = lines_next(&www);
	}
	free(all.buf);
	free(www.buf);
	return err;
}

/* ------------------------------------------------------------------ the list */

/* Ports 80 and 443 are implied by a scheme: ne26 does not write them. */
static void count_entry(struct sl_export_stats *s, struct sl_bytes text)
{
	struct sl_suburl_entry e;

	s->written++;
	s->bytes += text.len + 1;
	if (sl_suburl_entry_read(text, &e) != SL_OK)
		return;
	s->ports += e.port == 80 || e.port == 443;
	for (unsigned i = 0; i < SL_COUNT(s->lint); i++)
		s->lint[i] += e.lint >> i & 1;
}

static int put(struct sl_export *x, struct sl_bytes text)
{
	if (x->cfg->regex != NULL)
		return sl_export_made_add(x, text);
	count_entry(&x->stats, text);
	bool good = fwrite(text.p, 1, text.len, x->entries) == text.len && putc('\n', x->entries) != EOF;
	return good ? SL_OK : SL_ESYS;
}

/* The next line of all that stays as it is. *k: how many lines with www. came before. */
static int next_plain(const struct sl_export *x, struct lines *all, size_t *k, bool advance)
{
	int err = advance ? lines_next(all) : SL_OK;

	for (; err == SL_OK && all->at.p != NULL; err = lines_next(all)) {
		if (sl_export_without_www(all->at).p == NULL)
			break;
		enum www_fate fate = (enum www_fate)x->fate[(*k)++];
		if (fate != WWW_FOLD && fate != WWW_MOVE)
			break;
	}
	return err;
}

/* The next line without www. that is written. */
static int next_bare(const struct sl_export *x, struct lines *www, bool advance)
{
	int err = advance ? lines_next(www) : SL_OK;

	while (err == SL_OK && www->at.p != NULL && x->fate[www->n] != WWW_MOVE && x->fate[www->n] != WWW_ADD)
		err = lines_next(www);
	return err;
}

static int write_list(struct sl_export *x)
{
	struct lines all = { 0 }, www = { 0 };
	size_t k = 0;

	int err = lines_start(&all, x->sorted, 0);
	if (err == SL_OK)
		err = lines_start(&www, x->www, 1);
	if (err == SL_OK)
		err = next_plain(x, &all, &k, false);
	if (err == SL_OK)
		err = next_bare(x, &www, false);
	while (err == SL_OK && (all.at.p != NULL || www.at.p != NULL)) {
		bool plain = compare(all.at, www.at) < 0;
		err = put(x, plain ? all.at : www.at);
		if (err == SL_OK)
			err = plain ? next_plain(x, &all, &k, true) : next_bare(x, &www, true);
	}
	free(all.buf);
	free(www.buf);
	return err;
}

int sl_export_canonical(struct sl_export *x)
{
	x->entries = sl_export_files_open(x->files, "entries.txt", 0644);
	int err = x->entries == NULL ? SL_ESYS : find_fates(x);

	if (err == SL_OK)
		err = write_list(x);
	if (err == SL_OK)
		err = sl_export_made_write(x);
	if (err == SL_OK && fflush(x->entries) != 0)
		err = SL_ESYS;
	if (err == SL_OK && x->stats.written == 0) {
		sl_diag(x->diag, NULL, 0,
		        "no entry is left to export: the lists block nothing, or all is excepted%s",
		        x->stats.unmatched > 0 ? ", or the regular expression makes nothing of it" : "");
		return SL_ENOENT;
	}
	return err == SL_ESYS ? sl_export_failed(x, "entries.txt") : err;
}
