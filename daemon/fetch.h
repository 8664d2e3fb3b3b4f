/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fetch.h - the helper that fetches lists: the program sluice-fetch, started by the supervisor for one run. It has the ids of
 * `list_user`, no capability, sees the files that name resolution and certificates need (Landlock), and can connect and nothing else
 * (seccomp). What it brings goes into memory files that it was given.
 *
 * SL_IPC_FETCH carries {"limit_ms": N, "lists": [{"url", "max", "signed", "etag"?, "modified"?}, ...]} and, in their order, an
 * empty memory file for each list and behind it, where it is signed, one for the signature.
 * SL_IPC_FETCHING, ten times a second at most: {"done": bytes, "total": bytes or 0}
 * SL_IPC_FETCHED, once a list: {"same": true}: it has not changed; {"etag"?, "modified"?}: it is there, with its signature;
 *                 {"error": why} */
#ifndef SL_DAEMON_FETCH_H
#define SL_DAEMON_FETCH_H

#include <jansson.h>

#include "daemon/ipc.h"
#include "daemon/priv.h"

struct sl_fetch_list {
	const char *url, *etag, *modified; /* borrowed of the request; the latter two may be NULL */
	uint64_t max;                      /* bytes */
	int fd, signature;                 /* borrowed of the message; signature: -1 where there is none */
};

struct sl_fetch_request {
	json_t *json;
	int64_t limit_ms; /* for each */
	struct sl_fetch_list *list;
	size_t lists;
};

/* Reads the message. SL_OK, SL_EMALF, SL_ENOMEM. */
int sl_fetch_request_read(const struct sl_ipc_msg *msg, struct sl_fetch_request *out);
void sl_fetch_request_free(struct sl_fetch_request *r);

/* Fetches them, four at a time, and says how it went. */
int sl_fetch_run(const struct sl_fetch_request *r, int ipc);
/* From now on this process connects, resolves and writes to what it holds. SL_OK, SL_ESYS. */
int sl_fetch_box(void);

#endif
