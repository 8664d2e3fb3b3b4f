/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cli.h - the command `sluice`: one file per subcommand, found by the table in main.c.
 * Answers go to stdout, everything else to stderr as "sluice: what: why; remedy". */
#ifndef SL_DAEMON_CLI_CLI_H
#define SL_DAEMON_CLI_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/util.h"
#include "daemon/conf.h"
#include "policy/policy.h"
#include "policy/snapshot.h"
#include "policy/suburl.h"

enum {
	SL_EXIT_OK = 0,
	SL_EXIT_NO = 1,    /* check: something is blocked; reload, cleanup: it failed; bloom: see there */
	SL_EXIT_ERROR = 2, /* the question could not be answered, or was put wrongly */
	SL_EXIT_NOT_RUNNING = 3, /* status, as LSB and systemd have it */
	SL_EXIT_DENIED = 4,      /* the peer's groups do not allow it; likewise */
};

enum sl_cli_option {
#define SL_CLI_OPT(name, arg, help) SL_CLI_##name,
#include "daemon/cli/option.def"
#undef SL_CLI_OPT
	SL_CLI_OPTIONS
};
#define SL_CLI_BIT(name) (UINT64_C(1) << SL_CLI_##name)

/* What was given before or after the subcommand's name: each option's argument, "" where it takes none, NULL where it was
 * not given. */
struct sl_cli {
#define SL_CLI_OPT(name, arg, help) const char *name;
#include "daemon/cli/option.def"
#undef SL_CLI_OPT
	char **arg; /* what is neither option nor name */
	int args;
};

struct sl_cli_command {
	const char *name;
	uint64_t options;    /* SL_CLI_BITs of those that mean something to it */
	bool raw;            /* what stands behind its name goes on to another program, options and all */
	const char *usage;   /* its arguments */
	const char *summary; /* one line */
	const char *help;    /* what one has to know to use it */
	int (*run)(const struct sl_cli *cli);
};

#define SL_CLI(name) extern const struct sl_cli_command sl_cli_##name;
#include "daemon/cli/commands.def"
#undef SL_CLI

/* policy list, diff, rollback: what is about generations. */
int sl_cli_generations(const struct sl_cli *cli);

/* Opens a snapshot file; what is wrong is told to stderr. Returns what sl_snapshot_file_map() does. */
int sl_cli_snapshot(const char *path, struct sl_policy **out);

/* An answer of check_query.h as text, with what was tried, if that is there. */
void sl_cli_print_answer(const json_t *answer, int width);

/* check --apple, of which check knows nothing else. */
int sl_cli_check_apple(const struct sl_cli *cli);

/* "sluice: " text, a line. */
SL_PRINTF(1, 2) void sl_cli_error(const char *fmt, ...);
extern const struct sl_diag sl_cli_diag;

/* --profile and --www, for lists that are compiled: native and keep where they were not given. False: told to stderr. */
bool sl_cli_profile(const struct sl_cli *cli, const char *command, enum sl_profile *profile,
                    enum sl_suburl_www *www);
/* Which of the words an option's argument is, by number; -1, told to stderr, where it is none of them. */
int sl_cli_word(const char *command, const char *option, const char *text, const char *const *words, int n);

/* --memory, as the configuration writes sizes ("512MiB"); *out is left alone where it was not given. SL_EINVAL: told to
 * stderr. */
int sl_cli_memory(const struct sl_cli *cli, const char *command, uint64_t least, uint64_t *out);
/* Where the configuration is. */
const char *sl_cli_conf_path(const struct sl_cli *cli);
/* The configuration. SL_ENOENT where the file is absent and was not asked for by name: then nothing is said, and what
 * conf.def says is in force. Other failures were told to stderr. */
int sl_cli_conf(const struct sl_cli *cli, struct sl_conf **out);
/* The default of an option, as conf.def has it. */
#define SL_CLI_DEFAULT(name) (sl_cli_defaults.name)
struct sl_cli_defaults {
#define SL_OPT(name, type, def, min, max, live, doc) const char *name;
#define SL_CHOICE(name, def, words, live, doc)       const char *name;
#include "daemon/conf.def"
#undef SL_OPT
#undef SL_CHOICE
};
extern const struct sl_cli_defaults sl_cli_defaults;

/* Asks the daemon on the socket that the options, else the configuration, else conf.def names. With a configuration
 * that cannot be read (told to stderr) it asks on the default socket: a daemon may run nevertheless. path_out gets the
 * socket's path, for messages; SL_CLI_PATH bytes. Returns as sl_ctl_call(). */
enum { SL_CLI_PATH = 256 };
int sl_cli_call(const struct sl_cli *cli, json_t *request, int timeout_ms, char path_out[SL_CLI_PATH],
                json_t **reply);
/* The words for what sl_cli_call() returned other than SL_OK, told to stderr. */
void sl_cli_call_failed(const char *command, const char *path, int err);
/* Where sl_cli_call() asks. */
void sl_cli_control_path(const struct sl_cli *cli, char path[SL_CLI_PATH]);
/* What came of a call, told to stderr where it is no success: SL_EXIT_OK, _NO, _ERROR, _NOT_RUNNING, _DENIED. reply NULL: there is none. */
int sl_cli_outcome(const char *command, const char *path, int err, const json_t *reply);
/* sl_cli_call() and the outcome. The request is taken over, *reply, if there is one, is the caller's. */
int sl_cli_ask(const struct sl_cli *cli, const char *command, json_t *request, int timeout_ms,
               json_t **reply);
/* SL_EXIT_DENIED where that is why it was refused, else otherwise. */
int sl_cli_refused(const json_t *reply, int otherwise);
/* The text of a reply's "error", never NULL. */
const char *sl_cli_reply_error(const json_t *reply);

#endif
