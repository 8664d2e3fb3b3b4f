/* SPDX-License-Identifier: GPL-2.0-or-later */
/* main.c - sluiced: the supervisor; with --engine, --compiler, --broker or --keeper, started by it, another process. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "daemon/broker.h"
#include "daemon/bundle.h"
#include "daemon/child.h"
#include "daemon/compiler.h"
#include "daemon/conf.h"
#include "daemon/engine.h"
#include "daemon/keeper.h"
#include "daemon/log.h"
#include "daemon/policy_load.h"
#include "daemon/supervisor.h"
#include "daemon/upgrade_trial.h"
#include "daemon/version.h"

enum { IPC_FD = 3, USAGE_ERROR = 2 };

static void usage(FILE *to)
{
	(void)fputs(
	        "usage: sluiced [--config FILE] [--check]\n"
	        "       sluiced --help | --version\n\n"
	        "  --config FILE  the configuration (default /etc/sluice/sluice.yaml)\n"
	        "  --check        read configuration and lists, print the effective configuration, end\n\n"
	        "Manual: sluiced(8), sluice.yaml(5). The command for everyday use is sluice(1).\n",
	        to);
}

static int open_path(void *ctx, const char *path)
{
	(void)ctx;
	return open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

static void emit(void *ctx, const char *file, unsigned line, const char *text)
{
	(void)ctx;
	if (file == NULL)
		(void)fprintf(stderr, "sluiced: %s\n", text);
	else if (line == 0)
		(void)fprintf(stderr, "%s: %s\n", file, text);
	else
		(void)fprintf(stderr, "%s:%u: %s\n", file, line, text);
}

static int check(const char *path)
{
	const struct sl_diag diag = { emit, NULL };
	struct sl_list_source source = { .open_file = open_path, .diag = &diag };
	struct sl_policy *policy = NULL;
	struct sl_bundle *bundle = NULL;
	int err = sl_bundle_read(path, &diag, &bundle);

	if (err == SL_OK)
		err = sl_bundle_open_lists(bundle, NULL, &diag);
	if (err == SL_OK) {
		source.conf = sl_bundle_conf(bundle);
		err = sl_policy_load(&source, &policy, NULL);
	}
	if (err == SL_OK)
		err = sl_conf_print(sl_bundle_conf(bundle), stdout);
	if (err == SL_OK)
		(void)fprintf(stderr, "sluiced: %s: valid, %llu entries in %u lists\n", path,
		              (unsigned long long)sl_policy_entries(policy),
		              (unsigned)sl_policy_lists(policy));
	sl_policy_free(&policy);
	sl_bundle_free(&bundle);
	return err == SL_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* sluiced --engine UID GID, or another role, from the supervisor only: descriptor 3 leads to it. */
static int child(int argc, char **argv, int (*run)(int ipc, const struct sl_priv_user *user))
{
	if (argc != 4) {
		(void)fprintf(stderr, "sluiced: %s is for the supervisor only\n", argv[1]);
		return USAGE_ERROR;
	}
	const struct sl_priv_user user = sl_child_user(argv[2], argv[3]);
	return run(IPC_FD, &user);
}

/* A number of a descriptor that the supervisor has left open for us; -1: it is none. */
static int descriptor(const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	return *text != '\0' && *end == '\0' && n > STDERR_FILENO && n < INT_MAX ? (int)n : -1;
}

/* sluiced --try-upgrade STATE REPORT, from the supervisor of an earlier version only. */
static int try_upgrade(int argc, char **argv)
{
	int state = argc == 4 ? descriptor(argv[2]) : -1, report = argc == 4 ? descriptor(argv[3]) : -1;

	if (state < 0 || report < 0) {
		(void)fprintf(stderr, "sluiced: %s is for the supervisor only; see: sluice upgrade --help\n",
		              argv[1]);
		return USAGE_ERROR;
	}
	return sl_upgrade_trial(state, report);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, 'n' },
		{ "resume", required_argument, NULL, 'r' }, /* from ourselves, at an upgrade */
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	const char *conf = "/etc/sluice/sluice.yaml";
	bool only_check = false;
	int state = -1, c;

	if (argc > 1 && strcmp(argv[1], "--engine") == 0)
		return child(argc, argv, sl_engine_run);
	if (argc > 1 && strcmp(argv[1], "--engine-brokered") == 0)
		return child(argc, argv, sl_engine_run_brokered);
	if (argc > 1 && strcmp(argv[1], "--broker") == 0)
		return child(argc, argv, sl_broker_run);
	if (argc > 1 && strcmp(argv[1], "--compiler") == 0)
		return child(argc, argv, sl_compiler_run);
	(void)prctl(PR_SET_NAME, "sluiced"); /* started by descriptor, it would be named after that */
	if (argc > 1 && strcmp(argv[1], "--try-upgrade") == 0)
		return try_upgrade(argc, argv);
	if (argc > 1 && strcmp(argv[1], "--keeper") == 0)
		return child(argc, argv, sl_keeper_run);
	while ((c = getopt_long(argc, argv, "c:nhV", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			conf = optarg;
			break;
		case 'r':
			state = descriptor(optarg);
			if (state < 0) {
				usage(stderr);
				return USAGE_ERROR;
			}
			break;
		case 'n':
			only_check = true;
			break;
		case 'h':
			usage(stdout);
			return EXIT_SUCCESS;
		case 'V':
			(void)puts("sluiced " SL_VERSION);
			return EXIT_SUCCESS;
		default:
			usage(stderr);
			return USAGE_ERROR;
		}
	}
	if (optind < argc) {
		(void)fprintf(stderr, "sluiced: unexpected argument '%s'\n", argv[optind]);
		usage(stderr);
		return USAGE_ERROR;
	}
	if (only_check)
		return check(conf);
	if (geteuid() != 0) {
		(void)fputs("sluiced: must be started as root: it needs CAP_NET_ADMIN and CAP_NET_RAW\n",
		            stderr);
		return EXIT_FAILURE;
	}
	return sl_supervisor_run(conf, state);
}
