/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verdict.c - sl_verdict: what a verdict costs, at any size of the list, beside what one would use in its place. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "bench/bench_verdict.h"

enum { SIZES = 16, JUDGES = 16, WARM = 1024, COLD_HOSTS = 1 << 19, COLD_URLS = 1 << 17, HUGE = 2 << 20 };

struct options {
	uint64_t entries[SIZES], seed;
	unsigned sizes, rounds, urls_percent, questions;
	const char *corpus, *json, *markdown, *plot, *mix;
	bool rivals, threads;
	double seconds;
};

void sl_verdict_die(const char *what)
{
	(void)fprintf(stderr, "sl_verdict: %s\n", what);
	exit(1);
}

void *sl_verdict_memory(size_t bytes)
{
	size_t len = (bytes + HUGE - 1) / HUGE * HUGE;
	void *p = aligned_alloc(HUGE, len);
	if (p == NULL)
		sl_verdict_die("memory");
	(void)madvise(p, len, MADV_HUGEPAGE); /* a kernel without them measures without them */
	return p;
}

static void tell_image(struct sl_report *r, const struct sl_image *image, const struct sl_snapshot *s,
                       uint64_t entries)
{
	struct sl_snapshot_info info;
	sl_snapshot_info(s, &info);
	double n = (double)info.keys;
	sl_report_fact(r, entries, "keys", n, "");
	sl_report_fact(r, entries, "keys with a path", (double)info.paths, "");
	sl_report_fact(r, entries, "duplicates", (double)image->duplicates, "");
	sl_report_fact(r, entries, "refused", (double)image->refused, "");
	for (size_t i = 0; i < SL_SNAPSHOT_PARTS; i++)
		if ((double)info.part[i].bytes / n >= 0.005)
			sl_report_fact(r, entries, info.part[i].name, (double)info.part[i].bytes / n,
			               "bytes an entry");
	sl_report_fact(r, entries, "prefilter and index",
	               (double)(info.part[0].bytes + info.part[1].bytes) / n, "bytes an entry");
	sl_report_fact(r, entries, "whole snapshot", (double)image->bytes / n, "bytes an entry");
	if (image->further > 0)
		sl_report_fact(r, entries, "each further list", image->further, "bytes an entry");
	sl_report_fact(r, entries, "making the names alone", image->names_s, "s");
	sl_report_fact(r, entries, "parse, compile, write (names included)", image->compile_s, "s");
	sl_report_fact(r, entries, "peak memory of the compiler", (double)image->child_peak / (1 << 20),
	               "MiB");
	sl_report_fact(r, entries, "moved into huge pages", image->settle_s, "s");
	sl_report_fact(r, entries, "every byte verified", image->verify_s, "s");
	sl_report_fact(r, entries, "map, open, first verdict", image->map_s * 1e3, "ms");
	sl_report_fact(r, entries, "the same with all pages fetched, as an engine does", image->judge_s * 1e3,
	               "ms");
}

static void tell_judges(struct sl_report *r, const struct sl_judge *judge, unsigned n, uint64_t entries)
{
	for (unsigned i = 0; i < n; i++)
		if (judge[i].bytes > 0) {
			sl_report_fact(r, entries, judge[i].name, (double)judge[i].bytes / (double)entries,
			               "bytes an entry");
			sl_report_fact(r, entries, judge[i].name, judge[i].build, "s to build");
		}
}

static void tell_apple(struct sl_report *r, const struct sl_rivals *rivals, uint64_t entries)
{
	struct sl_prefilter_shape shape;
	double build, pass;
	sl_rivals_apple(rivals, &shape, &build, &pass);
	sl_report_fact(r, entries, "Apple prefilter, bits", (double)shape.bits, "");
	sl_report_fact(r, entries, "Apple prefilter, hashes", shape.hashes, "");
	sl_report_fact(r, entries, "Apple prefilter, bytes", (double)sl_prefilter_bytes(&shape), "");
	sl_report_fact(r, entries, "Apple prefilter, build", build, "s");
	sl_report_fact(r, entries, "Apple prefilter, absent keys that pass", pass * 100, "%");
}

struct size { /* all that is made for one size */
	const struct options *o;
	struct sl_names *names;
	struct sl_report *report;
	uint64_t entries;
	struct sl_image image;
	struct sl_policy *loaded, *small;
	struct sl_rivals *rivals;
	struct sl_judge judge[JUDGES];
	unsigned judges;
	bool hyperscan; /* the last judge */
};

static void *snapshot_of(struct sl_policy *p)
{
	return (void *)(uintptr_t)sl_policy_snapshot(p);
}

static void make_judges(struct size *z)
{
	void *huge = snapshot_of(z->loaded), *small = snapshot_of(z->small);
	const struct sl_judge ours[] = {
		{ .name = "sluice", .state = huge, .judge = sl_judge_one },
		{ .name = "sluice, 64 at a time", .state = huge, .judge = sl_judge_many },
		{ .name = "sluice, made canonical first", .state = huge, .judge = sl_judge_raw },
		{ .name = "sluice, only its prefilter in huge pages", .state = small, .judge = sl_judge_one },
	};
	for (size_t i = 0; i < SL_COUNT(ours); i++)
		z->judge[z->judges++] = ours[i];
	if (!z->o->rivals)
		return;
	z->rivals = sl_rivals_make(z->names, z->entries);
	z->judges += sl_rivals_judges(z->rivals, &z->judge[z->judges]);
	z->hyperscan = sl_hyperscan_make(z->names, z->entries, &z->judge[z->judges]);
	z->judges += z->hyperscan;
	tell_judges(z->report, z->judge, z->judges, z->entries);
	tell_apple(z->report, z->rivals, z->entries);
}

static void run_mix(struct size *z, const struct sl_mix *mix, bool cold)
{
	struct sl_row common = {
		.entries = z->entries, .mix = mix->name, .cold = cold, .rounds = z->o->rounds
	};
	size_t questions = !cold ? WARM : mix->segments_min > 0 ? COLD_URLS : COLD_HOSTS;
	bool threads = z->o->threads && cold && mix->hits == 1 && mix->labels_min == mix->labels_max;
	struct sl_asks asks;
	if (cold && z->o->questions > 0)
		questions = z->o->questions;
	sl_asks_make(&asks, z->names, mix, z->entries, questions, sl_policy_snapshot(z->loaded));
	sl_rounds(z->report, &common, z->judge, z->judges, &asks);
	if (threads)
		sl_threads(z->report, &common, &z->image, &asks, z->o->seconds);
	sl_asks_free(&asks);
}

static void run_size(const struct options *o, struct sl_names *names, uint64_t entries,
                     struct sl_report *report)
{
	struct size z = { .o = o, .names = names, .report = report, .entries = entries };
	static const char host[] = "www.example.org";
	struct sl_query first = { .host = sl_bytes_str(host) };
	sl_image_make(&z.image, names, entries);
	sl_image_time_map(&z.image, &first);
	z.loaded = sl_image_load(&z.image, false);
	z.small = sl_image_load(&z.image, true);
	tell_image(report, &z.image, sl_policy_snapshot(z.loaded), entries);
	make_judges(&z);
	for (const struct sl_mix *mix = sl_mixes; mix->name != NULL; mix++)
		for (int cold = 1; cold >= 0; cold--)
			if (o->mix == NULL || strstr(mix->name, o->mix) != NULL)
				run_mix(&z, mix, cold == 1);
	if (z.hyperscan)
		sl_hyperscan_free(&z.judge[z.judges - 1]);
	if (z.rivals != NULL)
		sl_rivals_free(z.rivals);
	sl_policy_free(&z.loaded);
	sl_policy_free(&z.small);
	sl_image_remove(&z.image);
}

static bool read_sizes(struct options *o, char *text)
{
	o->sizes = 0;
	for (char *part = strtok(text, ","); part != NULL && o->sizes < SIZES; part = strtok(NULL, ",")) {
		char *end;
		o->entries[o->sizes] = strtoull(part, &end, 10);
		if (*end == 'k' || *end == 'M')
			o->entries[o->sizes] *= *end++ == 'k' ? 1000 : 1000000;
		if (*end != '\0' || o->entries[o->sizes] < 1000)
			return false;
		o->sizes++;
	}
	return o->sizes > 0;
}

static const struct option options[] = {
	{ "entries", required_argument, NULL, 'e' },  { "rounds", required_argument, NULL, 'r' },
	{ "seed", required_argument, NULL, 's' },     { "urls", required_argument, NULL, 'u' },
	{ "corpus", required_argument, NULL, 'c' },   { "json", required_argument, NULL, 'j' },
	{ "markdown", required_argument, NULL, 'm' }, { "plot", required_argument, NULL, 'p' },
	{ "mix", required_argument, NULL, 'x' },      { "questions", required_argument, NULL, 'q' },
	{ "seconds", required_argument, NULL, 't' },  { "no-rivals", no_argument, NULL, 'R' },
	{ "no-threads", no_argument, NULL, 'T' },     { NULL, 0, NULL, 0 }
};

/* Asked before the hour is over that a run may take. */
static bool can_write_into(const char *dir)
{
	if ((mkdir(dir, 0777) == 0 || errno == EEXIST) && access(dir, W_OK | X_OK) == 0)
		return true;
	(void)fprintf(stderr, "sl_verdict: %s: %s\n", dir, strerror(errno));
	return false;
}

static bool is_mix(const char *word)
{
	for (const struct sl_mix *mix = sl_mixes; mix->name != NULL; mix++)
		if (strstr(mix->name, word) != NULL)
			return true;
	(void)fprintf(stderr, "sl_verdict: no mix has '%s' in its name; they are:\n", word);
	for (const struct sl_mix *mix = sl_mixes; mix->name != NULL; mix++)
		(void)fprintf(stderr, "  %s\n", mix->name);
	return false;
}

static bool read_option(struct options *o, int letter, char *arg)
{
	switch (letter) {
	case 'e':
		return read_sizes(o, arg);
	case 'r':
		o->rounds = (unsigned)strtoul(arg, NULL, 10);
		return o->rounds > 0 && o->rounds <= 101;
	case 's':
		o->seed = strtoull(arg, NULL, 10);
		return true;
	case 'u':
		o->urls_percent = (unsigned)strtoul(arg, NULL, 10);
		return o->urls_percent < 100;
	case 'c':
		o->corpus = arg;
		return true;
	case 'j':
		o->json = arg;
		return true;
	case 'm':
		o->markdown = arg;
		return true;
	case 'p':
		o->plot = arg;
		return can_write_into(arg);
	case 'x':
		o->mix = arg;
		return is_mix(arg);
	case 'q':
		o->questions = (unsigned)strtoul(arg, NULL, 10) / 64 * 64;
		return o->questions > 0;
	case 't':
		o->seconds = strtod(arg, NULL);
		return o->seconds > 0;
	case 'R':
		o->rivals = false;
		return true;
	case 'T':
		o->threads = false;
		return true;
	default:
		return false;
	}
}

static void write_reports(const struct options *o, const struct sl_report *report)
{
	if (o->json != NULL)
		sl_report_json(report, o->json);
	if (o->markdown != NULL)
		sl_report_markdown(report, o->markdown);
	if (o->plot != NULL)
		sl_report_plot(report, o->plot);
}

int main(int argc, char **argv)
{
	struct options o = { .entries = { 1000, 1000000 },
		             .sizes = 2,
		             .rounds = 5,
		             .seed = 1,
		             .urls_percent = 10,
		             .corpus = "../shared/corpus",
		             .rivals = true,
		             .threads = true,
		             .seconds = 1 };
	struct sl_report report = { 0 };
	struct sl_names names;
	bool fine = true;
	for (int letter; (letter = getopt_long(argc, argv, "", options, NULL)) != -1;)
		fine &= read_option(&o, letter, optarg);
	if (!fine || optind != argc) {
		(void)fputs(
		        "usage: sl_verdict [--entries N,N...] [--rounds 1..101] [--seed N] [--urls PERCENT]\n"
		        "    [--corpus DIR] [--mix WORD] [--questions N] [--seconds S] "
		        "[--no-rivals]\n"
		        "    [--no-threads] [--json FILE] [--markdown FILE] [--plot DIR]\n",
		        stderr);
		return 2;
	}
	sl_names_open(&names, o.corpus, o.seed, o.urls_percent);
	(void)fprintf(stderr,
	              "sl_verdict: %s: %zu block names, %zu clean, %zu labels, %zu segments, %zu URLs\n",
	              names.corpus ? o.corpus : "no corpus, names are made up", names.blocks, names.cleans,
	              names.labels, names.segments, names.urls);
	for (unsigned i = 0; i < o.sizes; i++) {
		run_size(&o, &names, o.entries[i], &report);
		write_reports(&o, &report); /* after each size: the greatest take long */
	}
	sl_report_fact(&report, 0, "cost of reading the clock, taken off",
	               (double)sl_ticks_overhead() * sl_ticks_ns(), "ns");
	write_reports(&o, &report);
	sl_names_close(&names);
	return 0;
}
