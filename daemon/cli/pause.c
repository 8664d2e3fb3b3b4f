/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pause.c - sluice pause, resume, log-level: what changes the running daemon by a word, and no file. */
#include <stdio.h>
#include <string.h>

#include "daemon/cli/cli.h"
#include "daemon/conf_opt.h"
#include "daemon/conf_value.h"

enum { WAIT_MS = 5000 };

/* Exit status; *reply is the caller's where it is SL_EXIT_OK. The request is taken over. */
static int ask(const struct sl_cli *cli, const char *command, json_t *request, json_t **reply)
{
	int status = sl_cli_ask(cli, command, request, WAIT_MS, reply);

	if (status != SL_EXIT_OK)
		json_decref(sl_take(reply));
	return status;
}

static int64_t read_duration(const char *text)
{
	const struct sl_conf_opt opt = {
		.name = "for", .type = SL_CONF_duration, .min = 1000000, .max = INT64_MAX
	};
	char why[SL_CONF_WHY_MAX] = "";
	struct sl_span span;

	if (sl_conf_value_read(&opt, text, "/", &span, why) == SL_OK)
		return span.us / 1000;
	sl_cli_error("pause: --for %s: a time is expected, at least 1s, as 90s, 10m or 1h", text);
	return -1;
}

static int run_pause(const struct sl_cli *cli)
{
	json_t *reply = NULL;

	if (cli->args > 0 || cli->for_ == NULL) {
		sl_cli_error("pause: for how long? say: sluice pause --for 10m");
		return SL_EXIT_ERROR;
	}
	int64_t ms = read_duration(cli->for_);
	if (ms < 0)
		return SL_EXIT_ERROR;
	int status =
	        ask(cli, "pause",
	            json_pack("{s:i, s:s, s:I}", "v", 1, "cmd", "pause", "for_ms", (json_int_t)ms), &reply);
	if (status == SL_EXIT_OK)
		(void)printf("PAUSED: all traffic passes, and nothing is refused, until %s; sluice resume "
		             "ends it\n",
		             json_string_value(json_object_get(json_object_get(reply, "paused"), "until")));
	json_decref(reply);
	return status;
}

static int run_resume(const struct sl_cli *cli)
{
	json_t *reply = NULL;

	if (cli->args > 0) {
		sl_cli_error("resume: takes no argument");
		return SL_EXIT_ERROR;
	}
	int status = ask(cli, "resume", json_pack("{s:i, s:s}", "v", 1, "cmd", "resume"), &reply);
	if (status == SL_EXIT_OK)
		(void)puts(json_is_true(json_object_get(reply, "was_paused"))
		                   ? "the pause is over: flows are refused again"
		                   : "nothing was paused");
	json_decref(reply);
	return status;
}

static int run_log_level(const struct sl_cli *cli)
{
	json_t *reply = NULL;

	if (cli->args != 1) {
		sl_cli_error(
		        "log-level: which one? say: sluice log-level error, warning, notice, info or debug");
		return SL_EXIT_ERROR;
	}
	int status =
	        ask(cli, "log-level",
	            json_pack("{s:i, s:s, s:s}", "v", 1, "cmd", "log_level", "level", cli->arg[0]), &reply);
	if (status == SL_EXIT_OK)
		(void)printf("log level %s, %s before it; the next start of sluiced has info again\n",
		             cli->arg[0], json_string_value(json_object_get(reply, "was")));
	json_decref(reply);
	return status;
}

const struct sl_cli_command sl_cli_pause = {
	.name = "pause",
	.options = SL_CLI_BIT(config) | SL_CLI_BIT(control) | SL_CLI_BIT(for_),
	.usage = "--for TIME [--config FILE | --control PATH]",
	.summary = "let all traffic pass for a stated time",
	.help = "Nothing is refused or held until the time is over, or sluice resume is said: 90s, 10m, 1h, "
	        "at most\n"
	        "pause_limit of sluice.yaml. It goes on over an upgrade, and over the death of the engine or "
	        "of sluiced, and\n"
	        "ends by itself. Flows are judged on the side: those that are to be blocked are refused at "
	        "the next\n"
	        "packet that they send when it is over; connections that were refused before it stay so. "
	        "Said again, it\n"
	        "begins anew.\n"
	        "Exit status: 0 paused, 1 refused, 2 an error, 3 not running, 4 no permission.",
	.run = run_pause,
};

const struct sl_cli_command sl_cli_resume = {
	.name = "resume",
	.options = SL_CLI_BIT(config) | SL_CLI_BIT(control),
	.usage = "[--config FILE | --control PATH]",
	.summary = "end a pause",
	.help = "Exit status: 0 nothing is paused now, 2 an error, 3 not running, 4 no permission.",
	.run = run_resume,
};

const struct sl_cli_command sl_cli_log_level = {
	.name = "log-level",
	.options = SL_CLI_BIT(config) | SL_CLI_BIT(control),
	.usage = "error|warning|notice|info|debug [--config FILE | --control PATH]",
	.summary = "how much sluiced logs, until its next start",
	.help = "What is less important than the level is not logged, by sluiced and every process that it "
	        "has started.\n"
	        "At debug each request of the control socket is logged, too.\n"
	        "Exit status: 0 set, 1 refused, 2 an error, 3 not running, 4 no permission.",
	.run = run_log_level,
};
