/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench_verdict.h - the parts of sl_verdict: a list of any size made from real names, questions about it, the snapshot and
 * what one would use in its place, rounds in which they take turns, and the report. What is measured, and how, is told in
 * docs/performance.md. Any failure ends the program: sl_verdict_die(). */
#ifndef SL_BENCH_BENCH_VERDICT_H
#define SL_BENCH_BENCH_VERDICT_H

#include "base/bytes.h"
#include "bloom/prefilter.h"
#include "policy/decide.h"
#include "policy/policy.h"
#include "policy/snapshot.h"

void sl_verdict_die(const char *what) __attribute__((noreturn));
void *
sl_verdict_memory(size_t bytes); /* not zeroed; in huge pages where there are some; given back with free() */
double sl_verdict_seconds(void);
double sl_verdict_cpu(
        void); /* seconds of the processor that this thread has had: others on the machine do not count */

/* ---- names (bench_verdict_names.c) ---- */

enum { SL_NAME_MAX = 512 }; /* bytes of a name or URL with its NUL */

struct sl_names {
	struct sl_bytes *block, *clean; /* hosts of the corpus' block and clean lists, canonical, shuffled */
	struct sl_bytes *label, *segment; /* of block hosts and of paths, to derive names from */
	struct sl_bytes *url;             /* clean URLs: host and path in one */
	size_t blocks, cleans, labels, segments, urls;
	uint64_t seed;
	unsigned urls_percent; /* share of entries that have a path */
	bool corpus;           /* false: there was none, and the pools are made up */
};

/* corpus: its folder. Everything that comes out depends on the corpus and the seed alone. */
void sl_names_open(struct sl_names *n, const char *corpus, uint64_t seed, unsigned urls_percent);
void sl_names_close(struct sl_names *n);
/* Entry i of the list, canonical, host or host/path; returns its length. */
size_t sl_names_entry(const struct sl_names *n, uint64_t i, char out[SL_NAME_MAX]);
/* A host of as many labels, and a path of as many segments, for a question; the host is clean or entry i's. */
struct sl_names_want {
	unsigned labels, segments;
	bool query, hit;
};
size_t sl_names_ask(const struct sl_names *n, uint64_t i, const struct sl_names_want *want, uint64_t entries,
                    char out[SL_NAME_MAX]);

/* ---- questions (bench_verdict_asks.c) ---- */

struct sl_ask_key { /* one key: text[off, end) */
	uint16_t off, end;
};

struct sl_asks { /* n questions */
	size_t n;
	struct sl_host *host;
	struct sl_query *query; /* canonical */
	struct sl_query *raw;   /* the same as sent: to be made canonical */
	const char **text;      /* host, or host/path, with NUL */
	/* The keys that the snapshot is asked for each, ready made: the others need not find out which. */
	struct sl_ask_key *key;
	uint32_t *first_key; /* of question i; n + 1 */
	char *blob;
};

struct sl_mix {
	const char *name;
	unsigned hits;                       /* percent */
	unsigned labels_min, labels_max;     /* 0: real names as they are */
	unsigned segments_min, segments_max; /* 0: host only */
};
extern const struct sl_mix sl_mixes[]; /* ends with { 0 } */

void sl_asks_make(struct sl_asks *a, const struct sl_names *n, const struct sl_mix *mix, uint64_t entries,
                  size_t questions, const struct sl_snapshot *s);
void sl_asks_free(struct sl_asks *a);

/* ---- engines ---- */

struct sl_judge {
	const char *name;
	void *state;
	/* How many of questions from .. from + n - 1 are blocked. */
	uint64_t (*judge)(void *state, const struct sl_asks *a, size_t from, size_t n);
	uint64_t bytes; /* of memory */
	double build;   /* seconds */
};

/* The snapshot (bench_verdict_image.c): compiled by a child process, so that its memory is its own, into a memory file, as the
 * daemon's compiler does. */
struct sl_image {
	int fd, small; /* small: the same bytes in a file of their own, whose pages stay small */
	uint64_t bytes;
	double names_s, compile_s; /* making the names alone; reading, sorting and writing, names included */
	double settle_s, verify_s; /* moved into huge pages; every byte verified */
	double map_s, judge_s;     /* map, open and first verdict; with all pages fetched */
	uint64_t child_peak;       /* bytes, the whole process */
	uint64_t duplicates, refused;
	double further; /* bytes of each further list's mention; 0: not measured */
};

void sl_image_make(struct sl_image *image, const struct sl_names *n, uint64_t entries);
void sl_image_remove(struct sl_image *image);
/* As the daemon maps one; small: with its pages fetched and the prefilter copied, where huge pages cannot be had. */
struct sl_policy *sl_image_load(const struct sl_image *image, bool small);
void sl_image_time_map(struct sl_image *image, const struct sl_query *first);

uint64_t sl_judge_one(void *snapshot, const struct sl_asks *a, size_t from, size_t n);
uint64_t sl_judge_many(void *snapshot, const struct sl_asks *a, size_t from, size_t n);
uint64_t sl_judge_raw(void *snapshot, const struct sl_asks *a, size_t from, size_t n);

/* What one would use in its place (bench_verdict_rivals.c, bench_verdict_hs.c). */
struct sl_rivals;
struct sl_rivals *sl_rivals_make(const struct sl_names *n, uint64_t entries);
void sl_rivals_free(struct sl_rivals *r);
unsigned sl_rivals_judges(struct sl_rivals *r, struct sl_judge out[4]);
/* Apple's prefilter: its shape, seconds to build, share of absent that pass. */
void sl_rivals_apple(const struct sl_rivals *r, struct sl_prefilter_shape *shape, double *build,
                     double *pass);
/* false: not built in, or more patterns than it can take. */
bool sl_hyperscan_make(const struct sl_names *n, uint64_t entries, struct sl_judge *out);
void sl_hyperscan_free(struct sl_judge *j);

/* ---- measuring (bench_verdict_rounds.c, bench_verdict_threads.c) ---- */

enum { SL_HIST = 40 * 64 };
struct sl_hist { /* of ticks: 64 steps an octave */
	uint64_t n[SL_HIST], sum;
};
static inline unsigned sl_hist_at(uint64_t v)
{
	unsigned top = v < 64 ? 0 : 63u - (unsigned)__builtin_clzll(v) - 5;
	unsigned at = top == 0 ? (unsigned)v : top * 64 + (unsigned)(v >> (top - 1) & 63);
	return at < SL_HIST ? at : SL_HIST - 1;
}
double sl_hist_ns(const struct sl_hist *h, double share); /* the percentile, in nanoseconds */

static inline uint64_t sl_ticks(void)
{
#if defined(__x86_64__)
	unsigned aux;
	return __builtin_ia32_rdtscp(&aux);
#else
	return (uint64_t)(sl_verdict_seconds() * 1e9);
#endif
}
double sl_ticks_ns(void);         /* nanoseconds of a tick */
uint64_t sl_ticks_overhead(void); /* ticks between two readings with nothing between them */

struct sl_row {
	uint64_t entries;
	const char *mix, *engine, *reload;
	unsigned threads, rounds;
	bool cold;
	double keys, hits;          /* of a question: keys asked; share blocked */
	double ns, ns_low, ns_high; /* of a verdict: median, least and greatest of the rounds */
	double ratio;               /* to the first engine, median over rounds */
	double p50, p90, p99, p999; /* of single verdicts, ns */
	double per_second;          /* of all threads */
};
struct sl_fact {
	uint64_t entries;
	const char *name, *unit;
	double value;
};
struct sl_report {
	struct sl_row *row;
	struct sl_fact *fact;
	size_t rows, facts;
};
void sl_report_row(struct sl_report *r, const struct sl_row *row);
void sl_report_fact(struct sl_report *r, uint64_t entries, const char *name, double value, const char *unit);
void sl_report_json(const struct sl_report *r, const char *file);
void sl_report_markdown(const struct sl_report *r, const char *file);
void sl_report_plot(const struct sl_report *r, const char *dir);

/* All judges in turn; row holds what is common. Ends the program where two of them do not block the same. */
void sl_rounds(struct sl_report *report, const struct sl_row *common, const struct sl_judge *judge,
               unsigned judges, const struct sl_asks *a);
/* Threads that judge through a slot, without reloads and with one every 100 ms. */
void sl_threads(struct sl_report *report, const struct sl_row *common, const struct sl_image *image,
                const struct sl_asks *a, double seconds);

#endif
