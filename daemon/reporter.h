/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reporter.h - the process that serves metrics over HTTP: sluice-reporter, a program of its own, so that neither supervisor nor engine
 * reads a byte of HTTP. It has no privileges, opens and connects nothing, and has one socket to accept on and one to the supervisor.
 *
 * GET /metrics is Prometheus' text. Each connection is one request. A client that is slow or silent is closed: at most
 * SL_REPORTER_CLIENTS at once, each for SL_REPORTER_CLIENT_MS; where all places are taken, for SL_REPORTER_CROWDED_MS. The
 * supervisor is asked at most once in SL_REPORTER_FRESH_MS, whatever clients do. */
#ifndef SL_DAEMON_REPORTER_H
#define SL_DAEMON_REPORTER_H

#include "base/err.h"

enum {
	SL_REPORTER_CLIENTS = 32,
	SL_REPORTER_CLIENT_MS = 5000,
	SL_REPORTER_CROWDED_MS = 500,
	SL_REPORTER_FRESH_MS = 1000,
	SL_REPORTER_WAIT_MS = 2000, /* for the supervisor's answer; then clients get 503 */
};

/* Serves until the supervisor is gone (SL_ENOENT); both descriptors are taken over. Without begin nothing else can fail than there.
 * begun  called when all is there and no byte of a client has been read */
int sl_reporter_run(int ipc, int listener, int (*begun)(void));

/* Landlock and seccomp, for good. SL_ESYS: the kernel has not both; errno says why. */
int sl_reporter_box(void);

#endif
