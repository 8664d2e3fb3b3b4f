/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rules_text.h - the rules as text, for `nft -f -` and for iptables-restore. Pure: the same configuration, the same text.
 * The configuration has been checked by sl_rules_open(), so no name in it needs quoting. */
#ifndef SL_DAEMON_RULES_TEXT_H
#define SL_DAEMON_RULES_TEXT_H

#include "base/out.h"
#include "daemon/rules.h"

#define SL_NFT_TABLE "sluice"  /* of the family inet */
#define SL_XT_PREFIX "SLUICE-" /* of every chain of ours */

/* Enough room for any text below. */
size_t sl_rules_text_max(const struct sl_rules_cfg *cfg);

/* One transaction: whatever was there is replaced. */
void sl_nft_text(const struct sl_rules_cfg *cfg, struct sl_out *o);

/* The tables that we have chains in, in the order of installation: refusing works before asking begins. */
enum sl_xt_table { SL_XT_FILTER, SL_XT_MANGLE, SL_XT_TABLES };
extern const char *const sl_xt_table_name[SL_XT_TABLES + 1]; /* ends in NULL */

/* A jump of ours, which is the first rule of a built-in chain. */
struct sl_xt_jump {
	enum sl_xt_table table;
	const char *from, *to;
};
#define SL_XT_JUMPS 3
extern const struct sl_xt_jump sl_xt_jump[SL_XT_JUMPS];

/* Declares and so empties our chains of a table, and fills them. family 4 or 6. */
void sl_xt_text_chains(const struct sl_rules_cfg *cfg, int family, enum sl_xt_table table, struct sl_out *o);
/* Puts our jumps of a table in front. */
void sl_xt_text_jumps(enum sl_xt_table table, struct sl_out *o);

#endif
