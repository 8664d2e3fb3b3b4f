/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_url.h - a URL filter in the shape of NEURLFilterManager, NEURLFilterControlProvider and NEURLFilter (NE-URL-01..13, -20..22):
 * its configuration, its status, the prefilter that its control provider fetches, verdicts, and reports of what was blocked.
 * How a URL is taken apart, which keys pass the prefilter and whether one of them is really listed is asked of functions of the
 * caller: the exact check stands where a device asks its PIR server (NE-CHOICE-40). Pure; one thread; memory is fixed at birth,
 * some 90 KB. The caller calls sl_ne_url_tick() when sl_ne_url_due() says so. */
#ifndef SL_FILTER_NE_URL_H
#define SL_FILTER_NE_URL_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/mono.h"
#include "base/out.h"
#include "filter/ne_provider.h"

/* ---- words and raw values ---- */

#define SL_NE_URL_STATUSES(X) /* NE-URL-04 */ \
	X(invalid, 0)                         \
	X(stopped, 1)                         \
	X(starting, 2)                        \
	X(running, 3)                         \
	X(stopping, 4)
enum sl_ne_url_status {
#define X(name, value) SL_NE_URL_##name = (value),
	SL_NE_URL_STATUSES(X)
#undef X
};

#define SL_NE_URL_ERRORS(X) /* NE-URL-05 */ \
	X(configurationUnchanged, 1)        \
	X(configurationInvalid, 2)          \
	X(configurationDisabled, 3)         \
	X(configurationStale, 4)            \
	X(configurationCannotBeRemoved, 5)  \
	X(configurationPermissionDenied, 6) \
	X(configurationInternalError, 7)    \
	X(configurationNotLoaded, 8)        \
	X(serverSetupIncomplete, 9)         \
	X(internalError, 10)                \
	X(extensionCancelled, 11)           \
	X(extensionNotFound, 12)            \
	X(extensionFailedToLoad, 13)        \
	X(unknown, 14)
enum sl_ne_url_error {
	SL_NE_URL_NO_ERROR = 0,
#define X(name, value) SL_NE_URL_ERROR_##name = (value),
	SL_NE_URL_ERRORS(X)
#undef X
};

#define SL_NE_URL_VERDICTS(X) /* NE-URL-06 */ \
	X(unknown, 1)                         \
	X(allow, 2)                           \
	X(deny, 3)
enum sl_ne_url_verdict {
#define X(name, value) SL_NE_URL_VERDICT_##name = (value),
	SL_NE_URL_VERDICTS(X)
#undef X
};

enum sl_ne_url_format { SL_NE_URL_JSON, SL_NE_URL_PROTOBUF };

/* Static text; of no error "none", of what is no value NULL. */
const char *sl_ne_url_status_name(enum sl_ne_url_status status);
const char *sl_ne_url_error_name(enum sl_ne_url_error error);
const char *sl_ne_url_verdict_name(enum sl_ne_url_verdict verdict);
const char *sl_ne_url_format_name(enum sl_ne_url_format format);

/* ---- the configuration (NE-URL-02, NE-TIME-11) ---- */

enum {
	SL_NE_URL_TEXT = 512, /* bytes of each text, with its NUL */
	SL_NE_URL_TAG = 128,
	SL_NE_URL_FETCH = 86400, /* seconds: prefilterFetchInterval */
	SL_NE_URL_FETCH_MIN = 2700,
	SL_NE_URL_REPORT = 86400, /* reportInterval */
	SL_NE_URL_REPORT_MIN = 3600,
	SL_NE_URL_SECONDS_MAX = 366 * 86400,
};

struct sl_ne_url_configuration { /* an empty text is nil */
	char pir_server_url[SL_NE_URL_TEXT];
	char pir_privacy_pass_issuer_url[SL_NE_URL_TEXT]; /* nil: the PIR server's */
	char pir_authentication_token[SL_NE_URL_TEXT];
	char control_provider_bundle_identifier[SL_NE_URL_TEXT];
	char app_bundle_identifier[SL_NE_URL_TEXT];
	char localized_description[SL_NE_URL_TEXT];
	char report_endpoint[SL_NE_URL_TEXT];               /* nil: no reports */
	uint32_t prefilter_fetch_interval, report_interval; /* seconds */
	enum sl_ne_url_format report_format;
	bool should_fail_closed, is_enabled;
	uint64_t
	        parsing; /* names the parsing configuration or regular expression, which the caller's functions follow */
};

/* Apple's defaults; nothing that has to be given is there. */
void sl_ne_url_configuration_default(struct sl_ne_url_configuration *out);
/* What is wrong first, or NULL: *field gets Apple's name of it. */
const char *sl_ne_url_configuration_fault(const struct sl_ne_url_configuration *c, const char **field);
/* What keeps a production build from being onboarded by Apple, or NULL; development builds are exempt (NE-PIR-12). */
const char *sl_ne_url_configuration_onboarding(const struct sl_ne_url_configuration *c);
bool sl_ne_url_configuration_same(const struct sl_ne_url_configuration *a,
                                  const struct sl_ne_url_configuration *b);

/* ---- the prefilter (NE-URL-22) ---- */

struct sl_ne_url_prefilter {
	struct sl_bytes data; /* smallFilter; p NULL where path is given */
	const char *path;     /* temporaryFilepath, or NULL */
	const char *tag;
	uint64_t bit_count;
	uint32_t hash_count, murmur_seed;
};
/* What is wrong, or NULL. Of a file its length is not looked at. */
const char *sl_ne_url_prefilter_fault(const struct sl_ne_url_prefilter *prefilter);

/* ---- what is asked of the caller ---- */

struct sl_ne_url_control { /* NEURLFilterControlProvider (NE-URL-20); may answer at once, from inside */
	void *ctx;
	void (*start)(void *ctx, struct sl_mono now);                               /* sl_ne_url_started() */
	void (*stop)(void *ctx, enum sl_ne_stop_reason reason, struct sl_mono now); /* sl_ne_url_stopped() */
	void (*fetch_prefilter)(void *ctx, const char *existing_tag,
	                        struct sl_mono now); /* sl_ne_url_fetched() */
};

struct sl_ne_url_lookup {
	void *ctx;
	/* Calls key() once for each sub-URL; returns what it returned, if not SL_OK. SL_EMALF: no URL; any other: what a device
	 * would look up cannot be said. */
	int (*keys)(void *ctx, struct sl_bytes url, int (*key)(void *to, struct sl_bytes key), void *to);
	/* Takes the prefilter, which is sound, for its own. SL_OK, or it keeps the one it has. */
	int (*install)(void *ctx, const struct sl_ne_url_prefilter *prefilter);
	/* Of a key, inside of key() only. Does the prefilter let it pass? */
	bool (*maybe)(void *ctx, struct sl_bytes key);
	/* Is it listed? SL_OK; any other: nobody can be asked. */
	int (*exact)(void *ctx, struct sl_bytes key, bool *listed);
	/* Is the server set up for this app? SL_OK; SL_EPERM: not yet (serverSetupIncomplete); any other: it is not reached, which
	 * is no error: NE-URL-09 speaks of that. */
	int (*parameters)(void *ctx);
};

/* ---- what happened ---- */

#define SL_NE_URL_EVENTS(X)                                                                         \
	X(LOAD, "loadFromPreferences") /* error, as of the next ones */                             \
	X(SAVE, "saveToPreferences")   /* why, without an error: what onboarding refuses */         \
	X(REMOVE, "removeFromPreferences")                                                          \
	X(REFRESH, "refreshPIRParameters")                                                          \
	X(RESET, "resetPIRCache")                                                                   \
	X(CONFIG, "handleConfigChange")                                                             \
	X(STATUS, "handleStatusChange") /* status; error: lastDisconnectError, where this is one */ \
	X(START, "controlStart")                                                                    \
	X(STARTED, "controlStarted") /* error */                                                    \
	X(STOP, "controlStop")       /* reason */                                                   \
	X(STOPPED, "controlStopped")                                                                \
	X(FETCH, "fetchPrefilter") /* tag: the existing one, or none */                             \
	X(PREFILTER, "prefilter")  /* prefilter, or none: the current one is kept; error */         \
	X(REQUEST, "urlRequest")   /* url, by, answer */                                            \
	X(REPORT, "urlReport")     /* report */                                                     \
	X(ILLEGAL, "illegal")      /* an answer that nobody waits for */
enum sl_ne_url_event_kind {
#define X(name, text) SL_NE_URL_EVENT_##name,
	SL_NE_URL_EVENTS(X)
#undef X
	        SL_NE_URL_EVENT_COUNT
};
const char *sl_ne_url_event_name(enum sl_ne_url_event_kind kind);

/* Who asks (NE-URL-07): WebKit and URLSession are asked for, others ask by themselves, with verdict(for:), or not at all. */
enum sl_ne_url_by { SL_NE_URL_BY_WEBKIT, SL_NE_URL_BY_URLSESSION, SL_NE_URL_BY_VERDICT, SL_NE_URL_BY_NOBODY };

struct sl_ne_url_answer {
	enum sl_ne_url_verdict verdict;
	const char *undecided; /* why shouldFailClosed had to say it (NE-URL-09); NULL: the lists did */
	uint32_t keys, hits,
	        listed; /* sub-URLs; that passed the prefilter: queries to PIR; that are entries */
};

struct sl_ne_url_report {     /* NE-URL-13: entries, never what was visited */
	const char *endpoint; /* on the PIR server */
	enum sl_ne_url_format format;
	const struct sl_bytes *entry;
	size_t n;
	uint64_t lost; /* entries that there was no room for */
};
/* Its body: a JSON array of texts, or the message URLFilterReport { repeated string urls = 1 }. */
void sl_ne_url_report_write(const struct sl_ne_url_report *report, struct sl_out *out);

struct sl_ne_url_event {
	struct sl_mono time;
	enum sl_ne_url_event_kind kind;
	enum sl_ne_url_error error;
	const char *why; /* of an error, or NULL */
	enum sl_ne_url_status status;
	enum sl_ne_stop_reason reason;
	const char *tag;
	const struct sl_ne_url_prefilter *prefilter;
	struct sl_bytes url;
	enum sl_ne_url_by by;
	const struct sl_ne_url_answer *answer;
	const struct sl_ne_url_report *report;
};

/* ---- the filter ---- */

struct sl_ne_url; /* opaque */

struct sl_ne_url_config {
	struct sl_ne_url_control control;
	struct sl_ne_url_lookup lookup;
	void *ctx;
	void (*event)(void *ctx, const struct sl_ne_url_event *event); /* may be NULL */
};

/* SL_OK, SL_ENOMEM. Not configured at first. */
int sl_ne_url_new(const struct sl_ne_url_config *config, struct sl_ne_url **out);
void sl_ne_url_free(struct sl_ne_url **filter);

enum sl_ne_url_status sl_ne_url_status(const struct sl_ne_url *filter);
enum sl_ne_url_error sl_ne_url_last_disconnect_error(const struct sl_ne_url *filter);
/* The tag of the prefilter that is in use; NULL: none. */
const char *sl_ne_url_tag(const struct sl_ne_url *filter);

/* The manager (NE-URL-01, NE-URL-03). What is edited here is in force when it was saved. */
struct sl_ne_url_configuration *sl_ne_url_edit(struct sl_ne_url *filter);
enum sl_ne_url_error sl_ne_url_load(struct sl_ne_url *filter, struct sl_mono now);
enum sl_ne_url_error sl_ne_url_save(struct sl_ne_url *filter, struct sl_mono now);
enum sl_ne_url_error sl_ne_url_remove(struct sl_ne_url *filter, struct sl_mono now);
enum sl_ne_url_error sl_ne_url_refresh_pir_parameters(struct sl_ne_url *filter, struct sl_mono now);
enum sl_ne_url_error sl_ne_url_reset_pir_cache(struct sl_ne_url *filter, struct sl_mono now);
/* The preferences were changed by somebody else, and what was loaded is stale: the user; or device management, whose
 * configuration no app may save over or remove. NULL: taken away. */
enum sl_ne_url_error sl_ne_url_changed(struct sl_ne_url *filter, const struct sl_ne_url_configuration *to,
                                       bool managed, struct sl_mono now);

/* The control provider's answers. False, and nothing but an event, where nobody waits for one. */
bool sl_ne_url_started(struct sl_ne_url *filter, enum sl_ne_url_error error, struct sl_mono now);
bool sl_ne_url_stopped(struct sl_ne_url *filter, struct sl_mono now);
/* prefilter NULL: nil. error: it threw. */
bool sl_ne_url_fetched(struct sl_ne_url *filter, const struct sl_ne_url_prefilter *prefilter,
                       enum sl_ne_url_error error, struct sl_mono now);

/* The verdict on a URL: a request is blocked where it is deny, and an app that asked has to honour it (NE-URL-06). */
enum sl_ne_url_verdict sl_ne_url_request(struct sl_ne_url *filter, struct sl_bytes url, enum sl_ne_url_by by,
                                         struct sl_mono now, struct sl_ne_url_answer *answer);

bool sl_ne_url_due(const struct sl_ne_url *filter, struct sl_mono *due);
void sl_ne_url_tick(struct sl_ne_url *filter, struct sl_mono now);

#endif
