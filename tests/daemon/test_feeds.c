/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of lists that come by url, through changes of the configuration, fetches and restarts. */
#include "daemon/feeds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/util.h"

static const struct sl_feed_text none = { .fd = -1, .signature = -1 };

static void follow(struct sl_feeds *f, const char *lists)
{
	char text[1024];
	struct sl_conf *conf = NULL;
	(void)snprintf(text, sizeof(text), "inside: lan0\nlists: [%s]\n", lists);
	assert_int_equal(sl_conf_read("/conf", sl_bytes_str(text), NULL, &conf), SL_OK);
	assert_int_equal(sl_feeds_follow(f, conf), SL_OK);
	sl_conf_free(&conf);
}

#define A  "{name: a, url: 'https://a.example/'}"
#define A2 "{name: a, url: 'https://other.example/'}"
#define B  "{name: b, url: 'https://b.example/'}"

static int fetched(struct sl_feed *feed, const char *etag)
{
	feed->fresh = (struct sl_feed_text){ memfd_create("x", MFD_CLOEXEC), -1, strdup(etag), NULL, 1000 };
	return feed->fresh.fd;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void test_follow(void **state)
{
	struct sl_feeds f = { NULL, 0 };
	(void)state;
	follow(&f, A ", {file: /x}, " B);
	assert_int_equal(f.n, 2);
	sl_feeds_find(&f, "a")->fetched = 7;
	sl_feeds_find(&f, "b")->failures = 3;
	follow(&f, B ", " A);
	assert_string_equal(f.feed[0].name, "b");
	assert_int_equal(f.feed[0].failures, 3);
	assert_int_equal(f.feed[1].fetched, 7);
	follow(&f, A);
	assert_int_equal(f.n, 1);
	assert_int_equal(f.feed[0].fetched, 7);
	follow(&f, "{file: /x}");
	assert_int_equal(f.n, 0);
	sl_feeds_free(&f);
}

/* From another server the first answer has to be whole, and what the old one brought stays until it comes. */
static void test_other_url(void **state)
{
	struct sl_feeds f = { NULL, 0 };
	(void)state;
	follow(&f, A);
	int fd = fetched(&f.feed[0], "\"1\"");
	sl_feeds_publish(&f);
	assert_string_equal(f.feed[0].etag, "\"1\"");
	follow(&f, A2);
	assert_null(f.feed[0].etag);
	assert_int_equal(sl_feeds_text(&f, "a", &none)->fd, fd);
	sl_feeds_free(&f);
	assert_false(is_open(fd));
}

static void test_life(void **state)
{
	struct sl_feeds f = { NULL, 0 };
	(void)state;
	assert_ptr_equal(sl_feeds_text(NULL, "a", &none), &none);
	follow(&f, A);
	assert_ptr_equal(sl_feeds_text(&f, "a", &none), &none);
	int first = fetched(&f.feed[0], "\"1\"");
	assert_int_equal(sl_feeds_text(&f, "a", &none)->fd, first);
	sl_feeds_publish(&f);
	assert_int_equal(f.feed[0].fetched, 1000);
	int second = fetched(&f.feed[0], "\"2\"");
	assert_int_equal(sl_feeds_text(&f, "a", &none)->fd, second);
	sl_feed_refuse(&f.feed[0], "it is bad");
	assert_false(is_open(second));
	assert_int_equal(sl_feeds_text(&f, "a", &none)->fd, first);
	assert_string_equal(f.feed[0].etag, "\"1\"");
	assert_string_equal(f.feed[0].error, "it is bad");
	int third = fetched(&f.feed[0], "\"3\"");
	sl_feeds_publish(&f);
	assert_false(is_open(first));
	assert_int_equal(f.feed[0].held.fd, third);
	sl_feeds_free(&f);
}

static void test_restart(void **state)
{
	struct sl_feeds f = { NULL, 0 }, again = { NULL, 0 };
	(void)state;
	follow(&f, A ", " B);
	(void)fetched(&f.feed[0], "\"1\"");
	sl_feeds_publish(&f);
	json_t *kept = sl_feeds_json(&f);
	follow(&again, A ", " B);
	sl_feeds_restore(&again, kept);
	assert_string_equal(again.feed[0].etag, "\"1\"");
	assert_int_equal(again.feed[0].fetched, 1000);
	assert_null(again.feed[1].etag);
	sl_feeds_free(&again);
	follow(&again, A2);
	sl_feeds_restore(&again, kept);
	assert_null(again.feed[0].etag);
	json_decref(kept);
	kept = json_loads("[1, {}, {\"name\":\"a\"}, {\"name\":7,\"url\":[]}]", 0, NULL);
	sl_feeds_restore(&again, kept);
	assert_int_equal(again.feed[0].fetched, 0);
	json_decref(kept);
	sl_feeds_free(&again);
	sl_feeds_free(&f);
}

static void test_wait(void **state)
{
	static const struct {
		unsigned failures;
		int64_t update_s, from_s, to_s; /* to: with the largest random number */
	} rows[] = {
		{ 0, 86400, 77760, 95040 }, { 1, 86400, 54, 66 },        { 2, 86400, 108, 132 },
		{ 5, 86400, 864, 1056 },    { 60, 86400, 55296, 67584 }, { 1, 10, 9, 11 },
	};
	(void)state;
	for (size_t i = 0; i < SL_COUNT(rows); i++) {
		const struct sl_feed feed = { .failures = rows[i].failures };
		struct sl_span update = { rows[i].update_s * 1000000 };
		assert_int_equal(sl_feed_wait(&feed, update, 0).us, rows[i].from_s * 1000000);
		int64_t width = (rows[i].to_s - rows[i].from_s) * 1000000;
		assert_int_equal(sl_feed_wait(&feed, update, (uint64_t)width).us, rows[i].to_s * 1000000);
		assert_int_equal(sl_feed_wait(&feed, update, (uint64_t)width + 1).us,
		                 rows[i].from_s * 1000000);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		{ "feeds follow the configuration, by name", test_follow, NULL, NULL, NULL },
		{ "another url is another server", test_other_url, NULL, NULL, NULL },
		{ "fetched, refused, in force", test_life, NULL, NULL, NULL },
		{ "what is known of servers outlives a restart", test_restart, NULL, NULL, NULL },
		{ "when to ask again", test_wait, NULL, NULL, NULL },
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
