/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bounded reader: what it yields, and what running out means. */
#include "base/cur.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/util.h"

static const uint8_t bytes[] = { 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08 };

static void reads_integers_in_network_order(void **state)
{
	(void)state;
	struct sl_cur c = sl_cur_whole(sl_bytes_of(bytes, 8));

	assert_int_equal(sl_cur_u8(&c), 0x01);
	assert_int_equal(sl_cur_u16(&c), 0x0203);
	assert_int_equal(sl_cur_u24(&c), 0x040506);
	assert_int_equal(c.left, 2);
	assert_int_equal(sl_cur_end(&c), SL_EMALF); /* two bytes are left over */
	assert_int_equal(sl_cur_u32(&c), 0);
	assert_int_equal(c.err, SL_EMALF);
}

static void a_stream_that_ends_asks_for_more(void **state)
{
	(void)state;
	struct sl_cur c = sl_cur_stream(sl_bytes_of(bytes, 3));

	assert_int_equal(sl_cur_u16(&c), 0x0102);
	assert_int_equal(sl_cur_u16(&c), 0);
	assert_int_equal(c.err, SL_EMORE);
}

static void a_block_that_ends_is_malformed_even_in_a_stream(void **state)
{
	(void)state;
	struct sl_cur c = sl_cur_stream(sl_bytes_of(bytes, 8));
	struct sl_cur block = sl_cur_block(&c, 2);

	assert_int_equal(sl_cur_u24(&block), 0);
	assert_int_equal(block.err, SL_EMALF);
	assert_int_equal(c.err, SL_OK);
	assert_int_equal(c.left, 6);
}

static void a_block_longer_than_the_stream_asks_for_more(void **state)
{
	(void)state;
	struct sl_cur c = sl_cur_stream(sl_bytes_of(bytes, 8));
	struct sl_cur block = sl_cur_block(&c, 9);

	assert_int_equal(block.err, SL_EMORE);
	assert_false(sl_cur_more(&block));
}

static void the_first_failure_sticks(void **state)
{
	(void)state;
	struct sl_cur c = sl_cur_whole(sl_bytes_of(bytes, 1));

	sl_cur_skip(&c, 2);
	assert_int_equal(sl_cur_u8(&c), 0);
	sl_cur_fail(&c, SL_EPROTO);
	assert_int_equal(sl_cur_end(&c), SL_EMALF);
	assert_null(sl_cur_rest(&c).p);
}

static void lines_lose_their_ends(void **state)
{
	(void)state;
	struct sl_cur c = sl_cur_whole(SL_BYTES_LIT("a\r\n\nlast"));

	assert_true(sl_bytes_equal(sl_cur_line(&c), SL_BYTES_LIT("a")));
	assert_int_equal(sl_cur_line(&c).len, 0);
	assert_true(sl_bytes_equal(sl_cur_line(&c), SL_BYTES_LIT("last")));
	assert_null(sl_cur_line(&c).p);
	assert_int_equal(c.err, SL_OK);
}

static void a_line_of_a_stream_needs_its_end(void **state)
{
	(void)state;
	struct sl_cur c = sl_cur_stream(SL_BYTES_LIT("a\nrest"));

	assert_true(sl_bytes_equal(sl_cur_line(&c), SL_BYTES_LIT("a")));
	assert_null(sl_cur_line(&c).p);
	assert_int_equal(c.err, SL_EMORE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_integers_in_network_order),
		cmocka_unit_test(a_stream_that_ends_asks_for_more),
		cmocka_unit_test(a_block_that_ends_is_malformed_even_in_a_stream),
		cmocka_unit_test(a_block_longer_than_the_stream_asks_for_more),
		cmocka_unit_test(the_first_failure_sticks),
		cmocka_unit_test(lines_lose_their_ends),
		cmocka_unit_test(a_line_of_a_stream_needs_its_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
