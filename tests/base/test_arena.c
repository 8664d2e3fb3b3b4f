/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The arena: budget, alignment, one flag. */
#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/util.h"

static void gives_aligned_memory_up_to_its_budget(void **state)
{
	(void)state;
	static unsigned char mem[64] SL_ALIGNED;
	struct sl_arena a = sl_arena_over(mem, sizeof(mem));

	assert_ptr_equal(sl_arena_get(&a, 1), mem);
	assert_ptr_equal(sl_arena_get(&a, 16), mem + 16);
	assert_ptr_equal(sl_arena_get(&a, 32), mem + 32);
	assert_false(a.overflow);
	assert_null(sl_arena_get(&a, 1));
	assert_true(a.overflow);
}

static void a_request_near_the_size_of_memory_does_not_wrap(void **state)
{
	(void)state;
	static unsigned char mem[64] SL_ALIGNED;
	struct sl_arena a = sl_arena_over(mem, sizeof(mem));

	(void)sl_arena_get(&a, 8);
	assert_null(sl_arena_get(&a, SIZE_MAX));
	assert_null(sl_arena_get(&a, SIZE_MAX - 15));
}

static void reset_gives_all_back(void **state)
{
	(void)state;
	static unsigned char mem[16] SL_ALIGNED;
	struct sl_arena a = sl_arena_over(mem, sizeof(mem));

	assert_non_null(sl_arena_get(&a, 16));
	assert_null(sl_arena_get(&a, 1));
	sl_arena_reset(&a);
	assert_false(a.overflow);
	assert_ptr_equal(sl_arena_get(&a, 16), mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_aligned_memory_up_to_its_budget),
		cmocka_unit_test(a_request_near_the_size_of_memory_does_not_wrap),
		cmocka_unit_test(reset_gives_all_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
