/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_dns_names.c - what is remembered of DNS answers, alone and with threads that teach and look up at the same time; and
 * which questions were asked. */
#include "filter/dns_names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "base/err.h"
#include "base/util.h"
#include "filter/dns_asked.h"

enum { SMALLEST = 64, LIFE = 1000 };

static struct sl_flow_key flow_to(uint8_t client, uint32_t server)
{
	struct sl_flow_key key = {
		.src = { 10, 0, 0, client }, .sport = 40000, .dport = 443, .family = 4, .proto = SL_PROTO_TCP
	};
	memcpy(key.dst, &server, sizeof(server));
	return key;
}

static struct sl_dns_names *make(uint32_t max)
{
	struct sl_dns_names *t = NULL;
	assert_int_equal(sl_dns_names_new(max, 7, &t), SL_OK);
	return t;
}

static enum sl_dns_taught teach(struct sl_dns_names *t, struct sl_flow_key flow, const char *name,
                                int64_t now)
{
	return sl_dns_names_teach(t, &flow, sl_bytes_str(name), (struct sl_mono){ now },
	                          (struct sl_mono){ now + LIFE });
}

/* Static text; "-" for none. */
static const char *name_of(const struct sl_dns_names *t, struct sl_flow_key flow, int64_t now)
{
	static char text[SL_DNS_NAMES_TEXT + 1];
	size_t len = sl_dns_names_find(t, &flow, (struct sl_mono){ now }, text);
	text[len] = '\0';
	return len == 0 ? "-" : text;
}

static void a_name_is_of_one_client_and_one_address(void **state)
{
	struct sl_dns_names *t = make(SMALLEST);
	struct sl_flow_key other = flow_to(1, 5);
	(void)state;
	other.family = 6;
	assert_string_equal(name_of(t, flow_to(1, 5), 0), "-");
	assert_int_equal(teach(t, flow_to(1, 5), "a.example", 0), SL_DNS_TAUGHT);
	assert_string_equal(name_of(t, flow_to(1, 5), 0), "a.example");
	assert_string_equal(name_of(t, flow_to(2, 5), 0), "-");
	assert_string_equal(name_of(t, flow_to(1, 6), 0), "-");
	assert_string_equal(name_of(t, other, 0), "-");
	sl_dns_names_free(&t);
	assert_null(t);
}

static void ports_do_not_matter(void **state)
{
	struct sl_dns_names *t = make(SMALLEST);
	struct sl_flow_key flow = flow_to(1, 5);
	(void)state;
	assert_int_equal(teach(t, flow, "a.example", 0), SL_DNS_TAUGHT);
	flow.sport = 1;
	flow.dport = 22;
	flow.proto = SL_PROTO_UDP;
	assert_string_equal(name_of(t, flow, 0), "a.example");
	sl_dns_names_free(&t);
}

static void the_last_name_counts_until_it_ends(void **state)
{
	struct sl_dns_names *t = make(SMALLEST);
	(void)state;
	assert_int_equal(teach(t, flow_to(1, 5), "a.example", 0), SL_DNS_TAUGHT);
	assert_int_equal(teach(t, flow_to(1, 5), "b.example", 10), SL_DNS_TAUGHT);
	assert_string_equal(name_of(t, flow_to(1, 5), LIFE + 9), "b.example");
	assert_string_equal(name_of(t, flow_to(1, 5), LIFE + 10), "-");
	sl_dns_names_free(&t);
}

static void what_is_no_name_is_not_taught(void **state)
{
	struct sl_dns_names *t = make(SMALLEST);
	char text[SL_DNS_NAMES_TEXT + 2] = "";
	(void)state;
	assert_int_equal(teach(t, flow_to(1, 5), "", 0), SL_DNS_TAUGHT_NOT);
	memset(text, 'x', SL_DNS_NAMES_TEXT);
	assert_int_equal(teach(t, flow_to(1, 5), text, 0), SL_DNS_TAUGHT);
	assert_string_equal(name_of(t, flow_to(1, 5), 0), text);
	text[SL_DNS_NAMES_TEXT] = 'y';
	assert_int_equal(teach(t, flow_to(1, 6), text, 0), SL_DNS_TAUGHT_NOT);
	assert_string_equal(name_of(t, flow_to(1, 6), 0), "-");
	sl_dns_names_free(&t);
}

/* However many are taught, some of the last ones are there, and of the first ones none. */
static void in_a_full_table_the_oldest_go(void **state)
{
	struct sl_dns_names *t = make(SMALLEST);
	uint32_t full = 0, late = 0;
	(void)state;
	for (uint32_t i = 0; i < 16 * SMALLEST; i++)
		full += teach(t, flow_to(1, i), "a.example", i % LIFE) == SL_DNS_TAUGHT_FULL;
	assert_in_range(full, 14 * SMALLEST, 16 * SMALLEST);
	for (uint32_t i = 0; i < 8 * SMALLEST; i++)
		assert_string_equal(name_of(t, flow_to(1, i), LIFE - 1), "-");
	for (uint32_t i = 15 * SMALLEST; i < 16 * SMALLEST; i++)
		late += strcmp(name_of(t, flow_to(1, i), 16 * SMALLEST - LIFE), "-") != 0;
	assert_in_range(late, SMALLEST / 2, SMALLEST);
	sl_dns_names_free(&t);
}

static void a_name_that_has_ended_makes_room_first(void **state)
{
	struct sl_dns_names *t = make(SMALLEST);
	(void)state;
	for (uint32_t i = 0; i < 4 * SMALLEST; i++)
		(void)teach(t, flow_to(1, i), "old.example", 0);
	for (uint32_t i = 0; i < SMALLEST / 8; i++)
		assert_int_equal(teach(t, flow_to(2, i), "new.example", LIFE), SL_DNS_TAUGHT);
	sl_dns_names_free(&t);
}

static void sizes_have_bounds(void **state)
{
	struct sl_dns_names *t = NULL;
	(void)state;
	assert_int_equal(sl_dns_names_new(SMALLEST - 1, 7, &t), SL_EINVAL);
	assert_int_equal(sl_dns_names_new((1 << 20) + 1, 7, &t), SL_EINVAL);
	assert_null(t);
}

/* ---- threads ---- */

enum { TEACHERS = 2, ROUNDS = 20000, ADDRESSES = 16 };

struct school {
	struct sl_dns_names *names;
	atomic_uint left;   /* teachers at work */
	atomic_uint number; /* of the next teacher */
};

/* A name of one letter, as long as the letter says, so that half of one and half of another are seen. */
static void *teach_on(void *arg)
{
	struct school *s = arg;
	char text[SL_DNS_NAMES_TEXT];
	unsigned me = atomic_fetch_add(&s->number, 1);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		size_t len = 1 + (i * 7 + me * 31) % SL_DNS_NAMES_TEXT;
		struct sl_flow_key flow = flow_to(1, i % ADDRESSES);
		memset(text, (int)('a' + len % 26), len);
		(void)sl_dns_names_teach(s->names, &flow, sl_bytes_of(text, len), (struct sl_mono){ 0 },
		                         (struct sl_mono){ LIFE });
	}
	atomic_fetch_sub(&s->left, 1);
	return NULL;
}

static void a_name_is_never_read_half_written(void **state)
{
	struct school s = { .names = make(SMALLEST), .left = TEACHERS };
	pthread_t thread[TEACHERS];
	char text[SL_DNS_NAMES_TEXT];
	uint32_t found = 0;
	(void)state;
	for (size_t i = 0; i < TEACHERS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, teach_on, &s), 0);
	bool last = false;
	for (uint32_t i = 0; !last; i++) {
		last = atomic_load(&s.left) == 0;
		struct sl_flow_key flow = flow_to(1, i % ADDRESSES);
		size_t len = sl_dns_names_find(s.names, &flow, (struct sl_mono){ 0 }, text);
		for (size_t k = 0; k < len; k++)
			assert_int_equal(text[k], 'a' + len % 26);
		found += len > 0;
	}
	for (size_t i = 0; i < TEACHERS; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	assert_true(found > 0);
	sl_dns_names_free(&s.names);
}

/* ---- questions ---- */

static struct sl_dns_name dns_name(const char *text)
{
	struct sl_dns_name name = { .len = (uint16_t)strlen(text) };
	memcpy(name.text, text, name.len + 1);
	return name;
}

static const struct ask_case {
	const char *name, *asked;
	uint16_t id, type, port;
	int64_t after;
	bool want;
} asks[] = {
	{ "an answer to what was asked", "a.example", 1, SL_DNS_A, 40000, 9999999, true },
	{ "in another case", "A.Example", 1, SL_DNS_A, 40000, 0, true },
	{ "to another name", "b.example", 1, SL_DNS_A, 40000, 0, false },
	{ "with another id", "a.example", 2, SL_DNS_A, 40000, 0, false },
	{ "for another type", "a.example", 1, SL_DNS_AAAA, 40000, 0, false },
	{ "to another port", "a.example", 1, SL_DNS_A, 40001, 0, false },
	{ "after ten seconds", "a.example", 1, SL_DNS_A, 40000, 10000000, false },
};

static void test_ask(void **state)
{
	const struct ask_case *c = *state;
	struct sl_dns_asked *a = NULL;
	struct sl_flow_key flow = flow_to(1, 5);
	struct sl_dns_name asked = dns_name("a.example"), answered = dns_name(c->asked);
	struct sl_dns_ask ask = { .flow = &flow, .id = 1, .type = SL_DNS_A, .name = &asked };
	assert_int_equal(sl_dns_asked_new(7, &a), SL_OK);
	sl_dns_asked_put(a, &ask, (struct sl_mono){ 0 });
	flow.sport = c->port;
	ask = (struct sl_dns_ask){ .flow = &flow, .id = c->id, .type = c->type, .name = &answered };
	assert_int_equal(sl_dns_asked_take(a, &ask, (struct sl_mono){ c->after }), c->want);
	assert_false(sl_dns_asked_take(a, &ask, (struct sl_mono){ c->after }));
	sl_dns_asked_free(&a);
	assert_null(a);
}

/* The last thousand of many are there but for a few. */
static void a_flood_of_questions_pushes_out_the_oldest(void **state)
{
	struct sl_dns_asked *a = NULL;
	struct sl_flow_key flow = flow_to(1, 5);
	struct sl_dns_name name = dns_name("a.example");
	struct sl_dns_ask ask = { .flow = &flow, .type = SL_DNS_A, .name = &name };
	uint32_t first = 0, last = 0;
	(void)state;
	assert_int_equal(sl_dns_asked_new(7, &a), SL_OK);
	for (uint32_t i = 0; i < 60000; i++) {
		ask.id = (uint16_t)i;
		sl_dns_asked_put(a, &ask, (struct sl_mono){ i });
	}
	for (uint32_t i = 0; i < 1000; i++) {
		ask.id = (uint16_t)i;
		first += sl_dns_asked_take(a, &ask, (struct sl_mono){ 60000 });
		ask.id = (uint16_t)(59000 + i);
		last += sl_dns_asked_take(a, &ask, (struct sl_mono){ 60000 });
	}
	assert_int_equal(first, 0);
	assert_in_range(last, 950, 1000);
	sl_dns_asked_free(&a);
}

int main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(a_name_is_of_one_client_and_one_address),
		cmocka_unit_test(ports_do_not_matter),
		cmocka_unit_test(the_last_name_counts_until_it_ends),
		cmocka_unit_test(what_is_no_name_is_not_taught),
		cmocka_unit_test(in_a_full_table_the_oldest_go),
		cmocka_unit_test(a_name_that_has_ended_makes_room_first),
		cmocka_unit_test(sizes_have_bounds),
		cmocka_unit_test(a_name_is_never_read_half_written),
		cmocka_unit_test(a_flood_of_questions_pushes_out_the_oldest),
	};
	struct CMUnitTest tests[SL_COUNT(others) + SL_COUNT(asks)];
	memcpy(tests, others, sizeof(others));
	for (size_t i = 0; i < SL_COUNT(asks); i++)
		tests[SL_COUNT(others) + i] = (struct CMUnitTest){ asks[i].name, test_ask, NULL, NULL,
			                                           (void *)(uintptr_t)&asks[i] };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
