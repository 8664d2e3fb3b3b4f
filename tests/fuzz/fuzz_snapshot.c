/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_snapshot.c - any bytes that claim to be a snapshot are refused, or answer without touching memory outside (the image
 * lies in a heap block of exactly its size); and what opens and verifies answers as the original does where it is the
 * original, of each profile. The input is edits of a good image: pairs of an offset (3 bytes) and a byte; the first byte says whether the
 * header's checksum is made good afterwards, as an attacker would, and whether the image is cut. Input that begins with the
 * magic is an image itself. */
#include <stdio.h>
#include <stdlib.h>

#include "policy/decide.h"
#include "policy/snapshot_format.h"
#include "tests/policy/made.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEND = 1, CUT = 2, PROFILE_AT = 4, PROFILES = 4 };

static const char *const hosts[] = { "a.example", "x.b.example", "example",
	                             "10.1.2.3",  "2001:db8::1", "www.long-name-of-some-length.example.com" };
static const char *const paths[] = { NULL, "/", "/ads/x?y", "/24" };

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void add(struct sl_compile *c, const char *text, enum sl_scope scope, enum sl_effect effect,
                uint32_t line)
{
	static struct sl_url url;
	must(sl_url_canon(sl_bytes_str(text), &url) == SL_OK);
	struct sl_list_entry e = { .host = &url.host,
		                   .port = url.port,
		                   .scope = scope,
		                   .effect = effect,
		                   .important = line % 5 == 0,
		                   .line = line };
	if (scope == SL_SCOPE_PATH)
		e.path = sl_bytes_of(url.path, url.path_len);
	must(sl_compile_add(c, &e) == SL_OK);
}

static void add_list(struct sl_compile *c, uint16_t category, const char *name)
{
	const struct sl_compile_list list = { name, "file", category, category == 1 };
	const struct sl_list_entry address = { .scope = SL_SCOPE_ADDRESS,
		                               .line = 9,
		                               .prefix = { false, 16, { 10, 1 } } };
	char text[64];
	must(sl_compile_begin(c, &list) == SL_OK);
	add(c, "example", SL_SCOPE_BELOW, SL_EFFECT_BLOCK, 1 + category);
	add(c, "a.example", SL_SCOPE_TREE, SL_EFFECT_BLOCK, 2);
	add(c, "b.example/ads", SL_SCOPE_PATH, SL_EFFECT_BLOCK, 3);
	add(c, "b.example:8080/ads", SL_SCOPE_PATH, SL_EFFECT_EXCEPT, 5);
	add(c, "10.1.2.0/24", SL_SCOPE_PATH, SL_EFFECT_BLOCK, 6);
	for (unsigned i = 0; i < 40; i++) {
		(void)snprintf(text, sizeof(text), "www%u.long-name-of-some-length.example.com",
		               i * (category + 1));
		add(c, text, SL_SCOPE_EXACT, i % 7 == 0 ? SL_EFFECT_EXCEPT : SL_EFFECT_BLOCK, 100 + i);
	}
	must(sl_compile_add(c, &address) == SL_OK);
	sl_compile_end(c);
}

static const struct made *good(unsigned profile)
{
	static struct made images[PROFILES];
	struct made *image = &images[profile];
	const struct sl_compile_cfg cfg = { .seed = 7, .profile = (enum sl_profile)profile };
	const struct sl_image_sink sink = { image, made_write };
	struct sl_compile *c = NULL;
	uint16_t n = 0;
	if (image->len > 0)
		return image;
	must(sl_compile_new(&cfg, &c) == SL_OK);
	must(sl_compile_category(c, "one", SL_LIST_BLOCK, &n) == SL_OK);
	must(sl_compile_category(c, "two", SL_LIST_BLOCK, &n) == SL_OK);
	must(sl_compile_category(c, "three", SL_LIST_ALLOW, &n) == SL_OK);
	add_list(c, 0, "first");
	add_list(c, 1, "second");
	must(sl_compile_finish(c, &sink, NULL) == SL_OK);
	sl_compile_free(&c);
	return image;
}

static void mend(uint8_t *p, size_t len)
{
	struct sl_snapshot_header h;
	if (len < sizeof(h))
		return;
	memcpy(&h, p, sizeof(h));
	h.checksum = 0;
	h.file_len = len;
	h.checksum = sl_snapshot_checksum(sl_bytes_of(&h, sizeof(h)), 0);
	memcpy(p, &h, sizeof(h));
}

static int note(void *ctx, const struct sl_tried *t)
{
	*(uint64_t *)ctx += t->number + t->key.len;
	return SL_OK;
}

static void ask(const struct sl_snapshot *s, struct sl_decision *out)
{
	static const struct sl_prefix address = { false, 32, { 10, 1, 2, 3 } };
	uint64_t told = 0;
	for (size_t h = 0; h < SL_COUNT(hosts); h++)
		for (size_t p = 0; p < SL_COUNT(paths); p++, out++) {
			const struct sl_query q = { .host = sl_bytes_str(hosts[h]),
				                    .port = h % 2 == 0 ? 80 : 8080,
				                    .path = sl_bytes_str(paths[p]),
				                    .address = p == 1 ? &address : NULL };
			char key[256];
			sl_decide(s, &q, out);
			sl_decision_key(out, &q, key, sizeof(key));
			(void)sl_snapshot_list_name(s, out->list);
			(void)sl_snapshot_category_name(s, out->category);
			(void)sl_explain(s, &q, note, &told);
		}
}

enum { QUESTIONS = 24 };

static void read_keys(const struct sl_snapshot *s)
{
	static char key[SL_SNAPSHOT_KEY + 1];
	struct sl_snapshot_info info;
	struct sl_snapshot_mention m;
	size_t len = 0;
	sl_snapshot_info(s, &info);
	for (uint64_t n = 0; n < info.keys && n < 200; n++) {
		if (sl_snapshot_key(s, n, key, &len) == SL_OK)
			must(len <= SL_SNAPSHOT_KEY && strlen(key) <= len);
		for (unsigned i = 0; i < 4 && sl_snapshot_mention(s, n, i, &m) == SL_OK; i++)
			must(sl_snapshot_list_name(s, m.list) != NULL);
	}
}

static void try(const struct made *g, const uint8_t *p, size_t len)
{
	static struct sl_decision want[QUESTIONS], got[QUESTIONS];
	struct sl_snapshot *s = NULL;
	const char *why = NULL;
	if (sl_snapshot_open(sl_bytes_of(p, len), &why, &s) != SL_OK) {
		must(s == NULL && why != NULL);
		return;
	}
	memset(got, 0, sizeof(got));
	ask(s, got);
	read_keys(s);
	if (sl_snapshot_verify(s, &why) == SL_OK && len == g->len && memcmp(p, g->p, len) == 0) {
		struct sl_snapshot *o = NULL;
		must(sl_snapshot_open(sl_bytes_of(g->p, g->len), NULL, &o) == SL_OK);
		memset(want, 0, sizeof(want));
		ask(o, want);
		for (size_t i = 0; i < QUESTIONS; i++)
			must(want[i].letter == got[i].letter && want[i].line == got[i].line &&
			     want[i].list == got[i].list);
		sl_snapshot_free(&o);
	}
	sl_snapshot_free(&s);
}

/* A block whose end is the end of the image; its start is aligned as a mapping would be. */
static void try_copy(const struct made *g, const uint8_t *p, size_t len, int how, const uint8_t *edit,
                     size_t edits)
{
	void *copy = NULL;
	must(posix_memalign(&copy, SL_SNAPSHOT_ALIGN, len == 0 ? 1 : len) == 0);
	memcpy(copy, p, len);
	for (size_t i = 0; i + 4 <= edits && len > 0; i += 4) {
		size_t at = ((size_t)edit[i] << 16 | (size_t)edit[i + 1] << 8 | edit[i + 2]) % len;
		((uint8_t *)copy)[at] = edit[i + 3];
	}
	if ((how & MEND) != 0)
		mend(copy, len);
	try(g, copy, len);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct made *g = good(size == 0 ? 0 : (data[0] >> PROFILE_AT) % PROFILES);
	if (size >= 8 && memcmp(data, SL_SNAPSHOT_MAGIC, 8) == 0) {
		try_copy(g, data, size, 0, NULL, 0);
		try_copy(g, data, size, MEND, NULL, 0);
		return 0;
	}
	if (size == 0)
		return 0;
	size_t len = g->len;
	if ((data[0] & CUT) != 0 && size >= 3)
		len = ((size_t)data[1] << 8 | data[2]) % (len + 1);
	try_copy(g, g->p, len, data[0], data + 1, size - 1);
	return 0;
}
