/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pipeline.c - sl_pipeline: what a packet and a flow cost a worker without a kernel: by protocol, by number of live flows, by
 * stage, and with two workers. Kinds take turns within a round; times are of the worker's own processor time. */
#include <getopt.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"
#include "bench/bench_pipeline.h"

enum { SIZES = 16, ROUNDS_MAX = 101, WORKERS = 2, NAMES_MANY = 1 << 16, LOG_RING = 1 << 20, SLICES = 4 };

struct options {
	uint32_t live[SIZES];
	unsigned sizes, rounds, names;
	uint64_t flows; /* of a kind in a round */
	bool json, counted;
};

/* What all workers look at. */
struct bench {
	const struct options *o;
	struct sl_policy_slot slot, empty, grouped;
	struct sl_flow_log *log;
	struct sl_pipe_packets *packets;
};

struct series {
	double ns[ROUNDS_MAX];
};

void sl_pipe_die(const char *what)
{
	(void)fprintf(stderr, "sl_pipeline: %s\n", what);
	exit(1);
}

static double seconds(clockid_t clock)
{
	struct timespec t;
	(void)clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double rank(const struct series *s, unsigned rounds, double share)
{
	struct series sorted = *s;
	qsort(sorted.ns, rounds, sizeof(sorted.ns[0]), by_value);
	return sorted.ns[(size_t)(share * (rounds - 1))];
}

static double median(const struct series *s, unsigned rounds)
{
	return rank(s, rounds, 0.5);
}

static double rss(void)
{
	unsigned long total, resident = 0;
	FILE *f = fopen("/proc/self/statm", "re");
	/* NOLINTNEXTLINE(cert-err34-c): printed by the kernel */
	if (f == NULL || fscanf(f, "%lu %lu", &total, &resident) != 2)
		sl_pipe_die("/proc/self/statm");
	(void)fclose(f);
	return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

/* ---- what is printed ---- */

static void tell(const struct bench *b, const char *name, uint32_t live, const struct series *s, double base)
{
	unsigned r = b->o->rounds;
	double mid = median(s, r) - base, low = rank(s, r, 0.1) - base, high = rank(s, r, 0.9) - base;
	(void)printf(b->o->json ? "{\"bench\":\"pipeline/"
	                          "%s\",\"live\":%u,\"ns\":%.2f,\"ns_p10\":%.2f,\"ns_p90\":%.2f,"
	                          "\"per_second\":%.0f}\n"
	                        : "%-28s %9u  %8.1f ns  [%.1f .. %.1f]  %.2f M/s\n",
	             name, live, mid, low, high, b->o->json ? 1e9 / mid : 1e3 / mid);
	(void)fflush(stdout);
}

static void tell_fact(const struct bench *b, const char *name, uint32_t live, double value, const char *unit)
{
	(void)printf(b->o->json ? "{\"bench\":\"pipeline/%s\",\"live\":%u,\"value\":%.4f,\"unit\":\"%s\"}\n"
	                        : "%-28s %9u  %8.2f %s\n",
	             name, live, value, unit);
	(void)fflush(stdout);
}

/* ---- one worker ---- */

/* Of whom a verdict is asked: of no list, of the lists, of what is for each client, too. */
enum asked { NOBODY, LISTS, GROUPS };

/* Who hears of a verdict: nobody, the worker's counters, the flow log, too. */
enum told { UNTOLD, COUNTED, LOGGED };

static struct sl_pipe_worker *new_worker(struct bench *b, uint32_t live, unsigned number, enum asked asked,
                                         enum told told)
{
	const struct sl_pipe_worker_cfg cfg = { .live = live,
		                                .slot = asked == GROUPS  ? &b->grouped
		                                        : asked == LISTS ? &b->slot
		                                                         : &b->empty,
		                                .log = told == LOGGED ? b->log : NULL,
		                                .counts = told != UNTOLD,
		                                .number = number,
		                                .packets = b->packets };
	return sl_pipe_worker_new(&cfg);
}

/* With its table full. */
static struct sl_pipe_worker *make_worker(struct bench *b, uint32_t live, unsigned number, enum asked asked,
                                          enum told told)
{
	struct sl_pipe_worker *w = new_worker(b, live, number, asked, told);
	sl_pipe_worker_run(w, SL_PIPE_TLS, SL_PIPE_WHOLE, live);
	return w;
}

static double time_flows(struct sl_pipe_worker *w, enum sl_pipe_kind kind, enum sl_pipe_depth depth,
                         uint64_t n)
{
	double start = seconds(CLOCK_THREAD_CPUTIME_ID);
	sl_pipe_worker_run(w, kind, depth, n);
	return (seconds(CLOCK_THREAD_CPUTIME_ID) - start) * 1e9 / (double)n;
}

static double time_known(struct sl_pipe_worker *w, enum sl_pipe_depth depth, uint64_t n)
{
	double start = seconds(CLOCK_THREAD_CPUTIME_ID);
	sl_pipe_worker_run_known(w, depth, n);
	return (seconds(CLOCK_THREAD_CPUTIME_ID) - start) * 1e9 / (double)n;
}

static void check_verdicts(struct sl_pipe_worker *w, enum sl_pipe_kind kind, bool block)
{
	uint64_t judged = sl_pipe_worker_judged(w), blocked = sl_pipe_worker_blocked(w);
	sl_pipe_worker_run(w, kind, SL_PIPE_WHOLE, SL_PIPE_NAMES);
	judged = sl_pipe_worker_judged(w) - judged;
	blocked = sl_pipe_worker_blocked(w) - blocked;
	if (judged != (kind == SL_PIPE_OTHER ? 0 : SL_PIPE_NAMES) || blocked != (block ? SL_PIPE_NAMES : 0))
		sl_pipe_die("a verdict is wrong");
}

/* By protocol: new flows in a table that is full, each of which puts out the oldest; and packets of flows that are known. */
static void bench_kinds(struct bench *b, uint32_t live)
{
	static struct series flow[SL_PIPE_KINDS], fill[SL_PIPE_KINDS], known, known_fill;
	const struct options *o = b->o;
	struct sl_pipe_worker *w = new_worker(b, live, 0, LISTS, LOGGED);
	(void)malloc_trim(0); /* or what was freed before is used again, and not counted */
	sl_pipe_worker_run(
	        w, SL_PIPE_TLS, SL_PIPE_WHOLE,
	        SL_PIPE_NAMES); /* what all share is there now; the buckets, 4 to 8 bytes a flow, too */
	double before = rss();
	sl_pipe_worker_run(w, SL_PIPE_TLS, SL_PIPE_WHOLE, live);
	tell_fact(b, "bytes_a_live_flow", live, (rss() - before) / live, "bytes");
	for (unsigned r = 0; r < o->rounds; r++) {
		known.ns[r] = time_known(w, SL_PIPE_WHOLE, o->flows);
		known_fill.ns[r] = time_known(w, SL_PIPE_FILL, o->flows);
	}
	tell(b, "known", live, &known, median(&known_fill, o->rounds));
	for (int k = 0; k < SL_PIPE_KINDS; k++)
		check_verdicts(w, (enum sl_pipe_kind)k,
		               k == SL_PIPE_TLS_BLOCKED || k == SL_PIPE_HTTP_BLOCKED);
	for (unsigned r = 0; r < o->rounds; r++)
		for (int k = 0; k < SL_PIPE_KINDS; k++) {
			flow[k].ns[r] = time_flows(w, (enum sl_pipe_kind)k, SL_PIPE_WHOLE, o->flows);
			fill[k].ns[r] = time_flows(w, (enum sl_pipe_kind)k, SL_PIPE_FILL, o->flows);
		}
	for (int k = 0; k < SL_PIPE_KINDS; k++)
		tell(b, sl_pipe_name((enum sl_pipe_kind)k), live, &flow[k], median(&fill[k], o->rounds));
	sl_pipe_worker_free(w);
}

/* Where the time of a TLS flow goes: each row does one thing more than the one before it, and is shown without that. */
static void bench_stages(struct bench *b, uint32_t live)
{
	enum { FILL, MESSAGE, HEADERS, FILTER, VERDICT, POLICY, COUNTS, LOG, EACH_CLIENT, STAGES };
	static const struct {
		const char *name;
		enum sl_pipe_depth depth;
		enum asked asked;
		enum told told;
		int without;
	} stage[STAGES] = {
		[FILL] = { "stage/copy_by_the_kernel", SL_PIPE_FILL, NOBODY, UNTOLD, -1 },
		[MESSAGE] = { "stage/message", SL_PIPE_MESSAGE, NOBODY, UNTOLD, FILL },
		[HEADERS] = { "stage/headers", SL_PIPE_HEADERS, NOBODY, UNTOLD, MESSAGE },
		[FILTER] = { "stage/filter", SL_PIPE_JUDGED, NOBODY, UNTOLD, HEADERS },
		[VERDICT] = { "stage/verdict", SL_PIPE_WHOLE, NOBODY, UNTOLD, FILTER },
		[POLICY] = { "stage/policy", SL_PIPE_WHOLE, LISTS, UNTOLD, VERDICT },
		[COUNTS] = { "stage/counts", SL_PIPE_WHOLE, LISTS, COUNTED, POLICY },
		[LOG] = { "stage/log", SL_PIPE_WHOLE, LISTS, LOGGED, COUNTS },
		[EACH_CLIENT] = { "stage/groups", SL_PIPE_WHOLE, GROUPS, LOGGED, LOG },
	};
	static struct series s[STAGES];
	struct sl_pipe_worker *w[STAGES];
	for (int i = 0; i < STAGES; i++)
		w[i] = make_worker(b, live, 0, stage[i].asked, stage[i].told);
	for (unsigned r = 0; r < b->o->rounds; r++)
		for (int i = 0; i < STAGES; i++)
			s[i].ns[r] = time_flows(w[i], SL_PIPE_TLS, stage[i].depth, b->o->flows);
	for (int i = 0; i < STAGES; i++) {
		tell(b, stage[i].name, live, &s[i],
		     stage[i].without < 0 ? 0 : median(&s[stage[i].without], b->o->rounds));
		sl_pipe_worker_free(w[i]);
	}
}

/* ---- for a counter of instructions ---- */

/* All that callgrind counts, which is told this name: bench/regress.py. */
__attribute__((noinline)) void sl_pipe_counted(struct sl_pipe_worker *w, enum sl_pipe_kind kind,
                                               enum sl_pipe_depth depth, uint64_t n);
/* kind SL_PIPE_KINDS: packets of flows that are known. */
void sl_pipe_counted(struct sl_pipe_worker *w, enum sl_pipe_kind kind, enum sl_pipe_depth depth, uint64_t n)
{
	if (kind == SL_PIPE_KINDS)
		sl_pipe_worker_run_known(w, depth, n);
	else
		sl_pipe_worker_run(w, kind, depth, n);
}

/* Whole, then what is to be taken off; a line for the pair. */
static void count(struct bench *b, struct sl_pipe_worker *w, enum sl_pipe_kind kind, const char *name)
{
	sl_pipe_counted(w, kind, SL_PIPE_WHOLE, b->o->flows);
	sl_pipe_counted(w, kind, SL_PIPE_FILL, b->o->flows);
	(void)printf("{\"bench\":\"pipeline/%s\",\"times\":%llu}\n", name, (unsigned long long)b->o->flows);
}

static void count_kinds(struct bench *b, uint32_t live)
{
	struct sl_pipe_worker *w = make_worker(b, live, 0, LISTS, LOGGED);
	count(b, w, SL_PIPE_KINDS, "known"); /* while the table holds flows of TLS */
	for (int k = 0; k < SL_PIPE_KINDS; k++) {
		sl_pipe_worker_run(w, (enum sl_pipe_kind)k, SL_PIPE_WHOLE, live);
		count(b, w, (enum sl_pipe_kind)k, sl_pipe_name((enum sl_pipe_kind)k));
	}
	sl_pipe_worker_free(w);
	w = make_worker(b, live, 0, GROUPS, LOGGED);
	count(b, w, SL_PIPE_KINDS, "known/groups");
	sl_pipe_worker_run(w, SL_PIPE_TLS, SL_PIPE_WHOLE, live);
	count(b, w, SL_PIPE_TLS, "tls/groups");
	sl_pipe_worker_free(w);
}

/* ---- two workers ---- */

struct thread {
	struct bench *b;
	pthread_barrier_t *start;
	pthread_t thread;
	unsigned number;
	uint32_t live;
};

static void *run_thread(void *arg)
{
	struct thread *t = (struct thread *)arg;
	sl_policy_slot_register();
	struct sl_pipe_worker *w = make_worker(t->b, t->live, t->number, LISTS, COUNTED);
	(void)pthread_barrier_wait(t->start);
	sl_pipe_worker_run(w, SL_PIPE_TLS, SL_PIPE_WHOLE, t->b->o->flows * SLICES);
	(void)pthread_barrier_wait(t->start);
	sl_pipe_worker_free(w);
	sl_policy_slot_unregister();
	return NULL;
}

/* Nanoseconds of the clock a flow of all workers. */
static double time_threads(struct bench *b, uint32_t live, unsigned workers)
{
	struct thread t[WORKERS];
	pthread_barrier_t barrier;
	if (pthread_barrier_init(&barrier, NULL, workers + 1) != 0)
		sl_pipe_die("threads");
	for (unsigned i = 0; i < workers; i++) {
		t[i] = (struct thread){ .b = b, .start = &barrier, .number = i, .live = live };
		if (pthread_create(&t[i].thread, NULL, run_thread, &t[i]) != 0)
			sl_pipe_die("threads");
	}
	(void)pthread_barrier_wait(&barrier);
	double start = seconds(CLOCK_MONOTONIC);
	(void)pthread_barrier_wait(&barrier);
	double taken = seconds(CLOCK_MONOTONIC) - start;
	for (unsigned i = 0; i < workers; i++)
		(void)pthread_join(t[i].thread, NULL);
	(void)pthread_barrier_destroy(&barrier);
	return taken * 1e9 / (double)(b->o->flows * SLICES * workers);
}

static void bench_workers(struct bench *b, uint32_t live)
{
	static struct series one, two, ratio;
	unsigned rounds = b->o->rounds;
	for (unsigned r = 0; r < rounds; r++) {
		one.ns[r] = time_threads(b, live, 1);
		two.ns[r] = time_threads(b, live, 2);
		ratio.ns[r] = one.ns[r] / two.ns[r];
	}
	tell(b, "workers/1", live, &one, 0);
	tell(b, "workers/2", live, &two, 0);
	tell_fact(b, "workers/2_to_1", live, median(&ratio, rounds), "times");
}

static void bench_all(struct bench *b)
{
	for (unsigned i = 0; i < b->o->sizes; i++)
		bench_kinds(b, b->o->live[i]);
	bench_stages(b, b->o->live[0]);
	bench_workers(b, b->o->live[0]);
}

static bool read_sizes(struct options *o, char *text)
{
	o->sizes = 0;
	for (char *part = strtok(text, ","); part != NULL && o->sizes < SIZES; part = strtok(NULL, ",")) {
		char *end;
		unsigned long n = strtoul(part, &end, 10);
		if (*end == 'k' || *end == 'M')
			n *= *end++ == 'k' ? 1000 : 1000000;
		if (*end != '\0' || n < 64 || n > 1U << 24)
			return false;
		o->live[o->sizes++] = (uint32_t)n;
	}
	return o->sizes > 0;
}

static bool read_options(int argc, char **argv, struct options *o)
{
	static const struct option options[] = { { "live", required_argument, NULL, 'l' },
		                                 { "rounds", required_argument, NULL, 'r' },
		                                 { "names", required_argument, NULL, 'n' },
		                                 { "flows", required_argument, NULL, 'f' },
		                                 { "json", no_argument, NULL, 'j' },
		                                 { "counted", no_argument, NULL, 'c' },
		                                 { NULL, 0, NULL, 0 } };
	bool fine = true;
	for (int letter; (letter = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (letter == 'l')
			fine &= read_sizes(o, optarg);
		else if (letter == 'r')
			o->rounds = (unsigned)strtoul(optarg, NULL, 10);
		else if (letter == 'n')
			o->names = (unsigned)strtoul(optarg, NULL, 10);
		else if (letter == 'f')
			o->flows = strtoull(optarg, NULL, 10);
		else if (letter == 'j')
			o->json = true;
		else if (letter == 'c')
			o->counted = true;
		else
			fine = false;
	}
	return fine && optind == argc && o->rounds > 0 && o->rounds <= ROUNDS_MAX &&
	       o->names >= SL_PIPE_NAMES && o->flows > 0;
}

int main(int argc, char **argv)
{
	struct options o = { .live = { 1000, 100000, 1000000, 4000000 },
		             .sizes = 4,
		             .rounds = 11,
		             .names = 1000000,
		             .flows = NAMES_MANY };
	static char *clean[SL_PIPE_NAMES], *blocked[SL_PIPE_NAMES];
	if (!read_options(argc, argv, &o)) {
		(void)fprintf(stderr,
		              "usage: sl_pipeline [--live N,N...] [--rounds 1..%d] [--names N] [--flows N] "
		              "[--json]\n       sl_pipeline --counted ...  for bench/regress.py\n",
		              ROUNDS_MAX);
		return 2;
	}
	struct bench b = { .o = &o };
	sl_policy_slot_register();
	sl_policy_slot_publish(&b.empty, sl_pipe_policy(0, clean, blocked));
	struct sl_policy *lists = sl_pipe_policy(o.names, clean, blocked);
	sl_policy_slot_publish(&b.grouped, sl_pipe_grouped(lists));
	sl_policy_slot_publish(&b.slot, lists);
	b.packets = sl_pipe_packets_new(clean, blocked);
	if (sl_flow_log_new(WORKERS, LOG_RING, -1, NULL, &b.log) != SL_OK)
		sl_pipe_die("flow log");
	if (o.counted)
		count_kinds(&b, o.live[0]);
	else
		bench_all(&b);
	sl_flow_log_free(&b.log);
	sl_pipe_packets_free(b.packets);
	for (unsigned i = 0; i < SL_PIPE_NAMES; i++) {
		free(clean[i]);
		free(blocked[i]);
	}
	sl_policy_slot_publish(&b.grouped, NULL);
	sl_policy_slot_publish(&b.slot, NULL);
	sl_policy_slot_publish(&b.empty, NULL);
	sl_policy_slot_unregister();
	return 0;
}
