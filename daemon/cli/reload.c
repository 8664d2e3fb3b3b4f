/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "daemon/cli/cli.h"

enum { WAIT_MS = 120000 }; /* large lists take their time */

static int run(const struct sl_cli *cli)
{
	json_t *request = json_pack("{s:i, s:s, s:b}", "v", 1, "cmd", "reload", "force", cli->force != NULL),
	       *reply = NULL;
	char path[SL_CLI_PATH];
	int status = SL_EXIT_NO;

	if (cli->args > 0) {
		sl_cli_error("reload: takes no argument; it reads the configuration that sluiced was started "
		             "with");
		json_decref(request);
		return SL_EXIT_ERROR;
	}
	int err = sl_cli_call(cli, request, WAIT_MS, path, &reply);
	if (err != SL_OK) {
		sl_cli_call_failed("reload", path, err);
	} else if (!json_is_true(json_object_get(reply, "ok"))) {
		sl_cli_error("reload: %s", sl_cli_reply_error(reply));
		(void)fputs(
		        "sluice: reload: the policy in force goes on; mend what is named and reload again\n",
		        stderr);
		status = sl_cli_refused(reply, SL_EXIT_NO);
	} else {
		(void)printf("generation %lld in force, %lld entries\n",
		             (long long)json_integer_value(json_object_get(reply, "generation")),
		             (long long)json_integer_value(json_object_get(reply, "entries")));
		status = SL_EXIT_OK;
	}
	json_decref(reply);
	json_decref(request);
	return status;
}

const struct sl_cli_command sl_cli_reload = {
	.name = "reload",
	.options = SL_CLI_BIT(config) | SL_CLI_BIT(control) | SL_CLI_BIT(force),
	.usage = "[--force] [--config FILE | --control PATH]",
	.summary = "read configuration and lists again",
	.help = "The running sluiced reads its configuration and lists again and judges by them from then "
	        "on. When\n"
	        "something is wrong with them, it says file, line and reason, and the policy in force goes "
	        "on. It also ends what sluice policy rollback began.\n"
	        "Exit status: 0 a new policy is in force, 1 it is not, 4 no permission.",
	.run = run,
};
