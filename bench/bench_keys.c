/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench_keys.c - from a name or URL to the hashes that the set is asked with. 1024 of them in turn, so that branches are not
 * learnt by heart. "each": every key written out and hashed anew, which is what the parts are combined to avoid.
 * host4: four labels, four keys, no path. url30: some 85 bytes; three suffixes, each alone, with eight path prefixes and with the
 * query: 30 keys. canon: what comes before, from mixed case. */
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "bench/bench.h"
#include "policy/keys.h"

enum { INPUTS = 1024, TEXT = 128, SEED = 1 };

struct state {
	char text[INPUTS][TEXT];
	struct sl_url url[INPUTS];
	struct sl_key_shape shape;
};

static void put_word(char *out, uint64_t key, size_t letters)
{
	for (size_t i = 0; i < letters; i++, key /= 26)
		out[i] = (char)('a' + key % 26);
	out[letters] = '\0';
}

/* Upper case at the head, as links have it; the canonical form does not. */
static void put_url(char out[TEXT], uint64_t i, bool path)
{
	char a[16], b[16];
	put_word(a, sl_bench_key(2 * i), 6 + sl_bench_key(i) % 4);
	put_word(b, sl_bench_key(2 * i + 1), 8);
	if (path)
		(void)snprintf(out, TEXT, "https://Www.%s.co/%.4s/%.5s/%.3s/%.6s/%.2s/%s/%.4s/%.7s?id=%s&p=1",
		               a, b, a, b, b, a, b, a, b, b);
	else
		(void)snprintf(out, TEXT, "Www.%.5s.%s.com", b, a);
}

static void *setup(bool path)
{
	struct state *st = (struct state *)calloc(1, sizeof(*st));
	if (st == NULL)
		return NULL;
	memset(&st->shape, 0xff, sizeof(st->shape));
	st->shape.ports = 0;
	for (size_t i = 0; i < INPUTS; i++) {
		put_url(st->text[i], i, path);
		if (sl_url_canon(sl_bytes_str(st->text[i]), &st->url[i]) != SL_OK)
			abort();
	}
	return st;
}

static void *setup_host(uint64_t entries)
{
	(void)entries;
	return setup(false);
}

static void *setup_url(uint64_t entries)
{
	(void)entries;
	return setup(true);
}

static struct sl_bytes path_of(const struct sl_url *url)
{
	return url->has_path ? sl_bytes_of(url->path, url->path_len) : (struct sl_bytes){ NULL, 0 };
}

static void run_keys(void *arg, uint64_t n)
{
	struct state *st = (struct state *)arg;
	struct sl_keys keys;
	struct sl_key_probes probes;
	for (uint64_t i = 0; i < n; i++) {
		const struct sl_url *url = &st->url[i % INPUTS];
		struct sl_keys_at at = { 0 };
		sl_keys_of(&url->host, url->port, path_of(url), &st->shape, SEED, &keys);
		while (sl_keys_next(&keys, &at, &probes) > 0)
			sl_keep(probes.hash[0] ^ probes.hash[probes.n - 1]);
	}
}

/* A key's bytes are put together and hashed. */
static uint64_t hash_whole(struct sl_bytes host, struct sl_bytes path)
{
	char text[SL_KEY_MAX];
	memcpy(text, host.p, host.len);
	memcpy(text + host.len, path.p, path.len);
	return sl_hash(text, host.len + path.len, SEED);
}

static void each_path(struct sl_bytes host, struct sl_bytes path)
{
	size_t query = sl_bytes_find(path, '?');
	for (size_t i = 1; i < path.len; i++)
		if (path.p[i] == '/' || i == query)
			sl_keep(hash_whole(host, sl_bytes_first(path, i)));
	if (path.len > 1)
		sl_keep(hash_whole(host, path));
}

static void run_each(void *arg, uint64_t n)
{
	struct state *st = (struct state *)arg;
	for (uint64_t i = 0; i < n; i++) {
		const struct sl_url *url = &st->url[i % INPUTS];
		struct sl_bytes at = sl_bytes_of(url->host.name, url->host.len);
		for (; at.p != NULL; at = sl_host_parent(at)) {
			sl_keep(sl_hash(at.p, at.len, SEED));
			each_path(at, path_of(url));
		}
	}
}

static void run_canon_host(void *arg, uint64_t n)
{
	struct state *st = (struct state *)arg;
	struct sl_host host;
	for (uint64_t i = 0; i < n; i++) {
		if (sl_host_canon(sl_bytes_str(st->text[i % INPUTS]), &host) != SL_OK)
			abort();
		sl_keep(host.len);
	}
}

static void run_canon_url(void *arg, uint64_t n)
{
	struct state *st = (struct state *)arg;
	static struct sl_url url;
	for (uint64_t i = 0; i < n; i++) {
		if (sl_url_canon(sl_bytes_str(st->text[i % INPUTS]), &url) != SL_OK)
			abort();
		sl_keep(url.path_len);
	}
}

const struct sl_bench sl_bench_host_keys[] = { { "keys/host4/each", setup_host, run_each, free },
	                                       { "keys/host4", setup_host, run_keys, free },
	                                       { "canon/host", setup_host, run_canon_host, free },
	                                       { NULL, NULL, NULL, NULL } };
const struct sl_bench sl_bench_url_keys[] = { { "keys/url30/each", setup_url, run_each, free },
	                                      { "keys/url30", setup_url, run_keys, free },
	                                      { "canon/url", setup_url, run_canon_url, free },
	                                      { NULL, NULL, NULL, NULL } };
