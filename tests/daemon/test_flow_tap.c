/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/flow_tap.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"
#include "daemon/ipc.h"

/* "17 xxxx\n", of different lengths. */
static size_t make_line(unsigned n, char *out, size_t size)
{
	int len = snprintf(
	        out, size, "%u %.*s\n", n, (int)(n * 37 % 200),
	        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	        "x");
	return (size_t)len;
}

static void put(struct sl_flow_tap *tap, unsigned from, unsigned to)
{
	char lines[4096];
	size_t len = 0;

	for (unsigned n = from; n < to; n++) {
		len += make_line(n, lines + len, sizeof(lines) - len);
		if (len > sizeof(lines) - 256 || n + 1 == to) {
			sl_flow_tap_put(tap, sl_bytes_of(lines, len));
			len = 0;
		}
	}
}

/* Whole lines, one after the other; the number of the first one, *next: behind the last. */
static unsigned read_lines(struct sl_bytes text, unsigned *next)
{
	unsigned first = UINT32_MAX, n = 0;
	char want[256];

	while (text.len > 0) {
		n = (unsigned)strtoul((const char *)text.p, NULL, 10);
		if (first == UINT32_MAX)
			first = n;
		else
			assert_int_equal(n, *next);
		size_t len = make_line(n, want, sizeof(want));
		assert_true(text.len >= len);
		assert_memory_equal(text.p, want, len);
		text = sl_bytes_skip(text, len);
		*next = n + 1;
	}
	return first;
}

static void test_last(void **state)
{
	static char text[SL_FLOW_TAP_KEPT + 1];
	struct sl_flow_tap *tap = NULL;
	unsigned next = 0;
	(void)state;

	assert_int_equal(sl_flow_tap_new(&tap), SL_OK);
	assert_int_equal(sl_flow_tap_last(tap, text, sizeof(text)), 0);
	put(tap, 0, 10);
	size_t len = sl_flow_tap_last(tap, text, sizeof(text));
	text[len] = '\0';
	assert_int_equal(read_lines(sl_bytes_of(text, len), &next), 0);
	assert_int_equal(next, 10);
	for (unsigned upto = 20; upto < 12000; upto = upto * 3 / 2) { /* round and round */
		put(tap, next, upto);
		for (size_t size = 300; size < sizeof(text); size = size * 5 / 3) {
			len = sl_flow_tap_last(tap, text, size);
			text[len] = '\0';
			assert_in_range(len, 1, size);
			(void)read_lines(sl_bytes_of(text, len), &next);
			assert_int_equal(next, upto); /* to the last line, from one that is whole */
		}
	}
	sl_flow_tap_free(&tap);
	assert_null(tap);
}

static void make_pair(int end[2])
{
	assert_int_equal(sl_ipc_pair(end), SL_OK);
	(void)fcntl(end[0], F_SETFL, O_NONBLOCK);
	(void)fcntl(end[1], F_SETFL, O_NONBLOCK);
}

/* Every line is heard or counted, in order, in whole lines, however late the reader is. */
static void test_heard(void **state)
{
	static struct sl_ipc_msg msg;
	struct sl_flow_tap *tap = NULL;
	unsigned told = 0, heard = 0, lost = 0, next = 0;
	int end[2];
	(void)state;

	assert_int_equal(sl_flow_tap_new(&tap), SL_OK);
	assert_false(sl_flow_tap_is_heard(tap));
	make_pair(end);
	sl_flow_tap_send_to(tap, end[1]);
	assert_true(sl_flow_tap_is_heard(tap));
	for (int round = 0; round < 50; round++) {
		unsigned more =
		        round % 7 == 1
		                ? 9000
		                : 50; /* more than the socket holds, now and then; what is lost is told later */
		put(tap, told, told + more);
		told += more;
		while (sl_ipc_receive(end[0], &msg) == SL_OK) {
			assert_int_equal(msg.type, SL_IPC_FLOWS_HEARD);
			assert_in_range(msg.text.len, 1, SL_FLOW_TAP_PIECE);
			lost += (unsigned)msg.number;
			unsigned first = read_lines(msg.text, &next);
			assert_int_equal(first, heard + lost);
			heard += next - first;
		}
	}
	assert_int_equal(heard + lost, told);
	assert_true(lost > 0 && heard > 50 * 50);
	sl_flow_tap_send_to(tap, -1);
	assert_int_equal(sl_ipc_receive(end[0], &msg), SL_ENOENT); /* its end is closed */
	put(tap, told, told + 10);
	(void)close(end[0]);
	sl_flow_tap_free(&tap);
}

static void test_gone(void **state)
{
	struct sl_flow_tap *tap = NULL;
	int end[2];
	(void)state;

	assert_int_equal(sl_flow_tap_new(&tap), SL_OK);
	make_pair(end);
	sl_flow_tap_send_to(tap, end[1]);
	(void)close(end[0]);
	put(tap, 0, 1000); /* no signal, no harm */
	sl_flow_tap_free(&tap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "the last lines are whole, and reach to the last one", test_last, NULL, NULL, NULL },
		{ "every line is heard or counted as lost", test_heard, NULL, NULL, NULL },
		{ "a reader that has gone is no harm", test_gone, NULL, NULL, NULL },
	};
	return cmocka_run_group_tests_name("daemon/flow_tap", tests, NULL, NULL);
}
