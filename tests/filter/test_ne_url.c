/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_ne_url.c - a URL filter: raw values, limits, and what the scenarios of tests/scenarios/url-filter cannot show. */
#include "filter/ne_url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"

/* ---- raw values ---- */

static void test_values(void **state)
{
	static const char *const statuses[] = { "invalid", "stopped", "starting", "running", "stopping" };
	static const char *const errors[] = { "none",
		                              "configurationUnchanged",
		                              "configurationInvalid",
		                              "configurationDisabled",
		                              "configurationStale",
		                              "configurationCannotBeRemoved",
		                              "configurationPermissionDenied",
		                              "configurationInternalError",
		                              "configurationNotLoaded",
		                              "serverSetupIncomplete",
		                              "internalError",
		                              "extensionCancelled",
		                              "extensionNotFound",
		                              "extensionFailedToLoad",
		                              "unknown" };
	static const char *const verdicts[] = { NULL, "unknown", "allow", "deny" };
	(void)state;
	for (unsigned i = 0; i < SL_COUNT(statuses); i++)
		assert_string_equal(sl_ne_url_status_name((enum sl_ne_url_status)i), statuses[i]);
	for (unsigned i = 0; i < SL_COUNT(errors); i++)
		assert_string_equal(sl_ne_url_error_name((enum sl_ne_url_error)i), errors[i]);
	for (unsigned i = 1; i < SL_COUNT(verdicts); i++)
		assert_string_equal(sl_ne_url_verdict_name((enum sl_ne_url_verdict)i), verdicts[i]);
	assert_null(sl_ne_url_status_name((enum sl_ne_url_status)5));
	assert_null(sl_ne_url_error_name((enum sl_ne_url_error)15));
	assert_null(sl_ne_url_verdict_name((enum sl_ne_url_verdict)0));
}

/* ---- the configuration ---- */

static void set(char out[SL_NE_URL_TEXT], const char *text)
{
	(void)snprintf(out, SL_NE_URL_TEXT, "%s", text);
}

static void make(struct sl_ne_url_configuration *c)
{
	sl_ne_url_configuration_default(c);
	set(c->pir_server_url, "https://pir.example.com");
	set(c->pir_authentication_token, "AAAA");
	set(c->control_provider_bundle_identifier, "com.example.app.control");
	c->is_enabled = true;
}

static void test_defaults(void **state)
{
	struct sl_ne_url_configuration c;
	(void)state;
	sl_ne_url_configuration_default(&c);
	assert_int_equal(c.prefilter_fetch_interval, 86400);
	assert_int_equal(c.report_interval, 86400);
	assert_int_equal(c.report_format, SL_NE_URL_JSON);
	assert_false(c.should_fail_closed);
	assert_false(c.is_enabled);
	assert_string_equal(c.pir_server_url, "");
	assert_string_equal(c.report_endpoint, "");
}

enum field { SERVER, ISSUER, TOKEN, CONTROL, ENDPOINT, FETCH, REPORT, NOTHING };

static const struct fault_case {
	const char *name;
	enum field field;
	const char *text;
	uint32_t number;
	const char *fault; /* Apple's name; NULL: it is right */
} faults[] = {
	{ "NE-URL-02: all that is needed", NOTHING, NULL, 0, NULL },
	{ "NE-URL-02: no server", SERVER, "", 0, "pirServerURL" },
	{ "NE-URL-02: a server without a scheme", SERVER, "pir.example.com", 0, "pirServerURL" },
	{ "NE-URL-02: a scheme without a server", SERVER, "https://", 0, "pirServerURL" },
	{ "NE-URL-02: a path without a server", SERVER, "https:///x", 0, "pirServerURL" },
	{ "NE-URL-02: a server with a blank", SERVER, "https://a b/", 0, "pirServerURL" },
	{ "NE-URL-02: another scheme", SERVER, "ftp://pir.example.com", 0, "pirServerURL" },
	{ "NE-URL-02: upper case", SERVER, "HTTPS://PIR.example.com/x", 0, NULL },
	{ "NE-URL-02: an issuer that is none", ISSUER, "issuer", 0, "pirPrivacyPassIssuerURL" },
	{ "NE-URL-02: no token", TOKEN, "", 0, "pirAuthenticationToken" },
	{ "NE-URL-02: no control provider", CONTROL, "", 0, "controlProviderBundleIdentifier" },
	{ "NE-URL-13: reports to somewhere else", ENDPOINT, "https://x.example/", 0, "reportEndpoint" },
	{ "NE-URL-13: reports to a path", ENDPOINT, "reports/x", 0, NULL },
	{ "NE-TIME-11: 2699 seconds", FETCH, NULL, 2699, "prefilterFetchInterval" },
	{ "NE-TIME-11: 2700 seconds", FETCH, NULL, 2700, NULL },
	{ "a year and a second", FETCH, NULL, SL_NE_URL_SECONDS_MAX + 1, "prefilterFetchInterval" },
	{ "NE-URL-02: reports more often than once an hour", REPORT, NULL, 3599, "reportInterval" },
	{ "NE-URL-02: reports once an hour", REPORT, NULL, 3600, NULL },
};

static void test_fault(void **state)
{
	const struct fault_case *c = *state;
	struct sl_ne_url_configuration conf, other;
	char *const text[] = { conf.pir_server_url, conf.pir_privacy_pass_issuer_url,
		               conf.pir_authentication_token, conf.control_provider_bundle_identifier,
		               conf.report_endpoint };
	const char *field = NULL;
	make(&conf);
	other = conf;
	if (c->text != NULL)
		set(text[c->field], c->text);
	if (c->field == FETCH)
		conf.prefilter_fetch_interval = c->number;
	if (c->field == REPORT)
		conf.report_interval = c->number;
	const char *why = sl_ne_url_configuration_fault(&conf, &field);
	assert_int_equal(why != NULL, c->fault != NULL);
	if (c->fault != NULL)
		assert_string_equal(field, c->fault);
	assert_int_equal(sl_ne_url_configuration_same(&conf, &other), c->field == NOTHING);
}

static const struct onboarding_case {
	const char *name, *server, *issuer;
	const char *why;
} onboardings[] = {
	{ "NE-PIR-12: a host name", "https://pir.example.com", "", NULL },
	{ "NE-PIR-12: and a slash", "https://pir.example.com/", "https://issuer.example.com", NULL },
	{ "NE-PIR-12: a path", "https://pir.example.com/pir", "", "a path" },
	{ "NE-PIR-12: a port", "https://pir.example.com:8443/", "", "a port of its own" },
	{ "NE-PIR-12: plain HTTP", "http://pir.example.com", "", "plain HTTP" },
	{ "NE-PIR-12: of the issuer", "https://pir.example.com", "https://issuer.example.com/issue",
	  "a path" },
};

static void test_onboarding(void **state)
{
	const struct onboarding_case *c = *state;
	struct sl_ne_url_configuration conf;
	make(&conf);
	set(conf.pir_server_url, c->server);
	set(conf.pir_privacy_pass_issuer_url, c->issuer);
	const char *why = sl_ne_url_configuration_onboarding(&conf);
	assert_int_equal(why != NULL, c->why != NULL);
	if (why != NULL)
		assert_string_equal(why, c->why);
}

/* ---- the prefilter ---- */

static const uint8_t bits[18];

static const struct prefilter_case {
	const char *name;
	struct sl_ne_url_prefilter prefilter;
	bool right;
} prefilters[] = {
	{ "NE-URL-22: smallFilter", { { bits, 18 }, NULL, "t", 144, 10, 1 }, true },
	{ "NE-URL-22: temporaryFilepath", { { NULL, 0 }, "/tmp/x", "t", 144, 10, 1 }, true },
	{ "NE-URL-22: both", { { bits, 18 }, "/tmp/x", "t", 144, 10, 1 }, false },
	{ "NE-URL-22: neither", { { NULL, 0 }, NULL, "t", 144, 10, 1 }, false },
	{ "NE-URL-22: no tag", { { bits, 18 }, NULL, "", 144, 10, 1 }, false },
	{ "NE-URL-22: no bits", { { bits, 0 }, NULL, "t", 0, 10, 1 }, false },
	{ "NE-URL-22: no hashes", { { bits, 18 }, NULL, "t", 144, 0, 1 }, false },
	{ "NE-BLOOM-14, NE-URL-22: a byte too few", { { bits, 17 }, NULL, "t", 144, 10, 1 }, false },
	{ "NE-BLOOM-14, NE-URL-22: a byte too many", { { bits, 18 }, NULL, "t", 136, 10, 1 }, false },
	{ "NE-BLOOM-09: more bits than can be addressed",
	  { { NULL, 0 }, "/tmp/x", "t", UINT64_C(4294967289), 10, 1 },
	  false },
};

static void test_prefilter(void **state)
{
	const struct prefilter_case *c = *state;
	assert_int_equal(sl_ne_url_prefilter_fault(&c->prefilter) == NULL, c->right);
}

/* ---- a filter, whose control provider answers at once ---- */

struct world {
	struct sl_ne_url *filter;
	struct sl_mono now;
	int keys, exact; /* what they answer */
	unsigned asked, reports;
	uint8_t body[256];
	size_t len, entries;
	uint64_t lost;
};

static void on_start(void *ctx, struct sl_mono now)
{
	assert_true(sl_ne_url_started(((struct world *)ctx)->filter, SL_NE_URL_NO_ERROR, now));
}

static void on_stop(void *ctx, enum sl_ne_stop_reason reason, struct sl_mono now)
{
	assert_true(reason == SL_NE_STOP_configurationDisabled || reason == SL_NE_STOP_superceded);
	assert_true(sl_ne_url_stopped(((struct world *)ctx)->filter, now));
}

static void on_fetch(void *ctx, const char *existing_tag, struct sl_mono now)
{
	static const struct sl_ne_url_prefilter first = { { bits, 18 }, NULL, "first", 144, 10, 1 };
	struct world *w = (struct world *)ctx;
	assert_true(existing_tag == NULL || strcmp(existing_tag, "first") == 0);
	assert_true(
	        sl_ne_url_fetched(w->filter, existing_tag == NULL ? &first : NULL, SL_NE_URL_NO_ERROR, now));
}

/* Keys: the URL, as often as it has slashes, with a number behind it. */
static int on_keys(void *ctx, struct sl_bytes url, int (*key)(void *to, struct sl_bytes key), void *to)
{
	const struct world *w = (const struct world *)ctx;
	for (size_t i = 0; i < url.len; i++)
		if (url.p[i] == '/' && key(to, sl_bytes_first(url, i)) != SL_OK)
			return SL_EINVAL;
	return w->keys;
}

static int on_install(void *ctx, const struct sl_ne_url_prefilter *prefilter)
{
	(void)ctx, (void)prefilter;
	return SL_OK;
}

static bool on_maybe(void *ctx, struct sl_bytes key)
{
	(void)ctx;
	return key.len > 0 && key.p[0] != 'c';
}

static int on_exact(void *ctx, struct sl_bytes key, bool *listed)
{
	struct world *w = (struct world *)ctx;
	w->asked++;
	*listed = key.p[0] == 'b';
	return key.p[0] == 'b' ? SL_OK : w->exact;
}

static int on_parameters(void *ctx)
{
	(void)ctx;
	return SL_ETIME; /* which keeps nobody from running */
}

static void on_event(void *ctx, const struct sl_ne_url_event *e)
{
	struct world *w = (struct world *)ctx;
	if (e->kind != SL_NE_URL_EVENT_REPORT)
		return;
	w->reports++;
	struct sl_out o = sl_out_of(w->body, sizeof(w->body));
	sl_ne_url_report_write(e->report, &o);
	w->len = o.len;
	w->entries = e->report->n;
	w->lost = e->report->lost;
}

static void begin(struct world *w)
{
	const struct sl_ne_url_config config = {
		.control = { w, on_start, on_stop, on_fetch },
		.lookup = { w, on_keys, on_install, on_maybe, on_exact, on_parameters },
		.ctx = w,
		.event = on_event,
	};
	*w = (struct world){ .now = { 1000000 } };
	assert_int_equal(sl_ne_url_new(&config, &w->filter), SL_OK);
	assert_int_equal(sl_ne_url_load(w->filter, w->now), SL_NE_URL_NO_ERROR);
	make(sl_ne_url_edit(w->filter));
	set(sl_ne_url_edit(w->filter)->report_endpoint, "reports");
	assert_int_equal(sl_ne_url_save(w->filter, w->now), SL_NE_URL_NO_ERROR);
	assert_int_equal(sl_ne_url_status(w->filter), SL_NE_URL_running);
	assert_string_equal(sl_ne_url_tag(w->filter), "first");
}

static enum sl_ne_url_verdict ask(struct world *w, const char *url, struct sl_ne_url_answer *a)
{
	return sl_ne_url_request(w->filter, sl_bytes_str(url), SL_NE_URL_BY_VERDICT, w->now, a);
}

static void test_verdicts(void **state)
{
	struct world w = { .asked = 0 };
	struct sl_ne_url_answer a;
	(void)state;
	begin(&w);
	assert_int_equal(ask(&w, "c/c/", &a), SL_NE_URL_VERDICT_allow);
	assert_true(a.keys == 2 && a.hits == 0 && a.listed == 0 && a.undecided == NULL && w.asked == 0);
	assert_int_equal(ask(&w, "b/b/", &a), SL_NE_URL_VERDICT_deny);
	assert_true(a.keys == 2 && a.hits == 2 && a.listed == 2 && w.asked == 2);
	assert_int_equal(ask(&w, "x/", &a), SL_NE_URL_VERDICT_allow);
	assert_true(a.hits == 1 && a.listed == 0 && a.undecided == NULL);
	w.keys = SL_EMALF;
	assert_int_equal(ask(&w, "x", &a), SL_NE_URL_VERDICT_unknown);
	sl_ne_url_free(&w.filter);
	assert_null(w.filter);
}

static void test_undecided(void **state)
{
	struct world w = { .asked = 0 };
	struct sl_ne_url_answer a;
	(void)state;
	begin(&w);
	for (int closed = 0; closed < 2; closed++) {
		enum sl_ne_url_verdict want = closed ? SL_NE_URL_VERDICT_deny : SL_NE_URL_VERDICT_allow;
		w.exact = SL_ETIME;
		assert_int_equal(ask(&w, "x/", &a), want);
		assert_non_null(a.undecided);
		assert_int_equal(ask(&w, "c/", &a), SL_NE_URL_VERDICT_allow); /* nobody had to be asked */
		assert_null(a.undecided);
		assert_int_equal(ask(&w, "b/", &a), SL_NE_URL_VERDICT_deny);
		assert_null(a.undecided);
		w.exact = SL_OK;
		w.keys = SL_ELIMIT;
		assert_int_equal(ask(&w, "c/", &a), want);
		assert_non_null(a.undecided);
		w.keys = SL_OK;
		sl_ne_url_edit(w.filter)->should_fail_closed = true;
		if (!closed)
			assert_int_equal(sl_ne_url_save(w.filter, w.now), SL_NE_URL_NO_ERROR);
	}
	assert_int_equal(sl_ne_url_status(w.filter), SL_NE_URL_running); /* it did not start anew for that */
	sl_ne_url_free(&w.filter);
}

static void test_report(void **state)
{
	static const char proto[] = "\x0a\x01"
	                            "b\x0a\x03"
	                            "b/b";
	struct world w = { .asked = 0 };
	struct sl_ne_url_answer a;
	struct sl_mono due;
	(void)state;
	begin(&w);
	ask(&w, "b/b/", &a);
	ask(&w, "b/", &a);
	assert_true(sl_ne_url_due(w.filter, &due) && due.us == 1000000 + INT64_C(86400000000));
	sl_ne_url_tick(w.filter, (struct sl_mono){ due.us - 1 });
	assert_int_equal(w.reports, 0);
	sl_ne_url_tick(w.filter, due);
	assert_int_equal(w.reports, 1);
	assert_int_equal(w.len, strlen("[\"b\",\"b/b\"]"));
	assert_memory_equal(w.body, "[\"b\",\"b/b\"]", w.len);
	sl_ne_url_edit(w.filter)->report_format = SL_NE_URL_PROTOBUF;
	assert_int_equal(sl_ne_url_save(w.filter, w.now), SL_NE_URL_NO_ERROR);
	ask(&w, "b/b/", &a);
	sl_ne_url_edit(w.filter)->is_enabled = false;
	assert_int_equal(sl_ne_url_save(w.filter, w.now), SL_NE_URL_NO_ERROR);
	assert_int_equal(w.reports, 2);
	assert_int_equal(w.len, sizeof(proto) - 1);
	assert_memory_equal(w.body, proto, w.len);
	assert_int_equal(sl_ne_url_status(w.filter), SL_NE_URL_stopped);
	sl_ne_url_free(&w.filter);
}

/* Of more entries than there is room for those are sent that came first, and the others counted. */
static void test_full(void **state)
{
	struct world w = { .asked = 0 };
	struct sl_ne_url_answer a;
	char url[32];
	struct sl_mono due;
	(void)state;
	begin(&w);
	for (int i = 0; i < 1030; i++) {
		(void)snprintf(url, sizeof(url), "b%d/", i);
		ask(&w, url, &a);
	}
	assert_true(sl_ne_url_due(w.filter, &due));
	sl_ne_url_tick(w.filter, due);
	assert_int_equal(w.entries, 1024);
	assert_int_equal(w.lost, 6);
	sl_ne_url_free(&w.filter);
}

static void test_unasked(void **state)
{
	struct world w = { .asked = 0 };
	(void)state;
	begin(&w);
	assert_false(sl_ne_url_started(w.filter, SL_NE_URL_NO_ERROR, w.now));
	assert_false(sl_ne_url_stopped(w.filter, w.now));
	assert_false(sl_ne_url_fetched(w.filter, NULL, SL_NE_URL_NO_ERROR, w.now));
	assert_int_equal(sl_ne_url_status(w.filter), SL_NE_URL_running);
	sl_ne_url_free(&w.filter);
}

int main(void)
{
	struct CMUnitTest tests[64] = {
		{ "NE-URL-04, NE-URL-05, NE-URL-06: raw values", test_values, NULL, NULL, NULL },
		{ "NE-URL-02, NE-TIME-11: defaults", test_defaults, NULL, NULL, NULL },
		{ "NE-URL-06, NE-URL-08: verdicts", test_verdicts, NULL, NULL, NULL },
		{ "NE-URL-09: undecided", test_undecided, NULL, NULL, NULL },
		{ "NE-URL-13: reports, as JSON and as protobuf", test_report, NULL, NULL, NULL },
		{ "NE-URL-13: more than there is room for", test_full, NULL, NULL, NULL },
		{ "NE-URL-20: an answer that nobody waits for", test_unasked, NULL, NULL, NULL },
	};
	size_t n = 7;
	for (size_t i = 0; i < SL_COUNT(faults); i++)
		tests[n++] = (struct CMUnitTest){ faults[i].name, test_fault, NULL, NULL,
			                          (void *)(uintptr_t)&faults[i] };
	for (size_t i = 0; i < SL_COUNT(onboardings); i++)
		tests[n++] = (struct CMUnitTest){ onboardings[i].name, test_onboarding, NULL, NULL,
			                          (void *)(uintptr_t)&onboardings[i] };
	for (size_t i = 0; i < SL_COUNT(prefilters); i++)
		tests[n++] = (struct CMUnitTest){ prefilters[i].name, test_prefilter, NULL, NULL,
			                          (void *)(uintptr_t)&prefilters[i] };
	return _cmocka_run_group_tests("filter/ne_url", tests, n, NULL, NULL);
}
