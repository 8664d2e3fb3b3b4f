/* SPDX-License-Identifier: GPL-2.0-or-later */
/* export_merge.c - sorted records in; out go the entries that may be written, each once (policy-resolution line 12). */
#include "base/util.h"
#include "daemon/export_flags.h"
#include "daemon/export_impl.h"

/* All records of one text. */
struct group {
	char text[SL_EXPORT_TEXT_MAX];
	size_t len;
	uint8_t flags;
	unsigned list; /* the first that names it */
	uint32_t line;
};

static struct sl_bytes text_of(const struct group *g)
{
	return sl_bytes_of(g->text, g->len);
}

static void group_start(struct group *g, const struct sl_export_record *r)
{
	g->len = sl_min(r->text.len, sizeof(g->text));
	if (g->len > 0)
		memcpy(g->text, r->text.p, g->len);
	g->flags = r->flags;
	g->list = r->list;
	g->line = r->line;
}

static void group_join(struct group *g, const struct sl_export_record *r)
{
	g->flags |= r->flags;
	if (r->list < g->list || (r->list == g->list && r->line < g->line)) {
		g->list = r->list;
		g->line = r->line;
	}
}

/* A host and all below it are the tree. */
static enum sl_scope scope_of(unsigned scopes)
{
	if ((scopes & SL_EXPORT_TREE) != 0 || scopes == (SL_EXPORT_EXACT | SL_EXPORT_BELOW))
		return SL_SCOPE_TREE;
	return scopes == SL_EXPORT_EXACT ? SL_SCOPE_EXACT : SL_SCOPE_BELOW;
}

/* What becomes of the plain entries of a text, or of the important ones. Subdomains alone cannot be said at all. */
static enum sl_export_fate judge(const struct sl_export *x, const struct group *g, unsigned scopes,
                                 bool important)
{
	char path[SL_PATH_MAX + 1];
	struct sl_export_entry e;

	sl_export_entry_split(text_of(g), &e);
	e.path = sl_export_entry_path(e.path, path);
	e.scope = e.path.len > 0 ? SL_SCOPE_PATH : scope_of(scopes);
	e.important = important;
	return sl_export_except_judge(x->except, &e);
}

static const char conflict_text[] = "above an exception, which it would block";
static const char below_text[] = "means subdomains only, and would block its host";

/* The scopes that are written of one part; why not, where none is. */
static unsigned written_scopes(const struct sl_export *x, const struct group *g, unsigned scopes,
                               bool important, const char **why)
{
	if (scopes == 0)
		return 0;
	enum sl_export_fate fate = judge(x, g, scopes, important);
	bool below = scope_of(scopes) == SL_SCOPE_BELOW;
	if (fate == SL_EXPORT_COVERED)
		return 0;
	if (x->cfg->block_conflicts || (fate == SL_EXPORT_FREE && !below))
		return scopes;
	*why = fate == SL_EXPORT_CONFLICT ? conflict_text : below_text;
	return 0;
}

static int put_line(FILE *file, struct sl_bytes text)
{
	return fwrite(text.p, 1, text.len, file) == text.len && putc('\n', file) != EOF ? SL_OK : SL_ESYS;
}

struct sl_bytes sl_export_without_www(struct sl_bytes text)
{
	static const struct sl_bytes www = SL_BYTES_LIT("www.");
	struct sl_export_entry e;

	if (!sl_bytes_equal(sl_bytes_first(text, www.len), www))
		return (struct sl_bytes){ NULL, 0 };
	sl_export_entry_split(text, &e);
	struct sl_bytes host = sl_bytes_skip(e.host, www.len);
	bool taken = !e.address && sl_bytes_find(host, '.') < host.len;
	return taken ? sl_bytes_skip(text, www.len) : (struct sl_bytes){ NULL, 0 };
}

static int put_entry(struct sl_export *x, const struct group *g, unsigned scopes)
{
	struct sl_bytes bare = sl_export_without_www(text_of(g));
	bool exact = (g->flags & SL_EXPORT_ADDRESS) == 0 && scope_of(scopes) == SL_SCOPE_EXACT;

	x->stats.exact += exact;
	x->stats.addresses += (g->flags & SL_EXPORT_ADDRESS) != 0;
	int err = put_line(x->sorted, text_of(g));

	if (err == SL_OK && bare.p != NULL &&
	    fputs(exact ? SL_EXPORT_MARK_EXACT : SL_EXPORT_MARK_WIDE, x->www) >= 0)
		err = put_line(x->www, bare);
	return ferror(x->www) ? SL_ESYS : err;
}

static int put_group(struct sl_export *x, const struct group *g)
{
	unsigned plain = g->flags & SL_EXPORT_SCOPES,
	         important = g->flags >> SL_EXPORT_IMPORTANT & SL_EXPORT_SCOPES;
	const char *why = NULL;
	unsigned scopes =
	        written_scopes(x, g, plain, false, &why) | written_scopes(x, g, important, true, &why);

	if (scopes != 0)
		return put_entry(x, g, scopes);
	if (why == NULL) {
		x->stats.covered++;
		return SL_OK;
	}
	x->stats.conflicts += why == conflict_text;
	x->stats.below += why == below_text;
	sl_export_leave(x, text_of(g), why, g->list, g->line);
	return SL_OK;
}

int sl_export_merge(struct sl_export *x)
{
	struct sl_export_record record;
	struct group g = { .len = 0 };
	bool open = false;

	int err = sl_export_sort_finish(x->sort);
	while (err == SL_OK && (err = sl_export_sort_next(x->sort, &record)) == SL_OK) {
		if (open && sl_bytes_equal(text_of(&g), record.text)) {
			x->stats.duplicates++;
			group_join(&g, &record);
			continue;
		}
		if (open)
			err = put_group(x, &g);
		group_start(&g, &record);
		open = true;
	}
	if (err == SL_ENOENT)
		err = open ? put_group(x, &g) : SL_OK;
	x->stats.runs = sl_export_sort_runs(x->sort);
	sl_export_sort_free(&x->sort); /* its memory is wanted for the bits */
	return err == SL_ESYS ? sl_export_failed(x, "sorting") : err;
}
