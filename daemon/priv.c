/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/priv.h"

#include <cap-ng.h>
#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <sys/prctl.h>

#include "base/util.h"

struct sl_priv_user sl_priv_lookup(const char *name)
{
	const struct passwd *pw = name == NULL || *name == '\0' ? NULL : getpwnam(name);

	if (pw == NULL)
		return (struct sl_priv_user){ 0, 0, false };
	return (struct sl_priv_user){ pw->pw_uid, pw->pw_gid, true };
}

struct sl_priv_user sl_priv_lookup_lists(const char *name, const struct sl_priv_user *engine)
{
	struct sl_priv_user lists = sl_priv_lookup(name);

	return lists.found ? lists : *engine;
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
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
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

/* As in systemd/sluiced.service, which says the same of the process from outside (ctest -R daemon/priv). */
static const unsigned kept[] = {
	CAP_NET_ADMIN,    /* queues, rules, connection marks, receive buffers */
	CAP_NET_RAW,      /* resets to servers */
	CAP_KILL,         /* an engine that hangs runs as another user */
	CAP_SETUID,       /* the others become those users, */
	CAP_SETGID,       /* with their groups alone, */
	CAP_SETPCAP,      /* and give up all of this for ever */
	CAP_CHOWN,        /* the flow log is given to the engine's user ... */
	CAP_DAC_OVERRIDE, /* ... and opened anew when it is */
	CAP_SYS_NICE,     /* programs that put flushed rules back go ahead of others */
};

int sl_priv_keep(void)
{
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_get_caps_process() != 0)
		return SL_EPERM;
	bool has[SL_COUNT(kept)], bound[SL_COUNT(kept)];
	for (size_t i = 0; i < SL_COUNT(kept); i++) {
		has[i] = capng_have_capability(CAPNG_PERMITTED, kept[i]) != 0;
		bound[i] = capng_have_capability(CAPNG_BOUNDING_SET, kept[i]) != 0;
	}
	capng_clear(CAPNG_SELECT_BOTH);
	for (size_t i = 0; i < SL_COUNT(kept); i++) {
		if (has[i])
			(void)capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, kept[i]);
		if (bound[i])
			(void)capng_update(CAPNG_ADD, CAPNG_BOUNDING_SET, kept[i]);
	}
	/* The bounding set goes first: that takes CAP_SETPCAP, which is among them. */
	if (capng_apply(CAPNG_SELECT_BOTH) != 0)
		return SL_EPERM;
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? SL_OK : SL_EPERM;
}
