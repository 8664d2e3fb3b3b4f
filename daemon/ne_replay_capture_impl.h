/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_replay_capture_impl.h - what the parts of a capture's replay share: ne_replay_capture.c has the flows, ne_replay_capture_provider.c
 * their provider. Private to them. */
#ifndef SL_DAEMON_NE_REPLAY_CAPTURE_IMPL_H
#define SL_DAEMON_NE_REPLAY_CAPTURE_IMPL_H

#include "daemon/ne_pair.h"
#include "daemon/ne_replay_capture.h"
#include "daemon/ne_script.h"
#include "daemon/ne_timeline.h"
#include "daemon/ne_verdicts.h"
#include "filter/ne_names.h"

struct sl_ne_played_flow {
	struct sl_ne_flow *flow; /* NULL: not open */
	struct sl_ne_naming_of naming;
	bool left_out;
	size_t parts;                 /* flows of the trace that it was so far */
	struct sl_ne_verdicts script; /* done NULL: none */
	struct sl_ne_timer_entry act; /* of the script */
	uint64_t given[SL_NE_SIDES];
};

struct sl_ne_capture_player {
	struct sl_ne_script world; /* first: its filter, and what happens to it */
	const struct sl_ne_capture_replay *r;
	struct sl_ne_capture_played *out;
	struct sl_ne_recording *flows; /* of the capture */
	struct sl_ne_pairing pairing;  /* the trace is a, the capture b */
	struct sl_ne_timeline timeline;
	struct sl_ne_options options;
	struct sl_ne_played_flow *flow; /* by the capture's index */
	struct sl_ne_timers acts;
	struct sl_dns_names *dns;
	struct sl_ne_names *names; /* NULL with a trace: a Mac knows other ones */
	struct sl_mono now;
	int err;
};

static inline bool sl_ne_played_has_script(const struct sl_ne_played_flow *f)
{
	return f->script.done != NULL;
}

/* Provider, control provider and sink of the player; its options. */
void sl_ne_capture_describe(struct sl_ne_capture_player *p, struct sl_ne_filter_config *config);
/* Timers of the filter and what the provider does of itself, up to then. */
void sl_ne_capture_go_on(struct sl_ne_capture_player *p, struct sl_mono until);

#endif
