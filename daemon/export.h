/* SPDX-License-Identifier: GPL-2.0-or-later */
/* export.h - lists in, the files of Apple's NEURLFilter out: a prefilter and the PIR server's input, both from one canonical
 * list in one run, since an entry in one of them only is never blocked or asks for nothing (NE-PIR-13).
 *   entries.txt          the canonical list, one entry a line, sorted by bytes
 *   prefilter.plist      as Apple's BloomFilterTool writes it (NE-BLOOM-08);  .json  the same;  .bin  the bits (NE-BLOOM-14)
 *   pir-database.txtpb   KeywordDatabase as text;  .binpb  in binary form (NE-PIR-01..04)
 *   pir-process.json     configuration of PIRProcessDatabase (NE-PIR-05, -06)
 *   pir-service.json     configuration of PIRService (NE-PIR-09, -10), where a bundle identifier is given; what else stands
 *                        in one that is there already (its users) is kept, and a first user gets a random token
 *   left-out.txt         what was not written: entry, reason, file:line, with tabs between
 * Files get temporary names and are renamed when all are whole.
 * Memory: what cfg says for sorting, the bits of the prefilter, exceptions, and a byte for each entry with www; the rest lies
 * in unnamed files in DIR, about three times the size of entries.txt. */
#ifndef SL_DAEMON_EXPORT_H
#define SL_DAEMON_EXPORT_H

#include <jansson.h>

#include "base/diag.h"
#include "policy/list.h"
#include "policy/suburl.h"

enum { SL_EXPORT_LISTS = 256, SL_EXPORT_PER_SHARD = 50000 /* NE-PIR-06 */ };

/* All lists are one category: an exception of any of them counts for all (policy-resolution line 3). */
struct sl_export_list {
	const char *path;
	enum sl_list_format format;
	bool allow; /* all its entries are exceptions (policy-resolution line 6f) */
};

struct sl_export_cfg {
	const char *dir;    /* made where it is not there */
	const char *bundle; /* the app's bundle identifier; NULL: no pir-service.json */
	const struct sl_export_list *list;
	size_t lists;
	size_t memory; /* bytes for sorting */
	double tolerance;
	uint32_t seed;
	bool strict; /* NE-BLOOM-01 to the letter: lines are counted, nothing is rounded up (NE-CHOICE-42, -44) */
	bool block_conflicts; /* what policy-resolution line 12 leaves out is written */
	enum sl_suburl_www www;
	const struct sl_suburl_regex
	        *regex; /* NULL: none. Entries are what it makes of them (NE-URL-39), for ne27 */
};

/* Counts of entries; distinct canonical texts unless it says lines. */
struct sl_export_stats {
	uint64_t lines, blocks,
	        exceptions; /* lines: of the files; blocks, exceptions: as read, with repetitions */
	uint64_t refused[SL_REFUSED_COUNT]; /* lines that no reader keeps, by reason */
	uint64_t duplicates;                /* blocks that repeat another */
	uint64_t covered;                   /* not written: excepted or allowed */
	uint64_t conflicts,
	        below; /* left out: above an exception; subdomains only (both: written, where asked for) */
	uint64_t prefixes; /* left out: prefixes of addresses, which no URL has */
	uint64_t exact,
	        addresses; /* written: hosts that count with their subdomains now; addresses as hosts of URLs */
	uint64_t www_folded, www_moved,
	        www_added;        /* gone, as it is listed without; written without; written both ways */
	uint64_t www_unreachable; /* start with www. and are never asked for under ne27 */
	uint64_t www_conflicts;   /* of these: without www. they would block what is excepted */
	uint64_t ports;           /* name the port of a scheme: never asked for under ne26 (NE-CHOICE-34) */
	uint64_t lint[8];         /* of SL_LINT_*, by bit */
	uint64_t unmatched;       /* of which the regular expression makes nothing: not written */
	uint64_t written, bytes;  /* entries.txt: its lines and bytes */
	size_t runs;              /* that sorting had to spill */
};

/* Writes all files. report gets what there is to say (export_report.h), given back with json_decref().
 * diag is told what is wrong, with file and line. Returns SL_OK; SL_EMALF: a list is refused; SL_ENOENT: nothing is left to
 * write; SL_EINVAL, SL_ELIMIT: see apple_size.h; SL_ELIMIT also where sorting needs more memory; SL_ENOMEM; SL_ESYS. On
 * failure no file of that name has changed, unless it was the renaming that failed. */
int sl_export(const struct sl_export_cfg *cfg, const struct sl_diag *diag, json_t **report);

#endif
