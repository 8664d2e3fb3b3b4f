/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pir_set.h - the keywords of a PIR server's input, or the lines of a list, as a set: to look up, and to hold against each
 * other. In memory: the file, 16 bytes a keyword, and for the text form its strings decoded. One thread writes, then any
 * number read. */
#ifndef SL_DAEMON_PIR_SET_H
#define SL_DAEMON_PIR_SET_H

#include "daemon/pir.h"

struct sl_pir_set {
	struct sl_bytes *keyword; /* sorted by bytes, each once */
	size_t n;
	uint64_t rows; /* as they were, with repetitions */
	uint64_t empty,
	        odd_values; /* rows without keyword (not in the set); with another value than "1" (NE-PIR-03) */
	struct sl_bytes repeated; /* one that comes more than once (NE-PIR-04); absent where there is none */
	uint8_t *decoded;
};

/* file has to outlive out. out is written only on SL_OK, and given back with sl_pir_set_free(). at: as sl_pir_read().
 * Returns as sl_pir_read(), and SL_ENOMEM. */
int sl_pir_set_read(enum sl_pir_form form, struct sl_bytes file, struct sl_pir_set *out, uint64_t *at);
/* One keyword a line; empty lines are none. SL_OK, SL_ENOMEM. */
int sl_pir_set_lines(struct sl_bytes file, struct sl_pir_set *out);
/* Order of bytes, compared as unsigned; of texts that begin alike the shorter first. */
int sl_pir_compare(struct sl_bytes a, struct sl_bytes b);
bool sl_pir_set_has(const struct sl_pir_set *set, struct sl_bytes keyword);
/* How many of a are not in b, and the first of them. */
uint64_t sl_pir_set_missing(const struct sl_pir_set *a, const struct sl_pir_set *b, struct sl_bytes *first);
void sl_pir_set_free(struct sl_pir_set *set);

#endif
