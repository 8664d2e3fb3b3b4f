/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_ne_chain.c - several filters over one flow, row by row with the ids of the reference.
 *
 * Filters are A, B, C, each with answers of its own, in the language of ne_story.h. Events: new; oN iN; fo fi; c; tN; Ar:V Au:V resume
 * and update of a filter's flow; A! it crashes, A- it stops, A+ it starts. Said: A.new=V, A.out[0-5]=V, A.end:o Complete; decided;
 * >oN xoN fin:o drop(REFUSAL) closed, as the driver is told of them. */
#include "filter/ne_chain.h"

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
	FILTERS = 3,
	UDP = 1,
	GRADES = 2 /* A is an inspector, the others firewalls */,
	SMALL = 4,
	TWICE = 8 /* all existing = pass but B */,
	PASS = 16
};

static const struct chain_case {
	const char *name;
	unsigned as;
	const char *answers[FILTERS]; /* NULL: no such filter */
	const char *events, *said;
} cases[] = {
	{ "NE-PEEK-14, NE-CHOICE-50: each is asked once the one before it has answered",
	  0,
	  { "allow", "allow" },
	  "new o5 c",
	  "A.new B.new decided >o5 closed" },
	{ "NE-PEEK-14: and not before",
	  0,
	  { "pause", "allow" },
	  "new o5 Ar:allow",
	  "A.new B.new decided >o5" },
	{ "NE-PEEK-14: a later filter sees only what was released",
	  0,
	  { "f-,* p3,* p4,*", "f-,* p0,*" },
	  "new o3 o3 i5 o1",
	  "A.new B.new decided A.out[0-3] B.out[0-3] A.out[3-6] B.out[0-6] >o3 >o3 >i5 >o1" },
	{ "NE-PEEK-14: the least pass offset decides",
	  0,
	  { "f-,* p*,0", "f-,* p2,* p0,*" },
	  "new o2 o2 o2",
	  "A.new B.new decided A.out[0-2] B.out[0-2] >o2 B.out[2-4] B.out[2-6] >o2 >o2" },
	{ "NE-DROP-04, NE-CHOICE-50: a drop by the first ends it for all",
	  0,
	  { "f-,* drop", "allow" },
	  "new o2 o2",
	  "A.new B.new decided A.out[0-2] xo2 drop(R) closed gone" },
	{ "NE-DROP-04: a drop by the last too, what others hold included",
	  0,
	  { "f*,* p0,* p2,*", "f-,* drop" },
	  "new i7 o2",
	  "A.new B.new decided A.in[0-7] A.out[0-2] B.out[0-2] xo2 xi7 drop(Rr) closed" },
	{ "NE-DROP-04: on its first verdict", 0, { "allow", "drop" }, "new", "A.new B.new drop(R) closed" },
	{ "NE-DROP-03: UDP is swallowed by the one that dropped it",
	  UDP,
	  { "allow", "drop" },
	  "new o5 o5 t30000",
	  "A.new B.new drop() xo5 xo5 @30000 closed" },
	{ "NE-CHOICE-50, NE-MGR-03: firewalls come before inspectors, then in order",
	  GRADES,
	  { "allow", "allow", "allow" },
	  "new",
	  "B.new C.new A.new decided" },
	{ "NE-CB-05: an end goes from filter to filter",
	  0,
	  { "f-,* p5,*", "f-,* p5,*" },
	  "new o5 fo fi c",
	  "A.new B.new decided A.out[0-5] B.out[0-5] >o5 fin:o B.end:o A.end:o fin:i closed" },
	{ "NE-PEEK-15: that of the reader after its bytes, for the next filter",
	  0,
	  { "f*,- pause", "f*,- p5,*" },
	  "new i5 fi Ar:p5,*",
	  "A.new B.new decided A.in[0-5] B.in[0-5] >i5 fin:i B.end:i A.end:i" },
	{ "NE-FAIL-11: one wait for all at the end",
	  0,
	  { "f-,5 p0,0 p0,0", "f-,5 p0,0" },
	  "new o5 c t999 t1",
	  "A.new B.new decided A.out[0-5] A.end:o @1000 xo5 B.end:o closed" },
	{ "NE-FAIL-11: of the second too",
	  0,
	  { "allow", "f-,5 p0,0 p0,0" },
	  "new o5 c t999 t1",
	  "A.new B.new decided B.out[0-5] B.end:o @1000 xo5 closed" },
	{ "NE-FAIL-03: a crash of one leaves the others",
	  0,
	  { "f-,* p0,* p5,*", "f-,* p10,*" },
	  "new o5 A! o5",
	  "A.new B.new decided A.out[0-5] B.out[0-5] >o5 >o5" },
	{ "NE-FAIL-04: one that is stopped is passed by",
	  0,
	  { "allow", "allow" },
	  "A- new o5",
	  "B.new decided >o5" },
	{ "NE-FAIL-05, NE-FAIL-06: and when it starts, older flows end",
	  0,
	  { "allow", "allow" },
	  "A- new o5 A+",
	  "B.new decided >o5 drop(Rr) closed" },
	{ "NE-FAIL-06: unless all keep them",
	  PASS,
	  { "allow", "allow" },
	  "A- B- new o5 A+ B+ o5",
	  "decided >o5 >o5" },
	{ "NE-FAIL-06: all, not some",
	  PASS | TWICE,
	  { "allow", "allow" },
	  "A- B- new o5 A+ B+ o5",
	  "decided >o5 drop(Rr) closed gone" },
	{ "NE-TIME-01: a limit of one ends it for all",
	  UDP,
	  { "allow", "pause" },
	  "new o5 t10000",
	  "A.new B.new @10000 xo5 closed" },
	{ "NE-TIME-03: idle is who hears of no packet, not who is shown none",
	  UDP,
	  { "f-,* p0,* p0,* p0,* p0,* p0,*", "f-,* allow" },
	  "new o1 t9000 o1 t9000 o1 t9000 o1 t9000 o1 Au:allow",
	  "A.new B.new decided A.out[0-1] @9000 A.out[0-2] @18000 A.out[0-3] @27000 A.out[0-4] @36000 "
	  "A.out[0-5] B.out[0-1] >o1 >o1 >o1 >o1 >o1" },
	{ "NE-CHOICE-26: what one released the next can take",
	  SMALL,
	  { "f-,* p*,0", "pause" },
	  "new o30 o20 Br:allow o20",
	  "A.new B.new A.out[0-30] xo20 decided >o30 >o20" },
};

struct chain_story {
	struct sl_ne_chain *chain;
	struct sl_ne_filter *filter[FILTERS];
	struct sl_ne_chain_flow *flow;
	struct sl_ne_flow *of[FILTERS]; /* the flow as each filter knows it */
	const char *answers[FILTERS];
	struct story said; /* its text and clock */
};

struct provider {
	struct chain_story *s;
	unsigned which;
};
static struct provider providers[FILTERS];

static struct sl_ne_verdict answer(const struct provider *p, enum sl_ne_verdict_of of)
{
	const char **rest = &p->s->answers[p->which];
	char one[64];
	size_t n = strcspn(*rest, " ");
	if (n == 0)
		return (struct sl_ne_verdict){ .of = of, .kind = SL_NE_VERDICT_ALLOW };
	(void)snprintf(one, sizeof(one), "%.*s", (int)n, *rest);
	*rest += (*rest)[n] == ' ' ? n + 1 : n;
	return story_verdict(one, of);
}

static struct sl_ne_verdict on_new_flow(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	const struct provider *p = (const struct provider *)ctx;
	(void)now;
	p->s->of[p->which] = flow;
	story_say(&p->s->said, "%c.new", 'A' + (int)p->which);
	return answer(p, SL_NE_NEW_FLOW_VERDICT);
}

static struct sl_ne_verdict on_data(const struct provider *p, const char *way,
                                    const struct sl_ne_read_bytes *b)
{
	story_say(&p->s->said, "%c.%s[%llu-%llu]", 'A' + (int)p->which, way,
	          (unsigned long long)b->start_offset, (unsigned long long)b->start_offset + b->len);
	return answer(p, SL_NE_DATA_VERDICT);
}

static struct sl_ne_verdict on_inbound(void *ctx, struct sl_ne_flow *flow, const struct sl_ne_read_bytes *b,
                                       struct sl_mono now)
{
	(void)flow;
	(void)now;
	return on_data((const struct provider *)ctx, "in", b);
}

static struct sl_ne_verdict on_outbound(void *ctx, struct sl_ne_flow *flow, const struct sl_ne_read_bytes *b,
                                        struct sl_mono now)
{
	(void)flow;
	(void)now;
	return on_data((const struct provider *)ctx, "out", b);
}

static struct sl_ne_verdict on_end(const struct provider *p, char way)
{
	story_say(&p->s->said, "%c.end:%c", 'A' + (int)p->which, way);
	return answer(p, SL_NE_DATA_VERDICT);
}

static struct sl_ne_verdict on_inbound_end(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	(void)flow;
	(void)now;
	return on_end((const struct provider *)ctx, 'i');
}

static struct sl_ne_verdict on_outbound_end(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	(void)flow;
	(void)now;
	return on_end((const struct provider *)ctx, 'o');
}

/* ---- the driver ---- */

static struct story *told(void *ctx, void *driver)
{
	struct chain_story *s = (struct chain_story *)ctx;
	assert_ptr_equal(driver, s);
	return &s->said;
}

static void on_decided(void *ctx, void *driver, struct sl_mono now)
{
	(void)now;
	story_say(told(ctx, driver), "decided");
}

static void on_release(void *ctx, void *driver, enum sl_ne_direction d, const struct sl_ne_packet *packet,
                       struct sl_mono now)
{
	(void)now;
	story_say(told(ctx, driver), ">%c%zu", d == SL_NE_INBOUND ? 'i' : 'o', packet->bytes.len);
}

static void on_drop(void *ctx, void *driver, enum sl_ne_direction d, const struct sl_ne_packet *packet,
                    struct sl_mono now)
{
	(void)now;
	story_say(told(ctx, driver), "x%c%zu", d == SL_NE_INBOUND ? 'i' : 'o', packet->bytes.len);
}

static void on_finish(void *ctx, void *driver, enum sl_ne_direction d, struct sl_mono now)
{
	(void)now;
	story_say(told(ctx, driver), "fin:%c", d == SL_NE_INBOUND ? 'i' : 'o');
}

static void on_refuse(void *ctx, void *driver, unsigned refusal, struct sl_mono now)
{
	(void)now;
	story_say(told(ctx, driver), "drop(%s%s)", refusal & SL_NE_RESET_OPENER ? "R" : "",
	          refusal & SL_NE_RESET_ANSWERER ? "r" : "");
}

static void on_closed(void *ctx, void *driver, struct sl_mono now)
{
	(void)now;
	story_say(told(ctx, driver), "closed");
	((struct chain_story *)ctx)->flow = NULL;
}

/* ---- events ---- */

static void go_on(struct chain_story *s, int64_t ms)
{
	struct sl_mono until = sl_mono_add(s->said.now, sl_span_ms(ms)), due;
	while (sl_ne_chain_due(s->chain, &due) && sl_mono_reached(until, due)) {
		if (due.us > s->said.now.us)
			s->said.now = due;
		sl_ne_chain_tick(s->chain, s->said.now);
	}
	s->said.now = until;
}

static void filter_event(struct chain_story *s, unsigned which, const char *word)
{
	struct sl_mono now = s->said.now;
	if (*word == '!') {
		assert_int_equal(sl_ne_filter_crash(s->filter[which], now), SL_OK);
	} else if (*word == '-') {
		assert_int_equal(sl_ne_filter_stop(s->filter[which], SL_NE_STOP_userInitiated, now), SL_OK);
	} else if (*word == '+') {
		assert_int_equal(sl_ne_filter_start(s->filter[which], now), SL_OK);
	} else {
		struct sl_ne_flow *flow = s->of[which];
		bool of_new = *word == 'r' && flow->question.callback == SL_NE_EVENT_NEW_FLOW;
		struct sl_ne_verdict v =
		        story_verdict(word + 2, of_new ? SL_NE_NEW_FLOW_VERDICT : SL_NE_DATA_VERDICT);
		assert_true(*word == 'r' ? sl_ne_resume_flow(flow, &v, now)
		                         : sl_ne_update_flow(flow, &v, SL_NE_ANY, now));
	}
}

static void flow_event(struct chain_story *s, const char *word)
{
	enum sl_ne_direction d = word[word[0] == 'f'] == 'i' ? SL_NE_INBOUND : SL_NE_OUTBOUND;
	struct sl_ne_packet packet = { { NULL, strtoul(word + 1, NULL, 10) }, 0 };
	if (s->flow == NULL)
		story_say(&s->said, "gone");
	else if (word[0] == 'f')
		sl_ne_chain_finish(s->flow, d, s->said.now);
	else if (word[0] == 'c')
		sl_ne_chain_close(s->flow, s->said.now);
	else
		sl_ne_chain_data(s->flow, d, &packet, s->said.now);
}

static void event(struct chain_story *s, unsigned as, const char *word)
{
	struct sl_ne_opening opening = {
		.info = { .direction = SL_NE_OUTBOUND,
		          .remote = { .type = SL_NE_HOST_IPV4, .addr = { 192, 0, 2, 1 }, .port = 443 },
		          .socket_type = as & UDP ? SL_NE_SOCK_DGRAM : SL_NE_SOCK_STREAM,
		          .socket_protocol = as & UDP ? 17 : 6 },
		.driver = s
	};
	if (strcmp(word, "new") == 0)
		assert_int_equal(sl_ne_chain_open_flow(s->chain, &opening, s->said.now, &s->flow), SL_OK);
	else if (word[0] == 't')
		go_on(s, strtoll(word + 1, NULL, 10));
	else if (word[0] >= 'A' && word[0] <= 'C')
		filter_event(s, (unsigned)(word[0] - 'A'), word + 1);
	else
		flow_event(s, word);
}

static void add(struct chain_story *s, unsigned which, unsigned as)
{
	struct sl_ne_filter_config config = { .options = sl_ne_options_of(SL_NE_PROFILE_MACOS),
		                              .configuration = { .filter_sockets = true } };
	providers[which] = (struct provider){ s, which };
	config.provider =
	        (struct sl_ne_provider){ .ctx = &providers[which],
		                         .handle_new_flow = on_new_flow,
		                         .handle_inbound_data_from_flow = on_inbound,
		                         .handle_outbound_data_from_flow = on_outbound,
		                         .handle_inbound_data_complete_for_flow = on_inbound_end,
		                         .handle_outbound_data_complete_for_flow = on_outbound_end };
	config.options.max_flows = 4;
	config.options.max_packets = 64;
	if (as & SMALL)
		config.options.stream_bytes = 40;
	if ((as & PASS) != 0 && ((as & TWICE) == 0 || which != 1))
		config.options.existing = SL_NE_EXISTING_PASS;
	enum sl_ne_grade grade =
	        (as & GRADES) != 0 && which == 0 ? SL_NE_GRADE_INSPECTOR : SL_NE_GRADE_FIREWALL;
	assert_int_equal(sl_ne_chain_add(s->chain, grade, &config, s->said.now, &s->filter[which]), SL_OK);
	assert_int_equal(sl_ne_filter_start(s->filter[which], s->said.now), SL_OK);
}

static const struct sl_ne_chain_sink sink = { NULL,      on_decided, on_release, on_drop,
	                                      on_finish, on_refuse,  on_closed };

static void test_chain(void **state)
{
	const struct chain_case *c = (const struct chain_case *)*state;
	struct chain_story s = { .chain = NULL };
	struct sl_ne_chain_sink own = sink;
	char events[STORY_TEXT], *rest = events;
	own.ctx = &s;
	assert_int_equal(sl_ne_chain_new(&own, 2, &s.chain), SL_OK);
	for (unsigned i = 0; i < FILTERS && c->answers[i] != NULL; i++) {
		s.answers[i] = c->answers[i];
		add(&s, i, c->as);
	}
	assert_int_equal(sl_ne_chain_preserves(s.chain), (c->as & PASS) != 0 && (c->as & TWICE) == 0);
	(void)snprintf(events, sizeof(events), "%s", c->events);
	for (char *one; (one = strtok_r(rest, " ", &rest)) != NULL;)
		event(&s, c->as, one);
	assert_string_equal(s.said.said, c->said);
	if (s.flow == NULL) /* nothing is left in any filter */
		for (unsigned i = 0; i < sl_ne_chain_filters(s.chain); i++) {
			assert_int_equal(sl_ne_filter_env(s.filter[i])->live, 0);
			assert_int_equal(sl_ne_filter_env(s.filter[i])->held.packets, 0);
		}
	sl_ne_chain_free(&s.chain);
}

/* NE-TIME-07, and nothing changes under an open flow. */
static void test_limits(void **state)
{
	struct chain_story s = { .chain = NULL };
	struct sl_ne_chain_sink own = sink;
	struct sl_ne_filter_config config = { .options = sl_ne_options_of(SL_NE_PROFILE_MACOS) };
	struct sl_ne_filter *filter = NULL;
	struct sl_ne_opening opening = {
		.info = { .direction = SL_NE_OUTBOUND, .socket_type = SL_NE_SOCK_STREAM }, .driver = &s
	};
	(void)state;
	own.ctx = &s;
	config.options.max_flows = 1;
	config.options.max_packets = 1;
	config.provider.handle_new_flow = on_new_flow;
	assert_int_equal(sl_ne_chain_new(&own, 1, &s.chain), SL_OK);
	assert_int_equal(sl_ne_chain_open_flow(s.chain, &opening, s.said.now, &s.flow), SL_EINVAL);
	for (unsigned i = 0; i < SL_NE_CHAIN_MAX; i++)
		assert_int_equal(sl_ne_chain_add(s.chain, SL_NE_GRADE_FIREWALL, &config, s.said.now, &filter),
		                 SL_OK);
	assert_int_equal(sl_ne_chain_add(s.chain, SL_NE_GRADE_FIREWALL, &config, s.said.now, &filter),
	                 SL_ELIMIT);
	assert_int_equal(sl_ne_chain_open_flow(s.chain, &opening, s.said.now, &s.flow),
	                 SL_OK); /* all are stopped: it passes */
	assert_string_equal(s.said.said, "decided");
	assert_int_equal(sl_ne_chain_open_flow(s.chain, &opening, s.said.now, &s.flow), SL_ELIMIT);
	sl_ne_chain_free(&s.chain);
	own.closed = NULL;
	assert_int_equal(sl_ne_chain_new(&own, 1, &s.chain), SL_EINVAL);
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(cases) + 1];
	size_t n = 0;
	for (; n < SL_COUNT(cases); n++)
		tests[n] = (struct CMUnitTest){ cases[n].name, test_chain, NULL, NULL,
			                        (void *)(uintptr_t)&cases[n] };
	tests[n++] = (struct CMUnitTest){ "NE-TIME-07, NE-CHOICE-50: at most eight filters", test_limits,
		                          NULL, NULL, NULL };
	return _cmocka_run_group_tests("filter/ne_chain", tests, n, NULL, NULL);
}
