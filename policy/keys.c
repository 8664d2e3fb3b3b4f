/* SPDX-License-Identifier: GPL-2.0-or-later */
/* keys.c - all keys of a request. */
#include "policy/keys.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/util.h"
#include "policy/keys_address.h"
#include "policy/keys_hash.h"
#include "policy/word.h"

enum { LAST_BIT = 63 }; /* of a mask of the shape: "and more" */

static uint64_t bit(unsigned n)
{
	return UINT64_C(1) << sl_min(n, LAST_BIT);
}

int sl_key_shape_add(struct sl_key_shape *shape, const struct sl_key *key)
{
	unsigned segments = sl_key_segments(key->path);
	uint64_t labels = bit(key->address ? 0 : sl_key_labels(key->host));
	if (segments > SL_KEY_SEGMENTS)
		return SL_ELIMIT;
	if (key->path.len == 0)
		shape->hosts |= labels;
	else
		shape->path_hosts |= labels;
	if (sl_bytes_find(key->path, '?') < key->path.len)
		shape->queries |= bit(segments);
	else if (key->path.len > 0)
		shape->segments |= bit(segments);
	shape->ports |= key->port != 0;
	return SL_OK;
}

void sl_key_shape_add_prefix(struct sl_key_shape *shape, bool v6, uint8_t len)
{
	if (v6)
		shape->v6[len / 64] |= UINT64_C(1) << len % 64;
	else
		shape->v4 |= bit(len);
}

static void put_host(struct sl_keys *k, size_t off, unsigned labels, uint64_t hash)
{
	k->host_off[k->n_hosts] = (uint8_t)off;
	k->host_labels[k->n_hosts] = (uint8_t)labels;
	k->host_hash[k->n_hosts++] = hash;
}

static void hash_address(struct sl_keys *k, uint64_t seed)
{
	uint8_t addr[SL_KEY_V6];
	size_t n = sl_key_address_read(sl_bytes_of(k->host->name, k->host->len), addr);
	if (((k->hosts | k->path_hosts) & bit(0)) != 0)
		put_host(k, 0, 0, sl_keys_hash_address(n == SL_KEY_V6, addr, seed));
}

/* Where the dots are among the next bytes of a name, a bit or the top bit of a byte each, and where bit n of that stands. */
#if defined(__SSE2__)
enum { DOTS = 16, DOT_BITS = 1 };
static inline uint64_t dots_of(const char *p)
{
	const __m128i *at = (const __m128i *)(const void *)p;
	return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(at), _mm_set1_epi8('.')));
}
#else
enum { DOTS = SL_WORD, DOT_BITS = 8 };
static inline uint64_t dots_of(const char *p)
{
	return sl_word_equal(sl_word_load(p), '.');
}
#endif
_Static_assert(sizeof(((struct sl_host *)NULL)->name) % DOTS == 0, "the last bytes can be read whole");

/* Where each suffix starts, the whole name first; returns how many there are. */
static unsigned find_suffixes(const struct sl_host *host, uint8_t off[SL_KEY_LABELS + 1])
{
	unsigned n = 1;
	off[0] = 0;
	for (size_t at = 0; at < host->len; at += DOTS) {
		uint64_t dots = dots_of(&host->name[at]);
		if (host->len - at < DOTS)
			dots &= (UINT64_C(1) << DOT_BITS * (host->len - at)) - 1;
		for (; dots != 0 && n < SL_KEY_LABELS; dots &= dots - 1)
			off[n++] = (uint8_t)(at + (unsigned)__builtin_ctzll(dots) / DOT_BITS + 1);
	}
	return n;
}

static void hash_hosts(struct sl_keys *k, uint64_t seed)
{
	uint8_t off[SL_KEY_LABELS + 1];
	unsigned n = find_suffixes(k->host, off);
	uint64_t wanted = k->hosts | k->path_hosts;
	for (unsigned i = 0; i < n; i++) {
		struct sl_bytes suffix = sl_bytes_of(&k->host->name[off[i]], k->host->len - off[i]);
		if ((wanted & bit(n - i)) != 0)
			put_host(k, off[i], n - i, sl_keys_hash_host(suffix, seed));
	}
}

static void put_path(struct sl_keys *k, size_t len, uint64_t seed)
{
	k->path_len[k->n_paths] = (uint16_t)len;
	k->path_hash[k->n_paths++] = sl_keys_hash_path(sl_bytes_first(k->path, len), seed);
}

/* Every prefix that ends before a slash. Returns how many slashes there are, at most one more than SL_KEY_SEGMENTS. */
static unsigned hash_prefixes(struct sl_keys *k, size_t end, uint64_t wanted, uint64_t seed)
{
	unsigned slashes = 0;
	for (size_t at = 0; at < end; at += SL_WORD) {
		size_t left = end - at;
		const uint8_t *p = &k->path.p[at];
		uint64_t w = left < SL_WORD ? sl_word_load_first(p, left) : sl_word_load(p);
		for (uint64_t m = sl_word_equal(w, '/'); m != 0; m &= m - 1) {
			if (slashes > 0 && (wanted & bit(slashes)) != 0)
				put_path(k, at + sl_word_first(m), seed);
			if (++slashes > SL_KEY_SEGMENTS)
				return slashes;
		}
	}
	return slashes;
}

static void hash_paths(struct sl_keys *k, const struct sl_key_shape *shape, uint64_t seed)
{
	size_t query = sl_bytes_find(k->path, '?');
	unsigned segments = hash_prefixes(k, query, shape->segments, seed);
	if (segments > SL_KEY_SEGMENTS)
		return;
	if (query > 0 && k->path.p[query - 1] != '/' && (shape->segments & bit(segments)) != 0)
		put_path(k, query, seed);
	if (query < k->path.len && (shape->queries & bit(segments)) != 0)
		put_path(k, k->path.len, seed);
}

void sl_keys_of(const struct sl_host *host, uint16_t port, struct sl_bytes path,
                const struct sl_key_shape *shape, uint64_t seed, struct sl_keys *out)
{
	out->host = host;
	out->path = path;
	out->hosts = shape->hosts;
	out->path_hosts = path.len == 0 ? 0 : shape->path_hosts;
	out->port = shape->ports != 0 ? port : 0;
	out->address = host->address;
	out->n_hosts = out->n_paths = 0;
	if (host->address)
		hash_address(out, seed);
	else
		hash_hosts(out, seed);
	if (out->path_hosts != 0)
		hash_paths(out, shape, seed);
}

static bool put_probe(struct sl_key_probes *out, const struct sl_keys_at *at, uint64_t hash)
{
	if (out->n == SL_KEY_PROBES)
		return false;
	out->hash[out->n] = hash;
	out->host[out->n] = at->host;
	out->path[out->n] = at->path;
	out->port[out->n++] = at->port;
	return true;
}

/* The host alone and with its paths, with or without port. False where out is full. */
static bool next_paths(const struct sl_keys *k, struct sl_keys_at *at, struct sl_key_probes *out)
{
	uint64_t host = k->host_hash[at->host], labels = bit(k->host_labels[at->host]);
	unsigned n_paths = (k->path_hosts & labels) != 0 ? k->n_paths : 0;
	if (at->port)
		host = sl_keys_with_port(host, k->port);
	if (at->path == 0 && (k->hosts & labels) != 0 && !put_probe(out, at, host))
		return false;
	unsigned path = at->path == 0 ? 1 : at->path, n = out->n;
	for (; path <= n_paths && n < SL_KEY_PROBES; path++, n++) {
		out->hash[n] = sl_keys_with_path(host, k->path_hash[path - 1]);
		out->host[n] = at->host;
		out->path[n] = (uint8_t)path;
		out->port[n] = at->port;
	}
	out->n = n;
	at->path = (uint8_t)path;
	return path > n_paths;
}

/* Names only, no port: every host hashed is a probe, and there are rarely more than a handful. */
static bool next_names(const struct sl_keys *k, struct sl_keys_at *at, struct sl_key_probes *out)
{
	if (k->path_hosts != 0 || k->port != 0 || at->host != 0 || k->n_hosts > SL_KEY_PROBES)
		return false;
	for (unsigned i = 0; i < k->n_hosts; i++) {
		out->hash[i] = k->host_hash[i];
		out->host[i] = (uint8_t)i;
		out->path[i] = 0;
		out->port[i] = false;
	}
	out->n = at->host = k->n_hosts;
	return true;
}

uint32_t sl_keys_next(const struct sl_keys *keys, struct sl_keys_at *at, struct sl_key_probes *out)
{
	out->n = 0;
	if (next_names(keys, at, out))
		return out->n;
	while (at->host < keys->n_hosts && next_paths(keys, at, out)) {
		at->path = 0;
		at->port = keys->port != 0 && !at->port;
		at->host += !at->port;
	}
	return out->n;
}

uint32_t sl_keys_count(const struct sl_keys *keys)
{
	uint32_t n = 0;
	for (unsigned i = 0; i < keys->n_hosts; i++) {
		uint64_t labels = bit(keys->host_labels[i]);
		n += (keys->hosts & labels) != 0;
		n += (keys->path_hosts & labels) != 0 ? keys->n_paths : 0;
	}
	return keys->port != 0 ? 2 * n : n;
}

struct sl_key sl_keys_key(const struct sl_keys *keys, const struct sl_key_probes *probes, uint32_t i)
{
	size_t off = keys->host_off[probes->host[i]];
	size_t path = probes->path[i] == 0 ? 0 : keys->path_len[probes->path[i] - 1];
	return (struct sl_key){ sl_bytes_of(&keys->host->name[off], keys->host->len - off),
		                sl_bytes_first(keys->path, path), probes->port[i] ? keys->port : 0,
		                keys->address };
}

void sl_keys_of_address(bool v6, const uint8_t *addr, const struct sl_key_shape *shape, uint64_t seed,
                        struct sl_key_prefixes *out)
{
	const uint64_t *lengths = v6 ? shape->v6 : &shape->v4;
	out->n = 0;
	for (int len = v6 ? 128 : 32; len >= 0; len--) {
		if ((lengths[len / 64] >> len % 64 & 1) == 0)
			continue;
		out->len[out->n] = (uint8_t)len;
		out->hash[out->n++] = sl_key_hash_prefix(v6, addr, (uint8_t)len, seed);
	}
}
