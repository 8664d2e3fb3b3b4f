/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/util.h"

enum { BUDGET = 512, STEPS = 8, BASE = 1000 };

struct step {
	const char *text; /* a segment; NULL ends the row */
	int32_t at;       /* where it begins, counted from the first byte 0 */
	uint32_t cut;     /* bytes on the wire after it that were not copied */
	uint32_t consume; /* afterwards */
	bool fixed;       /* the beginning may not move */
	bool limit;       /* SL_ELIMIT is wanted */
};

/* The rest of a step is by name. */
#define S(bytes, begins, ...)                                \
	{                                                    \
		.text = (bytes), .at = (begins), __VA_ARGS__ \
	}

static const struct row {
	const char *name;
	struct step step[STEPS];
	const char *head;  /* wanted at the end */
	int32_t seq, next; /* counted from the first byte 0 */
	uint32_t differs;
	bool cut, empty;
	const char *other; /* the second reading, where there is one */
	bool many;         /* more than two */
} rows[] = {
	{ .name = "keeps segments that come in order", { S("ab", 0), S("cd", 2) }, "abcd", 0, 4 },
	{ .name = "keeps what lies beyond a gap until the gap is filled",
	  { S("ab", 0), S("ef", 4), S("cd", 2) },
	  "abcdef",
	  0,
	  6 },
	{ .name = "ends the head at the first gap", { S("ab", 0), S("ef", 4) }, "ab", 0, 2 },
	{ .name = "moves the beginning down for an earlier segment",
	  { S("cd", 0), S("ab", -2) },
	  "abcd",
	  -2,
	  2 },
	{ .name = "moves the beginning down by any number of bits",
	  { S("z", 0), S("y", -65), S("x", -130) },
	  "x",
	  -130,
	  -129 },
	{ .name = "does not move a beginning that is certain",
	  { S("cd", 0, .fixed = true), S("ab", -2, .fixed = true) },
	  "cd",
	  0,
	  2 },
	{ .name = "does not move a beginning of which bytes were consumed",
	  { S("cd", 0, .consume = 1), S("ab", -2) },
	  "d",
	  1,
	  2 },
	{ .name = "keeps the first copy of a byte and counts the others",
	  { S("abcd", 0), S("xBCy", 0) },
	  "abcd",
	  0,
	  4,
	  .differs = 4,
	  .other = "xBCy" },
	{ .name = "a third copy that is one of the two readings makes no third",
	  { S("abcd", 0), S("axyd", 0), S("abcd", 0), S("xyd", 1), S("ef", 4) },
	  "abcdef",
	  0,
	  6,
	  .differs = 4,
	  .other = "axydef" },
	{ .name = "a third copy that is neither does",
	  { S("abcd", 0), S("axyd", 0), S("axcd", 0) },
	  "abcd",
	  0,
	  4,
	  .differs = 3,
	  .other = "axyd",
	  .many = true },
	{ .name = "copies that differ from two segments may be mixed with them",
	  { S("ab", 0), S("cd", 2), S("axyd", 0) },
	  "abcd",
	  0,
	  4,
	  .differs = 2,
	  .other = "axyd",
	  .many = true },
	{ .name = "two copies that differ, each from a segment, may be mixed",
	  { S("ab", 0), S("xb", 0), S("cd", 2), S("cy", 2) },
	  "abcd",
	  0,
	  4,
	  .differs = 2,
	  .other = "xbcy",
	  .many = true },
	{ .name = "the second reading moves with the beginning",
	  { S("cd", 0), S("xy", 0), S("ab", -2), S("ef", 2) },
	  "abcdef",
	  -2,
	  4,
	  .differs = 2,
	  .other = "abxyef" },
	{ .name = "what was consumed is read in one way",
	  { S("abcd", 0), S("xbcd", 0, .consume = 1) },
	  "bcd",
	  1,
	  4,
	  .differs = 1 },
	{ .name = "keeps the first copy where segments overlap in part",
	  { S("cd", 2), S("abXXef", 0) },
	  "abcdef",
	  0,
	  6,
	  .differs = 2,
	  .other = "abXXef" },
	{ .name = "takes an equal copy without a word",
	  { S("abcd", 0), S("bc", 1), S("abcd", 0) },
	  "abcd",
	  0,
	  4 },
	{ .name = "forgets what was consumed", { S("abcd", 0, .consume = 3) }, "d", 3, 4 },
	{ .name = "is empty when all was consumed", { S("abcd", 0, .consume = 4) }, "", 4, 4, .empty = true },
	{ .name = "ignores a retransmission of what was consumed",
	  { S("abcd", 0, .consume = 4), S("abcdef", 0) },
	  "ef",
	  4,
	  6 },
	{ .name = "skips more than is there",
	  { S("ab", 0, .consume = 10), S("cdefgh", 2), S("ijKL", 8) },
	  "KL",
	  10,
	  12 },
	{ .name = "skips into what lies beyond a gap", { S("ab", 0), S("ef", 4, .consume = 5) }, "f", 5, 6 },
	{ .name = "ends the head where the copy was cut",
	  { S("ab", 0, .cut = 3), S("fg", 5) },
	  "ab",
	  0,
	  7,
	  .cut = true },
	{ .name = "never fills a hole of bytes that were not copied",
	  { S("ab", 0, .cut = 3), S("cde", 2) },
	  "ab",
	  0,
	  5,
	  .cut = true },
	{ .name = "can consume over a hole", { S("ab", 0, .cut = 3), S("fg", 5, .consume = 6) }, "g", 6, 7 },
	{ .name = "cannot tell of a cut beyond a gap", { S("ab", 0), S("ef", 4, .cut = 3) }, "ab", 0, 2 },
	{ .name = "takes in what is within the budget and says so",
	  { S("a", 0), S("bcd", BUDGET - 1, .limit = true) },
	  "a",
	  0,
	  1 },
	{ .name = "forgets what the moving beginning pushes out of the budget",
	  { S("b", 0), S("z", BUDGET - 1), S("a", -1, .limit = true) },
	  "ab",
	  -1,
	  1 },
	{ .name = "knows the last byte that is left after others were pushed out",
	  { S("b", 0), S("z", BUDGET - 1), S("a", -1, .limit = true), S("A", -2) },
	  "Aab",
	  -2,
	  1 },
	{ .name = "begins anew when the beginning moves by more than the budget",
	  { S("b", 0), S("a", -BUDGET - 3, .limit = true) },
	  "a",
	  -BUDGET - 3,
	  -BUDGET - 2 },
	{ .name = "ignores a segment without bytes", { S("", 5), S("", -5) }, "", 0, 0, .empty = true },
};

/* Every row runs a second time round the end of the sequence numbers. */
static void run_row(const struct row *row, uint32_t base)
{
	struct sl_stream_pool *pool = NULL;
	assert_int_equal(sl_stream_pool_new(1, BUDGET, &pool), SL_OK);
	struct sl_stream *s = sl_stream_open(pool, base);
	uint32_t differs = 0;
	for (const struct step *step = row->step; step < row->step + STEPS && step->text != NULL; step++) {
		struct sl_bytes seg = sl_bytes_str(step->text);
		uint32_t d;
		int err = sl_stream_push(s, base + (uint32_t)step->at, seg, (uint32_t)seg.len + step->cut,
		                         !step->fixed, &d);
		assert_int_equal(err, step->limit ? SL_ELIMIT : SL_OK);
		differs += d;
		if (step->consume > 0)
			sl_stream_consume(s, step->consume);
	}
	struct sl_bytes head = sl_stream_head(s);
	assert_int_equal(head.len, strlen(row->head));
	assert_memory_equal(head.p, row->head, head.len);
	assert_int_equal((int32_t)(sl_stream_seq(s) - base), row->seq);
	assert_int_equal((int32_t)(sl_stream_next(s) - base), row->next);
	assert_int_equal(differs, row->differs);
	struct sl_bytes other = sl_stream_other(s);
	const char *want = row->other != NULL ? row->other : row->head;
	assert_int_equal(sl_stream_readings(s), row->many            ? SL_READINGS_MANY
	                                        : row->other != NULL ? SL_READINGS_TWO
	                                                             : SL_READINGS_ONE);
	assert_int_equal(other.len, strlen(want));
	assert_memory_equal(other.p, want, other.len);
	assert_int_equal(sl_stream_cut(s), row->cut);
	assert_int_equal(sl_stream_empty(s), row->empty);
	sl_stream_close(pool, &s);
	assert_null(s);
	s = sl_stream_open(pool, base); /* the same memory, and nothing of the old bytes */
	assert_true(sl_stream_empty(s));
	assert_int_equal(sl_stream_head(s).len, 0);
	sl_stream_close(pool, &s);
	sl_stream_pool_free(&pool);
	assert_null(pool);
}

static void test_row(void **state)
{
	run_row(*state, BASE);
	run_row(*state, UINT32_MAX - 2);
	run_row(*state, 2);
}

static void test_pool(void **state)
{
	struct sl_stream_pool *pool = NULL;
	(void)state;
	assert_int_equal(sl_stream_pool_new(0, BUDGET, &pool), SL_EINVAL);
	assert_int_equal(sl_stream_pool_new(1, 511, &pool), SL_EINVAL);
	assert_int_equal(sl_stream_pool_new(1, 65537, &pool), SL_EINVAL);
	assert_int_equal(sl_stream_pool_new(2, 65536, &pool), SL_OK);
	struct sl_stream *a = sl_stream_open(pool, 1), *b = sl_stream_open(pool, 2);
	assert_non_null(a);
	assert_non_null(b);
	assert_null(sl_stream_open(pool, 3));
	sl_stream_close(pool, &a);
	a = sl_stream_open(pool, 4);
	assert_non_null(a);
	sl_stream_close(pool, &a);
	sl_stream_close(pool, &a);
	sl_stream_close(pool, &b);
	sl_stream_pool_free(&pool);
}

/* Single bytes of a full budget, in an order that leaves many gaps. */
static void test_scattered(void **state)
{
	enum { FULL = 65536 };
	struct sl_stream_pool *pool = NULL;
	uint32_t differs;
	(void)state;
	assert_int_equal(sl_stream_pool_new(1, FULL, &pool), SL_OK);
	struct sl_stream *s = sl_stream_open(pool, 0);
	for (uint32_t i = 0; i < FULL; i++) {
		uint32_t at = i * 40503 % FULL;
		uint8_t byte = (uint8_t)(at * 7 + at / 256);
		assert_int_equal(sl_stream_push(s, at, sl_bytes_of(&byte, 1), 1, false, &differs), SL_OK);
	}
	struct sl_bytes head = sl_stream_head(s);
	assert_int_equal(head.len, FULL);
	for (uint32_t at = 0; at < FULL; at++)
		assert_int_equal(head.p[at], (uint8_t)(at * 7 + at / 256));
	sl_stream_pool_free(&pool);
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(rows) + 2] = {
		{ "a pool refuses sizes out of range and gives each stream once", test_pool, NULL, NULL,
		  NULL },
		{ "joins single bytes in any order up to the whole budget", test_scattered, NULL, NULL,
		  NULL },
	};
	for (size_t i = 0; i < SL_COUNT(rows); i++) {
		const void *row = &rows[i];
		tests[i + 2] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL, NULL };
		memcpy(&tests[i + 2].initial_state, &row, sizeof(row));
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
