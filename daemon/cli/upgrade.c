/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cli/cli.h"

enum { WAIT_MS = 600000 }; /* lists may have to be compiled anew */

/* NULL, told: there is no such file. */
static json_t *request_of(const struct sl_cli *cli)
{
	json_t *request =
	        json_pack("{s:i, s:s, s:b}", "v", 1, "cmd", "upgrade", "if_changed", cli->if_changed != NULL);

	if (cli->args == 0)
		return request;
	char *path = realpath(cli->arg[0], NULL); /* the daemon's folder is another */
	if (path == NULL) {
		sl_cli_error("upgrade: %s: %s", cli->arg[0], strerror(errno));
		json_decref(request);
		return NULL;
	}
	(void)json_object_set_new(request, "path", json_string(path));
	free(path);
	return request;
}

static const char *text_of(const json_t *reply, const char *name)
{
	const char *text = json_string_value(json_object_get(reply, name));
	return text == NULL ? "?" : text;
}

static int ask(const struct sl_cli *cli, json_t *request)
{
	char path[SL_CLI_PATH];
	json_t *reply = NULL;
	int status = SL_EXIT_NO;
	int err = sl_cli_call(cli, request, WAIT_MS, path, &reply);

	if (err != SL_OK) {
		sl_cli_call_failed("upgrade", path, err);
	} else if (!json_is_true(json_object_get(reply, "ok"))) {
		sl_cli_error("upgrade: %s", sl_cli_reply_error(reply));
		(void)fputs("sluice: upgrade: the running sluiced goes on\n", stderr);
		status = sl_cli_refused(reply, SL_EXIT_NO);
	} else if (!json_is_true(json_object_get(reply, "changed"))) {
		(void)printf("%s has not changed: sluiced %s goes on\n", text_of(reply, "program"),
		             text_of(reply, "version"));
		status = SL_EXIT_OK;
	} else {
		(void)printf("sluiced %s judges, %s before it: %s\n", text_of(reply, "version"),
		             text_of(reply, "was"), text_of(reply, "program"));
		status = SL_EXIT_OK;
	}
	json_decref(reply);
	return status;
}

static int run(const struct sl_cli *cli)
{
	if (cli->args > 1 || (cli->args == 1 && cli->if_changed != NULL)) {
		sl_cli_error("upgrade: %s; see: sluice upgrade --help",
		             cli->args > 1 ? "one program at most"
		                           : "--if-changed looks at the program that runs");
		return SL_EXIT_ERROR;
	}
	json_t *request = request_of(cli);
	int status = request == NULL ? SL_EXIT_ERROR : ask(cli, request);
	json_decref(request);
	return status;
}

const struct sl_cli_command sl_cli_upgrade = {
	.name = "upgrade",
	.options = SL_CLI_BIT(config) | SL_CLI_BIT(control) | SL_CLI_BIT(if_changed),
	.usage = "[--config FILE | --control PATH] [--if-changed | PATH]",
	.summary = "let another sluiced take the running one's place, with nothing lost",
	.help = "The program at PATH, by default the file that the running sluiced was started from, takes "
	        "over the "
	        "queues.\n"
	        "It is tried first: unless its engine is ready to judge within start_limit, the running "
	        "sluiced "
	        "goes on,\n"
	        "and the reason is said. Connections wait for some milliseconds; rules and policy stay as "
	        "they are.\n"
	        "Exit status: 0 the new program judges (or, with --if-changed, nothing was to be done), 1 "
	        "the old "
	        "one goes\n"
	        "on, 2 the question was put wrongly, 4 no permission.",
	.run = run,
};
