/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stream.h - the client's bytes in order, from segments in any order (RFC 9293 §3.4). The first copy of a byte wins;
 * where a copy differed there is a second reading, since the first may never have reached the server.
 *
 * The filter may never see the SYN (only packets with payload are queued), so the position of byte 0 is a guess until
 * it is confirmed: a segment that begins before it moves the beginning down, as long as nothing was consumed.
 * Memory comes from a pool that is fixed at birth; a stream holds bytes only while they are incomplete, so that the
 * common flow, whose hello is whole in one segment, never copies a byte. Any number of gaps is kept. One thread. */
#ifndef SL_FILTER_STREAM_H
#define SL_FILTER_STREAM_H

#include "base/bytes.h"
#include "base/err.h"

struct sl_stream_pool;
struct sl_stream; /* opaque; NULL where a flow holds no bytes */

/* streams  how many flows may hold bytes at once, 1..2^20; budget  bytes of each, 512..65536. */
int sl_stream_pool_new(uint32_t streams, uint32_t budget, struct sl_stream_pool **out);
void sl_stream_pool_free(struct sl_stream_pool **pool);

/* A stream whose byte 0 has sequence number seq. NULL when the pool is empty. */
struct sl_stream *sl_stream_open(struct sl_stream_pool *pool, uint32_t seq);
void sl_stream_close(struct sl_stream_pool *pool, struct sl_stream **stream); /* leaves NULL behind */

uint32_t sl_stream_in_use(const struct sl_stream_pool *pool); /* streams that are open */

/* Takes in a segment. wire_len may exceed seg.len: the bytes that were not copied leave a hole that never fills, and
 * head() ends before it (sl_stream_cut() then says so).
 * Bytes before what was consumed are old and are ignored. A segment that begins before byte 0 moves byte 0 down while
 * `may_rebase` and nothing was consumed; what then lies beyond the budget is forgotten.
 * *differs counts bytes that came before with another value; the first copy stays, the other is in the second reading.
 * Returns SL_OK, or SL_ELIMIT when bytes lie beyond the budget (the rest was taken in). */
int sl_stream_push(struct sl_stream *s, uint32_t seq, struct sl_bytes seg, uint32_t wire_len, bool may_rebase,
                   uint32_t *differs);
/* The bytes from the first unconsumed one up to the first gap. Borrowed until the next call. */
struct sl_bytes sl_stream_head(const struct sl_stream *s);
/* In how many ways can the bytes be read, whoever got which copy? Where copies differ from one segment, and all in the same
 * way, there are two; three copies that differ, or one that differs from several segments, make mixtures. */
enum sl_readings { SL_READINGS_ONE, SL_READINGS_TWO, SL_READINGS_MANY };
enum sl_readings sl_stream_readings(const struct sl_stream *s);
/* The second reading: as long as head(), and equal to it where there is but one. Borrowed until the next call. */
struct sl_bytes sl_stream_other(const struct sl_stream *s);
/* The sequence number of the first unconsumed byte, and of the first byte that did not come: a byte that was not copied
 * did come. */
uint32_t sl_stream_seq(const struct sl_stream *s);
uint32_t sl_stream_next(const struct sl_stream *s);
/* Does head() end at bytes that were on the wire but were not copied? */
bool sl_stream_cut(const struct sl_stream *s);
/* Forgets the first n bytes, n < 2^31. n may exceed what is there (a body that is skipped): what comes later of it is
 * ignored. */
void sl_stream_consume(struct sl_stream *s, uint32_t n);
/* Nothing is held, neither in order nor beyond a gap. */
bool sl_stream_empty(const struct sl_stream *s);

#endif
