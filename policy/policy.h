/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy.h - the compiled policy as the daemon sees it: built once, then immutable and asked by any number of threads
 * without a lock. How lists combine is written in policy-resolution, how a question is put in decide.h; a policy is a
 * snapshot (snapshot.h), either one that was opened from a file or one that was compiled in memory. */
#ifndef SL_POLICY_POLICY_H
#define SL_POLICY_POLICY_H

#include "base/bytes.h"
#include "base/diag.h"
#include "base/err.h"
#include "policy/category.h"
#include "policy/decide.h"
#include "policy/groups.h"
#include "policy/list.h"

struct sl_policy;         /* immutable */
struct sl_policy_builder; /* one thread */

struct sl_policy_list {
	const char *name; /* copied; unique */
	enum sl_list_kind kind;
	struct sl_list_cfg cfg;
};

/* ---- from lists ---- */

int sl_policy_builder_new(struct sl_policy_builder **out);
void sl_policy_builder_free(struct sl_policy_builder **b);
/* Adds one list from memory, as a category of its own; text is not needed afterwards. At most 64 lists (SL_ELIMIT), each
 * with a name of its own (SL_EEXIST). On failure nothing of this list counts and the builder can go on. stats may be
 * NULL. */
int sl_policy_builder_add(struct sl_policy_builder *b, const struct sl_policy_list *list,
                          struct sl_bytes text, const struct sl_diag *diag, struct sl_list_stats *stats);
/* The same for a text that comes in pieces: begin, feed as often as there is some, then end, or drop for one that shall
 * not count. list's file and diag are borrowed until then. */
int sl_policy_builder_begin(struct sl_policy_builder *b, const struct sl_policy_list *list,
                            const struct sl_diag *diag);
int sl_policy_builder_feed(struct sl_policy_builder *b, struct sl_bytes piece);
int sl_policy_builder_end(struct sl_policy_builder *b, struct sl_list_stats *stats);
void sl_policy_builder_drop(struct sl_policy_builder *b);
/* Moves all that was added into a policy; leaves the builder empty. */
int sl_policy_builder_finish(struct sl_policy_builder *b, struct sl_policy **out);

/* ---- from a snapshot ---- */

/* Takes an open snapshot over; its image stays the caller's and must outlive the policy. */
int sl_policy_of(struct sl_snapshot **s, struct sl_policy **out);
const struct sl_snapshot *sl_policy_snapshot(const struct sl_policy *p);
/* Reads a byte of every 2 MiB of it. A hypervisor that keeps page tables of its own drops them when its guest unmaps much, an old
 * policy say, and fills them when a page is touched next: better here than by those who judge. Any thread. */
void sl_policy_touch(const struct sl_policy *p);
/* What holds the image goes with the policy: release(ctx) is called when it is freed, once. */
void sl_policy_keep(struct sl_policy *p, void (*release)(void *ctx), void *ctx);

void sl_policy_free(struct sl_policy **p);

/* ---- with groups ---- */

/* The same snapshot with these groups (taken over on SL_OK; NULL: none), which may differ from those of p. Both live on their own;
 * what they share goes with the last. Making and freeing them is one thread's work; asking is any number's. SL_OK, SL_ENOMEM. */
int sl_policy_regroup(const struct sl_policy *p, struct sl_groups **groups, struct sl_policy **out);
const struct sl_groups *sl_policy_groups(const struct sl_policy *p); /* NULL: none */

/* The shipped never-block set (captive-portal checks, OS update and time hosts), a domain list as text. */
struct sl_bytes sl_policy_never_block(void);

/* As sl_decide() and sl_decide_many(). */
void sl_policy_decide(const struct sl_policy *p, const struct sl_query *q, struct sl_decision *out);
void sl_policy_decide_many(const struct sl_policy *p, const struct sl_query *q, size_t n,
                           struct sl_decision *out);

uint16_t sl_policy_lists(const struct sl_policy *p);
const char *sl_policy_list_name(const struct sl_policy *p, uint16_t list); /* NULL beyond the last */
const char *sl_policy_list_file(const struct sl_policy *p, uint16_t list);
enum sl_list_kind sl_policy_list_kind(const struct sl_policy *p, uint16_t list);
uint64_t sl_policy_entries(const struct sl_policy *p); /* without those that a list holds twice */

#endif
