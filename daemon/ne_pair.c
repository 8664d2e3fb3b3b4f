/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ne_pair.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define WINDOW INT64_C(5000000) /* microseconds */

int64_t sl_ne_seen_start(const struct sl_ne_seen_flow *flow)
{
	return flow->n == 0 ? 0 : flow->event[0].time;
}

/* ---- order: protocol, remote end, start ---- */

static int compare_key(const struct sl_ne_seen_flow *x, const struct sl_ne_seen_flow *y)
{
	if (x->protocol != y->protocol)
		return x->protocol < y->protocol ? -1 : 1;
	if (x->remote.family != y->remote.family)
		return x->remote.family < y->remote.family ? -1 : 1;
	if (x->remote.port != y->remote.port)
		return x->remote.port < y->remote.port ? -1 : 1;
	return memcmp(x->remote.addr, y->remote.addr, sizeof(x->remote.addr));
}

static int compare_flows(const void *x, const void *y)
{
	const struct sl_ne_seen_flow *a = *(const struct sl_ne_seen_flow *const *)x;
	const struct sl_ne_seen_flow *b = *(const struct sl_ne_seen_flow *const *)y;
	int64_t start_a = sl_ne_seen_start(a), start_b = sl_ne_seen_start(b);
	int key = compare_key(a, b);
	if (key != 0)
		return key;
	if (start_a != start_b)
		return start_a < start_b ? -1 : 1;
	return a < b ? -1 : 1;
}

struct sorted {
	const struct sl_ne_recording *rec;
	const struct sl_ne_seen_flow **flow;
	struct sl_ne_matched *matched;
	size_t n;
};

static int sort(const struct sl_ne_recording *rec, struct sl_ne_matched *matched, struct sorted *out)
{
	out->rec = rec;
	out->matched = matched;
	out->n = rec->flows;
	out->flow = calloc(rec->flows + 1, sizeof(const struct sl_ne_seen_flow *));
	if (out->flow == NULL)
		return SL_ENOMEM;
	for (size_t i = 0; i < rec->flows; i++)
		out->flow[i] = &rec->flow[i];
	qsort(out->flow, out->n, sizeof(const struct sl_ne_seen_flow *), compare_flows);
	return SL_OK;
}

static size_t run_length(const struct sorted *s, size_t at)
{
	size_t n = 1;
	while (at + n < s->n && compare_key(s->flow[at], s->flow[at + n]) == 0)
		n++;
	return n;
}

/* The first whose key is not less. */
static size_t lower(const struct sorted *s, const struct sl_ne_seen_flow *key)
{
	size_t low = 0, high = s->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (compare_key(s->flow[middle], key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* ---- the clocks ---- */

static int compare_times(const void *x, const void *y)
{
	int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
	return a < b ? -1 : a > b;
}

/* The median over flows whose key both recordings have equally often. */
static int estimate(const struct sorted *a, const struct sorted *b, struct sl_ne_pairing *out)
{
	int64_t *diff = calloc(a->n + 1, sizeof(*diff));
	size_t n = 0, i = 0, k = 0;
	if (diff == NULL)
		return SL_ENOMEM;
	while (i < a->n && k < b->n) {
		int order = compare_key(a->flow[i], b->flow[k]);
		size_t run_a = run_length(a, i), run_b = run_length(b, k);
		for (size_t at = 0;
		     order == 0 && run_a == run_b && at < run_a && sl_ne_seen_end_known(&a->flow[i]->remote);
		     at++)
			diff[n++] = sl_ne_seen_start(b->flow[k + at]) - sl_ne_seen_start(a->flow[i + at]);
		i += order <= 0 ? run_a : 0;
		k += order >= 0 ? run_b : 0;
	}
	qsort(diff, n, sizeof(*diff), compare_times);
	out->has_offset = n > 0;
	out->offset = n > 0 ? diff[n / 2] : 0;
	free(diff);
	return SL_OK;
}

/* ---- may they be one? ---- */

static bool ends_fit(const struct sl_ne_seen_end *x, const struct sl_ne_seen_end *y)
{
	if (sl_ne_seen_end_known(x) && sl_ne_seen_end_known(y))
		return sl_ne_seen_end_equal(x, y);
	return x->port == 0 || y->port == 0 ||
	       x->port == y->port; /* the address may be <private>, and not the port */
}

/* Names are compared where both recordings are of several filters. */
static bool same_filter(const struct sl_ne_seen_flow *x, const struct sl_ne_seen_flow *y)
{
	return x->filter == NULL || y->filter == NULL || strcmp(x->filter, y->filter) == 0;
}

static bool fit(const struct sl_ne_seen_flow *x, const struct sl_ne_seen_flow *y)
{
	return x->family == y->family && same_filter(x, y) &&
	       (x->protocol == 0 || y->protocol == 0 || x->protocol == y->protocol) &&
	       (x->direction < 0 || y->direction < 0 || x->direction == y->direction) &&
	       ends_fit(&x->remote, &y->remote) && ends_fit(&x->local, &y->local);
}

static bool same_local(const struct sl_ne_seen_flow *x, const struct sl_ne_seen_flow *y)
{
	return sl_ne_seen_end_known(&x->local) && sl_ne_seen_end_equal(&x->local, &y->local);
}

/* Bytes that callbacks showed or that came, whichever is more. */
static uint64_t bytes_of(const struct sl_ne_seen_flow *f)
{
	uint64_t most[SL_NE_SIDES] = { 0 };
	for (size_t i = 0; i < f->n; i++) {
		const struct sl_ne_seen *e = &f->event[i];
		if (e->side != SL_NE_BOTH && e->has_offset && e->offset + e->len > most[e->side])
			most[e->side] = e->offset + e->len;
	}
	return most[0] + most[1];
}

static int64_t distance(const struct sl_ne_pairing *p, const struct sl_ne_seen_flow *a,
                        const struct sl_ne_seen_flow *b)
{
	int64_t d;
	if (__builtin_sub_overflow(sl_ne_seen_start(b) - sl_ne_seen_start(a), p->offset, &d) ||
	    d == INT64_MIN)
		return INT64_MAX;
	return d < 0 ? -d : d;
}

/* Less is better; -1: not within the window. A local end that both know decides over time, and time among several of those. */
static int64_t cost(const struct sl_ne_pairing *p, const struct sl_ne_seen_flow *a,
                    const struct sl_ne_seen_flow *b)
{
	const int64_t unlike = INT64_MAX / 4;
	int64_t d = distance(p, a, b);
	if (same_local(a, b))
		return d < unlike ? d : unlike - 1;
	if (d > WINDOW)
		return -1;
	return unlike + d + (bytes_of(a) == bytes_of(b) ? 0 : WINDOW);
}

static void join(struct sl_ne_pairing *p, size_t a, size_t b, bool far)
{
	p->a[a] = (struct sl_ne_matched){ .with = (long)b, .far = far };
	p->b[b] = (struct sl_ne_matched){ .with = (long)a, .far = far };
}

/* The best of b[from, to) that is free. */
static long best(const struct sl_ne_pairing *p, const struct sl_ne_seen_flow *a, const struct sorted *b,
                 size_t from, size_t to)
{
	long found = SL_NE_ALONE;
	int64_t least = INT64_MAX;
	for (size_t i = from; i < to; i++) {
		size_t at = (size_t)(b->flow[i] - b->rec->flow);
		if (p->b[at].with != SL_NE_ALONE || !fit(a, b->flow[i]))
			continue;
		int64_t c = cost(p, a, b->flow[i]);
		if (c >= 0 && c < least) {
			least = c;
			found = (long)at;
		}
	}
	return found;
}

static void pair_flow(struct sl_ne_pairing *p, const struct sorted *a, const struct sorted *b, size_t i)
{
	const struct sl_ne_seen_flow *flow = &a->rec->flow[i];
	size_t from = lower(b, flow),
	       run = from < b->n && compare_key(b->flow[from], flow) == 0 ? run_length(b, from) : 0;
	size_t mine = lower(a, flow);
	long with = best(p, flow, b, from, from + run);
	if (with != SL_NE_ALONE)
		join(p, i, (size_t)with, false);
	else if (run == 1 && run_length(a, mine) == 1 && fit(flow, b->flow[from]) &&
	         p->b[b->flow[from] - b->rec->flow].with == SL_NE_ALONE)
		join(p, i, (size_t)(b->flow[from] - b->rec->flow), true);
}

/* Those of which one recording does not know all: <private> in a log, protocol not named. Without a port it can be anything. */
static void pair_vague(struct sl_ne_pairing *p, const struct sorted *a, const struct sorted *b, size_t i)
{
	const struct sl_ne_seen_flow *flow = &a->rec->flow[i];
	long with = p->a[i].with == SL_NE_ALONE ? best(p, flow, b, 0, b->n) : SL_NE_ALONE;
	if (with != SL_NE_ALONE && flow->remote.port != 0 && b->rec->flow[with].remote.port != 0)
		join(p, i, (size_t)with, false);
}

static bool is_vague(const struct sl_ne_seen_flow *f)
{
	return f->protocol == 0 || !sl_ne_seen_end_known(&f->remote);
}

/* ---- one and several ---- */

static bool within(const struct sl_ne_seen_flow *late, const struct sl_ne_seen_flow *flow, int64_t shift)
{
	int64_t start = sl_ne_seen_start(late) + shift;
	int64_t end = flow->n == 0 ? 0 : flow->event[flow->n - 1].time;
	return start >= sl_ne_seen_start(flow) - WINDOW && start <= end + WINDOW;
}

/* What is left of x goes to a paired flow of y that it fits and whose life it lies in. shift: onto the clock of y. */
static void attach(const struct sorted *x, const struct sorted *y, int64_t shift)
{
	for (size_t i = 0; i < x->rec->flows; i++) {
		const struct sl_ne_seen_flow *flow = &x->rec->flow[i];
		if (x->matched[i].with != SL_NE_ALONE || is_vague(flow))
			continue;
		size_t from = lower(y, flow);
		for (size_t k = from; k < y->n && compare_key(y->flow[k], flow) == 0; k++) {
			size_t at = (size_t)(y->flow[k] - y->rec->flow);
			if (y->matched[at].with == SL_NE_ALONE || y->matched[at].extra ||
			    !fit(flow, y->flow[k]) || !within(flow, y->flow[k], shift))
				continue;
			x->matched[i] = (struct sl_ne_matched){ .with = (long)at, .extra = true };
			y->matched[at].parts++;
			break;
		}
	}
}

static void pair_all(struct sl_ne_pairing *p, const struct sorted *a, const struct sorted *b)
{
	bool vague = false;
	for (size_t i = 0; i < a->rec->flows; i++)
		pair_flow(p, a, b, i);
	for (size_t i = 0; i < b->rec->flows; i++)
		vague |= is_vague(&b->rec->flow[i]);
	for (size_t i = 0; i < a->rec->flows; i++)
		if (vague || is_vague(&a->rec->flow[i]))
			pair_vague(p, a, b, i);
	attach(a, b, p->offset);
	attach(b, a, -p->offset);
}

int sl_ne_pair(const struct sl_ne_recording *a, const struct sl_ne_recording *b, struct sl_ne_pairing *out)
{
	struct sorted by_a = { 0 }, by_b = { 0 };
	*out = (struct sl_ne_pairing){ .a = calloc(a->flows + 1, sizeof(*out->a)),
		                       .b = calloc(b->flows + 1, sizeof(*out->b)) };
	int err = out->a == NULL || out->b == NULL ? SL_ENOMEM : SL_OK;
	for (size_t i = 0; err == SL_OK && i < a->flows; i++)
		out->a[i].with = SL_NE_ALONE;
	for (size_t i = 0; err == SL_OK && i < b->flows; i++)
		out->b[i].with = SL_NE_ALONE;
	if (err == SL_OK)
		err = sort(a, out->a, &by_a);
	if (err == SL_OK)
		err = sort(b, out->b, &by_b);
	if (err == SL_OK)
		err = estimate(&by_a, &by_b, out);
	if (err == SL_OK && !out->has_offset && a->has_started && b->has_started)
		out->offset = a->started - b->started;
	if (err == SL_OK)
		pair_all(out, &by_a, &by_b);
	free(by_a.flow);
	free(by_b.flow);
	if (err != SL_OK)
		sl_ne_pairing_free(out);
	return err;
}

void sl_ne_pairing_free(struct sl_ne_pairing *p)
{
	free(p->a);
	free(p->b);
	*p = (struct sl_ne_pairing){ 0 };
}
