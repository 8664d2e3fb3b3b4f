/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/priv.h"

#include <cap-ng.h>
#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <sys/prctl.h>

struct sl_priv_user sl_priv_lookup(const char *name)
{
	const struct passwd *pw = name == NULL || *name == '\0' ? NULL : getpwnam(name);

	if (pw == NULL)
		return (struct sl_priv_user){ 0, 0, false };
	return (struct sl_priv_user){ pw->pw_uid, pw->pw_gid, true };
}

/* What capng_clear() and capng_update() have chosen is all that is left. */
static int apply(const struct sl_priv_user *user)
{
	int failed;

	if (user->found)
		failed = capng_change_id((int)user->uid, (int)user->gid,
		                         CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING);
	else
		failed = capng_apply(CAPNG_SELECT_BOTH);
	if (failed != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return SL_EPERM;
	return SL_OK;
}

int sl_priv_drop(const struct sl_priv_user *user)
{
	capng_clear(CAPNG_SELECT_BOTH);
	(void)capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_ADMIN);
	return apply(user);
}

int sl_priv_drop_all(const struct sl_priv_user *user)
{
	capng_clear(CAPNG_SELECT_BOTH);
	return apply(user);
}
