/* SPDX-License-Identifier: GPL-2.0-or-later */
/* generations.h - the policies that are kept in the state folder, newest last, and which of them is pinned. The folder:
 *   generations/N.snapshot  the policy           generations/N.json  when and why it was made, and what compiling came to
 *   lists/NAME.list         what was fetched     index.json          which of these count
 * Nobody but the keeper writes there. One thread. */
#ifndef SL_DAEMON_GENERATIONS_H
#define SL_DAEMON_GENERATIONS_H

#include <jansson.h>

#include "base/err.h"
#include "daemon/feeds.h"

struct sl_generation {
	uint64_t number;
	int64_t made;  /* s since 1970 */
	char why[32];  /* "start", "reload", "update" */
	json_t *about; /* of compiling; json null where it is not known */
	bool stored;   /* it is on the disk */
};

struct sl_generations {
	const char *folder; /* borrowed; "": nothing is kept */
	int lock;           /* of the folder; -1: another daemon has it, or there is none */
	struct sl_generation *one;
	size_t n;
	uint64_t last;   /* the highest number that was ever given */
	uint64_t pinned; /* 0: none; else rolled back to it, and no list changes that */
};

/* Reads the folder. Generations that were made of another configuration file than conf_path are left out, and so are the feeds'
 * notes. What cannot be read is told to the log and left out: this never fails. */
void sl_generations_open(struct sl_generations *g, const char *folder, const char *conf_path,
                         struct sl_feeds *feeds);
void sl_generations_lock(struct sl_generations *g); /* once the folder is there; a lock that is held stays */
void sl_generations_close(struct sl_generations *g);
const struct sl_generation *sl_generations_find(const struct sl_generations *g, uint64_t number);
/* The last one on the disk; NULL: none. */
const struct sl_generation *sl_generations_newest(const struct sl_generations *g);
/* A new one, which is not on the disk yet. about is borrowed. SL_OK, SL_ENOMEM. */
int sl_generations_add(struct sl_generations *g, uint64_t number, const char *why, int64_t made,
                       const json_t *about);
/* A descriptor of a kept policy; -1 with errno. */
int sl_generations_snapshot(const struct sl_generations *g, uint64_t number);
/* Sends all that is to be on the disk to a keeper: the policy in snapshot, what the feeds hold, the index; and what is to go,
 * so that `keep` policies stay, the pinned one among them. */
int sl_generations_store(struct sl_generations *g, int ipc, uint64_t number, int snapshot,
                         const char *conf_path, const struct sl_feeds *feeds, const struct sl_conf *conf);
/* It is on the disk: what is no longer to be there is forgotten. */
void sl_generations_stored(struct sl_generations *g, uint64_t number, uint32_t keep);
json_t *sl_generations_json(const struct sl_generations *g);

#endif
