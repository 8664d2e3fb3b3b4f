/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_http1.c - the bytes are a whole connection, request after request. Properties: the answer for any part
 * of a head is "more" or the answer for all of it; a body walked in two pieces, wherever they part, ends
 * where it ends in one, and skipping what may be skipped changes nothing. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "filter/sniff_http1.h"

static bool same_view(struct sl_bytes a, const uint8_t *base_a, struct sl_bytes b, const uint8_t *base_b)
{
	if (a.p == NULL || b.p == NULL)
		return a.p == b.p && a.len == 0 && b.len == 0;
	if (!sl_bytes_equal(a, b))
		return false;
	return a.p - base_a == b.p - base_b || (a.len == 1 && a.p[0] == '/');
}

static bool same_body(const struct sl_http1_body *a, const struct sl_http1_body *b)
{
	return a->left == b->left && a->state == b->state && a->digits == b->digits;
}

static void check_heads(struct sl_bytes stream, int want, const struct sl_http_request *all)
{
	size_t step =
	        1 + stream.len / 128; /* every place of a split; of a larger input other places each time */
	for (size_t n = stream.len % step; n < stream.len; n += step) {
		uint8_t *copy = malloc(n == 0 ? 1 : n);
		if (copy == NULL)
			abort();
		memcpy(copy, stream.p, n);
		struct sl_http_request r = { 0 };
		int err = sl_http1_request_read((struct sl_bytes){ copy, n }, &r);
		if (err != SL_EMORE && err != want)
			abort();
		if (err == SL_OK &&
		    (r.len != all->len || r.len > n || r.port != all->port || r.tunnel != all->tunnel ||
		     !same_body(&r.body, &all->body) || !same_view(r.method, copy, all->method, stream.p) ||
		     !same_view(r.target, copy, all->target, stream.p) ||
		     !same_view(r.host, copy, all->host, stream.p) ||
		     !same_view(r.path, copy, all->path, stream.p) ||
		     !same_view(r.other_host[0], copy, all->other_host[0], stream.p) ||
		     !same_view(r.other_host[1], copy, all->other_host[1], stream.p) ||
		     !same_view(r.other_host[2], copy, all->other_host[2], stream.p)))
			abort();
		free(copy);
	}
}

/* What may be skipped is skipped, the rest is walked byte by byte. */
static int walk_skipping(struct sl_http1_body *b, struct sl_bytes stream, size_t *used)
{
	int err = SL_EMORE;
	for (*used = 0; err == SL_EMORE && *used < stream.len;) {
		size_t n = 0;
		uint64_t skip = sl_http1_body_skippable(b);
		if (skip > stream.len - *used)
			skip = stream.len - *used;
		if (skip > 0)
			sl_http1_body_skip(b, skip);
		*used += (size_t)skip;
		err = sl_http1_body_walk(b, sl_bytes_first(sl_bytes_skip(stream, *used), 1), &n);
		*used += n;
	}
	return err;
}

static int check_body(struct sl_http1_body start, struct sl_bytes stream, size_t *used)
{
	struct sl_http1_body whole = start, skipped = start;
	size_t n = 0;
	int want = sl_http1_body_walk(&whole, stream, used);
	if (*used > stream.len)
		abort();
	if (stream.len > 0 &&
	    (walk_skipping(&skipped, stream, &n) != want || n != *used || !same_body(&skipped, &whole)))
		abort();
	for (size_t cut = 0; cut < stream.len; cut += 1 + stream.len / 64) {
		struct sl_http1_body b = start;
		size_t first = 0, second = 0;
		int err = sl_http1_body_walk(&b, sl_bytes_first(stream, cut), &first);
		if (err == SL_EMORE)
			err = sl_http1_body_walk(&b, sl_bytes_skip(stream, cut), &second);
		if (err != want || first + second != *used || !same_body(&b, &whole))
			abort();
	}
	return want;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_bytes left = { data, size };
	for (int requests = 0; requests < 8 && left.len > 0; requests++) {
		struct sl_http_request r = { 0 };
		size_t used = 0;
		int err = sl_http1_request_read(left, &r);
		check_heads(left, err, &r);
		if (err != SL_OK)
			break;
		if (r.len == 0 || r.len > left.len)
			abort();
		left = sl_bytes_skip(left, r.len);
		if (check_body(r.body, left, &used) != SL_OK)
			break;
		left = sl_bytes_skip(left, used);
	}
	return 0;
}
