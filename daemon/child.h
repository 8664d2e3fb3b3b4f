/* SPDX-License-Identifier: GPL-2.0-or-later */
/* child.h - a process of ours, engine or compiler, as the supervisor holds it. */
#ifndef SL_DAEMON_CHILD_H
#define SL_DAEMON_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "daemon/priv.h"

enum sl_child_state {
	SL_CHILD_NONE,
	SL_CHILD_COMPILING,
	SL_CHILD_LOADING, /* was given a policy, has not said that it has it */
	SL_CHILD_READY,   /* has it, and no queues */
	SL_CHILD_TAKING,  /* was given the queues, has not said that its workers run */
	SL_CHILD_ACTIVE,
	SL_CHILD_YIELDING, /* was told to make room for another */
};

struct sl_child {
	pid_t pid;
	int ipc;
	enum sl_child_state state;
	unsigned loads; /* policies that it was given and has not spoken of */
	bool adopted;   /* an earlier supervisor has started it: no child of this process ... */
	int pidfd;      /* ... but then there is this, which tells its end */
};

/* Starts this program anew in another role (--engine, --compiler: main.c), by its own executable, so that it never shares
 * the supervisor's memory. */
int sl_child_start(struct sl_child *c, const char *role, const struct sl_priv_user *user);
/* The same with another program, a helper of this one: such as links libraries that no engine needs. */
int sl_child_start_helper(struct sl_child *c, const char *helper, const char *role,
                          const struct sl_priv_user *user);
/* In such a process: the user that its command line names. */
struct sl_priv_user sl_child_user(const char *uid, const char *gid);
/* A process of ours that somebody else has started. ipc is taken over on SL_OK. */
int sl_child_adopt(struct sl_child *c, pid_t pid, int ipc);
/* Lets go of an adopted one, which lives on. */
void sl_child_forget(struct sl_child *c);
void sl_child_signal(const struct sl_child *c, int number);
/* It says that it has loaded a policy. False: it was given another one since, and will say so of that. */
bool sl_child_loaded(struct sl_child *c);
/* Has it ended? Then *status is what waitpid() gives, 0 for an adopted one, and c is empty. */
bool sl_child_ended(struct sl_child *c, int *status);
/* Asks it to end, and after limit_ms makes it. */
void sl_child_stop(struct sl_child *c, int limit_ms);
/* Ends it now, and waits for that. */
void sl_child_kill(struct sl_child *c);

#endif
