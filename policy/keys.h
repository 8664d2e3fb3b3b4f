/* SPDX-License-Identifier: GPL-2.0-or-later */
/* keys.h - the gateway's own keys, set `native` (policy-resolution line 5): what an entry is stored under, and what a
 * request is asked with.
 *
 * A key is host [":" port] [path], as bytes: the canonical host (host.h), IPv6 in brackets where a port follows; the port
 * only where an entry names one; a path prefix that starts with "/" and has no final slash, at a segment boundary, or the
 * whole path with its query (NE-URL-35; no fragment). An address prefix is "1.2.3.0/24" or "2001:db8::/32"; one of full
 * length is the bare address. A prefix and a path "/24" of an address share their bytes and their hash: their scopes tell
 * them apart, so a store may take the bytes of a key for its identity.
 *
 * The hash of a key is a function of its bytes and a seed, made of the hashes of its parts: a request hashes each suffix
 * of its host and each prefix of its path once and combines them. keys/host4, keys/url30
 * Pure, no allocation, any thread. */
#ifndef SL_POLICY_KEYS_H
#define SL_POLICY_KEYS_H

#include "policy/url.h"

enum {
	SL_KEY_LABELS = 127,                /* of a host: 253 bytes hold no more */
	SL_KEY_SEGMENTS = 62,               /* of a path; a deeper entry can never match (sl_key_shape_add) */
	SL_KEY_PATHS = SL_KEY_SEGMENTS + 1, /* every prefix, and the path with its query */
	SL_KEY_PORT = 8,                    /* bytes of brackets and port: "[]:65535" */
	SL_KEY_MAX = SL_HOST_MAX + SL_KEY_PORT + SL_PATH_MAX, /* bytes of a key */
	SL_KEY_PREFIX_MAX = 45 + 4, /* bytes of an address prefix: address, "/128" */
	SL_KEY_LENGTHS = 129,       /* lengths that an address prefix can have */
	SL_KEY_PROBES = 64,         /* probes that one call of sl_keys_next() writes at most */
};

/* ---- one key, as the compiler stores it ---- */

struct sl_key {               /* views, borrowed */
	struct sl_bytes host; /* canonical; IPv6 without brackets */
	struct sl_bytes path; /* starts with "/"; empty where the key is a host */
	uint16_t port;        /* 0: none */
	bool address;         /* the host is an IP literal */
};

/* path is a canonical one (sl_path_canon) or absent; its final slash goes, so "/" is a host's key. */
struct sl_key sl_key_of(const struct sl_host *host, uint16_t port, struct sl_bytes path);
/* addr has 4 bytes, or 16 for IPv6; bits beyond len count as 0; len is at most 32 or 128. The views lie in text. */
struct sl_key sl_key_of_prefix(bool v6, const uint8_t *addr, uint8_t len, char text[SL_KEY_PREFIX_MAX + 1]);

/* Writes its bytes, at most SL_KEY_MAX, without NUL; returns how many. */
size_t sl_key_write(const struct sl_key *key, char out[SL_KEY_MAX]);
/* Is this what sl_key_write() would write? Compares in place. */
bool sl_key_equal(const struct sl_key *key, struct sl_bytes bytes);
/* The parts of bytes that sl_key_write() wrote. SL_OK, or SL_EMALF where they can be no key; out is then not written. */
int sl_key_read(struct sl_bytes bytes, struct sl_key *out);
/* seed: of the snapshot. Never depends on anything but bytes and seed. */
uint64_t sl_key_hash(const struct sl_key *key, uint64_t seed);
/* sl_key_hash() of an address prefix, without its text. */
uint64_t sl_key_hash_prefix(bool v6, const uint8_t *addr, uint8_t len, uint64_t seed);

/* Segments of a canonical path without final slash: "/a/b" has 2, "/a/b?c" has 2, "/?c" has 1, no path has 0. */
unsigned sl_key_segments(struct sl_bytes path);
/* Labels of a canonical host name. */
unsigned sl_key_labels(struct sl_bytes host);

/* ---- what the keys of a set look like: probes that can find nothing are not made ---- */

/* All zero: an empty set. Written by the compiler, kept in the snapshot's header; every value is valid, so a file can only
 * make us ask too much or find too little. Bit n of a mask: n labels, segments or bits occur; bit 63 of the first three
 * stands for 63 and more. An address has 0 labels. */
struct sl_key_shape {
	uint64_t hosts;      /* labels of keys without a path */
	uint64_t path_hosts; /* labels of keys with one */
	uint64_t segments;   /* of keys with a path and no query */
	uint64_t queries;    /* segments of keys with a query */
	uint64_t v4;         /* lengths of IPv4 prefixes, 0..32 */
	uint64_t v6[3];      /* lengths of IPv6 prefixes, 0..128: bit n of word n / 64 */
	uint64_t ports;      /* 1 where some key names a port, else 0 */
};

/* SL_OK, or SL_ELIMIT where no request can ever find this key (more than SL_KEY_SEGMENTS segments): refuse the entry. */
int sl_key_shape_add(struct sl_key_shape *shape, const struct sl_key *key);
void sl_key_shape_add_prefix(struct sl_key_shape *shape, bool v6, uint8_t len);

/* ---- all keys of a request ---- */

struct sl_keys {
	const struct sl_host *host; /* borrowed */
	struct sl_bytes path;       /* borrowed; canonical; absent where unknown (TLS) */
	uint64_t hosts, path_hosts; /* of the shape */
	uint16_t port;              /* 0: unknown, or no key names one */
	uint8_t n_hosts, n_paths;
	bool address;
	/* Suffixes of the host, the whole one first; those that the shape rules out are left out. */
	uint64_t host_hash[SL_KEY_LABELS];
	uint8_t host_off[SL_KEY_LABELS];    /* where it starts */
	uint8_t host_labels[SL_KEY_LABELS]; /* 0 for an address */
	/* Prefixes of the path, the shortest first, the one with the query last; likewise. */
	uint64_t path_hash[SL_KEY_PATHS];
	uint16_t path_len[SL_KEY_PATHS];
};

/* host is canonical; path too (sl_path_canon), or absent (p NULL); port 0 where unknown. Both must outlive out. */
void sl_keys_of(const struct sl_host *host, uint16_t port, struct sl_bytes path,
                const struct sl_key_shape *shape, uint64_t seed, struct sl_keys *out);

/* A batch of probes. Hashes stand together, so that a prefilter can take them at once. */
struct sl_key_probes {
	uint32_t n;
	uint64_t hash[SL_KEY_PROBES];
	uint8_t host[SL_KEY_PROBES]; /* index into host_hash */
	uint8_t path[SL_KEY_PROBES]; /* index into path_hash + 1; 0: no path */
	bool port[SL_KEY_PROBES];    /* the key names the port */
};

struct sl_keys_at { /* where to go on; all zero: at the start */
	uint8_t host, path;
	bool port;
};

/* The next probes: hosts from the whole one upwards, each first without, then with its port, each first alone, then with
 * its paths. Their number is sl_keys_count(). Returns out->n; 0 after the last one. */
uint32_t sl_keys_next(const struct sl_keys *keys, struct sl_keys_at *at, struct sl_key_probes *out);
/* How many probes there are: for each host its own key where the shape has such a host, and its paths where it has such a
 * host with a path; twice that where a port counts. */
uint32_t sl_keys_count(const struct sl_keys *keys);
/* Probe i as a key: for the comparison of bytes, the depth of its host, the report. */
struct sl_key sl_keys_key(const struct sl_keys *keys, const struct sl_key_probes *probes, uint32_t i);

/* ---- all keys of a destination address (policy-resolution line 9) ---- */

struct sl_key_prefixes {
	uint32_t n;
	uint64_t hash[SL_KEY_LENGTHS];
	uint8_t len[SL_KEY_LENGTHS]; /* sl_key_of_prefix() of the address with it is the key */
};

/* Prefixes whose lengths the shape has, the longest first. addr has 4 bytes, or 16 for IPv6. */
void sl_keys_of_address(bool v6, const uint8_t *addr, const struct sl_key_shape *shape, uint64_t seed,
                        struct sl_key_prefixes *out);

#endif
