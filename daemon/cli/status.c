/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "daemon/cli/cli.h"
#include "daemon/ne_stats.h"

enum { WAIT_MS = 5000 };

/* Every line is a label and what it says; members that a reply does not have are not shown. */
static void label(const char *name)
{
	(void)printf("%-10s", name);
}

static bool get_number(const json_t *object, const char *name, json_int_t *value)
{
	const json_t *member = json_object_get(object, name);
	*value = json_integer_value(member);
	return json_is_integer(member);
}

static json_int_t number(const json_t *object, const char *name)
{
	json_int_t value;
	(void)get_number(object, name, &value);
	return value;
}

static const char *text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

/* Lists nonzero numbers of an object: "  12 packets, 3 flows". */
static void print_nonzero(const char *name, const json_t *object, const char *const names[][2], size_t n)
{
	const char *comma = "";

	for (size_t i = 0; i < n; i++) {
		json_int_t value = number(object, names[i][0]);
		if (value == 0)
			continue;
		if (*comma == '\0')
			label(name);
		(void)printf("%s%lld %s", comma, (long long)value, names[i][1]);
		comma = ", ";
	}
	if (*comma != '\0')
		(void)putchar('\n');
}

static void print_uptime(json_int_t s)
{
	if (s >= 86400)
		(void)printf(", up %lld d %lld h", (long long)(s / 86400), (long long)(s / 3600 % 24));
	else if (s >= 3600)
		(void)printf(", up %lld h %lld min", (long long)(s / 3600), (long long)(s / 60 % 60));
	else if (s >= 60)
		(void)printf(", up %lld min %lld s", (long long)(s / 60), (long long)(s % 60));
	else
		(void)printf(", up %lld s", (long long)s);
}

static void print_state(const json_t *r)
{
	json_int_t value;

	label("sluiced");
	(void)fputs(text(r, "state") == NULL ? "running" : text(r, "state"), stdout);
	if (text(r, "version") != NULL)
		(void)printf(", version %s", text(r, "version"));
	if (get_number(r, "uptime_s", &value))
		print_uptime(value);
	if (get_number(r, "pid", &value))
		(void)printf(", pid %lld", (long long)value);
	if (get_number(r, "engine_pid", &value))
		(void)printf(", engine %lld", (long long)value);
	if (number(r, "engine_restarts") > 0)
		(void)printf(" (restarted %lld times)", (long long)number(r, "engine_restarts"));
	(void)putchar('\n');
}

static void print_pause(const json_t *r)
{
	const json_t *paused = json_object_get(r, "paused"), *counts = json_object_get(r, "pauses");
	long long left = (long long)(number(paused, "left_ms") + 999) / 1000;

	if (left > 0) {
		label("PAUSED");
		(void)printf("ALL TRAFFIC PASSES, NOTHING IS REFUSED, for another %lld min %lld s, until %s; "
		             "sluice "
		             "resume ends it\n",
		             left / 60, left % 60,
		             text(paused, "until") == NULL ? "?" : text(paused, "until"));
	}
	if (number(counts, "packets") > 0) {
		label("pauses");
		(void)printf(
		        "%lld packets passed, %lld flows and requests that are to be blocked among them\n",
		        (long long)number(counts, "packets"), (long long)number(counts, "refused"));
	}
}

static void print_rules(const json_t *r)
{
	json_int_t restored = number(r, "rules_restored");

	if (text(r, "backend") == NULL)
		return;
	label("rules");
	(void)fputs(text(r, "backend"), stdout);
	if (text(r, "syns") != NULL && strcmp(text(r, "syns"), "unseen") == 0)
		(void)fputs(", no copies of SYNs: where connections begin is guessed", stdout);
	if (restored > 0)
		(void)printf(", RESTORED %lld times after others removed them, %lld ms without them",
		             (long long)restored, (long long)number(r, "rules_gap_ms"));
	(void)putchar('\n');
}

static void print_list(const json_t *list)
{
	json_int_t entries;

	label("");
	(void)printf("%-5s  %s", text(list, "kind") == NULL ? "" : text(list, "kind"),
	             text(list, "name") == NULL ? "?" : text(list, "name"));
	if (get_number(list, "entries", &entries))
		(void)printf(", %lld entries", (long long)entries);
	if (number(list, "refused") > 0)
		(void)printf(", %lld lines refused", (long long)number(list, "refused"));
	(void)putchar('\n');
}

static void print_policy(const json_t *r)
{
	const json_t *policy = json_object_get(r, "policy");
	json_int_t generation, entries;
	bool known = get_number(r, "generation", &generation);
	json_t *list;
	size_t i;

	if (!known && policy == NULL)
		return;
	label("policy");
	if (known)
		(void)printf("generation %lld", (long long)generation);
	if (get_number(policy, "entries", &entries))
		(void)printf("%s%lld entries", known ? ", " : "", (long long)entries);
	(void)putchar('\n');
	json_array_foreach(json_object_get(policy, "lists"), i, list) print_list(list);
	if (number(policy, "never_named") > 0) {
		label("");
		(void)printf("%lld entries block what the never-block set frees, and do nothing\n",
		             (long long)number(policy, "never_named"));
	}
}

/* What stands between a list and its server, and between a policy and the disk. */
static void print_feeds(const json_t *r)
{
	const json_t *kept = json_object_get(r, "kept");
	json_int_t age;
	json_t *feed;
	size_t i;

	json_array_foreach(json_object_get(r, "feeds"), i, feed)
	{
		label(i == 0 ? "fetched" : "");
		(void)fputs(text(feed, "name") == NULL ? "?" : text(feed, "name"), stdout);
		if (get_number(feed, "age_s", &age))
			(void)printf(", %lld s ago", (long long)age);
		else
			(void)fputs(", NEVER YET", stdout);
		if (text(feed, "error") != NULL)
			(void)printf(", NOT UPDATED: %s", text(feed, "error"));
		(void)putchar('\n');
	}
	if (number(kept, "pinned") > 0) {
		label("policy");
		(void)printf("generation %lld was chosen by rollback, and stays until sluice reload\n",
		             (long long)number(kept, "pinned"));
	}
	if (text(kept, "error") != NULL) {
		label("state");
		(void)printf("the policy in force is NOT KEPT: %s\n", text(kept, "error"));
	}
}

static json_int_t unjudged_total(const json_t *causes)
{
	json_int_t sum = 0;
	const char *name;
	json_t *cause;

	json_object_foreach((json_t *)(uintptr_t)causes, name, cause) sum +=
	        number(cause, "allowed") + number(cause, "blocked");
	return sum;
}

/* "97.4 % of flows judged": of those that have an answer. Cut, not rounded: 100.0 % means all. */
static void print_share(json_int_t judged, json_int_t unjudged)
{
	json_int_t all = judged + unjudged;

	if (all == 0) {
		(void)fputs("none decided yet", stdout);
		return;
	}
	long long permille = (long long)(judged * 1000 / all);
	(void)printf("%lld.%lld %% of flows judged", permille / 10, permille % 10);
}

static void print_flows(const json_t *r)
{
	static const char *const rest[][2] = {
		{ "packets", "packets" },
		{ "requests", "HTTP requests" },
		{ "ech", "hellos with ECH or GREASE of its look" },
		{ "retransmits", "retransmits" },
		{ "restarts", "restarts" },
		{ "guessed", "flows whose beginning was guessed" },
		{ "watched", "flows whose bytes may not arrive" },
		{ "held", "packets held" },
		{ "overlaps", "bytes in overlaps" },
		{ "expired", "flows expired" },
		{ "evicted", "flows evicted" },
		{ "evicted_undecided", "of these undecided" },
		{ "over_rate", "packets beyond a client's rate" },
		{ "over_flows", "new flows beyond a client's number" },
		{ "over_held", "packets beyond what a client may hold" },
		{ "clients_lost", "clients forgotten with what they had" },
	};
	const json_t *flows = json_object_get(r, "flows");

	if (flows == NULL || json_object_get(r, "content_filter") != NULL)
		return; /* which has no names to judge by */
	label("flows");
	print_share(number(flows, "judged"), unjudged_total(json_object_get(r, "unjudged")));
	(void)printf(": %lld seen, %lld allowed, %lld blocked\n", (long long)number(flows, "flows"),
	             (long long)number(flows, "allowed"), (long long)number(flows, "blocked"));
	print_nonzero("traffic", flows, rest, SL_COUNT(rest));
}

static void print_content_filter(const json_t *r)
{
	static const char *const names[][2] = {
#define X(name, text) { #name, text },
		SL_NE_STATS(X)
#undef X
	};
	print_nonzero("filter", json_object_get(r, "content_filter"), names, SL_COUNT(names));
}

static void print_unjudged(const json_t *r)
{
	const char *title = "unjudged", *name;
	json_t *cause;

	json_object_foreach(json_object_get(r, "unjudged"), name, cause)
	{
		json_int_t allowed = number(cause, "allowed"), blocked = number(cause, "blocked");
		if (allowed + blocked == 0)
			continue;
		label(title);
		(void)printf("%-11s", name);
		if (allowed > 0)
			(void)printf(" %lld allowed", (long long)allowed);
		if (blocked > 0)
			(void)printf("%s %lld blocked", allowed > 0 ? "," : "", (long long)blocked);
		(void)putchar('\n');
		title = "";
	}
}

static void print_kernel(const json_t *r)
{
	static const char *const names[][2] = {
		{ "unjudged_packets",
		  "packets PASSED UNJUDGED (no engine, a full queue, or another's rule)" },
		{ "unrefused_packets",
		  "blocked packets that another's rule let past our refusal, dropped at the end" },
		{ "invalid_packets", "packets that conntrack calls invalid" },
		{ "queue_dropped", "packets dropped at a full queue" },
		{ "user_dropped", "packets dropped at a full socket" },
		{ "enobufs", "overruns of a socket" },
		{ "syn_overruns", "overruns of the socket of SYNs' copies" },
		{ "waiting", "packets waiting" },
	};
	static const char *const failure[][2] = {
		{ "engine_hangs", "engines ended because they hung" },
		{ "repeated_packets", "packets judged again by the next engine" },
		{ "on_failure_packets", "packets answered by on_failure" },
	};
	print_nonzero("kernel", json_object_get(r, "kernel"), names, SL_COUNT(names));
	print_nonzero("takeovers", r, failure, SL_COUNT(failure));
}

static void print_log(const json_t *r)
{
	const json_t *log = json_object_get(r, "flow_log");
	json_int_t written;

	if (!get_number(log, "written", &written))
		return;
	label("flow log");
	(void)printf("%lld records", (long long)written);
	if (number(log, "dropped") > 0)
		(void)printf(", %lld DROPPED", (long long)number(log, "dropped"));
	if (number(log, "write_errors") > 0)
		(void)printf(", %lld writes FAILED", (long long)number(log, "write_errors"));
	(void)putchar('\n');
}

static void print_workers(const json_t *r)
{
	json_t *worker, *value;
	const char *name;
	size_t i;

	json_array_foreach(json_object_get(r, "workers"), i, worker)
	{
		label(i == 0 ? "workers" : "");
		(void)printf("%zu", i);
		if (text(worker, "queues") != NULL)
			(void)printf("  queues %s", text(worker, "queues"));
		json_object_foreach(worker, name, value)
		{
			if (json_is_integer(value) && json_integer_value(value) != 0)
				(void)printf("  %s %lld", name, (long long)json_integer_value(value));
		}
		(void)putchar('\n');
	}
}

static void print_status(const json_t *r)
{
	print_state(r);
	print_pause(r);
	print_rules(r);
	print_policy(r);
	print_feeds(r);
	print_flows(r);
	print_content_filter(r);
	print_unjudged(r);
	print_kernel(r);
	print_log(r);
	print_workers(r);
	if (text(r, "last_error") != NULL) {
		label("last error");
		(void)printf("%s\n", text(r, "last_error"));
	}
}

static int exit_status(int err, const json_t *reply)
{
	if (err == SL_ENOENT)
		return SL_EXIT_NOT_RUNNING;
	if (err == SL_OK && json_is_true(json_object_get(reply, "ok")))
		return SL_EXIT_OK;
	return err == SL_EPERM ? SL_EXIT_DENIED : sl_cli_refused(reply, SL_EXIT_ERROR);
}

static int run(const struct sl_cli *cli)
{
	json_t *request = json_pack("{s:i, s:s}", "v", 1, "cmd", "status"), *reply = NULL;
	char path[SL_CLI_PATH];

	if (cli->args > 0) {
		sl_cli_error("status: takes no argument");
		json_decref(request);
		return SL_EXIT_ERROR;
	}
	int err = sl_cli_call(cli, request, WAIT_MS, path, &reply);
	int status = exit_status(err, reply);
	if (err != SL_OK)
		sl_cli_call_failed("status", path, err);
	else if (status != SL_EXIT_OK)
		sl_cli_error("status: %s", sl_cli_reply_error(reply));
	else if (cli->json == NULL)
		print_status(reply);
	else if (json_dumpf(reply, stdout, JSON_COMPACT) == 0)
		(void)putchar('\n');
	json_decref(reply);
	json_decref(request);
	return status;
}

const struct sl_cli_command sl_cli_status = {
	.name = "status",
	.options = SL_CLI_BIT(config) | SL_CLI_BIT(control) | SL_CLI_BIT(json),
	.usage = "[--config FILE | --control PATH] [--json]",
	.summary = "what sluiced does, and how many flows it judged",
	.help = "Counters are those since sluiced was started; what is zero is left out. --json prints all "
	        "of them as\n"
	        "one object.\n"
	        "Exit status: 0 running, 3 not running, 4 no permission, 2 another error.",
	.run = run,
};
