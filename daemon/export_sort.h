/* SPDX-License-Identifier: GPL-2.0-or-later */
/* export_sort.h - sorts more entries than memory may hold: runs of them are sorted, written to unnamed files and merged.
 * One thread. */
#ifndef SL_DAEMON_EXPORT_SORT_H
#define SL_DAEMON_EXPORT_SORT_H

#include <stdio.h>

#include "base/bytes.h"
#include "base/err.h"

struct sl_export_record {
	struct sl_bytes text;
	uint32_t line;
	uint16_t list;
	uint8_t flags;
};

enum {
	SL_EXPORT_TEXT_MAX = 4096, /* bytes of a text */
	SL_EXPORT_RUNS_MAX = 512,  /* runs that are merged at once; as many descriptors */
	SL_EXPORT_MEMORY_MIN = 1 << 16,
};

struct sl_export_sort;

/* dir     where unnamed files may be made; borrowed
 * memory  bytes that texts and index may take, SL_EXPORT_MEMORY_MIN at least
 * Returns SL_OK, SL_ENOMEM. */
int sl_export_sort_new(const char *dir, size_t memory, struct sl_export_sort **out);
/* Copies the record. SL_OK; SL_ELIMIT: text too long, or more runs than SL_EXPORT_RUNS_MAX; SL_ENOMEM; SL_ESYS. */
int sl_export_sort_add(struct sl_export_sort *s, const struct sl_export_record *record);
/* No more to add; afterwards next() gives the records by text, bytes compared as unsigned, those of equal texts in no order
 * that matters. */
int sl_export_sort_finish(struct sl_export_sort *s);
/* The text is valid until the next call. SL_OK; SL_ENOENT behind the last; SL_ESYS. */
int sl_export_sort_next(struct sl_export_sort *s, struct sl_export_record *out);
size_t sl_export_sort_runs(const struct sl_export_sort *s);
void sl_export_sort_free(struct sl_export_sort **s);

/* Order of bytes, compared as unsigned; of texts that begin alike the shorter first. */
int sl_export_compare(struct sl_bytes a, struct sl_bytes b);
/* An unnamed file in dir, to write and read. NULL with errno. */
FILE *sl_export_unnamed(const char *dir);

#endif
