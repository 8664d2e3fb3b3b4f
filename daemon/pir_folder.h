/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pir_folder.h - the files of a URL filter in one folder, by whomever they were made, found by their names and content:
 *   *.plist, *.json with bits and hashes   prefilters (prefilter_file.h)
 *   prefilter*.bin, bloom*.bin             the bits alone
 *   *.txtpb, *.binpb                       inputs of the PIR server; "*.params.*" are its outputs, and no matter
 *   *.json with inputDatabase              configuration of PIRProcessDatabase
 *   *.json with usecases                   configuration of PIRService
 *   entries.txt                            what an export was made from
 * Everything is read into memory. One thread. */
#ifndef SL_DAEMON_PIR_FOLDER_H
#define SL_DAEMON_PIR_FOLDER_H

#include <jansson.h>

#include "daemon/pir_set.h"
#include "daemon/prefilter_file.h"

enum { SL_PIR_NAME_MAX = 256 };

enum sl_pir_kind {
	SL_PIR_PREFILTER,
	SL_PIR_BITS,
	SL_PIR_DATABASE,
	SL_PIR_PROCESS,
	SL_PIR_SERVICE,
	SL_PIR_ENTRIES
};

struct sl_pir_file {
	enum sl_pir_kind kind;
	char name[SL_PIR_NAME_MAX];
	struct sl_bytes text; /* of BITS: all that there is; of DATABASE, ENTRIES: what set views */
	struct sl_prefilter_file prefilter; /* PREFILTER */
	struct sl_pir_set set;              /* DATABASE, ENTRIES */
	json_t *json;                       /* PROCESS, SERVICE */
};

struct sl_pir_folder {
	struct sl_pir_file *file; /* by name */
	size_t n;
};

/* faults gets a sentence for each file that has such a name and cannot be read. out is written only on SL_OK.
 * Returns SL_OK; SL_ESYS: no folder; SL_ENOMEM. */
int sl_pir_folder_read(const char *dir, json_t *faults, struct sl_pir_folder *out);
/* The first of a kind; NULL where there is none. */
const struct sl_pir_file *sl_pir_folder_first(const struct sl_pir_folder *folder, enum sl_pir_kind kind);
void sl_pir_folder_free(struct sl_pir_folder *folder);

#endif
