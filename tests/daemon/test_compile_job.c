/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/compile_job.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <fcntl.h>
#include <jansson.h>

#include "daemon/compile_output.h"
#include "tests/daemon/compiled.h"

enum { NAMES = 160000 };

/* Names in no order, some twice, some below another. */
static char *many_names(void)
{
	size_t cap = (size_t)NAMES * 48, len = 0;
	char *text = malloc(cap);
	uint32_t x = 1;
	for (int i = 0; i < NAMES; i++) {
		x = x * 1664525 + 1013904223;
		len += (size_t)snprintf(text + len, cap - len, "h%u.d%u.example\n%s", x >> 12, x % 5000,
		                        i % 10 == 0 ? "twice.example\n" : "");
	}
	return text;
}

static void keep_said(void *ctx, const char *file, unsigned line, const char *text)
{
	char *said = ctx;
	size_t len = strlen(said);
	(void)snprintf(said + len, 1024 - len, "%s:%u: %s\n", file == NULL ? "-" : file, line, text);
}

static int same_bytes(int a, int b)
{
	static uint8_t one[1 << 16], other[1 << 16];
	for (off_t at = 0;; at += (off_t)sizeof(one)) {
		ssize_t n = pread(a, one, sizeof(one), at), m = pread(b, other, sizeof(other), at);
		if (n != m || n < 0 || memcmp(one, other, (size_t)n) != 0)
			return false;
		if (n == 0)
			return true;
	}
}

static void test_same_bytes(void **state)
{
	static struct compiled plain, spilled;
	char *text = many_names();
	(void)state;
	plain.text[0] = spilled.text[0] = text;
	compiled_prepare(&plain);
	compiled_prepare(&spilled);
	spilled.job.memory = 7 << 20;
	spilled.job.spill = sl_output_scratch();
	assert_true(spilled.job.spill >= 0);
	int a = compiled_fd(&plain), b = compiled_fd(&spilled);
	assert_true(a >= 0 && b >= 0);
	assert_int_equal(plain.stats.compile.spilled, 0);
	assert_true(spilled.stats.compile.spilled > 0);
	assert_true(spilled.stats.compile.memory_peak <= spilled.job.memory);
	assert_true(same_bytes(a, b));
	(void)close(a);
	(void)close(b);
	(void)close(spilled.job.spill);
	free(text);
}

static void test_sealed(void **state)
{
	static struct compiled c = { .text = { "a.example\n" } };
	const uint8_t byte = 0;
	(void)state;
	compiled_prepare(&c);
	int fd = compiled_fd(&c);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &byte, 1, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(fd, 0), -1);
	(void)close(fd);
}

static int pipe_end(void)
{
	int end[2];
	assert_int_equal(pipe2(end, O_CLOEXEC), 0);
	(void)close(end[0]);
	return end[1];
}

static struct fail_case {
	const char *name;
	bool spill_broken, out_broken, big;
	uint64_t memory;
	int err;
	const char *said;
} fails[] = {
	{ "a snapshot that cannot be written is told, with the reason", false, true, false, 0, SL_ESYS,
	  "the snapshot cannot be written: " },
	{ "a file for sorting that cannot be written is told, with the reason", true, false, true, 7 << 20,
	  SL_ESYS, "the file for sorting cannot be written: " },
	{ "too little memory is told, and how much it would take", false, false, true, 4 << 20, SL_ELIMIT,
	  "4194304 bytes of memory are too few: the tables of these lists need about 32 bytes for each" },
};

static void test_fails(void **state)
{
	const struct fail_case *c = *state;
	char said[1024] = "";
	const struct sl_diag diag = { keep_said, said };
	char *text = many_names();
	struct compiled made = { .text = { c->big ? text : "a.example\n" } };
	compiled_prepare(&made);
	made.job.source.diag = &diag;
	made.job.memory = c->memory;
	made.job.spill = c->spill_broken ? pipe_end() : sl_output_scratch();
	int out = c->out_broken ? pipe_end() : memfd_create("out", MFD_CLOEXEC);
	int err = sl_compile_job_run(&made.job, out, &made.stats);
	if (err != c->err || strstr(said, c->said) == NULL)
		fail_msg("%d, told: %s", err, said);
	(void)close(out);
	(void)close(made.job.spill);
	free(text);
}

static json_int_t number(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}

static void test_report(void **state)
{
	static struct compiled c = { .text = { "ads.example\nx.ads.example\nads.example\nno name!\n",
		                               NULL } };
	json_int_t parts = 0;
	const char *name;
	json_t *bytes;
	(void)state;
	c.conf.never_block_shipped = true;
	compiled_prepare(&c);
	c.conf.never_block_shipped = true;
	c.job.generation = 7;
	int fd = compiled_fd(&c);
	assert_true(fd >= 0);
	json_t *r = sl_compile_job_report(&c.job, &c.stats);
	const json_t *shipped = json_array_get(json_object_get(r, "lists"), 0),
	             *list = json_array_get(json_object_get(r, "lists"), 1);
	assert_int_equal(number(r, "generation"), 7);
	assert_int_equal(number(r, "duplicates"), 1);
	assert_int_equal(number(r, "folded"), 1);
	assert_int_equal(number(r, "keys"), number(r, "keys_unfolded") - 1);
	assert_int_equal(number(r, "read"), number(shipped, "entries") + 3);
	assert_string_equal(json_string_value(json_object_get(shipped, "kind")), "never");
	assert_string_equal(json_string_value(json_object_get(list, "name")), "l0");
	assert_int_equal(number(list, "lines"), 4);
	assert_int_equal(number(list, "entries"), 3);
	assert_int_equal(number(list, "refused"), 1);
	assert_int_equal(json_object_size(json_object_get(list, "reasons")), 1);
	json_object_foreach(json_object_get(r, "parts"), name, bytes) parts += json_integer_value(bytes);
	assert_true(parts > 0 && parts < number(r, "bytes"));
	assert_int_equal(lseek(fd, 0, SEEK_END), number(r, "bytes"));
	json_decref(r);
	(void)close(fd);
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(fails) + 3];
	size_t n = 0;
	for (; n < SL_COUNT(fails); n++)
		tests[n] = (struct CMUnitTest){ fails[n].name, test_fails, NULL, NULL, &fails[n] };
	tests[n++] = (struct CMUnitTest){ "sorted outside or inside, the bytes are the same", test_same_bytes,
		                          NULL, NULL, NULL };
	tests[n++] = (struct CMUnitTest){ "a snapshot in memory is sealed", test_sealed, NULL, NULL, NULL };
	tests[n++] = (struct CMUnitTest){ "the report counts what was read, folded and refused", test_report,
		                          NULL, NULL, NULL };
	return cmocka_run_group_tests_name("daemon/compile_job", tests, NULL, NULL);
}
