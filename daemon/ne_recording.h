/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_recording.h - what was recorded of a content filter, in memory: a trace (docs/ne-trace.md) or a log of macOS (`log show`, as
 * ndjson or as text), flow by flow, for sluice compare. One thread. */
#ifndef SL_DAEMON_NE_RECORDING_H
#define SL_DAEMON_NE_RECORDING_H

#include <stdio.h>

#include "base/bytes.h"
#include "base/diag.h"
#include "filter/ne_log.h"
#include "filter/ne_trace.h"

/* The events of a trace, and what else is recorded. */
enum sl_ne_seen_event {
#define X(name, text) SL_NE_SEEN_##name,
	SL_NE_EVENTS(X)
#undef X
	/* not of a trace */
	SL_NE_SEEN_LOG,  /* a line of a log: which, says log */
	SL_NE_SEEN_LOST, /* events are missing here: len of them, 0 where nobody counted */
	SL_NE_SEEN_COUNT
};
/* Static text. */
const char *sl_ne_seen_event_name(enum sl_ne_seen_event event);

enum sl_ne_seen_verdict_kind {
	SL_NE_SEEN_NO_VERDICT, /* none, or one whose content is not known; the others are those of ne_verdict.h, one more each */
	SL_NE_SEEN_ALLOW_VERDICT = SL_NE_VERDICT_ALLOW + 1,
	SL_NE_SEEN_DROP_VERDICT = SL_NE_VERDICT_DROP + 1,
	SL_NE_SEEN_FILTER_DATA_VERDICT = SL_NE_VERDICT_FILTER_DATA + 1,
	SL_NE_SEEN_PASS_VERDICT = SL_NE_VERDICT_DATA + 1,
	SL_NE_SEEN_PAUSE_VERDICT = SL_NE_VERDICT_PAUSE + 1,
	SL_NE_SEEN_NEED_RULES_VERDICT = SL_NE_VERDICT_NEED_RULES + 1,
	SL_NE_SEEN_REMEDIATE_VERDICT = SL_NE_VERDICT_REMEDIATE + 1,
	SL_NE_SEEN_APPEND_VERDICT = SL_NE_VERDICT_URL_APPEND_STRING + 1,
	SL_NE_SEEN_LATER_VERDICT = SL_NE_VERDICT_LATER + 1
};
const char *sl_ne_seen_verdict_name(enum sl_ne_seen_verdict_kind kind);

/* A direction of a flow's bytes, as an index. */
enum sl_ne_seen_side { SL_NE_OUT, SL_NE_IN, SL_NE_SIDES, SL_NE_BOTH = SL_NE_SIDES };
const char *sl_ne_seen_side_name(enum sl_ne_seen_side side); /* "outbound", "inbound", "any" */

struct sl_ne_seen_verdict {
	enum sl_ne_seen_verdict_kind kind;
	bool filter[SL_NE_SIDES];
	uint64_t peek[SL_NE_SIDES]; /* of filterDataVerdict */
	uint64_t pass_bytes, peek_bytes;
	bool should_report;
	unsigned frequency; /* 0 none, 1 low, 2 medium, 3 high */
};

struct sl_ne_seen_standing { /* after the event, as the trace says */
	bool known;
	uint64_t pass, peek, shown, seen, received, released, dropped;
};

struct sl_ne_seen {
	int64_t time; /* microseconds from the recording's beginning */
	uint32_t line;
	enum sl_ne_seen_event event;
	enum sl_ne_seen_side side; /* BOTH where there is none */
	bool has_offset;
	uint64_t offset, len;
	struct sl_ne_seen_verdict verdict;
	bool ignored; /* the verdict: an illegal move, says the event that follows */
	struct sl_ne_seen_standing standing[SL_NE_SIDES];
	const char
	        *word; /* timer, illegal, reason, control, action of a rule; the report's event; NULL: none */
	uint64_t bytes[SL_NE_SIDES]; /* of a report */
	const char *filter;          /* whose event; NULL: there is one filter alone; the recording's */
	struct sl_ne_log_line log;   /* of a log's line; its views are absent */
};

struct sl_ne_seen_end {
	unsigned family; /* 4, 6; 0: not known */
	uint8_t addr[16];
	uint16_t port;
};

enum sl_ne_seen_family { SL_NE_SEEN_FILTER, SL_NE_SEEN_DIVERT }; /* of a trace always the first */

struct sl_ne_seen_flow {
	char *name;         /* as the recording calls it, and "of" its filter where there are several */
	const char *filter; /* NULL: there is one alone; the recording's */
	enum sl_ne_seen_family family;
	int direction;     /* of its beginning: SL_NE_OUT, SL_NE_IN; -1 not known */
	unsigned protocol; /* 0: not known */
	struct sl_ne_seen_end local, remote;
	char *host, *app; /* remoteHostname; the process; NULL: not known */
	struct sl_ne_seen *event;
	size_t n, room;
	unsigned unnumbered; /* lines that had lost their number and were taken for this flow's */
};

enum { SL_NE_FILTERS_MAX = 8 }; /* of a chain (NE-TIME-07): later ones are taken for one without a name */

enum sl_ne_recording_kind { SL_NE_TRACE, SL_NE_LOG };

struct sl_ne_recording {
	enum sl_ne_recording_kind kind;
	char *name;                   /* of the file */
	char *writer, *profile;       /* NULL where the head does not say */
	bool mac;                     /* made on a Mac: by the recorder, or a log */
	bool head, redeliver;         /* there is a head; see docs/ne-trace.md */
	bool has_started;             /* the wall clock at time 0 is known: */
	int64_t started;              /* microseconds since 1970 */
	int64_t end;                  /* of the last event */
	struct sl_ne_seen_flow *flow; /* in the order of their first event */
	size_t flows, room;
	struct sl_ne_seen_flow filter;                 /* events of none */
	uint64_t lines, events, lost, gaps, malformed; /* lost: events that seq says are missing */
	uint64_t unknown;                 /* events of names that are not known; lines of others in a log */
	uint64_t hidden;                  /* lines of a log with <private> in them */
	bool trailer;                     /* ndjson's last object was there */
	char *filters[SL_NE_FILTERS_MAX]; /* names, in the order in which they appear; NULL: no more */
	void *index;                      /* private */
};

/* Reads to the end. name is for messages and output.
 * Returns SL_OK; SL_EMALF: neither (told to diag), SL_EUNSUP: a trace of another version (told), SL_ENOMEM, SL_ESYS. */
int sl_ne_recording_read(FILE *from, const char *name, const struct sl_diag *diag,
                         struct sl_ne_recording **out);
void sl_ne_recording_free(struct sl_ne_recording **rec);

/* A number of bytes; "max" for no limit. */
enum { SL_NE_BYTES_TEXT = 24 };
const char *sl_ne_seen_bytes_text(uint64_t n, char out[SL_NE_BYTES_TEXT]);
/* Text as "198.51.100.1:443", "[2001:db8::1]:443", "?" where it is not known. */
enum { SL_NE_END_TEXT = 64 };
const char *sl_ne_seen_end_text(const struct sl_ne_seen_end *end, char out[SL_NE_END_TEXT]);
bool sl_ne_seen_end_known(const struct sl_ne_seen_end *end); /* and not 0.0.0.0:0 (NE-FLOW-04) */
bool sl_ne_seen_end_equal(const struct sl_ne_seen_end *a, const struct sl_ne_seen_end *b);
bool sl_ne_seen_end_loopback(const struct sl_ne_seen_end *end);
/* "198.51.100.1:443", "[2001:db8::1]:443"; and "2001:db8::1.443", as macOS writes one. out may be written where it is false. */
bool sl_ne_seen_end_read(const char *text, struct sl_ne_seen_end *out);

#endif
