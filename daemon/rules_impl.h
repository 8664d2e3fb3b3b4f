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

struct sl_rules_ops {
	const char *name;
	int (*probe)(struct sl_rules *r, const char *suffix, const struct sl_diag *diag);
	int (*install)(struct sl_rules *r, const struct sl_diag *diag);
	/* What stands now, as text to compare; SL_ENOENT when something is missing. The caller frees *text. */
	int (*listing)(struct sl_rules *r, char **text);
	int (*count)(struct sl_rules *r, struct sl_rules_counts *out); /* since the installation */
};

struct sl_rules {
	struct sl_rules_cfg cfg;
	const struct sl_rules_ops *ops;
	struct sl_xt xt;
	struct sl_rules_watch *watch;
	bool installed;
	char *seen; /* the listing after our installation */
	struct sl_rules_counts total,
	        last; /* all we have seen; the last reading since the last installation */
};

extern const struct sl_rules_ops sl_rules_nft, sl_rules_xt_nft, sl_rules_xt_legacy;

/* Says "WHAT: first line of its complaint". */
void sl_rules_complain(const struct sl_diag *diag, const char *what, const struct sl_command_reply *reply);

/* Takes our rules out of the tables that xt speaks to. Fine when there are none, or no such tables. */
int sl_xt_remove(struct sl_xt *xt, const struct sl_diag *diag);
/* Does iptables SUFFIX exist here, and which tables does it speak to? */
bool sl_xt_find(struct sl_xt *xt, const char *suffix);

#endif
