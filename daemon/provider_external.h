/* SPDX-License-Identifier: GPL-2.0-or-later */
/* provider_external.h - a provider that is a process of its own, in any language, at the other end of a Unix socket: what a content
 * filter asks it and what it answers is in sluice-provider(7).
 *
 * Each callback is sent as a question and answered `later`; many are under way at once, and their answers come in any order. What a
 * provider does not say in time gets options.late of the filter:
 *   late     the filter's own limit, options.answer, for each callback
 *   stuck    it owes an answer and has said nothing for that long: it is asked once in ten deadlines until it says something
 *   full     what waits for it to be read leaves no room for the question
 *   absent   it went away while it was asked, or had paused the flow. Then the filter is down (NE-FAIL-02, NE-FAIL-03) until another
 *            one says hello
 * Whoever writes what is no message of the protocol is closed, and listened to again a second later.
 *
 * A source for the driver of a live filter, and for a replay. One thread, nothing blocks. */
#ifndef SL_DAEMON_PROVIDER_EXTERNAL_H
#define SL_DAEMON_PROVIDER_EXTERNAL_H

#include "daemon/ne_source.h"

#define SL_PROVIDER_COUNTS(X)                                                                       \
	X(connections, "Providers that said hello.")                                                \
	X(refused, "Connections that were closed at once: there was a provider already.")           \
	X(lost, "Providers that went away, or were closed.")                                        \
	X(nonsense, "Providers that were closed for what they wrote.")                              \
	X(unread, "Providers that were closed because they did not read.")                          \
	X(questions, "Callbacks that were sent.")                                                   \
	X(answers, "Verdicts that came in time.")                                                   \
	X(stuck, "Callbacks that got the default: the provider had said nothing for a deadline.")   \
	X(full, "Callbacks that got the default: too much waited for the provider.")                \
	X(absent, "Callbacks, and flows that were paused, that got the default: nobody was there.") \
	X(unasked, "Verdicts that nobody waited for any more.")                                     \
	X(unknown, "Moves of a provider for flows that were gone.")                                 \
	X(illegal, "Moves of a provider that the state of the flow or filter does not allow.")      \
	X(notes, "Texts of a provider for the log.")
struct sl_provider_counters {
#define X(name, text) uint64_t name;
	SL_PROVIDER_COUNTS(X)
#undef X
};

enum { SL_PROVIDER_BUFFER_MIN = 2 * 1024 * 1024 }; /* a callback with all of its bytes fits */

struct sl_provider_config {
	int listen;                   /* a Unix stream socket, non-blocking; moves in, also where it fails */
	struct sl_ne_options options; /* as the filter's: platform, answer, late, max_flows */
	size_t buffer; /* bytes that may wait for the provider, SL_PROVIDER_BUFFER_MIN at least */
	/* A line for the log, trouble or news. */
	void (*say)(void *ctx, bool trouble, const char *text);
	void *ctx;
};

/* Memory: about 45 bytes a flow, twice buffer, and 1.5 MiB. SL_OK; SL_EINVAL; SL_ENOMEM; SL_ESYS. */
int sl_provider_external_new(const struct sl_provider_config *config, struct sl_ne_source **out);
/* Of a source that new() made. */
const struct sl_provider_counters *sl_provider_external_counters(const struct sl_ne_source *source);
/* Has somebody said hello, and is still there? */
bool sl_provider_external_is_there(const struct sl_ne_source *source);
/* Does anybody wait for it: the filter for a handler, a flow for a verdict? For a replay, whose time stands still meanwhile. Walks over
 * all flows. */
bool sl_provider_external_is_asked(const struct sl_ne_source *source);

#endif
