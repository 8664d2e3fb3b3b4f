/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pir.h - the input of Apple's PIR server: protobuf KeywordDatabase, in text or binary form (NE-PIR-01, -02), and how its
 * rows are dealt out to shards (NE-PIR-07).
 * The schema: message KeywordDatabase { repeated KeywordDatabaseRow rows = 1; }
 *             message KeywordDatabaseRow { bytes keyword = 1; bytes value = 2; } */
#ifndef SL_DAEMON_PIR_H
#define SL_DAEMON_PIR_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/out.h"

enum sl_pir_form { SL_PIR_TEXT, SL_PIR_BINARY }; /* .txtpb, .binpb */

struct sl_pir_row {
	struct sl_bytes keyword, value; /* empty where the row has none */
};

enum {
	SL_PIR_STRING_MAX = 16384, /* bytes of a keyword or value in text form, decoded */
	SL_PIR_ROW_MAX = 4 * SL_PIR_STRING_MAX * 2 + 64, /* bytes that a row of such strings takes at most */
};
#define SL_PIR_VALUE SL_BYTES_LIT("1") /* NE-PIR-03: a place-holder; presence alone is the match */

/* What the row holds lives during the call. Another answer than SL_OK ends the reading with that answer. */
typedef int sl_pir_sink(void *ctx, const struct sl_pir_row *row);

/* at  where a failure is: the line of a text, counted from 1, or the byte of a binary file; untouched on SL_OK
 * Returns SL_OK; SL_EMALF; SL_ELIMIT: a string of the text is longer than SL_PIR_STRING_MAX; and what sink returned.
 * Rows may have reached the sink before a failure. Bounded, nothing is allocated; any thread. */
int sl_pir_read(enum sl_pir_form form, struct sl_bytes file, sl_pir_sink *sink, void *ctx, uint64_t *at);
int sl_pir_read_text(struct sl_bytes file, sl_pir_sink *sink, void *ctx, uint64_t *line);
int sl_pir_read_binary(struct sl_bytes file, sl_pir_sink *sink, void *ctx, uint64_t *byte);

/* Appends one row; a file is nothing but rows. Text: one row a line, bytes that are not printable ASCII as octal escapes. */
void sl_pir_write(enum sl_pir_form form, const struct sl_pir_row *row, struct sl_out *out);

/* First 8 bytes of SHA-256, little endian, modulo shards (1 at least). */
uint64_t sl_pir_shard(struct sl_bytes keyword, uint64_t shards);
/* How many shards entryCountPerShard (1 at least) makes of so many rows. */
uint64_t sl_pir_shards(uint64_t rows, uint64_t per_shard);

#endif
