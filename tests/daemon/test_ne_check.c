/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One recording against the rules. Rules are named without their "NE-" here, but for those of logs: that a breach is told does not show
 * that sluice itself keeps the rule, which is what docs/ne-parity.md counts. */
#include "daemon/ne_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/util.h"
#include "tests/daemon/ne_text.h"

#define HEAD         "{'format':'sluice-ne-trace','version':1,'writer':'SluiceRecorder'}\n"
#define E(time, seq) "{'time':" #time ",'seq':" #seq ",'flow':1,"
#define TCP          "'protocol':6,'direction':'outbound','local':'0.0.0.0:0','remote':'198.51.100.1:443',"
#define UDP          "'protocol':17,'direction':'outbound','local':'0.0.0.0:0','remote':'198.51.100.1:53',"
#define NEW(verdict) E(0, 1) "'event':'handleNewFlow'," TCP "'verdict':{" verdict "}}\n"
#define BOTH(in, out)                                                             \
	"'kind':'filterDataVerdict','filterInbound':true,'peekInboundBytes':" #in \
	",'filterOutbound':true,'peekOutboundBytes':" #out
#define OUT(time, seq, offset, len, verdict) \
	E(time, seq)                         \
	"'event':'handleOutboundData','offset':" #offset ",'len':" #len ",'verdict':{" verdict "}}\n"
#define IN(time, seq, offset, len, verdict) \
	E(time, seq)                        \
	"'event':'handleInboundData','offset':" #offset ",'len':" #len ",'verdict':{" verdict "}}\n"
#define OUT_END(time, seq, verdict) \
	E(time, seq) "'event':'handleOutboundDataComplete','verdict':{" verdict "}}\n"
#define OTHER(time, seq, event, rest) E(time, seq) "'event':'" event "'" rest "}\n"
#define ALLOW                         "'kind':'allow'"
#define DROP                          "'kind':'drop'"
#define PAUSE                         "'kind':'pause'"
#define PASS(pass, peek)              "'kind':'passBytes','passBytes':" #pass ",'peekBytes':" #peek

enum { MANY = 8 };

static const struct row {
	const char *name, *text; /* ' stands for " */
	const char *want[MANY];  /* "line weight rule", in order; the rest: none */
} rows[] = {
	{ "a flow as it should be",
	  HEAD NEW(BOTH(1024, 1024)) OUT(1, 2, 0, 300, PASS(0, 1024)) OUT(2, 3, 0, 517, PASS(517, 9))
	          IN(3, 4, 0, 900, ALLOW) OUT(4, 5, 517, 9, PASS(9, 9)) OUT_END(5, 6, ALLOW),
	  { NULL } },
	{ "data before handleNewFlow", HEAD OUT(0, 1, 0, 1, ALLOW), { "2 wrong CB-06" } },
	{ "handleNewFlow twice",
	  HEAD NEW(BOTH(9, 9)) OTHER(1, 2, "handleNewFlow", ",'verdict':{'kind':'allow'}"),
	  { "3 wrong CB-06" } },
	{ "a callback while the flow is paused",
	  HEAD NEW(PAUSE) OUT(1, 2, 0, 1, ALLOW),
	  { "3 wrong CB-08" } },
	{ "a callback after the drop", HEAD NEW(DROP) OUT(1, 2, 0, 1, ALLOW), { "3 wrong DROP-04" } },
	{ "a callback after both directions were passed for good",
	  HEAD NEW(ALLOW) OUT(1, 2, 0, 1, ALLOW),
	  { "3 wrong CB-07" } },
	{ "a direction that nobody asked for",
	  HEAD NEW("'kind':'filterDataVerdict','filterOutbound':true,'peekOutboundBytes':9")
	          IN(1, 2, 0, 1, ALLOW),
	  { "3 wrong CB-03" } },
	{ "data that begins elsewhere than it was passed to",
	  HEAD NEW(BOTH(9, 9)) OUT(1, 2, 0, 5, PASS(5, 9)) OUT(2, 3, 6, 1, ALLOW),
	  { "4 wrong PEEK-08" } },
	{ "more data than was asked for",
	  HEAD NEW(BOTH(9, 9)) OUT(1, 2, 0, 10, ALLOW),
	  { "3 wrong PEEK-07" } },
	{ "the same data again, with nothing new",
	  HEAD NEW(BOTH(9, 9)) OUT(1, 2, 0, 5, PASS(0, 9)) OUT(2, 3, 0, 5, ALLOW),
	  { "4 wrong PEEK-07" } },
	{ "shown bytes do not come again where the head says so",
	  "{'format':'sluice-ne-trace','version':1,'redeliver':false}\n" NEW(BOTH(9, 9))
	          OUT(1, 2, 0, 5, PASS(0, 9)) OUT(2, 3, 5, 3, ALLOW),
	  { NULL } },
	{ "data after the end of its direction",
	  HEAD NEW(BOTH(9, 9)) OUT_END(1, 2, PASS(0, 0)) OUT(2, 3, 0, 5, ALLOW),
	  { "4 wrong CB-05" } },
	{ "an end twice",
	  HEAD NEW(BOTH(9, 9)) OUT_END(1, 2, PASS(0, 0)) OUT_END(2, 3, ALLOW),
	  { "4 wrong CB-05" } },
	{ "a verdict for new flows on data",
	  HEAD NEW(BOTH(9, 9)) OUT(1, 2, 0, 5, BOTH(1, 1)),
	  { "3 wrong DV-03", "3 note PEEK-10" } },
	{ "a verdict for data on a new flow", HEAD NEW(PASS(1, 1)), { "2 wrong NFV-03" } },
	{ "resumed without a pause",
	  HEAD NEW(BOTH(9, 9)) OTHER(1, 2, "resumeFlow", ",'verdict':{'kind':'allow'}"),
	  { "3 wrong PAUSE-04" } },
	{ "resumed with a verdict of the other kind",
	  HEAD NEW(PAUSE)
	          OTHER(1, 2, "resumeFlow", ",'verdict':{'kind':'passBytes','passBytes':1,'peekBytes':1}"),
	  { "3 wrong PAUSE-05" } },
	{ "updated with pause",
	  HEAD NEW(BOTH(9, 9)) OTHER(1, 2, "updateFlow", ",'verdict':{'kind':'pause'}"),
	  { "3 wrong CB-09" } },
	{ "a datagram flow that is paused for 25 s",
	  HEAD E(0, 1) "'event':'handleNewFlow'," UDP "'verdict':{'kind':'pause'}}\n" OTHER(
	          25000000, 2, "resumeFlow", ",'verdict':{'kind':'allow'}"),
	  { "3 wrong PAUSE-03" } },
	{ "one that is paused for 12 s lies within the collector's clock",
	  HEAD E(0, 1) "'event':'handleNewFlow'," UDP "'verdict':{'kind':'pause'}}\n" OTHER(
	          12000000, 2, "resumeFlow", ",'verdict':{'kind':'allow'}"),
	  { "3 note PAUSE-03" } },
	{ "TCP may be paused for that long",
	  HEAD NEW(PAUSE) OTHER(25000000, 2, "resumeFlow", ",'verdict':{'kind':'allow'}"),
	  { NULL } },
	{ "a pause that nobody ends",
	  HEAD NEW(PAUSE) OTHER(60000000, 2, "report", ",'report':{'event':'flowClosed'}"),
	  { "2 wrong PAUSE-02" } },
	{ "a pause at the end of the recording", HEAD NEW(PAUSE), { "2 note PAUSE-02" } },
	{ "a verdict that changes nothing",
	  HEAD NEW(BOTH(9, 9)) OUT(1, 2, 0, 9, PASS(0, 0)),
	  { "3 wrong PEEK-09" } },
	{ "a verdict that passes less than was shown and asks for no more",
	  HEAD NEW(BOTH(9, 9)) OUT(1, 2, 0, 9, PASS(4, 0)),
	  { "3 wrong PEEK-09" } },
	{ "a window that ends where data was shown already",
	  HEAD NEW(BOTH(9, 9)) OUT(1, 2, 0, 9, PASS(0, 9)),
	  { "3 wrong PEEK-09" } },
	{ "a new flow's verdict that asks for 0 bytes", HEAD NEW(BOTH(9, 0)), { "2 wrong PEEK-09" } },
	{ "a window that the sender does not fill",
	  HEAD NEW(BOTH(9, 4096)) OUT(1, 2, 0, 517, PASS(0, 4096))
	          OTHER(20000000, 3, "report", ",'report':{'event':'newFlow'}"),
	  { "3 wrong PEEK-10" } },
	{ "a stall that the trace tells is told once, with its cause",
	  HEAD NEW(BOTH(9, 9)) OUT(1, 2, 0, 9, PASS(4, 0)) OTHER(2, 3, "stall", ",'direction':'outbound'"),
	  { "4 wrong PEEK-09" } },
	{ "events after closed",
	  HEAD NEW(ALLOW) OTHER(1, 2, "closed", "") OTHER(2, 3, "data", ",'len':3"),
	  { "4 wrong CB-06" } },
	{ "undecided for too long",
	  HEAD NEW(BOTH(9, 9)) OTHER(10, 2, "timer", ",'timer':'undecided'"),
	  { "3 wrong PAUSE-03" } },
	{ "too much that waits",
	  HEAD NEW(BOTH(9, 9)) OTHER(10, 2, "refused", ",'direction':'inbound','len':99"),
	  { "3 wrong FAIL-12" } },
	{ "a move that was ignored",
	  HEAD NEW(BOTH(9, 9)) OTHER(10, 2, "illegal", ",'illegal':'pausePaused'"),
	  { "3 wrong CHOICE-14" } },
	{ "a verdict that was ignored moves nothing, and nobody waits for it",
	  HEAD NEW("'kind':'needRules'") OTHER(0, 2, "illegal", ",'illegal':'verdict'"),
	  { "3 wrong CHOICE-14" } },
	{ "a verdict of the other class that was ignored is told once",
	  HEAD NEW(BOTH(9, 9)) OUT(1, 2, 0, 9, BOTH(1, 1)) OTHER(1, 3, "illegal", ",'illegal':'verdict'")
	          OUT(2, 4, 0, 12, ALLOW),
	  { "3 wrong DV-03", "5 wrong PEEK-07" } },
	{ "and nothing is asked on because of it",
	  HEAD NEW(BOTH(9, 9)) OUT(1, 2, 0, 9, DROP) OTHER(1, 3, "illegal", ",'illegal':'verdictAfterClose'")
	          OUT_END(2, 4, ALLOW),
	  { "4 wrong CHOICE-14" } },
	{ "a pause that the filter's stop ends is no stall, and its new instance is not asked about the flow",
	  HEAD NEW(PAUSE) "{'time':1000,'seq':2,'event':'filterStop'}\n{'time':1001,'seq':3,'event':'"
	                  "filterStopped'}\n" OTHER(60000000, 4, "report",
	                                            ",'report':{'event':'flowClosed'}"),
	  { NULL } },
	{ "which is wrong",
	  HEAD NEW(BOTH(9, 9)) "{'time':1000,'seq':2,'event':'filterCrashed'}\n" OUT(2000, 3, 0, 5, ALLOW),
	  { "3 note FAIL-03", "4 wrong LIFE-09" } },
	{ "a flow of the new instance is judged as ever",
	  HEAD
	  "{'time':1000,'seq':1,'event':'filterStopped'}\n{'time':1001,'seq':2,'event':'filterStarted'}\n" E(
	          2000, 3) "'event':'handleNewFlow'," TCP "'verdict':{" DROP "}}\n" OUT(2001, 4, 0, 5, ALLOW),
	  { "5 wrong DROP-04" } },
	{ "a handler that is called twice",
	  HEAD "{'time':0,'seq':1,'event':'illegal','illegal':'lifecycle'}\n",
	  { "2 wrong CHOICE-14" } },
	{ "both directions stall, each with its own cause",
	  HEAD NEW(BOTH(9, 9)) OUT(1, 2, 0, 9, PASS(4, 0)) IN(1, 3, 0, 9, PASS(0, 0)) OTHER(
	          2, 4, "stall", ",'direction':'outbound'") OTHER(2, 5, "stall", ",'direction':'inbound'"),
	  { "5 wrong PEEK-09", "6 wrong PEEK-09" } },
	{ "statistics that nobody asked for",
	  HEAD NEW(ALLOW) OTHER(10, 2, "report", ",'report':{'event':'statistics'}"),
	  { "3 wrong REP-08" } },
	{ "statistics that count backwards",
	  HEAD NEW("'kind':'allow','statisticsReportFrequency':'low'")
	          OTHER(5000000, 2, "report", ",'report':{'event':'statistics','bytesInboundCount':9}") OTHER(
	                  10000000, 3, "report", ",'report':{'event':'statistics','bytesInboundCount':8}"),
	  { "4 wrong REP-07" } },
	{ "offsets that fall",
	  HEAD NEW(BOTH(9, 9)) OTHER(
	          1, 2, "release",
	          ",'inbound':{'pass':9,'peek':9,'shown':9,'seen':9,'received':9,'released':9,'dropped':0}")
	          OTHER(2, 3, "release",
	                ",'inbound':{'pass':9,'peek':9,'shown':9,'seen':9,'received':9,'released':8,'dropped'"
	                ":0}"),
	  { "4 wrong PEEK-02" } },
	{ "more that went on than came",
	  HEAD NEW(BOTH(9, 9)) OTHER(
	          1, 2, "release",
	          ",'inbound':{'pass':9,'peek':9,'shown':9,'seen':9,'received':9,'released':9,'dropped':1}"),
	  { "3 wrong PEEK-05" } },
	{ "what was lost excuses what depends on it",
	  HEAD NEW(BOTH(9, 9)) OUT(1, 3, 5, 1, PASS(0, 0)),
	  { "3 note EXM-09" } },
	{ "but not a callback on a flow that was passed for good",
	  HEAD NEW(ALLOW) OUT(1, 3, 5, 1, ALLOW),
	  { "3 note EXM-09", "3 wrong CB-07" } },
	{ "a flow that begins after the loss is judged",
	  HEAD "{'time':0,'seq':4,'event':'wake'}\n{'time':1,'seq':5,'flow':1,'event':'handleNewFlow'," TCP
	       "'verdict':{" DROP "}}\n" OUT(1, 6, 0, 1, ALLOW),
	  { "2 note EXM-09", "4 wrong DROP-04" } },
	{ "another instance in the same file",
	  HEAD NEW(BOTH(9, 9)) HEAD OUT(1, 1, 7, 1, ALLOW),
	  { "3 note LIFE-09" } },
	{ "a verdict that the recorder did not make says nothing",
	  HEAD NEW("'kind':'x'") OUT(1, 2, 7, 1, ALLOW),
	  { NULL } },
	{ "a start that never ends",
	  HEAD "{'time':0,'seq':1,'event':'filterStart'}\n{'time':30000000,'seq':2,'event':'wake'}\n",
	  { "2 wrong FAIL-01" } },
	{ "the head is lost", NEW(ALLOW), { "0 note -" } },
	{ "a torn line, and an event that is not known",
	  HEAD "{'time':1,'seq\n{'time':1,'seq':1,'event':'telepathy'}\n" E(2, 2) "'event':'wake'}\n",
	  { "0 note -", "0 note -" } },
	{ "NE-LOG-01: lines of flow divert are not a content filter's",
	  "(7): Created\n",
	  { "0 note LOG-05", "1 wrong LOG-01", "1 note LOG-09" } },
	{ "NE-LOG-02: bytes that never reached the provider",
	  "(7): received connect result 0\n(7): Destroying, app tx 9, tunnel tx 4, tunnel rx 2\n",
	  { "0 note LOG-05", "1 wrong LOG-01", "2 note LOG-02", "2 wrong LOG-02" } },
	{ "NE-LOG-09: the provider refused",
	  "(7): Connecting\n(7): received connect result 61\n",
	  { "0 note LOG-05", "1 wrong LOG-01", "2 wrong LOG-09" } },
	{ "NE-LOG-06: a verdict that moves no offset",
	  "CFIL: VERDICT RECEIVED: <so 1c sockID 12 <4>> <IN peek:0 pass:0, OUT peek:1024 pass:512>\n"
	  "CFIL: VERDICT RECEIVED: <so 1c sockID 12 <4>> <IN peek:0 pass:0, OUT peek:900 pass:500>\n",
	  { "0 note LOG-05", "2 wrong PEEK-04", "1 note LOG-04" } },
	{ "NE-LOG-07: lines about necp are nobody's",
	  "2026-01-31 08:00:00.0+0000 host x[1]: SO_NECP_ATTRIBUTES set\n(7): no provider, cannot send "
	  "packet\n",
	  { "0 note LOG-05", "2 wrong LOG-01", "2 wrong LOG-02" } },
};

static void test_row(void **state)
{
	const struct row *r = *state;
	struct sl_ne_recording *rec = read_text(r->text);
	struct sl_ne_findings found = { 0 };
	char got[64];
	size_t want = 0;
	sl_ne_check(rec, &found);
	while (want < MANY && r->want[want] != NULL)
		want++;
	for (size_t i = 0; i < found.n; i++) {
		const struct sl_ne_finding *f = &found.at[i];
		(void)snprintf(got, sizeof(got), "%u %s %s", f->line, sl_ne_weight_name(f->weight),
		               f->rule == NULL ? "-" : f->rule + strlen("NE-"));
		if (i >= want)
			fail_msg("not wanted: %s: %s", got, f->text);
		assert_string_equal(got, r->want[i]);
	}
	assert_int_equal(found.n, want);
	sl_ne_findings_free(&found);
	sl_ne_recording_free(&rec);
}

static int refuse(const char *text)
{
	struct sl_ne_recording *rec = NULL;
	FILE *from = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	int err = sl_ne_recording_read(from, "test", NULL, &rec);
	(void)fclose(from);
	assert_null(rec);
	return err;
}

static void test_refused(void **state)
{
	(void)state;
	assert_int_equal(refuse("GIF89a\nnothing of ours\n"), SL_EMALF);
	assert_int_equal(refuse("{\"format\":\"sluice-ne-trace\",\"version\":2}\n"), SL_EUNSUP);
	assert_int_equal(refuse("{\"format\":\"sluice-ne-trace\",\"version\":1,\"urlFilter\":\"ne27\"}\n"),
	                 SL_EUNSUP);
	assert_int_equal(refuse("\n"), SL_EMALF);
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(rows) + 1];
	size_t n = 0;
	for (size_t i = 0; i < SL_COUNT(rows); i++) {
		union {
			const struct row *row;
			void *state;
		} u = { .row = &rows[i] };
		tests[n++] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL, u.state };
	}
	tests[n++] = (struct CMUnitTest){ "neither a trace nor a log, and another version", test_refused,
		                          NULL, NULL, NULL };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
