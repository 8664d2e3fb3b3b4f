/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_story.h - what content filters do, as words: events in, and out comes what was traced and what the driver was told.
 *
 * Events, with blanks between (N in bytes or milliseconds):
 *   new            a flow begins (as the row says: out or in, TCP or UDP ...)      #N  the next events are of flow N, from 1
 *   oN iN          N bytes outbound, inbound            fo fi  the end of a direction      c  the socket's end
 *   tN             time goes on, and every timer that is due fires              syn  the other end answered the handshake
 *   r:V uo:V ui:V u:V a:V    resumeFlow, updateFlow for a direction or any, the answer that comes later
 *   ka kd ku k+    the control provider: allow, drop, updateRules, allow and updateRules      rem  a remediation link is followed
 * Verdicts: allow drop pause rules rem later; of a new flow f IN,OUT (how much to peek, * all, - not filtered), url; of data
 * p PASS,PEEK. Behind them: ! shouldReport, +1 +2 +3 a frequency. An answer that must be of the other kind begins with ~.
 * The provider gives the row's answers one after the other, and allows when there are none left.
 *
 * What is said: new=V, out[A-B]=V, in[A-B]=V, out.end=V, in.end=V callbacks; ask: the control provider is asked; >oN went on; xoN thrown
 * away; full:oN not taken; fin:o a FIN goes on; open: detached; drop(REFUSAL); stall:o; timer:NAME; report(EVENT,ACTION,IN,OUT)
 * to the data provider, REPORT(...) to the control provider; illegal:NAME; rules!; rem=N; decided; closed. @N before what happens at another time. */
#ifndef SL_TESTS_NE_STORY_H
#define SL_TESTS_NE_STORY_H

#include "filter/ne_filter.h"

enum { STORY_TEXT = 2048, STORY_FLOWS = 128 };

struct story {
	struct sl_ne_env *env;
	struct sl_ne_filter *filter; /* NULL: flows are made without one */
	struct sl_mono now, said_at;
	const char *answers; /* what is left */
	struct sl_ne_flow *flow[STORY_FLOWS];
	unsigned flows, at;          /* opened; the one that events are of, from 1 */
	struct sl_ne_flow_info info; /* of the next flow */
	struct sl_bytes first;       /* of it, for rules */
	bool older;
	bool decided_told; /* say those too */
	bool updates;      /* the report of the end is answered by an update */
	char control;      /* answers at once: a, d, u; 0: later */
	bool insists;      /* every time, not only once */
	char said[STORY_TEXT];
	size_t len;
};

/* Connects env's provider, control provider, sink and trace to the story; env is at its epoch. */
void story_begin(struct story *s, struct sl_ne_env *env);
/* One event; false where it is none of the above. */
bool story_event(struct story *s, const char *word);
void story_say(struct story *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct sl_ne_verdict story_verdict(const char *text, enum sl_ne_verdict_of of);

#endif
