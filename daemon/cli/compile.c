/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/cli/cli.h"
#include "daemon/compile_files.h"
#include "daemon/compile_job.h"
#include "daemon/compile_output.h"

enum { BAR = 30, BAR_EVERY_MS = 100 };

struct bar {
	struct timespec shown;
	bool wanted, there;
};

static int64_t ms_since(const struct timespec *then)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - then->tv_sec) * 1000 + (now.tv_nsec - then->tv_nsec) / 1000000;
}

static void show(void *ctx, const char *what, uint64_t done, uint64_t total)
{
	struct bar *b = (struct bar *)ctx;
	int part = total == 0 ? BAR : (int)(sl_min(done, total) * BAR / total);
	if (b->there && ms_since(&b->shown) < BAR_EVERY_MS)
		return;
	(void)clock_gettime(CLOCK_MONOTONIC, &b->shown);
	b->there = true;
	(void)fprintf(stderr, "\r\x1b[K[%.*s%*s] %.40s", part, "##############################", BAR - part,
	              "", what);
	(void)fflush(stderr);
}

static void wipe(struct bar *b)
{
	if (b->there)
		(void)fputs("\r\x1b[K", stderr);
	b->there = false;
}

/* What is wrong is told on a line of its own. */
struct told {
	struct bar *bar;
};

static void tell(void *ctx, const char *file, unsigned line, const char *text)
{
	wipe(((const struct told *)ctx)->bar);
	sl_cli_diag.emit(sl_cli_diag.ctx, file, line, text);
}

static int open_path(void *ctx, const char *path)
{
	(void)ctx;
	return open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

static unsigned long long number(const json_t *o, const char *name)
{
	return (unsigned long long)json_integer_value(json_object_get(o, name));
}

static const char *text_of(const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));
	return text == NULL ? "" : text;
}

/* In words; JSON has names that programs can rely on. */
static void print_refused(const json_t *list)
{
	(void)printf(", %llu refused\n", number(list, "refused"));
	for (int i = 0; i < SL_REFUSED_COUNT; i++) {
		enum sl_list_refused why = (enum sl_list_refused)i;
		unsigned long long n = number(json_object_get(list, "reasons"), sl_list_refused_name(why));
		if (n > 0)
			(void)printf("%-10s   %llu: %s\n", "", n, sl_list_refused_text(why));
	}
}

static void print_lists(const json_t *r)
{
	json_t *list;
	size_t i;
	json_array_foreach(json_object_get(r, "lists"), i, list)
	{
		(void)printf("%-10s %s: %s, %s, %llu lines, %llu entries", i == 0 ? "lists" : "",
		             text_of(list, "name"), text_of(list, "kind"), text_of(list, "format"),
		             number(list, "lines"), number(list, "entries"));
		print_refused(list);
	}
}

static void print_parts(const json_t *r)
{
	const char *name, *between = "";
	json_t *bytes;
	(void)printf("%-10s ", "parts");
	json_object_foreach(json_object_get(r, "parts"), name, bytes)
	{
		(void)printf("%s%s %llu", between, name, (unsigned long long)json_integer_value(bytes));
		between = ", ";
	}
	(void)puts(" bytes");
}

static void print_some(const char *label, unsigned long long n, const char *what)
{
	if (n > 0)
		(void)printf("%-10s %llu %s\n", label, n, what);
}

static void print_report(const json_t *r)
{
	(void)printf("%-10s %s: %llu bytes, %llu keys, profile %s\n", "snapshot", text_of(r, "file"),
	             number(r, "bytes"), number(r, "keys"), text_of(r, "profile"));
	print_lists(r);
	(void)printf("%-10s %llu read, %llu of them twice in one list\n", "entries", number(r, "read"),
	             number(r, "duplicates"));
	(void)printf("%-10s %llu needless below a parent of the same list; %llu keys before, %llu after\n",
	             "folded", number(r, "folded"), number(r, "keys_unfolded"), number(r, "keys"));
	print_some("paths", number(r, "paths"), "keys with a path, which TLS can never match");
	print_some("addresses", number(r, "addresses"), "keys that are destination addresses");
	print_some("refused", number(r, "too_deep"),
	           "entries with more segments than any request is asked with");
	print_some("left out", number(r, "unfit"),
	           "entries that such a data set cannot hold: exceptions, allow and never lists, subdomains "
	           "only, "
	           "prefixes of addresses");
	print_some("widened", number(r, "widened"), "entries for one host count for all below it");
	print_some("www", number(r, "www_unreachable"),
	           "entries start with www., which ne27 never asks for; see --www");
	print_some("never", number(r, "never_named"), "entries name what is never blocked: they never count");
	print_parts(r);
	(void)printf("%-10s %.2f s, at most %llu bytes held", "made in",
	             json_real_value(json_object_get(r, "seconds")), number(r, "memory_peak"));
	if (number(r, "runs_spilled") > 0)
		(void)printf(", %llu bytes sorted outside", number(r, "spilled_bytes"));
	(void)putchar('\n');
}

static int print(const struct sl_cli *cli, json_t *report, int64_t ms)
{
	if (report == NULL) {
		sl_cli_error("compile: %s", sl_strerror(SL_ENOMEM));
		return SL_EXIT_ERROR;
	}
	(void)json_object_set_new(report, "file", json_string(cli->output));
	(void)json_object_set_new(report, "seconds", json_real((double)ms / 1000));
	if (cli->json == NULL)
		print_report(report);
	else if (json_dumpf(report, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6)) == 0)
		(void)putchar('\n');
	json_decref(report);
	return SL_EXIT_OK;
}

static int compile(const struct sl_cli *cli, struct sl_compile_job *job, struct bar *bar)
{
	static struct sl_compile_job_stats stats;
	struct sl_output out;
	struct timespec began;
	(void)clock_gettime(CLOCK_MONOTONIC, &began);
	int err = sl_output_open(cli->output, &out);
	if (err != SL_OK) {
		sl_cli_error("compile: %s cannot be written: %s", cli->output,
		             err == SL_ESYS ? strerror(errno) : sl_strerror(err));
		return SL_EXIT_ERROR;
	}
	err = sl_compile_job_run(job, out.fd, &stats);
	wipe(bar);
	if (err == SL_OK) {
		err = sl_output_commit(&out);
		if (err != SL_OK)
			sl_cli_error("compile: %s cannot be written: %s", cli->output, strerror(errno));
	} else {
		sl_cli_error("compile: no snapshot was made; %s is as it was", cli->output);
	}
	sl_output_close(&out);
	return err == SL_OK ? print(cli, sl_compile_job_report(job, &stats), ms_since(&began)) : SL_EXIT_NO;
}

static int read_source(const struct sl_cli *cli, struct sl_conf **conf)
{
	int err = cli->args > 0 ? sl_conf_of_files(cli->arg, cli->args, &sl_cli_diag, conf)
	                        : sl_cli_conf(cli, conf);
	if (err == SL_ENOENT)
		sl_cli_error(
		        "compile: name lists, or a configuration that does with --config; there is no %s",
		        sl_cli_conf_path(cli));
	return err;
}

static int run(const struct sl_cli *cli)
{
	struct bar bar = { .wanted = isatty(STDERR_FILENO) == 1 };
	struct told told = { &bar };
	const struct sl_diag diag = { tell, &told };
	struct sl_conf *conf = NULL;
	struct sl_compile_job job = {
		.source = { .open_file = open_path,
		            .diag = &diag,
		            .progress = bar.wanted ? show : NULL,
		            .progress_ctx = &bar },
		.spill = -1,
		.fold = cli->no_fold == NULL,
	};
	if (cli->output == NULL || cli->output[0] == '\0') {
		sl_cli_error("compile: say where the snapshot goes, with -o FILE");
		return SL_EXIT_ERROR;
	}
	if (cli->config != NULL && cli->args > 0) {
		sl_cli_error("compile: lists come from --config or from arguments, not from both");
		return SL_EXIT_ERROR;
	}
	if (cli->parsing != NULL) {
		sl_cli_error("compile: --parsing: a snapshot does not say how its URLs were taken apart; ask "
		             "the lists "
		             "themselves: sluice check --profile ne27 --parsing %s URL",
		             cli->parsing);
		return SL_EXIT_ERROR;
	}
	if (!sl_cli_profile(cli, "compile", &job.source.profile, &job.source.www))
		return SL_EXIT_ERROR;
	if (sl_cli_memory(cli, "compile", SL_COMPILE_MEMORY_MIN, &job.memory) != SL_OK ||
	    read_source(cli, &conf) != SL_OK)
		return SL_EXIT_ERROR;
	job.source.conf = conf;
	job.spill = job.memory > 0 ? sl_output_scratch() : -1;
	int status = SL_EXIT_ERROR;
	if (job.memory > 0 && job.spill < 0)
		sl_cli_error("compile: no file for sorting: %s; name a folder in TMPDIR", strerror(errno));
	else
		status = compile(cli, &job, &bar);
	if (job.spill >= 0)
		(void)close(job.spill);
	sl_conf_free(&conf);
	return status;
}

const struct sl_cli_command sl_cli_compile = {
	.name = "compile",
	.options = SL_CLI_BIT(config) | SL_CLI_BIT(json) | SL_CLI_BIT(output) | SL_CLI_BIT(memory) |
	           SL_CLI_BIT(parsing) | SL_CLI_BIT(no_fold) | SL_CLI_BIT(profile) | SL_CLI_BIT(www),
	.usage = "-o FILE [--profile WORD [--www WORD]] [--memory SIZE] [--no-fold] [--json]\n"
	         "         [--config FILE | LIST...]",
	.summary = "lists into one snapshot file",
	.help = "Reads the lists that are named, or those of the configuration, and writes what they come "
	        "to: one "
	        "file\n"
	        "that is mapped and asked in place. The same lists give the same bytes. FILE is replaced "
	        "when the "
	        "new\n"
	        "one is complete and verified, else it stays as it was.\n"
	        "With --profile ne26, ne27 or both it holds the lists as a data set of Apple's NEURLFilter "
	        "would, which\n"
	        "sluice check --snapshot asks.\n"
	        "Exit status: 0 made; 1 a list is refused or cannot be read, or FILE cannot be written; 2 "
	        "called "
	        "wrongly.",
	.run = run,
};
