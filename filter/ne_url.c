/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_url.c - preferences, status and control provider of a URL filter. */
#include "filter/ne_url.h"

#include <stdlib.h>

#include "base/util.h"
#include "filter/ne_url_impl.h"

int sl_ne_url_new(const struct sl_ne_url_config *config, struct sl_ne_url **out)
{
	struct sl_ne_url *f = (struct sl_ne_url *)calloc(1, sizeof(*f));
	if (f == NULL)
		return SL_ENOMEM;
	f->config = *config;
	f->generation = 1;
	sl_ne_url_configuration_default(&f->edited);
	sl_ne_url_configuration_default(&f->saved);
	*out = f;
	return SL_OK;
}

void sl_ne_url_free(struct sl_ne_url **filter)
{
	free(sl_take(filter));
}

enum sl_ne_url_status sl_ne_url_status(const struct sl_ne_url *f)
{
	return f->status;
}

enum sl_ne_url_error sl_ne_url_last_disconnect_error(const struct sl_ne_url *f)
{
	return f->last_error;
}

const char *sl_ne_url_tag(const struct sl_ne_url *f)
{
	return f->tag[0] == '\0' ? NULL : f->tag;
}

struct sl_ne_url_configuration *sl_ne_url_edit(struct sl_ne_url *f)
{
	return &f->edited;
}

void sl_ne_url_tell(struct sl_ne_url *f, struct sl_ne_url_event *event, struct sl_mono now)
{
	event->time = now;
	if (f->config.event != NULL)
		f->config.event(f->config.ctx, event);
}

static void tell(struct sl_ne_url *f, enum sl_ne_url_event_kind kind, enum sl_ne_url_error error,
                 const char *why, struct sl_mono now)
{
	struct sl_ne_url_event e = { .kind = kind, .error = error, .why = why };
	sl_ne_url_tell(f, &e, now);
}

static struct sl_span seconds(uint32_t s)
{
	return sl_span_ms((int64_t)s * 1000);
}

/* ---- status ---- */

/* error: what stopped it, if anything did. */
static void become(struct sl_ne_url *f, enum sl_ne_url_status status, enum sl_ne_url_error error,
                   const char *why, struct sl_mono now)
{
	if (error != SL_NE_URL_NO_ERROR)
		f->last_error = error;
	if (f->status == status)
		return;
	f->status = status;
	if (status == SL_NE_URL_running)
		f->next_report = sl_mono_add(now, seconds(f->saved.report_interval));
	struct sl_ne_url_event e = {
		.kind = SL_NE_URL_EVENT_STATUS, .status = status, .error = error, .why = why
	};
	sl_ne_url_tell(f, &e, now);
}

/* It does not run though it is wanted: tried again when the next prefilter would be fetched. */
static void fail(struct sl_ne_url *f, enum sl_ne_url_error error, const char *why, struct sl_mono now)
{
	f->start_waits = f->fetch_waits = false;
	f->next_fetch = sl_mono_add(now, seconds(f->saved.prefilter_fetch_interval));
	become(f, SL_NE_URL_stopped, error, why, now);
}

static void fetch(struct sl_ne_url *f, struct sl_mono now)
{
	struct sl_ne_url_event e = { .kind = SL_NE_URL_EVENT_FETCH, .tag = sl_ne_url_tag(f) };
	f->fetch_waits = true;
	f->next_fetch = sl_mono_add(now, seconds(f->saved.prefilter_fetch_interval));
	sl_ne_url_tell(f, &e, now);
	f->config.control.fetch_prefilter(f->config.control.ctx, sl_ne_url_tag(f), now);
}

static void start(struct sl_ne_url *f, struct sl_mono now)
{
	become(f, SL_NE_URL_starting, SL_NE_URL_NO_ERROR, NULL, now);
	f->start_waits = true;
	tell(f, SL_NE_URL_EVENT_START, SL_NE_URL_NO_ERROR, NULL, now);
	f->config.control.start(f->config.control.ctx, now);
}

static void stop(struct sl_ne_url *f, enum sl_ne_stop_reason reason, struct sl_mono now)
{
	struct sl_ne_url_event e = { .kind = SL_NE_URL_EVENT_STOP, .reason = reason };
	if (f->status == SL_NE_URL_running)
		sl_ne_url_send_report(f, now);
	f->start_waits = f->fetch_waits = false;
	f->stop_waits = true;
	become(f, SL_NE_URL_stopping, SL_NE_URL_NO_ERROR, NULL, now);
	sl_ne_url_tell(f, &e, now);
	f->config.control.stop(f->config.control.ctx, reason, now);
}

static void hurry(struct sl_mono *at, struct sl_mono latest)
{
	if (at->us > latest.us)
		*at = latest;
}

/* The preferences are other ones than before. */
static void follow(struct sl_ne_url *f, bool anew, struct sl_mono now)
{
	bool wanted = f->configured && f->saved.is_enabled;
	bool alive = f->status == SL_NE_URL_starting || f->status == SL_NE_URL_running;
	if (f->status == SL_NE_URL_stopping) /* what comes then is said by sl_ne_url_stopped() */
		return;
	if (alive && !wanted)
		stop(f, f->configured ? SL_NE_STOP_configurationDisabled : SL_NE_STOP_configurationRemoved,
		     now);
	else if (alive && anew)
		stop(f, SL_NE_STOP_superceded, now);
	else if (alive)
		hurry(&f->next_fetch, sl_mono_add(now, seconds(f->saved.prefilter_fetch_interval)));
	else if (wanted)
		start(f, now);
	else
		become(f, f->configured ? SL_NE_URL_stopped : SL_NE_URL_invalid, SL_NE_URL_NO_ERROR, NULL,
		       now);
}

/* ---- the manager ---- */

enum sl_ne_url_error sl_ne_url_load(struct sl_ne_url *f, struct sl_mono now)
{
	f->edited = f->saved;
	f->loaded = f->generation;
	tell(f, SL_NE_URL_EVENT_LOAD, SL_NE_URL_NO_ERROR, NULL, now);
	return SL_NE_URL_NO_ERROR;
}

/* What keeps whoever has loaded from writing. */
static enum sl_ne_url_error may_write(const struct sl_ne_url *f)
{
	return f->loaded == 0               ? SL_NE_URL_ERROR_configurationNotLoaded
	       : f->loaded != f->generation ? SL_NE_URL_ERROR_configurationStale
	                                    : SL_NE_URL_NO_ERROR;
}

/* Writes the preferences. */
static void keep(struct sl_ne_url *f, const struct sl_ne_url_configuration *to, struct sl_mono now)
{
	bool anew = f->configured && to != NULL && !sl_ne_url_same_server(&f->saved, to);
	f->configured = to != NULL;
	f->generation++;
	if (to != NULL)
		f->saved = *to;
	else
		sl_ne_url_configuration_default(&f->saved);
	tell(f, SL_NE_URL_EVENT_CONFIG, SL_NE_URL_NO_ERROR, NULL, now);
	if (to == NULL || anew)
		f->tag[0] = '\0'; /* the prefilter was made for the other one */
	follow(f, anew, now);
}

enum sl_ne_url_error sl_ne_url_save(struct sl_ne_url *f, struct sl_mono now)
{
	const char *field = NULL, *why = NULL;
	enum sl_ne_url_error error = may_write(f);
	if (error == SL_NE_URL_NO_ERROR && f->managed)
		error = SL_NE_URL_ERROR_configurationPermissionDenied;
	if (error == SL_NE_URL_NO_ERROR && (why = sl_ne_url_configuration_fault(&f->edited, &field)) != NULL)
		error = SL_NE_URL_ERROR_configurationInvalid;
	if (error == SL_NE_URL_NO_ERROR && f->configured &&
	    sl_ne_url_configuration_same(&f->edited, &f->saved))
		error = SL_NE_URL_ERROR_configurationUnchanged;
	tell(f, SL_NE_URL_EVENT_SAVE, error,
	     why != NULL                   ? field
	     : error == SL_NE_URL_NO_ERROR ? sl_ne_url_configuration_onboarding(&f->edited)
	                                   : NULL,
	     now);
	if (error == SL_NE_URL_NO_ERROR) {
		f->loaded = f->generation + 1;
		keep(f, &f->edited, now);
	}
	return error;
}

enum sl_ne_url_error sl_ne_url_remove(struct sl_ne_url *f, struct sl_mono now)
{
	enum sl_ne_url_error error = may_write(f);
	if (error == SL_NE_URL_NO_ERROR && !f->configured)
		error = SL_NE_URL_ERROR_configurationInvalid;
	if (error == SL_NE_URL_NO_ERROR && f->managed)
		error = SL_NE_URL_ERROR_configurationCannotBeRemoved;
	tell(f, SL_NE_URL_EVENT_REMOVE, error, NULL, now);
	if (error == SL_NE_URL_NO_ERROR) {
		f->loaded = 0;
		keep(f, NULL, now);
	}
	return error;
}

enum sl_ne_url_error sl_ne_url_changed(struct sl_ne_url *f, const struct sl_ne_url_configuration *to,
                                       bool managed, struct sl_mono now)
{
	const char *field = NULL;
	if (to != NULL && sl_ne_url_configuration_fault(to, &field) != NULL)
		return SL_NE_URL_ERROR_configurationInvalid;
	f->managed = managed && to != NULL;
	keep(f, to, now);
	return SL_NE_URL_NO_ERROR;
}

static enum sl_ne_url_error may_ask(const struct sl_ne_url *f)
{
	return !f->configured         ? SL_NE_URL_ERROR_configurationInvalid
	       : !f->saved.is_enabled ? SL_NE_URL_ERROR_configurationDisabled
	                              : SL_NE_URL_NO_ERROR;
}

enum sl_ne_url_error sl_ne_url_refresh_pir_parameters(struct sl_ne_url *f, struct sl_mono now)
{
	enum sl_ne_url_error error = may_ask(f);
	if (error == SL_NE_URL_NO_ERROR && f->config.lookup.parameters(f->config.lookup.ctx) == SL_EPERM)
		error = SL_NE_URL_ERROR_serverSetupIncomplete;
	tell(f, SL_NE_URL_EVENT_REFRESH, error, NULL, now);
	if (error == SL_NE_URL_NO_ERROR && f->status == SL_NE_URL_stopped)
		start(f, now); /* the server may be set up by now */
	return error;
}

/* There is no cache: the exact set is asked each time (NE-URL-11, NE-CHOICE-40). */
enum sl_ne_url_error sl_ne_url_reset_pir_cache(struct sl_ne_url *f, struct sl_mono now)
{
	enum sl_ne_url_error error = may_ask(f);
	tell(f, SL_NE_URL_EVENT_RESET, error, NULL, now);
	return error;
}

/* ---- the control provider's answers ---- */

static bool unasked(struct sl_ne_url *f, const char *what, struct sl_mono now)
{
	tell(f, SL_NE_URL_EVENT_ILLEGAL, SL_NE_URL_NO_ERROR, what, now);
	return false;
}

bool sl_ne_url_started(struct sl_ne_url *f, enum sl_ne_url_error error, struct sl_mono now)
{
	if (!f->start_waits)
		return unasked(f, "started", now);
	f->start_waits = false;
	tell(f, SL_NE_URL_EVENT_STARTED, error, NULL, now);
	if (error != SL_NE_URL_NO_ERROR)
		fail(f, error, NULL, now);
	else if (f->config.lookup.parameters(f->config.lookup.ctx) == SL_EPERM)
		fail(f, SL_NE_URL_ERROR_serverSetupIncomplete, NULL, now);
	else
		fetch(f, now);
	return true;
}

bool sl_ne_url_stopped(struct sl_ne_url *f, struct sl_mono now)
{
	if (!f->stop_waits)
		return unasked(f, "stopped", now);
	f->stop_waits = false;
	tell(f, SL_NE_URL_EVENT_STOPPED, SL_NE_URL_NO_ERROR, NULL, now);
	become(f, f->configured ? SL_NE_URL_stopped : SL_NE_URL_invalid, SL_NE_URL_NO_ERROR, NULL, now);
	if (f->configured && f->saved.is_enabled)
		start(f, now);
	return true;
}

/* Why it cannot be used, or NULL; then it is in use. */
static const char *take(struct sl_ne_url *f, const struct sl_ne_url_prefilter *prefilter)
{
	const char *fault = sl_ne_url_prefilter_fault(prefilter);
	if (fault == NULL && f->config.lookup.install(f->config.lookup.ctx, prefilter) != SL_OK)
		fault = "it cannot be read";
	if (fault == NULL)
		memcpy(f->tag, prefilter->tag, strlen(prefilter->tag) + 1);
	return fault;
}

bool sl_ne_url_fetched(struct sl_ne_url *f, const struct sl_ne_url_prefilter *prefilter,
                       enum sl_ne_url_error error, struct sl_mono now)
{
	const char *why = NULL;
	if (!f->fetch_waits)
		return unasked(f, "fetched", now);
	f->fetch_waits = false;
	if (error == SL_NE_URL_NO_ERROR && prefilter != NULL)
		why = take(f, prefilter);
	else if (error == SL_NE_URL_NO_ERROR && f->tag[0] == '\0')
		why = "the first fetch has to return a prefilter (NE-URL-21)";
	if (why != NULL)
		error = SL_NE_URL_ERROR_internalError;
	struct sl_ne_url_event e = {
		.kind = SL_NE_URL_EVENT_PREFILTER, .error = error, .why = why, .prefilter = prefilter
	};
	sl_ne_url_tell(f, &e, now);
	if (f->tag[0] == '\0')
		fail(f, error, why, now);
	else
		become(f, SL_NE_URL_running, SL_NE_URL_NO_ERROR, NULL, now);
	return true;
}

/* ---- time ---- */

static bool wants_fetch(const struct sl_ne_url *f)
{
	bool idle = f->status == SL_NE_URL_stopped || (f->status == SL_NE_URL_running && !f->fetch_waits);
	return f->configured && f->saved.is_enabled && idle;
}

bool sl_ne_url_due(const struct sl_ne_url *f, struct sl_mono *due)
{
	bool fetches = wants_fetch(f), reports = f->status == SL_NE_URL_running && f->entries > 0;
	if (fetches)
		*due = f->next_fetch;
	if (reports && (!fetches || f->next_report.us < due->us))
		*due = f->next_report;
	return fetches || reports;
}

void sl_ne_url_tick(struct sl_ne_url *f, struct sl_mono now)
{
	if (f->status == SL_NE_URL_running && sl_mono_reached(now, f->next_report)) {
		sl_ne_url_send_report(f, now);
		f->next_report = sl_mono_add(now, seconds(f->saved.report_interval));
	}
	if (!wants_fetch(f) || !sl_mono_reached(now, f->next_fetch))
		return;
	if (f->status == SL_NE_URL_running)
		fetch(f, now);
	else
		start(f, now);
}
