/* SPDX-License-Identifier: GPL-2.0-or-later */
/* priv.h - the privileges that a process of ours sheds before it reads a byte of anybody's. */
#ifndef SL_DAEMON_PRIV_H
#define SL_DAEMON_PRIV_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

struct sl_priv_user {
	uid_t uid;
	gid_t gid;
	bool found;
};

/* name -> ids; found = false where there is no such user. */
struct sl_priv_user sl_priv_lookup(const char *name);
/* Of who works on lists: another user than the engine's where there is one, else the engine's. */
struct sl_priv_user sl_priv_lookup_lists(const char *name, const struct sl_priv_user *engine);
/* This process: the user's ids where it was found, CAP_NET_ADMIN and nothing else (the kernel wants it in the sender of a
 * verdict), an empty bounding set, no new privileges for ever. */
int sl_priv_drop(const struct sl_priv_user *user);
/* The same without CAP_NET_ADMIN: no capability is left. */
int sl_priv_drop_all(const struct sl_priv_user *user);

/* The supervisor's own: what it and the programs that it starts (iptables, nft) need is left, in the bounding set, too, and no new
 * privileges come; nothing is inherited and nothing is ambient. One that this process does not have is not missed here.
 * SL_EPERM: it is as it was. */
int sl_priv_keep(void);

#endif
