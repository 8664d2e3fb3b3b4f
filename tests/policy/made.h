/* SPDX-License-Identifier: GPL-2.0-or-later */
/* made.h - snapshots made in memory, for tests: an aligned image that grows, and a spill. */
#ifndef SL_TESTS_POLICY_MADE_H
#define SL_TESTS_POLICY_MADE_H

#include <stdlib.h>

#include "policy/compile.h"

struct made {
	uint8_t *p; /* aligned to 4096; free() */
	size_t len, cap;
	size_t fail_at; /* fails where more than so many bytes would be written; 0: never */
};

static inline int made_write(void *ctx, uint64_t offset, struct sl_bytes b)
{
	struct made *m = (struct made *)ctx;
	size_t end = (size_t)offset + b.len;
	if (m->fail_at != 0 && end > m->fail_at)
		return SL_ESYS;
	if (end > m->cap) {
		size_t cap = (end * 2 + 4095) / 4096 * 4096;
		uint8_t *more = (uint8_t *)aligned_alloc(4096, cap);
		if (more == NULL)
			abort();
		memset(more, 0xee, cap); /* what is not written must show */
		if (m->len > 0)
			memcpy(more, m->p, m->len);
		free(m->p);
		m->p = more;
		m->cap = cap;
	}
	memcpy(m->p + offset, b.p, b.len);
	m->len = end > m->len ? end : m->len;
	return SL_OK;
}

static inline int made_read(void *ctx, uint64_t offset, void *out, size_t len)
{
	const struct made *m = (const struct made *)ctx;
	if (offset + len > m->len)
		return SL_ESYS;
	memcpy(out, m->p + offset, len);
	return SL_OK;
}

static inline void made_free(struct made *m)
{
	free(m->p);
	*m = (struct made){ NULL, 0, 0, 0 };
}

#endif
