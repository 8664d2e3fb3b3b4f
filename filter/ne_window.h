/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_window.h - the pass and peek arithmetic of Network Extension for one direction of a flow (NE-PEEK-01..09): how far its bytes
 * are released, and which of them its provider is shown. Offsets count payload bytes from the first of the direction.
 * The bytes are the caller's: chunks, as they came (NE-CHOICE-11), of which it asks whether they may go. Pure; one thread. */
#ifndef SL_FILTER_NE_WINDOW_H
#define SL_FILTER_NE_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#define SL_NE_BYTES_MAX UINT64_MAX /* NEFilterFlowBytesMax (NE-FLOW-03) */

/* All zero before the first verdict: nothing passes and nothing is shown (NE-PEEK-01, NE-NFV-11). */
struct sl_ne_window {
	uint64_t pass;  /* P: what lies before it is released, chunk by chunk */
	uint64_t peek;  /* K: what lies before it may be shown */
	uint64_t shown; /* S: what lies before it was shown, or went unseen */
	uint64_t seen;  /* W: how much came */
};

struct sl_ne_span { /* [start, end) */
	uint64_t start, end;
};

/* Absolute offsets, as the kernel of macOS takes them. What would move backwards is left alone: 0 says nothing, and so does a
 * peek that reaches no further than pass or than before (NE-PEEK-02..04). */
void sl_ne_window_update(struct sl_ne_window *w, uint64_t pass, uint64_t peek);
/* A data verdict (pass, peek) on a callback whose bytes began at offset (NE-DV-03, NE-DV-07); for a new flow's verdict offset and
 * pass are 0. Sums saturate (NE-CHOICE-10). */
void sl_ne_window_verdict(struct sl_ne_window *w, uint64_t offset, uint64_t pass, uint64_t peek);

/* A chunk came. False, and nothing changed, where the direction cannot be that long. */
bool sl_ne_window_data(struct sl_ne_window *w, uint64_t len);
/* May the chunk that ends there go? Only whole ones may (NE-PEEK-06). */
static inline bool sl_ne_window_covers(const struct sl_ne_window *w, uint64_t end)
{
	return end <= w->pass;
}
/* It went. What nobody was shown of it counts as shown (NE-PEEK-07). */
void sl_ne_window_release(struct sl_ne_window *w, uint64_t end);

/* The next callback, if one is due: there is a byte that was not shown and may be. It begins at the pass offset, so that bytes that
 * were shown and not passed come again (NE-PEEK-08, NE-CHOICE-08), or, with redeliver false, behind what was shown. They count
 * as shown from now on. Chunks that may go are to be released first. */
bool sl_ne_window_show(struct sl_ne_window *w, bool redeliver, struct sl_ne_span *out);

/* Where no callback is under way: bytes wait, and whatever comes, no callback will ask about them: only an update from elsewhere, the end of the flow or a limit
 * of time ends it (NE-PEEK-09). */
bool sl_ne_window_stalls(const struct sl_ne_window *w);
/* Nothing of this direction will be held or shown again (NE-PEEK-11, NE-PEEK-12). */
static inline bool sl_ne_window_is_open(const struct sl_ne_window *w)
{
	return w->pass == SL_NE_BYTES_MAX;
}

#endif
