/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/cli/cli.h"
#include "daemon/json_text.h"
#include "daemon/snapshot_file.h"

static const char *const kinds[] = { "block", "allow", "never" };

static json_t *lists_of(const struct sl_snapshot *s)
{
	json_t *lists = json_array();
	for (uint16_t i = 0; sl_snapshot_list_name(s, i) != NULL; i++) {
		uint16_t category = sl_snapshot_list_category(s, i);
		json_t *one = json_pack("{s:o, s:o, s:o, s:s}", "name",
		                        sl_json_text(sl_bytes_str(sl_snapshot_list_name(s, i))), "file",
		                        sl_json_text(sl_bytes_str(sl_snapshot_list_file(s, i))), "category",
		                        sl_json_text(sl_bytes_str(sl_snapshot_category_name(s, category))),
		                        "kind", kinds[sl_snapshot_category_kind(s, category)]);
		(void)json_array_append_new(lists, one);
	}
	return lists;
}

static json_t *report_of(const struct sl_snapshot *s)
{
	json_t *parts = json_object();
	struct sl_snapshot_info info;
	sl_snapshot_info(s, &info);
	for (size_t i = 0; i < SL_SNAPSHOT_PARTS; i++)
		(void)json_object_set_new(parts, info.part[i].name,
		                          json_integer((json_int_t)info.part[i].bytes));
	json_t *out = json_pack("{s:i, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:i, s:b}", "version",
	                        (int)info.version, "profile", sl_profile_name(info.profile), "generation",
	                        (json_int_t)info.generation, "bytes", (json_int_t)info.bytes, "keys",
	                        (json_int_t)info.keys, "entries", (json_int_t)info.entries, "paths",
	                        (json_int_t)info.paths, "addresses", (json_int_t)info.addresses,
	                        "combinations", (int)info.combinations, "folded", info.folded);
	json_object_update_new(out, json_pack("{s:[i,i], s:[i,i], s:o, s:o}", "labels", info.labels_min,
	                                      info.labels_max, "segments", info.segments_min,
	                                      info.segments_max, "parts", parts, "lists", lists_of(s)));
	return out;
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

static long long range(const json_t *r, const char *name, size_t i)
{
	return (long long)json_integer_value(json_array_get(json_object_get(r, name), i));
}

static void print_report(const json_t *r)
{
	const char *name;
	json_t *list, *bytes;
	size_t i;
	(void)printf("%-10s %llu bytes, version %llu, profile %s, generation %llu, %s\n", "snapshot",
	             number(r, "bytes"), number(r, "version"), text_of(r, "profile"), number(r, "generation"),
	             json_is_true(json_object_get(r, "folded")) ? "folded" : "not folded");
	(void)printf(
	        "%-10s %llu of %llu entries; %llu with a path, which TLS can never match; %llu addresses\n",
	        "keys", number(r, "keys"), number(r, "entries"), number(r, "paths"), number(r, "addresses"));
	(void)printf("%-10s %lld to %lld labels, %lld to %lld path segments, %llu combinations of what lists "
	             "say\n",
	             "", range(r, "labels", 0), range(r, "labels", 1), range(r, "segments", 0),
	             range(r, "segments", 1), number(r, "combinations"));
	json_object_foreach(json_object_get(r, "parts"), name, bytes)(void) printf(
	        "%-10s %-12s %12llu bytes\n", "part", name, (unsigned long long)json_integer_value(bytes));
	json_array_foreach(json_object_get(r, "lists"), i, list)(void)
	        printf("%-10s %s: %s, of category %s, %s\n", "list", text_of(list, "name"),
	               text_of(list, "kind"), text_of(list, "category"), text_of(list, "file"));
}

static int show(const struct sl_cli *cli, const struct sl_snapshot *s)
{
	json_t *report = report_of(s);
	if (report == NULL) {
		sl_cli_error("policy: %s", sl_strerror(SL_ENOMEM));
		return SL_EXIT_ERROR;
	}
	if (cli->json == NULL)
		print_report(report);
	else if (json_dumpf(report, stdout, JSON_COMPACT) == 0)
		(void)putchar('\n');
	json_decref(report);
	return SL_EXIT_OK;
}

static int verify(const struct sl_cli *cli, const struct sl_snapshot *s)
{
	const char *why = NULL;
	int err = sl_snapshot_verify(s, &why);
	if (err != SL_OK) {
		sl_cli_error("%s: refused: %s", cli->arg[1], why == NULL ? sl_strerror(err) : why);
		return err == SL_EMALF ? SL_EXIT_NO : SL_EXIT_ERROR;
	}
	if (cli->json == NULL) {
		struct sl_snapshot_info info;
		sl_snapshot_info(s, &info);
		(void)printf("%s: sound: %llu keys in %llu bytes\n", cli->arg[1],
		             (unsigned long long)info.keys, (unsigned long long)info.bytes);
		return SL_EXIT_OK;
	}
	return show(cli, s);
}

int sl_cli_snapshot(const char *path, struct sl_policy **out)
{
	const char *why = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		sl_cli_error("%s: cannot be read: %s", path, strerror(errno));
		return SL_ESYS;
	}
	int err = sl_snapshot_file_map(fd, SL_SNAPSHOT_LOOK, &why, out);
	(void)close(fd);
	if (err != SL_OK)
		sl_cli_error("%s: %s: %s", path, err == SL_ESYS ? "cannot be read" : "refused", why);
	return err;
}

static int run(const struct sl_cli *cli)
{
	struct sl_policy *policy = NULL;
	static const char *const of_daemon[] = { "list", "diff", "rollback" };
	for (size_t i = 0; i < SL_COUNT(of_daemon) && cli->args > 0; i++)
		if (strcmp(cli->arg[0], of_daemon[i]) == 0)
			return sl_cli_generations(cli);
	bool shows = cli->args > 0 && strcmp(cli->arg[0], "show") == 0;

	if (cli->args != 2 || (!shows && strcmp(cli->arg[0], "verify") != 0)) {
		sl_cli_error("policy: say list, diff or rollback, or verify or show and name a snapshot; "
		             "see: sluice "
		             "policy --help");
		return SL_EXIT_ERROR;
	}
	int err = sl_cli_snapshot(cli->arg[1], &policy);
	if (err != SL_OK)
		return err == SL_EMALF || err == SL_EUNSUP ? SL_EXIT_NO : SL_EXIT_ERROR;
	int status = shows ? show(cli, sl_policy_snapshot(policy)) : verify(cli, sl_policy_snapshot(policy));
	sl_policy_free(&policy);
	return status;
}

const struct sl_cli_command sl_cli_policy = {
	.name = "policy",
	.options = SL_CLI_BIT(json) | SL_CLI_BIT(config) | SL_CLI_BIT(control),
	.usage = "list | diff A [B] | rollback N | verify|show FILE [--json]",
	.summary = "the policies that are kept; is a snapshot file sound, and what is in it",
	.help = "list shows the policies that sluiced keeps in its state folder, newest last. diff says "
	        "which names "
	        "and\n"
	        "addresses two of them do not share, - of A and + of B, and counts them; each is a number or "
	        "a snapshot "
	        "file,\n"
	        "and B by default the policy in force. rollback puts one in force, by which sluiced then "
	        "judges, also "
	        "after\n"
	        "a restart, until sluice reload: no update comes before that.\n"
	        "verify reads every byte of a snapshot that sluice compile wrote: checksums, the order of "
	        "its keys, "
	        "and\n"
	        "that each key is found. show says how many keys it holds, of which lists, and how large its "
	        "parts "
	        "are.\n"
	        "Exit status: 0 sound, done, no difference; 1 damaged, of another version, refused, a "
	        "difference; 2 an "
	        "error.",
	.run = run,
};
