/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/cli/cli.h"

enum { WAIT_MS = 5000, LOOK_FIRST_MS = 10, LOOK_MS = 100, BAR = 24 };

static json_int_t number(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}

static const char *text(const json_t *o, const char *name)
{
	const char *t = json_string_value(json_object_get(o, name));
	return t == NULL ? "" : t;
}

/* Exit status; *reply is the caller's. */
static int ask(const struct sl_cli *cli, json_t *request, json_t **reply)
{
	return sl_cli_ask(cli, "update", request, WAIT_MS, reply);
}

static json_t *request_of(const struct sl_cli *cli)
{
	json_t *names = cli->args == 0 ? json_null() : json_array();
	for (int i = 0; i < cli->args; i++)
		(void)json_array_append_new(names, json_string(cli->arg[i]));
	return json_pack("{s:i, s:s, s:b, s:o}", "v", 1, "cmd", "update", "force", cli->force != NULL,
	                 "lists", names);
}

/* On a terminal only: one line, of what is being fetched. */
static void draw(const json_t *progress)
{
	json_int_t done = 0, total = 0;
	bool known = true;
	json_t *one;
	size_t i, n = 0;
	json_array_foreach(json_object_get(progress, "lists"), i, one)
	{
		if (!json_is_true(json_object_get(one, "fetching")))
			continue;
		n++;
		done += number(one, "done");
		total += number(one, "total");
		known = known && number(one, "total") > 0;
	}
	int bar = known && total > 0 ? (int)(sl_min((uint64_t)done, (uint64_t)total) * BAR / (uint64_t)total)
	                             : 0;
	if (strcmp(text(progress, "state"), "fetching") != 0)
		(void)fprintf(stderr, "\r%-60s", "compiling");
	else
		(void)fprintf(stderr, "\r[%-*.*s] %zu lists, %lld KiB%*s", BAR, bar,
		              "########################", n, (long long)done / 1024, 20, "");
	(void)fflush(stderr);
}

/* Follows the run until it is over. */
static int follow(const struct sl_cli *cli, json_t **progress)
{
	int64_t wait_ms = LOOK_FIRST_MS;
	bool terminal = isatty(STDERR_FILENO) != 0;
	int status = SL_EXIT_OK;
	while (status == SL_EXIT_OK && strcmp(text(*progress, "state"), "done") != 0) {
		if (terminal)
			draw(*progress);
		const struct timespec pause = { 0, wait_ms * 1000000L };
		(void)nanosleep(&pause, NULL);
		wait_ms = wait_ms * 2 < LOOK_MS ? wait_ms * 2 : LOOK_MS;
		json_decref(*progress);
		*progress = NULL;
		status = ask(cli, json_pack("{s:i, s:s}", "v", 1, "cmd", "updates"), progress);
	}
	if (terminal)
		(void)fprintf(stderr, "\r%-60s\r", "");
	return status;
}

static bool was_asked(const struct sl_cli *cli, const char *name)
{
	for (int i = 0; i < cli->args; i++)
		if (strcmp(cli->arg[i], name) == 0)
			return true;
	return cli->args == 0;
}

static int report(const struct sl_cli *cli, const json_t *progress)
{
	int status = SL_EXIT_OK;
	json_t *one;
	size_t i;
	json_array_foreach(json_object_get(progress, "lists"), i, one)
	{
		if (!was_asked(cli, text(one, "name")))
			continue;
		if (*text(one, "error") != '\0') {
			sl_cli_error("update: list %s stays as it was: %s", text(one, "name"),
			             text(one, "error"));
			status = SL_EXIT_NO;
		} else {
			(void)printf("list %s: of %lld s ago, the server was heard %lld s ago\n",
			             text(one, "name"), (long long)number(one, "age_s"),
			             (long long)number(one, "checked_s"));
		}
	}
	(void)printf("generation %lld in force\n", (long long)number(progress, "generation"));
	return status;
}

static int run(const struct sl_cli *cli)
{
	json_t *progress = NULL;
	int status = ask(cli, request_of(cli), &progress);
	if (status == SL_EXIT_OK)
		status = follow(cli, &progress);
	if (status == SL_EXIT_OK)
		status = report(cli, progress);
	json_decref(progress);
	return status;
}

const struct sl_cli_command sl_cli_update = {
	.name = "update",
	.options = SL_CLI_BIT(config) | SL_CLI_BIT(control) | SL_CLI_BIT(force),
	.usage = "[--force] [--config FILE | --control PATH] [LIST...]",
	.summary = "fetch the lists that have an url, and judge by them",
	.help = "Fetches the lists of these names, all that have an url where none is named, and puts what "
	        "came in "
	        "force.\n"
	        "A list that cannot be fetched or is refused stays as it was, and the others do not wait for "
	        "it.\n"
	        "Exit status: 0 all are as their servers have them; 1 some stay as they were, told why; 2 an "
	        "error; 3 not "
	        "running.",
	.run = run,
};
