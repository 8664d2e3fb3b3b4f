/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flood.c - sl_flood: a client that floods. Prints one line of JSON at the end. What the harness runs:
 *   sl_flood KIND --rate PACKETS --seconds S --client ADDRESS --server ADDRESS --client-netns FILE --server-netns FILE
 *            --client-gateway MAC --server-gateway MAC
 * So many packets a second from an address that no kernel owns, to that server's and the seven behind it, which are as little a
 * kernel's: both ends are played over packet sockets at eth0 of the two namespaces, and nobody listens to what comes back. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "bench/queue/load.h"
#include "tests/flood/flood.h"

#define SECOND_NS UINT64_C(1000000000)

enum { RATE, SECONDS, CLIENT, SERVER, CLIENT_NETNS, SERVER_NETNS, CLIENT_GATEWAY, SERVER_GATEWAY, OPTIONS };

static bool read_options(int argc, char **argv, const char *value[OPTIONS])
{
	static const struct option options[] = {
		{ "rate", required_argument, NULL, RATE },
		{ "seconds", required_argument, NULL, SECONDS },
		{ "client", required_argument, NULL, CLIENT },
		{ "server", required_argument, NULL, SERVER },
		{ "client-netns", required_argument, NULL, CLIENT_NETNS },
		{ "server-netns", required_argument, NULL, SERVER_NETNS },
		{ "client-gateway", required_argument, NULL, CLIENT_GATEWAY },
		{ "server-gateway", required_argument, NULL, SERVER_GATEWAY },
		{ NULL, 0, NULL, 0 }
	};
	for (int i; (i = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (i >= OPTIONS)
			return false;
		value[i] = optarg;
	}
	for (int i = 0; i < OPTIONS; i++)
		if (value[i] == NULL)
			return false;
	return optind == argc;
}

static void take_addresses(struct flood *f, const char *client, const char *server)
{
	int af = strchr(client, ':') == NULL ? AF_INET : AF_INET6;
	f->family = af == AF_INET ? 4 : 6;
	if (inet_pton(af, client, f->client) != 1 || inet_pton(af, server, f->server) != 1)
		sl_load_die("addresses");
}

/* What is late is made up for, a hundredth of a second of it. Returns how long it took. */
static double run(struct flood *f, const struct flood_kind *kind, double rate, double seconds)
{
	uint64_t start = sl_load_ns(), now = start, end = start + (uint64_t)(seconds * (double)SECOND_NS);
	double allowed = 0, last = 0;
	for (; now < end; now = sl_load_ns()) {
		double at = (double)(now - start) / (double)SECOND_NS;
		allowed += (at - last) * rate;
		last = at;
		if (allowed > rate / 100)
			allowed = rate / 100;
		while (allowed > 0) {
			uint64_t before = f->sent;
			kind->step(f);
			f->step++;
			allowed -= (double)(f->sent - before);
		}
		flood_flush(f);
		const struct timespec pause = { 0, 500000 };
		(void)nanosleep(&pause, NULL);
	}
	return (double)(now - start) / (double)SECOND_NS;
}

int main(int argc, char **argv)
{
	static struct flood f = { .random = UINT64_C(0x9e3779b97f4a7c15) };
	const char *value[OPTIONS] = { NULL };
	const struct flood_kind *kind = argc < 2 ? NULL : flood_kind_of(argv[1]);
	if (kind == NULL || !read_options(argc - 1, argv + 1, value)) {
		(void)fputs("sl_flood: what it wants stands at the top of flood.c; kinds:", stderr);
		flood_print_kinds();
		(void)fputc('\n', stderr);
		return 2;
	}
	take_addresses(&f, value[CLIENT], value[SERVER]);
	flood_open(&f, FLOOD_CLIENT, value[CLIENT_NETNS], value[CLIENT_GATEWAY]);
	flood_open(&f, FLOOD_SERVER, value[SERVER_NETNS], value[SERVER_GATEWAY]);
	double took = run(&f, kind, strtod(value[RATE], NULL), strtod(value[SECONDS], NULL));
	(void)printf("{\"sent\": %llu, \"per_second\": %.0f}\n", (unsigned long long)f.sent,
	             (double)f.sent / took);
	return 0;
}
