/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_ne_url_model.c - random sequences of events, seeded: whatever an app, its control provider, the user and the clock do, a URL
 * filter keeps its rules.
 *   status     goes along the edges that NE-URL-04 has, and runs with a prefilter only (NE-URL-21)
 *   fetches    one at a time, never sooner than the interval after the last but at a start (NE-TIME-11), with the tag of the last
 *              prefilter (NE-URL-21)
 *   verdicts   deny where a key is listed; else undecided, and then as shouldFailClosed says (NE-URL-09); else allow
 *   reports    only where there is an endpoint, and never empty (NE-URL-13)
 * Arguments: how many events, the seed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "filter/ne_url.h"

#define SECOND INT64_C(1000000)

static uint64_t events = 200000, seed = 1;

struct world {
	struct sl_ne_url *filter;
	struct sl_mono now, fetched_at;
	uint64_t random, prefilters, denied, undecided, reports, runs;
	enum sl_ne_url_status status;
	bool starting, stopping, fetching; /* what the control provider was asked and has not answered */
	bool may_fetch;                    /* it has just started */
	char tag[32];
	char server[64];                            /* of what was saved last, as the next ones */
	bool closed, endpoint, enabled, configured; /* of what was saved last */
	bool listed, reachable;
};

static uint64_t next(struct world *w, uint64_t below)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random % below;
}

/* ---- what the filter asks ---- */

static void on_start(void *ctx, struct sl_mono now)
{
	struct world *w = (struct world *)ctx;
	(void)now;
	assert_false(w->starting);
	w->starting = w->may_fetch = true;
}

static void on_stop(void *ctx, enum sl_ne_stop_reason reason, struct sl_mono now)
{
	struct world *w = (struct world *)ctx;
	(void)reason, (void)now;
	assert_false(w->stopping);
	w->stopping = true;
	w->starting = w->fetching = false; /* whose answers come too late now */
}

static void on_fetch(void *ctx, const char *existing_tag, struct sl_mono now)
{
	struct world *w = (struct world *)ctx;
	assert_false(w->fetching);
	assert_true(w->may_fetch || now.us - w->fetched_at.us >= SL_NE_URL_FETCH_MIN * SECOND);
	assert_int_equal(existing_tag != NULL, w->tag[0] != '\0');
	if (existing_tag != NULL)
		assert_string_equal(existing_tag, w->tag);
	w->fetching = true;
	w->may_fetch = false;
	w->fetched_at = now;
}

static int on_keys(void *ctx, struct sl_bytes url, int (*key)(void *to, struct sl_bytes key), void *to)
{
	(void)ctx;
	int err = key(to, sl_bytes_first(url, 1));
	return err == SL_OK ? key(to, url) : err;
}

static int on_install(void *ctx, const struct sl_ne_url_prefilter *prefilter)
{
	(void)ctx;
	return prefilter->murmur_seed == 0 ? SL_EMALF : SL_OK; /* one in a while cannot be read */
}

static bool on_maybe(void *ctx, struct sl_bytes key)
{
	(void)ctx;
	return key.p[0] == 'h';
}

static int on_exact(void *ctx, struct sl_bytes key, bool *listed)
{
	const struct world *w = (const struct world *)ctx;
	(void)key;
	*listed = w->listed;
	return w->reachable ? SL_OK : SL_ETIME;
}

static int on_parameters(void *ctx)
{
	return next((struct world *)ctx, 16) == 0 ? SL_EPERM : SL_OK;
}

/* ---- what it tells ---- */

static void follow_status(struct world *w, enum sl_ne_url_status to)
{
	static const bool edges[5][5] = {
		[SL_NE_URL_invalid] = { [SL_NE_URL_stopped] = true, [SL_NE_URL_starting] = true },
		[SL_NE_URL_stopped] = { [SL_NE_URL_invalid] = true, [SL_NE_URL_starting] = true },
		[SL_NE_URL_starting] = { [SL_NE_URL_running] = true,
		                         [SL_NE_URL_stopped] = true,
		                         [SL_NE_URL_stopping] = true },
		[SL_NE_URL_running] = { [SL_NE_URL_stopping] = true },
		[SL_NE_URL_stopping] = { [SL_NE_URL_stopped] = true, [SL_NE_URL_invalid] = true },
	};
	if (!edges[w->status][to])
		fail_msg("%s to %s", sl_ne_url_status_name(w->status), sl_ne_url_status_name(to));
	if (to == SL_NE_URL_running) {
		assert_non_null(sl_ne_url_tag(w->filter));
		w->runs++;
	}
	w->status = to;
}

static void on_event(void *ctx, const struct sl_ne_url_event *e)
{
	struct world *w = (struct world *)ctx;
	assert_true(e->time.us <= w->now.us);
	if (e->kind == SL_NE_URL_EVENT_STATUS)
		follow_status(w, e->status);
	if (e->kind == SL_NE_URL_EVENT_REPORT) {
		assert_true(e->report->n > 0 && e->report->endpoint[0] != '\0');
		w->reports++;
	}
	if (e->kind == SL_NE_URL_EVENT_PREFILTER && e->prefilter != NULL && e->error == SL_NE_URL_NO_ERROR)
		(void)snprintf(w->tag, sizeof(w->tag), "%s", e->prefilter->tag);
}

/* ---- what happens ---- */

static void edit(struct world *w, struct sl_ne_url_configuration *c)
{
	(void)snprintf(c->pir_server_url, SL_NE_URL_TEXT, "https://pir%u.example.com",
	               (unsigned)next(w, 8) == 0);
	(void)snprintf(c->pir_authentication_token, SL_NE_URL_TEXT, "%s", next(w, 16) == 0 ? "" : "AAAA");
	(void)snprintf(c->control_provider_bundle_identifier, SL_NE_URL_TEXT, "com.example.control");
	(void)snprintf(c->report_endpoint, SL_NE_URL_TEXT, "%s", next(w, 2) == 0 ? "" : "reports");
	c->prefilter_fetch_interval = (uint32_t)(2690 + next(w, 100));
	c->report_interval = (uint32_t)(3600 + next(w, 100));
	c->should_fail_closed = next(w, 2) == 0;
	c->is_enabled = next(w, 4) != 0;
}

/* What was written; a prefilter was made for one server. */
static void note_saved(struct world *w, const struct sl_ne_url_configuration *c)
{
	if (c == NULL || (w->configured && strcmp(w->server, c->pir_server_url) != 0))
		w->tag[0] = '\0';
	(void)snprintf(w->server, sizeof(w->server), "%.63s", c == NULL ? "" : c->pir_server_url);
	w->configured = c != NULL;
	w->enabled = c != NULL && c->is_enabled;
	w->closed = c != NULL && c->should_fail_closed;
	w->endpoint = c != NULL && c->report_endpoint[0] != '\0';
}

static void manage(struct world *w)
{
	struct sl_ne_url_configuration c;
	switch (next(w, 8)) {
	case 0:
	case 1:
		(void)sl_ne_url_load(w->filter, w->now);
		break;
	case 2:
		if (sl_ne_url_remove(w->filter, w->now) == SL_NE_URL_NO_ERROR)
			note_saved(w, NULL);
		break;
	case 3:
		sl_ne_url_configuration_default(&c);
		edit(w, &c);
		if (sl_ne_url_changed(w->filter, &c, next(w, 4) == 0, w->now) == SL_NE_URL_NO_ERROR)
			note_saved(w, &c);
		break;
	case 4:
		(void)sl_ne_url_refresh_pir_parameters(w->filter, w->now);
		break;
	default:
		edit(w, sl_ne_url_edit(w->filter));
		c = *sl_ne_url_edit(w->filter);
		if (sl_ne_url_save(w->filter, w->now) == SL_NE_URL_NO_ERROR)
			note_saved(w, &c);
	}
}

static void answer(struct world *w)
{
	static const uint8_t bits[18] = { 0 };
	char tag[32];
	(void)snprintf(tag, sizeof(tag), "tag %llu", (unsigned long long)++w->prefilters);
	const struct sl_ne_url_prefilter prefilter = {
		{ bits, next(w, 8) == 0 ? 17 : 18 }, NULL, tag, 144, 10, (uint32_t)next(w, 8)
	};
	enum sl_ne_url_error error =
	        next(w, 8) == 0 ? SL_NE_URL_ERROR_extensionCancelled : SL_NE_URL_NO_ERROR;
	bool nil = next(w, 3) == 0;
	if (w->starting) {
		w->starting = false;
		assert_true(sl_ne_url_started(w->filter, error, w->now));
	} else if (w->stopping) {
		w->stopping = false;
		assert_true(sl_ne_url_stopped(w->filter, w->now));
	} else if (w->fetching) {
		w->fetching = false;
		assert_true(sl_ne_url_fetched(w->filter, nil ? NULL : &prefilter, error, w->now));
	} else {
		assert_false(sl_ne_url_fetched(w->filter, &prefilter, error, w->now));
	}
}

static void ask(struct world *w)
{
	struct sl_ne_url_answer a;
	bool hit = next(w, 2) == 0;
	w->listed = next(w, 2) == 0;
	w->reachable = next(w, 4) != 0;
	enum sl_ne_url_verdict v =
	        sl_ne_url_request(w->filter, hit ? SL_BYTES_LIT("hit") : SL_BYTES_LIT("clean"),
	                          SL_NE_URL_BY_WEBKIT, w->now, &a);
	bool on = w->configured && w->enabled, running = w->status == SL_NE_URL_running;
	bool undecided = on && (!running || (hit && !w->reachable));
	assert_int_equal(a.undecided != NULL, undecided);
	bool deny = undecided ? w->closed : on && hit && w->listed;
	assert_int_equal(v, deny ? SL_NE_URL_VERDICT_deny : SL_NE_URL_VERDICT_allow);
	w->denied += v == SL_NE_URL_VERDICT_deny;
	w->undecided += undecided;
}

static void go_on(struct world *w)
{
	struct sl_mono until = { w->now.us + (int64_t)next(w, 1500) * SECOND }, due;
	unsigned ticks = 0;
	while (sl_ne_url_due(w->filter, &due) && sl_mono_reached(until, due)) {
		w->now = due.us > w->now.us ? due : w->now;
		sl_ne_url_tick(w->filter, w->now);
		assert_true(++ticks < 8); /* a tick moves what was due */
	}
	w->now = until;
}

static void test_model(void **state)
{
	struct world w = { .random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1, .reachable = true };
	const struct sl_ne_url_config config = {
		.control = { &w, on_start, on_stop, on_fetch },
		.lookup = { &w, on_keys, on_install, on_maybe, on_exact, on_parameters },
		.ctx = &w,
		.event = on_event,
	};
	(void)state;
	assert_int_equal(sl_ne_url_new(&config, &w.filter), SL_OK);
	for (uint64_t i = 0; i < events; i++) {
		switch (next(&w, 8)) {
		case 0:
			manage(&w);
			break;
		case 1:
		case 2:
		case 3:
			answer(&w);
			break;
		case 4:
		case 5:
			go_on(&w);
			break;
		default:
			ask(&w);
		}
		assert_int_equal(sl_ne_url_status(w.filter), w.status);
	}
	/* it was a life with everything in it */
	assert_true(w.runs > events / 1000 && w.denied > events / 1000 && w.undecided > events / 1000);
	assert_true(w.reports > events / 10000 && w.prefilters > events / 100);
	sl_ne_url_free(&w.filter);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { { "NE-URL-04, NE-URL-09, NE-URL-21, NE-TIME-11: random lives",
		                              test_model, NULL, NULL, NULL } };
	if (argc > 1)
		events = strtoull(argv[1], NULL, 10);
	if (argc > 2)
		seed = strtoull(argv[2], NULL, 10);
	return _cmocka_run_group_tests("filter/ne_url_model", tests, 1, NULL, NULL);
}
