/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nft_link.h - the few things that we ask nf_tables directly, where the program `nft` would be slower or would race.
 * family is NFPROTO_IPV4, NFPROTO_IPV6 or NFPROTO_INET. Each call opens a socket of its own; any thread.
 * Returns SL_OK, SL_ENOENT when there is no such thing, SL_EBUSY when it is in use, SL_EPERM, SL_EUNSUP when the kernel
 * has no nf_tables, SL_ETIME, SL_ESYS. */
#ifndef SL_DAEMON_NFT_LINK_H
#define SL_DAEMON_NFT_LINK_H

#include "base/err.h"

int sl_nft_table_exists(int family, const char *table);
int sl_nft_chain_exists(int family, const char *table, const char *chain);
/* With everything in it. */
int sl_nft_table_delete(int family, const char *table);
/* Only while nothing is in it, and for a chain only while it accepts by default: the kernel checks and deletes at once. */
int sl_nft_table_delete_unused(int family, const char *table);
int sl_nft_chain_delete_unused(int family, const char *table, const char *chain);

#endif
