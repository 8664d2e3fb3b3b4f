/* SPDX-License-Identifier: GPL-2.0-or-later */
/* supervisor_operator.h - what stands beside the lists (standing.h), as the supervisor keeps it: the operator's words with their
 * file, the clock that turns schedules, the interfaces; and who waits for a change to be in force. */
#ifndef SL_DAEMON_SUPERVISOR_OPERATOR_H
#define SL_DAEMON_SUPERVISOR_OPERATOR_H

#include "daemon/child.h"
#include "daemon/interfaces.h"
#include "daemon/operator.h"
#include "daemon/trouble.h"

enum { SL_OPERATOR_WAITING = 16 };

/* A client whose change is on its way: it is answered when an engine has it, and the disk. */
struct sl_operator_waiting {
	uint64_t client; /* 0: the place is free */
	json_t *reply;
	uint64_t stands, kept; /* what it waits for; 0: nothing any more */
	struct sl_mono by;
};

struct sl_operator_state {
	struct sl_operator said;
	struct sl_interfaces interfaces;
	int watch;        /* of interfaces; -1: none */
	uint64_t moment;  /* which schedules are on ... */
	const void *conf; /* ... of this configuration; only compared */
	int64_t looked;   /* the second of the clock on the wall */
	uint64_t sent;    /* messages to an engine so far */
	uint64_t changes; /* of said */
	uint64_t keeping; /* the change that the keeper writes */
	uint64_t kept;    /* the last that is on the disk */
	struct sl_child keeper;
	struct sl_mono keep_at; /* .us 0: there is nothing to keep */
	struct sl_trouble error;
	struct sl_operator_waiting waiting[SL_OPERATOR_WAITING];
};

#endif
