/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two recordings. Rules are named without their "NE-", as in test_ne_check.c. */
#include "daemon/ne_compare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/util.h"
#include "tests/daemon/ne_text.h"

#define GATEWAY "{'format':'sluice-ne-trace','version':1,'writer':'sluice'}\n"
#define MAC     "{'format':'sluice-ne-trace','version':1,'writer':'SluiceRecorder'}\n"
#define NEW(time, flow, local, remote, protocol, verdict)                                          \
	"{'time':" #time ",'flow':" #flow                                                          \
	",'event':'handleNewFlow','direction':'outbound','protocol':" #protocol ",'local':'" local \
	"','remote':'" remote "','verdict':{" verdict "}}\n"
#define OUT(time, flow, offset, len, verdict)                                                              \
	"{'time':" #time ",'flow':" #flow ",'event':'handleOutboundData','offset':" #offset ",'len':" #len \
	",'verdict':{" verdict "}}\n"
#define OTHER(time, flow, event, rest) "{'time':" #time ",'flow':" #flow ",'event':'" event "'" rest "}\n"
#define ALLOW                          "'kind':'allow'"
#define DROP                           "'kind':'drop'"
#define PASS(pass, peek)               "'kind':'passBytes','passBytes':" #pass ",'peekBytes':" #peek
#define FILTER                         "'kind':'filterDataVerdict','filterOutbound':true,'peekOutboundBytes':'max'"
#define S                              "198.51.100.1:443"
#define UNKNOWN                        "0.0.0.0:0"
#define BEGIN                          NEW(0, 1, UNKNOWN, S, 6, FILTER)
#define STATISTICS(time)               OTHER(time, 1, "report", ",'report':{'event':'statistics'}")
#define CFIL(what, id)                                              \
	"<CFIL: " what ">: [1 x] <TCP out so 1c flags 0x1 0x2 " #id \
	" age 0> lport 5 fport 443 laddr 192.0.2.5 "                \
	"faddr 198.51.100.1\n"
#define PRIVATE                                                                                         \
	"<CFIL: DROP - DETACH>: [1 x] <TCP out so 1c 9 age 0> lport 5 fport 443 laddr <private> faddr " \
	"<private>\n"

enum { MANY = 4 };

static const struct row {
	const char *name, *a, *b;
	size_t same, paired, parts;
	const char *want[MANY]; /* "weight rule", in order */
} rows[] = {
	{ "the same",
	  GATEWAY BEGIN OUT(1, 1, 0, 9, ALLOW),
	  GATEWAY BEGIN OUT(5, 1, 0, 9, ALLOW),
	  1,
	  1,
	  0,
	  { NULL } },
	{ "another answer to a new flow",
	  GATEWAY NEW(0, 1, UNKNOWN, S, 6, ALLOW),
	  GATEWAY NEW(0, 1, UNKNOWN, S, 6, DROP),
	  0,
	  1,
	  0,
	  { "wrong NFV-01" } },
	{ "filtering neither direction is to allow",
	  GATEWAY NEW(0, 1, UNKNOWN, S, 6, ALLOW),
	  GATEWAY NEW(0, 1, UNKNOWN, S, 6, "'kind':'filterDataVerdict'"),
	  1,
	  1,
	  0,
	  { NULL } },
	{ "chunks do not count: passed in two and in one",
	  GATEWAY BEGIN OUT(1, 1, 0, 4, PASS(4, 9)) OUT(2, 1, 4, 5, PASS(5, 9)),
	  GATEWAY BEGIN OUT(1, 1, 0, 9, PASS(9, 9)),
	  1,
	  1,
	  0,
	  { NULL } },
	{ "chunks do not count: asked for more before the answer",
	  GATEWAY BEGIN OUT(1, 1, 0, 4, PASS(0, 99)) OUT(2, 1, 0, 9, DROP),
	  GATEWAY BEGIN OUT(1, 1, 0, 9, DROP),
	  1,
	  1,
	  0,
	  { NULL } },
	{ "offsets count",
	  GATEWAY BEGIN OUT(1, 1, 0, 9, PASS(9, 9)),
	  GATEWAY BEGIN OUT(1, 1, 0, 8, PASS(8, 9)),
	  0,
	  1,
	  0,
	  { "wrong PEEK-05" } },
	{ "the answer comes at another offset",
	  GATEWAY BEGIN OUT(1, 1, 0, 4, PASS(4, 9)) OUT(2, 1, 4, 5, DROP),
	  GATEWAY BEGIN OUT(1, 1, 0, 9, DROP),
	  0,
	  1,
	  0,
	  { "wrong PEEK-08" } },
	{ "another answer to data",
	  GATEWAY BEGIN OUT(1, 1, 0, 9, DROP),
	  GATEWAY BEGIN OUT(1, 1, 0, 9, ALLOW),
	  0,
	  1,
	  0,
	  { "wrong DV-02" } },
	{ "one has nothing more",
	  GATEWAY BEGIN OUT(1, 1, 0, 9, DROP) OTHER(2, 1, "closed", ""),
	  GATEWAY BEGIN OTHER(2, 1, "closed", ""),
	  0,
	  1,
	  0,
	  { "wrong DV-02" } },
	{ "where its recording ends before, that is the cause",
	  GATEWAY BEGIN OUT(9, 1, 0, 9, DROP),
	  GATEWAY BEGIN,
	  0,
	  1,
	  0,
	  { "documented -" } },
	{ "shouldReport counts",
	  GATEWAY NEW(0, 1, UNKNOWN, S, 6, "'kind':'allow','shouldReport':true"),
	  GATEWAY NEW(0, 1, UNKNOWN, S, 6, ALLOW),
	  0,
	  1,
	  0,
	  { "wrong REP-04" } },
	{ "statistics within one tick, the last of them missing",
	  GATEWAY BEGIN STATISTICS(1000000) STATISTICS(2000000) STATISTICS(3000000),
	  GATEWAY BEGIN STATISTICS(1400000) STATISTICS(1600000),
	  1,
	  1,
	  0,
	  { NULL } },
	{ "statistics a second apart",
	  GATEWAY BEGIN STATISTICS(1000000),
	  GATEWAY BEGIN STATISTICS(2000000),
	  0,
	  1,
	  0,
	  { "wrong REP-07" } },
	{ "datagrams that end after 10 and after 19 s",
	  GATEWAY NEW(0, 1, UNKNOWN, S, 17, FILTER) OTHER(10000000, 1, "timer", ",'timer':'undecided'"),
	  GATEWAY NEW(0, 1, UNKNOWN, S, 17, FILTER) OTHER(19000000, 1, "timer", ",'timer':'undecided'"),
	  1,
	  1,
	  0,
	  { NULL } },
	{ "a recorder is not told of such an end",
	  MAC NEW(0, 1, UNKNOWN, S, 17, FILTER),
	  GATEWAY NEW(0, 1, UNKNOWN, S, 17, FILTER) OTHER(19000000, 1, "timer", ",'timer':'undecided'"),
	  0,
	  1,
	  0,
	  { "documented PAUSE-03" } },
	{ "a verdict that the recorder did not make",
	  MAC NEW(0, 1, UNKNOWN, S, 6, "'kind':'?'"),
	  GATEWAY BEGIN,
	  0,
	  1,
	  0,
	  { "documented CB-01" } },
	{ "what was lost is the cause",
	  "{'format':'sluice-ne-trace','version':1}\n{'time':0,'seq':1,'flow':1,'event':'handleNewFlow','"
	  "protocol':6,'remote':'" S "','verdict':{" FILTER "}}\n{'time':9,'seq':3,'event':'wake'}\n",
	  GATEWAY BEGIN OUT(1, 1, 0, 9, DROP) OTHER(1, 1, "closed", ""),
	  0,
	  1,
	  0,
	  { "documented EXM-09" } },
	{ "clocks that differ, and two flows to one server",
	  GATEWAY NEW(0, 1, UNKNOWN, S, 6, ALLOW) NEW(1000000, 2, UNKNOWN, S, 6, DROP),
	  GATEWAY NEW(70000000, 8, "192.0.2.1:5", S, 6, ALLOW) NEW(71000000, 9, "192.0.2.1:6", S, 6, DROP),
	  2,
	  2,
	  0,
	  { NULL } },
	{ "the local end decides over time",
	  GATEWAY NEW(0, 1, "192.0.2.1:6", S, 6, ALLOW) NEW(1, 2, "192.0.2.1:5", S, 6, DROP),
	  GATEWAY NEW(0, 8, "192.0.2.1:5", S, 6, DROP) NEW(1, 9, "192.0.2.1:6", S, 6, ALLOW),
	  2,
	  2,
	  0,
	  { NULL } },
	{ "a port that is used again: time decides",
	  GATEWAY NEW(0, 1, "192.0.2.1:5", S, 6, ALLOW) NEW(3000000, 2, "192.0.2.1:5", S, 6, DROP),
	  GATEWAY NEW(3000000, 2, "192.0.2.1:5", S, 6, DROP) NEW(0, 1, "192.0.2.1:5", S, 6, ALLOW),
	  2,
	  2,
	  0,
	  { NULL } },
	{ "an address of IPv6 as macOS writes it, and as we do",
	  MAC NEW(0, 1, UNKNOWN, "2001:db8::1.443", 6, ALLOW),
	  GATEWAY NEW(0, 1, UNKNOWN, "[2001:db8::1]:443", 6, ALLOW),
	  1,
	  1,
	  0,
	  { NULL } },
	{ "one flow that is two",
	  MAC NEW(0, 1, "192.0.2.1:5", S, 17, ALLOW),
	  GATEWAY NEW(0, 1, "192.0.2.1:5", S, 17, ALLOW) NEW(3000000, 2, "192.0.2.1:5", S, 17, ALLOW),
	  1,
	  1,
	  1,
	  { "documented FLOW-01" } },
	{ "a flow that only one has",
	  GATEWAY BEGIN,
	  GATEWAY BEGIN NEW(0, 2, UNKNOWN, "203.0.113.1:1", 6, ALLOW),
	  1,
	  1,
	  0,
	  { "wrong FLOW-01" } },
	{ "on a Mac it may be hidden",
	  MAC BEGIN,
	  GATEWAY BEGIN NEW(0, 2, UNKNOWN, "203.0.113.1:1", 6, ALLOW),
	  1,
	  1,
	  0,
	  { "documented EXM-04" } },
	{ "loopback is nobody's fault",
	  MAC BEGIN NEW(0, 2, UNKNOWN, "127.0.0.1:1", 6, ALLOW),
	  GATEWAY BEGIN,
	  1,
	  1,
	  0,
	  { "documented EXM-01" } },
	{ "NE-LOG-09: a log that agrees",
	  GATEWAY NEW(0, 1, "192.0.2.5:5", S, 6, DROP),
	  CFIL("ADDED", 9) CFIL("DROP - DETACH", 9),
	  1,
	  1,
	  0,
	  { NULL } },
	{ "NE-LOG-09: a log that does not",
	  GATEWAY NEW(0, 1, "192.0.2.5:5", S, 6, ALLOW),
	  CFIL("DROP - DETACH", 9),
	  0,
	  1,
	  0,
	  { "wrong DV-02" } },
	{ "the log may come first",
	  CFIL("DROP - DETACH", 9),
	  GATEWAY NEW(0, 1, "192.0.2.5:5", S, 6, ALLOW),
	  0,
	  1,
	  0,
	  { "wrong DV-02" } },
	{ "NE-LOG-05: a log without a line of it",
	  GATEWAY BEGIN NEW(0, 2, UNKNOWN, "203.0.113.1:1", 6, ALLOW),
	  CFIL("ADDED", 9),
	  1,
	  1,
	  0,
	  { "documented LOG-05" } },
	{ "NE-LOG-06: offsets of the log",
	  GATEWAY BEGIN OUT(1, 1, 0, 9, PASS(9, 9)),
	  CFIL("ADDED", 9) "CFIL: VERDICT RECEIVED: <so 1c sockID 9 <4>> <IN peek:0 "
	                   "pass:18446744073709551615, OUT peek:18 pass:9>\n",
	  1,
	  1,
	  0,
	  { NULL } },
	{ "NE-LOG-06: offsets that the trace never has",
	  GATEWAY BEGIN OUT(1, 1, 0, 9, PASS(9, 9)),
	  CFIL("ADDED", 9) "CFIL: VERDICT RECEIVED: <so 1c sockID 9 <4>> <IN peek:0 "
	                   "pass:18446744073709551615, OUT peek:18 pass:7>\n",
	  0,
	  1,
	  0,
	  { "wrong LOG-06" } },
	{ "<private> ends are paired by ports and time",
	  GATEWAY NEW(0, 1, "192.0.2.5:5", S, 6, DROP),
	  PRIVATE,
	  1,
	  1,
	  0,
	  { NULL } },
	{ "NE-LOG-01: flow divert is paired with nothing",
	  GATEWAY BEGIN,
	  "(7): Created\n",
	  0,
	  0,
	  0,
	  { "documented LOG-05", "wrong LOG-01" } },
};

static void check_findings(const struct sl_ne_comparison *c, const struct row *r)
{
	char got[64];
	size_t want = 0;
	while (want < MANY && r->want[want] != NULL)
		want++;
	for (size_t i = 0; i < c->findings.n; i++) {
		const struct sl_ne_finding *f = &c->findings.at[i];
		(void)snprintf(got, sizeof(got), "%s %s", sl_ne_weight_name(f->weight),
		               f->rule == NULL ? "-" : f->rule + strlen("NE-"));
		if (i >= want)
			fail_msg("not wanted: %s: %s", got, f->text);
		assert_string_equal(got, r->want[i]);
	}
	assert_int_equal(c->findings.n, want);
}

static void test_row(void **state)
{
	const struct row *r = *state;
	struct sl_ne_recording *a = read_text(r->a), *b = read_text(r->b);
	struct sl_ne_comparison c;
	assert_int_equal(sl_ne_compare(a, b, &c), SL_OK);
	check_findings(&c, r);
	assert_int_equal(c.same, r->same);
	assert_int_equal(c.paired, r->paired);
	assert_int_equal(c.several, r->parts);
	sl_ne_comparison_free(&c);
	sl_ne_recording_free(&a);
	sl_ne_recording_free(&b);
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(rows)];
	for (size_t i = 0; i < SL_COUNT(rows); i++) {
		union {
			const struct row *row;
			void *state;
		} u = { .row = &rows[i] };
		tests[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL, u.state };
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
