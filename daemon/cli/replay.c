/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "daemon/capture.h"
#include "daemon/cli/cli.h"
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

static int run(const struct sl_cli *cli)
{
	int status = SL_EXIT_OK;
	if (cli->flows == NULL || cli->args == 0) {
		sl_cli_error("replay: needs --flows and at least one capture; see: sluice replay --help");
		return SL_EXIT_ERROR;
	}
	for (int i = 0; i < cli->args; i++)
		if (replay(cli->arg[i]) != SL_OK)
			status = SL_EXIT_ERROR;
	return status;
}

const struct sl_cli_command sl_cli_replay = {
	.name = "replay",
	.options = SL_CLI_BIT(flows),
	.usage = "--flows CAPTURE...",
	.summary = "run a capture through the filter",
	.help = "Reads captures (pcap, pcapng; - is standard input) through the code that judges live "
	        "traffic and prints what it\n"
	        "learnt of each flow, one JSON object a line: names, requests, protocol, the frame that "
	        "completed the name.\n"
	        "Nothing is blocked, nobody waits: pieces of a name may be an hour apart.\n"
	        "Exit status: 0 all was read, 2 a capture is none or breaks off.",
	.run = run,
};
