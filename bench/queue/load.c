/* SPDX-License-Identifier: GPL-2.0-or-later */
/* load.c - sl_queue_load: the load of bench/queue. Prints one line of JSON. What the harness runs in its namespaces:
 *   sl_queue_load serve
 *   sl_queue_load tcp|down|up --server ADDRESS --names FILE [--window N] [--rate N] [--seconds S]
 *                     [--warm S]
 *   sl_queue_load raw --server ADDRESS --client ADDRESS --names FILE --client-netns FILE --server-netns FILE
 *                     --client-gateway MAC --server-gateway MAC ... */
#include "bench/queue/load.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOW = 64, WINDOW_MAX = 16384 };

static bool read_options(int argc, char **argv, struct sl_load_cfg *c, const char **names)
{
	static const struct option options[] = { { "server", required_argument, NULL, 's' },
		                                 { "client", required_argument, NULL, 'c' },
		                                 { "names", required_argument, NULL, 'n' },
		                                 { "window", required_argument, NULL, 'w' },
		                                 { "rate", required_argument, NULL, 'r' },
		                                 { "seconds", required_argument, NULL, 't' },
		                                 { "warm", required_argument, NULL, 'W' },
		                                 { "client-netns", required_argument, NULL, 'a' },
		                                 { "server-netns", required_argument, NULL, 'b' },
		                                 { "client-gateway", required_argument, NULL, 'A' },
		                                 { "server-gateway", required_argument, NULL, 'B' },
		                                 { NULL, 0, NULL, 0 } };
	bool fine = true;
	for (int letter; (letter = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (letter == 's')
			c->server = optarg;
		else if (letter == 'c')
			c->client = optarg;
		else if (letter == 'n')
			*names = optarg;
		else if (letter == 'w')
			c->window = (unsigned)strtoul(optarg, NULL, 10);
		else if (letter == 'r')
			c->rate = strtod(optarg, NULL);
		else if (letter == 't')
			c->seconds = strtod(optarg, NULL);
		else if (letter == 'W')
			c->warm = strtod(optarg, NULL);
		else if (letter == 'a' || letter == 'b')
			c->netns[letter == 'b'] = optarg;
		else if (letter == 'A' || letter == 'B')
			c->gateway_mac[letter == 'B'] = optarg;
		else
			fine = false;
	}
	return fine && optind == argc - 1 && c->window > 0 && c->window <= WINDOW_MAX && c->seconds > 0 &&
	       c->warm >= 0 && c->rate >= 0;
}

static bool is_whole(const char *kind, const struct sl_load_cfg *c, const char *names)
{
	bool raw = strcmp(kind, "raw") == 0;
	return c->server != NULL && names != NULL &&
	       (!raw || (c->client != NULL && c->netns[0] != NULL && c->netns[1] != NULL &&
	                 c->gateway_mac[0] != NULL && c->gateway_mac[1] != NULL));
}

int main(int argc, char **argv)
{
	struct sl_load_cfg c = { .window = WINDOW, .warm = 0.2, .seconds = 1 };
	struct sl_load_hellos hellos;
	const char *names = NULL;
	bool fine = read_options(argc, argv, &c, &names);
	const char *kind = fine ? argv[optind] : "";
	if (strcmp(kind, "serve") == 0)
		sl_load_serve();
	if (!fine || !is_whole(kind, &c, names)) {
		(void)fputs("usage: sl_queue_load serve | tcp | down | up | raw, see bench/queue/load.c\n",
		            stderr);
		return 2;
	}
	sl_load_hellos_read(names, &hellos);
	c.hellos = &hellos;
	c.family = strchr(c.server, ':') == NULL ? 4 : 6;
	if (strcmp(kind, "tcp") == 0)
		sl_load_tcp(&c);
	else if (strcmp(kind, "down") == 0)
		sl_load_bulk(&c, SL_LOAD_DOWN);
	else if (strcmp(kind, "up") == 0)
		sl_load_bulk(&c, SL_LOAD_UP);
	else if (strcmp(kind, "raw") == 0)
		sl_load_raw(&c);
	free(hellos.hello);
	return 0;
}
