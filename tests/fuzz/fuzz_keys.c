/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_keys.c - of any URL and any shape of a set: each probe's hash is that of the key's bytes, the bytes read back as the
 * same parts, probes are as many as documented, none comes twice, and each key is a suffix of the host with a prefix of the
 * path. The input: 8 bytes of shape, then a URL; it is also read as the bytes of a key. */
#include <stdlib.h>

#include "policy/keys.h"

enum { SEED = 99, HEAD = 8, DISTINCT = 512 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* Two bits each of eight bytes, so that a short input reaches every mask. */
static uint64_t mask(const uint8_t *data, size_t i)
{
	uint64_t low = data[2 * i], high = data[2 * i + 1];
	return low | (high & 0x7f) << 8 | ((high & 0x80) != 0 ? ~UINT64_C(0x7fff) : 0);
}

static void check_key(const struct sl_key *key, uint64_t hash)
{
	char text[SL_KEY_MAX];
	size_t n = sl_key_write(key, text);
	struct sl_bytes bytes = sl_bytes_of(text, n);
	struct sl_key read;
	must(n > 0 && n <= SL_KEY_MAX && sl_key_equal(key, bytes));
	must(!sl_key_equal(key, sl_bytes_first(bytes, n - 1)));
	must(sl_key_read(bytes, &read) == SL_OK);
	must(sl_bytes_equal(read.host, key->host) && sl_bytes_equal(read.path, key->path));
	must(read.port == key->port && read.address == key->address);
	must(sl_key_hash(&read, SEED) == hash && sl_key_hash(key, SEED) == hash);
}

static void check_member(const struct sl_keys *keys, const struct sl_key *key,
                         const struct sl_key_shape *shape)
{
	struct sl_bytes host = sl_bytes_of(keys->host->name, keys->host->len);
	struct sl_key_shape own = *shape;
	must(key->host.len <= host.len && key->host.p + key->host.len == host.p + host.len);
	must(key->host.len == host.len || host.p[host.len - key->host.len - 1] == '.');
	must(key->path.len == 0 || key->path.p == keys->path.p);
	must(key->path.len == 0 || key->path.p[key->path.len - 1] != '/' ||
	     sl_bytes_find(key->path, '?') < key->path.len);
	/* Only what the shape has. */
	must(sl_key_shape_add(&own, key) == SL_OK && memcmp(&own, shape, sizeof(own)) == 0);
}

static void check_distinct(const uint64_t *seen, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			must(seen[i] != seen[j]);
}

static void check_request(const struct sl_url *url, const struct sl_key_shape *shape)
{
	static struct sl_keys keys;
	static uint64_t seen[DISTINCT];
	struct sl_keys_at at = { 0 };
	struct sl_key_probes probes;
	uint32_t n = 0;
	sl_keys_of(&url->host, url->port, sl_bytes_of(url->path, url->path_len), shape, SEED, &keys);
	while (sl_keys_next(&keys, &at, &probes) > 0)
		for (uint32_t i = 0; i < probes.n; i++, n++) {
			struct sl_key key = sl_keys_key(&keys, &probes, i);
			check_key(&key, probes.hash[i]);
			check_member(&keys, &key, shape);
			if (n < DISTINCT)
				seen[n] = probes.hash[i];
		}
	must(n == sl_keys_count(&keys));
	must(n <= 2 * SL_KEY_LABELS * (1 + SL_KEY_PATHS));
	check_distinct(seen, n < DISTINCT ? n : DISTINCT);
}

/* An entry made of the whole URL is found by it, whatever else is in the set. */
static void check_found(const struct sl_url *url, struct sl_key_shape *shape)
{
	static struct sl_keys keys;
	struct sl_bytes path = sl_bytes_of(url->path, url->path_len);
	struct sl_key key = sl_key_of(&url->host, url->port, path);
	struct sl_keys_at at = { 0 };
	struct sl_key_probes probes;
	bool found = false;
	if (sl_key_shape_add(shape, &key) != SL_OK)
		return;
	uint64_t want = sl_key_hash(&key, SEED);
	sl_keys_of(&url->host, url->port, path, shape, SEED, &keys);
	while (sl_keys_next(&keys, &at, &probes) > 0)
		for (uint32_t i = 0; i < probes.n; i++)
			found = found || probes.hash[i] == want;
	must(found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sl_url url;
	struct sl_key key;
	if (size < HEAD)
		return 0;
	uint8_t *copy = malloc(size);
	must(copy != NULL);
	memcpy(copy, data, size);
	struct sl_key_shape shape = { .hosts = mask(copy, 0),
		                      .path_hosts = mask(copy, 1),
		                      .segments = mask(copy, 2) & ~UINT64_C(1),
		                      .queries = mask(copy, 3),
		                      .ports = copy[0] & 1 };
	struct sl_bytes text = sl_bytes_of(copy + HEAD, size - HEAD);
	if (sl_url_canon(text, &url) == SL_OK) {
		check_request(&url, &shape);
		check_found(&url, &shape);
	}
	if (sl_key_read(text, &key) == SL_OK)
		check_key(&key, sl_key_hash(&key, SEED));
	free(copy);
	return 0;
}
