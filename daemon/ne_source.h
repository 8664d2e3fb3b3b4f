/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_source.h - who is the provider of a live filter: its callbacks, and what its driver (ne_live.h) must wait for besides packets.
 *
 * All of it runs on the one thread of the driver. `now` is the driver's time, which may run faster than the machine's: a source
 * takes times from it alone and reads no clock. What a source needs of files and sockets is opened by the supervisor and comes to
 * the engine as a descriptor (daemon/take.h: provider). Nothing here may block. */
#ifndef SL_DAEMON_NE_SOURCE_H
#define SL_DAEMON_NE_SOURCE_H

#include "filter/ne_filter.h"

/* What of the traffic its provider must be shown. With none of them one packet of the original direction is queued, as for the
 * gateway's own; with any of them both directions are, with FIN and RST and whole packets, and a connection is marked only when both
 * directions are unlimited. */
enum sl_ne_needs {
	SL_NE_NEEDS_INBOUND = 1,  /* bytes of the inbound direction */
	SL_NE_NEEDS_COMPLETE = 2, /* handle_..._data_complete_for_flow */
	SL_NE_NEEDS_OFFSETS = 4,  /* pass and peek beyond the first packet */
	SL_NE_NEEDS_REPORTS = 8,  /* statistics, and byte counts when a flow ends */
	SL_NE_NEEDS_ALL = 15
};

struct sl_ne_source {
	struct sl_ne_provider provider;
	struct sl_ne_control
	        control; /* handle_new_flow NULL: there is none, and needRules is no legal verdict */
	unsigned needs;  /* of enum sl_ne_needs; fixed at birth, as the rules are */
	void *ctx;       /* of the functions below */

	/* The filter is there, and stopped. NULL: the driver starts it. */
	void (*begin)(void *ctx, struct sl_ne_filter *filter, struct sl_mono now);

	/* Read anew before each wait: the source may change both whenever it is called. One that waits for several gives a
	 * descriptor of epoll(7). */
	int fd;       /* -1: nothing to wait for */
	short events; /* of poll(2) */

	/* fd is ready, revents of poll(2): what came is read, without waiting for more, and acted on: sl_ne_answer_flow(),
	 * sl_ne_filter_started(), and so on. A provider that is gone: sl_ne_filter_crash(), here or in expired(), and not from inside of a
	 * callback; one that is back: sl_ne_filter_start(). NULL where fd is -1. */
	void (*ready)(void *ctx, short revents, struct sl_mono now);
	/* The earliest deadline of its own; false: none. NULL: never any. */
	bool (*due)(void *ctx, struct sl_mono *due);
	/* It is there. */
	void (*expired)(void *ctx, struct sl_mono now);
	/* The end of a batch of packets, or of one of the calls above: what was put together for the provider is sent now. May be
	 * NULL. */
	void (*flush)(void *ctx, struct sl_mono now);
	/* The filter is gone already. Frees the source itself, and closes what it holds. */
	void (*close)(struct sl_ne_source *source);
};

/* The driver's order: the source is made; sl_ne_filter_new() with its tables; begin(), or sl_ne_filter_start(), so that
 * start_filter() brings the filter; batches of packets, each with flush(); ready(), due(), expired(); sl_ne_filter_stop(), with at most a second for
 * sl_ne_filter_stopped(), during which ready() is still called; sl_ne_filter_free(); close(). */

#endif
