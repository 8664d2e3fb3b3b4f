/* SPDX-License-Identifier: GPL-2.0-or-later */
/* operator.c - sluice allow, block, arm, undo and exceptions: what an operator says while sluiced runs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/cli/cli.h"
#include "daemon/conf_value.h"

enum { WAIT_MS = 10000, WHEN_MAX = 64 };

static json_int_t number(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}

static const char *text(const json_t *o, const char *name)
{
	const char *t = json_string_value(json_object_get(o, name));
	return t == NULL ? "" : t;
}

/* Exit status; request is taken over, *reply is the caller's. */
static int ask(const struct sl_cli *cli, const char *command, json_t *request, json_t **reply)
{
	char path[SL_CLI_PATH];
	int err = sl_cli_call(cli, request, WAIT_MS, path, reply);
	json_decref(request);
	if (err != SL_OK) {
		sl_cli_call_failed(command, path, err);
		return err == SL_ENOENT ? SL_EXIT_NOT_RUNNING : SL_EXIT_ERROR;
	}
	if (!json_is_true(json_object_get(*reply, "ok"))) {
		sl_cli_error("%s: %s", command, sl_cli_reply_error(*reply));
		return SL_EXIT_NO;
	}
	if (json_object_get(*reply, "warning") != NULL)
		sl_cli_error("%s: %s", command, text(*reply, "warning"));
	return SL_EXIT_OK;
}

/* "until 2026-01-31 18:30:00" */
static const char *when(json_int_t until, char out[WHEN_MAX])
{
	time_t at = (time_t)until;
	struct tm local;
	if (until == 0)
		return "for good";
	(void)localtime_r(&at, &local);
	(void)strftime(out, WHEN_MAX, "until %Y-%m-%d %H:%M:%S", &local);
	return out;
}

/* --for; false: told. */
static bool read_for(const struct sl_cli *cli, const char *command, json_int_t *seconds)
{
	static const struct sl_conf_opt opt = { .type = SL_CONF_duration,
		                                .min = 1000000,
		                                .max = INT64_C(315360000) * 1000000 };
	char why[SL_CONF_WHY_MAX];
	struct sl_span span = { 0 };
	*seconds = 0;
	if (cli->for_ == NULL)
		return true;
	if (sl_conf_value_read(&opt, cli->for_, "/", &span, why) != SL_OK) {
		sl_cli_error("%s: --for: found \"%s\", expected a time from 1s to ten years, such as 30m, 2h "
		             "or 7d",
		             command, cli->for_);
		return false;
	}
	*seconds = (span.us + 999999) / 1000000;
	return true;
}

static void print_done(const json_t *reply, const char *verb)
{
	char buf[WHEN_MAX];
	const char *group = text(reply, "group");
	bool list = strcmp(text(reply, "what"), "arm") == 0;
	(void)printf("exception %lld: %s %s", (long long)number(reply, "id"), text(reply, "name"), verb);
	if (!list)
		(void)printf(" for %s%s, %s", group[0] == '\0' ? "all" : "group ", group,
		             when(number(reply, "until"), buf));
	(void)putchar('\n');
}

static int say(const struct sl_cli *cli, const char *command, const char *verb)
{
	json_int_t seconds;
	json_t *reply = NULL;
	if (cli->args != 1) {
		sl_cli_error("%s: name one host, *.HOST, HOST/PATH, address or prefix; see: sluice %s --help",
		             command, command);
		return SL_EXIT_ERROR;
	}
	if (!read_for(cli, command, &seconds))
		return SL_EXIT_ERROR;
	json_t *request =
	        json_pack("{s:i, s:s, s:s, s:I, s:s?, s:s?}", "v", 1, "cmd", command, "name", cli->arg[0],
	                  "for_s", seconds, "group", cli->group, "because", cli->because);
	if (request == NULL) {
		sl_cli_error("%s: what was typed is not UTF-8", command);
		return SL_EXIT_ERROR;
	}
	int status = ask(cli, command, request, &reply);
	if (status == SL_EXIT_OK && cli->json != NULL)
		(void)(json_dumpf(reply, stdout, JSON_COMPACT), putchar('\n'));
	else if (status == SL_EXIT_OK)
		print_done(reply, verb);
	json_decref(reply);
	return status;
}

static int run_allow(const struct sl_cli *cli)
{
	return say(cli, "allow", "is allowed");
}

static int run_block(const struct sl_cli *cli)
{
	return say(cli, "block", "is blocked");
}

static int run_arm(const struct sl_cli *cli)
{
	json_t *reply = NULL;
	if (cli->args != 1) {
		sl_cli_error("arm: name one list; see: sluice arm --help");
		return SL_EXIT_ERROR;
	}
	int status = ask(cli, "arm",
	                 json_pack("{s:i, s:s, s:s, s:s?}", "v", 1, "cmd", "arm", "list", cli->arg[0],
	                           "because", cli->because),
	                 &reply);
	if (status == SL_EXIT_OK)
		print_done(reply, "is armed: where it was in the shadow, it blocks");
	json_decref(reply);
	return status;
}

static int run_undo(const struct sl_cli *cli)
{
	json_t *reply = NULL;
	char *end = NULL;
	long id = cli->args == 1 ? strtol(cli->arg[0], &end, 10) : 0;
	if (id <= 0 || end == NULL || *end != '\0') {
		sl_cli_error("undo: name one number, as sluice exceptions shows it");
		return SL_EXIT_ERROR;
	}
	int status = ask(cli, "undo",
	                 json_pack("{s:i, s:s, s:I}", "v", 1, "cmd", "undo", "id", (json_int_t)id), &reply);
	if (status == SL_EXIT_OK)
		print_done(reply, "is undone: it was said");
	json_decref(reply);
	return status;
}

static void print_one(const json_t *e)
{
	char buf[WHEN_MAX];
	const char *group = text(e, "group");
	bool list = strcmp(text(e, "what"), "arm") == 0;
	(void)printf("%5lld  %-5s  %s%s%s%s", (long long)number(e, "id"), text(e, "what"),
	             list ? "list " : "", text(e, "name"),
	             list               ? ""
	             : group[0] == '\0' ? "  all"
	                                : "  group ",
	             group);
	(void)printf("  %s", when(number(e, "until"), buf));
	if (json_object_get(e, "because") != NULL)
		(void)printf("  because: %s", text(e, "because"));
	if (json_object_get(e, "idle") != NULL)
		(void)printf("  (does nothing: %s)", text(e, "idle"));
	(void)putchar('\n');
}

static int run_exceptions(const struct sl_cli *cli)
{
	json_t *reply = NULL, *one;
	size_t i;
	if (cli->args > 0) {
		sl_cli_error("exceptions: takes no argument");
		return SL_EXIT_ERROR;
	}
	int status = ask(cli, "exceptions", json_pack("{s:i, s:s}", "v", 1, "cmd", "exceptions"), &reply);
	const json_t *entries = json_object_get(reply, "entries");
	if (status == SL_EXIT_OK && cli->json != NULL)
		(void)(json_dumpf(reply, stdout, JSON_COMPACT), putchar('\n'));
	else if (status == SL_EXIT_OK && json_array_size(entries) == 0)
		(void)puts("none");
	else if (status == SL_EXIT_OK)
		json_array_foreach(entries, i, one) print_one(one);
	json_decref(reply);
	return status;
}

#define ASKS  SL_CLI_BIT(config) | SL_CLI_BIT(control)
#define EXITS "Exit status: 0 done, 1 refused, 2 an error, 3 no sluiced runs."

#define SAYS                                                                                                 \
	"It is in force when the command returns, for new flows, and for new requests of HTTP that can be\n" \
	"read; what was allowed before runs on. It stands before all lists and the never-block set, "        \
	"survives\n"                                                                                         \
	"restart and upgrade, and is written to the log. Of several the longest name wins, then one for "    \
	"the\n"                                                                                              \
	"own group, then the newest. Without --group it is for all, without --for until sluice undo.\n"

const struct sl_cli_command sl_cli_allow = {
	.name = "allow",
	.options = ASKS | SL_CLI_BIT(json) | SL_CLI_BIT(group) | SL_CLI_BIT(for_) | SL_CLI_BIT(because),
	.usage = "NAME [--group GROUP] [--for TIME] [--because TEXT]",
	.summary = "let a name through, for a while or for good",
	.help = "NAME is a host with all below it, *.HOST for what is below it alone, HOST/PATH, an address "
	        "or a "
	        "prefix.\n" SAYS EXITS,
	.run = run_allow,
};

const struct sl_cli_command sl_cli_block = {
	.name = "block",
	.options = ASKS | SL_CLI_BIT(json) | SL_CLI_BIT(group) | SL_CLI_BIT(for_) | SL_CLI_BIT(because),
	.usage = "NAME [--group GROUP] [--for TIME] [--because TEXT]",
	.summary = "block a name, for a while or for good",
	.help = "NAME is as for sluice allow.\n" SAYS EXITS,
	.run = run_block,
};

const struct sl_cli_command sl_cli_exceptions = {
	.name = "exceptions",
	.options = ASKS | SL_CLI_BIT(json),
	.usage = "[--json]",
	.summary = "what was said by allow, block and arm, and holds",
	.help = EXITS,
	.run = run_exceptions,
};

const struct sl_cli_command sl_cli_undo = {
	.name = "undo",
	.options = ASKS,
	.usage = "NUMBER",
	.summary = "take back an exception",
	.help = "NUMBER is that of sluice exceptions.\n" EXITS,
	.run = run_undo,
};

const struct sl_cli_command sl_cli_arm = {
	.name = "arm",
	.options = ASKS | SL_CLI_BIT(because),
	.usage = "LIST [--because TEXT]",
	.summary = "let a shadow list block",
	.help = "Wherever the configuration gives LIST the role shadow, it blocks from now on, until sluice "
	        "undo; the\n"
	        "configuration stays as it was written. sluice shadow LIST says first what that will "
	        "block.\n" EXITS,
	.run = run_arm,
};
