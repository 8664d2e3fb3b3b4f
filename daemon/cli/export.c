/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "bloom/apple_size.h"
#include "daemon/cli/cli.h"
#include "daemon/export.h"
#include "daemon/parsing_file.h"

enum { MEMORY_MIB = 1024 };

static bool number_of(const char *option, const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	char *end = NULL;

	errno = 0;
	*out = strtoull(text, &end, 0);
	if (*text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && *out >= min && *out <= max)
		return true;
	sl_cli_error("export: --%s %s: a number from %llu to %llu is expected", option, text,
	             (unsigned long long)min, (unsigned long long)max);
	return false;
}

/* Never 0 by itself (NE-CHOICE-41). */
static bool read_seed(const struct sl_cli *cli, struct sl_export_cfg *cfg)
{
	uint64_t seed = 0;

	if (cli->seed != NULL && !number_of("seed", cli->seed, 0, UINT32_MAX, &seed))
		return false;
	cfg->seed = (uint32_t)seed;
	while (cli->seed == NULL && cfg->seed == 0)
		if (getrandom(&cfg->seed, sizeof(cfg->seed), 0) != (ssize_t)sizeof(cfg->seed)) {
			sl_cli_error("export: no random seed: %s; give one with --seed", strerror(errno));
			return false;
		}
	return true;
}

static bool read_tolerance(const char *text, double *out)
{
	char *end = NULL;

	*out = text == NULL ? SL_APPLE_TOLERANCE : strtod(text, &end);
	if (text == NULL || (end != text && *end == '\0' && *out > 0 && *out < 1))
		return true;
	sl_cli_error("export: --p %s: a number between 0 and 1 is expected", text);
	return false;
}

static bool read_options(const struct sl_cli *cli, struct sl_export_cfg *cfg)
{
	static const char *const www[] = { "strip", "keep", "both" }, *const conflict[] = { "leave",
		                                                                            "block" };
	int how = cli->www == NULL ? 0 : sl_cli_word("export", "www", cli->www, www, 3);
	int write = cli->on_conflict == NULL
	                    ? 0
	                    : sl_cli_word("export", "on-conflict", cli->on_conflict, conflict, 2);
	uint64_t memory = (uint64_t)MEMORY_MIB << 20;

	if (sl_cli_memory(cli, "export", 1 << 20, &memory) != SL_OK)
		return false;
	if (cli->bundle != NULL && (*cli->bundle == '\0' || strpbrk(cli->bundle, " /\"\\") != NULL)) {
		sl_cli_error("export: --bundle %s: no bundle identifier, such as com.example.app",
		             cli->bundle);
		return false;
	}
	cfg->dir = cli->apple;
	cfg->bundle = cli->bundle;
	cfg->strict = cli->strict != NULL;
	cfg->www = (enum sl_suburl_www)how;
	cfg->block_conflicts = write == 1;
	cfg->memory = memory;
	return how >= 0 && write >= 0 && read_tolerance(cli->p, &cfg->tolerance) && read_seed(cli, cfg);
}

/* Entries are written as URLs whatever the configuration; an expression makes others of them. False: told to stderr. */
static bool read_parsing(const struct sl_cli *cli, struct sl_export_cfg *cfg, struct sl_parsing *out)
{
	*out = (struct sl_parsing){ .root = NULL };
	if (cli->parsing == NULL)
		return true;
	if (!sl_parsing_file_read(cli->parsing, &sl_cli_diag, out))
		return false;
	cfg->regex = out->regex;
	if (out->regex == NULL)
		sl_cli_error(
		        "export: %s: has no \"regularExpression\"; with a parsing configuration alone, "
		        "entries "
		        "are written as the device parses them: put them into the list so, and look with "
		        "sluice check --apple DIR --parsing %s",
		        cli->parsing, cli->parsing);
	if (out->regex == NULL)
		sl_parsing_free(out);
	return cfg->regex != NULL;
}

/* "word:" at the head, taken off. */
static bool take_word(const char **text, const char *word)
{
	size_t n = strlen(word);
	bool there = strncmp(*text, word, n) == 0 && (*text)[n] == ':';

	*text += there ? n + 1 : 0;
	return there;
}

static struct sl_export_list list_of(const char *arg)
{
	struct sl_export_list list = { .format = SL_FORMAT_AUTO };

	list.allow = take_word(&arg, "allow");
	for (int i = 0; i < SL_FORMAT_COUNT; i++)
		if (take_word(&arg, sl_list_format_name((enum sl_list_format)i))) {
			list.format = (enum sl_list_format)i;
			break;
		}
	list.path = arg;
	return list;
}

static double real(const json_t *r, const char *name)
{
	return json_number_value(json_object_get(r, name));
}

static unsigned long long number(const json_t *r, const char *name)
{
	return (unsigned long long)json_integer_value(json_object_get(r, name));
}

static void print_map(const char *label, const json_t *map)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)map, key, value)(void)
	        printf("%-9s %llu: %s\n", label, (unsigned long long)json_integer_value(value), key);
}

static void print_sentences(const char *label, const json_t *sentences)
{
	json_t *one;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)sentences, i, one)(void)
	        printf("%-9s %s\n", label, json_string_value(one));
}

static void print_report(const json_t *r)
{
	(void)printf("%-9s %llu lines: %llu blocks, %llu exceptions; %llu duplicates, %llu excepted\n",
	             "lists", number(r, "lines"), number(r, "blocks"), number(r, "exceptions"),
	             number(r, "duplicates"), number(r, "covered"));
	print_map("refused", json_object_get(r, "refused"));
	(void)printf("%-9s %llu in %s, in %llu shards\n", "entries", number(r, "entries"),
	             json_string_value(json_object_get(r, "dir")), number(r, "shards"));
	print_map("of these", json_object_get(r, "lint"));
	(void)printf("%-9s %llu bits, %llu hashes, seed %llu, %llu bytes\n", "prefilter", number(r, "bits"),
	             number(r, "hashes"), number(r, "seed"), number(r, "bytes"));
	(void)printf("%-9s %s\n", "tag", json_string_value(json_object_get(r, "tag")));
	(void)printf(
	        "%-9s %.4f %% of absent keys pass; to PIR go %.2f %% of requests with 24 keys, %.2f %% with "
	        "48\n",
	        "rate", real(r, "rate_per_key") * 100, real(r, "rate_24_keys") * 100,
	        real(r, "rate_48_keys") * 100);
	print_sentences("WARNING", json_object_get(r, "warnings"));
	print_sentences("note", json_object_get(r, "notes"));
}

static int export_lists(const struct sl_cli *cli, struct sl_export_cfg *cfg)
{
	struct sl_export_list list[SL_EXPORT_LISTS];
	json_t *report = NULL;

	for (int i = 0; i < cli->args; i++)
		list[i] = list_of(cli->arg[i]);
	cfg->list = list;
	cfg->lists = (size_t)cli->args;
	if (sl_export(cfg, &sl_cli_diag, &report) != SL_OK)
		return SL_EXIT_ERROR;
	if (cli->json == NULL)
		print_report(report);
	else if (json_dumpf(report, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9)) == 0)
		(void)putchar('\n');
	json_decref(report);
	return SL_EXIT_OK;
}

static int run(const struct sl_cli *cli)
{
	struct sl_export_cfg cfg = { 0 };

	if (cli->apple == NULL || cli->args == 0) {
		sl_cli_error("export: name a folder with --apple, and at least one list; see: sluice export "
		             "--help");
		return SL_EXIT_ERROR;
	}
	if (cli->args > SL_EXPORT_LISTS) {
		sl_cli_error("export: more than %d lists; join some of them", SL_EXPORT_LISTS);
		return SL_EXIT_ERROR;
	}
	struct sl_parsing parsing;
	if (!read_options(cli, &cfg) || !read_parsing(cli, &cfg, &parsing))
		return SL_EXIT_ERROR;
	int status = export_lists(cli, &cfg);
	sl_parsing_free(&parsing);
	return status;
}

const struct sl_cli_command sl_cli_export = {
	.name = "export",
	.options = SL_CLI_BIT(json) | SL_CLI_BIT(apple) | SL_CLI_BIT(p) | SL_CLI_BIT(seed) |
	           SL_CLI_BIT(strict) | SL_CLI_BIT(www) | SL_CLI_BIT(on_conflict) | SL_CLI_BIT(bundle) |
	           SL_CLI_BIT(memory) | SL_CLI_BIT(parsing),
	.usage = "--apple DIR [--bundle ID] [--p P] [--seed N] [--strict] [--www strip|keep|both]\n"
	         "         [--on-conflict leave|block] [--parsing FILE] [--memory SIZE] [--json] "
	         "[allow:][FORMAT:]LIST...",
	.summary = "prefilter, PIR input and server configuration for Apple's NEURLFilter, from any lists",
	.help = "All files are made of one canonical list, entries.txt. What an exception or a list named "
	        "allow:FILE\n"
	        "covers is not in it; what Apple's entries cannot say is in left-out.txt. With a FORMAT in "
	        "front (hosts:,\n"
	        "adblock:, ...) the form of a list is not guessed. Where DIR has a pir-service.json, its "
	        "users are kept.\n"
	        "--parsing FILE, a JSON object with a \"regularExpression\", writes what that makes of each "
	        "entry.\n"
	        "Exit status: 0 done, 2 an error.",
	.run = run,
};
