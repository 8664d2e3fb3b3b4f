/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "daemon/cli/cli.h"
#include "daemon/cli/recording.h"
#include "daemon/ne_compare.h"

static int compare(const struct sl_cli *cli, const struct sl_ne_recording *a, const struct sl_ne_recording *b)
{
	struct sl_ne_comparison c = { 0 };
	if (b != NULL && a->kind == SL_NE_LOG && b->kind == SL_NE_LOG) {
		sl_cli_error("compare: %s and %s are logs of macOS; one of the two must be a trace", a->name,
		             b->name);
		return SL_EXIT_ERROR;
	}
	int err = sl_ne_compare(a, b, &c);
	if (err == SL_OK)
		err = sl_ne_comparison_print(&c, cli->json != NULL, stdout);
	if (err != SL_OK)
		sl_cli_error("compare: %s", sl_strerror(err));
	int status = err != SL_OK ? SL_EXIT_ERROR : sl_ne_comparison_wrong(&c) ? SL_EXIT_NO : SL_EXIT_OK;
	sl_ne_comparison_free(&c);
	return status;
}

static int run(const struct sl_cli *cli)
{
	struct sl_ne_recording *a = NULL, *b = NULL;
	int status = SL_EXIT_ERROR;
	if (cli->args < 1 || cli->args > 2) {
		sl_cli_error("compare: needs one recording, or two; see: sluice compare --help");
		return SL_EXIT_ERROR;
	}
	int err = sl_cli_recording("compare", cli->arg[0], &a);
	if (err == SL_OK && cli->args == 2)
		err = sl_cli_recording("compare", cli->arg[1], &b);
	if (err == SL_OK)
		status = compare(cli, a, b);
	sl_ne_recording_free(&a);
	sl_ne_recording_free(&b);
	return status;
}

const struct sl_cli_command sl_cli_compare = {
	.name = "compare",
	.options = SL_CLI_BIT(json),
	.usage = "[--json] RECORDING [RECORDING]",
	.summary = "a content filter's recording against Network Extension's rules, or another's",
	.help = "A recording is a trace (of sluice replay, or of SluiceRecorder.swift on a Mac) or a log of "
	        "macOS "
	        "(log show, as ndjson\n"
	        "or text; - is standard input). One alone is checked: callbacks that were not allowed, flows "
	        "that "
	        "stalled and why, lines\n"
	        "of flow divert where a content filter was expected. Two are compared flow by flow: the "
	        "same, or where "
	        "they part first,\n"
	        "with the rule that speaks to it; what cannot be compared is listed with its cause.\n"
	        "Exit status: 0 nothing but documented differences, 1 something else, 2 a recording cannot "
	        "be read.",
	.run = run,
};
