/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/check_query.h"
#include "daemon/cli/cli.h"
#include "daemon/parsing_file.h"
#include "daemon/policy_load.h"
#include "daemon/standing.h"

enum {
	WAIT_MS = 10000,
	PORTION = 100,        /* inputs of one request; with all that explains them, one */
	PORTION_BYTES = 8192, /* and their bytes, unless it is one alone: replies have limits too */
};

/* The next portion: how many arguments from the first on. */
static int portion(const struct sl_cli *cli, int from)
{
	size_t bytes = 0;
	int n = 0;

	while (from + n < cli->args && n < (cli->explain != NULL ? 1 : PORTION)) {
		bytes += strlen(cli->arg[from + n]);
		if (n > 0 && bytes > PORTION_BYTES)
			break;
		n++;
	}
	return n;
}

static json_t *request_of(const struct sl_cli *cli, int from, int n)
{
	json_t *items = json_array();

	for (int i = from; i < from + n; i++)
		if (sl_check_query_unfit(cli->arg[i]) == NULL)
			(void)json_array_append_new(items, json_string(cli->arg[i]));
	return json_pack("{s:i, s:s, s:o, s:b}", "v", 1, "cmd", "check", "items", items, "explain",
	                 cli->explain != NULL);
}

/* The answers in the order of the arguments; what could not be asked gets its error here. */
static int merge(const struct sl_cli *cli, int from, int n, const json_t *reply, json_t *results)
{
	const json_t *answers = json_object_get(reply, "results");
	const json_t *generation = json_object_get(reply, "generation");
	size_t next = 0;

	for (int i = from; i < from + n; i++) {
		json_t *one = sl_check_query_unfit(cli->arg[i]) != NULL
		                      ? sl_check_query(NULL, cli->arg[i], false)
		                      : json_deep_copy(json_array_get(answers, next++));
		if (!json_is_object(one)) {
			json_decref(one);
			return SL_EMALF;
		}
		(void)json_object_set(one, "generation", (json_t *)(uintptr_t)generation);
		(void)json_object_set_new(one, "source", json_string("daemon"));
		(void)json_array_append_new(results, one);
	}
	return SL_OK;
}

/* Puts one portion to the daemon. A refusal of its own is told, and answered with SL_EBUSY. */
static int ask_portion(const struct sl_cli *cli, int from, int n, json_t *results)
{
	json_t *request = request_of(cli, from, n), *reply = NULL;
	char path[SL_CLI_PATH];

	int err = sl_cli_call(cli, request, WAIT_MS, path, &reply);
	if (err == SL_OK && !json_is_true(json_object_get(reply, "ok"))) {
		sl_cli_error("check: sluiced: %s", sl_cli_reply_error(reply));
		err = SL_EBUSY;
	} else if (err == SL_OK) {
		err = merge(cli, from, n, reply, results);
	}
	if (err != SL_OK && err != SL_ENOENT && err != SL_EPERM && err != SL_EBUSY)
		sl_cli_call_failed("check", path, err);
	json_decref(reply);
	json_decref(request);
	return err;
}

static int ask_daemon(const struct sl_cli *cli, json_t *results)
{
	int err = SL_OK;

	for (int from = 0, n; from < cli->args && err == SL_OK; from += n) {
		n = portion(cli, from);
		err = ask_portion(cli, from, n, results);
	}
	return err;
}

static int open_path(void *ctx, const char *path)
{
	(void)ctx;
	return open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

static int ask_policy(const struct sl_cli *cli, const struct sl_policy *policy, json_t *generation,
                      const char *source, const struct sl_suburl_parsing *parsing, json_t *results)
{
	struct sl_check_who who;
	const char *why;
	int err = sl_check_who(policy, NULL, NULL, 0, &who, &why);

	for (int i = 0; i < cli->args && err == SL_OK; i++) {
		json_t *one = sl_check_query_for(policy, cli->arg[i], cli->explain != NULL, parsing, &who);
		(void)json_object_set(one, "generation", generation);
		(void)json_object_set_new(one, "source", json_string(source));
		err = json_array_append_new(results, one) == 0 ? SL_OK : SL_ENOMEM;
	}
	json_decref(generation);
	return err;
}

static int ask_snapshot(const struct sl_cli *cli, json_t *results)
{
	struct sl_policy *policy = NULL;
	struct sl_snapshot_info info;
	int err = sl_cli_snapshot(cli->snapshot, &policy);

	if (err != SL_OK)
		return err;
	sl_snapshot_info(sl_policy_snapshot(policy), &info);
	err = ask_policy(cli, policy, json_integer((json_int_t)info.generation), "snapshot", NULL, results);
	sl_policy_free(&policy);
	return err;
}

/* --parsing, for lists, whose entries have no scheme (NE-URL-30). False: told to stderr. */
static bool read_parsing(const struct sl_cli *cli, struct sl_list_source *source, struct sl_parsing *out)
{
	*out = (struct sl_parsing){ .root = NULL };
	if (cli->parsing == NULL)
		return true;
	if (source->profile != SL_PROFILE_NE27) {
		sl_cli_error("check: --parsing goes with --profile ne27: before 27 nobody could set it");
		return false;
	}
	if (!sl_parsing_file_read(cli->parsing, &sl_cli_diag, out))
		return false;
	source->regex = out->regex;
	if (out->regex != NULL || out->how.exclude_scheme)
		return true;
	sl_cli_error(
	        "check: %s: with \"excludeScheme\": false no entry of a list can match, as none has a scheme "
	        "(NE-URL-30); ask a data set, with --apple",
	        cli->parsing);
	sl_parsing_free(out);
	return false;
}

/* The roles of the configuration at this moment; what the operator said is the daemon's to tell. */
static int set_groups(const struct sl_conf *conf, struct sl_policy **policy)
{
	struct tm local;
	time_t now = time(NULL);

	(void)localtime_r(&now, &local);
	return sl_standing_apply(conf, &local, policy);
}

static int ask_files(const struct sl_cli *cli, json_t *results)
{
	struct sl_policy *policy = NULL;
	struct sl_conf *conf = NULL;
	struct sl_parsing parsing;

	struct sl_list_source source = { .open_file = open_path, .diag = &sl_cli_diag };
	if (!sl_cli_profile(cli, "check", &source.profile, &source.www) ||
	    !read_parsing(cli, &source, &parsing))
		return SL_EINVAL;
	int err = sl_cli_conf(cli, &conf);
	source.conf = conf;
	if (err == SL_ENOENT)
		sl_cli_error("check: %sthere is no %s; name a configuration with --config",
		             cli->profile == NULL ? "no sluiced answers and " : "", sl_cli_conf_path(cli));
	if (err == SL_OK)
		err = sl_policy_load(&source, &policy, NULL);
	if (err == SL_OK && cli->profile == NULL)
		err = set_groups(conf, &policy);
	if (err == SL_OK)
		err = ask_policy(cli, policy, json_null(), "files",
		                 cli->parsing == NULL ? NULL : &parsing.how, results);
	sl_parsing_free(&parsing);
	sl_policy_free(&policy);
	sl_conf_free(&conf);
	return err;
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	return text == NULL ? "" : text;
}

static bool is_block(const json_t *object)
{
	return strcmp(text_of(object, "verdict"), "block") == 0;
}

/* "exception 3: *.example.com" */
static void print_word(const json_t *answer)
{
	json_int_t id = json_integer_value(json_object_get(answer, "exception"));

	if (id == 0)
		(void)printf("rule of the group: %s", text_of(answer, "key"));
	else
		(void)printf("exception %lld: %s", (long long)id, text_of(answer, "key"));
}

/* "list ads, line 12: *.example.com" */
static void print_why(const json_t *answer)
{
	json_int_t line = json_integer_value(json_object_get(answer, "line"));

	if (json_is_true(json_object_get(answer, "parsing_miss"))) {
		(void)fputs("the regular expression does not match: nothing is looked up", stdout);
		return;
	}
	if (json_is_integer(json_object_get(answer, "exception"))) {
		print_word(answer);
		return;
	}
	if (json_is_null(json_object_get(answer, "list"))) {
		(void)fputs("no list speaks", stdout);
		return;
	}
	(void)printf("list %s, ", text_of(answer, "list"));
	if (line > 0)
		(void)printf("line %lld: ", (long long)line);
	(void)fputs(text_of(answer, "key"), stdout);
}

/* "  found    ads.example: list ads (/etc/ads.txt), line 2: tree, block" */
static void print_mention(const json_t *m)
{
	const char *file = text_of(m, "file");
	bool shipped = file[0] == '('; /* it is no file */

	(void)printf(" list %s%s%s%s, line %lld: %s, %s%s%s", text_of(m, "list"), shipped ? "" : " (",
	             shipped ? "" : file, shipped ? "" : ")",
	             (long long)json_integer_value(json_object_get(m, "line")), text_of(m, "scope"),
	             text_of(m, "effect"), json_is_true(json_object_get(m, "important")) ? ", important" : "",
	             json_is_true(json_object_get(m, "counts")) ? "" : ", which does not reach this host");
}

static const char *letter_text(char letter)
{
	switch (letter) {
	case 'd':
		return "a never-block name";
	case 'e':
		return "an important entry decides";
	case 'f':
		return "an allow list frees it";
	case 'g':
		return "a block list names it, and nothing frees it";
	case 'c':
		return "the operator said so";
	default:
		return "nothing that counts speaks of it";
	}
}

static void print_tried(const json_t *answer)
{
	const char *letter = text_of(answer, "letter");
	const json_t *t, *m;
	size_t i, k;

	if (json_object_get(answer, "tried") == NULL)
		return;
	(void)printf("         policy-resolution 6%s: %s\n", letter, letter_text(letter[0]));
	json_array_foreach(json_object_get(answer, "tried"), i, t)
	{
		bool found = json_is_true(json_object_get(t, "found"));
		bool perhaps = strcmp(text_of(t, "prefilter"), "perhaps") == 0;
		(void)printf("         %s  %s",
		             found     ? "found        "
		             : perhaps ? "false alarm  "
		                       : "absent       ",
		             text_of(t, "key"));
		json_array_foreach(json_object_get(t, "mentions"), k, m)
		{
			(void)fputs(k == 0 ? ":" : ";", stdout);
			print_mention(m);
		}
		(void)putchar('\n');
	}
}

void sl_cli_print_answer(const json_t *answer, int width)
{
	const json_t *over_http = json_object_get(answer, "over_http");
	bool error = !json_is_string(json_object_get(answer, "verdict"));

	(void)printf("%s  %-*s  ",
	             error              ? "error  "
	             : is_block(answer) ? "blocked"
	                                : "allowed",
	             width, text_of(answer, "input"));
	if (error)
		(void)fputs(text_of(answer, "error"), stdout);
	else
		print_why(answer);
	(void)putchar('\n');
	print_tried(answer);
	if (over_http == NULL)
		return;
	(void)printf("         its path cannot be seen on the wire; over http it would be %s: ",
	             is_block(over_http) ? "blocked" : "allowed");
	print_why(over_http);
	(void)putchar('\n');
}

static int input_width(const struct sl_cli *cli)
{
	size_t width = 1;
	for (int i = 0; i < cli->args; i++)
		width = sl_max(width, sl_min(strlen(cli->arg[i]), 48));
	return (int)width;
}

static int print(const struct sl_cli *cli, const json_t *results)
{
	bool block = false, error = false;
	json_t *answer;
	size_t i;

	json_array_foreach(results, i, answer)
	{
		if (cli->json != NULL) {
			(void)json_dumpf(answer, stdout, JSON_COMPACT);
			(void)putchar('\n');
		} else {
			sl_cli_print_answer(answer, input_width(cli));
		}
		block |= is_block(answer);
		error |= !json_is_string(json_object_get(answer, "verdict"));
	}
	return error ? SL_EXIT_ERROR : block ? SL_EXIT_NO : SL_EXIT_OK;
}

/* What makes no sense together. */
static const char *misfit(const struct sl_cli *cli)
{
	if (cli->apple != NULL)
		return cli->www != NULL || cli->snapshot != NULL
		               ? "--www and --snapshot do not go with --apple"
		               : NULL;
	if (cli->bundle != NULL)
		return "--bundle goes with --apple";
	if (cli->snapshot != NULL && cli->profile != NULL)
		return "a snapshot has its profile already; --profile goes with lists";
	if (cli->www != NULL && cli->profile == NULL)
		return "--www goes with --profile";
	if (cli->parsing != NULL && cli->profile == NULL)
		return "--parsing goes with --profile ne27, or with --apple";
	return cli->args == 0 ? "name at least one host or URL" : NULL;
}

/* A profile asks lists, never the daemon, whose snapshot is native. */
static int ask(const struct sl_cli *cli, json_t *results)
{
	if (cli->snapshot != NULL)
		return ask_snapshot(cli, results);
	if (cli->profile != NULL)
		return ask_files(cli, results);
	int err = ask_daemon(cli, results);
	if (err == SL_OK)
		return SL_OK;
	(void)json_array_clear(results);
	err = ask_files(cli, results);
	if (err == SL_OK && cli->json == NULL)
		sl_cli_error("check: no sluiced answered; this is what the files that %s names say",
		             sl_cli_conf_path(cli));
	return err;
}

static int run(const struct sl_cli *cli)
{
	if (misfit(cli) != NULL) {
		sl_cli_error("check: %s; see: sluice check --help", misfit(cli));
		return SL_EXIT_ERROR;
	}
	if (cli->apple != NULL)
		return sl_cli_check_apple(cli);
	json_t *results = json_array();
	int status = ask(cli, results) == SL_OK ? print(cli, results) : SL_EXIT_ERROR;
	json_decref(results);
	return status;
}

const struct sl_cli_command sl_cli_check = {
	.name = "check",
	.options = SL_CLI_BIT(config) | SL_CLI_BIT(control) | SL_CLI_BIT(json) | SL_CLI_BIT(explain) |
	           SL_CLI_BIT(apple) | SL_CLI_BIT(profile) | SL_CLI_BIT(www) | SL_CLI_BIT(snapshot) |
	           SL_CLI_BIT(bundle) | SL_CLI_BIT(parsing),
	.usage = "[--config FILE] [--control PATH] [--json] [--explain] HOST|URL...\n"
	         "       sluice check --profile WORD [--parsing FILE] [--www WORD] [--config FILE] [--json] "
	         "[--explain] "
	         "URL...\n"
	         "       sluice check --snapshot FILE [--json] [--explain] HOST|URL...\n"
	         "       sluice check --apple DIR [--profile ne27|ne26|both] [--parsing FILE] [--bundle ID] "
	         "[--json] [URL...]",
	.summary = "what would happen to a host or URL, and which line of which list says so",
	.help = "Asks the running sluiced; without one, or without permission to ask it, reads the lists "
	        "that the\n"
	        "configuration names. A URL's path counts where a gateway can see it: with http://, or no "
	        "scheme.\n"
	        "--explain shows every key that was looked up: absent, by the prefilter alone; a false alarm "
	        "of the\n"
	        "prefilter, which the exact set denied; or found, and which line says what of it.\n"
	        "With --profile ne27, ne26 or both, what an Apple NEURLFilter would do with the "
	        "configuration's lists;\n"
	        "with --snapshot, what a file says that sluice compile made.\n"
	        "--parsing is the filter's parsing configuration, or {\"regularExpression\": \"...\"}; of "
	        "lists, the "
	        "keys then\n"
	        "are what the expression makes of their entries.\n"
	        "With --apple, judges the files of an Apple NEURLFilter, by whomever they were made, and "
	        "says what "
	        "is wrong\n"
	        "with them; for each URL what a device would ask for, find, and do.\n"
	        "Exit status: 0 all allowed, 1 something blocked, 2 an error; with --apple: 0 nothing wrong, "
	        "1 "
	        "something wrong.",
	.run = run,
};
