/* SPDX-License-Identifier: GPL-2.0-or-later */
/* export_except.h - what must not be blocked, and whether an entry of the export would (policy-resolution line 12).
 * Apple's data set knows no exceptions (NE-URL-10): an entry covers its host, all below it, and all paths below its own. So
 * what an exception covers is not written, and what is wider than an exception cannot be, without blocking it too. */
#ifndef SL_DAEMON_EXPORT_EXCEPT_H
#define SL_DAEMON_EXPORT_EXCEPT_H

#include "policy/list.h"

/* An entry taken apart, or an exception. */
struct sl_export_entry {
	struct sl_bytes host; /* canonical; IPv6 without brackets */
	bool address;         /* host is an IP literal */
	uint16_t port;        /* 0: any */
	struct sl_bytes path; /* empty, or as list.h has it */
	enum sl_scope scope;  /* not ADDRESS */
	bool important;
};

enum sl_export_fate {
	SL_EXPORT_FREE,     /* no exception speaks of it */
	SL_EXPORT_COVERED,  /* an exception takes back all of it */
	SL_EXPORT_CONFLICT, /* written, it would block what an exception allows */
};

struct sl_export_except; /* one thread */

int sl_export_except_new(struct sl_export_except **out);
/* Any order; the entry is copied. SL_OK, SL_ENOMEM. */
int sl_export_except_add(struct sl_export_except *x, const struct sl_export_entry *e);
/* A prefix that is no whole address: destinations that are allowed. */
int sl_export_except_add_prefix(struct sl_export_except *x, const struct sl_prefix *prefix, bool important);
/* After the last add, before the first question. */
void sl_export_except_finish(struct sl_export_except *x);
enum sl_export_fate sl_export_except_judge(const struct sl_export_except *x, const struct sl_export_entry *e);
void sl_export_except_free(struct sl_export_except **x);

/* The path of an entry that was split off, as exceptions have theirs: canonical, without fragment and final slash. */
struct sl_bytes sl_export_entry_path(struct sl_bytes tail, char path[SL_PATH_MAX + 1]);

/* The text of an entry as entries.txt has it: host[:port][path], IPv6 in brackets. Returns its length; 0 where it does not
 * fit. And back: what was written so is taken apart; scope is TREE or PATH. */
size_t sl_export_entry_write(const struct sl_export_entry *e, char *out, size_t cap);
void sl_export_entry_split(struct sl_bytes text, struct sl_export_entry *out);

#endif
