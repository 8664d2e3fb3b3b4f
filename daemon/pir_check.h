/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pir_check.h - does this URL filter work? Prefilter, PIR input and configurations of one folder, held against each other
 * and asked as a device asks (NE-URL-08). As JSON:
 *   profile, files [{ name, what, ... }]
 *   faults   sentences: what keeps the filter from blocking, or the server from starting
 *   notes    sentences: what is worth knowing
 *   urls     [{ url, keys, hits [...], found [...], unasked [...], verdict, why }]
 *            keys: how many sub-URLs; hits: those that the prefilter passes, each a query to PIR; found: those that the PIR
 *            input holds and the device asks for; unasked: those that it holds and the prefilter does not pass;
 *            verdict: "deny", "allow", or null where the URL is none */
#ifndef SL_DAEMON_PIR_CHECK_H
#define SL_DAEMON_PIR_CHECK_H

#include "daemon/pir_entry.h"
#include "daemon/pir_folder.h"

struct sl_pir_check {
	const char *dir;
	const char *bundle; /* the app's bundle identifier; NULL where it is not known */
	struct sl_pir_asking asking;
	const char *const *url;
	size_t urls;
};

/* Returns SL_OK; SL_ESYS with errno: no folder; SL_ENOMEM. out is given back with json_decref(). */
int sl_pir_check(const struct sl_pir_check *check, json_t **out);

/* Configurations against each other and against the rows: faults and notes. */
void sl_pir_check_conf(const struct sl_pir_folder *folder, const char *bundle, json_t *faults, json_t *notes);

/* A sentence more. */
SL_PRINTF(2, 3) void sl_pir_say(json_t *to, const char *fmt, ...);

#endif
