/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_resolver.c [QUESTIONS] - random policies, asked both ways: by the snapshot, and by the slow resolver. */
#include "tests/policy/resolver.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "policy/decide.h"
#include "tests/policy/made.h"
#include "tests/policy/rows.h"

enum { PER_POLICY = 20 };

static unsigned questions = 20000;
static unsigned letters[128];

static uint32_t pick(uint64_t *seed, uint32_t n)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*seed >> 33) % n;
}

static void pick_name(uint64_t *seed, char out[REF_TEXT])
{
	static const char *const labels[] = { "a", "b", "ab", "a-b", "www", "xn--a", "0" };
	unsigned n = 1 + pick(seed, 4);
	out[0] = '\0';
	for (unsigned i = 0; i < n; i++) {
		const char *label = labels[pick(seed, 8) < 6 ? pick(seed, 2) : pick(seed, 6)];
		(void)snprintf(out + strlen(out), REF_TEXT - strlen(out), "%s%s", i > 0 ? "." : "", label);
	}
}

/* Few enough to meet: two nets of each kind. */
static struct ref_address pick_address(uint64_t *seed, bool prefix)
{
	static const uint8_t lens4[] = { 0, 1, 8, 24, 31, 32, 32, 32 };
	static const uint8_t lens6[] = { 0, 3, 32, 64, 127, 128, 128, 128 };
	struct ref_address a = { .v6 = pick(seed, 2) == 0 };
	if (a.v6) {
		static const uint8_t net[] = { 0x20, 0x01, 0x0d, 0xb8 };
		memcpy(a.byte, net, 4);
		a.byte[7] = (uint8_t)pick(seed, 2);
		a.byte[15] = (uint8_t)pick(seed, 4);
	} else {
		a.byte[0] = 10;
		a.byte[2] = (uint8_t)pick(seed, 2);
		a.byte[3] = (uint8_t)pick(seed, 4);
	}
	a.len = a.v6 ? 128 : 32;
	if (prefix)
		a.len = (a.v6 ? lens6 : lens4)[pick(seed, 8)];
	for (unsigned i = a.len; i < 128; i++)
		a.byte[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
	return a;
}

static void put_address(const struct ref_address *a, char out[REF_TEXT])
{
	(void)inet_ntop(a->v6 ? AF_INET6 : AF_INET, a->byte, out, REF_TEXT);
}

static void append(char out[REF_TEXT], const char *text)
{
	size_t n = strlen(out);
	(void)snprintf(out + n, REF_TEXT - n, "%s", text);
}

/* "" or canonical; without final slash where an entry's. A path like "/24" stands for confusion with a prefix. */
static void pick_path(uint64_t *seed, bool entry, char out[REF_TEXT])
{
	static const char *const names[] = { "x", "y", "xy", "24" };
	static const char *const queries[] = { "", "", "", "?x", "?x&y", "?x/y" };
	unsigned n = pick(seed, 4);
	out[0] = '\0';
	for (unsigned i = 0; i < n; i++) {
		append(out, "/");
		append(out, names[pick(seed, 4)]);
	}
	const char *query = queries[pick(seed, 6)];
	if ((out[0] == '\0' && (query[0] != '\0' || !entry)) ||
	    (!entry && query[0] == '\0' && pick(seed, 3) == 0))
		append(out, "/");
	append(out, query);
}

static void pick_entry(uint64_t *seed, struct ref_entry *e)
{
	static const enum sl_scope scopes[] = { SL_SCOPE_EXACT,  SL_SCOPE_BELOW, SL_SCOPE_TREE,
		                                SL_SCOPE_TREE,   SL_SCOPE_PATH,  SL_SCOPE_PATH,
		                                SL_SCOPE_ADDRESS };
	static const uint16_t ports[] = { 0, 0, 0, 80, 8080 };
	e->scope = scopes[pick(seed, 7)];
	e->effect = pick(seed, 4) == 0 ? SL_EFFECT_EXCEPT : SL_EFFECT_BLOCK;
	e->important = pick(seed, 5) == 0;
	e->prefix = pick_address(seed, true);
	if (e->scope == SL_SCOPE_ADDRESS)
		return;
	pick_name(seed, e->host);
	if (pick(seed, 8) == 0 && e->scope != SL_SCOPE_BELOW) {
		struct ref_address a = pick_address(seed, false);
		put_address(&a, e->host);
	}
	e->port = ports[pick(seed, 5)];
	if (e->scope == SL_SCOPE_PATH)
		pick_path(seed, true, e->path);
	if (e->path[0] == '\0' && e->scope == SL_SCOPE_PATH)
		e->scope = SL_SCOPE_TREE;
}

/* Lists of a category need not stand together; a name that ends in a digit is an address, so none does. */
static void pick_policy(uint64_t *seed, struct ref_policy *p)
{
	memset(p, 0, sizeof(*p));
	p->categories = 1 + pick(seed, 5);
	p->lists = p->categories + pick(seed, 4);
	for (unsigned c = 0; c < p->categories; c++) {
		unsigned kind = pick(seed, 10);
		p->kind[c] = kind == 0 ? SL_LIST_NEVER : kind < 3 ? SL_LIST_ALLOW : SL_LIST_BLOCK;
	}
	for (unsigned l = 0; l < p->lists; l++) {
		p->category[l] = l < p->categories ? l : pick(seed, p->categories);
		p->exceptions_all[l] = pick(seed, 6) == 0;
		for (unsigned n = pick(seed, 6); n > 0 && p->entries < REF_ENTRIES; n--) {
			struct ref_entry *e = &p->entry[p->entries++];
			pick_entry(seed, e);
			e->list = l;
			e->line = p->entries;
		}
	}
}

static void add_entry(struct sl_compile *c, const struct ref_entry *e)
{
	struct sl_host host;
	struct sl_list_entry entry = { .port = e->port,
		                       .scope = e->scope,
		                       .line = e->line,
		                       .effect = e->effect,
		                       .important = e->important,
		                       .prefix = { e->prefix.v6, e->prefix.len, { 0 } } };
	memcpy(entry.prefix.addr, e->prefix.byte, 16);
	if (e->scope != SL_SCOPE_ADDRESS) {
		assert_int_equal(sl_host_canon(sl_bytes_str(e->host), &host), SL_OK);
		assert_string_equal(host.name, e->host);
		entry.host = &host;
		if (e->scope == SL_SCOPE_PATH)
			entry.path = sl_bytes_str(e->path);
	}
	assert_int_equal(sl_compile_add(c, &entry), SL_OK);
}

static struct sl_snapshot *compile(const struct ref_policy *p, bool fold, struct made *image,
                                   struct sl_compile_stats *stats)
{
	const struct sl_compile_cfg cfg = { .fold = fold };
	const struct sl_image_sink sink = { image, made_write };
	struct sl_compile *c = NULL;
	struct sl_snapshot *s = NULL;
	const char *why = NULL;
	char name[16];
	uint16_t number = 0;
	assert_int_equal(sl_compile_new(&cfg, &c), SL_OK);
	for (unsigned i = 0; i < p->categories; i++) {
		(void)snprintf(name, sizeof(name), "c%u", i);
		assert_int_equal(sl_compile_category(c, name, p->kind[i], &number), SL_OK);
	}
	for (unsigned l = 0; l < p->lists; l++) {
		(void)snprintf(name, sizeof(name), "l%u", l);
		const struct sl_compile_list list = { name, "file", (uint16_t)p->category[l],
			                              p->exceptions_all[l] };
		assert_int_equal(sl_compile_begin(c, &list), SL_OK);
		for (unsigned i = 0; i < p->entries; i++)
			if (p->entry[i].list == l)
				add_entry(c, &p->entry[i]);
		sl_compile_end(c);
	}
	assert_int_equal(sl_compile_finish(c, &sink, stats), SL_OK);
	sl_compile_free(&c);
	assert_int_equal(sl_snapshot_open(sl_bytes_of(image->p, image->len), &why, &s), SL_OK);
	return s;
}

struct question {
	char host[REF_TEXT], path[REF_TEXT];
	struct ref_address address;
	struct ref_query ref;
	struct sl_prefix prefix;
	struct sl_roles roles;
	struct sl_query query;
};

static void pick_roles(uint64_t *seed, struct sl_roles *r)
{
	for (unsigned c = 0; c < 8; c++) {
		unsigned role = pick(seed, 8);
		*(role < 6 ? &r->block : &r->shadow) |= role == 7 ? 0 : UINT64_C(1) << c;
		r->allow |= (uint64_t)(pick(seed, 4) != 0) << c;
	}
	r->default_block = pick(seed, 6) == 0;
}

static void pick_question(uint64_t *seed, struct question *q)
{
	memset(q, 0, sizeof(*q));
	pick_name(seed, q->host);
	pick_path(seed, false, q->path);
	pick_roles(seed, &q->roles);
	q->address = pick_address(seed, false);
	unsigned form = pick(seed, 8); /* 0: an address alone; 1: a literal as name; 2, 3: both */
	if (form == 1)
		put_address(&q->address, q->host);
	q->ref = (struct ref_query){ .host = form == 0 ? NULL : q->host,
		                     .path = pick(seed, 3) > 0 && form != 0 ? q->path : NULL,
		                     .port = pick(seed, 2) == 0 ? 80 : 8080,
		                     .address = form <= 3 ? &q->address : NULL,
		                     .roles = q->roles };
	q->prefix = (struct sl_prefix){ q->address.v6, q->address.len, { 0 } };
	memcpy(q->prefix.addr, q->address.byte, 16);
	q->query = (struct sl_query){ .host = sl_bytes_str(q->ref.host),
		                      .path = sl_bytes_str(q->ref.path),
		                      .port = q->ref.port,
		                      .roles = &q->roles,
		                      .address = form <= 3 && form != 1 ? &q->prefix : NULL };
}

static void check_verdict(const struct sl_decision *d, const struct ref_answer *a)
{
	assert_int_equal(d->letter, a->letter);
	assert_int_equal(d->block, a->block);
	assert_int_equal(d->shadow, a->shadow);
	assert_false(d->bad_host);
}

static void check_named(const struct ref_policy *p, const struct question *q, const struct sl_decision *d,
                        const struct ref_answer *a)
{
	char want[REF_KEY] = "", got[REF_KEY];
	sl_decision_key(d, &q->query, got, sizeof(got));
	if (a->entry != NULL)
		ref_key(p, a->entry, want);
	assert_string_equal(got, want);
	assert_int_equal(d->list, a->entry == NULL ? UINT16_MAX : a->entry->list);
	assert_int_equal(d->line, a->entry == NULL ? 0 : a->entry->line);
	assert_int_equal(d->category, a->entry == NULL ? UINT16_MAX : p->category[a->entry->list]);
}

/* Folding may take the entry that would be named away: then one that covers it is named. */
static void check_policy(uint64_t *seed, const struct ref_policy *p)
{
	struct made plain = { 0 }, folded = { 0 };
	struct sl_compile_stats stats, less;
	struct sl_snapshot *s = compile(p, false, &plain, &stats), *f = compile(p, true, &folded, &less);
	struct question q[PER_POLICY];
	struct sl_query query[PER_POLICY];
	struct sl_decision many[PER_POLICY];
	const char *why = NULL;
	assert_int_equal(sl_snapshot_verify(s, &why), SL_OK);
	assert_int_equal(sl_snapshot_verify(f, &why), SL_OK);
	assert_int_equal(stats.folded, 0);
	assert_true(less.keys <= stats.keys && less.keys_unfolded == stats.keys);
	for (unsigned i = 0; i < PER_POLICY; i++) {
		struct sl_decision d;
		pick_question(seed, &q[i]);
		query[i] = q[i].query;
		struct ref_answer a = ref_decide(p, &q[i].ref);
		sl_decide(s, &q[i].query, &d);
		check_verdict(&d, &a);
		check_named(p, &q[i], &d, &a);
		sl_decide(f, &q[i].query, &d);
		check_verdict(&d, &a);
		letters[(unsigned)a.letter & 127]++;
	}
	sl_decide_many(s, query, PER_POLICY, many);
	for (unsigned i = 0; i < PER_POLICY; i++) {
		struct ref_answer a = ref_decide(p, &q[i].ref);
		check_verdict(&many[i], &a);
		check_named(p, &q[i], &many[i], &a);
	}
	sl_snapshot_free(&s);
	sl_snapshot_free(&f);
	made_free(&plain);
	made_free(&folded);
}

static void test_all(void **state)
{
	static struct ref_policy p;
	uint64_t seed = 20;
	(void)state;
	for (unsigned i = 0; i < questions; i += PER_POLICY) {
		pick_policy(&seed, &p);
		check_policy(&seed, &p);
	}
	for (const char *l = "defgh"; *l != '\0';
	     l++) { /* questions that are all answered alike would prove nothing */
		print_message("letter %c: %u of %u\n", *l, letters[(unsigned)*l], questions);
		assert_true(letters[(unsigned)*l] > questions / 100);
	}
}

int main(int argc, char **argv)
{
	struct rows rows = { .n = 0 };
	if (argc > 1)
		questions = (unsigned)strtoul(argv[1], NULL, 10);
	add_row(&rows,
	        "lines 1 to 10: all questions are answered as the slow resolver does, folded or not, alone "
	        "or many",
	        test_all, NULL);
	return run_rows("policy/resolver", &rows);
}
