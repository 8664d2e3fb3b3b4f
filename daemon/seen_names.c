/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/seen_names.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/seqlock.h"
#include "base/util.h"

enum { SETS = 4096, WAYS = 4 };

struct entry {
	int64_t at; /* microseconds since 1970; 0: free */
	uint8_t len;
	char name[SL_SEEN_NAME_MAX];
};

enum { WORDS = sizeof(struct entry) / sizeof(uint64_t) };
_Static_assert(sizeof(struct entry) == WORDS * sizeof(uint64_t), "an entry is words");

struct set {
	_Atomic uint64_t number;
	_Atomic uint64_t word[WAYS][WORDS];
};

struct table {
	uint64_t seed; /* random, so that nobody outside can say which names push out which */
	struct set set[SETS];
};

struct sl_seen_names {
	struct table *table;
};

int sl_seen_names_file(void)
{
	enum { SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL };
	uint64_t seed;
	int fd = memfd_create("sluice-seen-names", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -1;
	if (getrandom(&seed, sizeof(seed), 0) == sizeof(seed) && ftruncate(fd, sizeof(struct table)) == 0 &&
	    pwrite(fd, &seed, sizeof(seed), offsetof(struct table, seed)) == sizeof(seed) &&
	    fcntl(fd, F_ADD_SEALS, SEALS) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

int sl_seen_names_map(int fd, bool writable, struct sl_seen_names **out)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return SL_ESYS;
	if (st.st_size != (off_t)sizeof(struct table) || fcntl(fd, F_GET_SEALS) < 0 ||
	    (fcntl(fd, F_GET_SEALS) & F_SEAL_SHRINK) == 0)
		return SL_EMALF;
	struct sl_seen_names *names = malloc(sizeof(*names));
	if (names == NULL)
		return SL_ENOMEM;
	void *table = mmap(NULL, sizeof(*names->table), writable ? PROT_READ | PROT_WRITE : PROT_READ,
	                   MAP_SHARED, fd, 0);
	if (table == MAP_FAILED) {
		free(names);
		return SL_ESYS;
	}
	names->table = table;
	*out = names;
	return SL_OK;
}

void sl_seen_names_unmap(struct sl_seen_names **names)
{
	struct sl_seen_names *old = sl_take(names);

	if (old == NULL)
		return;
	(void)munmap(old->table, sizeof(*old->table));
	free(old);
}

/* The name's own way, else a free one, else the oldest. */
static size_t place_for(const struct set *set, const struct entry *e)
{
	size_t place = 0;
	int64_t oldest = INT64_MAX;

	for (size_t way = 0; way < WAYS; way++) {
		struct entry old;
		sl_seqlock_load(set->word[way], WORDS, &old);
		if (old.at != 0 && old.len == e->len && memcmp(old.name, e->name, e->len) == 0)
			return way;
		if (old.at < oldest) {
			place = way;
			oldest = old.at;
		}
	}
	return place;
}

void sl_seen_names_note(struct sl_seen_names *names, struct sl_bytes host, int64_t now_us)
{
	struct entry e = { .at = now_us };

	if (host.len > 0 && host.p[host.len - 1] == '.')
		host.len--;
	if (host.len == 0 || host.len > SL_SEEN_NAME_MAX)
		return;
	for (e.len = 0; e.len < host.len; e.len++)
		e.name[e.len] = (char)sl_ascii_lower(host.p[e.len]);
	struct set *set = &names->table->set[sl_hash(e.name, e.len, names->table->seed) % SETS];
	/* An odd one is of somebody who died in the midst of writing. */
	uint64_t number = atomic_load_explicit(&set->number, memory_order_relaxed) & ~UINT64_C(1);
	atomic_store_explicit(&set->number, number + 1, memory_order_relaxed);
	sl_seqlock_store(set->word[place_for(set, &e)], WORDS, &e);
	sl_seqlock_written(&set->number, number);
}

static bool load(const struct set *set, size_t way, struct entry *out)
{
	for (int i = 0; i < SL_SEQLOCK_TRIES; i++) {
		uint64_t number = sl_seqlock_read(&set->number);
		sl_seqlock_load(set->word[way], WORDS, out);
		if (sl_seqlock_was_whole(&set->number, number))
			return true;
	}
	return false;
}

size_t sl_seen_names_next(const struct sl_seen_names *names, size_t *at, int64_t since_us,
                          char out[SL_SEEN_NAME_MAX])
{
	struct entry e;

	while (*at < (size_t)SETS * WAYS) {
		size_t i = (*at)++;
		if (!load(&names->table->set[i / WAYS], i % WAYS, &e) || e.at == 0 || e.at < since_us ||
		    e.len == 0 || e.len > SL_SEEN_NAME_MAX)
			continue;
		memcpy(out, e.name, e.len);
		return e.len;
	}
	return 0;
}
