/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_ne_filter.c - the life of a filter, row by row with the ids of the reference. The language of flows: ne_story.h. Further events:
 *   start ok fail    start_filter is called; its handler, with or without an error      stopN done   stop_filter with reason N; its handler
 *   crash            the provider's process is gone                         sleep asleep wake
 *   apply:RULES      settings: nil; or one or more of a allow 192.0.2.0/24, d drop it, f filterData it, L drop 127.0.0.0/8, H drop host
 *                    example.com, then / and the default a, d, f; many: 1001 rules; bad: an action that is none
 *   old udp tcp lo   what the next flows are: TCP whose beginning nobody saw, UDP, TCP again, loopback      dns:NAME  a query
 *   conf+ conf-      filterConfiguration with and without filterSockets      changed  notifyRulesChanged
 * Further words: start stop(N,REASON) sleeping awake configured; apply=ERROR; started=ERROR; busy: not now; rule(N,ACTION); unknown: the
 * provider lets go of a flow. */
#include "filter/ne_filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/util.h"
#include "tests/filter/ne_story.h"

enum {
	OPEN = 1,     /* starting = open */
	PASS = 2,     /* existing = pass */
	ALL = 4,      /* apply = all */
	AT_ONCE = 8,  /* the provider answers start and stop at once */
	APPLIES = 16, /* and applies settings while it starts: drop 192.0.2.0/24 */
	SEEDED = 32,
	GATEWAY = 64,  /* that profile */
	BARE = 128,    /* handle_new_flow alone */
	RELEASED = 256 /* say when the provider lets go of a flow */
};

static const struct filter_case {
	const char *name;
	unsigned as;
	const char *answers, *events, *said;
} cases[] = {
	/* ---- start ---- */
	{ "NE-LIFE-01, NE-FAIL-01, NE-CHOICE-16: traffic waits until the handler was called", 0, "f-,* allow",
	  "start new o10 t5000 ok", "start @5000 started=0 new=f-,* out[0-10]=allow >o10 open" },
	{ "NE-FAIL-01: flows are judged in their order", 0, "drop allow", "start new o1 new o2 ok",
	  "start started=0 new=drop xo1 drop(R) closed new=allow >o2 open" },
	{ "NE-FAIL-01: while it waits, UDP has its 10 s", 0, "", "start udp new o1 t10000 ok",
	  "start @10000 timer:undecided xo1 closed started=0" },
	{ "NE-CHOICE-16: starting = open", OPEN | PASS, "", "start new o10 ok o10",
	  "start open >o10 started=0 >o10" },
	{ "NE-LIFE-01: a start that failed leaves traffic waiting for the next one", 0, "allow",
	  "start new o1 fail start ok", "start started=-6 start started=0 new=allow >o1 open" },
	{ "NE-LIFE-05, NE-LIFE-04: settings before the handler", AT_ONCE | APPLIES, "", "start new",
	  "start apply=0 started=0 rule(0,drop) drop(R) closed" },
	{ "NE-CHOICE-14: a handler called twice", 0, "", "start ok ok", "start started=0 illegal:lifecycle" },
	{ "NE-CHOICE-14: a handler that nobody waits for", 0, "", "ok done asleep",
	  "illegal:lifecycle illegal:lifecycle illegal:lifecycle" },
	{ "NE-LIFE-01: no second start", 0, "", "start start ok start", "start busy started=0 busy" },
	{ "NE-LIFE-01: a provider without start_filter is ready at once", BARE, "", "start new o1 stop1",
	  "started=0 new=allow open >o1 stop(1,userInitiated) stopped" },
	{ "NE-EXM-01: loopback does not wait", 0, "", "start lo new o1", "start open >o1" },
	/* ---- stop ---- */
	{ "NE-LIFE-02, NE-CHOICE-18, NE-FAIL-03: what was undecided at a stop is let go, and stays "
	  "unfiltered",
	  0, "pause f*,* p0,*", "start ok new o1 new i7 stop1 done o1 i7",
	  "start started=0 new=pause new=f*,* in[0-7]=p0,* stop(1,userInitiated) stopped >o1 open >i7 open "
	  ">o1 >i7" },
	{ "NE-LIFE-02: until its handler was called the provider is asked about its flows", 0, "f*,* drop",
	  "start ok new stop15 o3 done",
	  "start started=0 new=f*,* stop(15,sleep) out[0-3]=drop xo3 drop(R) closed stopped" },
	{ "NE-FAIL-04: without a filter flows pass", 0, "", "new o1", "open >o1" },
	{ "NE-FAIL-04: while it stops too", 0, "", "start ok stop1 new o1 done",
	  "start started=0 stop(1,userInitiated) open >o1 stopped" },
	{ "NE-LIFE-09: a new start in the same process knows nothing of the old", 0, "pause! allow",
	  "start ok apply:d/f new o1 stop1 done start ok new o1 #1 r:drop",
	  "start started=0 apply=0 rule(0,drop) drop(R) closed gone stop(1,userInitiated) stopped start "
	  "started=0 new=pause gone" },
	{ "NE-LIFE-09: neither its flows, nor reports, nor statistics", AT_ONCE | RELEASED, "f-,*!+3",
	  "start new stop1 start o1 t600 c",
	  "start started=0 new=f-,* REPORT(newFlow,filterData,0,0) stop(1,userInitiated) stopped unknown "
	  "open start started=0 >o1 @600 closed" },
	{ "NE-CHOICE-14: verdicts for flows that were let go", AT_ONCE, "pause", "start new stop1 r:drop o1",
	  "start started=0 new=pause stop(1,userInitiated) stopped open illegal:verdictDetached >o1" },
	{ "NE-LIFE-02: no second stop", 0, "", "stop1 start ok stop1 stop1 done stop1",
	  "busy start started=0 stop(1,userInitiated) busy stopped busy" },
	{ "NE-LIFE-02: while starting", 0, "", "start new o1 stop9 done",
	  "start stop(9,configurationDisabled) stopped >o1 open" },
	/* ---- crash ---- */
	{ "NE-FAIL-03, NE-LIFE-13: a crash lets go of what was attached", 0, "pause",
	  "start ok new o1 crash o1", "start started=0 new=pause crashed >o1 open >o1" },
	{ "NE-FAIL-02, NE-CHOICE-17: and new flows wait until the next instance has started", 0, "allow",
	  "start ok crash new o1 start t1 ok",
	  "start started=0 crashed start @1 started=0 new=allow >o1 open" },
	{ "NE-CHOICE-17: or pass", OPEN, "", "start ok crash new o1", "start started=0 crashed open >o1" },
	{ "NE-FAIL-03, NE-CHOICE-17: what was let go, or allowed, outlives the next start", 0, "allow pause",
	  "start ok new new crash start ok #1 o1 #2 o2",
	  "start started=0 new=allow open new=pause crashed open start started=0 >o1 >o2" },
	{ "NE-FAIL-02: a crash while starting", 0, "allow", "start new o1 crash start ok",
	  "start crashed start started=0 new=allow >o1 open" },
	{ "NE-LIFE-13: while stopping it is a stop", 0, "pause", "start ok new o1 stop1 crash new",
	  "start started=0 new=pause stop(1,userInitiated) crashed >o1 open open" },
	{ "NE-FAIL-04: of what is down nothing is asked to stop, and what waits passes", 0, "",
	  "start ok crash new o1 stop1", "start started=0 crashed stop(1,userInitiated) stopped >o1 open" },
	{ "NE-LIFE-13: nothing to crash", 0, "", "crash start ok crash crash",
	  "busy start started=0 crashed busy" },
	/* ---- older flows ---- */
	{ "NE-FAIL-05, NE-CHOICE-15: a filter that starts ends older TCP, with a reset for both ends",
	  AT_ONCE, "", "new o1 start", "open >o1 start started=0 drop(Rr) closed" },
	{ "NE-FAIL-05, NE-CHOICE-15: and UDP is new with its next packet", AT_ONCE, "allow",
	  "udp new o1 start o1 new o1", "open >o1 start started=0 closed gone new=allow open >o1" },
	{ "NE-CHOICE-15, NE-FAIL-06: existing = pass", AT_ONCE | PASS, "", "new o1 start o1",
	  "open >o1 start started=0 >o1" },
	{ "NE-CHOICE-03: TCP whose beginning nobody saw", AT_ONCE, "", "start old new",
	  "start started=0 drop(Rr) closed" },
	{ "NE-CHOICE-03: passes", AT_ONCE | PASS, "", "start old new o1", "start started=0 open >o1" },
	{ "NE-CHOICE-03: and where a rule allows it", AT_ONCE, "", "start apply:a/f old new o1",
	  "start started=0 apply=0 rule(0,allow) open >o1" },
	{ "NE-FAIL-05: not what policy does not send to the filter", AT_ONCE, "", "lo new o1 start o1",
	  "open >o1 start started=0 >o1" },
	{ "the gateway lets through what it cannot judge", AT_ONCE | GATEWAY, "allow",
	  "new o1 start o1 crash new o1", "open >o1 start started=0 >o1 crashed open >o1" },
	/* ---- settings ---- */
	{ "NE-LIFE-06: without settings every flow but loopback is delivered", AT_ONCE, "",
	  "start new lo new", "start started=0 new=allow open rule(-1,allow) open" },
	{ "NE-RULE-05: allow and drop do not consult the provider", AT_ONCE, "",
	  "start apply:d/f new apply:a/f new o1",
	  "start started=0 apply=0 rule(0,drop) drop(R) closed apply=0 rule(0,allow) open >o1" },
	{ "NE-RULE-05: filterData does", AT_ONCE, "drop", "start apply:f/d new",
	  "start started=0 apply=0 rule(0,filterData) new=drop drop(R) closed" },
	{ "NE-RULE-04: the default action", AT_ONCE, "", "start apply:L/d new",
	  "start started=0 apply=0 rule(-1,drop) drop(R) closed" },
	{ "NE-RULE-06: loopback that a rule names", AT_ONCE, "", "start apply:L/f lo new",
	  "start started=0 apply=0 rule(0,drop) drop(R) closed" },
	{ "NE-LIFE-04: nil restores the defaults", AT_ONCE, "", "start apply:d/d apply:nil new",
	  "start started=0 apply=0 apply=0 new=allow open" },
	{ "NE-CHOICE-48, NE-RULE-03: what is refused changes nothing", AT_ONCE, "",
	  "start apply:d/f apply:many apply:bad new",
	  "start started=0 apply=0 apply=-4 apply=-6 rule(0,drop) drop(R) closed" },
	{ "NE-LIFE-04: not when stopped", 0, "", "apply:d/f", "illegal:lifecycle apply=-10" },
	{ "NE-LIFE-09: settings end with the instance", AT_ONCE, "", "start apply:d/f stop1 start new",
	  "start started=0 apply=0 stop(1,userInitiated) stopped start started=0 new=allow open" },
	{ "NE-FAIL-02: and with a crash", AT_ONCE, "", "start apply:d/f crash start new",
	  "start started=0 apply=0 crashed start started=0 new=allow open" },
	{ "NE-CHOICE-21, NE-RULE-18: decided flows keep their verdict", AT_ONCE, "allow",
	  "start new o1 apply:d/f o1 new",
	  "start started=0 new=allow open >o1 apply=0 >o1 rule(0,drop) drop(R) closed" },
	{ "NE-CHOICE-21: apply = all drops what would be treated otherwise, with its next packet",
	  AT_ONCE | ALL, "allow", "start new o1 apply:d/f o1 new",
	  "start started=0 new=allow open >o1 apply=0 rule(0,drop) drop(R) closed rule(0,drop) drop(R) "
	  "closed" },
	{ "NE-CHOICE-21: and nothing else", AT_ONCE | ALL, "f-,*", "start new apply:f/f o1",
	  "start started=0 new=f-,* apply=0 out[0-1]=allow >o1 open" },
	{ "NE-RULE-14, NE-CHOICE-46: a domain rule sees the question of the first packet", AT_ONCE, "",
	  "start apply:H/f udp dns:www.example.com new dns:www.example.org new",
	  "start started=0 apply=0 rule(0,drop) drop() new=allow open" },
	{ "NE-CHOICE-46: and of the one that waited for the start", 0, "",
	  "start udp dns:www.example.com new q apply:H/f ok",
	  "start apply=0 started=0 rule(0,drop) xo33 drop()" },
	{ "NE-MGR-04: without filterSockets nothing is shown", AT_ONCE, "", "start conf- new o1 conf+ new",
	  "start started=0 configured open >o1 configured new=allow open" },
	{ "NE-LIFE-07: the configuration may change, and the provider hears of it", AT_ONCE, "",
	  "conf+ start conf+", "start started=0 configured" },
	/* ---- sleep ---- */
	{ "NE-LIFE-08, NE-CHOICE-20, NE-FAIL-08: TCP outlives sleep, UDP does not", AT_ONCE, "f*,* allow",
	  "start new udp new tcp sleep asleep wake #1 o1 #2 o1",
	  "start started=0 new=f*,* new=allow open sleeping closed awake out[0-1]=allow >o1 gone" },
	{ "NE-LIFE-08: sleep is answered once", AT_ONCE, "", "start sleep asleep asleep wake asleep",
	  "start started=0 sleeping illegal:lifecycle awake illegal:lifecycle" },
	{ "NE-LIFE-08: who does not run is not asked", 0, "", "sleep wake", "" },
	{ "NE-CTL-03: the control provider has new rules", AT_ONCE, "", "start changed",
	  "start started=0 rules!" },
};

struct filter_story {
	struct story s; /* first: it is the context of both */
	unsigned as;
	char query[128];
};

static struct filter_story *story_of(void *ctx)
{
	return (struct filter_story *)ctx;
}

/* ---- the provider ---- */

static void make_settings(const char *text, struct sl_ne_rule *rule, struct sl_ne_settings *out)
{
	static const struct sl_ne_endpoint net = { .type = SL_NE_HOST_IPV4, .addr = { 192, 0, 2, 0 } },
	                                   loopback = { .type = SL_NE_HOST_IPV4, .addr = { 127 } },
	                                   host = { .type = SL_NE_HOST_NAME, .name = "example.com" };
	*out = (struct sl_ne_settings){ rule, 0, SL_NE_ACTION_FILTER_DATA };
	for (; *text != '/'; text++) {
		struct sl_ne_rule *r = &rule[out->rules++];
		r->action = *text == 'a'   ? SL_NE_ACTION_ALLOW
		            : *text == 'f' ? SL_NE_ACTION_FILTER_DATA
		                           : SL_NE_ACTION_DROP;
		int err = *text == 'H' ? sl_ne_rule_destination_host(&host, SL_NE_PROTOCOL_ANY, &r->network)
		          : *text == 'L'
		                  ? sl_ne_rule_destination_network(&loopback, 8, SL_NE_PROTOCOL_ANY,
		                                                   &r->network)
		                  : sl_ne_rule_destination_network(&net, 24, SL_NE_PROTOCOL_ANY, &r->network);
		assert_int_equal(err, SL_OK);
	}
	out->default_action = text[1] == 'a'   ? SL_NE_ACTION_ALLOW
	                      : text[1] == 'd' ? SL_NE_ACTION_DROP
	                                       : SL_NE_ACTION_FILTER_DATA;
}

static void apply(struct filter_story *t, const char *text)
{
	static struct sl_ne_rule rule[SL_NE_RULES_MAX + 1];
	struct sl_ne_settings settings;
	make_settings(strchr(text, '/') != NULL ? text : "a/a", rule, &settings);
	if (strcmp(text, "many") == 0)
		settings.rules = SL_NE_RULES_MAX + 1;
	if (strcmp(text, "bad") == 0)
		rule[0].action = SL_NE_ACTION_REMEDIATE;
	int err = sl_ne_filter_apply(t->s.filter, strcmp(text, "nil") == 0 ? NULL : &settings, t->s.now);
	story_say(&t->s, "apply=%d", err);
}

static void on_start(void *ctx, struct sl_ne_filter *filter, struct sl_mono now)
{
	struct filter_story *t = story_of(ctx);
	story_say(&t->s, "start");
	if (t->as & APPLIES)
		apply(t, "d/f");
	if (t->as & AT_ONCE)
		assert_true(sl_ne_filter_started(filter, SL_OK, now));
}

static void on_stop(void *ctx, struct sl_ne_filter *filter, enum sl_ne_stop_reason reason, struct sl_mono now)
{
	struct filter_story *t = story_of(ctx);
	(void)reason;
	if (t->as & AT_ONCE)
		assert_true(sl_ne_filter_stopped(filter, now));
}

static void on_sleep(void *ctx, struct sl_ne_filter *filter, struct sl_mono now)
{
	(void)filter;
	(void)now;
	story_say((struct story *)ctx, "sleeping");
}

static void on_wake(void *ctx, struct sl_ne_filter *filter, struct sl_mono now)
{
	(void)filter;
	(void)now;
	story_say((struct story *)ctx, "awake");
}

static void on_configuration(void *ctx, struct sl_ne_filter *filter, struct sl_mono now)
{
	(void)now;
	assert_int_equal(sl_ne_filter_configuration(filter)->vendor_configuration.len, 1);
	story_say((struct story *)ctx, "configured");
}

static void on_released(void *ctx, struct sl_ne_flow *flow)
{
	assert_ptr_equal(sl_ne_flow_user(flow), NULL);
	story_say((struct story *)ctx, "unknown");
}

/* ---- what the filter traces, beside its flows ---- */

static struct sl_ne_trace flows_trace;

static void on_trace(void *ctx, const struct sl_ne_trace_event *e)
{
	struct story *s = (struct story *)ctx;
	if (e->event == SL_NE_EVENT_RULE)
		story_say(s, "rule(%d,%s)", e->rule, sl_ne_action_name(e->action));
	else if (e->event == SL_NE_EVENT_FILTER_STARTED)
		story_say(s, "started=%d", e->error);
	else if (e->event == SL_NE_EVENT_FILTER_STOP)
		story_say(s, "stop(%d,%s)", (int)e->reason, sl_ne_stop_reason_name(e->reason));
	else if (e->event == SL_NE_EVENT_FILTER_STOPPED)
		story_say(s, "stopped");
	else if (e->event == SL_NE_EVENT_FILTER_CRASHED)
		story_say(s, "crashed");
	else
		flows_trace.event(ctx, e);
}

/* ---- events ---- */

static void next_is(struct filter_story *t, const char *word)
{
	struct sl_ne_flow_info *info = &t->s.info;
	if (strcmp(word, "old") == 0) {
		t->s.older = true;
	} else if (strcmp(word, "lo") == 0) {
		info->remote.addr[0] = 127;
	} else {
		info->socket_type = word[0] == 'u' ? SL_NE_SOCK_DGRAM : SL_NE_SOCK_STREAM;
		info->socket_protocol = word[0] == 'u' ? 17 : 6;
	}
}

/* A query, which the next flow begins with; q hands it over. */
static void make_query(struct filter_story *t, const char *name)
{
	size_t n = 12;
	memset(t->query, 0, sizeof(t->query));
	t->query[5] = 1;
	for (size_t len; *name != '\0'; name += len + (name[len] == '.')) {
		len = strcspn(name, ".");
		t->query[n++] = (char)len;
		memcpy(t->query + n, name, len);
		n += len;
	}
	t->query[n + 2] = t->query[n + 4] = 1;
	t->s.first = sl_bytes_of(t->query, n + 5);
	t->s.info.remote.port = 53;
}

static void lifecycle(struct filter_story *t, const char *word)
{
	struct sl_ne_filter *f = t->s.filter;
	struct sl_mono now = t->s.now;
	struct sl_ne_configuration configuration = { strcmp(word, "conf+") == 0, SL_BYTES_LIT("v") };
	int err = SL_OK;
	if (strcmp(word, "start") == 0)
		err = sl_ne_filter_start(f, now);
	else if (strncmp(word, "stop", 4) == 0)
		err = sl_ne_filter_stop(f, (enum sl_ne_stop_reason)strtoul(word + 4, NULL, 10), now);
	else if (strcmp(word, "crash") == 0)
		err = sl_ne_filter_crash(f, now);
	else if (strcmp(word, "ok") == 0 || strcmp(word, "fail") == 0)
		(void)sl_ne_filter_started(f, word[0] == 'o' ? SL_OK : SL_EINVAL, now);
	else if (strcmp(word, "done") == 0)
		(void)sl_ne_filter_stopped(f, now);
	else if (strcmp(word, "sleep") == 0)
		sl_ne_filter_sleep(f, now);
	else if (strcmp(word, "asleep") == 0)
		(void)sl_ne_filter_asleep(f, now);
	else if (strcmp(word, "wake") == 0)
		sl_ne_filter_wake(f, now);
	else if (strcmp(word, "changed") == 0)
		sl_ne_filter_notify_rules_changed(f, now);
	else
		sl_ne_filter_configure(f, &configuration, now);
	if (err != SL_OK)
		story_say(&t->s, err == SL_EBUSY ? "busy" : "?");
}

static void play(struct filter_story *t, const char *text)
{
	static const char *const lives[] = { "start",  "crash", "ok",      "fail",  "done",  "sleep",
		                             "asleep", "wake",  "changed", "conf+", "conf-", NULL };
	char events[STORY_TEXT], *rest = events;
	(void)snprintf(events, sizeof(events), "%s", text);
	for (char *one; (one = strtok_r(rest, " ", &rest)) != NULL;) {
		size_t life = 0;
		while (lives[life] != NULL && strcmp(one, lives[life]) != 0)
			life++;
		if (lives[life] != NULL || strncmp(one, "stop", 4) == 0)
			lifecycle(t, one);
		else if (strncmp(one, "apply:", 6) == 0)
			apply(t, one + 6);
		else if (strncmp(one, "dns:", 4) == 0)
			make_query(t, one + 4);
		else if (strcmp(one, "q") == 0)
			sl_ne_filter_data(t->s.filter, t->s.flow[t->s.at - 1], SL_NE_OUTBOUND,
			                  &(struct sl_ne_packet){ t->s.first, SL_NE_OUTBOUND }, t->s.now);
		else if (strcmp(one, "old") == 0 || strcmp(one, "udp") == 0 || strcmp(one, "tcp") == 0 ||
		         strcmp(one, "lo") == 0)
			next_is(t, one);
		else if (!story_event(&t->s, one))
			fail_msg("no event: %s", one);
	}
}

static struct sl_ne_options options_of(unsigned as)
{
	struct sl_ne_options o = sl_ne_options_of(as & GATEWAY ? SL_NE_PROFILE_GATEWAY : SL_NE_PROFILE_MACOS);
	if (as & OPEN)
		o.starting = SL_NE_STARTING_OPEN;
	if (as & PASS)
		o.existing = SL_NE_EXISTING_PASS;
	if (as & ALL)
		o.apply = SL_NE_APPLY_ALL;
	o.seed = as & SEEDED ? 42 : 0;
	o.max_flows = 8;
	o.max_packets = 64;
	return o;
}

static struct sl_ne_verdict allow_all(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	(void)ctx;
	(void)flow;
	(void)now;
	return sl_ne_new_flow_verdict_allow();
}

static void begin(struct filter_story *t, unsigned as, const char *answers)
{
	struct sl_ne_filter_config config = { .options = options_of(as),
		                              .configuration = { .filter_sockets = true } };
	struct sl_ne_env wires;
	memset(&wires, 0, sizeof(wires));
	*t = (struct filter_story){ .as = as };
	t->s.answers = answers;
	t->s.info = (struct sl_ne_flow_info){
		.direction = SL_NE_OUTBOUND,
		.local = { .type = SL_NE_HOST_IPV4, .addr = { 10, 0, 0, 2 }, .port = 40000 },
		.remote = { .type = SL_NE_HOST_IPV4, .addr = { 192, 0, 2, 1 }, .port = 443 },
		.socket_family = 4,
		.socket_type = SL_NE_SOCK_STREAM,
		.socket_protocol = 6
	};
	story_begin(&t->s, &wires);
	flows_trace = wires.trace;
	config.provider = wires.provider;
	config.control = wires.control;
	config.sink = wires.sink;
	config.trace = (struct sl_ne_trace){ &t->s, on_trace };
	if (as & BARE) {
		config.provider = (struct sl_ne_provider){ .ctx = t, .handle_new_flow = allow_all };
	} else {
		config.provider.start_filter = on_start;
		config.provider.stop_filter = on_stop;
		config.provider.sleep = on_sleep;
		config.provider.wake = on_wake;
		config.provider.filter_configuration_changed = on_configuration;
		config.provider.flow_released = as & RELEASED ? on_released : NULL;
	}
	assert_int_equal(sl_ne_filter_new(&config, t->s.now, &t->s.filter), SL_OK);
	t->s.env = sl_ne_filter_env(t->s.filter);
}

static void test_filter(void **state)
{
	const struct filter_case *c = (const struct filter_case *)*state;
	struct filter_story t;
	begin(&t, c->as, c->answers);
	play(&t, c->events);
	assert_string_equal(t.s.said, c->said);
	sl_ne_filter_free(&t.s.filter);
	assert_null(t.s.filter);
}

/* NE-CHOICE-05 */
static void test_identifiers(void **state)
{
	static const uint8_t second[16] = { [6] = 0x40, [8] = 0x80, [15] = 2 };
	struct filter_story t;
	uint8_t seen[2][16];
	(void)state;
	begin(&t, AT_ONCE, "");
	play(&t, "start new new");
	assert_memory_equal(sl_ne_flow_info(t.s.flow[1])->identifier, second, sizeof(second));
	sl_ne_filter_free(&t.s.filter);
	begin(&t, AT_ONCE | SEEDED, "");
	play(&t, "start new new");
	for (unsigned i = 0; i < 2; i++) {
		memcpy(seen[i], sl_ne_flow_info(t.s.flow[i])->identifier, 16);
		assert_int_equal(seen[i][6] & 0xf0, 0x40);
		assert_int_equal(seen[i][8] & 0xc0, 0x80);
	}
	assert_memory_not_equal(seen[0], seen[1], 16);
	sl_ne_filter_free(&t.s.filter);
}

/* NE-CHOICE-06, NE-FLOW-06 */
static void test_hostname(void **state)
{
	struct filter_story t;
	char name[300];
	(void)state;
	begin(&t, AT_ONCE, "");
	play(&t, "start new");
	struct sl_ne_flow *flow = t.s.flow[0];
	assert_null(sl_ne_flow_info(flow)->remote_hostname);
	assert_true(sl_ne_flow_set_hostname(flow, "dns.example", SL_NE_HOSTNAME_DNS));
	assert_true(sl_ne_flow_set_hostname(flow, "sni.example", SL_NE_HOSTNAME_SNIFFED));
	assert_false(sl_ne_flow_set_hostname(flow, "dns.example", SL_NE_HOSTNAME_DNS));
	assert_string_equal(sl_ne_flow_info(flow)->remote_hostname, "sni.example");
	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_true(sl_ne_flow_set_hostname(flow, name, SL_NE_HOSTNAME_SNIFFED));
	assert_int_equal(strlen(sl_ne_flow_info(flow)->remote_hostname), SL_NE_HOSTNAME_MAX);
	sl_ne_filter_free(&t.s.filter);
}

/* NE-REP-07: 50 flows a tick, in turn. */
static void test_statistics(void **state)
{
	struct sl_ne_options options = sl_ne_options_of(SL_NE_PROFILE_MACOS);
	struct sl_ne_env env;
	struct story s = { .answers = "" };
	(void)state;
	options.max_flows = STORY_FLOWS;
	assert_int_equal(sl_ne_env_init(&env, &options), SL_OK);
	story_begin(&s, &env);
	s.info.direction = SL_NE_OUTBOUND;
	s.info.socket_type = SL_NE_SOCK_STREAM;
	for (unsigned i = 0; i < 60; i++) {
		s.answers = "allow+3";
		s.len = 0;
		assert_true(story_event(&s, "new"));
		assert_true(story_event(&s, "o1"));
	}
	unsigned first = 0, second = 0;
	s.len = 0;
	s.said[0] = '\0';
	env.provider.handle_report = NULL;
	env.trace.event = NULL;
	s.now = s.said_at = (struct sl_mono){ 500000 };
	sl_ne_env_tick(&env, s.now);
	for (unsigned i = 0; i < 60; i++)
		first += s.flow[i]->stat_since.us == s.now.us;
	s.now.us += 500000;
	for (unsigned i = 0; i < 50; i++)
		assert_true(story_event(&s, i == 0 ? "#1" : "o1")); /* the first flow grows again */
	sl_ne_env_tick(&env, s.now);
	for (unsigned i = 0; i < 60; i++)
		second += s.flow[i]->stat_since.us == s.now.us;
	assert_int_equal(first, 50);
	assert_int_equal(second, 11);
	sl_ne_env_end(&env);
}

/* NE-TIME-03: the collector ends 100 idle flows a run. */
static void test_collector(void **state)
{
	struct sl_ne_options options = sl_ne_options_of(SL_NE_PROFILE_STRICT);
	struct sl_ne_env env;
	struct story s = { .answers = "" };
	struct sl_mono due;
	(void)state;
	options.max_flows = STORY_FLOWS;
	assert_int_equal(sl_ne_env_init(&env, &options), SL_OK);
	story_begin(&s, &env);
	env.trace.event = NULL;
	s.info.direction = SL_NE_OUTBOUND;
	s.info.socket_type = SL_NE_SOCK_DGRAM;
	for (unsigned i = 0; i < 120; i++)
		assert_true(story_event(&s, "new"));
	assert_true(sl_ne_env_due(&env, &due));
	assert_int_equal(due.us, 30000000);
	sl_ne_env_tick(&env, due);
	assert_int_equal(env.live, 20);
	assert_true(sl_ne_env_due(&env, &due));
	assert_int_equal(due.us, 40000000);
	sl_ne_env_tick(&env, due);
	assert_int_equal(env.live, 0);
	assert_false(sl_ne_env_due(&env, &due));
	sl_ne_env_end(&env);
}

/* NE-LIFE-03 */
static void test_reasons(void **state)
{
	json_error_t error;
	json_t *root = json_load_file(SL_SOURCE_DIR "/tests/filter/vectors/enums.json", 0, &error);
	json_t *reasons = json_object_get(root, "NEProviderStopReason");
	(void)state;
	assert_int_equal(json_object_size(reasons), SL_NE_STOP_REASON_COUNT);
	for (int i = 0; i < SL_NE_STOP_REASON_COUNT; i++) {
		json_t *raw = json_object_get(reasons, sl_ne_stop_reason_name((enum sl_ne_stop_reason)i));
		assert_true(json_is_integer(raw) && json_integer_value(raw) == i);
	}
	json_t *events = json_object_get(root, "NEFilterReport.Event");
	for (int i = SL_NE_REPORT_NEW_FLOW; i <= SL_NE_REPORT_STATISTICS; i++)
		assert_int_equal(json_integer_value(json_object_get(
		                         events, sl_ne_report_event_name((enum sl_ne_report_event)i))),
		                 i);
	json_decref(root);
}

/* What cannot be a filter is none. */
static void test_config(void **state)
{
	struct sl_ne_filter_config config = { .options = sl_ne_options_of(SL_NE_PROFILE_MACOS) };
	struct sl_ne_filter *f = NULL;
	(void)state;
	assert_int_equal(sl_ne_filter_new(&config, (struct sl_mono){ 0 }, &f), SL_EINVAL);
	config.provider.handle_new_flow = allow_all;
	assert_int_equal(sl_ne_filter_new(&config, (struct sl_mono){ 0 }, &f), SL_EINVAL);
	assert_null(f);
}

int main(void)
{
	static const struct {
		const char *name;
		void (*run)(void **state);
	} others[] = {
		{ "NE-CHOICE-05: identifiers are version 4 UUIDs, or count", test_identifiers },
		{ "NE-CHOICE-06, NE-FLOW-06: a host's name, and how it is known", test_hostname },
		{ "NE-REP-07: at most 50 statistics a tick, in turn", test_statistics },
		{ "NE-TIME-03: the collector ends at most 100 a run", test_collector },
		{ "NE-LIFE-03, NE-REP-02: names and raw values of stop reasons and reports", test_reasons },
		{ "NE-CB-01: a filter needs handle_new_flow, and a driver a sink", test_config },
	};
	struct CMUnitTest tests[SL_COUNT(cases) + SL_COUNT(others)];
	size_t n = 0;
	for (; n < SL_COUNT(cases); n++)
		tests[n] = (struct CMUnitTest){ cases[n].name, test_filter, NULL, NULL,
			                        (void *)(uintptr_t)&cases[n] };
	for (size_t i = 0; i < SL_COUNT(others); i++)
		tests[n++] = (struct CMUnitTest){ others[i].name, others[i].run, NULL, NULL, NULL };
	return _cmocka_run_group_tests("filter/ne_filter", tests, n, NULL, NULL);
}
