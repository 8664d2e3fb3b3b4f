/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <stdio.h>

#include "policy/keys.h"
#include "tests/policy/rows.h"

enum { SEED = 7, WANT_MAX = 24 };

static struct sl_key_shape all_shapes(void)
{
	struct sl_key_shape shape;
	memset(&shape, 0xff, sizeof(shape));
	return shape;
}

/* The parts of a key that is written as an entry's: host, then port, then path. */
static struct sl_key key_of_text(const char *text)
{
	struct sl_key key = { .port = 0 };
	assert_int_equal(sl_key_read(sl_bytes_str(text), &key), SL_OK);
	return key;
}

static const struct keys_case {
	const char *name, *host, *path; /* path NULL: unknown */
	uint16_t port;
	const char *entries[4];     /* whose shape counts; none: every shape there can be, without ports */
	const char *want[WANT_MAX]; /* in this order */
} requests[] = {
	{ "line 5: every suffix, one label included; www is a label like any other",
	  "www.a.example.com",
	  NULL,
	  443,
	  { NULL },
	  { "www.a.example.com", "a.example.com", "example.com", "com" } },
	{ "line 5: a port only where an entry names one",
	  "a.example",
	  NULL,
	  8080,
	  { "b.example", "example:80" },
	  { "a.example", "a.example:8080", "example", "example:8080" } },
	{ "line 5: an unknown port is no key", "a.example", NULL, 0, { "b.example:80" }, { "a.example" } },
	{ "NE-URL-35: every prefix of the path at a segment boundary, without final slash",
	  "a.example",
	  "/x/y/z",
	  0,
	  { NULL },
	  { "a.example", "a.example/x", "a.example/x/y", "a.example/x/y/z", "example", "example/x",
	    "example/x/y", "example/x/y/z" } },
	{ "NE-URL-35: the query only behind the full path",
	  "example",
	  "/x/y?q=1&r=/2/",
	  0,
	  { NULL },
	  { "example", "example/x", "example/x/y", "example/x/y?q=1&r=/2/" } },
	{ "line 5: a final slash makes no key of its own",
	  "example",
	  "/x/y/",
	  0,
	  { NULL },
	  { "example", "example/x", "example/x/y" } },
	{ "the root is the host", "example", "/", 0, { NULL }, { "example" } },
	{ "a query of the root", "example", "/?q", 0, { NULL }, { "example", "example/?q" } },
	{ "a port and a path together",
	  "example",
	  "/x",
	  80,
	  { "a", "b:8080", "c/d" },
	  { "example", "example/x", "example:80", "example:80/x" } },
	{ "NE-CHOICE-35: an address is only itself",
	  "192.0.2.7",
	  "/x",
	  0,
	  { NULL },
	  { "192.0.2.7", "192.0.2.7/x" } },
	{ "IPv6 stands in brackets where a port follows",
	  "2001:db8::1",
	  "/x",
	  443,
	  { "192.0.2.1", "192.0.2.1:80/y" },
	  { "2001:db8::1", "2001:db8::1/x", "[2001:db8::1]:443", "[2001:db8::1]:443/x" } },
	{ "a number of labels that no entry has is not asked for",
	  "a.b.c.example.com",
	  NULL,
	  0,
	  { "b.example", "a.b.c.example" },
	  { "b.c.example.com", "example.com" } },
	{ "an address is not asked for where none is listed",
	  "192.0.2.7",
	  "/x",
	  0,
	  { "a.example" },
	  { NULL } },
	{ "a name is not asked for where only addresses are listed",
	  "a.b",
	  NULL,
	  0,
	  { "192.0.2.7" },
	  { NULL } },
	{ "paths are asked for only behind hosts that may have some",
	  "a.example.com",
	  "/x",
	  0,
	  { "example.com", "a.b.c/y" },
	  { "a.example.com/x", "example.com" } },
	{ "a number of segments that no entry has is not asked for",
	  "example",
	  "/1/2/3/4",
	  0,
	  { "example/1", "example/1/2/3" },
	  { "example/1", "example/1/2/3" } },
	{ "a query is not asked for where none is listed",
	  "example",
	  "/1?q",
	  0,
	  { "example/1" },
	  { "example/1" } },
	{ "a query of another depth is not asked for", "example", "/1/2?q", 0, { "example/1?q" }, { NULL } },
	{ "where no path is known, no path is asked for", "example", NULL, 0, { "example/1" }, { NULL } },
};

static void shape_of(const struct keys_case *c, struct sl_key_shape *shape)
{
	memset(shape, c->entries[0] == NULL ? 0xff : 0, sizeof(*shape));
	for (size_t i = 0; i < 4 && c->entries[i] != NULL; i++) {
		struct sl_key key = key_of_text(c->entries[i]);
		assert_int_equal(sl_key_shape_add(shape, &key), SL_OK);
	}
	if (c->entries[0] == NULL)
		shape->ports = 0;
}

static void check_probe(const struct sl_keys *keys, const struct sl_key_probes *probes, uint32_t i,
                        const char *want)
{
	char got[SL_KEY_MAX + 1];
	struct sl_key key = sl_keys_key(keys, probes, i), read = key_of_text(want);
	size_t n = sl_key_write(&key, got);
	got[n] = '\0';
	assert_string_equal(got, want);
	assert_true(sl_key_equal(&key, sl_bytes_str(want)));
	assert_true(probes->hash[i] == sl_key_hash(&key, SEED) &&
	            probes->hash[i] == sl_key_hash(&read, SEED));
	assert_true(read.port == key.port && read.address == key.address);
}

static void test_request(void **state)
{
	const struct keys_case *c = *state;
	struct sl_key_shape shape;
	struct sl_host host;
	struct sl_keys keys;
	struct sl_keys_at at = { 0 };
	struct sl_key_probes probes;
	size_t n = 0;
	shape_of(c, &shape);
	assert_int_equal(sl_host_canon(sl_bytes_str(c->host), &host), SL_OK);
	sl_keys_of(&host, c->port, sl_bytes_str(c->path), &shape, SEED, &keys);
	assert_int_equal(sl_keys_next(&keys, &at, &probes), sl_keys_count(&keys));
	for (; n < probes.n && c->want[n] != NULL; n++)
		check_probe(&keys, &probes, (uint32_t)n, c->want[n]);
	assert_int_equal(n, probes.n);
	assert_null(c->want[n]);
	assert_int_equal(sl_keys_next(&keys, &at, &probes), 0);
}

static const struct read_case {
	const char *name, *in;
	const char *host, *path; /* host NULL: refused */
	uint16_t port;
	bool address;
} reads[] = {
	{ "a host", "example.com", "example.com", "", 0, false },
	{ "a host and a path", "example.com/a:b", "example.com", "/a:b", 0, false },
	{ "a host and a port", "example.com:8443", "example.com", "", 8443, false },
	{ "a port and a path", "example.com:1/a", "example.com", "/a", 1, false },
	{ "a final slash in a query", "example.com/a?b/", "example.com", "/a?b/", 0, false },
	{ "an address", "192.0.2.1", "192.0.2.1", "", 0, true },
	{ "a prefix", "192.0.2.0/24", "192.0.2.0", "/24", 0, true },
	{ "IPv6", "2001:db8::1", "2001:db8::1", "", 0, true },
	{ "a prefix of IPv6", "2001:db8::/32", "2001:db8::", "/32", 0, true },
	{ "IPv6 with a port", "[2001:db8::1]:53/a", "2001:db8::1", "/a", 53, true },
	{ "a name that ends in a digit", "example.a1", "example.a1", "", 0, false },
	{ "nothing is refused", "", NULL, NULL, 0, false },
	{ "a path alone is refused", "/a", NULL, NULL, 0, false },
	{ "a final slash is refused", "example.com/a/", NULL, NULL, 0, false },
	{ "an empty port is refused", "example.com:", NULL, NULL, 0, false },
	{ "a leading zero is refused", "example.com:080", NULL, NULL, 0, false },
	{ "port 0 is refused", "example.com:0", NULL, NULL, 0, false },
	{ "a port above 65535 is refused", "example.com:65536", NULL, NULL, 0, false },
	{ "brackets without a port are refused", "[2001:db8::1]", NULL, NULL, 0, false },
	{ "brackets that do not close are refused", "[2001:db8::1:53", NULL, NULL, 0, false },
	{ "a name in brackets is refused", "[example]:53", NULL, NULL, 0, false },
};

static void test_read(void **state)
{
	const struct read_case *c = *state;
	char text[SL_KEY_MAX];
	struct sl_key key;
	assert_int_equal(sl_key_read(sl_bytes_str(c->in), &key), c->host == NULL ? SL_EMALF : SL_OK);
	if (c->host == NULL)
		return;
	assert_true(sl_bytes_equal(key.host, sl_bytes_str(c->host)));
	assert_true(sl_bytes_equal(key.path, sl_bytes_str(c->path)));
	assert_int_equal(key.port, c->port);
	assert_int_equal(key.address, c->address);
	assert_true(sl_bytes_equal(sl_bytes_of(text, sl_key_write(&key, text)), sl_bytes_str(c->in)));
	assert_true(sl_key_equal(&key, sl_bytes_str(c->in)));
	assert_false(sl_key_equal(&key, sl_bytes_first(sl_bytes_str(c->in), strlen(c->in) - 1)));
	assert_false(sl_key_equal(&key, SL_BYTES_LIT("another")));
	assert_false(sl_key_equal(&key, (struct sl_bytes){ NULL, 0 }));
}

static const struct prefix_case {
	const char *name, *address;
	uint8_t len;
	const char *want;
} prefixes[] = {
	{ "bits beyond the length are 0", "192.0.2.255", 28, "192.0.2.240/28" },
	{ "a length within a byte", "10.255.0.0", 9, "10.128.0.0/9" },
	{ "all of IPv4", "192.0.2.1", 0, "0.0.0.0/0" },
	{ "an IPv4 address of full length is the bare address", "192.0.2.1", 32, "192.0.2.1" },
	{ "a prefix of IPv6", "2001:db8:ffff::1", 33, "2001:db8:8000::/33" },
	{ "an IPv6 address of full length is the bare address", "2001:db8::1", 128, "2001:db8::1" },
	{ "one bit less", "2001:db8::1", 127, "2001:db8::/127" },
	{ "all of IPv6", "2001:db8::1", 0, "::/0" },
	{ "eight groups", "1:2:3:4:5:6:7:8", 128, "1:2:3:4:5:6:7:8" },
	{ "a gap at the end", "1:2:3:4:5:6:7:8", 64, "1:2:3:4::/64" },
	{ "an IPv4-mapped address", "::ffff:192.0.2.1", 128, "::ffff:192.0.2.1" },
	{ "a prefix of IPv4-mapped addresses", "::ffff:192.0.2.1", 120, "::ffff:192.0.2.0/120" },
};

static size_t address_bytes(const char *text, uint8_t addr[16])
{
	bool v6 = strchr(text, ':') != NULL;
	assert_int_equal(inet_pton(v6 ? AF_INET6 : AF_INET, text, addr), 1);
	return v6 ? 16 : 4;
}

static void test_prefix(void **state)
{
	const struct prefix_case *c = *state;
	char text[SL_KEY_PREFIX_MAX + 1], got[SL_KEY_MAX + 1];
	uint8_t addr[16];
	bool v6 = address_bytes(c->address, addr) == 16;
	struct sl_key key = sl_key_of_prefix(v6, addr, c->len, text), read = key_of_text(c->want);
	got[sl_key_write(&key, got)] = '\0';
	assert_string_equal(got, c->want);
	assert_true(sl_key_hash_prefix(v6, addr, c->len, SEED) == sl_key_hash(&read, SEED));
	assert_true(sl_key_hash(&key, SEED) == sl_key_hash(&read, SEED));
}

static void test_address(void **state)
{
	static const uint8_t v4[4] = { 192, 0, 2, 1 }, v6[16] = { 0x20, 0x01, 0x0d, 0xb8 };
	struct sl_key_shape shape = { .hosts = 0 };
	struct sl_key_prefixes got;
	(void)state;
	sl_keys_of_address(false, v4, &shape, SEED, &got);
	assert_int_equal(got.n, 0);
	sl_key_shape_add_prefix(&shape, false, 24);
	sl_key_shape_add_prefix(&shape, false, 32);
	sl_key_shape_add_prefix(&shape, true, 128);
	sl_key_shape_add_prefix(&shape, true, 64);
	sl_key_shape_add_prefix(&shape, true, 0);
	sl_keys_of_address(false, v4, &shape, SEED, &got);
	assert_int_equal(got.n, 2);
	assert_true(got.len[0] == 32 && got.len[1] == 24);
	assert_true(got.hash[1] == sl_key_hash_prefix(false, v4, 24, SEED));
	sl_keys_of_address(true, v6, &shape, SEED, &got);
	assert_int_equal(got.n, 3);
	assert_true(got.len[0] == 128 && got.len[1] == 64 && got.len[2] == 0);
	shape = all_shapes();
	sl_keys_of_address(true, v6, &shape, SEED, &got);
	assert_int_equal(got.n, SL_KEY_LENGTHS);
}

/* A host of as many labels as there can be and a path of n segments. */
static uint32_t count_deep(unsigned n, bool query, struct sl_keys *keys, struct sl_host *host, char *path)
{
	struct sl_key_shape shape = all_shapes();
	char name[SL_HOST_MAX];
	size_t len = 0;
	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = i % 2 == 0 ? 'a' : '.';
	assert_int_equal(sl_host_canon(sl_bytes_of(name, sizeof(name)), host), SL_OK);
	for (unsigned i = 0; i < n; i++) {
		path[len++] = '/';
		path[len++] = 'a';
	}
	if (query)
		path[len++] = '?';
	if (query)
		path[len++] = 'q';
	sl_keys_of(host, 80, sl_bytes_of(path, len), &shape, SEED, keys);
	return sl_keys_count(keys);
}

static void test_deepest(void **state)
{
	struct sl_keys keys;
	struct sl_keys_at at = { 0 };
	struct sl_key_probes probes;
	struct sl_host host;
	char path[SL_PATH_MAX];
	uint32_t n = count_deep(SL_KEY_SEGMENTS, true, &keys, &host, path), all = 0;
	(void)state;
	assert_int_equal(n, 2 * SL_KEY_LABELS * (1 + SL_KEY_PATHS));
	while (sl_keys_next(&keys, &at, &probes) > 0) {
		for (uint32_t i = 0; i < probes.n; i++) {
			struct sl_key key = sl_keys_key(&keys, &probes, i);
			assert_true(sl_key_hash(&key, SEED) == probes.hash[i]);
		}
		assert_true(probes.n == SL_KEY_PROBES || all + probes.n == n);
		all += probes.n;
	}
	assert_int_equal(all, n);
}

static void test_too_deep(void **state)
{
	struct sl_key_shape shape = { .hosts = 0 };
	struct sl_keys keys;
	struct sl_host host;
	char path[SL_PATH_MAX];
	struct sl_key key;
	(void)state;
	assert_int_equal(count_deep(SL_KEY_SEGMENTS + 1, true, &keys, &host, path),
	                 2 * SL_KEY_LABELS * (1 + SL_KEY_SEGMENTS));
	assert_int_equal(count_deep(300, true, &keys, &host, path),
	                 2 * SL_KEY_LABELS * (1 + SL_KEY_SEGMENTS));
	key = sl_key_of(&host, 0, sl_bytes_of(path, (size_t)2 * (SL_KEY_SEGMENTS + 1)));
	assert_int_equal(sl_key_shape_add(&shape, &key), SL_ELIMIT);
	assert_true(shape.path_hosts == 0 && shape.segments == 0);
	key = sl_key_of(&host, 0, sl_bytes_of(path, (size_t)2 * SL_KEY_SEGMENTS));
	assert_int_equal(sl_key_shape_add(&shape, &key), SL_OK);
}

/* Parts must not be taken for one another, and the seed must count for each of them. */
static void test_parts(void **state)
{
	static const char *const texts[] = { "a.example",     "a.example/a",   "a.example/b",
		                             "example/a",     "a.example:1",   "a.example:2",
		                             "a.example:1/a", "192.0.2.1",     "192.0.2.0/24",
		                             "192.0.2.0/25",  "2001:db8::1",   "[2001:db8::1]:1",
		                             "a.example/1",   "a.example/a?a", "a.example/?a" };
	uint64_t hash[2 * (sizeof(texts) / sizeof(texts[0]))];
	size_t n = 0;
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct sl_key key = key_of_text(texts[i]);
		hash[n++] = sl_key_hash(&key, SEED);
		hash[n++] = sl_key_hash(&key, SEED + 1);
	}
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			assert_true(hash[i] != hash[j]);
}

/* A snapshot keeps what these hashes led to: who changes them needs a new version of its format. */
static const struct hash_case {
	const char *name;
	uint64_t want;
} hashes[] = {
	{ "example.com", UINT64_C(0x0662712c180b8a39) },
	{ "example.com:8080", UINT64_C(0x5380a8e11f62d671) },
	{ "example.com/a/b?c", UINT64_C(0x04312cd09799f462) },
	{ "example.com:8080/a", UINT64_C(0xeff71b05644de47f) },
	{ "192.0.2.1", UINT64_C(0x2d373fc4f44a9037) },
	{ "192.0.2.0/24", UINT64_C(0xa7d99e8b3aa6eec1) },
	{ "2001:db8::/32", UINT64_C(0x9d6b2100e17e56a8) },
};

static void test_hash(void **state)
{
	const struct hash_case *c = *state;
	struct sl_key key = key_of_text(c->name);
	if (sl_key_hash(&key, SEED) != c->want)
		print_message("0x%016llx\n", (unsigned long long)sl_key_hash(&key, SEED));
	assert_true(sl_key_hash(&key, SEED) == c->want);
}

enum { SPREAD_BITS = 12, SPREAD = 1 << SPREAD_BITS };

/* Random numbers hit 1 - 1/e of as many buckets. */
static void assert_spread(const uint64_t hash[SPREAD], unsigned shift)
{
	static bool hit[SPREAD];
	unsigned n = 0;
	memset(hit, 0, sizeof(hit));
	for (size_t i = 0; i < SPREAD; i++)
		hit[hash[i] >> shift & (SPREAD - 1)] = true;
	for (size_t i = 0; i < SPREAD; i++)
		n += hit[i];
	assert_in_range(n, SPREAD * 60 / 100, SPREAD * 66 / 100);
}

/* Both ends of a hash choose places: in the prefilter, in the set. Keys that differ in one part must not crowd there. */
static void test_spread(void **state)
{
	static const struct {
		const char *head, *tail;
	} forms[] = {
		{ "a", ".example" }, { "a.example:", "" }, { "a.example/", "" }, { "", ".example:80/a" }
	};
	static uint64_t hash[SPREAD];
	char text[64];
	(void)state;
	for (size_t form = 0; form < sizeof(forms) / sizeof(forms[0]); form++) {
		for (unsigned i = 0; i < SPREAD; i++) {
			(void)snprintf(text, sizeof(text), "%s%u%s", forms[form].head, i + 1,
			               forms[form].tail);
			struct sl_key key = key_of_text(text);
			hash[i] = sl_key_hash(&key, SEED);
		}
		assert_spread(hash, 0);
		assert_spread(hash, 32 - SPREAD_BITS);
		assert_spread(hash, 64 - SPREAD_BITS);
	}
}

int main(void)
{
	struct rows rows = { .n = 0 };
	ADD_ROWS(&rows, requests, test_request);
	ADD_ROWS(&rows, reads, test_read);
	ADD_ROWS(&rows, prefixes, test_prefix);
	add_row(&rows, "line 9: a destination address is asked for with every length that is listed",
	        test_address, NULL);
	add_row(&rows, "the most keys that a request can have", test_deepest, NULL);
	add_row(&rows, "beyond the deepest path an entry is refused and a request loses what is deeper",
	        test_too_deep, NULL);
	ADD_ROWS(&rows, hashes, test_hash);
	add_row(&rows, "hashes of keys that differ in one part are spread", test_spread, NULL);
	add_row(&rows, "no part of a key is taken for another", test_parts, NULL);
	return run_rows("policy/keys", &rows);
}
