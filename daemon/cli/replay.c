/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/capture.h"
#include "daemon/cli/cli.h"
#include "daemon/file.h"
#include "daemon/ne_replay.h"
#include "daemon/ne_url_replay.h"
#include "daemon/replay.h"

enum { BUDGET = 16384, MAX_FLOWS = 1 << 16, HOLD_LIMIT_MS = 3600 * 1000 };

static int replay(const char *path)
{
	const char *slash = strrchr(path, '/');
	const struct sl_replay_cfg cfg = { .name = slash == NULL ? path : slash + 1,
		                           .hold_limit = sl_span_ms(HOLD_LIMIT_MS),
		                           .budget = BUDGET,
		                           .max_flows = MAX_FLOWS };
	struct sl_capture *capture = NULL;
	int err = sl_capture_open(path, &sl_cli_diag, &capture);
	if (err == SL_OK)
		err = sl_replay_flows(capture, &cfg, &sl_cli_diag, stdout);
	if (err == SL_ENOMEM || err == SL_ESYS)
		sl_cli_error("replay: %s: %s", path, sl_strerror(err));
	sl_capture_close(&capture);
	return err;
}

static int play(const char *path)
{
	struct sl_bytes text = { NULL, 0 };
	struct sl_ne_scenario *scenario = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int err = fd < 0 ? SL_ESYS : sl_file_read(fd, &text);
	if (err == SL_ESYS)
		sl_cli_error("replay: %s: %s; name a file that can be read", path, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	if (err != SL_OK)
		return err;
	bool url = sl_ne_url_is_scenario(text);
	err = url ? sl_ne_url_replay(path, text, &sl_cli_diag, stdout)
	          : sl_ne_scenario_read(path, text, &sl_cli_diag, &scenario);
	sl_file_free(&text);
	if (err == SL_OK && !url)
		err = sl_ne_replay_scenario(path, scenario, &sl_cli_diag, stdout);
	if (err == SL_ENOMEM || err == SL_ESYS)
		sl_cli_error("replay: %s: %s", path, err == SL_ESYS ? strerror(errno) : sl_strerror(err));
	sl_ne_scenario_free(&scenario);
	return err;
}

static int run(const struct sl_cli *cli)
{
	int status = SL_EXIT_OK;
	if (cli->scenario != NULL && cli->flows == NULL && cli->args == 0)
		return play(cli->scenario) == SL_OK ? SL_EXIT_OK : SL_EXIT_ERROR;
	if (cli->flows == NULL || cli->args == 0 || cli->scenario != NULL) {
		sl_cli_error("replay: needs either --flows and at least one capture, or --scenario and "
		             "nothing else; see: sluice replay --help");
		return SL_EXIT_ERROR;
	}
	for (int i = 0; i < cli->args; i++)
		if (replay(cli->arg[i]) != SL_OK)
			status = SL_EXIT_ERROR;
	return status;
}

const struct sl_cli_command sl_cli_replay = {
	.name = "replay",
	.options = SL_CLI_BIT(flows) | SL_CLI_BIT(scenario),
	.usage = "--flows CAPTURE... | --scenario FILE",
	.summary = "run a capture, or a scenario, through the filter",
	.help = "Reads captures (pcap, pcapng; - is standard input) through the code that judges live "
	        "traffic and prints what it\n"
	        "learnt of each flow, one JSON object a line: names, requests, protocol, the frame that "
	        "completed the name.\n"
	        "Nothing is blocked, nobody waits: pieces of a name may be an hour apart.\n"
	        "A scenario (docs/ne-scenario.md) says what happens to flows, when, and what their provider "
	        "answers; printed is the\n"
	        "trace of a content filter of Network Extension (docs/ne-trace.md), the same each time.\n"
	        "Exit status: 0 all was read, 2 a capture is none or breaks off, a scenario is none or "
	        "does not work out.",
	.run = run,
};
