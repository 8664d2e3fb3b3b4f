/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/flow_log.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/seccomp.h>

#include "base/util.h"
#include "daemon/flow_record.h"
#include "filter/http_request.h"

static const struct sl_flow_key key4 = {
	.src = { 192, 0, 2, 7 },
	.dst = { 198, 51, 100, 1 },
	.sport = 40000,
	.dport = 443,
	.family = 4,
	.proto = SL_PROTO_TCP,
};
static const struct sl_flow_key key6 = {
	.src = { 0x20, 0x01, 0x0d, 0xb8, [15] = 7 },
	.dst = { 0x20, 0x01, 0x0d, 0xb8, [14] = 1 },
	.sport = 50000,
	.dport = 443,
	.family = 6,
	.proto = SL_PROTO_UDP,
};

#define JSON_TUPLE4                                                                                   \
	"\"src_ip\":\"192.0.2.7\",\"src_port\":40000,\"dest_ip\":\"198.51.100.1\",\"dest_port\":443," \
	"\"proto\":\"TCP\","                                                                          \
	"\"ip_v\":4,"
#define JSON_NOON "\"timestamp\":\"2026-01-31T12:00:00.123456+0000\",\"flow_id\":5,"
static const int64_t noon_us = 1769860800123456;

/* The whole line, parsed. */
static struct line_case {
	const char *name;
	struct sl_report report;
	const char *want;
} lines[] = {
	{ "a TLS flow that no list speaks of",
	  { .flow_id = 5,
	    .key = &key4,
	    .app = SL_APP_TLS,
	    .host = SL_BYTES_LIT("example.com"),
	    .alpn = SL_BYTES_LIT("\2h2\10http/1.1"),
	    .tls_version = 0x0304,
	    .cause = SL_CAUSE_NONE,
	    .judgement = { .letter = 'h', .list = SL_NO_LIST },
	    .packets = 2,
	    .held = { 41 } },
	  "{" JSON_NOON JSON_TUPLE4
	  "\"event_type\":\"tls\",\"app_proto\":\"tls\",\"tls\":{\"sni\":\"example.com\","
	  "\"version\":\"TLS 1.3\",\"client_alpns\":[\"h2\",\"http/1.1\"]},\"verdict\":{\"action\":\"pass\"},"
	  "\"sluice\":{\"letter\":\"h\",\"held_us\":41,\"packets\":2}}" },
	{ "a TLS flow that a list blocks, with ECH",
	  { .flow_id = 5,
	    .key = &key4,
	    .app = SL_APP_TLS,
	    .host = SL_BYTES_LIT("ads.example"),
	    .tls_version = 0x0303,
	    .ech = { SL_ECH_OUTER, 7, 1, 1, 32, 208 },
	    .block = true,
	    .cause = SL_CAUSE_NONE,
	    .judgement = { .block = true, .letter = 'g', .list = 3, .line = 12, .list_name = "ads" },
	    .packets = 1,
	    .held = { 0 } },
	  "{" JSON_NOON JSON_TUPLE4
	  "\"event_type\":\"tls\",\"app_proto\":\"tls\",\"tls\":{\"sni\":\"ads.example\","
	  "\"version\":\"TLS 1.2\",\"ech\":true,\"ech_kind\":\"outer\",\"ech_config_id\":7,"
	  "\"ech_suite\":\"0001-0001\",\"ech_enc_len\":32,\"ech_payload_len\":208},\"verdict\":{\"action\":"
	  "\"drop\"},"
	  "\"sluice\":{\"list\":\"ads\",\"line\":12,\"letter\":\"g\",\"held_us\":0,\"packets\":1}}" },
	{ "a flow that is to be dropped, in a pause",
	  { .flow_id = 5,
	    .key = &key4,
	    .app = SL_APP_TLS,
	    .host = SL_BYTES_LIT("ads.example"),
	    .tls_version = 0x0303,
	    .block = true,
	    .paused = true,
	    .cause = SL_CAUSE_NONE,
	    .judgement = { .block = true, .letter = 'g', .list = 3, .line = 12, .list_name = "ads" },
	    .packets = 1,
	    .held = { 0 } },
	  "{" JSON_NOON JSON_TUPLE4
	  "\"event_type\":\"tls\",\"app_proto\":\"tls\",\"tls\":{\"sni\":\"ads.example\","
	  "\"version\":\"TLS 1.2\"},\"verdict\":{\"action\":\"pass\"},"
	  "\"sluice\":{\"paused\":\"drop\",\"list\":\"ads\",\"line\":12,\"letter\":\"g\",\"held_us\":0,"
	  "\"packets\":1}}" },
	{ "an HTTP request",
	  { .flow_id = 5,
	    .key = &key4,
	    .app = SL_APP_HTTP,
	    .host = SL_BYTES_LIT("example.com"),
	    .path = SL_BYTES_LIT("/a?b=\"c\""),
	    .method = SL_BYTES_LIT("GET"),
	    .cause = SL_CAUSE_NONE,
	    .judgement = { .letter = 'f', .list_name = "mine", .line = 1 },
	    .packets = 3,
	    .held = { 7 } },
	  "{" JSON_NOON JSON_TUPLE4
	  "\"event_type\":\"http\",\"app_proto\":\"http\",\"http\":{\"hostname\":\"example.com\","
	  "\"url\":\"/a?b=\\\"c\\\"\",\"http_method\":\"GET\"},\"verdict\":{\"action\":\"pass\"},"
	  "\"sluice\":{\"list\":\"mine\",\"line\":1,\"letter\":\"f\",\"held_us\":7,\"packets\":3}}" },
	{ "a request of HTTP/2",
	  { .flow_id = 5,
	    .key = &key4,
	    .app = SL_APP_HTTP,
	    .host = SL_BYTES_LIT("example.com"),
	    .path = SL_BYTES_LIT("/"),
	    .method = SL_BYTES_LIT("GET"),
	    .http = &(const struct sl_http_request){ .major = 2 },
	    .cause = SL_CAUSE_NONE,
	    .judgement = { .letter = 'h', .list = SL_NO_LIST },
	    .packets = 2,
	    .held = { 7 } },
	  "{" JSON_NOON JSON_TUPLE4
	  "\"event_type\":\"http\",\"app_proto\":\"http\",\"http\":{\"hostname\":\"example.com\","
	  "\"url\":\"/\",\"http_method\":\"GET\",\"version\":\"2\"},\"verdict\":{\"action\":\"pass\"},"
	  "\"sluice\":{\"letter\":\"h\",\"held_us\":7,\"packets\":2}}" },
	{ "a name asked of DNS",
	  { .flow_id = 5,
	    .key = &key4,
	    .app = SL_APP_DNS,
	    .host = SL_BYTES_LIT("example.com"),
	    .cause = SL_CAUSE_dns,
	    .judgement = { .list = SL_NO_LIST },
	    .packets = 1,
	    .held = { 0 } },
	  "{" JSON_NOON JSON_TUPLE4
	  "\"event_type\":\"dns\",\"app_proto\":\"dns\",\"dns\":{\"type\":\"query\",\"rrname\":"
	  "\"example.com\"},\"verdict\":{\"action\":\"pass\"},"
	  "\"sluice\":{\"cause\":\"dns\",\"held_us\":0,\"packets\":1}}" },
	{ "an unjudged flow tells its cause and no letter",
	  { .flow_id = 5,
	    .key = &key4,
	    .app = SL_APP_UNKNOWN,
	    .cause = SL_CAUSE_not_web,
	    .judgement = { .letter = 'h', .list = SL_NO_LIST },
	    .packets = 1,
	    .held = { -5 } },
	  "{" JSON_NOON JSON_TUPLE4
	  "\"event_type\":\"flow\",\"app_proto\":\"failed\",\"verdict\":{\"action\":\"pass\"},"
	  "\"sluice\":{\"cause\":\"not_web\",\"held_us\":0,\"packets\":1}}" },
	{ "a QUIC flow that a list blocks, with ECH",
	  { .flow_id = 5,
	    .key = &key4,
	    .app = SL_APP_QUIC,
	    .host = SL_BYTES_LIT("ads.example"),
	    .alpn = SL_BYTES_LIT("\2h3"),
	    .tls_version = 0x0304,
	    .quic_version = 0x6b3343cf,
	    .ech = { .kind = SL_ECH_GREASE },
	    .block = true,
	    .cause = SL_CAUSE_NONE,
	    .judgement = { .block = true, .letter = 'g', .list = 3, .line = 12, .list_name = "ads" },
	    .packets = 2,
	    .held = { 0 } },
	  "{" JSON_NOON JSON_TUPLE4 "\"event_type\":\"quic\",\"app_proto\":\"quic\","
	  "\"quic\":{\"version\":\"v2\",\"sni\":\"ads.example\",\"client_alpns\":[\"h3\"],\"ech\":true,\"ech_"
	  "kind\":\"grease\"},"
	  "\"verdict\":{\"action\":\"drop\"},"
	  "\"sluice\":{\"list\":\"ads\",\"line\":12,\"letter\":\"g\",\"held_us\":0,\"packets\":2}}" },
	{ "a hello of Google's QUIC without a name",
	  { .flow_id = 5,
	    .key = &key4,
	    .app = SL_APP_QUIC,
	    .quic_version = 0x51303436,
	    .cause = SL_CAUSE_no_name,
	    .judgement = { .list = SL_NO_LIST },
	    .packets = 1,
	    .held = { 0 } },
	  "{" JSON_NOON JSON_TUPLE4
	  "\"event_type\":\"quic\",\"app_proto\":\"quic\",\"quic\":{\"version\":\"Q046\"},"
	  "\"verdict\":{\"action\":\"pass\"},\"sluice\":{\"cause\":\"no_name\",\"held_us\":0,\"packets\":1}"
	  "}" },
	{ "a QUIC flow over IPv6; of its id the lower 51 bits",
	  { .flow_id = 0xfff8000000000005,
	    .key = &key6,
	    .app = SL_APP_QUIC,
	    .block = true,
	    .cause = SL_CAUSE_quic,
	    .packets = 1 },
	  "{" JSON_NOON
	  "\"src_ip\":\"2001:db8::7\",\"src_port\":50000,\"dest_ip\":\"2001:db8::100\",\"dest_port\":443,"
	  "\"proto\":\"UDP\",\"ip_v\":6,\"event_type\":\"flow\",\"app_proto\":\"quic\",\"verdict\":{"
	  "\"action\":\"drop\"},"
	  "\"sluice\":{\"cause\":\"quic\",\"held_us\":0,\"packets\":1}}" },
	{ "hostile bytes in a host stay inside the string",
	  { .flow_id = 5,
	    .key = &key4,
	    .app = SL_APP_TLS,
	    .host = SL_BYTES_LIT("a\n\"},{\"\\\x01\xff\xc3\xa4\x7f"),
	    .tls_version = 0x7f7f,
	    .cause = SL_CAUSE_NONE,
	    .judgement = { .letter = 'h' } },
	  "{" JSON_NOON JSON_TUPLE4 "\"event_type\":\"tls\",\"app_proto\":\"tls\","
	  "\"tls\":{\"sni\":\"a\\n\\\"},{\\\"\\\\\\u0001\\u00ff\xc3\xa4\\u007f\",\"version\":\"0x7f7f\"},"
	  "\"verdict\":{\"action\":\"pass\"},\"sluice\":{\"letter\":\"h\",\"held_us\":0,\"packets\":0}}" },
	{ "a name that DNS taught is none of the hello",
	  { .flow_id = 5,
	    .key = &key4,
	    .app = SL_APP_TLS,
	    .host = SL_BYTES_LIT("ads.example"),
	    .taught = true,
	    .tls_version = 0x0301,
	    .block = true,
	    .cause = SL_CAUSE_NONE,
	    .judgement = { .letter = 'g' } },
	  "{" JSON_NOON JSON_TUPLE4
	  "\"event_type\":\"tls\",\"app_proto\":\"tls\",\"tls\":{\"version\":\"TLSv1\"},"
	  "\"verdict\":{\"action\":\"drop\"},\"sluice\":{\"name\":\"ads.example\",\"name_from\":\"dns\","
	  "\"letter\":\"g\",\"held_us\":0,\"packets\":0}}" },
	{ "nor does it make an object of a protocol that was not read",
	  { .flow_id = 5,
	    .key = &key4,
	    .app = SL_APP_TLS,
	    .host = SL_BYTES_LIT("odd.example"),
	    .taught = true,
	    .block = true,
	    .cause = SL_CAUSE_malformed },
	  "{" JSON_NOON JSON_TUPLE4
	  "\"event_type\":\"flow\",\"app_proto\":\"tls\",\"verdict\":{\"action\":\"drop\"},"
	  "\"sluice\":{\"name\":\"odd.example\",\"name_from\":\"dns\",\"cause\":\"malformed\",\"held_us\":0,"
	  "\"packets\":0}}" },
	{ "an ALPN list that contradicts itself ends where it does; an empty name is one",
	  { .flow_id = 5,
	    .key = &key4,
	    .app = SL_APP_TLS,
	    .alpn = SL_BYTES_LIT("\2h2\0\11short"),
	    .tls_version = 0x0301,
	    .cause = SL_CAUSE_no_name },
	  "{" JSON_NOON JSON_TUPLE4
	  "\"event_type\":\"tls\",\"app_proto\":\"tls\",\"tls\":{\"version\":\"TLSv1\","
	  "\"client_alpns\":[\"h2\",\"\"]},\"verdict\":{\"action\":\"pass\"},"
	  "\"sluice\":{\"cause\":\"no_name\",\"held_us\":0,\"packets\":0}}" },
};

/* Through a ring and out as a line, without a writer. */
static json_t *line_of(const struct sl_report *report, int64_t realtime_us, char *text, size_t cap)
{
	struct sl_ring *ring = NULL;
	struct sl_out out = sl_out_of(text, cap);

	assert_int_equal(sl_ring_new(16384, &ring), SL_OK);
	assert_true(sl_flow_record_put(ring, report, realtime_us));
	sl_flow_record_line(sl_ring_peek(ring), &out);
	sl_ring_free(&ring);
	assert_false(out.overflow);
	assert_int_equal(out.p[out.len - 1], '\n');
	assert_int_equal(sl_bytes_find(sl_bytes_of(out.p, out.len), '\n'), out.len - 1);
	json_error_t error;
	json_t *got = json_loadb(text, out.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
	if (got == NULL)
		fail_msg("no JSON: %s: %.*s", error.text, (int)out.len, text);
	return got;
}

static void test_line(void **state)
{
	const struct line_case *c = *state;
	char text[SL_FLOW_LINE_MAX];
	json_t *got = line_of(&c->report, noon_us, text, sizeof(text));
	json_t *want = json_loads(c->want, 0, NULL);

	assert_non_null(want);
	if (!json_equal(got, want))
		fail_msg("got  %s\nwant %s", json_dumps(got, 0), json_dumps(want, 0));
	json_decref(want);
	json_decref(got);
}

static struct time_case {
	const char *name;
	int64_t us;
	const char *want;
} times[] = {
	{ "time: the epoch", 0, "1970-01-01T00:00:00.000000+0000" },
	{ "time: the last microsecond of a leap day", 1709251199999999, "2024-02-29T23:59:59.999999+0000" },
	{ "time: 2000 was a leap year", 951782400000000, "2000-02-29T00:00:00.000000+0000" },
	{ "time: 2100 is none", 4107542400000000, "2100-03-01T00:00:00.000000+0000" },
	{ "time: the last day of a year", 1798761599000001, "2026-12-31T23:59:59.000001+0000" },
	{ "time: a clock before the epoch", -1, "1969-12-31T23:59:59.999999+0000" },
};

static void test_time(void **state)
{
	const struct time_case *c = *state;
	const struct sl_report report = { .key = &key4, .cause = SL_CAUSE_NONE };
	char text[SL_FLOW_LINE_MAX];
	json_t *got = line_of(&report, c->us, text, sizeof(text));

	assert_string_equal(json_string_value(json_object_get(got, "timestamp")), c->want);
	json_decref(got);
}

static void test_longest(void **state)
{
	static uint8_t bad[5000];
	const struct sl_bytes b = { bad, sizeof(bad) };
	const struct sl_report report = { .key = &key6,
		                          .app = SL_APP_HTTP,
		                          .host = b,
		                          .path = b,
		                          .method = b,
		                          .alpn = b,
		                          .flow_id = UINT64_MAX,
		                          .packets = UINT32_MAX,
		                          .held = { INT64_MAX },
		                          .cause = SL_CAUSE_NONE };
	char text[SL_FLOW_LINE_MAX];
	json_t *got, *http;
	(void)state;

	memset(bad, 1, sizeof(bad));
	got = line_of(&report, INT64_MAX, text, sizeof(text));
	http = json_object_get(got, "http");
	assert_int_equal(json_string_length(json_object_get(http, "url")), 1024);
	assert_int_equal(json_string_length(json_object_get(http, "hostname")), 512);
	json_decref(got);
}

/* From here on with a writer. The nth report has n as its number of packets. */
static void put_n(struct sl_flow_log *log, unsigned worker, uint32_t from, uint32_t n)
{
	struct sl_report report = lines[1].report;
	for (uint32_t i = from; i < from + n; i++) {
		report.packets = i;
		sl_flow_log_put(log, worker, &report, noon_us + i);
	}
}

static int temp_file(void)
{
	int fd = memfd_create("flow-log", MFD_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/* The numbers of a file's lines, which have to be whole; returns how many. */
static size_t numbers_of(int fd, uint32_t *number, size_t cap)
{
	struct stat st;
	size_t n = 0;

	assert_int_equal(fstat(fd, &st), 0);
	char *text = malloc((size_t)st.st_size + 1);
	assert_non_null(text);
	assert_int_equal(pread(fd, text, (size_t)st.st_size, 0), st.st_size);
	struct sl_bytes rest = sl_bytes_of(text, (size_t)st.st_size);
	while (rest.len > 0) {
		size_t at = sl_bytes_find(rest, '\n');
		json_t *line = json_loadb((const char *)rest.p, at, 0, NULL);
		if (line == NULL || at == rest.len)
			fail_msg("a torn line: %.*s", (int)at, (const char *)rest.p);
		assert_true(n < cap);
		number[n++] = (uint32_t)json_integer_value(
		        json_object_get(json_object_get(line, "sluice"), "packets"));
		json_decref(line);
		rest = sl_bytes_skip(rest, at + 1);
	}
	free(text);
	return n;
}

static void expect_numbers(int fd, uint32_t from, uint32_t n)
{
	static uint32_t number[100000];
	assert_int_equal(numbers_of(fd, number, SL_COUNT(number)), n);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(number[i], from + i);
}

static void sleep_ms(long ms)
{
	const struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };
	(void)nanosleep(&ts, NULL);
}

/* Waits up to 10 s until as many records are written or dropped. */
static struct sl_flow_log_stats wait_counts(struct sl_flow_log *log, uint64_t written, uint64_t errors)
{
	struct sl_flow_log_stats s = { 0 };
	for (unsigned i = 0; i < 2000; i++) {
		sl_flow_log_count(log, &s);
		if (s.written >= written && s.write_errors >= errors)
			return s;
		sleep_ms(5);
	}
	fail_msg("%llu written, %llu errors after 10 s", (unsigned long long)s.written,
	         (unsigned long long)s.write_errors);
	return s;
}

static struct sl_flow_log *new_log(unsigned workers, size_t ring, int fd)
{
	struct sl_flow_log *log = NULL;
	assert_int_equal(sl_flow_log_new(workers, ring, fd, NULL, &log), SL_OK);
	return log;
}

static void test_in_order(void **state)
{
	int fd = temp_file();
	struct sl_flow_log *log = new_log(1, 1 << 20, dup(fd));
	(void)state;
	put_n(log, 0, 0, 1000);
	(void)wait_counts(log, 1000, 0);
	put_n(log, 0, 1000, 500);
	sl_flow_log_free(&log);
	assert_null(log);
	expect_numbers(fd, 0, 1500);
	(void)close(fd);
}

struct work {
	struct sl_flow_log *log;
	unsigned worker;
};
#define EACH 10000U

static void *work(void *arg)
{
	const struct work *w = arg;
	put_n(w->log, w->worker, w->worker * EACH, EACH);
	return NULL;
}

static void test_many_workers(void **state)
{
	static uint32_t number[4UL * EACH];
	int fd = temp_file();
	struct sl_flow_log *log = new_log(4, 64UL * 1024, dup(fd));
	struct work w[4];
	pthread_t thread[4];
	struct sl_flow_log_stats s;
	uint32_t last[4] = { 0 };
	(void)state;

	for (unsigned i = 0; i < 4; i++) {
		w[i] = (struct work){ log, i };
		assert_int_equal(pthread_create(&thread[i], NULL, work, &w[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++)
		(void)pthread_join(thread[i], NULL);
	do {
		sleep_ms(5);
		sl_flow_log_count(log, &s);
	} while (s.written + s.dropped < 4UL * EACH);
	sl_flow_log_free(&log);
	size_t n = numbers_of(fd, number, SL_COUNT(number));
	assert_int_equal(n, s.written);
	for (size_t i = 0; i < n; i++) { /* some may be missing, none is out of order */
		assert_true(number[i] + 1 > last[number[i] / EACH]);
		last[number[i] / EACH] = number[i] + 1;
	}
	(void)close(fd);
}

/* A pipe of one page that is read slowly: writes are partial and fail with EAGAIN in between. */
static void test_partial(void **state)
{
	int end[2], fd = temp_file();
	char buf[1000];
	(void)state;
	assert_int_equal(pipe2(end, O_CLOEXEC | O_NONBLOCK), 0);
	(void)fcntl(end[1], F_SETPIPE_SZ, 4096);
	struct sl_flow_log *log = new_log(1, 1 << 20, end[1]);
	put_n(log, 0, 0, 100);
	struct sl_flow_log_stats s = wait_counts(log, 1, 1);
	assert_int_equal(s.error, EAGAIN);
	for (unsigned i = 0; i < 2000 && s.written < 100; i++) {
		for (ssize_t n; (n = read(end[0], buf, sizeof(buf))) > 0;)
			assert_int_equal(write(fd, buf, (size_t)n), n);
		sleep_ms(5);
		sl_flow_log_count(log, &s);
	}
	sl_flow_log_free(&log);
	for (ssize_t n; (n = read(end[0], buf, sizeof(buf))) > 0;)
		assert_int_equal(write(fd, buf, (size_t)n), n);
	assert_int_equal(s.dropped, 0);
	assert_int_equal(s.error, 0);
	expect_numbers(fd, 0, 100);
	(void)close(end[0]);
	(void)close(fd);
}

static void *read_all(void *arg)
{
	const int *fd = arg; /* from, to */
	char buf[4096];
	for (ssize_t n; (n = read(fd[0], buf, sizeof(buf))) > 0;)
		(void)!write(fd[1], buf, (size_t)n);
	return NULL;
}

/* When the end comes, the buffer and the ring are full of what could not be written before and now can. */
static void test_late_recovery(void **state)
{
	int end[2], fd = temp_file();
	pthread_t reader;
	(void)state;
	assert_int_equal(pipe2(end, O_CLOEXEC | O_NONBLOCK), 0);
	struct sl_flow_log *log = new_log(1, 1 << 20, dup(end[1]));
	put_n(log, 0, 0, 3000);
	assert_int_equal(wait_counts(log, 1, 1).dropped, 0);
	sleep_ms(20);
	(void)fcntl(end[0], F_SETFL, 0);
	(void)fcntl(end[1], F_SETFL, 0);
	(void)close(end[1]);
	int way[2] = { end[0], fd };
	assert_int_equal(pthread_create(&reader, NULL, read_all, way), 0);
	sl_flow_log_free(&log);
	assert_int_equal(pthread_join(reader, NULL), 0);
	expect_numbers(fd, 0, 3000);
	(void)close(end[0]);
	(void)close(fd);
}

static void test_full_disk(void **state)
{
	int fd = temp_file();
	struct sl_flow_log *log = new_log(1, 16384, open("/dev/full", O_WRONLY | O_CLOEXEC));
	(void)state;
	put_n(log, 0, 0, 10);
	struct sl_flow_log_stats s = wait_counts(log, 0, 1);
	assert_int_equal(s.error, ENOSPC);
	assert_int_equal(s.written, 0);
	sl_flow_log_reopen(log, dup(fd)); /* what waited goes on there */
	s = wait_counts(log, 10, 1);
	assert_int_equal(s.dropped, 0);
	assert_int_equal(s.error, 0);
	sl_flow_log_free(&log);
	expect_numbers(fd, 0, 10);
	(void)close(fd);
}

static void test_full_for_ever(void **state)
{
	struct sl_flow_log *log = new_log(1, 16384, open("/dev/full", O_WRONLY | O_CLOEXEC));
	struct sl_flow_log_stats s;
	(void)state;
	put_n(log, 0, 0, 5000);
	(void)wait_counts(log, 0, 2); /* and is tried again */
	put_n(log, 0, 5000, 5000);
	sl_flow_log_count(log, &s);
	assert_int_equal(s.written, 0);
	assert_in_range(s.dropped, 1, 10000);
	sl_flow_log_free(&log);
}

/* Lines that are whole in the first bytes of a file. */
static uint32_t whole_lines(int fd, uint8_t *buf, size_t cap)
{
	ssize_t n = pread(fd, buf, cap, 0);
	uint32_t lines_n = 0;
	for (ssize_t i = 0; i < n; i++)
		lines_n += buf[i] == '\n';
	assert_true(n > 0 && buf[n - 1] != '\n'); /* the last one is torn: else this shows nothing */
	return lines_n;
}

/* EFBIG after a part of a line: the next file, a pipe that has no such limit, gets that line from its start. */
static void test_torn_line(void **state)
{
	struct rlimit old, small;
	int fd = temp_file(), next = temp_file(), end[2];
	uint8_t buf[65536];
	(void)state;

	assert_int_equal(pipe2(end, O_CLOEXEC), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = (struct rlimit){ 1000, old.rlim_max };
	struct sl_flow_log *log = new_log(1, 1 << 20, dup(fd));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	put_n(log, 0, 0, 50);
	assert_int_equal(wait_counts(log, 0, 1).error, EFBIG);
	sl_flow_log_reopen(log, end[1]);
	assert_int_equal(wait_counts(log, 50, 1).dropped, 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	sl_flow_log_free(&log);
	ssize_t n = read(end[0], buf, sizeof(buf));
	assert_int_equal(write(next, buf, (size_t)n), n);
	uint32_t kept = whole_lines(fd, buf, sizeof(buf));
	expect_numbers(next, kept, 50 - kept);
	(void)close(end[0]);
	(void)close(fd);
	(void)close(next);
}

static void test_reopen(void **state)
{
	int fd = temp_file(), next = temp_file();
	struct sl_flow_log *log = new_log(1, 1 << 20, dup(fd));
	(void)state;
	put_n(log, 0, 0, 100);
	sl_flow_log_reopen(log, dup(next));
	sleep_ms(200);
	put_n(log, 0, 100, 100);
	sl_flow_log_free(&log);
	expect_numbers(fd, 0, 100);
	expect_numbers(next, 100, 100);
	(void)close(fd);
	(void)close(next);
}

static void test_reopen_overtaken(void **state)
{
	int fd = temp_file();
	struct sl_flow_log *log = new_log(1, 1 << 20, -1);
	(void)state;
	for (unsigned i = 0; i < 50; i++)
		sl_flow_log_reopen(log, temp_file());
	sl_flow_log_reopen(log, dup(fd));
	sleep_ms(200);
	put_n(log, 0, 0, 3);
	sl_flow_log_free(&log);
	expect_numbers(fd, 0, 3);
	assert_int_equal(fcntl(fd + 1, F_GETFD), -1); /* no descriptor is left behind */
	(void)close(fd);
}

static void test_thrown_away(void **state)
{
	struct sl_flow_log *log = new_log(1, 4096, -1);
	struct sl_flow_log_stats s;
	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		put_n(log, 0, 0, 20);
		sleep_ms(60);
	}
	sl_flow_log_count(log, &s);
	assert_int_equal(s.written, 0);
	assert_int_equal(s.dropped, 0);
	sl_flow_log_free(&log);
}

/* Who keeps counters that outlive the log asks once more when it has ended. */
static void test_counted_at_the_end(void **state)
{
	int fd = memfd_create("log", MFD_CLOEXEC);
	struct sl_flow_log *log = new_log(1, 65536, dup(fd));
	struct sl_flow_log_stats s;
	uint64_t before;
	(void)state;
	put_n(log, 0, 0, 30);
	sl_flow_log_count_new(log, &s);
	before = s.written;
	put_n(log, 0, 30, 12);
	sl_flow_log_end(log);
	sl_flow_log_count_new(log, &s);
	assert_int_equal(before + s.written, 42);
	sl_flow_log_count_new(log, &s);
	assert_int_equal(s.written + s.dropped + s.write_errors, 0);
	sl_flow_log_free(&log);
	expect_numbers(fd, 0, 42);
	(void)close(fd);
}

#ifndef SL_SANITIZE
/* In a process of its own, whose main thread may do nothing but read, write and exit: the kernel kills it otherwise. */
static void test_no_system_call(void **state)
{
	int end[2];
	char byte = 0;
	(void)state;
	assert_int_equal(pipe2(end, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct sl_flow_log *log = new_log(1, 65536, temp_file());
		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
			_exit(1);
		put_n(log, 0, 0, 2000);
		(void)!write(end[1], "y", 1);
		(void)syscall(SYS_exit, 0);
	}
	(void)close(end[1]);
	sleep_ms(300);
	(void)kill(pid, SIGKILL); /* its writer would go on */
	assert_int_equal(read(end[0], &byte, 1), 1);
	assert_int_equal(byte, 'y');
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	(void)close(end[0]);
}
#endif

static const struct CMUnitTest with_writer[] = {
#ifndef SL_SANITIZE
	{ "a worker makes no system call, also when its ring is full", test_no_system_call, NULL, NULL,
	  NULL },
#endif
	{ "the longest record fits into a line; path and host are cut", test_longest, NULL, NULL, NULL },
	{ "records are written in order, also what is left at the end", test_in_order, NULL, NULL, NULL },
	{ "what is written at the end is counted, and nothing twice", test_counted_at_the_end, NULL, NULL,
	  NULL },
	{ "four workers: every record is written or counted as dropped", test_many_workers, NULL, NULL,
	  NULL },
	{ "partial writes tear no line", test_partial, NULL, NULL, NULL },
	{ "what can be written again at the end is written", test_late_recovery, NULL, NULL, NULL },
	{ "a full disk is counted, and what waited goes into the next file", test_full_disk, NULL, NULL,
	  NULL },
	{ "a disk that stays full costs records, never a wait", test_full_for_ever, NULL, NULL, NULL },
	{ "a line that the old file has in part stands whole in the next", test_torn_line, NULL, NULL, NULL },
	{ "after a reopen the records go to the new file", test_reopen, NULL, NULL, NULL },
	{ "of many reopens the last counts, and no descriptor leaks", test_reopen_overtaken, NULL, NULL,
	  NULL },
	{ "without a file records are thrown away", test_thrown_away, NULL, NULL, NULL },
};

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(with_writer) + SL_COUNT(lines) + SL_COUNT(times)];
	size_t n = 0;
	for (size_t i = 0; i < SL_COUNT(with_writer); i++)
		tests[n++] = with_writer[i];
	for (size_t i = 0; i < SL_COUNT(lines); i++)
		tests[n++] = (struct CMUnitTest){ lines[i].name, test_line, NULL, NULL, &lines[i] };
	for (size_t i = 0; i < SL_COUNT(times); i++)
		tests[n++] = (struct CMUnitTest){ times[i].name, test_time, NULL, NULL, &times[i] };
	return cmocka_run_group_tests_name("daemon/flow_log", tests, NULL, NULL);
}
