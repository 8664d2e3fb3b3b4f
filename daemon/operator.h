/* SPDX-License-Identifier: GPL-2.0-or-later */
/* operator.h - what the operator said since the configuration was written: names that are allowed or blocked, for a while or for
 * good, and shadow lists that are armed. Kept as JSON in the state folder (operator.json), which sluice writes and nobody edits:
 *   {"version": 1, "next": 4, "entries": [{"id": 3, "what": "allow", "name": "x.example", "group": "kids",
 *    "since": 1767225600, "until": 1767227400, "because": "homework"}]}
 * group absent: all groups; until absent: for good; times in seconds since 1970. One thread. */
#ifndef SL_DAEMON_OPERATOR_H
#define SL_DAEMON_OPERATOR_H

#include <jansson.h>

#include "base/bytes.h"
#include "base/diag.h"
#include "base/err.h"

enum sl_operator_what { SL_OPERATOR_ALLOW, SL_OPERATOR_BLOCK, SL_OPERATOR_ARM };

enum { SL_OPERATOR_MAX = 4096, SL_OPERATOR_BECAUSE_MAX = 400 };

struct sl_operator_entry {
	uint32_t id; /* never given twice; also says which of two is newer */
	enum sl_operator_what what;
	char *name;    /* canonical (policy/words.h); of SL_OPERATOR_ARM: of a list */
	char *group;   /* NULL: all */
	char *because; /* NULL: it was not said */
	int64_t since;
	int64_t until; /* 0: for good */
};

struct sl_operator {
	struct sl_operator_entry *entry; /* the oldest first */
	size_t n;
	uint32_t next;
};

void sl_operator_init(struct sl_operator *o);
void sl_operator_free(struct sl_operator *o); /* leaves an empty one */
/* "allow", "block", "arm". */
const char *sl_operator_what_name(enum sl_operator_what what);

/* A file's text. On failure *out is untouched and diag was told what is wrong; SL_EMALF, SL_ENOMEM. Entries that are over are read,
 * too. */
int sl_operator_read(const char *file, struct sl_bytes text, const struct sl_diag *diag,
                     struct sl_operator *out);
json_t *sl_operator_json(const struct sl_operator *o); /* NULL: no memory */

/* Adds one; its texts are copied, its id is given. SL_OK, SL_ENOMEM; SL_ELIMIT: there are SL_OPERATOR_MAX. */
int sl_operator_add(struct sl_operator *o, const struct sl_operator_entry *entry, uint32_t *id);
const struct sl_operator_entry *sl_operator_find(const struct sl_operator *o, uint32_t id);
void sl_operator_remove(struct sl_operator *o, uint32_t id);
/* The first whose time is over; NULL: none. */
const struct sl_operator_entry *sl_operator_expired(const struct sl_operator *o, int64_t now);
bool sl_operator_is_armed(const struct sl_operator *o, const char *list);

#endif
