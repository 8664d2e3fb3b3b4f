/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_url_set.h - what a URL filter looks into: the sub-URLs of its profile, a prefilter of Apple's format, and, where a device would ask
 * its PIR server, the verdict engine (NE-CHOICE-40). For filter/ne_url.h, which knows no lists. One thread. */
#ifndef SL_DAEMON_NE_URL_SET_H
#define SL_DAEMON_NE_URL_SET_H

#include "base/diag.h"
#include "filter/ne_url.h"
#include "policy/decide.h"
#include "policy/suburl.h"

struct sl_ne_url_set; /* opaque */

/* parsing: as in policy/decide.h; borrowed, of SL_PROFILE_NE27 only. profile: not native. Nothing is listed at first.
 * SL_OK, SL_ENOMEM. */
int sl_ne_url_set_new(enum sl_profile profile, const struct sl_suburl_parsing *parsing,
                      struct sl_ne_url_set **out);
void sl_ne_url_set_free(struct sl_ne_url_set **set);

/* The entries of the data set, one a line, as a list of URLs; name is theirs in what diag is told. The old ones stay where this
 * fails: SL_EMALF, told; SL_ENOMEM. */
int sl_ne_url_set_entries(struct sl_ne_url_set *set, const char *name, struct sl_bytes lines,
                          const struct sl_diag *diag);
/* Can the exact check be made, and is the server set up? Both, at first. */
void sl_ne_url_set_reachable(struct sl_ne_url_set *set, bool reachable);
void sl_ne_url_set_ready(struct sl_ne_url_set *set, bool ready);

/* For struct sl_ne_url_config. */
void sl_ne_url_set_lookup(struct sl_ne_url_set *set, struct sl_ne_url_lookup *out);

/* The sub-URLs of the last URL that passed the prefilter, and of them the entries; each a line, valid until the next request. */
struct sl_bytes sl_ne_url_set_hits(const struct sl_ne_url_set *set);
struct sl_bytes sl_ne_url_set_listed(const struct sl_ne_url_set *set);

#endif
