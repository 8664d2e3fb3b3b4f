/* SPDX-License-Identifier: GPL-2.0-or-later */
/* export_lists.c - lists in; blocks to the sorter, exceptions to their set. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/export_flags.h"
#include "daemon/export_impl.h"
#include "daemon/list_file.h"

enum { REFUSED_PERCENT = 50 }; /* a list of which more cannot be read is another kind of file */
static const uint64_t unpacked_max = UINT64_C(1) << 36;

struct reading {
	struct sl_export *x;
	unsigned list;
};

static const char *path_of(const struct reading *r)
{
	return r->x->cfg->list[r->list].path;
}

static uint8_t flags_of(const struct sl_list_entry *e)
{
	unsigned scope = e->scope == SL_SCOPE_EXACT   ? SL_EXPORT_EXACT
	                 : e->scope == SL_SCOPE_BELOW ? SL_EXPORT_BELOW
	                                              : SL_EXPORT_TREE;
	unsigned address = e->scope == SL_SCOPE_ADDRESS ? SL_EXPORT_ADDRESS : 0;

	return (uint8_t)(address | scope << (e->important ? SL_EXPORT_IMPORTANT : 0));
}

/* The entry as a URL shows it: a destination address is the host of a URL there. False for a prefix of addresses. */
static bool as_url(const struct sl_list_entry *e, char text[SL_PREFIX_MAX + 1], struct sl_export_entry *out)
{
	*out = (struct sl_export_entry){ .port = e->port, .path = e->path, .important = e->important };
	out->scope = e->scope == SL_SCOPE_ADDRESS ? SL_SCOPE_TREE : e->scope;
	if (e->scope != SL_SCOPE_ADDRESS) {
		out->host = sl_bytes_of(e->host->name, e->host->len);
		out->address = e->host->address;
		return true;
	}
	out->host = sl_bytes_of(text, sl_prefix_write(&e->prefix, text));
	out->address = true;
	return sl_prefix_whole(&e->prefix);
}

static bool is_visible(struct sl_bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] <= ' ' || text.p[i] == 0x7f)
			return false;
	return true;
}

/* A URL stays as its list has it: devices ask to the letter (NE-CHOICE-33). What a line of entries.txt could not hold is
 * written in its canonical form, as what is no URL in its list. */
static size_t write_text(const struct sl_list_entry *e, const struct sl_export_entry *entry,
                         char text[SL_EXPORT_TEXT_MAX])
{
	struct sl_suburl_entry url;

	if (e->url.p != NULL && e->url.len < SL_EXPORT_TEXT_MAX / 2 && is_visible(e->url) &&
	    sl_suburl_entry_read(e->url, &url) == SL_OK)
		return sl_suburl_entry_write(&url, SL_WWW_KEEP, 0, text, SL_EXPORT_TEXT_MAX);
	return sl_export_entry_write(entry, text, SL_EXPORT_TEXT_MAX);
}

static int take_block(struct reading *r, const struct sl_list_entry *e)
{
	char address[SL_PREFIX_MAX + 1], text[SL_EXPORT_TEXT_MAX];
	struct sl_export_entry entry;

	r->x->stats.blocks++;
	if (!as_url(e, address, &entry)) {
		r->x->stats.prefixes++;
		sl_export_leave(r->x, entry.host, "a prefix of addresses, which no URL has", r->list,
		                e->line);
		return SL_OK;
	}
	struct sl_export_record record = { .line = e->line, .list = (uint16_t)r->list, .flags = flags_of(e) };
	record.text = sl_bytes_of(text, write_text(e, &entry, text));
	return sl_export_sort_add(r->x->sort, &record);
}

static int take_exception(struct reading *r, const struct sl_list_entry *e)
{
	char address[SL_PREFIX_MAX + 1];
	struct sl_export_entry entry;

	r->x->stats.exceptions++;
	if (!as_url(e, address, &entry))
		return sl_export_except_add_prefix(r->x->except, &e->prefix, e->important);
	return sl_export_except_add(r->x->except, &entry);
}

/* What a list of type allow excepts frees nothing and blocks nothing. */
static int take(void *ctx, const struct sl_list_entry *e)
{
	struct reading *r = (struct reading *)ctx;
	bool allow = r->x->cfg->list[r->list].allow;

	if (allow && e->effect == SL_EFFECT_EXCEPT)
		return SL_OK;
	return allow || e->effect == SL_EFFECT_EXCEPT ? take_exception(r, e) : take_block(r, e);
}

static int refused(const struct reading *r, int err)
{
	if (err == SL_ELIMIT)
		sl_diag(r->x->diag, path_of(r), 0, "cannot be sorted in so little memory; raise --memory");
	else
		sl_diag(r->x->diag, path_of(r), 0, "the list is refused: %s",
		        err == SL_ESYS ? strerror(errno) : sl_strerror(err));
	return err;
}

static int unread(const struct reading *r, int err)
{
	sl_diag(r->x->diag, path_of(r), 0, "cannot be read: %s",
	        err == SL_ESYS     ? strerror(errno)
	        : err == SL_EMALF  ? "this packed file is broken or ends too early"
	        : err == SL_ELIMIT ? "this packed file holds too much"
	                           : sl_strerror(err));
	return err;
}

static int feed(struct reading *r, struct sl_list_file *file, struct sl_list_reader *reader)
{
	struct sl_bytes piece = { NULL, 0 };

	for (;;) {
		int err = sl_list_file_next(file, &piece);
		if (err != SL_OK)
			return unread(r, err);
		if (piece.p == NULL)
			return SL_OK;
		err = sl_list_reader_feed(reader, piece);
		if (err != SL_OK)
			return refused(r, err);
	}
}

static int read_list(struct reading *r, struct sl_list_file *file)
{
	const struct sl_export_list *list = &r->x->cfg->list[r->list];
	const struct sl_list_cfg cfg = { .file = list->path,
		                         .format = list->format,
		                         .max_refused_percent = REFUSED_PERCENT };
	struct sl_list_reader *reader = NULL;
	struct sl_list_stats stats = { 0 };

	int err = sl_list_reader_new(&cfg, take, r, r->x->diag, &reader);
	if (err != SL_OK)
		return refused(r, err);
	err = feed(r, file, reader);
	if (err == SL_OK) {
		err = sl_list_reader_end(reader, &stats);
		if (err != SL_OK)
			(void)refused(r, err);
	}
	r->x->stats.lines += stats.lines;
	for (size_t i = 0; i < SL_REFUSED_COUNT; i++)
		r->x->stats.refused[i] += stats.by_reason[i];
	sl_list_reader_free(&reader);
	return err;
}

int sl_export_read_lists(struct sl_export *x)
{
	int err = SL_OK;

	for (unsigned i = 0; i < x->cfg->lists && err == SL_OK; i++) {
		struct reading r = { x, i };
		struct sl_list_file *file = NULL;
		int fd = open(x->cfg->list[i].path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		err = fd < 0 ? SL_ESYS : sl_list_file_open(fd, unpacked_max, &file);
		err = err != SL_OK ? unread(&r, err) : read_list(&r, file);
		sl_list_file_close(&file);
		if (fd >= 0)
			(void)close(fd);
	}
	sl_export_except_finish(x->except);
	return err;
}
