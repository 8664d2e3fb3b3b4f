/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench.c - starts the programs of bench/, which stand in the folder of a build or where they were installed. What they are
 * asked is their own affair: arguments go to them as they are. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/out.h"
#include "daemon/cli/cli.h"

enum { WORDS_MAX = 64, OURS = 8, FOLDER = 64 };

/* Seen from this program's own folder: in a build, installed. SLUICE_BENCH_FROM_BIN and SLUICE_SBIN_FROM_BIN are CMake's. */
static const struct place {
	const char *bench, *tree,
	        *programs[2]; /* tree: what main.py calls the root; programs: where its own stand */
} places[] = {
	{ "../bench", "../bench/tree", { "..", NULL } },
	{ SLUICE_BENCH_FROM_BIN, SLUICE_BENCH_FROM_BIN, { SLUICE_SBIN_FROM_BIN, SLUICE_BENCH_FROM_BIN } },
};

/* A program of its own, or a script that is told where programs are. */
static const struct bench {
	const char *name, *program, *script, *more[2];
} benches[] = {
	{ .name = "pipeline", .program = "sl_pipeline" },
	{ .name = "verdict", .program = "sl_verdict" },
	{ .name = "queue", .script = "run" },
	{ .name = "peers", .script = "run", .more = { "--peers", "installed" } },
	{ .name = "compare", .script = "compare" },
};

struct call {
	char folder[PATH_MAX - FOLDER]; /* where this program stands */
	char path[2 * PATH_MAX], programs[2 * PATH_MAX];
	char *word[WORDS_MAX + OURS + 1];
	int words;
};

static bool find_folder(struct call *c)
{
	ssize_t n = readlink("/proc/self/exe", c->folder, sizeof(c->folder) - 1);
	char *slash;

	c->folder[n < 0 ? 0 : n] = '\0';
	slash = strrchr(c->folder, '/');
	if (slash != NULL)
		*slash = '\0';
	return slash != NULL;
}

static void put(struct call *c, const char *word)
{
	c->word[c->words++] = (char *)(uintptr_t)word;
}

static bool find_program(struct call *c, const struct place *at, const struct bench *b)
{
	(void)snprintf(c->path, sizeof(c->path), "%s/%s%s/%s", c->folder,
	               b->script != NULL ? at->tree : at->bench, b->script != NULL ? "/bench/queue" : "",
	               b->script != NULL ? b->script : b->program);
	return access(c->path, X_OK) == 0;
}

/* "--sluice FOLDER:FOLDER", for the script that looks for programs. */
static void put_programs(struct call *c, const struct place *at)
{
	struct sl_out o = sl_out_of(c->programs, sizeof(c->programs));

	for (size_t i = 0; i < SL_COUNT(at->programs) && at->programs[i] != NULL; i++)
		sl_out_fmt(&o, "%s%s/%s", i == 0 ? "" : ":", c->folder, at->programs[i]);
	sl_out_u8(&o, '\0');
	put(c, "--sluice");
	put(c, c->programs);
}

static int start(struct call *c, const struct place *at, const struct bench *b, const struct sl_cli *cli)
{
	put(c, c->path);
	if (b->script != NULL && strcmp(b->script, "run") == 0)
		put_programs(c, at);
	for (size_t i = 0; i < SL_COUNT(b->more) && b->more[i] != NULL; i++)
		put(c, b->more[i]);
	for (int i = 1; i < cli->args; i++)
		put(c, cli->arg[i]);
	put(c, NULL);
	(void)execv(c->path, c->word);
	sl_cli_error("bench: %s cannot be started: %s", c->path, strerror(errno));
	return SL_EXIT_ERROR;
}

static const struct bench *find_bench(const char *name)
{
	for (size_t i = 0; i < SL_COUNT(benches); i++)
		if (strcmp(benches[i].name, name) == 0)
			return &benches[i];
	return NULL;
}

static int run(const struct sl_cli *cli)
{
	static struct call call;
	const struct bench *b = cli->args == 0 ? NULL : find_bench(cli->arg[0]);

	if (b == NULL || cli->args > WORDS_MAX) {
		sl_cli_error("bench: %s; see: sluice bench --help", b != NULL ? "too many arguments"
		                                                    : cli->args == 0
		                                                            ? "which one is not said"
		                                                            : "there is none of this name");
		return SL_EXIT_ERROR;
	}
	for (size_t i = 0; find_folder(&call) && i < SL_COUNT(places); i++)
		if (find_program(&call, &places[i], b))
			return start(&call, &places[i], b, cli);
	sl_cli_error("bench: %s stands neither in a build nor where it would be installed (%s); build with "
	             "-DSLUICE_BENCH=ON and install that, or install the package that has it",
	             b->script != NULL ? b->script : b->program, call.path);
	return SL_EXIT_ERROR;
}

const struct sl_cli_command sl_cli_bench = {
	.name = "bench",
	.raw = true,
	.usage = "pipeline|verdict|queue|peers|compare [ARGUMENT...]",
	.summary = "measure on this machine",
	.help = "pipeline  a worker without a kernel: time of a flow and of a packet, by protocol, live "
	        "flows and "
	        "stage\n"
	        "verdict   what a verdict costs at any size of list, beside what one would use in its place\n"
	        "queue     connections, latency and bulk through real queues in namespaces of its own: no "
	        "filter, "
	        "the\n"
	        "          smallest program that serves a queue, and sluice, in turns (root)\n"
	        "peers     the same, and the proxies that are installed: haproxy, nginx, squid, e2guardian "
	        "(root)\n"
	        "compare   two results, of queue or peers (--json FILE), or of pipeline (--json): what "
	        "changed "
	        "beyond noise\n\n"
	        "Each explains its arguments: sluice bench queue --help. How they measure: "
	        "docs/performance.md.",
	.run = run,
};
