/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile_lists.h - the list files that a configuration names, read into a compiler (policy/compile.h): for the compiler
 * process, whose files come as descriptors, and for the commands that open them by path. */
#ifndef SL_DAEMON_COMPILE_LISTS_H
#define SL_DAEMON_COMPILE_LISTS_H

#include "base/diag.h"
#include "base/err.h"
#include "daemon/conf.h"
#include "policy/compile.h"
#include "policy/list.h"

enum { SL_COMPILE_FILES = 64 }; /* each is a category (policy/category.h), of which there are as many */
#define SL_POLICY_SHIPPED \
	"never-block (shipped)" /* the name of the shipped never-block set, which no list may take */

#define SL_POLICY_SERVERS \
	"never-block (servers of lists)" /* and that of the set of where lists are fetched */

struct sl_list_source {
	const struct sl_conf *conf; /* its lists, and whether the shipped never-block set comes first */
	/* Gives a readable descriptor of a regular file, which is closed here, or -1 with errno; it is read from its first
	 * byte, wherever it stands. */
	int (*open_file)(void *ctx, const char *path);
	void *ctx;
	const struct sl_diag *diag;
	enum sl_profile
	        profile; /* how entries become keys, and, where that is not native, what becomes of www. */
	enum sl_suburl_www www;
	const struct sl_suburl_regex *regex; /* of ne27: keys are what it makes of entries; NULL: none */
	/* NULL: none. Called for each piece of a file: bytes of it that were read, of how many. */
	void (*progress)(void *ctx, const char *what, uint64_t done, uint64_t total);
	void *progress_ctx;
};

struct sl_list_source_stats {
	struct sl_list_stats list[SL_COMPILE_FILES]; /* by the policy's list number */
	bool absent[SL_COMPILE_FILES];               /* lists with url that were never fetched */
	size_t lists;
	const char
	        *failed; /* name of the list because of which it failed; NULL: of none; the configuration's */
};

/* The shipped never-block set comes first where the configuration wants it, then the lists in its order, which may be
 * packed (list_file.h) and are read in pieces: no text of a list is ever held whole. All of them count, or none: a file
 * that cannot be read or is refused fails the whole, and diag was told file, line and reason.
 * Returns SL_OK, SL_ESYS, SL_EMALF, SL_ELIMIT, SL_ENOMEM, and what sl_compile_add() does. */
int sl_compile_lists(struct sl_compile *c, const struct sl_list_source *from,
                     struct sl_list_source_stats *stats);
/* Name, file and kind of list number i, which stats count; "" beyond the last. */
const char *sl_list_source_name(const struct sl_conf *conf, size_t i);
const char *sl_list_source_file(const struct sl_conf *conf, size_t i);
enum sl_list_kind sl_list_source_kind(const struct sl_conf *conf, size_t i);

#endif
