/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/capture.h"
#include "daemon/cli/cli.h"
#include "daemon/cli/provider.h"
#include "daemon/cli/recording.h"
#include "daemon/file.h"
#include "daemon/ne_replay.h"
#include "daemon/ne_replay_capture.h"
#include "daemon/ne_url_replay.h"
#include "daemon/replay.h"

enum { BUDGET = 16384, MAX_FLOWS = 1 << 16, HOLD_LIMIT_MS = 3600 * 1000 };

static int replay(const char *path)
{
	const char *slash = strrchr(path, '/');
	const struct sl_replay_cfg cfg = { .name = slash == NULL ? path : slash + 1,
		                           .hold_limit = sl_span_ms(HOLD_LIMIT_MS),
		                           .budget = BUDGET,
		                           .max_flows = MAX_FLOWS };
	struct sl_capture *capture = NULL;
	int err = sl_capture_open(path, &sl_cli_diag, &capture);
	if (err == SL_OK)
		err = sl_replay_flows(capture, &cfg, &sl_cli_diag, stdout);
	if (err == SL_ENOMEM || err == SL_ESYS)
		sl_cli_error("replay: %s: %s", path, sl_strerror(err));
	sl_capture_close(&capture);
	return err;
}

static int read_text(const char *path, struct sl_bytes *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int err = fd < 0 ? SL_ESYS : sl_file_read(fd, out);
	if (err == SL_ESYS)
		sl_cli_error("replay: %s: %s; name a file that can be read", path, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	return err;
}

static void tell(const char *path, int err)
{
	if (err == SL_ENOMEM || err == SL_ESYS)
		sl_cli_error("replay: %s: %s", path, err == SL_ESYS ? strerror(errno) : sl_strerror(err));
}

static int play(const char *path, const char *provider)
{
	struct sl_bytes text = { NULL, 0 };
	struct sl_ne_scenario *scenario = NULL;
	int err = read_text(path, &text);
	if (err != SL_OK)
		return err;
	bool url = sl_ne_url_is_scenario(text);
	if (url && provider != NULL) {
		sl_cli_error("replay: %s is a URL filter's, which no provider answers; leave --provider out",
		             path);
		sl_file_free(&text);
		return SL_EINVAL;
	}
	err = url ? sl_ne_url_replay(path, text, &sl_cli_diag, stdout)
	          : sl_ne_scenario_read(path, text, &sl_cli_diag, &scenario);
	sl_file_free(&text);
	if (err == SL_OK && !url)
		err = provider != NULL ? sl_cli_play_provider(path, scenario, provider)
		                       : sl_ne_replay_scenario(path, scenario, &sl_cli_diag, stdout);
	tell(path, err);
	sl_ne_scenario_free(&scenario);
	return err;
}

static int read_scenario(const char *path, struct sl_ne_scenario **out)
{
	struct sl_bytes text = { NULL, 0 };
	int err = read_text(path, &text);
	if (err == SL_OK)
		err = sl_ne_scenario_read(path, text, &sl_cli_diag, out);
	sl_file_free(&text);
	return err;
}

static const char *are(size_t n, const char *one, const char *many)
{
	return n == 1 ? one : many;
}

/* What the trace that comes out does not say. */
static void tell_played(const struct sl_ne_capture_played *p, const char *trace)
{
	sl_cli_error("replay: %zu %s in %s", p->flows, are(p->flows, "flow is", "flows are"), trace);
	if (p->has_offset)
		sl_cli_error("replay: time 0 of the capture is %.3f s %s that of %s (estimated)",
		             (p->offset < 0 ? -1e-6 : 1e-6) * (double)p->offset,
		             p->offset <= 0 ? "after" : "before", trace);
	if (p->left_out > 0)
		sl_cli_error("replay: %zu %s not in %s: left out", p->left_out,
		             are(p->left_out, "flow of the capture is", "flows of the capture are"), trace);
	if (p->alone > 0)
		sl_cli_error("replay: %zu %s of %s %s not in the capture", p->alone,
		             are(p->alone, "flow", "flows"), trace, are(p->alone, "is", "are"));
	if (p->unanswered > 0)
		sl_cli_error(
		        "replay: %llu %s made for which there is no verdict in %s: those flows wait from "
		        "there on",
		        (unsigned long long)p->unanswered,
		        are(p->unanswered, "callback was", "callbacks were"), trace);
}

static int play_read(const struct sl_cli *cli, struct sl_ne_capture_replay *r, struct sl_capture *capture)
{
	struct sl_ne_captured *captured = NULL;
	struct sl_ne_capture_played played;
	int err = sl_ne_captured_read(capture, r->name, &sl_cli_diag, &captured);
	if (err == SL_OK) {
		r->captured = captured;
		err = sl_ne_replay_capture(r, stdout, &played);
	}
	if (err == SL_OK && r->verdicts != NULL)
		tell_played(&played, cli->verdicts);
	tell(r->name, err);
	sl_ne_captured_free(&captured);
	return err;
}

static int play_capture(const struct sl_cli *cli)
{
	struct sl_capture *capture = NULL;
	struct sl_ne_scenario *scenario = NULL;
	struct sl_ne_recording *verdicts = NULL;
	struct sl_prefix local;
	struct sl_ne_capture_replay r = { .name = cli->arg[0],
		                          .diag = &sl_cli_diag,
		                          .scenario_name = cli->scenario };
	int err = SL_OK;
	if (cli->local != NULL && sl_prefix_read(sl_bytes_str(cli->local), &local) != SL_OK) {
		sl_cli_error("replay: --local %s is no prefix; write one as 192.0.2.0/24", cli->local);
		return SL_EINVAL;
	}
	r.local = cli->local == NULL ? NULL : &local;
	if (cli->scenario != NULL)
		err = read_scenario(cli->scenario, &scenario);
	if (err == SL_OK && cli->verdicts != NULL)
		err = sl_cli_recording("replay", cli->verdicts, &verdicts);
	if (err == SL_OK && verdicts != NULL && verdicts->kind != SL_NE_TRACE) {
		sl_cli_error("replay: %s is a log, which does not hold verdicts; give a trace",
		             cli->verdicts);
		err = SL_EINVAL;
	}
	if (err == SL_OK && verdicts != NULL && verdicts->filters[0] != NULL) {
		sl_cli_error("replay: %s is of several filters, and a capture goes through one; give a trace "
		             "of one",
		             cli->verdicts);
		err = SL_EINVAL;
	}
	r.scenario = scenario;
	r.verdicts = verdicts;
	if (err == SL_OK)
		err = sl_capture_open(r.name, &sl_cli_diag, &capture);
	if (err == SL_OK)
		err = play_read(cli, &r, capture);
	sl_capture_close(&capture);
	sl_ne_scenario_free(&scenario);
	sl_ne_recording_free(&verdicts);
	return err;
}

static int run(const struct sl_cli *cli)
{
	int status = SL_EXIT_OK;
	bool verdicts = cli->verdicts != NULL, scenario = cli->scenario != NULL;
	if (scenario && !verdicts && cli->flows == NULL && cli->args == 0)
		return play(cli->scenario, cli->provider) == SL_OK ? SL_EXIT_OK : SL_EXIT_ERROR;
	if (cli->provider != NULL) {
		sl_cli_error("replay: --provider answers a --scenario alone; see: sluice replay --help");
		return SL_EXIT_ERROR;
	}
	if ((scenario || verdicts) && cli->flows == NULL && cli->args == 1)
		return play_capture(cli) == SL_OK ? SL_EXIT_OK : SL_EXIT_ERROR;
	if (cli->flows == NULL || cli->args == 0 || scenario || verdicts) {
		sl_cli_error("replay: needs --flows and at least one capture; or --scenario alone; or one "
		             "capture and "
		             "--scenario or --verdicts; see: sluice replay --help");
		return SL_EXIT_ERROR;
	}
	for (int i = 0; i < cli->args; i++)
		if (replay(cli->arg[i]) != SL_OK)
			status = SL_EXIT_ERROR;
	return status;
}

const struct sl_cli_command sl_cli_replay = {
	.name = "replay",
	.options = SL_CLI_BIT(flows) | SL_CLI_BIT(scenario) | SL_CLI_BIT(provider) | SL_CLI_BIT(verdicts) |
	           SL_CLI_BIT(local),
	.usage = "--flows CAPTURE... | --scenario FILE [--provider SOCKET] | CAPTURE [--scenario FILE] "
	         "[--verdicts TRACE]",
	.summary = "run a capture, or a scenario, through the filter",
	.help = "Reads captures (pcap, pcapng; - is standard input) through the code that judges live "
	        "traffic and prints what it\n"
	        "learnt of each flow, one JSON object a line: names, requests, protocol, the frame that "
	        "completed the name.\n"
	        "Nothing is blocked, nobody waits: pieces of a name may be an hour apart.\n"
	        "A scenario (docs/ne-scenario.md) says what happens to flows, when, and what their provider "
	        "answers; printed is the\n"
	        "trace of a content filter of Network Extension (docs/ne-trace.md), the same each time.\n"
	        "With --provider a process of yours answers instead (sluice-provider(7)): it is waited for "
	        "at "
	        "SOCKET, and while it is\n"
	        "asked, the scenario's time stands still.\n"
	        "A capture with a scenario: the flows are the capture's, the filter and the provider's "
	        "answers "
	        "the scenario's.\n"
	        "A capture with the trace that was recorded beside it: each callback gets the verdict that "
	        "it "
	        "got there; compare\n"
	        "what comes out with the trace (sluice compare) and see whether this filter does the same.\n"
	        "Exit status: 0 all was read, 2 a capture is none or breaks off, a scenario is none or "
	        "does not work out.",
	.run = run,
};
