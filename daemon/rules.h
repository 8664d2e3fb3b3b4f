/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rules.h - the kernel rules that queue undecided packets and carry out verdicts (design: the life of a flow).
 *
 * One interface, two backends: nft with `queue` where the kernel has it (rules_nft.c), xt NFQUEUE through iptables and
 * ip6tables where not (rules_xt.c). Everything lives in a table or in chains of our own; nobody else's rule is touched.
 * Used by the supervisor's one thread. Commands are run as child processes, never through a shell. */
#ifndef SL_DAEMON_RULES_H
#define SL_DAEMON_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/err.h"
#include "daemon/inside.h"

enum sl_backend { SL_BACKEND_AUTO, SL_BACKEND_NFT, SL_BACKEND_IPTABLES, SL_BACKEND_IPTABLES_LEGACY };

enum {
	SL_RULES_SYN_BYTES = 128
}; /* of a SYN that are copied: headers with all their options, and some of IPv6's */

struct sl_rules_cfg {
	enum sl_backend backend;
	const struct sl_inside *inside; /* borrowed for the life of the rules */
	size_t insides;
	uint16_t queue_first, queue_count;
	bool bypass;        /* with no listener on the queue packets pass instead of being dropped */
	bool refuse_silent; /* blocked TCP is dropped instead of reset */
	bool refuse_icmp;   /* who sends a blocked datagram is told so, where it opened the flow */
	bool ask_syn;       /* SYNs are queued, too */
	bool copy_syn; /* they are not, but the NFLOG group with the number of queue_first gets a copy of their headers */
	bool both; /* of both directions everything with payload, SYN, FIN or RST is queued: what comes from inside to the queues
	               * above, what goes to inside to as many behind them */
	bool answers; /* answers of DNS over UDP to clients inside are queued, too, marked as such (daemon/mark.h) */
	uint32_t mark_mask; /* daemon/mark.h */
};

struct sl_rules_counts {
	/* should have been judged and were not: queue bypass, fail-open, another's ACCEPT */
	uint64_t unjudged_packets;
	/* from inside, with payload, that conntrack calls INVALID: passed, never queued */
	uint64_t invalid_packets;
	/* blocked ones that another's ACCEPT led past our refusal: dropped by the last rule */
	uint64_t unrefused_packets;
};

struct sl_rules; /* opaque */

/* Probes which backend works here. SL_EUNSUP, with words for diag, when none does. Installs nothing. */
int sl_rules_open(const struct sl_rules_cfg *cfg, const struct sl_diag *diag, struct sl_rules **out);
/* Does it work with copy_syn? Where the kernel has no such rule, or sl_rules_without_copies() said so, it does not. */
bool sl_rules_copies(const struct sl_rules *r);
void sl_rules_without_copies(struct sl_rules *r);       /* before the installation */
void sl_rules_close(struct sl_rules **r);               /* does not remove the rules */
const char *sl_rules_backend(const struct sl_rules *r); /* "nft", "iptables (nf_tables)", "iptables-legacy" */

/* Puts the rules in place, atomically per table; again and after a crash as well. */
int sl_rules_install(struct sl_rules *r, const struct sl_diag *diag);
/* What a supervisor that takes these rules over needs to know of them; strings are borrowed, seen NULL: none stand. */
struct sl_rules_kept {
	const char *backend, *suffix, *seen;
	bool v6, copies;
	uint32_t made;        /* what is to be taken away with them; opaque */
	uint64_t fingerprint; /* of what an installation would put in place */
	struct sl_rules_counts total, last;
};
void sl_rules_tell(const struct sl_rules *r, struct sl_rules_kept *out);
/* They were installed by another supervisor and stay as they are: the next sl_rules_verify() says whether they stand. Nothing is probed:
 * a transaction of nf_tables that is only checked makes hooks and takes them away again, and with a hook the kernel drops
 * whatever waits in any queue. SL_ENOENT: ours would be others; open and install. */
int sl_rules_open_kept(const struct sl_rules_cfg *cfg, const struct sl_rules_kept *kept,
                       struct sl_rules **out);
bool sl_rules_installed(const struct sl_rules *r); /* by us, or kept */
/* Takes all of ours away, of every backend, whatever is there of it. Fine when nothing is. */
int sl_rules_remove(struct sl_rules *r, const struct sl_diag *diag);
/* Is everything as installed, and ahead of others' rules? SL_OK, or SL_ENOENT when something is missing or altered: an
 * installation that follows at once starts from what was seen here, which saves it half its time. */
int sl_rules_verify(struct sl_rules *r);
/* Did somebody touch a rule set since the last call? Cheap. Poll fd() for input (-1: none), and call at least every
 * 250 ms where poll_needed() (legacy tables send no notifications). */
int sl_rules_watch_fd(const struct sl_rules *r);
bool sl_rules_watch_poll_needed(const struct sl_rules *r);
bool sl_rules_watch_changed(struct sl_rules *r);
int sl_rules_count(struct sl_rules *r, struct sl_rules_counts *out);

#endif
