/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapshot.h - the compiled lists in one immutable image: offsets only, so that it can be mapped anywhere, shared by
 * processes and asked in place. How it is laid out stands in snapshot_format.h, how it is made in compile.h.
 *
 * Opening verifies header and section table and nothing else, so that 50 million entries open at once. After it, any
 * content of the sections is safe to ask: an image whose body was damaged may answer wrongly, but never reads outside
 * itself. sl_snapshot_verify() looks at the bodies; whoever publishes a snapshot does so first.
 * Pure; any number of threads may ask; the image must not change while it is open. */
#ifndef SL_POLICY_SNAPSHOT_H
#define SL_POLICY_SNAPSHOT_H

#include "policy/category.h"
#include "policy/keys.h"
#include "policy/list.h"

struct sl_snapshot;

/* How a request is made into keys. A number that files keep. */
enum sl_profile { SL_PROFILE_NATIVE, SL_PROFILE_NE26, SL_PROFILE_NE27, SL_PROFILE_BOTH };

/* "native", "ne26", "ne27", "both"; "unknown" beyond them. */
const char *sl_profile_name(enum sl_profile profile);

enum { SL_SNAPSHOT_PARTS = 13 };
enum {
	SL_SNAPSHOT_KEY = SL_KEY_MAX + 2
}; /* bytes of a key as text, at most: NE's always have brackets round IPv6 */

struct sl_snapshot_info {
	uint64_t checksum; /* of the header, and through it of all */
	uint32_t version;
	enum sl_profile profile;
	uint64_t generation, seed, bytes;
	uint64_t keys;             /* distinct, after folding */
	uint64_t entries;          /* distinct (key, scope, effect, list), before folding */
	uint64_t paths, addresses; /* keys with a path, which TLS can never match; address prefixes */
	uint32_t combinations, lists, categories;
	uint8_t labels_min, labels_max, segments_min, segments_max; /* of all keys */
	bool folded;
	struct sl_key_shape shape;
	struct {
		const char *name;
		uint64_t bytes;
	} part[SL_SNAPSHOT_PARTS];
};

/* image  borrowed until sl_snapshot_free(); aligned to 64 bytes (SL_EINVAL), as mappings are
 * why    may be NULL; where opening fails, a sentence for the operator; static text
 * Returns SL_OK; SL_EMALF: damaged or no snapshot; SL_EUNSUP: of an older or newer version; SL_ENOMEM. */
int sl_snapshot_open(struct sl_bytes image, const char **why, struct sl_snapshot **out);
void sl_snapshot_free(struct sl_snapshot **s);
/* Reads every byte, and compares the checksums of all sections: the bytes are those that were written. Returns SL_OK, or SL_EMALF. */
int sl_snapshot_whole(const struct sl_snapshot *s, const char **why);
/* That, and what they say: order of the keys, order of the keys, each key found through the index, each number within its table.
 * Returns SL_OK, or SL_EMALF. */
int sl_snapshot_verify(const struct sl_snapshot *s, const char **why);

void sl_snapshot_info(const struct sl_snapshot *s, struct sl_snapshot_info *out);

/* The bytes that every question touches, and a way to ask a copy of them, in huge pages say. copy: as many bytes, equal,
 * aligned to SL_PREFILTER_BLOCK, borrowed. SL_OK or SL_EINVAL. */
struct sl_bytes sl_snapshot_prefilter(const struct sl_snapshot *s);
int sl_snapshot_move_prefilter(struct sl_snapshot *s, struct sl_bytes copy);
/* Reads a byte of every 2 MiB of the image: see sl_policy_touch(). */
void sl_snapshot_touch(const struct sl_snapshot *s);

struct sl_snapshot_mention {
	uint16_t list, category;
	enum sl_scope scope;
	enum sl_effect effect;
	bool important;
	uint32_t line;
};

/* Key number n, of info.keys, as bytes (keys.h; suburl.h where the profile is not native); len gets how many. SL_OK; SL_ENOENT beyond the last; SL_EMALF. */
int sl_snapshot_key(const struct sl_snapshot *s, uint64_t n, char out[SL_SNAPSHOT_KEY + 1], size_t *len);
/* Mention i of key number n: which list says what of it, in the order of lists. SL_OK, SL_ENOENT, SL_EMALF. */
int sl_snapshot_mention(const struct sl_snapshot *s, uint64_t n, unsigned i, struct sl_snapshot_mention *out);

const char *sl_snapshot_list_name(const struct sl_snapshot *s, uint16_t list); /* NULL beyond the last */
const char *sl_snapshot_list_file(const struct sl_snapshot *s, uint16_t list);
uint16_t sl_snapshot_list_category(const struct sl_snapshot *s, uint16_t list);
const char *sl_snapshot_category_name(const struct sl_snapshot *s, uint16_t category);
enum sl_list_kind sl_snapshot_category_kind(const struct sl_snapshot *s, uint16_t category);

#endif
