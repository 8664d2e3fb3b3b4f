/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/adopt.h"
#include "daemon/child.h"
#include "daemon/cli/cli.h"
#include "daemon/conntrack.h"
#include "daemon/rules.h"

enum { WAIT_MS = 2000, STOP_MS = 3000 };

/* Rules under a daemon that uses them are not a crash's. Whoever holds the socket, even without a word, runs. */
static bool daemon_runs(const struct sl_cli *cli, char path[SL_CLI_PATH])
{
	json_t *request = json_pack("{s:i, s:s}", "v", 1, "cmd", "status"), *reply = NULL;
	int err = sl_cli_call(cli, request, WAIT_MS, path, &reply);

	if (err != SL_ENOENT)
		sl_cli_error("cleanup: sluiced runs, it holds %s; stop it first with: systemctl stop sluiced",
		             path);
	json_decref(reply);
	json_decref(request);
	return err != SL_ENOENT;
}

static struct sl_rules_cfg rules_cfg(const struct sl_conf *conf)
{
	struct sl_rules_cfg cfg = { .backend = SL_BACKEND_AUTO };

	if (conf == NULL) { /* the configuration is gone, what it left is not */
		cfg.queue_first = (uint16_t)strtoul(SL_CLI_DEFAULT(queue_first), NULL, 0);
		cfg.queue_count = (uint16_t)strtoul(SL_CLI_DEFAULT(queue_count), NULL, 0);
		cfg.mark_mask = (uint32_t)strtoul(SL_CLI_DEFAULT(mark_mask), NULL, 0);
		return cfg;
	}
	cfg.backend = (enum sl_backend)conf->backend;
	cfg.inside = conf->inside;
	cfg.insides = conf->insides;
	cfg.queue_first = (uint16_t)conf->queue_first;
	cfg.queue_count = (uint16_t)conf->queue_count;
	cfg.bypass = conf->bypass;
	cfg.mark_mask = conf->mark_mask;
	return cfg;
}

static int remove_rules(const struct sl_rules_cfg *cfg)
{
	struct sl_rules *rules = NULL;

	int err = sl_rules_open(cfg, &sl_cli_diag, &rules);
	if (err == SL_OK)
		err = sl_rules_remove(rules, &sl_cli_diag);
	sl_rules_close(&rules);
	if (err != SL_OK)
		sl_cli_error("cleanup: the rules are not all removed: %s", sl_strerror(err));
	else
		(void)puts("kernel rules: none of ours is left");
	return err;
}

/* An engine goes on judging when its supervisor has died. */
static void end_engine(const char *control)
{
	struct sl_child engine = { .ipc = -1 };
	int conn;
	pid_t pid;

	if (sl_adopt_connect(control, &conn, &pid) != SL_OK)
		return;
	if (sl_child_adopt(&engine, pid, conn) == SL_OK) {
		sl_child_stop(&engine, STOP_MS);
		(void)printf("engine: %d, which had lost its supervisor, is ended\n", (int)pid);
	} else {
		(void)close(conn);
	}
	sl_adopt_unlink(control);
}

static int clear_marks(uint32_t mask)
{
	struct sl_conntrack *ct = NULL;
	uint64_t cleared = 0;

	int err = sl_conntrack_new(-1, &ct);
	if (err == SL_OK)
		err = sl_conntrack_clear_marks(ct, mask, &cleared);
	int saved = errno;
	sl_conntrack_free(&ct);
	if (err != SL_OK)
		sl_cli_error("cleanup: connection marks are not all cleared: %s",
		             err == SL_ESYS ? strerror(saved) : sl_strerror(err));
	else
		(void)printf("connection marks: our bits (0x%08x) cleared on %llu connections\n", mask,
		             (unsigned long long)cleared);
	return err;
}

static int run(const struct sl_cli *cli)
{
	struct sl_conf *conf = NULL;

	if (cli->args > 0) {
		sl_cli_error("cleanup: takes no argument");
		return SL_EXIT_ERROR;
	}
	if (geteuid() != 0) {
		sl_cli_error("cleanup: only root may change kernel rules; try: sudo sluice cleanup");
		return SL_EXIT_ERROR;
	}
	int err = sl_cli_conf(cli, &conf);
	if (err != SL_OK && err != SL_ENOENT)
		return SL_EXIT_ERROR; /* with another mask we would clear others' bits */
	struct sl_rules_cfg cfg = rules_cfg(conf);
	int status = SL_EXIT_ERROR;
	char control[SL_CLI_PATH] = "";
	if (!daemon_runs(cli, control)) {
		int rules = remove_rules(&cfg);
		end_engine(control);
		status = clear_marks(cfg.mark_mask) == SL_OK && rules == SL_OK ? SL_EXIT_OK : SL_EXIT_NO;
	}
	sl_conf_free(&conf);
	return status;
}

const struct sl_cli_command sl_cli_cleanup = {
	.name = "cleanup",
	.options = SL_CLI_BIT(config) | SL_CLI_BIT(control),
	.usage = "[--config FILE | --control PATH]",
	.summary = "remove what a crashed sluiced left in the kernel",
	.help = "Removes rules, chains and tables of ours, ends an engine that has lost its sluiced, and "
	        "clears our "
	        "bits in\n"
	        "the marks of connections; what is of others stays. Needs root, and a stopped sluiced. A new "
	        "start of sluiced takes over what is "
	        "left, so that\n"
	        "this is for a box on which it will not be started again.\n"
	        "Exit status: 0 nothing of ours is left, 1 something could not be removed, 2 not done.",
	.run = run,
};
