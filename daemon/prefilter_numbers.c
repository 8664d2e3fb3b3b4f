/* SPDX-License-Identifier: GPL-2.0-or-later */
/* prefilter_numbers.c - do the numbers of a prefilter fit NE-BLOOM-01? */
#include <math.h>

#include "base/out.h"
#include "base/util.h"
#include "bloom/apple_size.h"
#include "daemon/prefilter_report.h"

/* One way in which the numbers may have come about. */
struct guess {
	uint64_t items;
	double tolerance;
	bool strict;
};

static bool fits(const struct sl_prefilter_shape *is, const struct guess *g)
{
	struct sl_apple_want want = {
		.lines = g->items, .distinct = g->items, .tolerance = g->tolerance, .strict = g->strict
	};
	struct sl_prefilter_shape should;
	return sl_apple_size(&want, &should) == SL_OK && should.bits == is->bits &&
	       should.hashes == is->hashes;
}

static bool try_tolerances(const struct sl_prefilter_file *f, struct guess *g)
{
	static const double usual[] = { 0.001, 0.01, 0.0001, 0.00001, 0.000001, 0.1, 0.05, 0.005, 0.0005 };

	if (f->tolerance > 0) {
		g->tolerance = f->tolerance;
		return fits(&f->shape, g);
	}
	for (size_t i = 0; i < SL_COUNT(usual); i++) {
		g->tolerance = usual[i];
		if (fits(&f->shape, g))
			return true;
	}
	return false;
}

static bool find(const struct sl_prefilter_file *f, const uint64_t *items, size_t n, struct guess *g)
{
	for (size_t i = 0; i < 2 * n; i++) {
		*g = (struct guess){ .items = items[i / 2], .strict = i % 2 == 0 };
		if (g->items > 0 && try_tolerances(f, g))
			return true;
	}
	return false;
}

/* How the numbers came about, where it was not by rounding up. */
static const char *rounding(const struct sl_prefilter_file *f, double items, double p)
{
	double bits = -items * log(p) / (M_LN2 * M_LN2);
	double hashes = (double)f->shape.bits / items * M_LN2;

	if ((double)f->shape.bits == floor(bits))
		return "; bitCount was rounded down";
	if ((double)f->shape.bits == ceil(bits) && f->shape.hashes == floor(hashes))
		return "; hashCount was rounded down";
	return "";
}

static void say_misfit(const struct sl_prefilter_file *f, uint64_t items, struct sl_out *o)
{
	double p = f->tolerance > 0 ? f->tolerance : SL_APPLE_TOLERANCE;
	struct sl_apple_want want = { .lines = items, .tolerance = p, .strict = true };
	struct sl_prefilter_shape should;

	if (sl_apple_size(&want, &should) != SL_OK) {
		sl_out_fmt(o, "do not fit NE-BLOOM-01: n = %llu and p = %g make no filter",
		           (unsigned long long)items, p);
		return;
	}
	sl_out_fmt(o, "do not fit NE-BLOOM-01: n = %llu and p = %g make bitCount %llu and hashCount %u%s",
	           (unsigned long long)items, p, (unsigned long long)should.bits, should.hashes,
	           rounding(f, (double)items, p));
}

void sl_prefilter_numbers(const struct sl_prefilter_file *file, uint64_t lines, uint64_t distinct,
                          char text[SL_PREFILTER_SENTENCE])
{
	const uint64_t items[] = { file->items.given ? file->items.value : 0, lines, distinct };
	struct sl_out o = sl_out_of(text, SL_PREFILTER_SENTENCE - 1);
	struct guess g;

	if (find(file, items, SL_COUNT(items), &g))
		sl_out_fmt(&o, "fit %s for n = %llu and p = %g",
		           g.strict ? "NE-BLOOM-01"
		                    : "NE-BLOOM-01 with at least 1024 bits (sluice's own choice)",
		           (unsigned long long)g.items, g.tolerance);
	else if (items[0] > 0 || items[1] > 0)
		say_misfit(file, items[0] > 0 ? items[0] : items[1], &o);
	else
		sl_out_str(&o, "cannot be judged: the file does not say how many entries it was made for; "
		               "name them");
	text[o.len] = '\0';
}
