/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bloom/diagnosis.h"

#include <math.h>

#include "base/util.h"
#include "bloom/gauge.h"

/* What is asked, and the best answer so far. */
struct search {
	const struct sl_prefilter_shape *shape;
	struct sl_bytes bits;
	const struct sl_bytes *entry;
	size_t n, sample;
	uint8_t *scratch;
	size_t found; /* by the best */
	bool same;
	struct sl_convention best;
	unsigned others;
};

/* How many entries of the sample the convention finds; 0 as soon as it cannot equal the best any more. */
static size_t count_found(const struct search *s, const struct sl_convention *c)
{
	size_t found = 0;

	for (size_t i = 0; i < s->sample; i++) {
		found += sl_convention_has(c, s->shape, s->bits.p, s->entry[i]);
		if (found + (s->sample - i - 1) < s->found)
			return 0;
	}
	return found;
}

static bool makes_same(const struct search *s, const struct sl_convention *c)
{
	memset(s->scratch, 0, s->bits.len);
	for (size_t i = 0; i < s->n; i++)
		sl_convention_add(c, s->shape, s->scratch, s->entry[i]);
	return memcmp(s->scratch, s->bits.p, s->bits.len) == 0;
}

static void consider(struct search *s, const struct sl_convention *c)
{
	size_t found = count_found(s, c);

	if (found == 0 || found < s->found)
		return;
	bool same = found == s->sample && makes_same(s, c);
	if (found > s->found || (same && !s->same)) {
		s->best = *c;
		s->found = found;
		s->same = same;
		s->others = 0;
	} else if (same == s->same && sl_convention_faults(c) == sl_convention_faults(&s->best)) {
		s->others++;
	}
}

/* How many conventions were as likely beforehand as the best, or likelier. */
static double rivals(const struct search *s)
{
	struct sl_convention c = { 0 };
	double n = 1;

	while (sl_convention_next(&c) && sl_convention_faults(&c) <= sl_convention_faults(&s->best))
		n++;
	return n;
}

static double log_factorial(double n)
{
	int sign; /* lgamma() itself would leave it in a global */
	return lgamma_r(n + 1, &sign);
}

/* The natural logarithm of the number of ways to set so many of the bits. */
static double log_ways(double bits, double set)
{
	return log_factorial(bits) - log_factorial(set) - log_factorial(bits - set);
}

/* Would one of the rivals fit as well without having made these bits, more often than once in a hundred? A rival finds
 * an entry at the rate at which absent keys pass; k of n entries at most 2^n times that rate to the k; and it makes the
 * very bits about once in the number of ways to set as many. The right convention needs no such proof. */
static bool may_be_chance(const struct search *s, const struct sl_prefilter *pf)
{
	struct sl_gauge gauge;
	double luck = log(rivals(s));

	if (sl_convention_faults(&s->best) == 0 && s->found == s->sample)
		return false;
	if (s->same) {
		luck -= log_ways((double)s->shape->bits, (double)sl_gauge_ones(s->bits));
	} else {
		sl_gauge(pf, s->bits, &gauge);
		luck += (double)s->found * log(fmax(gauge.per_key, 1.0 / SL_GAUGE_KEYS));
		luck += s->found < s->sample ? (double)s->sample * M_LN2 : 0;
	}
	return luck > log(0.01);
}

static enum sl_diagnosis_kind kind_of(const struct search *s, const struct sl_prefilter *pf)
{
	bool chance = may_be_chance(s, pf);

	if (s->found < s->sample)
		return chance || s->found * 2 < s->sample ? SL_DIAGNOSIS_UNKNOWN : SL_DIAGNOSIS_SOME;
	return chance ? SL_DIAGNOSIS_FEW : s->same ? SL_DIAGNOSIS_SAME : SL_DIAGNOSIS_MORE;
}

static size_t count_right(const struct search *s)
{
	const struct sl_convention right = { 0 };
	size_t found = 0;

	for (size_t i = 0; i < s->sample; i++)
		found += sl_convention_has(&right, s->shape, s->bits.p, s->entry[i]);
	return found;
}

int sl_diagnose(const struct sl_prefilter_shape *shape, struct sl_bytes bits, const struct sl_bytes *entry,
                size_t n, uint8_t *scratch, struct sl_diagnosis *out)
{
	struct search s = {
		shape, bits, entry, n, sl_min(n, SL_DIAGNOSIS_SAMPLE), scratch, 0, false, { 0 }, 0
	};
	struct sl_convention c = { 0 };
	const struct sl_prefilter *pf;
	union sl_prefilter_mem mem;

	int err = n == 0 ? SL_EINVAL : sl_prefilter_open(&mem, shape, bits, &pf);
	if (err != SL_OK)
		return err;
	do
		consider(&s, &c);
	while (sl_convention_next(&c) &&
	       !(s.same && sl_convention_faults(&c) > sl_convention_faults(&s.best)));
	*out = (struct sl_diagnosis){ kind_of(&s, pf), s.best, s.sample, s.found, s.others };
	if (out->kind == SL_DIAGNOSIS_FEW || out->kind == SL_DIAGNOSIS_UNKNOWN)
		out->found = count_right(&s);
	if (out->kind == SL_DIAGNOSIS_UNKNOWN)
		out->convention = (struct sl_convention){ 0 };
	return SL_OK;
}
