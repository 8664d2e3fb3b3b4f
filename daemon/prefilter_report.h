/* SPDX-License-Identifier: GPL-2.0-or-later */
/* prefilter_report.h - what there is to say about somebody's prefilter, as JSON:
 *   file, kind, bitCount, hashCount, murmurSeed, bytes, tag (of the data), itemCount, falsePositiveTolerance (or null)
 *   set, fill, entries_by_fill (or null), rate_per_key, rate_24_keys, rate_48_keys
 *   numbers  a sentence: do they fit NE-BLOOM-01, and for how many entries
 *   entries  how many were given, found under the right arithmetic, distinct; null without
 *   faults   sentences: what keeps the filter from working
 *   notes    sentences: what is worth knowing
 *   right    null, or what the data should be: { bitCount, hashCount, data }, data in base64, null where it is long
 *   right_without_scheme  the same for the entries without scheme, sized anew; null where no entry has one
 * Any thread; nothing is read or kept. */
#ifndef SL_DAEMON_PREFILTER_REPORT_H
#define SL_DAEMON_PREFILTER_REPORT_H

#include <jansson.h>

#include "daemon/prefilter_file.h"

enum { SL_PREFILTER_SHOWN_MAX = 1024 /* bytes of data that a report shows */ };

/* entry  n of them, as they were given to the generator, one each; n may be 0
 * Returns SL_OK, SL_ENOMEM. */
int sl_prefilter_report(const char *name, const struct sl_prefilter_file *file, const struct sl_bytes *entry,
                        size_t n, json_t **out);

/* Do bitCount and hashCount follow from n and p by NE-BLOOM-01, or by NE-CHOICE-42? A sentence, into text. */
enum { SL_PREFILTER_SENTENCE = 512 };
void sl_prefilter_numbers(const struct sl_prefilter_file *file, uint64_t lines, uint64_t distinct,
                          char text[SL_PREFILTER_SENTENCE]);

#endif
