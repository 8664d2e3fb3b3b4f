/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_url_configuration.c - what a URL filter may be told, and the words of its tables. */
#include "base/util.h"
#include "filter/ne_url_impl.h"

/* ---- words ---- */

const char *sl_ne_url_status_name(enum sl_ne_url_status status)
{
	switch (status) {
#define X(name, value)         \
	case SL_NE_URL_##name: \
		return #name;
		SL_NE_URL_STATUSES(X)
#undef X
	}
	return NULL;
}

const char *sl_ne_url_error_name(enum sl_ne_url_error error)
{
	switch (error) {
	case SL_NE_URL_NO_ERROR:
		return "none";
#define X(name, value)               \
	case SL_NE_URL_ERROR_##name: \
		return #name;
		SL_NE_URL_ERRORS(X)
#undef X
	}
	return NULL;
}

const char *sl_ne_url_verdict_name(enum sl_ne_url_verdict verdict)
{
	switch (verdict) {
#define X(name, value)                 \
	case SL_NE_URL_VERDICT_##name: \
		return #name;
		SL_NE_URL_VERDICTS(X)
#undef X
	}
	return NULL;
}

const char *sl_ne_url_format_name(enum sl_ne_url_format format)
{
	return format == SL_NE_URL_JSON ? "json" : "protobuf";
}

const char *sl_ne_url_event_name(enum sl_ne_url_event_kind kind)
{
	static const char *const names[] = {
#define X(name, text) text,
		SL_NE_URL_EVENTS(X)
#undef X
	};
	return names[kind];
}

/* ---- the configuration ---- */

void sl_ne_url_configuration_default(struct sl_ne_url_configuration *out)
{
	*out = (struct sl_ne_url_configuration){ .prefilter_fetch_interval = SL_NE_URL_FETCH,
		                                 .report_interval = SL_NE_URL_REPORT };
}

/* "https://host...": no more than that somebody can be asked there. */
static bool is_server(const char *text)
{
	struct sl_bytes url = sl_bytes_str(text), https = SL_BYTES_LIT("https://"),
	                http = SL_BYTES_LIT("http://");
	bool plain = sl_bytes_equal_nocase(sl_bytes_first(url, http.len), http);
	if (!plain && !sl_bytes_equal_nocase(sl_bytes_first(url, https.len), https))
		return false;
	struct sl_bytes rest = sl_bytes_skip(url, plain ? http.len : https.len);
	for (size_t i = 0; i < rest.len; i++)
		if (rest.p[i] <= ' ')
			return false;
	return rest.len > 0 && rest.p[0] != '/' && rest.p[0] != ':';
}

const char *sl_ne_url_configuration_onboarding(const struct sl_ne_url_configuration *c)
{
	const char *const servers[] = { c->pir_server_url, c->pir_privacy_pass_issuer_url };
	for (size_t i = 0; i < SL_COUNT(servers); i++) {
		struct sl_bytes url = sl_bytes_str(servers[i]);
		size_t scheme = sl_bytes_find(url, ':');
		struct sl_bytes host = sl_bytes_skip(url, scheme + 3);
		struct sl_bytes rest = sl_bytes_skip(host, sl_bytes_find(host, '/'));
		if (url.len == 0)
			continue;
		if (scheme == 4)
			return "plain HTTP";
		if (rest.len > 1)
			return "a path";
		if (sl_bytes_find(host, ':') < host.len)
			return "a port of its own";
	}
	return NULL;
}

static const char *text_fault(const struct sl_ne_url_configuration *c, const char **field)
{
	*field = "pirServerURL";
	if (c->pir_server_url[0] == '\0')
		return "it has to be given";
	if (!is_server(c->pir_server_url))
		return "no URL of a server";
	*field = "pirPrivacyPassIssuerURL";
	if (c->pir_privacy_pass_issuer_url[0] != '\0' && !is_server(c->pir_privacy_pass_issuer_url))
		return "no URL of a server";
	*field = "pirAuthenticationToken";
	if (c->pir_authentication_token[0] == '\0')
		return "it has to be given";
	*field = "controlProviderBundleIdentifier";
	if (c->control_provider_bundle_identifier[0] == '\0')
		return "it has to be given";
	*field = "reportEndpoint";
	return strstr(c->report_endpoint, "://") != NULL ? "a path on the PIR server is expected, and no URL"
	                                                 : NULL;
}

const char *sl_ne_url_configuration_fault(const struct sl_ne_url_configuration *c, const char **field)
{
	const char *fault = text_fault(c, field);
	if (fault != NULL)
		return fault;
	*field = "prefilterFetchInterval";
	if (c->prefilter_fetch_interval < SL_NE_URL_FETCH_MIN ||
	    c->prefilter_fetch_interval > SL_NE_URL_SECONDS_MAX)
		return "2700 seconds at least, and a year at most";
	*field = "reportInterval";
	if (c->report_interval < SL_NE_URL_REPORT_MIN || c->report_interval > SL_NE_URL_SECONDS_MAX)
		return "3600 seconds at least, and a year at most";
	return NULL;
}

static bool same_text(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

bool sl_ne_url_same_server(const struct sl_ne_url_configuration *a, const struct sl_ne_url_configuration *b)
{
	return same_text(a->pir_server_url, b->pir_server_url) &&
	       same_text(a->pir_privacy_pass_issuer_url, b->pir_privacy_pass_issuer_url) &&
	       same_text(a->pir_authentication_token, b->pir_authentication_token) &&
	       same_text(a->control_provider_bundle_identifier, b->control_provider_bundle_identifier) &&
	       same_text(a->app_bundle_identifier, b->app_bundle_identifier);
}

bool sl_ne_url_configuration_same(const struct sl_ne_url_configuration *a,
                                  const struct sl_ne_url_configuration *b)
{
	return sl_ne_url_same_server(a, b) && same_text(a->localized_description, b->localized_description) &&
	       same_text(a->report_endpoint, b->report_endpoint) &&
	       a->prefilter_fetch_interval == b->prefilter_fetch_interval &&
	       a->report_interval == b->report_interval && a->report_format == b->report_format &&
	       a->should_fail_closed == b->should_fail_closed && a->is_enabled == b->is_enabled &&
	       a->parsing == b->parsing;
}

/* ---- the prefilter ---- */

const char *sl_ne_url_prefilter_fault(const struct sl_ne_url_prefilter *p)
{
	if (p->tag == NULL || p->tag[0] == '\0')
		return "it has no tag";
	if (strlen(p->tag) >= SL_NE_URL_TAG)
		return "its tag is too long";
	if ((p->data.p == NULL) == (p->path == NULL))
		return "one of data and a file is expected";
	if (p->bit_count == 0 || p->bit_count > UINT32_MAX - 7 || p->hash_count == 0)
		return "bitCount and hashCount have to be above 0 (NE-BLOOM-09)";
	if (p->path == NULL && p->data.len != (p->bit_count + 7) / 8)
		return "its data is not as long as bitCount says (NE-BLOOM-14)";
	return NULL;
}
