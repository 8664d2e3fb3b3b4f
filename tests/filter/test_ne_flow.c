/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_ne_flow.c - one flow, row by row with the ids of the reference. The language of the rows: ne_story.h. */
#include "filter/ne_flow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "tests/filter/ne_story.h"

enum {
	UDP = 1,
	INBOUND = 2,
	LOOPBACK = 4,
	STRICT = 8,
	ONCE = 16, /* redeliver = false */
	SILENT = 32,
	ICMP = 64,
	RAW = 128,
	DECIDED = 256, /* say when a connection may be shown */
	MACOS = 512,
	IOS = 1024,
	LIMIT = 2048,      /* 5 s for a verdict that comes later */
	LATE_ALLOW = 4096, /* and then allow */
	SMALL = 8192, /* little room: 4 packets a datagram flow, 40 bytes a direction of TCP, 8 packets and 100 bytes in all */
	BARE = 16384,     /* a provider of handle_new_flow alone, no control provider */
	AGREES = 32768,   /* the control provider allows at once */
	UPDATES = 131072, /* an update, when it is told of the end */
	RETRIES = 65536,  /* it says updateRules at once */
	INSISTS = 262144  /* and every time that it is asked */
};

static const struct flow_case {
	const char *name;
	unsigned as;
	const char *answers, *events, *said;
} cases[] = {
	/* ---- verdicts on a new flow ---- */
	{ "NE-NFV-01: allow, and nothing is asked any more", 0, "allow", "new o10 i20 fo fi c",
	  "new=allow open >o10 >i20 fin:o fin:i closed" },
	{ "NE-NFV-02, NE-DROP-01, NE-DROP-02: drop, the opener gets a reset", 0, "drop", "new o10",
	  "new=drop drop(R) closed gone" },
	{ "NE-DROP-02, NE-CHOICE-23: and so does an end that has answered", 0, "pause", "new syn r:drop",
	  "new=pause drop(Rr) closed" },
	{ "NE-DROP-02: bytes are an answer too", 0, "f*,* p0,* p0,*", "new o10 i10 u:drop",
	  "new=f*,* out[0-10]=p0,* in[0-10]=p0,* xi10 xo10 drop(Rr) closed" },
	{ "NE-CHOICE-14, NE-CB-07: after allow there is nothing to update", 0, "allow", "new o10 u:drop",
	  "new=allow open >o10 illegal:verdictDetached" },
	{ "NE-CHOICE-23: silently", SILENT, "drop", "new", "new=drop drop() closed" },
	{ "NE-NFV-03: asked about both directions, so much at a time", 0, "f5,3", "new o10 i10",
	  "new=f5,3 out[0-3]=allow >o10 in[0-5]=allow >i10 open" },
	{ "NE-NFV-10: what is not filtered passes unseen", 0, "f-,* p10,*", "new i20 o10 i5 o10",
	  "new=f-,* >i20 out[0-10]=p10,* >o10 >i5 out[10-20]=allow >o10 open" },
	{ "NE-NFV-10: neither filtered is the same as allow", 0, "f-,-", "new o10 i10",
	  "new=f-,- open >o10 >i10" },
	{ "NE-NFV-04, NE-PAUSE-01, NE-CB-08: pause, and silence until it is resumed", 0, "pause p4,* p4,*",
	  "new o10 i10 fi t60000 r:f*,*",
	  "new=pause @60000 fin:i out[0-10]=p4,* in[0-10]=p4,* in.end=allow >i10" },
	{ "NE-NFV-05, NE-CTL-01, NE-CTL-02: needRules asks the control provider", 0, "rules", "new o10 ka",
	  "new=rules ask >o10 open" },
	{ "NE-CTL-02: which drops", 0, "rules", "new o10 kd", "new=rules ask xo10 drop(R) closed" },
	{ "NE-CTL-02: or has new rules, and the data provider decides again", 0, "rules f-,* allow",
	  "new o10 ku", "new=rules ask rules! new=f-,* out[0-10]=allow >o10 open" },
	{ "NE-CTL-02: rules changed beside a decision", 0, "rules", "new k+", "new=rules ask rules! open" },
	{ "NE-CTL-01: an answer at once", AGREES, "rules", "new o5", "new=rules ask open >o5" },
	{ "NE-CTL-02: and new rules at once", RETRIES, "rules f-,* drop", "new o5",
	  "new=rules ask rules! new=f-,* out[0-5]=drop xo5 drop(R) closed" },
	{ "NE-CTL-02, NE-CHOICE-14: but not for ever: the ninth updateRules in a row is no answer",
	  RETRIES | INSISTS, "rules rules rules rules rules rules rules rules rules rules", "new o5 ka",
	  "new=rules ask rules! new=rules ask rules! new=rules ask rules! new=rules ask rules! new=rules ask "
	  "rules! "
	  "new=rules ask rules! new=rules ask rules! new=rules ask rules! new=rules ask illegal:control >o5 "
	  "open" },
	{ "NE-CTL-02: later ones are counted anew", 0,
	  "rules rules rules rules rules rules rules rules rules rules", "new ku ku ku ku ku ku ku ku ku ka",
	  "new=rules ask rules! new=rules ask rules! new=rules ask rules! new=rules ask rules! new=rules ask "
	  "rules! "
	  "new=rules ask rules! new=rules ask rules! new=rules ask rules! new=rules ask rules! new=rules ask "
	  "open" },
	{ "NE-NFV-05: without a control provider needRules is no verdict", BARE, "rules", "new o5",
	  "new=rules illegal:verdict" },
	{ "NE-NFV-06: remediate drops with a block page", 0, "rem", "new o10",
	  "new=rem drop(RB) closed gone" },
	{ "NE-NFV-07: urlAppendString allows", 0, "url", "new o10", "new=url open >o10" },
	{ "NE-NFV-11: before the first verdict nothing passes and nothing is shown", DECIDED, "pause",
	  "new o10 i10 o5 fi r:f5,*",
	  "new=pause decided fin:i out[0-15]=allow >o10 >o5 in[0-5]=allow >i10 open" },
	{ "NE-FLOW-08: the connection is shown after a first verdict that is no drop", DECIDED, "allow",
	  "new", "new=allow decided open" },
	{ "NE-FLOW-08: and never after a drop", DECIDED, "drop", "new", "new=drop drop(R) closed" },
	/* ---- verdicts on data ---- */
	{ "NE-DV-01, NE-CHOICE-07: allow is for this direction, the other is asked about", 0,
	  "f*,* allow p0,*", "new o10 i10 o10 i10 ",
	  "new=f*,* out[0-10]=allow >o10 in[0-10]=p0,* >o10 in[0-20]=allow >i10 >i10 open" },
	{ "NE-DV-02, NE-CHOICE-07: drop ends the flow, whatever waits of either direction", 0,
	  "f*,* p0,* drop", "new o10 i10 i5",
	  "new=f*,* out[0-10]=p0,* in[0-10]=drop xi10 xo10 drop(Rr) closed gone" },
	{ "NE-DV-03, NE-DV-07, NE-PEEK-08: pass some, peek at the next", 0, "f-,10 p10,5 p5,*", "new o10 o7",
	  "new=f-,10 out[0-10]=p10,5 >o10 out[10-15]=p5,* out[15-17]=allow >o7 open" },
	{ "NE-DV-04, NE-PAUSE-05: pause on data is resumed with a verdict on data", 0, "f-,* pause",
	  "new o10 o10 r:p20,*", "new=f-,* out[0-10]=pause >o10 >o10" },
	{ "NE-DV-05: needRules on data", 0, "f-,* rules", "new o10 ka",
	  "new=f-,* out[0-10]=rules ask >o10 open" },
	{ "NE-DV-05, NE-CTL-02: and the same bytes again after new rules", 0, "f-,* rules drop",
	  "new o10 o5 ku", "new=f-,* out[0-10]=rules ask rules! out[0-10]=drop xo10 xo5 drop(R) closed" },
	{ "NE-CTL-02: but not those that an update has passed", 0, "f-,* rules drop", "new o10 uo:p10,* ku",
	  "new=f-,* out[0-10]=rules ask >o10 rules!" },
	{ "NE-CTL-02: only what is left of them", 0, "f-,* rules drop", "new o10 o5 uo:p12,* ku",
	  "new=f-,* out[0-10]=rules ask >o10 rules! out[12-15]=drop xo5 drop(R) closed" },
	{ "NE-DV-06: remediate, and the provider gets the link where there is no URL", UDP, "f-,* rem",
	  "new o10 rem", "new=f-,* out[0-10]=rem xo10 drop(B) rem=needRules" },
	{ "NE-CTL-06: only then", UDP, "drop", "new o10 rem", "new=drop drop() xo10 rem=none" },
	{ "NE-CB-04: a verdict is for this chunk and later ones of its direction", 0, "f*,* p*,0 p3,3",
	  "new o10 o10 i3 i3", "new=f*,* out[0-10]=p*,0 >o10 >o10 in[0-3]=p3,3 >i3 in[3-6]=allow >i3 open" },
	/* ---- order ---- */
	{ "NE-CB-02, NE-CB-03: offsets count by direction, and only what was asked for is shown", 0,
	  "f4,* p10,* p4,0", "new o10 i4 i4 o10",
	  "new=f4,* out[0-10]=p10,* >o10 in[0-4]=p4,0 >i4 stall:i out[10-20]=allow >o10" },
	{ "NE-CB-05, NE-CB-06: Complete comes after all bytes, once a direction, and then closed", 0,
	  "f*,* p10,* p7,*", "new o10 i7 fo fo fi c",
	  "new=f*,* out[0-10]=p10,* >o10 in[0-7]=p7,* >i7 fin:o out.end=allow fin:i in.end=allow open "
	  "closed" },
	{ "NE-CB-05: its verdict is the final one: what waits goes with it", 0, "f-,* p0,* p3,*",
	  "new o10 fo", "new=f-,* out[0-10]=p0,* out.end=p3,* stall:o" },
	{ "NE-CB-05: allow in it", 0, "f-,* p0,* allow", "new o10 fo",
	  "new=f-,* out[0-10]=p0,* out.end=allow >o10 fin:o open" },
	{ "NE-CB-05: drop in it", 0, "f-,* p0,* drop", "new o10 fo",
	  "new=f-,* out[0-10]=p0,* out.end=drop xo10 drop(R) closed" },
	{ "NE-CB-05, NE-PAUSE-05: pause in it", 0, "f-,* p10,* pause", "new o10 fo r:allow",
	  "new=f-,* out[0-10]=p10,* >o10 fin:o out.end=pause open" },
	{ "NE-CB-05: not while bytes wait to be shown", 0, "f-,5 p0,0 p10,* allow", "new o10 fo uo:p0,10",
	  "new=f-,5 out[0-5]=p0,0 stall:o out[0-10]=p10,* >o10 fin:o out.end=allow open" },
	{ "NE-CB-07: after allow neither bytes nor ends are asked about", 0, "f*,* allow allow",
	  "new o1 i1 o10 i10 fo fi c",
	  "new=f*,* out[0-1]=allow >o1 in[0-1]=allow >i1 open >o10 >i10 fin:o fin:i closed" },
	{ "NE-CB-06: both directions at the socket's end, in the order in which it began", INBOUND,
	  "f*,* p3,* p4,*", "new i3 o4 c",
	  "new=f*,* in[0-3]=p3,* >i3 out[0-4]=p4,* >o4 in.end=allow out.end=allow open closed" },
	{ "NE-CB-06: nothing comes after an end", 0, "f*,* p5,*", "new o5 fo o5",
	  "new=f*,* out[0-5]=p5,* >o5 fin:o out.end=allow xo5" },
	{ "NE-FLOW-11: bytes in pieces are one callback, in their order", 0, "pause p0,*",
	  "new o3 o4 o5 r:f-,*", "new=pause out[0-12]=p0,*" },
	/* ---- pass and peek ---- */
	{ "NE-PEEK-05: what is passed goes at once", 0, "f-,* p4,* p4,*", "new o4 o4",
	  "new=f-,* out[0-4]=p4,* >o4 out[4-8]=p4,* >o4" },
	{ "NE-PEEK-06, NE-CHOICE-11: a packet goes whole or waits whole", 0, "f-,* p9,* p0,*", "new o10 o5",
	  "new=f-,* out[0-10]=p9,* out[9-15]=p0,*" },
	{ "NE-PEEK-08, NE-CHOICE-08: shown bytes that were not passed come again", 0, "f-,* p0,* p0,*",
	  "new o4 o4", "new=f-,* out[0-4]=p0,* out[0-8]=p0,*" },
	{ "NE-CHOICE-08: redeliver = false", ONCE, "f-,* p0,* p0,*", "new o4 o4",
	  "new=f-,* out[0-4]=p0,* out[4-8]=p0,*" },
	{ "NE-PEEK-09, NE-CHOICE-09: a direction that stalls is told, and then the other one", 0,
	  "f4,4 p0,0 p4,0", "new o4 i4 i4 o4", "new=f4,4 out[0-4]=p0,0 stall:o in[0-4]=p4,0 >i4 stall:i" },
	{ "NE-PEEK-09, NE-CHOICE-09: (0, 0) stalls for ever on TCP, told once", 0, "f-,4 p0,0",
	  "new o4 o4 t100000 o4", "new=f-,4 out[0-4]=p0,0 stall:o" },
	{ "NE-PEEK-09: an update ends it", 0, "f-,4 p0,0", "new o4 o4 uo:p4,*",
	  "new=f-,4 out[0-4]=p0,0 stall:o >o4 out[4-8]=allow >o4 open" },
	{ "NE-PEEK-09, NE-TIME-01: and on UDP the limit does", UDP, "f-,4 p0,0", "new o4 t9999 t1",
	  "new=f-,4 out[0-4]=p0,0 stall:o @10000 timer:undecided xo4 closed" },
	{ "NE-PEEK-09: the socket's end does", 0, "f-,4 p0,0", "new o8 c t999 t1",
	  "new=f-,4 out[0-4]=p0,0 stall:o @1000 timer:closeWait xo8 closed" },
	{ "NE-PEEK-10: a window that is never filled asks about what is there", 0, "f-,1000000 p0,1000000",
	  "new o10 t60000 o10", "new=f-,1000000 out[0-10]=p0,1000000 @60000 out[0-20]=allow >o10 >o10 open" },
	{ "NE-PEEK-11: detached when both directions are unlimited", 0, "f*,* p*,0 p*,0", "new o1 i1 o1",
	  "new=f*,* out[0-1]=p*,0 >o1 in[0-1]=p*,0 >i1 open >o1" },
	{ "NE-PEEK-11, NE-FAIL-11: or when it closes and nothing is left", 0, "f*,* p1,* p1,* p0,0",
	  "new o1 i1 c", "new=f*,* out[0-1]=p1,* >o1 in[0-1]=p1,* >i1 out.end=p0,0 in.end=allow closed" },
	{ "NE-PEEK-12: one direction unlimited, the other still filtered", 0, "f*,* p*,0 p0,*",
	  "new o1 i1 o1 i1", "new=f*,* out[0-1]=p*,0 >o1 in[0-1]=p0,* >o1 in[0-2]=allow >i1 >i1 open" },
	{ "NE-PEEK-15: the writer's end waits for its bytes", 0, "f-,* p0,*", "new o5 fo",
	  "new=f-,* out[0-5]=p0,* out.end=allow >o5 fin:o open" },
	{ "NE-PEEK-15: that of the reader does not", 0, "f*,- pause", "new i5 fi r:p5,*",
	  "new=f*,- in[0-5]=pause fin:i >i5 in.end=allow open" },
	{ "NE-CHOICE-10: pass ahead of what came", 0, "f-,4 p10,4", "new o4 o6 o2",
	  "new=f-,4 out[0-4]=p10,4 >o4 >o6 out[10-12]=allow >o2 open" },
	/* ---- pause ---- */
	{ "NE-PAUSE-02, NE-TIME-02: TCP waits for ever", 0, "pause", "new o1 t86400000 r:allow",
	  "new=pause @86400000 >o1 open" },
	{ "NE-PAUSE-03, NE-TIME-01: UDP for 10 s", UDP, "pause", "new o1 t9999 t1 o1",
	  "new=pause @10000 timer:undecided xo1 closed gone" },
	{ "NE-PAUSE-03: at 9.999 s it still goes on", UDP, "pause", "new o1 t9999 r:allow t100",
	  "new=pause @9999 >o1 open" },
	{ "NE-PAUSE-03, NE-TIME-01: with the collector's clock between 10 and 20 s", UDP | STRICT, "pause",
	  "t3000 new o1 t16999 t1", "@3000 new=pause @20000 timer:undecided xo1 closed" },
	{ "NE-PAUSE-03: exactly 10 s where it fits", UDP | STRICT, "pause", "t10000 new o1 t9999 t1",
	  "@10000 new=pause @20000 timer:undecided xo1 closed" },
	{ "NE-PAUSE-03: an action starts the 10 s of an undecided flow anew", UDP, "f-,* p0,* p0,*",
	  "new o1 t6000 o1 t9999 t1",
	  "new=f-,* out[0-1]=p0,* @6000 out[0-2]=p0,* @16000 timer:undecided xo1 xo1 closed" },
	{ "NE-PAUSE-03: an update does not, of a paused one", UDP, "f-,* pause", "new o1 t6000 uo:p0,5 t4000",
	  "new=f-,* out[0-1]=pause @10000 timer:undecided xo1 closed" },
	{ "NE-PAUSE-03: 10 s count from when bytes began to wait", UDP, "f-,1 p1,0",
	  "new o1 t20000 o1 t9999 t1",
	  "new=f-,1 out[0-1]=p1,0 >o1 @20000 stall:o @30000 timer:undecided xo1 closed" },
	{ "NE-PAUSE-04: to resume what is not paused is invalid", 0, "f-,*", "new r:allow",
	  "new=f-,* illegal:resumeUnpaused" },
	{ "NE-PAUSE-04: and so is to pause it again", 0, "pause", "new r:pause r:allow",
	  "new=pause illegal:pausePaused open" },
	{ "NE-PAUSE-05: a data verdict does not resume a new flow", 0, "pause", "new r:~p0,5 r:allow",
	  "new=pause illegal:verdict open" },
	{ "NE-PAUSE-05: nor a new-flow verdict one that paused on data", 0, "f-,* pause",
	  "new o1 r:~f-,* r:drop", "new=f-,* out[0-1]=pause illegal:verdict xo1 drop(R) closed" },
	/* ---- update ---- */
	{ "NE-CB-09: any means both directions", 0, "f*,* p0,* p0,*", "new o1 i1 u:allow",
	  "new=f*,* out[0-1]=p0,* in[0-1]=p0,* >o1 >i1 open" },
	{ "NE-CB-09: one direction", 0, "f*,* p0,* p0,*", "new o1 i1 ui:allow",
	  "new=f*,* out[0-1]=p0,* in[0-1]=p0,* >i1" },
	{ "NE-CB-09: the direction is ignored for drop", 0, "f*,* p0,* p0,*", "new o1 i1 ui:drop",
	  "new=f*,* out[0-1]=p0,* in[0-1]=p0,* xi1 xo1 drop(Rr) closed" },
	{ "NE-CB-09, NE-CHOICE-14: pause and needRules are no updates", 0, "f-,*",
	  "new u:pause u:rules u:~f*,*",
	  "new=f-,* illegal:updateKind illegal:updateKind illegal:updateKind" },
	{ "NE-CB-09: of a paused flow it moves offsets, and the flow stays paused", 0, "f-,* pause",
	  "new o4 uo:p4,* o4 r:p8,*", "new=f-,* out[0-4]=pause >o4 >o4" },
	{ "NE-CB-09: before the first verdict it is one", DECIDED, "pause", "new o4 i4 uo:p4,* r:f*,*",
	  "new=pause decided >o4 in[0-4]=allow >i4" },
	{ "NE-CB-09: iOS has none", IOS, "f-,*", "new u:allow", "new=f-,* illegal:updateKind" },
	/* ---- drops ---- */
	{ "NE-DROP-03, NE-CHOICE-24: of UDP that flow alone, and what comes is swallowed until it is idle",
	  UDP, "drop allow", "new new #1 o5 i5 #2 o5 #1 t29000 o5 t29000 t1000 o1",
	  "new=drop drop() new=allow open xo5 xi5 >o5 @29000 xo5 @30000 timer:idle closed @59000 timer:idle "
	  "closed gone" },
	{ "NE-CHOICE-24: with a word to the client", UDP | ICMP, "drop", "new", "new=drop drop(I)" },
	{ "NE-DROP-04: verdicts after a drop are rejected", UDP, "f-,* drop",
	  "new o1 u:allow r:allow a:allow",
	  "new=f-,* out[0-1]=drop xo1 drop() illegal:verdictAfterDrop illegal:verdictAfterDrop "
	  "illegal:verdictAfterDrop" },
	/* ---- limits of time ---- */
	{ "NE-TIME-03, NE-CHOICE-01: UDP is closed when idle for 30 s", UDP, "allow",
	  "new o1 t20000 i1 t29999 t1", "new=allow open >o1 @20000 >i1 @50000 timer:idle closed" },
	{ "NE-TIME-03: by the collector's clock", UDP | STRICT, "allow", "new o1 t5000 i1 t34999 t1",
	  "new=allow open >o1 @5000 >i1 @40000 timer:idle closed" },
	{ "NE-TIME-02: TCP is never idle", 0, "allow", "new o1 t86400000 o1",
	  "new=allow open >o1 @86400000 >o1" },
	{ "NE-FAIL-11, NE-TIME-04: a close waits 1 s for the first verdict", 0, "pause", "new o1 c t999 t1",
	  "new=pause @1000 timer:closeWait xo1 closed" },
	{ "NE-FAIL-11: which may still come", 0, "pause", "new o1 c t999 r:allow",
	  "new=pause @999 >o1 open closed" },
	{ "NE-FAIL-11: not for loopback", LOOPBACK, "pause", "new o1 c", "new=pause xo1 closed" },
	{ "NE-FAIL-12, NE-CHOICE-26: no more packets of UDP than there is room for", UDP | SMALL, "pause",
	  "new o1 o1 i1 i1 o7 r:allow", "new=pause full:o7 >o1 >o1 >i1 >i1 open" },
	{ "NE-FAIL-12: nor bytes", UDP | SMALL, "pause", "new o50 o50 o1 r:allow",
	  "new=pause full:o1 >o50 >o50 open" },
	{ "NE-FAIL-12: and the collector ends it", UDP | SMALL | STRICT, "pause",
	  "t9000 new o1 o1 i1 i1 o7 t999 t1",
	  "@9000 new=pause full:o7 @10000 timer:undecided xi1 xi1 xo1 xo1 closed" },
	{ "NE-CHOICE-26: a segment of TCP that is not taken comes again", SMALL, "pause",
	  "new o30 o11 o10 r:f-,*", "new=pause full:o11 out[0-40]=allow >o30 >o10 open" },
	{ "NE-CHOICE-26: in all", SMALL, "pause pause pause pause",
	  "new o40 new o40 new o30 #2 i20 #3 r:allow", "new=pause new=pause new=pause full:o30 open" },
	{ "NE-CHOICE-22, NE-TIME-13: an answer may come later, without a limit", 0, "later later",
	  "new o1 t86400000 a:f-,* t1 a:allow", "new=later @86400000 out[0-1]=later @86400001 >o1 open" },
	{ "NE-CHOICE-22: with one, the profile's verdict stands in", LIMIT, "later", "new o1 t4999 t1",
	  "new=later @5000 timer:answer xo1 drop(R) closed" },
	{ "NE-CHOICE-22: or allows", LIMIT | LATE_ALLOW, "f-,* later", "new o1 t5000 o1",
	  "new=f-,* out[0-1]=later @5000 timer:answer >o1 open >o1" },
	{ "NE-CHOICE-22: an answer that nobody waits for", 0, "pause", "new a:allow",
	  "new=pause illegal:answerUnasked" },
	{ "NE-CHOICE-22: later is no answer to later", 0, "later", "new a:later a:pause r:allow",
	  "new=later illegal:verdict open" },
	/* ---- illegal verdicts ---- */
	{ "NE-CHOICE-14: a verdict of the other kind is ignored, and the flow stays undecided", 0, "~p0,5",
	  "new o1 u:allow", "new=p0,5 illegal:verdict >o1 open" },
	{ "NE-CHOICE-14: one that the platform does not have", MACOS, "rules", "new o1",
	  "new=rules illegal:verdict" },
	{ "NE-CHOICE-14: pause on iOS", IOS, "pause", "new o1", "new=pause illegal:verdict" },
	{ "NE-CHOICE-14: a frequency that is none", 0, "allow+7", "new o1", "new=allow illegal:verdict" },
	{ "NE-CHOICE-14: of data: nothing moves", 0, "f-,* ~f*,* p2,*", "new o1 o1",
	  "new=f-,* out[0-1]=f*,* illegal:verdict out[0-2]=p2,* >o1 >o1" },
	{ "NE-CHOICE-14: UDP that was never decided ends", UDP, "~p0,5", "new o1 t10000",
	  "new=p0,5 illegal:verdict @10000 timer:undecided xo1 closed" },
	{ "NE-CTL-02: an answer of the control provider that nobody waits for", 0, "f-,*", "new ka",
	  "new=f-,* illegal:control" },
	/* ---- reports ---- */
	{ "NE-REP-01, NE-REP-04, NE-REP-05, NE-CHOICE-13: shouldReport, to the control provider; closed with "
	  "counts",
	  0, "allow!", "new o10 i20 c",
	  "new=allow REPORT(newFlow,allow,0,0) open >o10 >i20 REPORT(flowClosed,allow,20,10) closed" },
	{ "NE-REP-04: filterData of a new flow, drop of data", 0, "f-,*! drop!", "new o10",
	  "new=f-,* REPORT(newFlow,filterData,0,0) out[0-10]=drop REPORT(dataDecision,drop,0,0) xo10 drop(R) "
	  "REPORT(flowClosed,drop,0,10) closed" },
	{ "NE-REP-04: pass and peek, and pause, send none", 0, "f-,* p0,*! pause!", "new o1 o1 r:allow",
	  "new=f-,* out[0-1]=p0,* out[0-2]=pause >o1 >o1 open" },
	{ "NE-CHOICE-13: they ask for the one at the end", 0, "f-,* p1,*!", "new o1 c",
	  "new=f-,* out[0-1]=p1,* >o1 out.end=allow open REPORT(flowClosed,allow,0,1) closed" },
	{ "NE-CHOICE-13: nobody asked", 0, "allow", "new c", "new=allow open closed" },
	{ "NE-REP-04: none for the control provider's verdict", 0, "rules!", "new ka c",
	  "new=rules ask open REPORT(flowClosed,allow,0,0) closed" },
	{ "NE-REP-04: an update's", 0, "f*,*", "new u:allow!",
	  "new=f*,* REPORT(dataDecision,allow,0,0) open" },
	{ "NE-REP-03, NE-REP-05, NE-REP-07, NE-TIME-05: statistics to the data provider, cumulative, when a "
	  "count has grown",
	  0, "allow+2", "new o10 t1000 t1000 i5 t400 t600 t5000",
	  "new=allow open >o10 @1000 report(statistics,allow,0,10) @2000 >i5 @2500 "
	  "report(statistics,allow,5,10)" },
	{ "NE-REP-03: low is 5 s", 0, "allow+1", "new o1 t4999 t1",
	  "new=allow open >o1 @5000 report(statistics,allow,0,1)" },
	{ "NE-REP-03: high is 0.5 s", 0, "allow+3", "new o1 t499 t1",
	  "new=allow open >o1 @500 report(statistics,allow,0,1)" },
	{ "NE-REP-07: at the ticks of one clock", 0, "allow+3", "t300 new o1 t200 t500",
	  "@300 new=allow open >o1 @1000 report(statistics,allow,0,1)" },
	{ "NE-REP-08: a later verdict without one switches them off", 0, "f-,*+3 p1,*", "new o1 t5000",
	  "new=f-,* out[0-1]=p1,* >o1" },
	{ "NE-REP-08: a changed one starts the period anew", 0, "f-,*+2 p1,*+3", "new t900 o1 t100 t500",
	  "new=f-,* @900 out[0-1]=p1,* >o1 @1500 report(statistics,filterData,0,1)" },
	{ "NE-REP-06, NE-CHOICE-12: a strict profile has counts at the end alone", STRICT, "allow!+3",
	  "new o1 t500 c",
	  "new=allow REPORT(newFlow,allow,0,0) open >o1 @500 report(statistics,allow,0,0) "
	  "REPORT(flowClosed,allow,0,1) closed" },
	{ "NE-REP-09: counted when it comes, whatever becomes of it", UDP, "f*,*! p0,*",
	  "new o7 i3 u:drop o5 t30000",
	  "new=f*,* REPORT(newFlow,filterData,0,0) out[0-7]=p0,* in[0-3]=allow >i3 xo7 drop() xo5 @30000 "
	  "timer:idle REPORT(flowClosed,drop,3,12) closed" },
	{ "NE-CB-06: the report of the end comes too late for an update", UDP | UPDATES, "f-,*! p0,*",
	  "new o1 t10000",
	  "new=f-,* REPORT(newFlow,filterData,0,0) out[0-1]=p0,* @10000 timer:undecided xo1 "
	  "REPORT(flowClosed,filterData,0,1) illegal:verdictAfterClose closed" },
	/* ---- the rest ---- */
	{ "NE-CB-01: a provider with handle_new_flow alone allows what it is asked", BARE, "", "new o1 c",
	  "new=allow open >o1 closed" },
	{ "NE-CHOICE-24: a datagram without bytes waits its turn and goes", UDP, "f-,* p0,*",
	  "new o0 o4 o0 u:allow", "new=f-,* >o0 out[0-4]=p0,* >o4 >o0 open" },
	{ "NE-FLOW-10, NE-CHOICE-25: bytes of other protocols come with the word that says an IP header "
	  "follows",
	  RAW, "f*,* allow", "new i28 o28", "new=f*,* in[0-28]=allow >i28 out[0-28]=allow >o28 open" },
	{ "NE-TIME-01: flows of other protocols are limited as datagrams", RAW, "pause", "new i1 t10000",
	  "new=pause @10000 timer:undecided xi1 closed" },
};

static struct sl_ne_options options_of(unsigned as)
{
	struct sl_ne_options o = sl_ne_options_of(as & STRICT ? SL_NE_PROFILE_STRICT : SL_NE_PROFILE_MACOS);
	o.platform = as & MACOS ? SL_NE_MACOS : as & IOS ? SL_NE_IOS : SL_NE_GATEWAY;
	o.redeliver = (as & ONCE) == 0;
	o.reject = as & SILENT ? SL_NE_REJECT_SILENT : SL_NE_REJECT_RST;
	o.reject_udp = as & ICMP ? SL_NE_REJECT_UDP_ICMP : SL_NE_REJECT_UDP_SILENT;
	o.answer = sl_span_ms(as & LIMIT ? 5000 : 0);
	o.late = as & LATE_ALLOW ? SL_NE_LATE_ALLOW : SL_NE_LATE_DROP;
	o.max_flows = 8;
	o.max_packets = as & SMALL ? 8 : 2048;
	o.max_bytes = as & SMALL ? 100 : 1 << 20;
	if (as & SMALL) {
		o.datagram_packets = 4;
		o.datagram_bytes = 100;
		o.stream_bytes = 40;
	}
	return o;
}

static struct sl_ne_flow_info info_of(unsigned as)
{
	struct sl_ne_flow_info info = {
		.direction = as & INBOUND ? SL_NE_INBOUND : SL_NE_OUTBOUND,
		.local = { .type = SL_NE_HOST_IPV4, .addr = { 10, 0, 0, 2 }, .port = 40000 },
		.remote = { .type = SL_NE_HOST_IPV4, .addr = { 192, 0, 2, 1 }, .port = 443 },
		.socket_family = 4,
		.socket_type = as & UDP   ? SL_NE_SOCK_DGRAM
		               : as & RAW ? SL_NE_SOCK_RAW
		                          : SL_NE_SOCK_STREAM,
		.socket_protocol = as & UDP   ? 17
		                   : as & RAW ? 1
		                              : 6
	};
	if (as & LOOPBACK)
		info.remote.addr[0] = 127;
	return info;
}

static void play(struct story *s, const char *text)
{
	char events[STORY_TEXT], *rest = events;
	(void)snprintf(events, sizeof(events), "%s", text);
	for (char *one; (one = strtok_r(rest, " ", &rest)) != NULL;)
		if (!story_event(s, one))
			fail_msg("no event: %s", one);
}

static void test_flow(void **state)
{
	const struct flow_case *c = (const struct flow_case *)*state;
	struct sl_ne_options options = options_of(c->as);
	struct sl_ne_env env;
	struct story s = { .answers = c->answers,
		           .info = info_of(c->as),
		           .decided_told = (c->as & DECIDED) != 0 };
	assert_int_equal(sl_ne_env_init(&env, &options), SL_OK);
	story_begin(&s, &env);
	s.updates = (c->as & UPDATES) != 0;
	if ((c->as & (AGREES | RETRIES)) != 0)
		s.control = (c->as & AGREES) != 0 ? 'a' : 'u';
	s.insists = (c->as & INSISTS) != 0;
	if (c->as & BARE) {
		env.provider.handle_inbound_data_from_flow = env.provider.handle_outbound_data_from_flow =
		        NULL;
		env.provider.handle_inbound_data_complete_for_flow = NULL;
		env.provider.handle_outbound_data_complete_for_flow = NULL;
		env.control = (struct sl_ne_control){ 0 };
	}
	play(&s, c->events);
	assert_string_equal(s.said, c->said);
	for (struct sl_ne_flow *flow = env.first, *next; flow != NULL; flow = next) {
		next = flow->next;
		sl_ne_flow_enter(flow);
		sl_ne_flow_end(flow, s.now);
		sl_ne_flow_leave(flow, s.now);
	}
	assert_int_equal(env.held.packets, 0);
	assert_int_equal(env.held.bytes, 0);
	assert_int_equal(env.timers.count, 0);
	assert_int_equal(env.stat_flows, 0);
	assert_int_equal(env.live, 0);
	sl_ne_env_end(&env);
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(cases)];
	size_t n = 0;
	for (; n < SL_COUNT(cases); n++)
		tests[n] = (struct CMUnitTest){ cases[n].name, test_flow, NULL, NULL,
			                        (void *)(uintptr_t)&cases[n] };
	return _cmocka_run_group_tests("filter/ne_flow", tests, n, NULL, NULL);
}
