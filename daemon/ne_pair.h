/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_pair.h - which flow of one recording is which of another: by protocol and remote end, then by the local end where both know it,
 * else by time within a window, order and bytes. The clocks may differ: by how much is estimated from flows that can only be
 * each other's. One flow may be several of the other's: a socket's datagrams are split by a gateway's idle limit (NE-FLOW-01). */
#ifndef SL_DAEMON_NE_PAIR_H
#define SL_DAEMON_NE_PAIR_H

#include "daemon/ne_recording.h"

enum { SL_NE_ALONE = -1 };

/* By the index of a flow in its recording: its counterpart's, or ALONE. Of a flow that is one of several, the counterpart of the
 * several, and extra is set: it is not the first of them. */
struct sl_ne_matched {
	long with;
	bool extra;
	size_t parts; /* how many others of the counterpart's recording are this one too */
	bool far;     /* paired although the clocks say otherwise: nothing else can be it */
};

struct sl_ne_pairing {
	struct sl_ne_matched *a, *b;
	bool has_offset;
	int64_t offset; /* microseconds: of one event, its time in b minus that in a; of the wall clocks
	                   where has_offset is false and both are known, else 0 */
};

/* SL_OK or SL_ENOMEM. */
int sl_ne_pair(const struct sl_ne_recording *a, const struct sl_ne_recording *b, struct sl_ne_pairing *out);
void sl_ne_pairing_free(struct sl_ne_pairing *p);
/* Time of the flow's first event. */
int64_t sl_ne_seen_start(const struct sl_ne_seen_flow *flow);

#endif
