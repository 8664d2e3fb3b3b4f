/* SPDX-License-Identifier: GPL-2.0-or-later */
/* audit.h - who changed what, and how it ended: one line a change in the daemon's log, and, with the option audit_log, one JSON object
 * in a file, which a thread of its own writes, so that nobody waits for a disk. The supervisor's one thread uses it.
 *   {"timestamp", "uid", "gid", "pid", "comm", "cmd", "args": {}, "ok": true}, or "ok": false with "error" */
#ifndef SL_DAEMON_AUDIT_H
#define SL_DAEMON_AUDIT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/ctl_peer.h"

enum { SL_AUDIT_PENDING = 64, SL_AUDIT_ARGS_MAX = 2048 };

struct sl_flow_log;

struct sl_audit {
	struct sl_audit_entry {
		uint64_t client; /* 0: free */
		struct sl_ctl_peer peer;
		json_t *args; /* of the request, "v" left out; ours */
	} pending[SL_AUDIT_PENDING];
	struct sl_flow_log *file; /* NULL: none */
};

/* path: "" for none. Also at a reload, which opens the file anew. */
void sl_audit_open(struct sl_audit *a, const char *path);
void sl_audit_close(struct sl_audit *a);
/* This client has asked for a change, which is answered later. args is borrowed. */
void sl_audit_begin(struct sl_audit *a, uint64_t client, const struct sl_ctl_peer *peer, const json_t *args);
/* What it came to; nothing where no change was asked for. */
void sl_audit_end(struct sl_audit *a, uint64_t client, const json_t *reply);
/* An upgrade: what is pending of this client goes to the next program, and from there on under another number. */
json_t *sl_audit_state(const struct sl_audit *a, uint64_t client); /* NULL: nothing */
void sl_audit_resume(struct sl_audit *a, uint64_t client, const json_t *state);

#endif
