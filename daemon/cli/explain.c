/* SPDX-License-Identifier: GPL-2.0-or-later */
/* explain.c - sluice explain: why a host, a URL or a flow of the log is allowed or blocked for a client, and what would change that. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/check_query.h"
#include "daemon/cli/cli.h"
#include "daemon/cli/flow_file.h"

enum { WAIT_MS = 10000, INPUT_MAX = 4096 };

static const char *text(const json_t *o, const char *name)
{
	const char *t = json_string_value(json_object_get(o, name));
	return t == NULL ? "" : t;
}

static void print_names(const char *role, const json_t *names)
{
	const json_t *one;
	size_t i;
	if (json_array_size(names) == 0)
		return;
	(void)printf("         %-7s", role);
	json_array_foreach(names, i, one)(void) printf("%s %s", i > 0 ? "," : "", json_string_value(one));
	(void)putchar('\n');
}

/* Line 4: the group, how it was found, and its roles at this moment. */
static void print_who(const json_t *who)
{
	if (who == NULL)
		return;
	(void)printf("         policy-resolution 4: group %s (%s)", text(who, "group"), text(who, "by"));
	if (text(who, "schedule")[0] != '\0')
		(void)printf(", schedule %s is on", text(who, "schedule"));
	(void)printf("; what no list names is %s\n",
	             strcmp(text(who, "default"), "block") == 0 ? "blocked" : "allowed");
	print_names("block", json_object_get(who, "block"));
	print_names("shadow", json_object_get(who, "shadow"));
	print_names("allow", json_object_get(who, "allow"));
	print_names("off", json_object_get(who, "off"));
}

/* What one would type; letter c is before all others, so that it can change each of them. */
static void print_change(const json_t *answer)
{
	bool block = strcmp(text(answer, "verdict"), "block") == 0;
	const char *group = text(json_object_get(answer, "who"), "group"), *list = text(answer, "list");
	const char *host = text(answer, "host");
	json_int_t id = json_integer_value(json_object_get(answer, "exception"));
	char letter = text(answer, "letter")[0];

	(void)fputs("         what would change it: ", stdout);
	if (letter == 'c' && id > 0)
		(void)printf("sluice undo %lld; or ", (long long)id);
	else if (letter == 'c')
		(void)printf("the %s of group %s in the configuration; or ", block ? "block" : "allow",
		             group);
	else if (block && letter == 'g')
		(void)printf("roles: {%s: off} in group %s; or ", list, group[0] == '\0' ? "default" : group);
	else if (block && letter == 'h')
		(void)printf("default: allow in group %s, or a list that allows it; or ", group);
	(void)printf("sluice %s %s%s%s --for 30m\n", block ? "allow" : "block", host,
	             group[0] == '\0' || strcmp(group, "default") == 0 ? "" : " --group ",
	             group[0] == '\0' || strcmp(group, "default") == 0 ? "" : group);
}

static void print(const json_t *answer)
{
	sl_cli_print_answer(answer, 1);
	if (!json_is_string(json_object_get(answer, "verdict")))
		return;
	if (json_is_integer(json_object_get(answer, "generation")))
		(void)printf("         generation %lld; canonical form %s\n",
		             (long long)json_integer_value(json_object_get(answer, "generation")),
		             text(answer, "host"));
	print_who(json_object_get(answer, "who"));
	print_names("would also block, were it not in the shadow:", json_object_get(answer, "shadow"));
	print_change(answer);
}

/* Exit status, as of check. */
static int ask(const struct sl_cli *cli, const char *input, const char *client)
{
	char path[SL_CLI_PATH];
	json_t *reply = NULL;
	const char *unfit = sl_check_query_unfit(input);
	if (unfit != NULL) {
		sl_cli_error("explain: the input is %s", unfit);
		return SL_EXIT_ERROR;
	}
	json_t *request = json_pack("{s:i, s:s, s:[s], s:b, s:s?, s:s?}", "v", 1, "cmd", "check", "items",
	                            input, "explain", 1, "client", client, "group", cli->group);
	int err = request == NULL ? SL_EINVAL : sl_cli_call(cli, request, WAIT_MS, path, &reply);
	json_decref(request);
	if (err != SL_OK) {
		sl_cli_call_failed("explain", path, err);
		return err == SL_ENOENT ? SL_EXIT_NOT_RUNNING : SL_EXIT_ERROR;
	}
	json_t *answer = json_array_get(json_object_get(reply, "results"), 0);
	const char *refused = text(answer, "refused");
	int status = SL_EXIT_ERROR;
	if (!json_is_true(json_object_get(reply, "ok")) || refused[0] != '\0' || answer == NULL) {
		sl_cli_error("explain: %s", refused[0] != '\0' ? refused : sl_cli_reply_error(reply));
	} else {
		(void)json_object_set(answer, "generation", json_object_get(reply, "generation"));
		if (cli->json != NULL)
			(void)(json_dumpf(answer, stdout, JSON_COMPACT), putchar('\n'));
		else
			print(answer);
		status = !json_is_string(json_object_get(answer, "verdict")) ? SL_EXIT_ERROR
		         : strcmp(text(answer, "verdict"), "block") == 0     ? SL_EXIT_NO
		                                                             : SL_EXIT_OK;
	}
	json_decref(reply);
	return status;
}

/* ---- a flow ---- */

struct search {
	json_int_t id;
	json_t *found; /* its last record */
};

static bool look(void *ctx, const json_t *record)
{
	struct search *s = ctx;
	if (json_integer_value(json_object_get(record, "flow_id")) != s->id)
		return true;
	json_decref(s->found);
	s->found = json_deep_copy(record);
	return true;
}

static void print_then(const json_t *r)
{
	const json_t *ours = json_object_get(r, "sluice");
	const char *name = sl_cli_flow_name(r);
	(void)printf("at %s: %s to %s: %s", text(r, "timestamp"), text(r, "src_ip"),
	             name != NULL ? name : text(r, "dest_ip"),
	             strcmp(text(json_object_get(r, "verdict"), "action"), "drop") == 0 ? "blocked"
	                                                                                : "allowed");
	if (text(ours, "group")[0] != '\0')
		(void)printf(", group %s", text(ours, "group"));
	if (text(ours, "list")[0] != '\0')
		(void)printf(", list %s line %lld", text(ours, "list"),
		             (long long)json_integer_value(json_object_get(ours, "line")));
	if (json_object_get(ours, "exception") != NULL)
		(void)printf(", exception %lld",
		             (long long)json_integer_value(json_object_get(ours, "exception")));
	if (text(ours, "letter")[0] != '\0')
		(void)printf(", policy-resolution 6%s", text(ours, "letter"));
	if (text(ours, "cause")[0] != '\0')
		(void)printf(", unjudged: %s", text(ours, "cause"));
	(void)puts("\nasked now:");
}

static int explain_flow(const struct sl_cli *cli)
{
	char *end, input[INPUT_MAX];
	uint64_t unreadable;
	struct search s = { .id = strtoll(cli->flow, &end, 10) };
	if (end == cli->flow || *end != '\0' || s.id <= 0) {
		sl_cli_error("explain: --flow: found \"%s\", expected a flow_id of the flow log", cli->flow);
		return SL_EXIT_ERROR;
	}
	if (sl_cli_flow_file(cli, "explain", look, &s, &unreadable) != SL_OK)
		return SL_EXIT_ERROR;
	if (s.found == NULL) {
		sl_cli_error("explain: the flow log has no flow %s", cli->flow);
		return SL_EXIT_ERROR;
	}
	const char *name = sl_cli_flow_name(s.found), *url = text(json_object_get(s.found, "http"), "url");
	(void)snprintf(input, sizeof(input), "%s%s%s", url[0] != '\0' ? "http://" : "",
	               name != NULL ? name : text(s.found, "dest_ip"), url[0] == '/' ? url : "");
	if (cli->json == NULL)
		print_then(s.found);
	int status = ask(cli, input, cli->client != NULL ? cli->client : text(s.found, "src_ip"));
	json_decref(s.found);
	return status;
}

static int run(const struct sl_cli *cli)
{
	if ((cli->flow != NULL) == (cli->args == 1) || cli->args > 1) {
		sl_cli_error("explain: name one host or URL, or --flow ID; see: sluice explain --help");
		return SL_EXIT_ERROR;
	}
	return cli->flow != NULL ? explain_flow(cli) : ask(cli, cli->arg[0], cli->client);
}

const struct sl_cli_command sl_cli_explain = {
	.name = "explain",
	.options = SL_CLI_BIT(config) | SL_CLI_BIT(control) | SL_CLI_BIT(json) | SL_CLI_BIT(client) |
	           SL_CLI_BIT(group) | SL_CLI_BIT(flow) | SL_CLI_BIT(log),
	.usage = "[--client WHO | --group GROUP] HOST|URL\n"
	         "       sluice explain --flow ID [--log FILE]",
	.summary = "why something is allowed or blocked for a client, and what would change that",
	.help = "Asks the running sluiced: the verdict at this moment, the exception or the line of a list "
	        "that decides, "
	        "the\n"
	        "client's group, schedule and roles, every key that was looked up, and what to type to have "
	        "it otherwise. "
	        "A\n"
	        "flow is found in the flow log by its flow_id, with what was decided then. The MAC of a "
	        "client is not "
	        "known\n"
	        "by its address: where a group names it, say both (--client 10.0.0.7,02:00:5e:10:00:01).\n"
	        "Exit status: 0 allowed, 1 blocked, 2 an error, 3 no sluiced runs.",
	.run = run,
};
