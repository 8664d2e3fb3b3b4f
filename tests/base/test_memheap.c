/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The heap: against a model that knows every byte that was handed out. */
#include "base/memheap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"

enum { SIZE = 16384, HELD = 200, ROUNDS = 200000 };

static unsigned char mem[SIZE + 64] SL_ALIGNED;

static void what_does_not_fit_is_refused(void **state)
{
	(void)state;
	struct sl_memheap *h = sl_memheap_over(mem, SIZE);
	size_t all = sl_memheap_free(h);

	assert_null(sl_memheap_get(h, SIZE_MAX));
	assert_null(sl_memheap_get(h, SIZE_MAX - 15));
	assert_null(sl_memheap_get(h, SIZE));
	assert_null(sl_memheap_get(h, all));
	void *p = sl_memheap_get(h, all - 16);
	assert_non_null(p);
	assert_null(sl_memheap_get(h, 0));
	assert_null(sl_memheap_resize(h, p, all));
	sl_memheap_put(h, p);
	sl_memheap_put(h, NULL);
	assert_int_equal(sl_memheap_free(h), all);
	assert_non_null(sl_memheap_get(h, all - 16));
}

static void low_addresses_are_used_first(void **state)
{
	(void)state;
	struct sl_memheap *h = sl_memheap_over(mem, SIZE);
	unsigned char *first = sl_memheap_get(h, 100);

	for (int i = 0; i < 1000; i++) { /* one comes, one goes, as in a table that is full */
		unsigned char *next = sl_memheap_get(h, 100);
		assert_true(next < mem + 1024);
		sl_memheap_put(h, first);
		first = next;
	}
}

struct held {
	unsigned char *p, value;
	size_t n;
};

static void check(const struct held *held)
{
	for (size_t i = 0; i < held->n; i++)
		assert_int_equal(held->p[i], held->value);
}

static void fill(struct held *held, unsigned char *p, size_t n, unsigned value)
{
	assert_int_equal((uintptr_t)p % 16, 0);
	assert_true(p >= mem && p + n <= mem + SIZE);
	*held = (struct held){ p, (unsigned char)value, n };
	memset(p, (int)held->value, n);
}

/* Every block keeps its bytes whatever else is asked; all that was given back can be had in one piece again. */
static void blocks_never_meet(void **state)
{
	static struct held held[HELD];
	(void)state;
	struct sl_memheap *h = sl_memheap_over(mem, SIZE + 9);
	size_t all = sl_memheap_free(h), refused = 0;
	memset(mem + SIZE, 0x5a, 64);
	srand(1);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct held *x = &held[rand() % HELD];
		size_t n = (size_t)(rand() % (rand() % 8 == 0 ? 2000 : 90));
		check(x);
		if (x->p == NULL || rand() % 4 == 0) {
			unsigned char *p = sl_memheap_resize(h, x->p, n);
			size_t kept = sl_min(x->n, n);
			refused += p == NULL;
			if (p != NULL) {
				check(&(struct held){ p, x->value, kept });
				fill(x, p, n, i);
			}
		} else {
			sl_memheap_put(h, x->p);
			*x = (struct held){ 0 };
		}
	}
	assert_true(refused > 100); /* else it was never full */
	for (size_t i = 0; i < HELD; i++) {
		check(&held[i]);
		sl_memheap_put(h, held[i].p);
	}
	assert_int_equal(sl_memheap_free(h), all);
	assert_non_null(sl_memheap_get(h, all - 16));
	for (size_t i = 0; i < 64; i++)
		assert_int_equal(mem[SIZE + i], 0x5a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(low_addresses_are_used_first),
		cmocka_unit_test(blocks_never_meet),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
