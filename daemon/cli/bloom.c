/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cur.h"
#include "bloom/apple_hash.h"
#include "daemon/cli/cli.h"
#include "daemon/file.h"
#include "daemon/prefilter_report.h"

/* What the command line names: entries from arguments and from a file, views of both. */
struct list {
	struct sl_bytes text; /* of the file */
	struct sl_bytes *entry;
	size_t n;
};

static int read_file(const char *path, struct sl_bytes *text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int err = fd < 0 ? SL_ESYS : sl_file_read(fd, text);

	if (err != SL_OK)
		sl_cli_error("%s: cannot be read: %s", path,
		             err == SL_ESYS ? strerror(errno) : sl_strerror(err));
	if (fd >= 0)
		(void)close(fd);
	return err;
}

static size_t count_lines(struct sl_bytes text)
{
	size_t n = 1;

	for (size_t i = 0; i < text.len; i++)
		n += text.p[i] == '\n';
	return n;
}

/* One entry a line; empty lines are none. */
static int read_list(const struct sl_cli *cli, struct list *list)
{
	int err = cli->entries == NULL ? SL_OK : read_file(cli->entries, &list->text);
	size_t from_args = (size_t)cli->args - 2;

	if (err != SL_OK)
		return err;
	list->entry = (struct sl_bytes *)calloc(from_args + count_lines(list->text), sizeof(*list->entry));
	if (list->entry == NULL)
		return SL_ENOMEM;
	for (size_t i = 0; i < from_args; i++)
		list->entry[list->n++] = sl_bytes_str(cli->arg[i + 2]);
	struct sl_cur c = sl_cur_whole(list->text);
	for (struct sl_bytes line = sl_cur_line(&c); line.p != NULL; line = sl_cur_line(&c))
		if (line.len > 0)
			list->entry[list->n++] = line;
	return SL_OK;
}

static bool read_number(const char *option, const char *text, struct sl_maybe_u64 *out)
{
	char *end = NULL;

	if (text == NULL)
		return true;
	errno = 0;
	*out = (struct sl_maybe_u64){ true, strtoull(text, &end, 0) };
	if (*text >= '0' && *text <= '9' && *end == '\0' && errno == 0)
		return true;
	sl_cli_error("bloom: %s %s: a number is expected", option, text);
	return false;
}

static int read_prefilter(const struct sl_cli *cli, struct sl_prefilter_file *file)
{
	struct sl_prefilter_beside beside = { 0 };
	struct sl_bytes text = { NULL, 0 };

	if (!read_number("--bits", cli->bits, &beside.bits) ||
	    !read_number("--hashes", cli->hashes, &beside.hashes) ||
	    !read_number("--seed", cli->seed, &beside.seed))
		return SL_EINVAL;
	int err = read_file(cli->arg[1], &text);
	if (err == SL_OK)
		err = sl_prefilter_file_read(cli->arg[1], text, &beside, &sl_cli_diag, file);
	if (err == SL_ENOMEM)
		sl_cli_error("%s: %s", cli->arg[1], sl_strerror(err));
	sl_file_free(&text);
	return err;
}

static double real(const json_t *r, const char *name)
{
	return json_number_value(json_object_get(r, name));
}

static unsigned long long number(const json_t *r, const char *name)
{
	return (unsigned long long)json_integer_value(json_object_get(r, name));
}

static const char *text_of(const json_t *r, const char *name)
{
	const char *text = json_string_value(json_object_get(r, name));
	return text == NULL ? "" : text;
}

static void print_sentences(const char *label, const json_t *sentences)
{
	json_t *one;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)sentences, i, one)(void)
	        printf("%-9s %s\n", label, json_string_value(one));
}

static void print_right(const json_t *right, const char *what)
{
	if (json_is_null(right))
		return;
	(void)printf("%-9s %s: %llu bits, %llu hashes", "right", what, number(right, "bitCount"),
	             number(right, "hashCount"));
	if (json_is_string(json_object_get(right, "data")))
		(void)printf(", %s", text_of(right, "data"));
	(void)putchar('\n');
}

static void print_fill(const json_t *r)
{
	if (json_object_get(r, "fill") == NULL)
		return;
	(void)printf("%-9s %llu of %llu bits are 1: %.2f %%", "fill", number(r, "set"), number(r, "bitCount"),
	             real(r, "fill") * 100);
	if (json_is_real(json_object_get(r, "entries_by_fill")))
		(void)printf(", as of %.*f distinct entries", real(r, "entries_by_fill") < 100 ? 1 : 0,
		             real(r, "entries_by_fill"));
	(void)printf(
	        "\n%-9s %.4f %% of absent keys pass; %.2f %% of requests with 24 keys, %.2f %% with 48\n",
	        "rate", real(r, "rate_per_key") * 100, real(r, "rate_24_keys") * 100,
	        real(r, "rate_48_keys") * 100);
}

static void print_report(const json_t *r)
{
	const json_t *entries = json_object_get(r, "entries"), *faults = json_object_get(r, "faults");

	(void)printf("%-9s %s: %s, %llu bytes\n", "file", text_of(r, "file"), text_of(r, "kind"),
	             number(r, "bytes"));
	(void)printf("%-9s bitCount %llu, hashCount %llu, murmurSeed %llu\n", "numbers",
	             number(r, "bitCount"), number(r, "hashCount"), number(r, "murmurSeed"));
	(void)printf("%-9s they %s\n", "", text_of(r, "numbers"));
	(void)printf("%-9s %s\n", "tag", text_of(r, "tag"));
	print_fill(r);
	if (json_is_object(entries))
		(void)printf("%-9s %llu given, %llu distinct; %llu found by the right arithmetic\n",
		             "entries", number(entries, "given"), number(entries, "distinct"),
		             number(entries, "found"));
	print_sentences("WRONG", faults);
	print_sentences("note", json_object_get(r, "notes"));
	print_right(json_object_get(r, "right"), "of these entries");
	print_right(json_object_get(r, "right_without_scheme"), "without scheme");
	if (json_is_object(entries) && json_array_size(faults) == 0)
		(void)printf("%-9s nothing wrong is found\n", "correct");
}

static int inspect(const struct sl_cli *cli, const struct sl_prefilter_file *file, const struct list *list)
{
	json_t *report = NULL;

	int err = sl_prefilter_report(cli->arg[1], file, list->entry, list->n, &report);
	if (err != SL_OK) {
		sl_cli_error("%s: %s", cli->arg[1], sl_strerror(err));
		return SL_EXIT_ERROR;
	}
	if (cli->json == NULL)
		print_report(report);
	else if (json_dumpf(report, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9)) == 0)
		(void)putchar('\n');
	bool wrong = json_array_size(json_object_get(report, "faults")) > 0;
	json_decref(report);
	return wrong ? SL_EXIT_NO : SL_EXIT_OK;
}

static void print_answer(const struct sl_cli *cli, struct sl_bytes key, bool perhaps)
{
	const char *answer = perhaps ? "perhaps" : "absent";

	if (cli->json == NULL) {
		(void)printf("%-7s  %.*s\n", answer, (int)sl_min(key.len, 4096), (const char *)key.p);
		return;
	}
	json_t *one = json_pack("{s:s%, s:s}", "key", (const char *)key.p, key.len, "answer", answer);
	if (one == NULL)
		sl_cli_error("bloom: a key that is not UTF-8 cannot be printed as JSON");
	else if (json_dumpf(one, stdout, JSON_COMPACT) == 0)
		(void)putchar('\n');
	json_decref(one);
}

static int test(const struct sl_cli *cli, const struct sl_prefilter_file *file, const struct list *list)
{
	const struct sl_prefilter *pf;
	union sl_prefilter_mem mem;
	bool absent = false;

	if (sl_prefilter_open(&mem, &file->shape, file->data, &pf) != SL_OK) {
		sl_cli_error("%s: its data is not as long as its bits ask for; see: sluice bloom inspect",
		             cli->arg[1]);
		return SL_EXIT_ERROR;
	}
	for (size_t i = 0; i < list->n; i++) {
		bool perhaps = sl_prefilter_maybe(pf, sl_apple_key(list->entry[i], file->shape.seed));
		print_answer(cli, list->entry[i], perhaps);
		absent |= !perhaps;
	}
	return absent ? SL_EXIT_NO : SL_EXIT_OK;
}

static int run(const struct sl_cli *cli)
{
	struct sl_prefilter_file file = { .kind = SL_PREFILTER_RAW };
	struct list list = { .n = 0 };
	int status = SL_EXIT_ERROR;
	bool asks = cli->args > 0 && strcmp(cli->arg[0], "test") == 0;

	if (cli->args < 2 || (!asks && strcmp(cli->arg[0], "inspect") != 0)) {
		sl_cli_error("bloom: say inspect or test, and name a file; see: sluice bloom --help");
		return status;
	}
	int err = read_list(cli, &list);
	if (err == SL_ENOMEM)
		sl_cli_error("bloom: %s", sl_strerror(err));
	if (err == SL_OK && asks && list.n == 0)
		sl_cli_error("bloom: test: name at least one key");
	else if (err == SL_OK && read_prefilter(cli, &file) == SL_OK)
		status = asks ? test(cli, &file, &list) : inspect(cli, &file, &list);
	sl_prefilter_file_free(&file);
	sl_file_free(&list.text);
	free(list.entry);
	return status;
}

const struct sl_cli_command sl_cli_bloom = {
	.name = "bloom",
	.options = SL_CLI_BIT(json) | SL_CLI_BIT(bits) | SL_CLI_BIT(hashes) | SL_CLI_BIT(seed) |
	           SL_CLI_BIT(entries),
	.usage = "inspect|test [--json] [--entries FILE] [--bits N --hashes N --seed N] FILE [ENTRY...]",
	.summary = "what is wrong with a prefilter for Apple's NEURLFilter, or what it answers",
	.help = "inspect says what the file holds, how often it asks PIR for nothing, and, given the entries "
	        "that it\n"
	        "was built from, whether they are in it and which arithmetic put them there. test says of "
	        "each entry\n"
	        "(a sub-URL, without scheme) whether the filter passes it: perhaps, or absent.\n"
	        "FILE is a property list (XML or binary), JSON, or raw bits, whose numbers the options then "
	        "give.\n"
	        "Exit status: 0 nothing wrong, all pass; 1 something wrong, something absent; 2 an error.",
	.run = run,
};
