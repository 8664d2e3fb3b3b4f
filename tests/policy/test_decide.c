/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_decide.c - policy-resolution lines 3 to 9, row by row, for what lists as text (test_policy.c) cannot say: roles,
 * shadow, importance, categories of several lists, addresses. And: a verdict takes no memory, no lock and no system call. */
#include "policy/decide.h"

#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/seccomp.h>

#include "tests/policy/made.h"
#include "tests/policy/rows.h"

enum { ENTRIES = 4 };
enum { ADS, MALWARE, ALLOWED, NEVER, CATEGORIES }; /* two that block, one that allows, the never-block set */
enum { EXCEPT = 1, IMPORTANT = 2, ALL = 4 };       /* ALL: its list has exceptions = all */
enum { NONE = -1 };

#define BIT(category) (UINT64_C(1) << (category))
#define ON            BIT(ADS) | BIT(MALWARE)

struct entry {
	int category;
	int how;
	const char *key; /* a host, a URL, or "address/length" */
	enum sl_scope scope;
};

static const struct decide_case {
	const char *name;
	struct entry entry[ENTRIES];
	const char *host, *path, *address;
	uint64_t block, shadow, allow;
	bool default_block;
	char letter;
	bool blocks;
	int named; /* entry */
	uint64_t shadowed;
} cases[] = {
#define TREE(category, how, key)                  \
	{                                         \
		category, how, key, SL_SCOPE_TREE \
	}
#define ADDRESS(category, how, key)                  \
	{                                            \
		category, how, key, SL_SCOPE_ADDRESS \
	}
	{ "line 4: a category that is off says nothing",
	  { TREE(ADS, 0, "example") },
	  "example",
	  NULL,
	  NULL,
	  BIT(MALWARE),
	  0,
	  0,
	  false,
	  'h',
	  false,
	  NONE,
	  0 },
	{ "line 4: an allow category that is off frees nothing",
	  { TREE(ADS, 0, "example"), TREE(ALLOWED, 0, "example") },
	  "example",
	  NULL,
	  NULL,
	  ON,
	  0,
	  0,
	  false,
	  'g',
	  true,
	  0,
	  0 },
	{ "line 4: and one that is on does",
	  { TREE(ADS, 0, "example"), TREE(ALLOWED, 0, "example") },
	  "example",
	  NULL,
	  NULL,
	  ON,
	  0,
	  BIT(ALLOWED),
	  false,
	  'f',
	  false,
	  1,
	  0 },
	{ "line 4: a role of another kind gives a category nothing",
	  { TREE(ALLOWED, 0, "example"), TREE(ADS, 0, "a.example") },
	  "example",
	  NULL,
	  NULL,
	  BIT(ALLOWED),
	  BIT(ALLOWED),
	  BIT(ADS),
	  false,
	  'h',
	  false,
	  NONE,
	  0 },
	{ "line 3: an exception takes back a block of its own category",
	  { TREE(ADS, 0, "example"), TREE(ADS, EXCEPT, "a.example") },
	  "a.example",
	  NULL,
	  NULL,
	  ON,
	  0,
	  0,
	  false,
	  'h',
	  false,
	  NONE,
	  0 },
	{ "line 3: whatever the lengths",
	  { TREE(ADS, 0, "a.example"), TREE(ADS, EXCEPT, "example") },
	  "a.example",
	  NULL,
	  NULL,
	  ON,
	  0,
	  0,
	  false,
	  'h',
	  false,
	  NONE,
	  0 },
	{ "line 3: and of no other",
	  { TREE(MALWARE, 0, "example"), TREE(ADS, EXCEPT, "example") },
	  "example",
	  NULL,
	  NULL,
	  ON,
	  0,
	  0,
	  false,
	  'g',
	  true,
	  0,
	  0 },
	{ "line 3: but for exceptions = all",
	  { TREE(MALWARE, 0, "example"), TREE(ADS, EXCEPT | ALL, "example") },
	  "example",
	  NULL,
	  NULL,
	  ON,
	  0,
	  0,
	  false,
	  'h',
	  false,
	  NONE,
	  0 },
	{ "line 3: which take nothing from the never-block set",
	  { TREE(NEVER, 0, "example"), TREE(ADS, EXCEPT | ALL, "example"),
	    TREE(MALWARE, IMPORTANT, "example") },
	  "example",
	  NULL,
	  NULL,
	  ON,
	  0,
	  0,
	  false,
	  'd',
	  false,
	  0,
	  0 },
	{ "line 6d: the never-block set speaks before importance",
	  { TREE(ADS, IMPORTANT, "a.example"), TREE(NEVER, 0, "example") },
	  "a.example",
	  NULL,
	  NULL,
	  ON,
	  0,
	  0,
	  false,
	  'd',
	  false,
	  1,
	  0 },
	{ "line 6e: an important block wins over an allow category",
	  { TREE(ADS, IMPORTANT, "example"), TREE(ALLOWED, 0, "a.example") },
	  "a.example",
	  NULL,
	  NULL,
	  ON,
	  0,
	  BIT(ALLOWED),
	  false,
	  'e',
	  true,
	  0,
	  0 },
	{ "line 6e: and over a plain exception",
	  { TREE(ADS, IMPORTANT, "example"), TREE(ADS, EXCEPT, "example") },
	  "example",
	  NULL,
	  NULL,
	  ON,
	  0,
	  0,
	  false,
	  'e',
	  true,
	  0,
	  0 },
	{ "line 6e: an important exception wins over an important block",
	  { TREE(ADS, IMPORTANT, "example"), TREE(ADS, EXCEPT | IMPORTANT, "example") },
	  "example",
	  NULL,
	  NULL,
	  ON,
	  0,
	  0,
	  false,
	  'e',
	  false,
	  1,
	  0 },
	{ "line 6e: importance in a category that is off is none",
	  { TREE(MALWARE, IMPORTANT, "example"), TREE(ADS, 0, "example") },
	  "example",
	  NULL,
	  NULL,
	  BIT(ADS),
	  0,
	  0,
	  false,
	  'g',
	  true,
	  1,
	  0 },
	{ "line 6g: of keys of one length, the first category is named",
	  { TREE(MALWARE, 0, "example"), TREE(ADS, 0, "example") },
	  "example",
	  NULL,
	  NULL,
	  ON,
	  0,
	  0,
	  false,
	  'g',
	  true,
	  1,
	  0 },
	{ "line 6g: a category whose block was taken back is not named",
	  { TREE(ADS, 0, "a.example"), TREE(ADS, EXCEPT, "example"), TREE(MALWARE, 0, "example") },
	  "a.example",
	  NULL,
	  NULL,
	  ON,
	  0,
	  0,
	  false,
	  'g',
	  true,
	  2,
	  0 },
	{ "line 6h: default = block blocks what nobody frees",
	  { TREE(ADS, 0, "other") },
	  "example",
	  NULL,
	  NULL,
	  ON,
	  0,
	  BIT(ALLOWED),
	  true,
	  'h',
	  true,
	  NONE,
	  0 },
	{ "line 6h: and f frees",
	  { TREE(ALLOWED, 0, "example") },
	  "example",
	  NULL,
	  NULL,
	  ON,
	  0,
	  BIT(ALLOWED),
	  true,
	  'f',
	  false,
	  0,
	  0 },
	{ "line 7: the shadow never decides, and is counted",
	  { TREE(ADS, 0, "example") },
	  "example",
	  NULL,
	  NULL,
	  BIT(MALWARE),
	  BIT(ADS),
	  0,
	  false,
	  'h',
	  false,
	  NONE,
	  BIT(ADS) },
	{ "line 7: beside a category that blocks too",
	  { TREE(ADS, 0, "example"), TREE(MALWARE, 0, "example") },
	  "example",
	  NULL,
	  NULL,
	  BIT(MALWARE),
	  BIT(ADS),
	  0,
	  false,
	  'g',
	  true,
	  1,
	  BIT(ADS) },
	{ "line 7: not where f had spoken",
	  { TREE(ADS, 0, "example"), TREE(ALLOWED, 0, "example") },
	  "example",
	  NULL,
	  NULL,
	  BIT(MALWARE),
	  BIT(ADS),
	  BIT(ALLOWED),
	  false,
	  'f',
	  false,
	  1,
	  0 },
	{ "line 7: nor what its own exception takes back",
	  { TREE(ADS, 0, "example"), TREE(ADS, EXCEPT, "a.example") },
	  "a.example",
	  NULL,
	  NULL,
	  BIT(MALWARE),
	  BIT(ADS),
	  0,
	  false,
	  'h',
	  false,
	  NONE,
	  0 },
	{ "line 9: a destination is judged where there is no name",
	  { ADDRESS(ADS, 0, "192.0.2.0/24") },
	  NULL,
	  NULL,
	  "192.0.2.9",
	  ON,
	  0,
	  0,
	  false,
	  'g',
	  true,
	  0,
	  0 },
	{ "line 9: and with the name",
	  { ADDRESS(ADS, 0, "192.0.2.0/24") },
	  "example",
	  NULL,
	  "192.0.2.9",
	  ON,
	  0,
	  0,
	  false,
	  'g',
	  true,
	  0,
	  0 },
	{ "line 9: so that an allowed name wins",
	  { ADDRESS(ADS, 0, "192.0.2.0/24"), TREE(ALLOWED, 0, "example") },
	  "example",
	  NULL,
	  "192.0.2.9",
	  ON,
	  0,
	  BIT(ALLOWED),
	  false,
	  'f',
	  false,
	  1,
	  0 },
	{ "line 9: outside the prefix nothing is said",
	  { ADDRESS(ADS, 0, "192.0.2.0/24") },
	  NULL,
	  NULL,
	  "192.0.3.9",
	  ON,
	  0,
	  0,
	  false,
	  'h',
	  false,
	  NONE,
	  0 },
	{ "line 9: the longest prefix is named",
	  { ADDRESS(ADS, 0, "192.0.2.0/24"), ADDRESS(MALWARE, 0, "192.0.2.9") },
	  NULL,
	  NULL,
	  "192.0.2.9",
	  ON,
	  0,
	  0,
	  false,
	  'g',
	  true,
	  1,
	  0 },
	{ "line 9: IPv6",
	  { ADDRESS(ADS, 0, "2001:db8::/32") },
	  NULL,
	  NULL,
	  "2001:db8::7",
	  ON,
	  0,
	  0,
	  false,
	  'g',
	  true,
	  0,
	  0 },
	{ "line 9: a mapped destination is the IPv4 one",
	  { ADDRESS(ADS, 0, "192.0.2.0/24") },
	  NULL,
	  NULL,
	  "::ffff:192.0.2.9",
	  ON,
	  0,
	  0,
	  false,
	  'g',
	  true,
	  0,
	  0 },
	{ "line 9: a host that is a literal stands for it where none is known",
	  { ADDRESS(ADS, 0, "192.0.2.0/24") },
	  "192.0.2.9",
	  NULL,
	  NULL,
	  ON,
	  0,
	  0,
	  false,
	  'g',
	  true,
	  0,
	  0 },
	{ "line 5: a prefix is not the path of the address that it begins with",
	  { ADDRESS(ADS, 0, "192.0.2.0/24") },
	  "192.0.2.0",
	  "/24",
	  "198.51.100.1",
	  ON,
	  0,
	  0,
	  false,
	  'h',
	  false,
	  NONE,
	  0 },
	{ "line 5: nor is that path the prefix",
	  { { ADS, 0, "192.0.2.0/24", SL_SCOPE_PATH }, ADDRESS(ADS, 0, "198.51.100.0/24") },
	  NULL,
	  NULL,
	  "192.0.2.9",
	  ON,
	  0,
	  0,
	  false,
	  'h',
	  false,
	  NONE,
	  0 },
};

static void add(struct sl_compile *c, const struct entry *e, uint32_t line)
{
	static struct sl_url url;
	struct sl_list_entry out = { .scope = e->scope,
		                     .line = line,
		                     .effect = (e->how & EXCEPT) != 0 ? SL_EFFECT_EXCEPT : SL_EFFECT_BLOCK,
		                     .important = (e->how & IMPORTANT) != 0 };
	if (e->scope == SL_SCOPE_ADDRESS) {
		assert_int_equal(sl_prefix_read(sl_bytes_str(e->key), &out.prefix), SL_OK);
	} else {
		assert_int_equal(sl_url_canon(sl_bytes_str(e->key), &url), SL_OK);
		out.host = &url.host;
		if (e->scope == SL_SCOPE_PATH)
			out.path = sl_bytes_of(url.path, url.path_len);
	}
	assert_int_equal(sl_compile_add(c, &out), SL_OK);
}

/* A list an entry, in the order of categories; the line is the entry's number and one. */
static struct sl_snapshot *make(const struct entry *entry, struct made *image)
{
	static const enum sl_list_kind kinds[] = { SL_LIST_BLOCK, SL_LIST_BLOCK, SL_LIST_ALLOW,
		                                   SL_LIST_NEVER };
	const struct sl_compile_cfg cfg = { .fold = false };
	const struct sl_image_sink sink = { image, made_write };
	struct sl_compile *c = NULL;
	struct sl_snapshot *s = NULL;
	uint16_t number = 0;
	assert_int_equal(sl_compile_new(&cfg, &c), SL_OK);
	for (int of = 0; of < CATEGORIES; of++) {
		char name[8] = { 'c', (char)('0' + of) };
		assert_int_equal(sl_compile_category(c, name, kinds[of], &number), SL_OK);
	}
	for (uint32_t i = 0; i < ENTRIES && entry[i].key != NULL; i++) {
		char name[8] = { 'l', (char)('0' + i) };
		const struct sl_compile_list list = { name, "f", (uint16_t)entry[i].category,
			                              (entry[i].how & ALL) != 0 };
		assert_int_equal(sl_compile_begin(c, &list), SL_OK);
		add(c, &entry[i], i + 1);
		sl_compile_end(c);
	}
	assert_int_equal(sl_compile_finish(c, &sink, NULL), SL_OK);
	sl_compile_free(&c);
	assert_int_equal(sl_snapshot_open(sl_bytes_of(image->p, image->len), NULL, &s), SL_OK);
	return s;
}

/* An IPv4-mapped destination as it would stand in an IPv6 packet. */
static void read_address(const char *text, struct sl_prefix *out)
{
	bool mapped = strncmp(text, "::ffff:", 7) == 0;
	assert_int_equal(sl_prefix_read(sl_bytes_str(mapped ? text + 7 : text), out), SL_OK);
	if (!mapped)
		return;
	memmove(out->addr + 12, out->addr, 4);
	memset(out->addr, 0, 10);
	out->addr[10] = out->addr[11] = 0xff;
	out->v6 = true;
	out->len = 128;
}

static void test_decide(void **state)
{
	const struct decide_case *c = *state;
	struct made image = { 0 };
	struct sl_snapshot *s = make(c->entry, &image);
	const struct sl_roles roles = { c->block, c->shadow, c->allow, c->default_block };
	struct sl_prefix address;
	struct sl_decision d;
	struct sl_query q = {
		.host = sl_bytes_str(c->host), .port = 80, .path = sl_bytes_str(c->path), .roles = &roles
	};
	if (c->address != NULL) {
		read_address(c->address, &address);
		q.address = &address;
	}
	sl_decide(s, &q, &d);
	assert_int_equal(d.letter, c->letter);
	assert_int_equal(d.block, c->blocks);
	assert_int_equal(d.shadow, c->shadowed);
	assert_int_equal(d.line, c->named == NONE ? 0 : c->named + 1);
	assert_int_equal(d.list, c->named == NONE ? UINT16_MAX : c->named);
	assert_int_equal(d.category, c->named == NONE ? UINT16_MAX : c->entry[c->named].category);
	sl_snapshot_free(&s);
	made_free(&image);
}

/* ---- explain ---- */

struct told {
	char text[512];
	unsigned found, perhaps;
};

static int tell(void *ctx, const struct sl_tried *t)
{
	struct told *told = ctx;
	(void)snprintf(told->text + strlen(told->text), sizeof(told->text) - strlen(told->text), "%.*s ",
	               (int)t->key.len, (const char *)t->key.p);
	told->found += t->number != UINT64_MAX;
	told->perhaps += t->perhaps;
	return SL_OK;
}

static void test_explain(void **state)
{
	static const struct entry entries[ENTRIES] = { TREE(ADS, 0, "b.example"),
		                                       { ADS, 0, "b.example/x", SL_SCOPE_PATH },
		                                       ADDRESS(ADS, 0, "192.0.2.0/24"),
		                                       TREE(ADS, 0, "example") };
	struct made image = { 0 };
	struct sl_snapshot *s = make(entries, &image);
	struct told told = { .found = 0 };
	struct sl_prefix address;
	const struct sl_query q = { .host = SL_BYTES_LIT("B.example"),
		                    .port = 80,
		                    .path = SL_BYTES_LIT("/x/y"),
		                    .address = &address };
	(void)state;
	read_address("192.0.2.1", &address);
	assert_int_equal(sl_explain(s, &q, tell, &told), SL_OK);
	assert_string_equal(told.text, "b.example b.example/x example 192.0.2.0/24 ");
	assert_int_equal(told.found, 4);
	assert_int_equal(told.perhaps, 4);
	sl_snapshot_free(&s);
	made_free(&image);
}

/* ---- what a verdict does not do ---- */

/* In strict seccomp the kernel kills who calls more than read, write and exit. malloc may do without a call: it is
 * counted, by the linker's --wrap. */
static unsigned taken;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
int __real_pthread_mutex_lock(void *m);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
int __wrap_pthread_mutex_lock(void *m);

void *__wrap_malloc(size_t n)
{
	taken++;
	return __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	taken++;
	return __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
	taken++;
	return __real_realloc(p, n);
}

int __wrap_pthread_mutex_lock(void *m)
{
	taken++;
	return __real_pthread_mutex_lock(m);
}

enum { AT_ALL = 2000, RIGHT = 7, WRONG = 8 };

static bool judge_all(const struct sl_snapshot *s)
{
	struct sl_prefix address = { false, 32, { 192, 0, 2, 1 } };
	struct sl_query q[4] = {
		{ .host = SL_BYTES_LIT("A.B.example"), .port = 443 },
		{ .host = SL_BYTES_LIT("b.example"), .port = 80, .path = SL_BYTES_LIT("/x/%79?z") },
		{ .host = SL_BYTES_LIT("nowhere.test"), .port = 443, .address = &address },
		{ .host = SL_BYTES_LIT("nowhere.test"), .port = 80, .path = SL_BYTES_LIT("/") }
	};
	struct sl_decision one, many[4];
	unsigned blocked = 0, before = taken;
	for (unsigned i = 0; i < AT_ALL; i++) {
		sl_decide(s, &q[i % 4], &one);
		sl_decide_many(s, q, 4, many);
		blocked += one.block + many[i % 4].block;
	}
	return blocked == AT_ALL / 4 * 3 * 2 && taken == before;
}

static void test_quiet(void **state)
{
	static const struct entry entries[ENTRIES] = { TREE(ADS, 0, "b.example"),
		                                       { ADS, 0, "b.example/x", SL_SCOPE_PATH },
		                                       ADDRESS(ADS, 0, "192.0.2.0/24") };
	struct made image = { 0 };
	struct sl_snapshot *s = make(entries, &image);
	int status = 0;
	(void)state;
	assert_true(taken > 0); /* the count works: opening took memory */
	assert_true(judge_all(s));
	pid_t child = fork();
	if (child == 0) {
		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
			_exit(WRONG);
		(void)syscall(SYS_exit, judge_all(s) ? RIGHT : WRONG);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), RIGHT);
	sl_snapshot_free(&s);
	made_free(&image);
}

int main(void)
{
	struct rows rows = { .n = 0 };
	ADD_ROWS(&rows, cases, test_decide);
	add_row(&rows, "line 13: explain tells every key that is tried, in order", test_explain, NULL);
	add_row(&rows, "a verdict takes no memory, no lock and no system call", test_quiet, NULL);
	return run_rows("policy/decide", &rows);
}
