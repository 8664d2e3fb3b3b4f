/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ne_url_replay.h"

#include <stdlib.h>

#include "base/cur.h"
#include "daemon/ne_url_prefilter.h"
#include "daemon/ne_url_trace.h"
#include "daemon/parsing_file.h"

enum { TITLE_MAX = 1024, URL_MAX = 8192, EVENTS_MAX = 100000 };

#define TEXTS                                                                                            \
	"pirServerURL pirPrivacyPassIssuerURL pirAuthenticationToken controlProviderBundleIdentifier "   \
	"appBundleIdentifier localizedDescription reportEndpoint prefilterFetchInterval reportInterval " \
	"reportFormat shouldFailClosed isEnabled"

struct player {
	struct sl_ne_scenario_place at;
	struct sl_ne_url *filter; /* NULL before the head */
	struct sl_ne_url_set *set;
	struct sl_ne_url_trace trace;
	struct sl_parsing parsing;
	struct sl_mono now;
	unsigned events;
	int err;
};

/* ---- the control provider: its answers are events ---- */

static void on_start(void *ctx, struct sl_mono now)
{
	(void)ctx, (void)now;
}

static void on_stop(void *ctx, enum sl_ne_stop_reason reason, struct sl_mono now)
{
	(void)ctx, (void)reason, (void)now;
}

static void on_fetch(void *ctx, const char *existing_tag, struct sl_mono now)
{
	(void)ctx, (void)existing_tag, (void)now;
}

/* ---- configurations ---- */

static bool read_text(const struct player *p, const json_t *object, const char *key, char out[SL_NE_URL_TEXT])
{
	const char *text = NULL;
	if (!sl_ne_scenario_text(&p->at, object, key, SL_NE_URL_TEXT - 1, &text))
		return false;
	if (text != NULL)
		memcpy(out, text, strlen(text) + 1);
	return true;
}

static bool read_seconds(const struct player *p, const json_t *object, const char *key, uint32_t *out)
{
	uint64_t value = *out;
	bool ok = sl_ne_scenario_u64(&p->at, object, key, UINT32_MAX, &value);
	*out = (uint32_t)value;
	return ok;
}

/* What is not there stays. */
static bool read_configuration(const struct player *p, const json_t *o, struct sl_ne_url_configuration *c)
{
	static const char *const formats[] = { "json", "protobuf" };
	unsigned format = c->report_format;
	bool ok = read_text(p, o, "pirServerURL", c->pir_server_url) &&
	          read_text(p, o, "pirPrivacyPassIssuerURL", c->pir_privacy_pass_issuer_url) &&
	          read_text(p, o, "pirAuthenticationToken", c->pir_authentication_token) &&
	          read_text(p, o, "controlProviderBundleIdentifier", c->control_provider_bundle_identifier) &&
	          read_text(p, o, "appBundleIdentifier", c->app_bundle_identifier) &&
	          read_text(p, o, "localizedDescription", c->localized_description) &&
	          read_text(p, o, "reportEndpoint", c->report_endpoint) &&
	          read_seconds(p, o, "prefilterFetchInterval", &c->prefilter_fetch_interval) &&
	          read_seconds(p, o, "reportInterval", &c->report_interval) &&
	          sl_ne_scenario_word(&p->at, o, "reportFormat", formats, SL_COUNT(formats), &format) &&
	          sl_ne_scenario_bool(&p->at, o, "shouldFailClosed", &c->should_fail_closed) &&
	          sl_ne_scenario_bool(&p->at, o, "isEnabled", &c->is_enabled);
	c->report_format = (enum sl_ne_url_format)format;
	return ok;
}

static bool configure(struct player *p, const json_t *o)
{
	return read_configuration(p, o, sl_ne_url_edit(p->filter));
}

static bool preferences_changed(struct player *p, const json_t *o)
{
	struct sl_ne_url_configuration c;
	bool managed = false, removed = false;
	sl_ne_url_configuration_default(&c);
	if (!sl_ne_scenario_bool(&p->at, o, "managed", &managed) ||
	    !sl_ne_scenario_bool(&p->at, o, "removed", &removed) || !read_configuration(p, o, &c))
		return false;
	const char *field = NULL, *why = removed ? NULL : sl_ne_url_configuration_fault(&c, &field);
	if (why != NULL)
		return sl_ne_scenario_wrong(&p->at, "\"%s\" is no such preference: %s", field, why);
	(void)sl_ne_url_changed(p->filter, removed ? NULL : &c, managed, p->now);
	return true;
}

/* ---- events ---- */

static enum sl_ne_url_error tick(struct sl_ne_url *filter, struct sl_mono now)
{
	(void)filter, (void)now; /* time went on */
	return SL_NE_URL_NO_ERROR;
}

static enum sl_ne_url_error control_stopped(struct sl_ne_url *filter, struct sl_mono now)
{
	(void)sl_ne_url_stopped(filter, now);
	return SL_NE_URL_NO_ERROR;
}

static bool read_error(const struct player *p, const json_t *o, enum sl_ne_url_error *out)
{
	static const char *const names[] = { "none",
#define X(name, value) #name,
		                             SL_NE_URL_ERRORS(X)
#undef X
	};
	unsigned error = SL_NE_URL_NO_ERROR;
	bool ok = sl_ne_scenario_word(&p->at, o, "error", names, SL_COUNT(names), &error);
	*out = (enum sl_ne_url_error)error;
	return ok;
}

/* An answer that nobody waits for is in the trace, as NE ignores it. */
static bool control_started(struct player *p, const json_t *o)
{
	enum sl_ne_url_error error = SL_NE_URL_NO_ERROR;
	if (!read_error(p, o, &error))
		return false;
	(void)sl_ne_url_started(p->filter, error, p->now);
	return true;
}

static bool fetched(struct player *p, const json_t *o)
{
	const json_t *prefilter = json_object_get(o, "prefilter");
	struct sl_ne_url_given given = { .bits = NULL };
	enum sl_ne_url_error error = SL_NE_URL_NO_ERROR;
	bool nil = prefilter == NULL || json_is_null(prefilter);
	if (!read_error(p, o, &error) || (!nil && !sl_ne_url_given_read(&p->at, prefilter, &given)))
		return false;
	(void)sl_ne_url_fetched(p->filter, nil ? NULL : &given.prefilter, error, p->now);
	sl_ne_url_given_free(&given);
	return true;
}

static bool data_set(struct player *p, const json_t *o)
{
	struct sl_bytes lines = { NULL, 0 };
	if (!sl_ne_url_lines_read(&p->at, json_object_get(o, "entries"), "entries", &lines))
		return false;
	int err = sl_ne_url_set_entries(p->set, p->at.name, lines, NULL);
	free((void *)(uintptr_t)lines.p);
	return err == SL_OK ||
	       sl_ne_scenario_wrong(&p->at, "\"entries\" cannot be a data set: %s; write hosts and URLs",
	                            sl_strerror(err));
}

static bool pir_server(struct player *p, const json_t *o)
{
	bool reachable = true, ready = true;
	if (!sl_ne_scenario_bool(&p->at, o, "reachable", &reachable) ||
	    !sl_ne_scenario_bool(&p->at, o, "setUp", &ready))
		return false;
	sl_ne_url_set_reachable(p->set, reachable);
	sl_ne_url_set_ready(p->set, ready);
	return true;
}

static bool request(struct player *p, const json_t *o)
{
	static const char *const words[] = { "webKit", "urlSession", "verdictFor", "other" };
	struct sl_ne_url_answer answer;
	const char *url = NULL;
	unsigned by = SL_NE_URL_BY_WEBKIT;
	if (!sl_ne_scenario_text(&p->at, o, "url", URL_MAX, &url) ||
	    !sl_ne_scenario_word(&p->at, o, "by", words, SL_COUNT(words), &by))
		return false;
	if (url == NULL || strpbrk(url, "\r\n\t") != NULL)
		return sl_ne_scenario_wrong(&p->at, "a request needs a \"url\" of one line; write one");
	(void)sl_ne_url_request(p->filter, sl_bytes_str(url), (enum sl_ne_url_by)by, p->now, &answer);
	return true;
}

/* ---- lines ---- */

/* One of the two: what reads the object, or a call of the manager, which the trace answers. */
static const struct event {
	const char *name, *keys;
	bool (*play)(struct player *p, const json_t *object);
	enum sl_ne_url_error (*call)(struct sl_ne_url *filter, struct sl_mono now);
} events[] = {
	{ "configure", TEXTS, configure, NULL },
	{ "loadFromPreferences", "", NULL, sl_ne_url_load },
	{ "saveToPreferences", "", NULL, sl_ne_url_save },
	{ "removeFromPreferences", "", NULL, sl_ne_url_remove },
	{ "refreshPIRParameters", "", NULL, sl_ne_url_refresh_pir_parameters },
	{ "resetPIRCache", "", NULL, sl_ne_url_reset_pir_cache },
	{ "preferencesChanged", TEXTS " managed removed", preferences_changed, NULL },
	{ "controlStarted", "error", control_started, NULL },
	{ "controlStopped", "", NULL, control_stopped },
	{ "prefilterFetched", "prefilter error", fetched, NULL },
	{ "dataSet", "entries", data_set, NULL },
	{ "pirServer", "reachable setUp", pir_server, NULL },
	{ "request", "url by", request, NULL },
	{ "tick", "", NULL, tick },
};

static void go_on(struct player *p, struct sl_mono until)
{
	struct sl_mono due;
	while (sl_ne_url_due(p->filter, &due) && sl_mono_reached(until, due)) {
		if (due.us > p->now.us)
			p->now = due;
		sl_ne_url_tick(p->filter, p->now);
	}
	p->now = until;
}

static bool read_event(struct player *p, const json_t *o)
{
	const char *names[SL_COUNT(events)];
	unsigned word = SL_COUNT(events);
	uint64_t us = (uint64_t)p->now.us;
	for (size_t i = 0; i < SL_COUNT(events); i++)
		names[i] = events[i].name;
	if (++p->events > EVENTS_MAX)
		return sl_ne_scenario_wrong(&p->at, "more than %d events; write fewer", EVENTS_MAX);
	if (!sl_ne_scenario_word(&p->at, o, "event", names, SL_COUNT(names), &word))
		return false;
	if (word == SL_COUNT(events))
		return sl_ne_scenario_wrong(&p->at, "there is no \"event\"; write one");
	if (!sl_ne_scenario_keys(&p->at, o, events[word].keys, "time event note") ||
	    !sl_ne_scenario_u64(&p->at, o, "time", (uint64_t)SL_NE_URL_SECONDS_MAX * 1000000, &us))
		return false;
	if ((int64_t)us < p->now.us)
		return sl_ne_scenario_wrong(&p->at,
		                            "time goes backwards; write %lld or later, in microseconds",
		                            (long long)p->now.us);
	go_on(p, (struct sl_mono){ (int64_t)us });
	if (events[word].play != NULL)
		return events[word].play(p, o);
	(void)events[word].call(p->filter, p->now);
	return true;
}

static bool begin(struct player *p, enum sl_profile profile)
{
	struct sl_ne_url_config config = { .control = { p, on_start, on_stop, on_fetch },
		                           .ctx = &p->trace,
		                           .event = sl_ne_url_trace_event };
	const struct sl_suburl_parsing *parsing = p->parsing.root == NULL ? NULL : &p->parsing.how;
	p->err = sl_ne_url_set_new(profile, parsing, &p->set);
	if (p->err != SL_OK)
		return false;
	sl_ne_url_set_lookup(p->set, &config.lookup);
	p->trace.set = p->set;
	sl_ne_url_trace_head(&p->trace, sl_profile_name(profile));
	p->err = sl_ne_url_new(&config, &p->filter);
	return p->err == SL_OK;
}

static bool read_head(struct player *p, const json_t *o)
{
	static const char *const profiles[] = { NULL, "ne26", "ne27", "both" };
	json_t *how = json_object_get(o, "urlFilter"), *parsing = json_object_get(how, "parsing");
	unsigned profile = SL_PROFILE_NE27; /* NE-CHOICE-30 */
	const char *title = NULL;
	if (!sl_ne_scenario_keys(&p->at, o, "scenario urlFilter", "note") ||
	    !sl_ne_scenario_text(&p->at, o, "scenario", TITLE_MAX, &title))
		return false;
	if (title == NULL || !json_is_object(how))
		return sl_ne_scenario_wrong(
		        &p->at, "the head needs \"scenario\", what it shows, and \"urlFilter\", an "
		                "object that may have \"profile\" and \"parsing\"; write both");
	if (!sl_ne_scenario_keys(&p->at, how, "profile parsing", "") ||
	    !sl_ne_scenario_word(&p->at, how, "profile", profiles, SL_COUNT(profiles), &profile))
		return false;
	if (parsing != NULL && profile != SL_PROFILE_NE27)
		return sl_ne_scenario_wrong(&p->at, "\"parsing\" goes with profile ne27; take it away");
	if (parsing != NULL && !sl_parsing_read(&p->at, parsing, &p->parsing))
		return false;
	if (parsing != NULL && p->parsing.regex == NULL && !p->parsing.how.exclude_scheme)
		return sl_ne_scenario_wrong(&p->at,
		                            "with \"excludeScheme\": false no entry can match, as none has a "
		                            "scheme (NE-URL-30); write true");
	return begin(p, (enum sl_profile)profile);
}

static bool read_line(struct player *p, struct sl_bytes line)
{
	json_error_t error;
	json_t *o = json_loadb((const char *)line.p, line.len, JSON_REJECT_DUPLICATES, &error);
	bool ok = json_is_object(o) ? p->filter == NULL ? read_head(p, o) : read_event(p, o)
	                            : sl_ne_scenario_wrong(&p->at, "no JSON object: %s; write one a line",
	                                                   o == NULL ? error.text : "something else");
	json_decref(o);
	if (!ok && p->err == SL_OK)
		p->err = SL_EMALF;
	return ok;
}

bool sl_ne_url_is_scenario(struct sl_bytes text)
{
	struct sl_cur c = sl_cur_whole(text);
	struct sl_bytes line = { NULL, 0 };
	while (sl_cur_more(&c) && line.len == 0)
		line = sl_bytes_trim(sl_cur_line(&c));
	json_t *head = json_loadb(line.p == NULL ? "" : (const char *)line.p, line.len,
	                          JSON_REJECT_DUPLICATES, NULL);
	bool url = json_object_get(head, "urlFilter") != NULL;
	json_decref(head);
	return url;
}

int sl_ne_url_replay(const char *name, struct sl_bytes text, const struct sl_diag *diag, FILE *to)
{
	struct player p = { .at = { name, 0, diag }, .trace = { .to = to } };
	struct sl_cur c = sl_cur_whole(text);
	while (p.err == SL_OK && sl_cur_more(&c)) {
		struct sl_bytes line = sl_bytes_trim(sl_cur_line(&c));
		p.at.line++;
		if (line.len > 0)
			(void)read_line(&p, line);
	}
	if (p.err == SL_OK && (fflush(to) != 0 || p.trace.failed))
		p.err = SL_ESYS;
	sl_ne_url_free(&p.filter);
	sl_ne_url_set_free(&p.set);
	sl_parsing_free(&p.parsing);
	return p.err;
}
