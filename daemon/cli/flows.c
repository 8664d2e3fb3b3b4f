/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flows.c - sluice flows: the last flows that were decided, and those to come; sluice subscribe: all events, as they come. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cli/cli.h"
#include "daemon/cli/flow_match.h"
#include "daemon/ctl.h"

enum { WAIT_MS = 5000 };

static void print_json(const json_t *value)
{
	(void)json_dumpf(value, stdout, JSON_COMPACT);
	(void)putchar('\n');
}

/* A name may hold any byte that a client sent: none of them is the terminal's to obey. */
static void put(const char *text)
{
	for (; text != NULL && *text != '\0'; text++)
		(void)putchar(*text < 0x20 || *text > 0x7e ? '?' : *text);
}

/* "2026-01-31T12:00:00.123456+0000  192.0.2.5 -> 198.51.100.1:443 tls  drop  ads.example (ads.txt:12)" */
static void print_flow(const json_t *flow)
{
	const json_t *ours = json_object_get(flow, "sluice");
	const char *time = sl_flow_text(flow, "timestamp"), *list = sl_flow_text(ours, "list"),
	           *cause = sl_flow_text(ours, "cause"), *paused = sl_flow_text(ours, "paused");
	const char *name = sl_flow_name(flow), *url = sl_flow_text(json_object_get(flow, "http"), "url");

	put(time);
	(void)fputs("  ", stdout);
	put(sl_flow_text(flow, "src_ip"));
	(void)fputs(" -> ", stdout);
	put(sl_flow_text(flow, "dest_ip"));
	(void)printf(":%lld  ", (long long)json_integer_value(json_object_get(flow, "dest_port")));
	put(sl_flow_text(flow, "app_proto"));
	(void)fputs("  ", stdout);
	put(sl_flow_verdict(flow));
	(void)fputs("  ", stdout);
	put(name == NULL ? "-" : name);
	put(url);
	if (list != NULL) {
		(void)fputs("  ", stdout);
		put(list);
		(void)printf(":%lld", (long long)json_integer_value(json_object_get(ours, "line")));
	}
	if (cause != NULL) {
		(void)fputs("  unjudged: ", stdout);
		put(cause);
	}
	if (paused != NULL && strcmp(paused, "drop") == 0)
		(void)fputs("  PAUSED: else dropped", stdout);
	(void)putchar('\n');
}

struct printer {
	const struct sl_flow_match *match; /* NULL: all */
	bool json, events;                 /* events: as they come, each with what is around it */
};

static void print_one(const struct printer *p, const json_t *flow)
{
	if (p->match != NULL && !sl_flow_matches(p->match, flow))
		return;
	if (p->json)
		print_json(flow);
	else
		print_flow(flow);
}

static bool hear(void *ctx, const json_t *event)
{
	const struct printer *p = ctx;
	const char *name = sl_flow_text(event, "event");

	if (p->events)
		print_json(event);
	else if (name != NULL && strcmp(name, "flow") == 0)
		print_one(p, json_object_get(event, "flow"));
	else if (name != NULL && strcmp(name, "lost") == 0)
		sl_cli_error("flows: %lld flows were not heard: they came faster than they were read",
		             (long long)json_integer_value(json_object_get(event, "count")));
	return fflush(stdout) == 0; /* who reads us may have gone */
}

static int follow(const struct sl_cli *cli, const char *command, json_t *request, struct printer *p)
{
	char path[SL_CLI_PATH];
	json_t *reply = NULL;

	(void)signal(SIGPIPE, SIG_DFL); /* as tail(1): no reader, no error */
	sl_cli_control_path(cli, path);
	int err = request == NULL ? SL_ENOMEM : sl_ctl_follow(path, request, WAIT_MS, &reply, hear, p);
	int status = sl_cli_outcome(command, path, err, reply);
	if (status == SL_EXIT_OK) {
		sl_cli_error("%s: the connection has ended: sluiced has, or did not know us any more",
		             command);
		status = SL_EXIT_NOT_RUNNING;
	}
	json_decref(reply);
	json_decref(request);
	return status;
}

static int last(const struct sl_cli *cli, const struct printer *p)
{
	json_t *reply = NULL, *flow;
	size_t i;
	int status =
	        sl_cli_ask(cli, "flows", json_pack("{s:i, s:s}", "v", 1, "cmd", "flows"), WAIT_MS, &reply);

	if (status == SL_EXIT_OK)
		json_array_foreach(json_object_get(reply, "flows"), i, flow) print_one(p, flow);
	json_decref(reply);
	return status;
}

static int run_flows(const struct sl_cli *cli)
{
	struct sl_flow_match match;
	struct printer p = { &match, cli->json != NULL, false };

	if (cli->args > 0) {
		sl_cli_error("flows: %s: takes no argument; see: sluice flows --help", cli->arg[0]);
		return SL_EXIT_ERROR;
	}
	if (!sl_flow_match_read(cli->client, cli->name, cli->verdict, &match))
		return SL_EXIT_ERROR;
	if (cli->follow == NULL)
		return last(cli, &p);
	return follow(cli, "flows",
	              json_pack("{s:i, s:s, s:[s]}", "v", 1, "cmd", "subscribe", "events", "flow"), &p);
}

static int run_subscribe(const struct sl_cli *cli)
{
	struct printer p = { NULL, true, true };
	json_t *request = json_pack("{s:i, s:s}", "v", 1, "cmd", "subscribe"), *events = json_array();

	for (int i = 0; i < cli->args; i++)
		(void)json_array_append_new(events, json_string(cli->arg[i]));
	if (cli->args > 0)
		(void)json_object_set(request, "events", events);
	json_decref(events);
	return follow(cli, "subscribe", request, &p);
}

const struct sl_cli_command sl_cli_flows = {
	.name = "flows",
	.options = SL_CLI_BIT(config) | SL_CLI_BIT(control) | SL_CLI_BIT(json) | SL_CLI_BIT(follow) |
	           SL_CLI_BIT(client) | SL_CLI_BIT(name) | SL_CLI_BIT(verdict),
	.usage = "[--follow] [--client PREFIX] [--name NAME] [--verdict drop|pass|unjudged] [--json]",
	.summary = "the last flows that were decided, and with --follow those to come",
	.help = "Of the past the last 256 KiB of the flow log, some hundreds of flows since the engine "
	        "began; all of it is in\n"
	        "the file (option flow_log). --name is a host, with all below it; --client an address or "
	        "prefix.\n"
	        "With --json each is a line as docs/flow-log.md has it.\n"
	        "Exit status: 0, 1 refused, 2 an error, 3 not running or no more, 4 no permission.",
	.run = run_flows,
};

const struct sl_cli_command sl_cli_subscribe = {
	.name = "subscribe",
	.options = SL_CLI_BIT(config) | SL_CLI_BIT(control),
	.usage = "[flow] [state] [generation] [--config FILE | --control PATH]",
	.summary = "what happens, as it happens, one JSON object a line",
	.help = "flow: a record of the flow log; state: what becomes of sluiced: engines, pauses, rules, "
	        "upgrades; generation: a\n"
	        "policy is in force, or was refused. Without a word all of them. Who reads too slowly loses "
	        "some, and is\n"
	        "told how many: {\"event\":\"lost\"}. sluice-control(7) has the members.\n"
	        "Exit status: 1 refused, 2 an error, 3 not running or no more, 4 no permission.",
	.run = run_subscribe,
};
