/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "daemon/cli/cli.h"

enum { WAIT_MS = 5000 };

static int run(const struct sl_cli *cli)
{
	json_t *request = json_pack("{s:i, s:s}", "v", 1, "cmd", "metrics"), *reply = NULL;
	char path[SL_CLI_PATH];
	int status = SL_EXIT_ERROR;

	if (cli->args > 0) {
		sl_cli_error("metrics: takes no argument");
		json_decref(request);
		return SL_EXIT_ERROR;
	}
	int err = sl_cli_call(cli, request, WAIT_MS, path, &reply);
	const char *text = json_string_value(json_object_get(reply, "metrics"));
	if (err != SL_OK) {
		sl_cli_call_failed("metrics", path, err);
		status = err == SL_ENOENT ? SL_EXIT_NOT_RUNNING : SL_EXIT_ERROR;
	} else if (text == NULL) {
		sl_cli_error("metrics: %s", sl_cli_reply_error(reply));
	} else {
		status = fputs(text, stdout) < 0 || fflush(stdout) != 0 ? SL_EXIT_ERROR : SL_EXIT_OK;
	}
	json_decref(reply);
	json_decref(request);
	return status;
}

const struct sl_cli_command sl_cli_metrics = {
	.name = "metrics",
	.options = SL_CLI_BIT(config) | SL_CLI_BIT(control),
	.usage = "[--config FILE | --control PATH]",
	.summary = "all counters, in Prometheus' text format",
	.help = "Each metric stands below a line that says what it counts. With option metrics_listen of "
	        "sluice.yaml the\n"
	        "same is served over HTTP, at /metrics.\n"
	        "Exit status: 0, 3 not running, 2 an error.",
	.run = run,
};
