/* SPDX-License-Identifier: GPL-2.0-or-later */
/* parsing_file.h - how a URL filter takes URLs apart (NE-URL-37..39), as a JSON object with the names and defaults of Apple's
 * ParsingConfiguration, or with "regularExpression" alone:
 *   {"excludeScheme": true, "excludeFragment": false,
 *    "domain": {"excluded": false, "stripWWW": true, "levels": 0, "enumerateHierarchy": true},
 *    "path": {"excluded": false, "segments": 0, "enumerateHierarchy": true},
 *    "query": {"excluded": false, "parameters": ["id", "external"]}} */
#ifndef SL_DAEMON_PARSING_FILE_H
#define SL_DAEMON_PARSING_FILE_H

#include "daemon/ne_scenario_value.h"
#include "policy/suburl.h"

enum { SL_PARSING_PARAMETERS = 64, SL_PARSING_LEVELS = 255 };

struct sl_parsing {
	struct sl_suburl_parsing how;
	struct sl_suburl_regex *regex; /* ours, of how.regex */
	struct sl_bytes parameter[SL_PARSING_PARAMETERS];
	json_t *root; /* that texts are borrowed from */
};

/* False where something is wrong, which was told; then there is nothing to give back. out must not be copied. */
bool sl_parsing_read(const struct sl_ne_scenario_place *at, json_t *object, struct sl_parsing *out);
/* The object is all that the file holds; diag is told file and line. */
bool sl_parsing_file_read(const char *path, const struct sl_diag *diag, struct sl_parsing *out);
/* Also of one that is all zero. */
void sl_parsing_free(struct sl_parsing *parsing);

#endif
