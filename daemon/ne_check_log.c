/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_check_log.c - what a log of macOS says of a flow: which family wrote it, how it ended, and why. */
#include <inttypes.h>

#include "base/util.h"
#include "daemon/ne_check.h"
#include "filter/ne_window.h"

#define SECOND INT64_C(1000000)

/* The last line of each kind; NULL where there is none. */
struct story {
	const struct sl_ne_seen *last[SL_NE_LOG_IDS];
	const struct sl_ne_seen *first;
};

static struct story story_of(const struct sl_ne_seen_flow *flow)
{
	struct story s = { .first = flow->n > 0 ? &flow->event[0] : NULL };
	for (size_t i = 0; i < flow->n; i++)
		s.last[flow->event[i].log.id] = &flow->event[i];
	return s;
}

static double seconds(const struct sl_ne_seen *from, const struct sl_ne_seen *to)
{
	return (double)(to->time - from->time) / (double)SECOND;
}

#define FIND(rule, weight, e, ...) (void)sl_ne_find(out, flow, e, rule, weight, __VA_ARGS__)

/* ---- flow divert (NE-LOG-01..03) ---- */

/* The provider was there and did not take it. */
static bool find_refusal(const struct sl_ne_seen_flow *flow, const struct story *s,
                         struct sl_ne_findings *out)
{
	const struct sl_ne_seen *e;
	if ((e = s->last[SL_NE_LOG_FD_04]) != NULL && e->log.n != 0)
		FIND("NE-LOG-09", SL_NE_WRONG, e,
		     "the proxy provider refused the flow: connect result %" PRIu64, e->log.n);
	else if ((e = s->last[SL_NE_LOG_FD_15]) != NULL)
		FIND("NE-LOG-02", SL_NE_WRONG, e,
		     "there was no proxy provider (control unit) for the flow to go to");
	else if ((e = s->last[SL_NE_LOG_FD_16]) != NULL)
		FIND("NE-LOG-02", SL_NE_WRONG, e,
		     "the proxy provider was gone: a packet for it could not be sent");
	else if ((e = s->last[SL_NE_LOG_FD_17]) != NULL)
		FIND("NE-LOG-02", SL_NE_WRONG, e,
		     "the proxy provider stopped reading: it takes no more data of the flow");
	else if ((e = s->last[SL_NE_LOG_FD_14]) != NULL)
		FIND("NE-LOG-02", SL_NE_WRONG, e,
		     "the flow fell back to a direct connection, which failed: errno %" PRIu64, e->log.n);
	else if ((e = s->last[SL_NE_LOG_FD_18]) != NULL)
		FIND("NE-EXM-06", SL_NE_WRONG, e,
		     "no content filter could be attached in front of flow divert: errno %" PRIu64, e->log.n);
	else
		return false;
	return true;
}

static void find_silence(const struct sl_ne_seen_flow *flow, const struct story *s,
                         struct sl_ne_findings *out)
{
	const struct sl_ne_seen *end = s->last[SL_NE_LOG_FD_11], *close = s->last[SL_NE_LOG_FD_07];
	const struct sl_ne_seen *detach = s->last[SL_NE_LOG_FD_05];
	const struct sl_ne_seen *last = detach != NULL ? detach : close != NULL ? close : end;
	bool idle = end == NULL ? s->last[SL_NE_LOG_FD_13] == NULL
	                        : end->log.n == 0 && end->log.out == 0 && end->log.in == 0;
	bool opened = s->last[SL_NE_LOG_FD_04] != NULL || s->last[SL_NE_LOG_FD_13] != NULL;
	if (last == NULL) {
		FIND("NE-LOG-09", SL_NE_NOTE, s->first, "the log does not show how the flow ended");
	} else if (idle && !opened) {
		FIND("NE-LOG-03", SL_NE_WRONG, last,
		     "the proxy provider never opened the flow: no connect result, and %s; after %.0f s %s",
		     end == NULL ? "no data came back"
		                 : "not one byte went either way (app tx 0, tunnel tx 0, tunnel rx 0)",
		     seconds(s->first, last),
		     close != NULL && close->log.how == 2
		             ? "the application gave up and closed both directions"
		             : "it was taken down");
		if (seconds(s->first, last) >= 180)
			FIND("NE-FAIL-08", SL_NE_NOTE, last,
			     "this is the shape of the stall after waking from sleep: about 4 minutes "
			     "without a byte, nothing "
			     "dropped. Look at the proxy provider or VPN; a content filter is not in this "
			     "trace");
	} else if (end != NULL) {
		FIND("NE-LOG-02", SL_NE_NOTE, end,
		     "ended; the application wrote %" PRIu64 " bytes, %" PRIu64
		     " went to the provider, %" PRIu64 " came back",
		     end->log.n, end->log.out, end->log.in);
	}
	if (end != NULL && end->log.n > end->log.out)
		FIND("NE-LOG-02", SL_NE_WRONG, end,
		     "%" PRIu64 " bytes that the application wrote never reached the provider",
		     end->log.n - end->log.out);
}

static void check_divert(const struct sl_ne_seen_flow *flow, struct sl_ne_findings *out)
{
	struct story s = story_of(flow);
	FIND("NE-LOG-01", SL_NE_WRONG, s.first,
	     "written by flow divert, the kernel part of proxies%s%s: a transparent proxy, app proxy, DNS "
	     "proxy or VPN has "
	     "this flow; no content filter wrote these lines",
	     flow->app == NULL ? "" : ", for ", flow->app == NULL ? "" : flow->app);
	if (!find_refusal(flow, &s, out))
		find_silence(flow, &s, out);
	if (flow->unnumbered > 0)
		FIND("NE-LOG-02", SL_NE_NOTE, s.first,
		     "%u of its lines have lost the flow's number and were taken by their place",
		     flow->unnumbered);
}

/* ---- content filter (NE-LOG-04..06) ---- */

static const struct end {
	enum sl_ne_log_id id;
	const char *rule;
	enum sl_ne_weight weight;
	const char *text;
} ends[] = {
	{ SL_NE_LOG_CF_19, "NE-FAIL-05", SL_NE_WRONG,
	  "older than the filter: its outbound data is refused (EPIPE); a filter that starts ends flows that "
	  "it did not see "
	  "begin" },
	{ SL_NE_LOG_CF_20, "NE-FAIL-05", SL_NE_WRONG,
	  "older than the filter: its inbound data is refused (EPIPE); a filter that starts ends flows that "
	  "it did not see "
	  "begin" },
	{ SL_NE_LOG_CF_21, "NE-FAIL-05", SL_NE_WRONG,
	  "the set of filters for this flow changed while it was open: its data is refused" },
	{ SL_NE_LOG_CF_14, "NE-PAUSE-03", SL_NE_WRONG,
	  "the content filter gave no verdict for 10 s: an undecided datagram flow is dropped then" },
	{ SL_NE_LOG_CF_15, "NE-FAIL-12", SL_NE_WRONG,
	  "too much data waited for a verdict of the content filter: new data is refused" },
	{ SL_NE_LOG_CF_17, "NE-PAUSE-03", SL_NE_WRONG,
	  "the collector removed the datagram flow: idle, or undecided for 10 s" },
	{ SL_NE_LOG_CF_13, "NE-FAIL-03", SL_NE_NOTE,
	  "the content filter went away (stopped or crashed): what it held was released, and the flow stays "
	  "unfiltered" },
	{ SL_NE_LOG_CF_18, "NE-DROP-03", SL_NE_NOTE,
	  "a datagram was discarded: the content filter had dropped its flow" },
	{ SL_NE_LOG_CF_09, "NE-DROP-01", SL_NE_NOTE, "dropped by the content filter, and detached" },
	{ SL_NE_LOG_CF_06, "NE-DV-02", SL_NE_NOTE, "the content filter answered drop" },
};

static bool find_end(const struct sl_ne_seen_flow *flow, const struct story *s, struct sl_ne_findings *out)
{
	for (size_t i = 0; i < SL_COUNT(ends); i++) {
		const struct sl_ne_seen *e = s->last[ends[i].id];
		if (e == NULL)
			continue;
		FIND(ends[i].rule, ends[i].weight, e, "%s", ends[i].text);
		return true;
	}
	return false;
}

/* Offsets are absolute: what lies not beyond where the direction stands is ignored (NE-PEEK-02, NE-PEEK-04). */
static void check_offsets(const struct sl_ne_seen_flow *flow, struct sl_ne_findings *out)
{
	struct sl_ne_window w[SL_NE_SIDES] = { 0 };
	for (size_t i = 0; i < flow->n; i++) {
		const struct sl_ne_seen *e = &flow->event[i];
		const uint64_t pass[] = { e->log.out_pass, e->log.in_pass },
		               peek[] = { e->log.out_peek, e->log.in_peek };
		bool changed = false;
		if (e->log.id != SL_NE_LOG_CF_30)
			continue;
		for (int s = 0; s < SL_NE_SIDES; s++) {
			struct sl_ne_window was = w[s];
			sl_ne_window_update(&w[s], pass[s], peek[s]);
			changed |= was.pass != w[s].pass || was.peek != w[s].peek;
		}
		if (!changed && !e->log.drop)
			FIND("NE-PEEK-04", SL_NE_WRONG, e,
			     "a verdict that moves no offset is ignored without an error (IN "
			     "pass %" PRIu64 " peek %" PRIu64 ", OUT pass %" PRIu64 " peek %" PRIu64
			     "): data that waits stays where it is",
			     e->log.in_pass, e->log.in_peek, e->log.out_pass, e->log.out_peek);
	}
}

static bool answered(const struct story *s)
{
	return s->last[SL_NE_LOG_CF_04] != NULL || s->last[SL_NE_LOG_CF_05] != NULL ||
	       s->last[SL_NE_LOG_CF_30] != NULL;
}

/* How far it got, where no verdict is in the log: the furthest line counts. */
static const char *silence(const struct story *s)
{
	static const struct {
		enum sl_ne_log_id id;
		const char *text;
	} lines[] = {
		{ SL_NE_LOG_CF_22, "the flow is gone, and the log shows no verdict" },
		{ SL_NE_LOG_CF_16, "the collector is to remove the datagram flow, idle or undecided; the log "
		                   "shows no verdict" },
		{ SL_NE_LOG_CF_11, "its outbound end was put to the filter (handleOutboundDataComplete); the "
		                   "log shows no verdict" },
		{ SL_NE_LOG_CF_10, "its inbound end was put to the filter (handleInboundDataComplete); the "
		                   "log shows no verdict" },
		{ SL_NE_LOG_CF_03, "its data was put to the filter (handleOutboundData, handleInboundData); "
		                   "the log shows no verdict" },
		{ SL_NE_LOG_CF_02, "it was put to the filter (handleNewFlow); the log shows no verdict" },
		{ SL_NE_LOG_CF_01,
		  "it came under the filter; the log shows neither a callback nor a verdict" },
	};
	for (size_t i = 0; i < SL_COUNT(lines); i++)
		if (s->last[lines[i].id] != NULL)
			return lines[i].text;
	return "the log shows no verdict and no end";
}

static void check_filter(const struct sl_ne_seen_flow *flow, struct sl_ne_findings *out)
{
	struct story s = story_of(flow);
	const struct sl_ne_seen *e;
	check_offsets(flow, out);
	if (find_end(flow, &s, out))
		return;
	bool in = s.last[SL_NE_LOG_CF_07] != NULL, outw = s.last[SL_NE_LOG_CF_08] != NULL;
	if (in && outw)
		FIND("NE-PEEK-11", SL_NE_NOTE, s.last[SL_NE_LOG_CF_07],
		     "both directions were passed for good, and the filter detached");
	else if (in || outw)
		FIND("NE-PEEK-12", SL_NE_NOTE, s.last[in ? SL_NE_LOG_CF_07 : SL_NE_LOG_CF_08],
		     "%s passes without limit, the other direction is still filtered",
		     in ? "inbound" : "outbound");
	else if ((e = s.last[SL_NE_LOG_CF_12]) != NULL && !answered(&s))
		FIND("NE-LOG-05", SL_NE_NOTE, e, "closed %.1f s after it began, and the log shows no verdict",
		     seconds(s.first, e));
	else
		FIND("NE-LOG-04", SL_NE_NOTE, s.first, "%s",
		     answered(&s) ? "it answered; the log does not show the end" : silence(&s));
}

/* ---- the PIR client of a URL filter (NE-LOG-08) ---- */

void sl_ne_check_pir(const struct sl_ne_seen *e, struct sl_ne_findings *out)
{
	static const char *const texts[] = {
		[SL_NE_LOG_FAULT_OTHER] = "what it says is not known here; look at the server's log",
		[SL_NE_LOG_FAULT_TOKEN] =
		        "it got no token: issuerRequestUri of the service configuration has to end in "
		        "/issue, and the user's token has to be one of its users'",
		[SL_NE_LOG_FAULT_CONFIGURATION] = "the server has no use case of the name that it asks for: "
		                                  "<app bundle identifier>.url.filtering "
		                                  "(NE-PIR-10); sluice check --apple --bundle looks",
		[SL_NE_LOG_FAULT_TOKEN_KEY] =
		        "its token was made with a key that the server no longer has, as after a restart: "
		        "refreshPIRParameters, or wait until its tokens are used up",
		[SL_NE_LOG_FAULT_EVALUATION_KEY] =
		        "the server has lost its evaluation key, as after a restart: refreshPIRParameters",
		[SL_NE_LOG_FAULT_TIME] =
		        "the server does not answer: does it listen on more than loopback (--hostname)?",
	};
	(void)sl_ne_find(out, NULL, e, "NE-LOG-08", SL_NE_WRONG,
	                 "the PIR client failed with code %" PRIu64 " (%s): %s. Undecided requests follow "
	                 "shouldFailClosed (NE-URL-09)",
	                 e->log.n,
	                 e->log.n == 1100  ? "its status could not be queried"
	                 : e->log.n == 401 ? "keywords could not be asked for"
	                                   : "not documented",
	                 texts[e->log.fault]);
}

void sl_ne_check_log_flow(const struct sl_ne_recording *rec, const struct sl_ne_seen_flow *flow,
                          struct sl_ne_findings *out)
{
	(void)rec;
	if (flow->family == SL_NE_SEEN_DIVERT)
		check_divert(flow, out);
	else
		check_filter(flow, out);
}
