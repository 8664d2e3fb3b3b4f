/* SPDX-License-Identifier: GPL-2.0-or-later */
/* export_impl.h - the stages of an export, one file each; for daemon/export*.c alone. */
#ifndef SL_DAEMON_EXPORT_IMPL_H
#define SL_DAEMON_EXPORT_IMPL_H

#include "bloom/gauge.h"
#include "daemon/export.h"
#include "daemon/export_except.h"
#include "daemon/export_files.h"
#include "daemon/export_sort.h"

struct sl_export {
	const struct sl_export_cfg *cfg;
	const struct sl_diag *diag;
	struct sl_export_stats stats;
	struct sl_export_sort *sort, *made;
	struct sl_export_except *except;
	struct sl_export_files *files;
	FILE *sorted, *www; /* unnamed: all entries; those with www., a mark for it, in the same order */
	FILE *left_out, *entries;
	uint8_t *fate; /* of each line of www: enum www_fate of export_www.c */
	struct sl_prefilter_shape shape;
	char tag[65];
	struct sl_gauge gauge;
	bool service, token; /* pir-service.json is written; it has a new token */
};

/* In place of "www.": was the entry for that host only? One byte. */
#define SL_EXPORT_MARK_EXACT "="
#define SL_EXPORT_MARK_WIDE  "*"

/* Says that a file failed, by errno. SL_ESYS. */
int sl_export_failed(const struct sl_export *x, const char *what);
/* A line of left-out.txt. */
void sl_export_leave(struct sl_export *x, struct sl_bytes entry, const char *why, unsigned list,
                     uint32_t line);
/* An entry whose first label a client of ne27 takes off (NE-URL-33), without it; absent for others. */
struct sl_bytes sl_export_without_www(struct sl_bytes text);

int sl_export_read_lists(struct sl_export *x); /* lists -> sort, except */
int sl_export_merge(struct sl_export *x);      /* sort, except -> sorted, www */
int sl_export_canonical(struct sl_export *x);  /* sorted, www -> entries.txt */
/* With a regular expression: an entry of the canonical list -> made -> entries.txt. */
int sl_export_made_add(struct sl_export *x, struct sl_bytes entry);
int sl_export_made_write(struct sl_export *x);
int sl_export_prefilter(struct sl_export *x); /* entries.txt -> prefilter.*, pir-database.* */
int sl_export_conf(struct sl_export *x);      /* pir-process.json, pir-service.json */
json_t *sl_export_report(const struct sl_export *x);

#endif
