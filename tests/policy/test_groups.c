/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_groups.c [QUESTIONS] - groups, schedules and the operator's word: tables, and random ones against the slow resolver. */
#include "policy/groups.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/out.h"
#include "policy/schedule.h"
#include "tests/policy/resolver.h"
#include "tests/policy/rows.h"

static unsigned questions = 20000;

/* ---- schedules ---- */

enum { SUN = 1, MON = 2, FRI = 32, SAT = 64, WEEK = 62, ALL = 127 };

static const struct schedule_row {
	const char *name;
	struct sl_schedule s;
	unsigned weekday, minute;
	bool on;
} schedule_rows[] = {
	{ "it begins with its first minute", { WEEK, 600, 660 }, 1, 600, true },
	{ "the minute before is not in it", { WEEK, 600, 660 }, 1, 599, false },
	{ "its end is not in it", { WEEK, 600, 660 }, 1, 660, false },
	{ "another day is not in it", { WEEK, 600, 660 }, 6, 630, false },
	{ "over midnight it is on in the evening", { FRI, 1260, 420 }, 5, 1439, true },
	{ "and on the morning after the last day", { FRI, 1260, 420 }, 6, 419, true },
	{ "which ends", { FRI, 1260, 420 }, 6, 420, false },
	{ "and not on the morning of the first day", { FRI, 1260, 420 }, 5, 100, false },
	{ "the week goes round: Saturday's night is Sunday's morning", { SAT, 1260, 420 }, 0, 0, true },
	{ "the same two times are a whole day from there", { SUN, 600, 600 }, 0, 600, true },
	{ "up to the same time of the next day", { SUN, 600, 600 }, 1, 599, true },
	{ "a day from 0 to 24", { SUN, 0, SL_DAY_MINUTES }, 0, 1439, true },
	{ "which does not reach into the next", { SUN, 0, SL_DAY_MINUTES }, 1, 0, false },
	{ "without days it is never on", { 0, 0, SL_DAY_MINUTES }, 3, 700, false },
};

static void test_schedule(void **state)
{
	const struct schedule_row *row = (const struct schedule_row *)*state;
	assert_int_equal(sl_schedule_is_on(&row->s, row->weekday, row->minute), row->on);
}

/* ---- what an operator may type ---- */

static const struct canon_row {
	const char *name, *typed, *want; /* want NULL: refused */
} canon_rows[] = {
	{ "a host", "Example.COM.", "example.com" },
	{ "a host in another script",
	  "b\xc3\xbc"
	  "cher.example",
	  "xn--bcher-kva.example" },
	{ "what is below a host", "*.Example.com", "*.example.com" },
	{ "a URL is its host", "https://www.example.com/", "www.example.com" },
	{ "a path counts where it can be seen", "http://example.com/a/../b/", "example.com/b" },
	{ "a query goes with it", "example.com/b?x=1", "example.com/b?x=1" },
	{ "an address", "192.0.2.1", "192.0.2.1" },
	{ "an address of IPv6", "2001:DB8::1", "2001:db8::1" },
	{ "one in brackets", "https://[2001:db8::1]/", "2001:db8::1" },
	{ "a prefix", "192.0.2.0/24", "192.0.2.0/24" },
	{ "a prefix with bits beyond it", "192.0.2.1/24", NULL },
	{ "a port", "example.com:8080", NULL },
	{ "an address below which nothing is", "*.192.0.2.1", NULL },
	{ "nothing", "", NULL },
	{ "a star alone", "*", NULL },
	{ "two words", "a.example b.example", NULL },
};

static void test_canon(void **state)
{
	const struct canon_row *row = (const struct canon_row *)*state;
	char out[SL_WORD_MAX] = "", again[SL_WORD_MAX] = "";
	const char *why = NULL;
	int err = sl_word_canon(sl_bytes_str(row->typed), out, &why);
	assert_int_equal(err, row->want == NULL ? SL_EMALF : SL_OK);
	if (row->want == NULL) {
		assert_non_null(why);
		return;
	}
	assert_string_equal(out, row->want);
	assert_int_equal(sl_word_canon(sl_bytes_str(out), again, &why), SL_OK);
	assert_string_equal(again, out);
}

/* ---- who is in which group ---- */

static struct sl_prefix prefix(const char *text)
{
	struct sl_prefix p;
	if (sl_prefix_read(sl_bytes_str(text), &p) != SL_OK)
		abort();
	return p;
}

static void make_table(struct sl_groups **out, const struct sl_group_client *client, size_t clients,
                       const struct sl_word *word, size_t words)
{
	static struct sl_group group[SL_GROUPS_MAX];
	for (unsigned i = 0; i < 8; i++)
		(void)snprintf(group[i].name, sizeof(group[i].name), i == 0 ? "default" : "g%u", i);
	const struct sl_groups_cfg cfg = { group, client, clients, word, words };
	assert_int_equal(sl_groups_new(&cfg, out), SL_OK);
}

static const struct client_row {
	const char *name, *address;
	uint8_t mac; /* last byte; 0: none */
	uint32_t ifindex;
	uint8_t want;
} client_rows[] = {
	{ "nothing fits: the default", "10.9.9.9", 0, 0, 0 },
	{ "a prefix", "10.0.5.5", 0, 0, 1 },
	{ "the longest prefix", "10.0.0.7", 0, 0, 2 },
	{ "an address is the longest of all", "10.0.0.1", 0, 0, 3 },
	{ "MAC before address", "10.0.0.1", 5, 0, 4 },
	{ "another MAC says nothing", "10.0.0.1", 6, 0, 3 },
	{ "prefix before VLAN", "10.0.5.5", 0, 7, 1 },
	{ "VLAN before interface", "172.16.0.1", 0, 7, 5 },
	{ "an interface", "172.16.0.1", 0, 3, 6 },
	{ "another interface says nothing", "172.16.0.1", 0, 8, 0 },
	{ "IPv6", "2001:db8::5", 0, 3, 7 },
	{ "the bytes of an IPv4 prefix are no IPv6 prefix", "a00::", 0, 0, 0 },
	{ "who two groups name is in the first", "10.3.0.1", 0, 0, 1 },
};

static void test_client(void **state)
{
	const struct client_row *row = (const struct client_row *)*state;
	const struct sl_group_client client[] = {
		{ .kind = SL_CLIENT_PREFIX, .group = 1, .prefix = prefix("10.0.0.0/16") },
		{ .kind = SL_CLIENT_PREFIX, .group = 2, .prefix = prefix("10.0.0.0/24") },
		{ .kind = SL_CLIENT_PREFIX, .group = 3, .prefix = prefix("10.0.0.1") },
		{ .kind = SL_CLIENT_MAC, .group = 4, .mac = { 2, 0, 0, 0, 0, 5 } },
		{ .kind = SL_CLIENT_INTERFACE, .group = 1, .number = 7 },
		{ .kind = SL_CLIENT_VLAN, .group = 5, .number = 7 },
		{ .kind = SL_CLIENT_INTERFACE, .group = 6, .number = 3 },
		{ .kind = SL_CLIENT_PREFIX, .group = 7, .prefix = prefix("2001:db8::/64") },
		{ .kind = SL_CLIENT_PREFIX, .group = 1, .prefix = prefix("10.3.0.0/24") },
		{ .kind = SL_CLIENT_PREFIX, .group = 2, .prefix = prefix("10.3.0.0/24") },
	};
	struct sl_client who = { .address = prefix(row->address),
		                 .has_mac = row->mac != 0,
		                 .mac = { 2, 0, 0, 0, 0, row->mac },
		                 .ifindex = row->ifindex };
	enum sl_client_kind by;
	struct sl_groups *g = NULL;
	make_table(&g, client, SL_COUNT(client), NULL, 0);
	assert_int_equal(sl_groups_find(g, &who, &by), row->want);
	assert_int_equal(sl_groups_number(g, "g4"), 4);
	assert_int_equal(sl_groups_number(g, "g9"), SL_GROUPS_MAX);
	assert_string_equal(sl_groups_group(g, 63)->name, "default");
	sl_groups_free(&g);
}

/* ---- the operator's word ---- */

static const struct sl_word said[] = {
	{ "a.example", true, SL_WORD_ALL_GROUPS, 1, 0, 1 },
	{ "deep.a.example", false, SL_WORD_ALL_GROUPS, 2, 0, 2 },
	{ "a.example", false, 1, 3, 0, 3 },
	{ "*.b.example", true, SL_WORD_ALL_GROUPS, 4, 0, 4 },
	{ "b.example", false, SL_WORD_ALL_GROUPS, 5, 1000, 5 },
	{ "c.example", true, SL_WORD_ALL_GROUPS, 6, 0, 6 },
	{ "c.example", false, SL_WORD_ALL_GROUPS, 7, 0, 7 },
	{ "d.example/x", false, SL_WORD_ALL_GROUPS, 8, 0, 8 },
	{ "10.0.0.0/8", false, SL_WORD_ALL_GROUPS, 9, 0, 9 },
	{ "10.1.0.0/16", true, 2, 10, 0, 10 },
};

static const struct said_row {
	const char *name, *host, *path, *address;
	uint8_t group;
	int64_t now;
	uint32_t want; /* its id; 0: none speaks */
} said_rows[] = {
	{ "a name", "a.example", NULL, NULL, 0, 0, 1 },
	{ "and all below it", "x.y.a.example", NULL, NULL, 0, 0, 1 },
	{ "not its parent", "example", NULL, NULL, 0, 0, 0 },
	{ "nor what only ends so", "aa.example", NULL, NULL, 0, 0, 0 },
	{ "the longest key wins", "x.deep.a.example", NULL, NULL, 0, 0, 2 },
	{ "even over the own group", "x.deep.a.example", NULL, NULL, 1, 0, 2 },
	{ "the own group before all", "x.a.example", NULL, NULL, 1, 0, 3 },
	{ "what is below, of two of one length the newer", "x.b.example", NULL, NULL, 0, 0, 5 },
	{ "when that is over, the older", "x.b.example", NULL, NULL, 0, 1000, 4 },
	{ "which does not speak of the name itself", "b.example", NULL, NULL, 0, 1000, 0 },
	{ "a microsecond before its end it counts", "b.example", NULL, NULL, 0, 999, 5 },
	{ "the newest", "c.example", NULL, NULL, 0, 0, 7 },
	{ "a path where it is known", "d.example", "/x/y", NULL, 0, 0, 8 },
	{ "and not where it is not", "d.example", NULL, NULL, 0, 0, 0 },
	{ "nor in the midst of a segment", "d.example", "/xy", NULL, 0, 0, 0 },
	{ "a destination", NULL, NULL, "10.2.0.1", 2, 0, 9 },
	{ "the longer prefix", NULL, NULL, "10.1.0.1", 2, 0, 10 },
	{ "which is of another group", NULL, NULL, "10.1.0.1", 1, 0, 9 },
	{ "a name is longer than an address", "a.example", NULL, "10.1.0.1", 2, 0, 1 },
};

static void test_said(void **state)
{
	const struct said_row *row = (const struct said_row *)*state;
	struct sl_words *w = NULL;
	struct sl_host host = { .len = 0 };
	struct sl_prefix address;
	struct sl_words_query q = { .group = row->group,
		                    .now_us = row->now,
		                    .path = sl_bytes_str(row->path) };
	assert_int_equal(sl_words_new(said, SL_COUNT(said), &w), SL_OK);
	if (row->host != NULL) {
		assert_int_equal(sl_host_canon(sl_bytes_str(row->host), &host), SL_OK);
		q.host = &host;
	}
	if (row->address != NULL) {
		address = prefix(row->address);
		q.address = &address;
	}
	const struct sl_word *got = sl_words_ask(w, &q);
	assert_int_equal(got == NULL ? 0 : got->id, row->want);
	sl_words_free(&w);
}

static void test_not_canonical(void **state)
{
	const struct sl_word bad[] = { { "a.example", true, 0, 1, 0, 1 }, { "A.example", true, 0, 2, 0, 2 } };
	struct sl_words *w = NULL;
	(void)state;
	assert_int_equal(sl_words_new(bad, 2, &w), SL_EMALF);
	assert_null(w);
}

/* ---- at random, against the slow resolver ---- */

static uint32_t pick(uint64_t *seed, uint32_t n)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*seed >> 33) % n;
}

/* Few enough to meet. */
static struct ref_address pick_address(uint64_t *seed, bool is_prefix)
{
	static const uint8_t lens4[] = { 0, 8, 24, 31, 32 }, lens6[] = { 0, 3, 64, 127, 128 };
	struct ref_address a = { .v6 = pick(seed, 2) == 0 };
	a.byte[0] = a.v6 ? 0x20 : 10;
	a.byte[a.v6 ? 7 : 2] = (uint8_t)pick(seed, 2);
	a.byte[a.v6 ? 15 : 3] = (uint8_t)pick(seed, 3);
	a.len = is_prefix ? (a.v6 ? lens6 : lens4)[pick(seed, 5)] : a.v6 ? 128 : 32;
	for (unsigned i = a.len; i < 128; i++)
		a.byte[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
	return a;
}

static struct sl_prefix as_prefix(const struct ref_address *a)
{
	struct sl_prefix p = { .v6 = a->v6, .len = a->len };
	memcpy(p.addr, a->byte, sizeof(p.addr));
	return p;
}

static void test_random_clients(void **state)
{
	uint64_t seed = 7;
	(void)state;
	for (unsigned n = 0; n < questions / 20; n++) {
		struct ref_client ref[12];
		struct sl_group_client client[12];
		unsigned clients = pick(&seed, 12);
		for (unsigned i = 0; i < clients; i++) {
			uint8_t mac = (uint8_t)(1 + pick(&seed, 3));
			ref[i] = (struct ref_client){ (enum ref_client_kind)pick(&seed, 4), "",
				                      pick_address(&seed, true), 1 + pick(&seed, 3),
				                      1 + pick(&seed, 7) };
			(void)snprintf(ref[i].mac, sizeof(ref[i].mac), "02:00:00:00:00:%02x", mac);
			client[i] = (struct sl_group_client){
				.kind = (enum sl_client_kind)ref[i].kind,
				.group = (uint8_t)ref[i].group,
				.mac = { 2, 0, 0, 0, 0, mac },
				.prefix = as_prefix(&ref[i].prefix),
				.number = ref[i].interface,
			};
		}
		struct sl_groups *g = NULL;
		make_table(&g, client, clients, NULL, 0);
		for (unsigned k = 0; k < 20; k++) {
			char mac[18];
			enum sl_client_kind by;
			uint8_t last = (uint8_t)pick(&seed, 5);
			struct ref_asker who = { last == 0 ? NULL : mac, pick_address(&seed, false),
				                 pick(&seed, 5) };
			(void)snprintf(mac, sizeof(mac), "02:00:00:00:00:%02x", last);
			struct sl_client c = { .address = as_prefix(&who.address),
				               .has_mac = last != 0,
				               .mac = { 2, 0, 0, 0, 0, last },
				               .ifindex = who.interface };
			assert_int_equal(sl_groups_find(g, &c, &by), ref_group(ref, clients, &who));
		}
		sl_groups_free(&g);
	}
}

static void pick_host(uint64_t *seed, char out[REF_TEXT])
{
	static const char *const labels[] = { "a", "b", "ab" };
	unsigned n = 1 + pick(seed, 3);
	size_t at = 0;
	for (unsigned i = 0; i < n; i++)
		at += (size_t)snprintf(out + at, REF_TEXT - at, "%s%s", i > 0 ? "." : "",
		                       labels[pick(seed, 3)]);
}

static void pick_path(uint64_t *seed, char out[REF_TEXT])
{
	static const char *const paths[] = { "", "", "/x", "/x/y", "/xy", "/x?q", "/x?q&r" };
	(void)snprintf(out, REF_TEXT, "%s", paths[pick(seed, 7)]);
}

static void pick_word(uint64_t *seed, unsigned age, struct ref_word *w, char name[2 * REF_TEXT + 4])
{
	*w = (struct ref_word){ .prefix = pick_address(seed, true),
		                .below = pick(seed, 3) == 0,
		                .allow = pick(seed, 2) == 0,
		                .group = (int)pick(seed, 4) - 1,
		                .age = age,
		                .until = pick(seed, 3) == 0 ? 1 + (long)pick(seed, 4) : 0 };
	if (pick(seed, 3) == 0) {
		struct sl_prefix p = as_prefix(&w->prefix);
		char text[SL_PREFIX_MAX + 1];
		(void)snprintf(name, 2 * (size_t)REF_TEXT, "%.*s", (int)sl_prefix_write(&p, text), text);
		return;
	}
	pick_host(seed, w->host);
	if (!w->below)
		pick_path(seed, w->path);
	struct sl_out o = sl_out_of(name, 2 * REF_TEXT + 4);
	sl_out_str(&o, w->below ? "*." : "");
	sl_out_str(&o, w->host);
	sl_out_str(&o, w->path);
	sl_out_u8(&o, '\0');
}

static void ask_both(uint64_t *seed, const struct sl_words *w, const struct ref_word *ref, unsigned words)
{
	char host[REF_TEXT], path[REF_TEXT];
	struct ref_address address = pick_address(seed, false);
	struct sl_prefix p = as_prefix(&address);
	struct sl_host canon;
	pick_host(seed, host);
	pick_path(seed, path);
	const struct ref_query rq = { .host = pick(seed, 4) == 0 ? NULL : host,
		                      .path = pick(seed, 2) == 0 ? NULL : path,
		                      .address = pick(seed, 2) == 0 ? NULL : &address };
	struct sl_words_query q = { .path = sl_bytes_str(rq.path),
		                    .group = (uint8_t)pick(seed, 3),
		                    .now_us = pick(seed, 5),
		                    .address = rq.address == NULL ? NULL : &p };
	if (rq.host != NULL && sl_host_canon(sl_bytes_str(host), &canon) == SL_OK)
		q.host = &canon;
	const struct sl_word *got = sl_words_ask(w, &q);
	const struct ref_word *want = ref_said(ref, words, &rq, q.group, (long)q.now_us);
	assert_int_equal(got == NULL ? 0 : got->id, want == NULL ? 0 : want->age);
	if (got != NULL)
		assert_int_equal(got->allow, want->allow);
}

static void test_random_words(void **state)
{
	uint64_t seed = 11;
	(void)state;
	for (unsigned n = 0; n < questions / 20; n++) {
		struct ref_word ref[16];
		struct sl_word word[16];
		char name[16][2 * REF_TEXT + 4];
		unsigned words = pick(&seed, 16);
		for (unsigned i = 0; i < words; i++) {
			pick_word(&seed, i + 1, &ref[i], name[i]);
			word[i] = (struct sl_word){
				name[i],
				ref[i].allow,
				ref[i].group < 0 ? (uint8_t)SL_WORD_ALL_GROUPS : (uint8_t)ref[i].group,
				i + 1,
				ref[i].until,
				i + 1
			};
		}
		struct sl_words *w = NULL;
		assert_int_equal(sl_words_new(word, words, &w), SL_OK);
		for (unsigned k = 0; k < 20; k++)
			ask_both(&seed, w, ref, words);
		sl_words_free(&w);
	}
}

int main(int argc, char **argv)
{
	struct rows rows = { .n = 0 };
	if (argc > 1)
		questions = (unsigned)strtoul(argv[1], NULL, 10);
	ADD_ROWS(&rows, schedule_rows, test_schedule);
	ADD_ROWS(&rows, canon_rows, test_canon);
	ADD_ROWS(&rows, client_rows, test_client);
	ADD_ROWS(&rows, said_rows, test_said);
	add_row(&rows, "a name that is not canonical is refused", test_not_canonical, NULL);
	add_row(&rows, "random clients are in the group that the slow resolver says", test_random_clients,
	        NULL);
	add_row(&rows, "random words: the one that decides is the slow resolver's", test_random_words, NULL);
	return run_rows("groups", &rows);
}
