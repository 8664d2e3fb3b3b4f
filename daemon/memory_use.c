/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/memory_use.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* sluiced is linked with jemalloc, but for sanitizers; what else uses this code is not. */
extern int mallctl(const char *name, void *old, size_t *old_len, void *new, size_t new_len)
        __attribute__((weak));

static uint64_t stat_of(const char *name)
{
	size_t value = 0, len = sizeof(value);

	return mallctl(name, &value, &len, NULL, 0) == 0 ? value : 0;
}

void sl_memory_use_read(struct sl_memory_use *out)
{
	uint64_t epoch = 1;

	if (mallctl == NULL)
		return;
	(void)mallctl("epoch", NULL, NULL, &epoch, sizeof(epoch)); /* the numbers are those of now */
#define X(name, doc) __atomic_store_n(&out->name, stat_of("stats." #name), __ATOMIC_RELAXED);
	SL_MEMORY_USE(X)
#undef X
}

int sl_resident_read(pid_t pid, struct sl_resident *out)
{
	char path[32], line[128], name[16];
	unsigned long long kib;
	const struct {
		const char *name;
		uint64_t *bytes;
	} kinds[] = { { "RssAnon:", &out->anon }, { "RssFile:", &out->file }, { "RssShmem:", &out->shmem } };

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	FILE *status = fopen(path, "re");
	if (status == NULL)
		return SL_ENOENT;
	*out = (struct sl_resident){ 0, 0, 0 };
	while (fgets(line, sizeof(line), status) != NULL) {
		/* NOLINTNEXTLINE(cert-err34-c): printed by the kernel from numbers of this size */
		int n = sscanf(line, "%15s %llu", name, &kib);
		for (size_t i = 0; n == 2 && i < SL_COUNT(kinds); i++)
			if (strcmp(name, kinds[i].name) == 0)
				*kinds[i].bytes = kib * 1024;
	}
	(void)fclose(status);
	return SL_OK;
}
