/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sl_provider - do flows that an external provider holds cost the others anything? Two content filters, each with a provider in a
 * process of its own that answers at once; one of them holds --held flows, each with a packet that waits. In turns the same is done
 * with both: flows that begin, bring a packet, are asked about, allowed and closed, with 1 (verdict time) and with 64 (throughput)
 * under way. What counts is the ratio of the two within a round, of which the median is told; beside it the same of the driver's own
 * work alone, which whoever else uses the machine disturbs less. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/provider_external.h"
#include "daemon/provider_message.h"

enum { SLOTS = 64, ROUNDS_MAX = 1001, BUFFER = 1 << 20, PATIENCE_MS = 10000 };

#define MUST(what)                                                                           \
	do {                                                                                 \
		if (!(what)) {                                                               \
			(void)fprintf(stderr, "%s:%d: %s: %m\n", __FILE__, __LINE__, #what); \
			exit(1);                                                             \
		}                                                                            \
	} while (0)

/* ---- the provider's process: pauses the first `held` flows, and allows the others ---- */

static void put(int fd, const char *object)
{
	uint8_t m[256];
	size_t n = strlen(object);
	struct sl_out o = sl_out_of(m, sizeof(m));
	sl_out_u32(&o, (uint32_t)n);
	sl_out_bytes(&o, object, n);
	MUST(!o.overflow && write(fd, m, o.len) == (ssize_t)o.len);
}

static unsigned long number_after(const char *text, const char *key)
{
	const char *at = strstr(text, key);
	MUST(at != NULL);
	return strtoul(at + strlen(key), NULL, 10);
}

static void answer(int fd, const char *object, unsigned long held)
{
	char verdict[160];
	if (strstr(object, "\"startFilter\"") != NULL)
		put(fd, "{\"message\":\"filterStarted\"}");
	if (strstr(object, "\"handleNewFlow\"") == NULL)
		return;
	unsigned long flow = number_after(object, "\"flow\":");
	(void)snprintf(verdict, sizeof(verdict),
	               "{\"message\":\"verdict\",\"flow\":%lu,\"question\":%lu,\"verdict\":\"%s\"}", flow,
	               number_after(object, "\"question\":"), flow <= held ? "pause" : "allow");
	put(fd, verdict);
}

static void provide(int fd, unsigned long held)
{
	static uint8_t in[BUFFER];
	size_t len = 0;
	put(fd, "{\"message\":\"hello\",\"protocol\":\"sluice-provider\",\"version\":1,\"name\":\"bench\"}");
	for (;;) {
		ssize_t n = read(fd, in + len, sizeof(in) - len);
		struct sl_bytes object;
		if (n <= 0)
			exit(0);
		len += (size_t)n;
		size_t done = 0;
		while (sl_provider_frame(sl_bytes_of(in + done, len - done), &object) == SL_OK) {
			char text[SL_PROVIDER_SPEC_MAX];
			MUST(object.len < sizeof(text));
			memcpy(text, object.p, object.len);
			text[object.len] = '\0';
			answer(fd, text, held);
			done += SL_PROVIDER_HEAD + object.len;
		}
		memmove(in, in + done, len - done);
		len -= done;
	}
}

/* ---- the driver ---- */

/* Driver and providers each have their core, where there are two: else chance decides for a side. */
static void sit_on(int core)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(core, &set);
	(void)sched_setaffinity(0, sizeof(set), &set);
}

struct side {
	struct sl_ne_source *source;
	struct sl_ne_filter *filter;
	pid_t child;
	uint64_t decided, held;
};

static struct sl_mono now_is(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (struct sl_mono){ (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000 };
}

static void on_packet(void *ctx, struct sl_ne_flow *flow, enum sl_ne_direction direction,
                      const struct sl_ne_packet *packet, struct sl_mono now)
{
	(void)ctx, (void)flow, (void)direction, (void)packet, (void)now;
}

static void on_detached(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	(void)flow, (void)now;
	((struct side *)ctx)->decided++;
}

static void wait_for(struct side *s)
{
	struct pollfd p = { .fd = s->source->fd, .events = s->source->events };
	int n = poll(&p, 1, PATIENCE_MS);
	MUST(n > 0 || errno == EINTR);
	s->source->ready(s->source->ctx, p.revents, now_is());
	sl_ne_filter_tick(s->filter, now_is());
}

static struct sl_ne_flow *begin_flow(struct side *s)
{
	static const uint8_t payload[517];
	struct sl_ne_opening opening = {
		.info = { .direction = SL_NE_OUTBOUND,
		          .local = { SL_NE_HOST_IPV4, { 10, 0, 0, 2 }, NULL, 40000 },
		          .remote = { SL_NE_HOST_IPV4, { 192, 0, 2, 1 }, NULL, 443 },
		          .socket_family = 4,
		          .socket_protocol = 6,
		          .socket_type = SL_NE_SOCK_STREAM },
	};
	const struct sl_ne_packet packet = { sl_bytes_of(payload, sizeof(payload)), 0 };
	struct sl_ne_flow *flow = NULL;
	MUST(sl_ne_filter_open_flow(s->filter, &opening, now_is(), &flow) == SL_OK && flow != NULL);
	sl_ne_filter_data(s->filter, flow, SL_NE_OUTBOUND, &packet, now_is());
	return flow;
}

/* Nanoseconds a flow. */
struct cost {
	double wall, work;
};

static double ns_of(clockid_t clock)
{
	struct timespec t;
	(void)clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* So many flows from beginning to end, `window` of them under way. */
static struct cost flows(struct side *s, uint64_t n, unsigned window)
{
	struct sl_ne_flow *slot[SLOTS];
	double wall = ns_of(CLOCK_MONOTONIC), work = ns_of(CLOCK_PROCESS_CPUTIME_ID);
	for (uint64_t done = 0; done < n; done += window) {
		uint64_t until = s->decided + window;
		for (unsigned i = 0; i < window; i++)
			slot[i] = begin_flow(s);
		s->source->flush(s->source->ctx, now_is());
		while (s->decided < until)
			wait_for(s);
		for (unsigned i = 0; i < window; i++)
			sl_ne_flow_close(slot[i], now_is(), now_is());
	}
	return (struct cost){ (ns_of(CLOCK_MONOTONIC) - wall) / (double)n,
		              (ns_of(CLOCK_PROCESS_CPUTIME_ID) - work) / (double)n };
}

static int listen_at(struct sockaddr_un *a, socklen_t *len, int side)
{
	int n = snprintf(a->sun_path + 1, sizeof(a->sun_path) - 1, "sluice-bench-%d-%d", (int)getpid(), side);
	a->sun_family = AF_UNIX;
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	MUST(fd >= 0 && bind(fd, (const struct sockaddr *)a, *len) == 0 && listen(fd, 1) == 0);
	return fd;
}

static pid_t start_provider(const struct sockaddr_un *a, socklen_t len, uint64_t held)
{
	pid_t child = fork();
	MUST(child >= 0);
	if (child > 0)
		return child;
	sit_on(1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	MUST(fd >= 0 && connect(fd, (const struct sockaddr *)a, len) == 0);
	provide(fd, held);
	exit(0);
}

static uint64_t paused(const struct side *s)
{
	uint64_t n = 0;
	for (const struct sl_ne_flow *f = sl_ne_filter_env(s->filter)->first; f != NULL; f = f->next)
		n += f->wait == SL_NE_WAIT_PAUSE;
	return n;
}

static void begin_side(struct side *s, int number, uint64_t held)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	socklen_t len = 0;
	struct sl_ne_filter_config config = { .options = sl_ne_options_of(SL_NE_PROFILE_MACOS) };
	config.options.max_flows = (uint32_t)held + SLOTS;
	int fd = listen_at(&a, &len, number);
	const struct sl_provider_config provider = { .listen = fd,
		                                     .options = config.options,
		                                     .buffer = (size_t)16 << 20 };
	*s = (struct side){ .held = held, .child = start_provider(&a, len, held) };
	MUST(sl_provider_external_new(&provider, &s->source) == SL_OK);
	config.provider = s->source->provider;
	config.sink = (struct sl_ne_sink){
		.ctx = s, .release = on_packet, .drop = on_packet, .detached = on_detached
	};
	config.configuration.filter_sockets = true;
	MUST(sl_ne_filter_new(&config, now_is(), &s->filter) == SL_OK);
	MUST(sl_ne_filter_start(s->filter, now_is()) == SL_OK);
	while (sl_ne_filter_state(s->filter) != SL_NE_FILTER_RUNNING)
		wait_for(s);
	for (uint64_t i = 0; i < held; i++)
		(void)begin_flow(s);
	s->source->flush(s->source->ctx, now_is());
	while (paused(s) < held)
		wait_for(s);
}

static void end_side(struct side *s)
{
	const struct sl_provider_counters *c = sl_provider_external_counters(s->source);
	MUST(paused(s) == s->held && c->full + c->stuck + c->absent == 0);
	sl_ne_filter_free(&s->filter);
	s->source->close(s->source);
	(void)kill(s->child, SIGTERM); /* the other one has inherited its socket */
	(void)waitpid(s->child, NULL, 0);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static double median(double *value, size_t n)
{
	qsort(value, n, sizeof(value[0]), by_value);
	return value[n / 2];
}

struct results {
	struct cost alone[ROUNDS_MAX], beside[ROUNDS_MAX];
};

static void tell(const char *name, const struct results *r, size_t rounds, uint64_t held)
{
	static double alone[ROUNDS_MAX], wall[ROUNDS_MAX], work[ROUNDS_MAX];
	for (size_t i = 0; i < rounds; i++) {
		alone[i] = r->alone[i].wall;
		wall[i] = r->beside[i].wall / r->alone[i].wall;
		work[i] = r->beside[i].work / r->alone[i].work;
	}
	(void)printf("provider/%s: %.0f ns a flow with none held, with %llu held: ratio %.3f, of the "
	             "driver's work %.3f\n",
	             name, median(alone, rounds), (unsigned long long)held, median(wall, rounds),
	             median(work, rounds));
}

/* Who is first takes turns, too. */
static void play(struct side side[2], size_t round, uint64_t n, unsigned window, struct results *r)
{
	for (size_t i = 0; i < 2; i++) {
		bool beside = (i + round) % 2 == 1;
		*(beside ? &r->beside[round] : &r->alone[round]) = flows(&side[beside], n, window);
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "held", required_argument, NULL, 'h' },
		                                 { "flows", required_argument, NULL, 'f' },
		                                 { "rounds", required_argument, NULL, 'r' },
		                                 { NULL, 0, NULL, 0 } };
	static struct results time, throughput;
	uint64_t held = 10000, n = 512, rounds = 201;
	struct side side[2];
	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		uint64_t value = c == '?' ? 0 : strtoull(optarg, NULL, 10);
		if (value == 0 || (c == 'r' && value > ROUNDS_MAX) || (c == 'h' && value > 1000000)) {
			(void)fprintf(stderr, "usage: sl_provider [--held N] [--flows N] [--rounds N]\n");
			return 2;
		}
		*(c == 'h' ? &held : c == 'f' ? &n : &rounds) = value;
	}
	n = (n + SLOTS - 1) / SLOTS * SLOTS;
	sit_on(0);
	begin_side(&side[0], 0, 0);
	begin_side(&side[1], 1, held);
	for (uint64_t r = 0; r < rounds; r++) {
		play(side, r, SLOTS, 1, &time);
		play(side, r, n, SLOTS, &throughput);
	}
	tell("verdict_time", &time, rounds, held);
	tell("throughput", &throughput, rounds, held);
	end_side(&side[0]);
	end_side(&side[1]);
	return 0;
}
