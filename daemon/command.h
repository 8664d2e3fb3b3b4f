/* SPDX-License-Identifier: GPL-2.0-or-later */
/* command.h - runs a program of the system and collects what it says. No shell, no search path of the environment.
 * The child gets no descriptor but its three, default signals and LC_ALL=C. The calling process must not ignore SIGCHLD
 * nor wait for children it does not know meanwhile (waitpid(-1)), or the exit status is lost. One call, one thread. */
#ifndef SL_DAEMON_COMMAND_H
#define SL_DAEMON_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/err.h"

struct sl_command {
	const char *const *
	        argv; /* argv[0] is a bare name, looked up in /usr/sbin, /sbin, /usr/bin, /bin; ends in NULL */
	struct sl_bytes input; /* the child's standard input; empty for none */
	size_t output_max;     /* bytes of standard output */
	int timeout_ms;        /* then it is killed */
};

struct sl_command_reply {
	char *out; /* standard output, with a NUL behind it; NULL before a run */
	size_t out_len;
	char err[512]; /* the head of standard error, or words of our own; ends in NUL */
	int status;    /* exit status; 128 + n when killed by signal n */
};

#define SL_COMMANDS_MAX 4 /* at the same time */

bool sl_command_exists(const char *name);
/* Fills reply whatever happens; the caller frees it.
 * Returns SL_OK      exit status 0                   SL_ENOENT  no such program
 *         SL_EINVAL  it ran and failed: see status   SL_ELIMIT  it wrote more than output_max (killed)
 *         SL_ETIME   not done in time (killed)       SL_ESYS, SL_ENOMEM */
int sl_command_run(const struct sl_command *cmd, struct sl_command_reply *reply);
/* The same for n of them at the same time, 1..SL_COMMANDS_MAX; result[i] is the answer for cmd[i]. A timeout counts from
 * when the ones before have ended. */
void sl_command_run_all(const struct sl_command *cmd, struct sl_command_reply *reply, int *result, size_t n);
void sl_command_reply_free(struct sl_command_reply *reply);

#endif
