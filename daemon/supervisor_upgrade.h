/* SPDX-License-Identifier: GPL-2.0-or-later */
/* supervisor_upgrade.h - an upgrade in place, as the supervisor holds it. docs/upgrade.md */
#ifndef SL_DAEMON_SUPERVISOR_UPGRADE_H
#define SL_DAEMON_SUPERVISOR_UPGRADE_H

#include <jansson.h>

#include "base/mono.h"
#include "daemon/child.h"

enum { SL_PROGRAM_PATH_MAX = 1024 };

struct sl_upgrade {
	char program[SL_PROGRAM_PATH_MAX]; /* where what runs now was found */

	/* The one under way. */
	struct sl_child trial; /* pid 0: none, or it has ended */
	struct sl_mono limit_at;
	int fd; /* of the new program; -1: no upgrade is under way */
	char path[SL_PROGRAM_PATH_MAX];
	struct sl_child engine; /* the new program's, ready; pid 0: not yet */
	int snapshot, conf;     /* that it compiled; -1: it understands what is in force */
	json_t *about;

	/* Also across the change. */
	uint64_t client; /* waits for the answer ... */
	bool waiting;    /* ... if anybody does */
	bool then_reload;
	bool finishing; /* this is the new program: its engine is to judge */
	char was[64];   /* ... and this was the old one's version */
};

#endif
