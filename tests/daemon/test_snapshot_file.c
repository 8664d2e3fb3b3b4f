/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the engine and the commands do with a file that is, or is not, a snapshot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <fcntl.h>

#include "tests/daemon/compiled.h"

static uint8_t image[65536];
static size_t image_len;

static int build(void **state)
{
	static struct compiled c = { .text = { "ads.example\n*.cdn.example\n192.0.2.0/24\n",
		                               "good.ads.example\n", "https://news.example/ads\n" } };
	(void)state;
	compiled_prepare(&c);
	int fd = compiled_fd(&c);
	assert_true(fd >= 0);
	ssize_t n = pread(fd, image, sizeof(image), 0);
	assert_true(n > 0 && (size_t)n < sizeof(image));
	image_len = (size_t)n;
	(void)close(fd);
	return 0;
}

/* len bytes of the image, which lies in a memory file, with the byte at flip changed. */
static int file_of(size_t len, size_t flip)
{
	int fd = memfd_create("damaged", MFD_CLOEXEC);
	assert_int_equal(write(fd, image, len), len);
	if (flip < len) {
		uint8_t byte = image[flip] ^ 0x40;
		assert_int_equal(pwrite(fd, &byte, 1, (off_t)flip), 1);
	}
	return fd;
}

enum { WHOLE = 100000, NOWHERE = 100000, VERSION_AT = 8 };

static struct damage_case {
	const char *name;
	size_t len, flip; /* len: WHOLE; flip: NOWHERE */
	int err;
	const char *why;
} cases[] = {
	{ "what the compiler wrote is taken", WHOLE, NOWHERE, SL_OK, NULL },
	{ "an empty file is refused", 0, NOWHERE, SL_EMALF, "it is no snapshot of sluice" },
	{ "a file of something else is refused", WHOLE, 0, SL_EMALF, "it is no snapshot of sluice" },
	{ "a line end that a text tool mended is seen", WHOLE, 6, SL_EMALF, "it is no snapshot of sluice" },
	{ "a header that is cut short is refused", 40, NOWHERE, SL_EMALF, "it was cut short" },
	{ "a file that is one byte short is refused", WHOLE - 1, NOWHERE, SL_EMALF, "it was cut short" },
	{ "a newer version is refused, and says what to do", WHOLE, VERSION_AT, SL_EUNSUP,
	  "a newer sluice made it; compile the lists again" },
	{ "a header with one wrong bit is refused", WHOLE, 40, SL_EMALF, "its header is damaged" },
	{ "a section table with one wrong bit is refused", WHOLE, 300, SL_EMALF, "its header is damaged" },
};

static void test_damage(void **state)
{
	const struct damage_case *c = *state;
	struct sl_policy *policy = NULL;
	const char *why = NULL;
	size_t len = c->len >= WHOLE - 1 ? image_len - (WHOLE - c->len) : c->len;
	int fd = file_of(len, c->flip);
	for (int use = SL_SNAPSHOT_LOOK; use <= SL_SNAPSHOT_JUDGE; use++) {
		assert_int_equal(sl_snapshot_file_map(fd, (enum sl_snapshot_use)use, &why, &policy), c->err);
		assert_int_equal(policy != NULL, c->err == SL_OK);
		if (c->why != NULL)
			assert_string_equal(why, c->why);
		sl_policy_free(&policy);
	}
	(void)close(fd);
}

/* Opening does not read bodies; asking them is safe all the same, and verifying tells. */
static void test_bodies(void **state)
{
	const struct sl_query q = { .host = SL_BYTES_LIT("x.ads.example") };
	struct sl_snapshot_info info;
	struct sl_policy *policy = NULL;
	struct sl_decision d;
	const char *why = NULL;
	size_t refused = 0, begin = 0;
	(void)state;
	int fd = file_of(image_len, NOWHERE);
	assert_int_equal(sl_snapshot_file_map(fd, SL_SNAPSHOT_LOOK, &why, &policy), SL_OK);
	sl_snapshot_info(sl_policy_snapshot(policy), &info);
	sl_policy_free(&policy);
	(void)close(fd);
	for (size_t i = 0; i < SL_SNAPSHOT_PARTS; i++)
		begin += info.part[i].bytes;
	assert_true(begin > 0 && begin < image_len);
	for (size_t at = image_len - begin; at < image_len; at++) {
		fd = file_of(image_len, at);
		if (sl_snapshot_file_map(fd, SL_SNAPSHOT_JUDGE, &why, &policy) == SL_OK) {
			sl_policy_decide(policy, &q, &d);
			refused += sl_snapshot_verify(sl_policy_snapshot(policy), &why) != SL_OK;
			sl_policy_free(&policy);
		} else {
			refused++;
		}
		(void)close(fd);
	}
	assert_true(refused > begin / 2); /* the rest is padding between sections */
}

static void test_no_file(void **state)
{
	struct sl_policy *policy = NULL;
	const char *why = NULL;
	(void)state;
	int fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(sl_snapshot_file_map(fd, SL_SNAPSHOT_LOOK, &why, &policy), SL_ESYS);
	assert_string_equal(why, "Is a directory");
	(void)close(fd);
	assert_int_equal(sl_snapshot_file_map(-1, SL_SNAPSHOT_LOOK, &why, &policy), SL_ESYS);
	assert_string_equal(why, "Bad file descriptor");
	assert_null(policy);
}

static void test_answers(void **state)
{
	static const struct {
		const char *host;
		char letter;
	} want[] = { { "ads.example", 'g' }, { "x.ads.example", 'g' }, { "good.ads.example", 'f' },
		     { "cdn.example", 'g' }, { "192.0.2.9", 'g' },     { "example", 'h' } };
	struct sl_policy *policy = NULL;
	const char *why = NULL;
	(void)state;
	int fd = file_of(image_len, NOWHERE);
	for (int use = SL_SNAPSHOT_LOOK; use <= SL_SNAPSHOT_JUDGE; use++) {
		assert_int_equal(sl_snapshot_file_map(fd, (enum sl_snapshot_use)use, &why, &policy), SL_OK);
		for (size_t i = 0; i < SL_COUNT(want); i++) {
			const struct sl_query q = { .host = sl_bytes_str(want[i].host) };
			struct sl_decision d;
			sl_policy_decide(policy, &q, &d);
			assert_int_equal(d.letter, want[i].letter);
		}
		sl_policy_free(&policy);
	}
	(void)close(fd);
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(cases) + 3];
	size_t n = 0;
	for (; n < SL_COUNT(cases); n++)
		tests[n] = (struct CMUnitTest){ cases[n].name, test_damage, NULL, NULL, &cases[n] };
	tests[n++] = (struct CMUnitTest){ "any wrong bit of a body is safe to ask, and verifying tells",
		                          test_bodies, NULL, NULL, NULL };
	tests[n++] = (struct CMUnitTest){ "what is no file is refused", test_no_file, NULL, NULL, NULL };
	tests[n++] =
	        (struct CMUnitTest){ "both uses of a mapping answer alike", test_answers, NULL, NULL, NULL };
	return cmocka_run_group_tests_name("daemon/snapshot_file", tests, build, NULL);
}
