/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_h2.c - the bytes are a client's connection behind the preface. Properties: the requests and the end are the same for all
 * bytes at once, and given in steps that the input chooses; no call reads or claims bytes that are no frame's; what is told of a
 * request that has begun is what is told of it when it is whole, as far as it goes; a closed connection leaves nothing to the
 * next. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "filter/sniff_h2.h"

enum { REQUESTS = 64 };

struct story {
	uint64_t request[REQUESTS]; /* hashes of what was told */
	size_t n;
	int end;
	size_t used;
};

static struct sl_h2_pool *pool;

static void mix(uint64_t *hash, struct sl_bytes b)
{
	*hash = sl_hash(b.p == NULL ? (const uint8_t *)"" : b.p, b.len, *hash + (b.p != NULL));
}

static uint64_t digest(const struct sl_http_request *r)
{
	uint64_t hash = r->port * 2U + r->tunnel;
	if (r->major != 2 || r->len != 0 || r->body.state != 0)
		abort();
	mix(&hash, r->method);
	mix(&hash, r->target);
	mix(&hash, r->scheme);
	mix(&hash, r->host);
	for (size_t i = 0; i < SL_HTTP_OTHER_HOSTS; i++)
		mix(&hash, r->other_host[i]);
	mix(&hash, r->host_field);
	mix(&hash, r->path);
	return hash;
}

/* A request that is told without being whole: the parts that it has are those of the whole one. */
static void check_begun(struct sl_bytes stream, const struct sl_http_request *whole)
{
	/* the decoder's table is that of the connection; only the first section has a fresh one to try */
	for (size_t n = 0; n < stream.len; n += 1 + stream.len / 16) {
		struct sl_http_request r;
		uint8_t *copy = (uint8_t *)malloc(n + 1);
		sl_h2_flow flow = sl_h2_open(pool);
		if (copy == NULL || flow == 0)
			abort();
		memcpy(copy, stream.p, n);
		int err = sl_h2_begun(pool, flow, sl_bytes_of(copy, n), &r);
		if (err != SL_OK && err != SL_EMORE)
			abort();
		if (err == SL_OK && r.method.p != NULL && !sl_bytes_equal(r.method, whole->method))
			abort();
		if (err == SL_OK && r.path.p != NULL && r.target.p != r.host_field.p &&
		    !sl_bytes_equal(r.target, whole->target))
			abort();
		sl_h2_close(pool, &flow);
		free(copy);
	}
}

static void read_in_steps(struct sl_bytes all, size_t first, size_t step, struct story *out)
{
	sl_h2_flow flow = sl_h2_open(pool);
	size_t there = first < all.len ? first : all.len;
	if (flow == 0)
		abort();
	*out = (struct story){ .end = SL_EMORE };
	while (out->n < REQUESTS) {
		struct sl_http_request r;
		size_t n = out->used < there ? there - out->used : 0, used = SIZE_MAX;
		uint8_t *copy = (uint8_t *)malloc(n + 1);
		if (copy == NULL)
			abort();
		memcpy(copy, sl_bytes_skip(all, out->used).p, n);
		out->end = sl_h2_read(pool, flow, sl_bytes_of(copy, n), &used, &r);
		free(copy);
		if (used > n + 9 + (1 << 24))
			abort();
		out->used += used;
		if (out->end == SL_OK)
			out->request[out->n++] = digest(&r);
		else if (out->end != SL_EMORE || there == all.len)
			break;
		else
			there = step < all.len - there ? there + step : all.len;
	}
	sl_h2_close(pool, &flow);
}

static void check_same(const struct story *a, const struct story *b)
{
	if (a->n != b->n || a->end != b->end || a->used != b->used ||
	    memcmp(a->request, b->request, a->n * sizeof(a->request[0])) != 0)
		abort();
}

static void check_first(struct sl_bytes all)
{
	static uint8_t keep[3][65536];
	struct sl_http_request r;
	size_t used;
	sl_h2_flow flow = sl_h2_open(pool);
	int err = sl_h2_read(pool, flow, all, &used, &r);
	sl_h2_close(pool, &flow);
	if (err != SL_OK || all.len < 4 || all.p[3] != 1 || r.method.len > sizeof(keep[0]) ||
	    r.target.len > sizeof(keep[1]))
		return;
	if (r.method.p != NULL)
		r.method.p = (uint8_t *)memcpy(keep[0], r.method.p, r.method.len);
	if (r.target.p != NULL)
		r.target.p = (uint8_t *)memcpy(keep[1], r.target.p, r.target.len);
	check_begun(sl_bytes_first(all, used), &r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct story whole, parts;
	struct sl_bytes all = sl_bytes_of(data, size);
	if (size == 0 || size > 65536)
		return 0;
	if (pool == NULL && sl_h2_pool_new(1, &pool) != SL_OK)
		abort();
	read_in_steps(all, size, 1, &whole);
	read_in_steps(all, data[size - 1], 1 + size / 64, &parts);
	check_same(&whole, &parts);
	read_in_steps(all, size / 2, size, &parts);
	check_same(&whole, &parts);
	check_first(all);
	return 0;
}
