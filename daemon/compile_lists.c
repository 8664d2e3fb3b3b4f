/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/compile_lists.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/out.h"
#include "base/util.h"
#include "daemon/compile_source.h"
#include "daemon/list_file.h"
#include "policy/url.h"

#define SHIPPED_FILE "(shipped never-block set)"
#define SERVERS_FILE "(url of lists)"

struct load {
	struct sl_compile *compile;
	const struct sl_list_source *from;
	const struct sl_diag *diag;
	struct sl_list_source_stats *stats;
};

/* One list on its way: what it is called, and how its lines are read. */
struct wanted {
	const char *name;
	enum sl_list_kind kind;
	struct sl_list_cfg cfg;
};

static int has_room(const struct load *l, const char *file)
{
	if (l->stats->lists < SL_COMPILE_FILES)
		return SL_OK;
	sl_diag(l->diag, file, 0, "more than %d lists; merge some of them", SL_COMPILE_FILES);
	return SL_ELIMIT;
}

static int conclude(struct load *l, const struct wanted *list, int err, const struct sl_list_stats *stats)
{
	if (err == SL_OK)
		l->stats->list[l->stats->lists++] = *stats;
	else
		sl_diag(l->diag, list->cfg.file, 0, "list %s is refused: %s", list->name, sl_strerror(err));
	return err;
}

static int begin(struct load *l, const struct wanted *list, struct sl_list_reader **reader)
{
	struct sl_compile_list made = { .name = list->name, .file = list->cfg.file };
	int err = sl_compile_category(l->compile, list->name, list->kind, &made.category);
	if (err == SL_OK)
		err = sl_compile_begin(l->compile, &made);
	if (err == SL_OK)
		err = sl_list_reader_new(&list->cfg, sl_compile_add, l->compile, l->diag, reader);
	return err;
}

/* An error leaves the compiler fit to be freed only, which is all that happens to it then. */
static int end(struct load *l, struct sl_list_reader **reader, struct sl_list_stats *stats)
{
	int err = sl_list_reader_end(*reader, stats);
	sl_list_reader_free(reader);
	if (err == SL_OK)
		sl_compile_end(l->compile);
	return err;
}

/* A never-block set that is no file. */
static int add_text(struct load *l, const char *name, const char *file, struct sl_bytes text)
{
	const struct wanted list = {
		.name = name,
		.kind = SL_LIST_NEVER,
		.cfg = { .file = file, .format = SL_FORMAT_DOMAINS },
	};
	struct sl_list_stats stats = { 0 };
	struct sl_list_reader *reader = NULL;
	int err = begin(l, &list, &reader);
	if (err == SL_OK) {
		(void)sl_list_reader_feed(reader, text); /* the end says it again */
		err = end(l, &reader, &stats);
	}
	return conclude(l, &list, err, &stats);
}

/* A list that blocks its own server, or that of another list, would be the last that ever came (policy-resolution line 6d). */
static int add_servers(struct load *l)
{
	char text[SL_COMPILE_FILES * (SL_HOST_MAX + 2)];
	struct sl_out o = sl_out_of(text, sizeof(text));
	struct sl_url_parts parts;
	for (size_t i = 0; i < l->from->conf->lists; i++) {
		const char *url = l->from->conf->list[i].url;
		if (url != NULL && sl_url_split(sl_bytes_str(url), &parts) == SL_OK)
			sl_out_fmt(&o, "%s\n", parts.host.name);
	}
	return add_text(l, SL_POLICY_SERVERS, SERVERS_FILE, sl_bytes_of(text, o.len));
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

/* Piece by piece into the reader. *err gets what reading the file came to; what the reader said sticks in it. */
static void feed_file(const struct load *l, struct sl_list_file *f, const char *name, uint64_t size,
                      struct sl_list_reader *reader, int *err)
{
	struct sl_bytes piece = { NULL, 0 };
	int fed = SL_OK;
	do {
		*err = sl_list_file_next(f, &piece);
		if (*err == SL_OK && piece.p != NULL)
			fed = sl_list_reader_feed(reader, piece);
		if (l->from->progress != NULL)
			l->from->progress(l->from->progress_ctx, name, sl_list_file_at(f), size);
	} while (*err == SL_OK && fed == SL_OK && piece.p != NULL);
}

static int read_file(struct load *l, const struct sl_conf_list *from, const struct wanted *list, int fd)
{
	struct sl_list_stats stats = { 0 };
	struct sl_list_reader *reader = NULL;
	struct sl_list_file *f = NULL;
	struct stat st = { 0 };
	int err = fd < 0 || fstat(fd, &st) != 0 ? SL_ESYS : sl_list_file_open(fd, from->max_unpacked, &f);
	if (err != SL_OK) {
		tell_unread(l, from, f, err);
		return err;
	}
	int said = begin(l, list, &reader);
	if (said == SL_OK) {
		feed_file(l, f, from->name, (uint64_t)st.st_size, reader, &err);
		if (err != SL_OK)
			tell_unread(l, from, f, err);
		else
			said = end(l, &reader, &stats);
	}
	sl_list_reader_free(&reader);
	sl_list_file_close(&f);
	return err != SL_OK ? err : conclude(l, list, said, &stats);
}

/* It was never fetched: that it blocks nothing yet is no reason to have no policy. */
static int add_absent(struct load *l, const struct sl_conf_list *from, const struct wanted *list)
{
	struct sl_list_stats stats = { 0 };
	struct sl_list_reader *reader = NULL;
	int err = begin(l, list, &reader);
	if (err == SL_OK)
		err = end(l, &reader, &stats);
	l->stats->absent[l->stats->lists] = true;
	sl_diag(l->diag, from->file, 0, "list %s was never fetched: it blocks nothing until it is",
	        from->name);
	return conclude(l, list, err, &stats);
}

static int add_file(struct load *l, const struct sl_conf_list *from, int fd)
{
	const struct wanted list = {
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
	if (err == SL_OK && fd < 0 && errno == ENOENT && from->url != NULL)
		return add_absent(l, from, &list);
	if (err == SL_OK && fd >= 0)
		err = sl_compile_source_check(l->from, from, fd);
	return err != SL_OK ? err : read_file(l, from, &list, fd);
}

int sl_compile_lists(struct sl_compile *c, const struct sl_list_source *from,
                     struct sl_list_source_stats *stats)
{
	const struct sl_conf *conf = from->conf;
	struct load l = { c, from, from->diag, stats };
	stats->lists = 0;
	int err = conf->never_block_shipped
	                  ? add_text(&l, SL_POLICY_SHIPPED, SHIPPED_FILE, sl_policy_never_block())
	                  : SL_OK;
	for (size_t i = 0; i < conf->lists && err == SL_OK; i++) {
		int fd = from->open_file(from->ctx, conf->list[i].file);
		err = add_file(&l, &conf->list[i], fd);
		stats->failed = err == SL_OK ? NULL : conf->list[i].name;
		if (fd >= 0)
			(void)close(fd);
	}
	return err == SL_OK && sl_conf_has_urls(conf) ? add_servers(&l) : err;
}

/* The sets that are no file come first and last. */
static const struct sl_conf_list *list_at(const struct sl_conf *conf, size_t i)
{
	static const struct sl_conf_list shipped = { .name = (char *)(uintptr_t)SL_POLICY_SHIPPED,
		                                     .file = (char *)(uintptr_t)SHIPPED_FILE,
		                                     .kind = SL_LIST_NEVER },
	                                 servers = { .name = (char *)(uintptr_t)SL_POLICY_SERVERS,
		                                     .file = (char *)(uintptr_t)SERVERS_FILE,
		                                     .kind = SL_LIST_NEVER },
	                                 none = { .name = (char *)(uintptr_t) "",
		                                  .file = (char *)(uintptr_t) "",
		                                  .kind = SL_LIST_NEVER };
	if (i < conf->never_block_shipped)
		return &shipped;
	i -= conf->never_block_shipped;
	return i < conf->lists                              ? &conf->list[i]
	       : i == conf->lists && sl_conf_has_urls(conf) ? &servers
	                                                    : &none;
}

const char *sl_list_source_name(const struct sl_conf *conf, size_t i)
{
	return list_at(conf, i)->name;
}

const char *sl_list_source_file(const struct sl_conf *conf, size_t i)
{
	return list_at(conf, i)->file;
}

enum sl_list_kind sl_list_source_kind(const struct sl_conf *conf, size_t i)
{
	return list_at(conf, i)->kind;
}
