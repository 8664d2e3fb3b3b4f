/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_url_prefilter.h - a prefilter in a scenario: made of entries, as bits, or in a file (NE-URL-22). */
#ifndef SL_DAEMON_NE_URL_PREFILTER_H
#define SL_DAEMON_NE_URL_PREFILTER_H

#include "daemon/ne_scenario_value.h"
#include "daemon/prefilter_file.h"
#include "filter/ne_url.h"

struct sl_ne_url_given {
	struct sl_ne_url_prefilter prefilter; /* views of what follows, and of the JSON object */
	char tag[SL_NE_URL_TAG];
	uint8_t *bits;
	struct sl_prefilter_file file;
};

/* {"entries": [...], "falsePositiveTolerance": 0.001, "murmurSeed": 1, "strict": true}: sized and filled as `sluice export` does
 * it; or {"bitCount": n, "hashCount": n, "murmurSeed": n, "data": base64}, or "file": name of one with the bits; "tag", else
 * the SHA-256 of the bits. False: told, and nothing is to be given back. */
bool sl_ne_url_given_read(const struct sl_ne_scenario_place *at, const json_t *object,
                          struct sl_ne_url_given *out);
void sl_ne_url_given_free(struct sl_ne_url_given *given);

/* A list of texts, each a line. False: told. *out is freed with free(). */
bool sl_ne_url_lines_read(const struct sl_ne_scenario_place *at, const json_t *list, const char *key,
                          struct sl_bytes *out);

#endif
