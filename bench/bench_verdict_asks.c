/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench_verdict_asks.c - the questions, made before anything is measured: canonical, and as they are sent. */
#include <stdlib.h>

#include "bench/bench.h"
#include "bench/bench_verdict.h"
#include "policy/snapshot_impl.h"

enum { TRIES = 100 };

const struct sl_mix sl_mixes[] = {
	{ "host, 1 % blocked", 1, 4, 4, 0, 0 },
	{ "host, 50 % blocked", 50, 4, 4, 0, 0 },
	{ "host, 90 % blocked", 90, 4, 4, 0, 0 },
	{ "URL of 30 keys, 1 % blocked", 1, 4, 4, 8, 8 },
	{ "URL of 30 keys, 50 % blocked", 50, 4, 4, 8, 8 },
	{ "URL of 30 keys, 90 % blocked", 90, 4, 4, 8, 8 },
	{ "URL of 4 to 30 keys, 1 % blocked", 1, 2, 4, 1, 8 },
	{ "real popular hosts", 0, 0, 0, 0, 0 },
	{ "real URLs", 0, 0, 0, 1, 0 },
	{ 0 },
};

static bool is_blocked(const struct sl_snapshot *s, const char *text, size_t len)
{
	struct sl_bytes all = sl_bytes_of(text, len), host = sl_bytes_first(all, sl_bytes_find(all, '/'));
	const struct sl_query q = { .host = host,
		                    .path = host.len < len ? sl_bytes_skip(all, host.len)
		                                           : (struct sl_bytes){ NULL, 0 } };
	struct sl_decision d;
	sl_decide(s, &q, &d);
	return d.block;
}

static size_t make_real(const struct sl_names *n, const struct sl_mix *mix, uint64_t i, char out[SL_NAME_MAX])
{
	bool urls = mix->segments_min > 0 && n->urls > 0;
	struct sl_bytes real = urls ? n->url[i % n->urls] : n->clean[i % n->cleans];
	memcpy(out, real.p, real.len + 1);
	return real.len;
}

/* Clean names are real ones, of which some are listed, or their parents: those are passed over, so that a mix blocks what
 * its name says. */
static size_t make_text(const struct sl_names *n, const struct sl_mix *mix, uint64_t entries, uint64_t i,
                        const struct sl_snapshot *s, char out[SL_NAME_MAX])
{
	uint64_t bits = sl_bench_key(i * 5 + mix->hits);
	if (mix->labels_min == 0)
		return make_real(n, mix, i, out);
	const struct sl_names_want want = {
		.labels = mix->labels_min + (unsigned)(bits >> 8) % (mix->labels_max - mix->labels_min + 1),
		.segments = mix->segments_min +
		            (unsigned)(bits >> 16) % (mix->segments_max - mix->segments_min + 1),
		.query = mix->segments_max > 0,
		.hit = (bits >> 24) % 100 < mix->hits,
	};
	size_t len = sl_names_ask(n, i, &want, entries, out);
	for (unsigned k = 1; k < TRIES && !want.hit && is_blocked(s, out, len); k++)
		len = sl_names_ask(n, sl_bench_key(i + k * UINT64_C(0x100000001)), &want, entries, out);
	return len;
}

static void set_query(struct sl_asks *a, size_t i, size_t len)
{
	struct sl_bytes text = sl_bytes_of(a->text[i], len),
	                host = sl_bytes_first(text, sl_bytes_find(text, '/'));
	struct sl_bytes path = { NULL, 0 };
	if (sl_host_canon(host, &a->host[i]) != SL_OK || a->host[i].len != host.len)
		sl_verdict_die("a name that is not canonical");
	if (host.len < len)
		path = sl_bytes_skip(text, host.len);
	a->query[i] = (struct sl_query){ .canon = &a->host[i], .path = path };
	a->raw[i] = (struct sl_query){ .host = host, .path = path };
}

/* The keys that the snapshot will ask, as parts of the text. Returns how many. */
static uint32_t find_keys(const struct sl_asks *a, size_t i, const struct sl_snapshot *s,
                          struct sl_ask_key *out)
{
	static struct sl_keys keys;
	struct sl_key_probes probes;
	struct sl_keys_at at = { 0 };
	uint32_t n = 0;
	sl_keys_of(&a->host[i], 0, a->query[i].path, &s->h.shape, s->h.seed, &keys);
	while (sl_keys_next(&keys, &at, &probes) > 0)
		for (uint32_t k = 0; k < probes.n; k++) {
			struct sl_key key = sl_keys_key(&keys, &probes, k);
			if (out != NULL)
				out[n] = (struct sl_ask_key){ (uint16_t)(a->host[i].len - key.host.len),
					                      (uint16_t)(a->host[i].len + key.path.len) };
			n++;
		}
	return n;
}

static void make_keys(struct sl_asks *a, const struct sl_snapshot *s)
{
	for (size_t i = 0; i < a->n; i++)
		a->first_key[i + 1] = a->first_key[i] + find_keys(a, i, s, NULL);
	a->key = (struct sl_ask_key *)calloc(a->first_key[a->n] + 1, sizeof(*a->key));
	if (a->key == NULL)
		sl_verdict_die("questions");
	for (size_t i = 0; i < a->n; i++)
		(void)find_keys(a, i, s, &a->key[a->first_key[i]]);
}

static void make_texts(struct sl_asks *a, const struct sl_names *n, const struct sl_mix *mix,
                       uint64_t entries, const struct sl_snapshot *s)
{
	char text[SL_NAME_MAX];
	size_t used = 0, len;
	for (size_t i = 0; i < a->n; i++)
		used += make_text(n, mix, entries, i, s, text) + 1;
	a->blob = (char *)calloc(1, used + 16);
	if (a->blob == NULL)
		sl_verdict_die("questions");
	char *to = a->blob;
	for (size_t i = 0; i < a->n; i++, to += len + 1) {
		len = make_text(n, mix, entries, i, s, to);
		a->text[i] = to;
		set_query(a, i, len);
	}
}

void sl_asks_make(struct sl_asks *a, const struct sl_names *n, const struct sl_mix *mix, uint64_t entries,
                  size_t questions, const struct sl_snapshot *s)
{
	*a = (struct sl_asks){ .n = questions };
	a->host = (struct sl_host *)sl_verdict_memory(questions * sizeof(*a->host));
	a->query = (struct sl_query *)sl_verdict_memory(questions * sizeof(*a->query));
	a->raw = (struct sl_query *)sl_verdict_memory(questions * sizeof(*a->raw));
	a->text = (const char **)sl_verdict_memory(questions * sizeof(*a->text));
	a->first_key = (uint32_t *)sl_verdict_memory((questions + 1) * sizeof(*a->first_key));
	a->first_key[0] = 0;
	make_texts(a, n, mix, entries, s);
	make_keys(a, s);
}

void sl_asks_free(struct sl_asks *a)
{
	free(a->host);
	free(a->query);
	free(a->raw);
	free((void *)a->text);
	free(a->first_key);
	free(a->key);
	free(a->blob);
}
