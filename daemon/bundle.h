/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bundle.h - one state of the configuration and of all its list files: first as descriptors for the compiler, then as the
 * snapshot that it made of them. An engine that is started later maps the same snapshot, whatever the files have become
 * meanwhile. Supervisor only; nothing in it is parsed here but the configuration. */
#ifndef SL_DAEMON_BUNDLE_H
#define SL_DAEMON_BUNDLE_H

#include <jansson.h>

#include "base/diag.h"
#include "daemon/conf.h"
#include "daemon/feeds.h"

struct sl_bundle; /* opaque */

/* Reads the configuration at path. On failure diag was told file, line and reason. */
int sl_bundle_read(const char *path, const struct sl_diag *diag, struct sl_bundle **out);
/* Opens the files of its lists, or what feeds hold instead; feeds may be NULL. A list with url that was never fetched is left out. */
int sl_bundle_open_lists(struct sl_bundle *b, const struct sl_feeds *feeds, const struct sl_diag *diag);
/* A bundle with the same configuration, for a snapshot that was made earlier. */
int sl_bundle_like(const struct sl_bundle *other, struct sl_bundle **out);
void sl_bundle_free(struct sl_bundle **b);
const struct sl_conf *sl_bundle_conf(const struct sl_bundle *b);
/* A configuration of the caller's own, from the same bytes. */
int sl_bundle_parse(const struct sl_bundle *b, const struct sl_diag *diag, struct sl_conf **out);
/* What may go with it. kept: a snapshot that was kept in a file, and what compiling it said of it: it is taken where it is made of the
 * same; -1: none. before and seen: the compiler shall say what the policy of that bundle would say else of these names (dry_run.h);
 * NULL, -1: nothing to compare with. All borrowed. */
struct sl_bundle_beside {
	int kept;
	const json_t *about;
	const struct sl_bundle *before;
	int seen;
};
/* Sends it to a compiler (SL_IPC_COMPILE). behind: others judge meanwhile, and come first. beside: NULL: nothing. */
int sl_bundle_compile(const struct sl_bundle *b, int ipc, uint64_t generation, bool behind,
                      const struct sl_bundle_beside *beside);
/* The same with a snapshot that was kept in a file (SL_IPC_RESTORE); from is borrowed. */
int sl_bundle_restore(const struct sl_bundle *b, int from, int ipc, uint64_t generation, bool behind);
int sl_bundle_snapshot_fd(const struct sl_bundle *b); /* borrowed */
/* The compiler says that the snapshot is there; about is what it says of it, taken over. The lists are closed. Returns
 * SL_OK, or SL_EMALF where the snapshot is not sealed: then it is not used. */
int sl_bundle_compiled(struct sl_bundle *b, json_t *about);
bool sl_bundle_is_compiled(const struct sl_bundle *b);
const json_t *sl_bundle_about(const struct sl_bundle *b); /* NULL: not known */
/* The sealed copy of the configuration, a descriptor of the caller's own; -1: errno says why. */
int sl_bundle_conf_fd(const struct sl_bundle *b);
/* Sends the snapshot to an engine (SL_IPC_LOAD), and with it a configuration, which need not be the bundle's. */
int sl_bundle_send(const struct sl_bundle *b, int conf_fd, int ipc, uint64_t generation);
/* The descriptors of a compiled one; they stay its own. */
void sl_bundle_lend(const struct sl_bundle *b, int *snapshot, int *conf);
/* One that was lent to this program by an earlier one: path is the configuration's; the descriptors are taken over on SL_OK, about is
 * shared. SL_EMALF, told: the snapshot is not sealed, the configuration says nothing to this version. */
int sl_bundle_revive(const char *path, int snapshot, int conf, json_t *about, const struct sl_diag *diag,
                     struct sl_bundle **out);

#endif
