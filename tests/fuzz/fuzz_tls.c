/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_tls.c - the first byte sizes the scratch. Property: the answer for any part of the bytes is "more" or
 * the answer for all of them, names and ECH included; what may be real ECH has a name and offers TLS 1.3; views
 * lie within the stream or the scratch; a refusal leaves the scratch as it was. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "filter/sniff_tls.h"

struct answer {
	int err;
	struct sl_tls_hello hello; /* its views are copies */
	uint8_t text[2][65536];
};

static void keep(struct sl_bytes *view, uint8_t *to)
{
	if (view->len > 0)
		memcpy(to, view->p, view->len);
	if (view->p != NULL)
		view->p = to;
}

static void check_view(struct sl_bytes view, struct sl_bytes a, struct sl_bytes b)
{
	bool in_a = view.p >= a.p && view.p + view.len <= a.p + a.len;
	bool in_b = view.p >= b.p && view.p + view.len <= b.p + b.len;
	if (view.p != NULL && !in_a && !in_b)
		abort();
}

static void ask(struct sl_bytes stream, size_t scratch, struct answer *out)
{
	uint8_t *copy = malloc(stream.len == 0 ? 1 : stream.len);
	uint8_t *mem = malloc(scratch == 0 ? 1 : scratch);
	if (copy == NULL || mem == NULL)
		abort();
	if (stream.len > 0)
		memcpy(copy, stream.p, stream.len);
	struct sl_arena a = sl_arena_over(mem, scratch);
	out->err = sl_tls_hello_read((struct sl_bytes){ copy, stream.len }, &a, &out->hello);
	if (out->err != SL_OK && (a.used != 0 || a.overflow))
		abort();
	if (out->err == SL_OK) {
		struct sl_bytes bytes = { copy, stream.len }, joined = { mem, a.used };
		check_view(out->hello.sni, bytes, joined);
		check_view(out->hello.alpn, bytes, joined);
		if (out->hello.ech.kind == SL_ECH_OUTER &&
		    (out->hello.sni.len == 0 || out->hello.version < 0x0304))
			abort();
		keep(&out->hello.sni, out->text[0]);
		keep(&out->hello.alpn, out->text[1]);
	}
	free(mem);
	free(copy);
}

static bool same(const struct answer *a, const struct answer *b)
{
	return a->err == b->err &&
	       (a->err != SL_OK ||
	        (sl_bytes_equal(a->hello.sni, b->hello.sni) && sl_bytes_equal(a->hello.alpn, b->hello.alpn) &&
	         (a->hello.sni.p == NULL) == (b->hello.sni.p == NULL) &&
	         a->hello.version == b->hello.version &&
	         memcmp(&a->hello.ech, &b->hello.ech, sizeof(a->hello.ech)) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct answer all, part;
	if (size == 0 || size > 32768)
		return 0;
	struct sl_bytes stream = { data + 1, size - 1 };
	size_t scratch = (size_t)data[0] * 32;
	ask(stream, scratch, &all);
	size_t step =
	        1 + stream.len / 128; /* every place of a split; of a larger input other places each time */
	for (size_t n = stream.len % step; n < stream.len; n += step) {
		ask(sl_bytes_first(stream, n), scratch, &part);
		if (part.err != SL_EMORE && !same(&part, &all))
			abort();
	}
	return 0;
}
