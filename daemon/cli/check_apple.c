/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_apple.c - `sluice check --apple`: why does this URL filter block nothing? */
#include <errno.h>
#include <string.h>

#include "daemon/cli/cli.h"
#include "daemon/parsing_file.h"
#include "daemon/pir_check.h"

static bool read_profile(const char *text, enum sl_suburl_profile *out)
{
	static const struct {
		const char *word;
		enum sl_suburl_profile profile;
	} words[] = { { "ne27", SL_SUBURL_NE27 }, { "ne26", SL_SUBURL_NE26 }, { "both", SL_SUBURL_BOTH } };

	*out = SL_SUBURL_NE27; /* NE-CHOICE-30 */
	if (text == NULL)
		return true;
	for (size_t i = 0; i < SL_COUNT(words); i++)
		if (strcmp(text, words[i].word) == 0) {
			*out = words[i].profile;
			return true;
		}
	sl_cli_error("check: --profile %s: with --apple, say ne27, ne26 or both", text);
	return false;
}

static bool read_parsing(const struct sl_cli *cli, struct sl_pir_check *check, struct sl_parsing *out)
{
	*out = (struct sl_parsing){ .root = NULL };
	if (cli->parsing == NULL)
		return true;
	if (check->asking.profile != SL_SUBURL_NE27) {
		sl_cli_error("check: --parsing goes with ne27: before 27 nobody could set it");
		return false;
	}
	check->asking.parsing = &out->how;
	return sl_parsing_file_read(cli->parsing, &sl_cli_diag, out);
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	return text == NULL ? "" : text;
}

static void print_sentences(const char *label, const json_t *sentences)
{
	json_t *one;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)sentences, i, one)(void)
	        printf("%-9s %s\n", label, json_string_value(one));
}

static void print_files(const json_t *files)
{
	json_t *one;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)files, i, one)
	{
		(void)printf("%-9s %s: %s", "file", text_of(one, "name"), text_of(one, "what"));
		const json_t *rows = json_object_get(one, "rows"), *bits = json_object_get(one, "bits");
		if (rows != NULL)
			(void)printf(", %lld entries", (long long)json_integer_value(rows));
		if (bits != NULL)
			(void)printf(", %lld bits", (long long)json_integer_value(bits));
		(void)putchar('\n');
	}
}

static void print_keys(const char *label, const json_t *keys)
{
	json_t *one;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)keys, i, one)(void)
	        printf("          %s %s\n", label, json_string_value(one));
}

static void print_urls(const json_t *urls)
{
	json_t *one;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)urls, i, one)
	{
		const char *verdict = text_of(one, "verdict");
		(void)printf("%-9s %s: %s\n", *verdict == '\0' ? "error" : verdict, text_of(one, "url"),
		             text_of(one, "why"));
		if (*verdict == '\0')
			continue;
		(void)printf("          %lld keys, of which %zu pass the prefilter and are asked for\n",
		             (long long)json_integer_value(json_object_get(one, "keys")),
		             json_array_size(json_object_get(one, "hits")));
		print_keys("asked for:", json_object_get(one, "hits"));
		print_keys("found:    ", json_object_get(one, "found"));
		print_keys("unasked:  ", json_object_get(one, "unasked"));
	}
}

/* Something is wrong with the files: 1. An argument that is no URL: 2. */
static int status_of(const json_t *report)
{
	json_t *one;
	size_t i;

	json_array_foreach(json_object_get(report, "urls"), i,
	                   one) if (json_is_null(json_object_get(one, "verdict"))) return SL_EXIT_ERROR;
	return json_array_size(json_object_get(report, "faults")) > 0 ? SL_EXIT_NO : SL_EXIT_OK;
}

int sl_cli_check_apple(const struct sl_cli *cli)
{
	struct sl_pir_check check = { .dir = cli->apple,
		                      .bundle = cli->bundle,
		                      .url = (const char *const *)cli->arg,
		                      .urls = (size_t)cli->args };
	json_t *report = NULL;

	if (cli->config != NULL || cli->control != NULL) {
		sl_cli_error("check: --%s means nothing with --apple",
		             cli->config != NULL ? "config" : "control");
		return SL_EXIT_ERROR;
	}
	struct sl_parsing parsing;
	if (!read_profile(cli->profile, &check.asking.profile) || !read_parsing(cli, &check, &parsing))
		return SL_EXIT_ERROR;
	int err = sl_pir_check(&check, &report);
	sl_parsing_free(&parsing);
	if (err != SL_OK) {
		sl_cli_error("check: %s: cannot be read: %s", check.dir,
		             err == SL_ESYS ? strerror(errno) : sl_strerror(err));
		return SL_EXIT_ERROR;
	}
	if (cli->json != NULL) {
		if (json_dumpf(report, stdout, JSON_COMPACT) == 0)
			(void)putchar('\n');
	} else {
		print_files(json_object_get(report, "files"));
		print_sentences("WRONG", json_object_get(report, "faults"));
		print_sentences("note", json_object_get(report, "notes"));
		if (json_array_size(json_object_get(report, "faults")) == 0)
			(void)printf("%-9s nothing wrong is found\n", "right");
		print_urls(json_object_get(report, "urls"));
	}
	int status = status_of(report);
	json_decref(report);
	return status;
}
