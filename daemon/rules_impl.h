/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rules_impl.h - what rules.c and the two backends share; nobody else includes it. */
#ifndef SL_DAEMON_RULES_IMPL_H
#define SL_DAEMON_RULES_IMPL_H

#include "base/out.h"
#include "daemon/command.h"
#include "daemon/rules.h"
#include "daemon/rules_text.h"
#include "daemon/rules_watch.h"

#define SL_RULES_TIMEOUT_MS 10000
#define SL_RULES_OUTPUT_MAX (64U << 20) /* a filter table of others may hold many rules */

enum { SL_IPV4, SL_IPV6, SL_FAMILIES };

/* One way of running iptables: "iptables" SUFFIX "-save". */
struct sl_xt {
	const char *suffix; /* "", "-nft", "-legacy" */
	bool legacy;        /* speaks to the legacy tables, not to nf_tables */
	bool v6;            /* false where the kernel has no IPv6 */
	/* What iptables-nft made because of our rules: taken away again, while empty. */
	bool made_table[SL_FAMILIES][SL_XT_TABLES], made_chain[SL_FAMILIES][SL_XT_JUMPS];
};

/* What stands, as the tools say it, counters included: one look serves the comparison, the counting and the
 * installation, since every program that is started costs tens of milliseconds on a busy machine, and while rules are
 * missing traffic passes unjudged. [0] alone for nft; a family each for xt. */
struct sl_rules_look {
	struct sl_command_reply save[SL_FAMILIES];
	bool taken;
};

struct sl_rules_ops {
	const char *name;
	int (*probe)(struct sl_rules *r, const char *suffix, const struct sl_diag *diag);
	/* Takes r->look. SL_ENOENT when what holds our rules is not there. */
	int (*look)(struct sl_rules *r);
	/* Starts from r->look where it is taken; takes another one where that is missing or outdated. */
	int (*install)(struct sl_rules *r, const struct sl_diag *diag);
	/* Of r->look, as text to compare; SL_ENOENT when something is missing. The caller frees *text. */
	int (*listing)(const struct sl_rules *r, char **text);
	void (*count)(const struct sl_rules *r,
	              struct sl_rules_counts *out); /* of r->look, since the installation */
};

struct sl_rules {
	struct sl_rules_cfg cfg;
	const struct sl_rules_ops *ops;
	struct sl_xt xt;
	struct sl_rules_watch *watch;
	bool installed;
	struct sl_rules_look look; /* between verify and the installation that follows it */
	char *seen;                /* the listing after our first installation */
	bool unseen;               /* installed again and not looked at since */
	struct sl_rules_counts total,
	        last; /* all we have seen; the last reading since the last installation */
};

extern const struct sl_rules_ops sl_rules_nft, sl_rules_xt_nft, sl_rules_xt_legacy;

void sl_rules_look_free(struct sl_rules_look *look);

/* Says "WHAT: first line of its complaint". */
void sl_rules_complain(const struct sl_diag *diag, const char *what, const struct sl_command_reply *reply);

/* Takes our rules out of the tables that xt speaks to. Fine when there are none, or no such tables. */
int sl_xt_remove(struct sl_xt *xt, const struct sl_diag *diag);
/* made_table and made_chain as a number, and back. */
uint32_t sl_xt_made(const struct sl_xt *xt);
void sl_xt_set_made(struct sl_xt *xt, uint32_t made);
/* Does iptables SUFFIX exist here, and which tables does it speak to? */
bool sl_xt_find(struct sl_xt *xt, const char *suffix);

#endif
