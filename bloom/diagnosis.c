/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bloom/diagnosis.h"

#include "base/util.h"

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

/* Found by chance, each entry would be with the chance fill^hashes; half of a few entries is no chance any more. */
static enum sl_diagnosis_kind kind_of(const struct search *s)
{
	if (s->same)
		return SL_DIAGNOSIS_SAME;
	if (s->found == s->sample)
		return SL_DIAGNOSIS_MORE;
	return s->sample >= 4 && s->found * 2 >= s->sample ? SL_DIAGNOSIS_SOME : SL_DIAGNOSIS_UNKNOWN;
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
	*out = (struct sl_diagnosis){ kind_of(&s), s.best, s.sample, s.found, s.others };
	if (out->kind == SL_DIAGNOSIS_UNKNOWN) {
		out->convention = (struct sl_convention){ 0 };
		out->found = 0;
		out->others = 0;
		for (size_t i = 0; i < s.sample; i++)
			out->found += sl_convention_has(&out->convention, shape, bits.p, entry[i]);
	}
	return SL_OK;
}
