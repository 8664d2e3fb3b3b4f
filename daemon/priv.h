/* SPDX-License-Identifier: GPL-2.0-or-later */
/* priv.h - the privileges that engine and compiler shed before they read a byte of anybody's. */
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
/* This process: the user's ids where it was found, CAP_NET_ADMIN and nothing else (the kernel wants it in the sender of a
 * verdict), an empty bounding set, no new privileges for ever. */
int sl_priv_drop(const struct sl_priv_user *user);
/* The same without CAP_NET_ADMIN: no capability is left. */
int sl_priv_drop_all(const struct sl_priv_user *user);

#endif
