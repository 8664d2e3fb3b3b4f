/* SPDX-License-Identifier: GPL-2.0-or-later */
/* generations.c - sluice policy list, diff, rollback. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/cli/cli.h"
#include "policy/diff.h"

enum { WAIT_MS = 120000, PATH = 4400 };

static json_int_t number(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}

/* *reply is the caller's. Exit status. */
static int call(const struct sl_cli *cli, json_t *request, json_t **reply)
{
	return sl_cli_ask(cli, "policy", request, WAIT_MS, reply);
}

static void print_one(const json_t *one, json_int_t in_force)
{
	char when[64] = "";
	time_t made = (time_t)number(one, "made");
	struct tm at;
	if (localtime_r(&made, &at) != NULL)
		(void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &at);
	(void)printf("%6lld  %s  %10lld entries  %s%s%s%s\n", (long long)number(one, "generation"), when,
	             (long long)number(json_object_get(one, "policy"), "entries"),
	             json_string_value(json_object_get(one, "why")),
	             number(one, "generation") == in_force ? ", in force" : "",
	             json_is_true(json_object_get(one, "pinned")) ? ", chosen by rollback" : "",
	             json_is_true(json_object_get(one, "stored")) ? "" : ", NOT ON THE DISK");
}

static int list(const struct sl_cli *cli)
{
	json_t *reply = NULL, *one;
	size_t i;
	int status = call(cli, json_pack("{s:i, s:s}", "v", 1, "cmd", "generations"), &reply);
	if (status == SL_EXIT_OK && cli->json != NULL) {
		(void)json_dumpf(reply, stdout, JSON_COMPACT);
		(void)putchar('\n');
	} else if (status == SL_EXIT_OK) {
		json_array_foreach(json_object_get(reply, "generations"), i, one)
		        print_one(one, number(reply, "generation"));
		if (json_array_size(json_object_get(reply, "generations")) == 0)
			(void)puts("none is kept: the option state is empty, or its folder is in use by "
			           "another sluiced");
	}
	json_decref(reply);
	return status;
}

static int rollback(const struct sl_cli *cli)
{
	json_t *reply = NULL;
	char *end;
	unsigned long long to = strtoull(cli->arg[1], &end, 10);
	if (*end != '\0' || end == cli->arg[1]) {
		sl_cli_error(
		        "policy rollback: %s: expected the number of a generation; see: sluice policy list",
		        cli->arg[1]);
		return SL_EXIT_ERROR;
	}
	int status = call(
	        cli, json_pack("{s:i, s:s, s:I}", "v", 1, "cmd", "rollback", "generation", (json_int_t)to),
	        &reply);
	if (status == SL_EXIT_OK)
		(void)printf("generation %lld in force, %lld entries; it stays until sluice reload\n",
		             (long long)number(reply, "generation"), (long long)number(reply, "entries"));
	json_decref(reply);
	return status;
}

/* A number is a generation of the state folder, all else a file. */
static int open_side(const struct sl_cli *cli, const char *word, struct sl_policy **out)
{
	char path[PATH];
	struct sl_conf *conf = NULL;
	if (word[strspn(word, "0123456789")] != '\0')
		return sl_cli_snapshot(word, out);
	if (sl_cli_conf(cli, &conf) != SL_OK && conf == NULL && cli->config != NULL)
		return SL_ESYS; /* told */
	(void)snprintf(path, sizeof(path), "%s/generations/%s.snapshot",
	               conf == NULL ? SL_CLI_DEFAULT(state) : conf->state, word);
	sl_conf_free(&conf);
	return sl_cli_snapshot(path, out);
}

struct counts {
	uint64_t added, removed;
	bool json;
};

static int print_change(void *ctx, bool added, struct sl_bytes key)
{
	struct counts *c = ctx;
	if (added)
		c->added++;
	else
		c->removed++;
	if (!c->json)
		(void)printf("%c %.*s\n", added ? '+' : '-', (int)key.len, (const char *)key.p);
	return SL_OK;
}

static int compare(const struct sl_cli *cli, const char *a, const char *b)
{
	struct counts counts = { .json = cli->json != NULL };
	struct sl_policy *old = NULL, *new = NULL;
	int err = open_side(cli, a, &old);
	if (err == SL_OK)
		err = open_side(cli, b, &new);
	if (err != SL_OK) {
		sl_policy_free(&old);
		return SL_EXIT_ERROR;
	}
	err = sl_snapshot_diff(sl_policy_snapshot(old), sl_policy_snapshot(new), print_change, &counts);
	if (err != SL_OK)
		sl_cli_error("policy diff: %s", err == SL_EUNSUP
		                                        ? "a snapshot of this profile cannot be compared"
		                                        : sl_strerror(err));
	else
		(void)printf(counts.json ? "{\"removed\":%" PRIu64 ",\"added\":%" PRIu64 "}\n"
		                         : "%" PRIu64 " removed, %" PRIu64 " added\n",
		             counts.removed, counts.added);
	sl_policy_free(&old);
	sl_policy_free(&new);
	return err != SL_OK ? SL_EXIT_ERROR : counts.added + counts.removed > 0 ? SL_EXIT_NO : SL_EXIT_OK;
}

static int diff(const struct sl_cli *cli)
{
	json_t *reply = NULL;
	char in_force[32];
	if (cli->args == 3)
		return compare(cli, cli->arg[1], cli->arg[2]);
	int status = call(cli, json_pack("{s:i, s:s}", "v", 1, "cmd", "generations"), &reply);
	(void)snprintf(in_force, sizeof(in_force), "%lld", (long long)number(reply, "generation"));
	json_decref(reply);
	return status == SL_EXIT_OK ? compare(cli, cli->arg[1], in_force) : status;
}

int sl_cli_generations(const struct sl_cli *cli)
{
	const char *what = cli->arg[0];
	if (strcmp(what, "list") == 0 && cli->args == 1)
		return list(cli);
	if (strcmp(what, "rollback") == 0 && cli->args == 2)
		return rollback(cli);
	if (strcmp(what, "diff") == 0 && (cli->args == 2 || cli->args == 3))
		return diff(cli);
	sl_cli_error("policy %s: the wrong number of arguments; see: sluice policy --help", what);
	return SL_EXIT_ERROR;
}
