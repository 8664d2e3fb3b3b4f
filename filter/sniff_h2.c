/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/sniff_h2.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/cur.h"
#include "base/lines.h"
#include "base/util.h"
#include "filter/hpack.h"

enum { FRAME_HEAD = 9 };                                  /* RFC 9113 §4.1 */
enum { HEADERS = 1, PUSH_PROMISE = 5, CONTINUATION = 9 }; /* types, §6 */
enum { END_HEADERS = 4, PADDED = 8, PRIORITY = 0x20 };    /* flags of HEADERS, §6.2 */
enum { PRIORITY_LEN = 5 };
/* Of the texts of one request. A single one is shorter than the decoder's memory. */
enum { TEXTS_MAX = 2 * SL_HPACK_MEMORY };

/* The parts of a request; then names that came beside the first :authority and the first Host. */
enum part { METHOD, SCHEME, PATH, AUTHORITY, HOST, OTHER, PARTS = OTHER + SL_HTTP_OTHER_HOSTS };

struct sl_h2_pool {
	struct sl_hpack_pool *hpack;
	struct sl_arena texts;
	uint8_t memory[TEXTS_MAX];
};

struct frame {
	uint32_t len;
	uint8_t type, flags;
	uint32_t stream;
};

/* A field section on its way through the decoder. */
struct section {
	struct sl_h2_pool *pool;
	struct sl_bytes part[PARTS];
};

/* ---- the pool ---- */

int sl_h2_pool_new(uint32_t connections, struct sl_h2_pool **out)
{
	struct sl_h2_pool *pool = (struct sl_h2_pool *)sl_lines_new(1, sizeof(*pool));
	if (pool == NULL)
		return SL_ENOMEM;
	pool->texts = sl_arena_over(pool->memory, sizeof(pool->memory));
	int err = sl_hpack_pool_new(connections, &pool->hpack);
	if (err == SL_OK)
		*out = sl_take(&pool);
	free(pool);
	return err;
}

void sl_h2_pool_free(struct sl_h2_pool **pool)
{
	struct sl_h2_pool *old = sl_take(pool);
	if (old == NULL)
		return;
	sl_hpack_pool_free(&old->hpack);
	free(old);
}

int sl_h2_preface_read(struct sl_bytes stream)
{
	static const struct sl_bytes preface = SL_BYTES_LIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	struct sl_bytes head = sl_bytes_first(stream, preface.len);
	if (!sl_bytes_equal(head, sl_bytes_first(preface, head.len)))
		return SL_EPROTO;
	return head.len < preface.len ? SL_EMORE : SL_OK;
}

sl_h2_flow sl_h2_open(struct sl_h2_pool *pool)
{
	return sl_hpack_open(pool->hpack);
}

void sl_h2_close(struct sl_h2_pool *pool, sl_h2_flow *flow)
{
	sl_hpack_close(pool->hpack, flow);
}

uint32_t sl_h2_in_use(const struct sl_h2_pool *pool)
{
	return sl_hpack_in_use(pool->hpack);
}

/* ---- frames ---- */

static struct frame read_frame(struct sl_cur *c)
{
	struct frame f = { 0 };
	f.len = sl_cur_u24(c);
	f.type = sl_cur_u8(c);
	f.flags = sl_cur_u8(c);
	f.stream = sl_cur_u32(c) & INT32_MAX;
	return f;
}

/* What of a frame's payload is of the field section; what has come of it, where it is not whole and that is enough. */
static int read_fragment(struct sl_cur *payload, const struct frame *f, struct sl_bytes *fragment)
{
	uint32_t left = f->len;
	if (f->type == HEADERS) {
		uint32_t before =
		        ((f->flags & PADDED) != 0) + ((f->flags & PRIORITY) != 0 ? PRIORITY_LEN : 0U);
		uint32_t pad = (f->flags & PADDED) != 0 ? sl_cur_u8(payload) : 0;
		if ((f->flags & PRIORITY) != 0)
			sl_cur_skip(payload, PRIORITY_LEN);
		if (before + pad > f->len)
			return SL_EMALF;
		left -= before + pad;
	}
	*fragment = sl_bytes_first(sl_bytes_of(payload->p, payload->left), left);
	return payload->err;
}

/* The next frame of a field section: HEADERS where first is NULL, else one that goes on with it (§6.10). */
static int next_frame(struct sl_cur *c, const struct frame *first, struct frame *out)
{
	*out = read_frame(c);
	if (c->err != SL_OK)
		return c->err;
	if (first == NULL) /* a client's streams have odd numbers (§5.1.1) */
		return (out->stream & 1) != 0 ? SL_OK : SL_EMALF;
	return out->type == CONTINUATION && out->stream == first->stream ? SL_OK : SL_EMALF;
}

/* How many bytes a whole section takes, its frames looked at. */
static int measure(struct sl_bytes stream, size_t *len)
{
	struct sl_cur c = sl_cur_stream(stream);
	struct frame first = { 0 }, f;
	struct sl_bytes fragment;
	bool begun = false;
	do {
		int err = next_frame(&c, begun ? &first : NULL, &f);
		struct sl_cur payload = sl_cur_block(&c, f.len);
		if (err == SL_OK)
			err = payload.err;
		if (err == SL_OK)
			err = read_fragment(&payload, &f, &fragment);
		if (err != SL_OK)
			return err;
		if (!begun)
			first = f;
		begun = true;
	} while ((f.flags & END_HEADERS) == 0);
	*len = stream.len - c.left;
	return SL_OK;
}

/* ---- field sections ---- */

static void keep(struct section *s, enum part part, struct sl_bytes value)
{
	uint8_t *text = (uint8_t *)sl_arena_get(&s->pool->texts, value.len);
	if (text == NULL)
		return;
	if (value.len > 0)
		memcpy(text, value.p, value.len);
	s->part[part] = sl_bytes_of(text, value.len);
}

/* A name beside those that stand for the request, if it says something else. */
static void keep_other(struct section *s, struct sl_bytes value)
{
	for (enum part part = AUTHORITY; part < PARTS; part++) {
		if (s->part[part].p != NULL && sl_bytes_equal_nocase(value, s->part[part]))
			return;
		if (s->part[part].p == NULL && part >= OTHER) {
			keep(s, part, value);
			return;
		}
	}
}

static void take_field(void *ctx, struct sl_bytes name, struct sl_bytes value)
{
	static const struct sl_bytes names[] = { [METHOD] = SL_BYTES_LIT(":method"),
		                                 [SCHEME] = SL_BYTES_LIT(":scheme"),
		                                 [PATH] = SL_BYTES_LIT(":path"),
		                                 [AUTHORITY] = SL_BYTES_LIT(":authority"),
		                                 [HOST] = SL_BYTES_LIT("host") };
	struct section *s = (struct section *)ctx;
	for (enum part part = METHOD; part <= HOST; part++) {
		if (name.len != names[part].len || !sl_bytes_equal_nocase(name, names[part]))
			continue;
		if (s->part[part].p == NULL)
			keep(s, part, value);
		else if (part == AUTHORITY || part == HOST)
			keep_other(s, value);
	}
}

static bool is_request(const struct section *s)
{
	return s->part[METHOD].p != NULL || s->part[PATH].p != NULL || s->part[AUTHORITY].p != NULL ||
	       s->part[SCHEME].p != NULL;
}

static void finish(const struct section *s, struct sl_http_request *out)
{
	struct sl_http_request r = { .major = 2, .method = s->part[METHOD], .scheme = s->part[SCHEME] };
	r.target = s->part[PATH].p != NULL ? s->part[PATH] : s->part[AUTHORITY];
	if (s->part[PATH].p != NULL || sl_bytes_equal(r.method, SL_BYTES_LIT("CONNECT")))
		(void)sl_http_target_read(&r);
	/* What is broken or one too many is told as far as it can be: see sniff_h2.h. */
	for (enum part part = AUTHORITY; part < PARTS; part++)
		if (s->part[part].p != NULL)
			(void)sl_http_host_add(sl_http_without_userinfo(s->part[part]), &r);
	r.host_field = s->part[AUTHORITY].p != NULL ? s->part[AUTHORITY] : s->part[HOST];
	*out = r;
}

/* The section at the head of stream, all of it, or what there is. */
static int decode(struct sl_h2_pool *pool, sl_h2_flow flow, struct sl_bytes stream, bool whole,
                  struct section *s)
{
	struct sl_cur c = sl_cur_stream(stream);
	struct frame f = { 0 };
	int err = SL_OK;
	*s = (struct section){ .pool = pool };
	sl_arena_reset(&pool->texts);
	while (err == SL_OK && (f.flags & END_HEADERS) == 0) {
		struct sl_bytes fragment;
		f = read_frame(&c);
		size_t there = sl_min(f.len, c.left);
		struct sl_cur payload = sl_cur_block(&c, there);
		err = c.err != SL_OK ? c.err : read_fragment(&payload, &f, &fragment);
		bool last = whole && (f.flags & END_HEADERS) != 0;
		if (err == SL_OK)
			err = sl_hpack_decode(pool->hpack, flow, fragment, last, take_field, s);
		if (there < f.len)
			break;
	}
	return err == SL_OK && pool->texts.overflow ? SL_ELIMIT : err;
}

int sl_h2_read(struct sl_h2_pool *pool, sl_h2_flow flow, struct sl_bytes stream, size_t *used,
               struct sl_http_request *out)
{
	struct section s;
	*used = 0;
	while (*used < stream.len) {
		struct sl_bytes rest = sl_bytes_skip(stream, *used);
		struct sl_cur c = sl_cur_stream(rest);
		struct frame f = read_frame(&c);
		size_t len = FRAME_HEAD + (size_t)f.len;
		int err = c.err;
		bool fields = err == SL_OK && f.type == HEADERS;
		if (err == SL_OK && (f.type == CONTINUATION || f.type == PUSH_PROMISE))
			err = SL_EMALF; /* nothing to go on with (§6.10); a client does not push (§8.4) */
		if (fields)
			err = measure(rest, &len);
		if (fields && err == SL_OK)
			err = decode(pool, flow, rest, true, &s);
		if (err != SL_OK)
			return err;
		*used += len;
		if (fields && is_request(&s)) {
			finish(&s, out);
			return SL_OK;
		}
	}
	return SL_EMORE;
}

int sl_h2_begun(struct sl_h2_pool *pool, sl_h2_flow flow, struct sl_bytes stream, struct sl_http_request *out)
{
	struct section s;
	struct sl_cur c = sl_cur_stream(stream);
	if (read_frame(&c).type != HEADERS || c.err != SL_OK)
		return SL_EMORE;
	(void)decode(pool, flow, stream, false, &s);
	if (!is_request(&s))
		return SL_EMORE;
	finish(&s, out);
	return SL_OK;
}
