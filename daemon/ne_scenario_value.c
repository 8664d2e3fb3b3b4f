/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ne_scenario_value.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cur.h"

enum { MESSAGE_MAX = 512, HOST_MAX = 256, KEY_TEXT_MAX = 256, RULES_READ_MAX = 2000, PORT_MAX = 65535 };

bool sl_ne_scenario_wrong(const struct sl_ne_scenario_place *at, const char *fmt, ...)
{
	char text[MESSAGE_MAX];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sl_diag(at->diag, at->name, at->line, "%s", text);
	return false;
}

static bool is_word_of(const char *word, const char *list)
{
	size_t n = strlen(word);
	for (const char *p = list; n > 0 && (p = strstr(p, word)) != NULL; p += n)
		if ((p == list || p[-1] == ' ') && (p[n] == '\0' || p[n] == ' '))
			return true;
	return false;
}

bool sl_ne_scenario_keys(const struct sl_ne_scenario_place *at, const json_t *object, const char *known,
                         const char *also)
{
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		(void)value;
		if (!is_word_of(key, known) && !is_word_of(key, also))
			return sl_ne_scenario_wrong(
			        at, "there is no key \"%s\" here; take it away, or write one of: %s%s%s", key,
			        known, *also == '\0' ? "" : " ", also);
	}
	return true;
}

bool sl_ne_scenario_bool(const struct sl_ne_scenario_place *at, const json_t *object, const char *key,
                         bool *out)
{
	const json_t *value = json_object_get(object, key);
	if (value == NULL)
		return true;
	if (!json_is_boolean(value))
		return sl_ne_scenario_wrong(at, "\"%s\" is neither true nor false; write one of them", key);
	*out = json_is_true(value);
	return true;
}

bool sl_ne_scenario_u64(const struct sl_ne_scenario_place *at, const json_t *object, const char *key,
                        uint64_t max, uint64_t *out)
{
	const json_t *value = json_object_get(object, key);
	if (value == NULL)
		return true;
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    (uint64_t)json_integer_value(value) > max)
		return sl_ne_scenario_wrong(at, "\"%s\" is no whole number from 0 to %llu; write one", key,
		                            (unsigned long long)max);
	*out = (uint64_t)json_integer_value(value);
	return true;
}

/* A number of bytes, or "max". */
static bool read_amount(const struct sl_ne_scenario_place *at, const json_t *object, const char *key,
                        uint64_t *out)
{
	const json_t *value = json_object_get(object, key);
	if (value != NULL && json_is_string(value) && strcmp(json_string_value(value), "max") == 0) {
		*out = SL_NE_BYTES_MAX;
		return true;
	}
	if (value != NULL && !json_is_integer(value))
		return sl_ne_scenario_wrong(at, "\"%s\" is no amount of bytes; write a number or \"max\"",
		                            key);
	return sl_ne_scenario_u64(at, object, key, INT64_MAX, out);
}

bool sl_ne_scenario_text(const struct sl_ne_scenario_place *at, const json_t *object, const char *key,
                         size_t max, const char **out)
{
	const json_t *value = json_object_get(object, key);
	if (value == NULL)
		return true;
	if (!json_is_string(value) || json_string_length(value) > max ||
	    strlen(json_string_value(value)) != json_string_length(value))
		return sl_ne_scenario_wrong(
		        at, "\"%s\" is no text of at most %zu bytes without \\u0000; write one", key, max);
	*out = json_string_value(value);
	return true;
}

bool sl_ne_scenario_word(const struct sl_ne_scenario_place *at, const json_t *object, const char *key,
                         const char *const *words, size_t n, unsigned *out)
{
	const json_t *value = json_object_get(object, key);
	const char *text = value == NULL ? NULL : json_string_value(value);
	char list[MESSAGE_MAX / 2] = "";
	size_t len = 0;
	if (value == NULL)
		return true;
	for (size_t i = 0; i < n; i++) {
		if (words[i] == NULL)
			continue;
		if (text != NULL && strcmp(text, words[i]) == 0) {
			*out = (unsigned)i;
			return true;
		}
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", len == 0 ? "" : ", ",
		                        words[i]);
		len = sl_min(len, sizeof(list) - 1);
	}
	return sl_ne_scenario_wrong(at, "\"%s\" is none of its words; write one of: %s", key, list);
}

static bool read_port(struct sl_bytes text, uint16_t *out)
{
	unsigned port = 0;
	if (text.len == 0 || text.len > 5)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		port = port * 10 + (unsigned)(text.p[i] - '0');
	}
	*out = (uint16_t)port;
	return port <= PORT_MAX;
}

static bool read_host(char *host, bool named, const char *name, struct sl_ne_endpoint *out)
{
	size_t n = strlen(host);
	if (n > 2 && host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		out->type = SL_NE_HOST_IPV6;
		return inet_pton(AF_INET6, host + 1, out->addr) == 1;
	}
	if (inet_pton(AF_INET, host, out->addr) == 1) {
		out->type = SL_NE_HOST_IPV4;
		return true;
	}
	out->type = SL_NE_HOST_NAME;
	out->name = name;
	return named && n > 0 && n <= SL_NE_HOSTNAME_MAX && strpbrk(host, "[]: ") == NULL;
}

bool sl_ne_scenario_endpoint(const struct sl_ne_scenario_place *at, const json_t *object, const char *key,
                             bool named, struct sl_ne_endpoint *out)
{
	const char *text = NULL;
	char host[HOST_MAX];
	struct sl_ne_endpoint e = { .type = SL_NE_HOST_NONE };
	if (json_object_get(object, key) == NULL)
		return true;
	if (!sl_ne_scenario_text(at, object, key, HOST_MAX + 5, &text))
		return false;
	const char *colon = strrchr(text, ':');
	size_t n = colon == NULL ? 0 : (size_t)(colon - text);
	if (n == 0 || n >= sizeof(host) || !read_port(sl_bytes_str(colon + 1), &e.port))
		return sl_ne_scenario_wrong(at, "\"%s\" has no port; write ADDRESS:PORT or [IPV6]:PORT", key);
	memcpy(host, text, n);
	host[n] = '\0';
	if (!read_host(host, named, host, &e))
		return sl_ne_scenario_wrong(at, "\"%s\" is no %s; write %s:PORT, IPv6 in brackets", key,
		                            named ? "address or name" : "address",
		                            named ? "NAME" : "ADDRESS");
	e.name = named ? text : NULL; /* up to its colon; see read_rule() */
	*out = e;
	return true;
}

/* ---- verdicts ---- */

#define VERDICT_KEYS                                                                                \
	"kind filterInbound peekInboundBytes filterOutbound peekOutboundBytes passBytes peekBytes " \
	"shouldReport statisticsReportFrequency remediationURLMapKey remediationButtonTextMapKey mapKey"

static bool read_kind(const struct sl_ne_scenario_place *at, const json_t *object, struct sl_ne_verdict *out)
{
	const char *kinds[SL_NE_VERDICT_KINDS];
	unsigned kind = SL_NE_VERDICT_KINDS;
	for (unsigned i = 0; i < SL_NE_VERDICT_KINDS; i++)
		kinds[i] = sl_ne_verdict_kind_name((enum sl_ne_verdict_kind)i);
	if (!sl_ne_scenario_word(at, object, "kind", kinds, SL_NE_VERDICT_KINDS, &kind))
		return false;
	if (kind == SL_NE_VERDICT_KINDS)
		return sl_ne_scenario_wrong(at, "a verdict without \"kind\"; write which it is");
	out->kind = (enum sl_ne_verdict_kind)kind;
	return true;
}

static bool read_verdict_object(const struct sl_ne_scenario_place *at, const json_t *object,
                                struct sl_ne_verdict *v)
{
	static const char *const frequencies[] = { "none", "low", "medium", "high" };
	unsigned frequency = SL_NE_FREQUENCY_NONE;
	bool ok = sl_ne_scenario_keys(at, object, VERDICT_KEYS, "") && read_kind(at, object, v) &&
	          sl_ne_scenario_bool(at, object, "filterInbound", &v->filter_inbound) &&
	          sl_ne_scenario_bool(at, object, "filterOutbound", &v->filter_outbound) &&
	          read_amount(at, object, "peekInboundBytes", &v->peek_inbound_bytes) &&
	          read_amount(at, object, "peekOutboundBytes", &v->peek_outbound_bytes) &&
	          read_amount(at, object, "passBytes", &v->pass_bytes) &&
	          read_amount(at, object, "peekBytes", &v->peek_bytes) &&
	          sl_ne_scenario_bool(at, object, "shouldReport", &v->should_report) &&
	          sl_ne_scenario_word(at, object, "statisticsReportFrequency", frequencies,
	                              SL_COUNT(frequencies), &frequency) &&
	          sl_ne_scenario_text(at, object, "remediationURLMapKey", KEY_TEXT_MAX,
	                              &v->remediation_url_map_key) &&
	          sl_ne_scenario_text(at, object, "remediationButtonTextMapKey", KEY_TEXT_MAX,
	                              &v->remediation_button_text_map_key) &&
	          sl_ne_scenario_text(at, object, "mapKey", KEY_TEXT_MAX, &v->map_key);
	v->statistics_report_frequency = (enum sl_ne_frequency)frequency;
	return ok;
}

bool sl_ne_scenario_verdict(const struct sl_ne_scenario_place *at, const json_t *value,
                            struct sl_ne_verdict *out)
{
	struct sl_ne_verdict v = { .of = SL_NE_NEW_FLOW_VERDICT };
	bool ok = false;
	if (json_is_string(value)) {
		json_t *object = json_pack("{s:O}", "kind", value);
		ok = object != NULL && read_kind(at, object, &v);
		json_decref(object);
	} else if (json_is_object(value)) {
		ok = read_verdict_object(at, value, &v);
	} else {
		(void)sl_ne_scenario_wrong(
		        at, "a verdict is neither text nor object; write \"allow\", or {\"kind\": ...}");
	}
	*out = v;
	return ok;
}

/* ---- settings ---- */

#define RULE_KEYS                                                                                        \
	"destinationNetwork destinationHost prefix remoteNetwork remotePrefix localNetwork localPrefix " \
	"protocol direction action times"

static bool make_rule(const json_t *object, const struct sl_ne_endpoint e[2], const uint64_t prefix[2],
                      enum sl_ne_protocol protocol, enum sl_ne_direction direction,
                      struct sl_ne_network_rule *out)
{
	unsigned bits[2] = { (unsigned)prefix[0], (unsigned)prefix[1] };
	if (json_object_get(object, "destinationNetwork") != NULL)
		return sl_ne_rule_destination_network(&e[0], bits[0], protocol, out) == SL_OK;
	if (json_object_get(object, "destinationHost") != NULL)
		return sl_ne_rule_destination_host(&e[0], protocol, out) == SL_OK;
	return sl_ne_rule_remote_network(e[0].type == SL_NE_HOST_NONE ? NULL : &e[0], bits[0],
	                                 e[1].type == SL_NE_HOST_NONE ? NULL : &e[1], bits[1], protocol,
	                                 direction, out) == SL_OK;
}

/* The endpoint of a rule; a name is copied without its port. */
static bool read_rule_endpoint(const struct sl_ne_scenario_place *at, const json_t *object, const char *key,
                               bool named, char name[HOST_MAX], struct sl_ne_endpoint *out)
{
	if (!sl_ne_scenario_endpoint(at, object, key, named, out))
		return false;
	if (out->type == SL_NE_HOST_NAME && out->name != NULL) {
		size_t n = sl_min((size_t)(strrchr(out->name, ':') - out->name), HOST_MAX - 1);
		memcpy(name, out->name, n);
		name[n] = '\0';
		out->name = name;
	}
	return true;
}

static bool read_rule(const struct sl_ne_scenario_place *at, const json_t *object, uint64_t *times,
                      struct sl_ne_rule *out)
{
	static const char *const protocols[] = { "any", "tcp", "udp" };
	static const char *const directions[] = { "any", "inbound", "outbound" };
	static const char *const actions[] = { "invalid", "allow", "drop", "remediate", "filterData" };
	struct sl_ne_endpoint e[2] = { { .type = SL_NE_HOST_NONE }, { .type = SL_NE_HOST_NONE } };
	uint64_t prefix[2] = { 0, 0 };
	unsigned protocol = SL_NE_PROTOCOL_ANY, direction = SL_NE_ANY, action = SL_NE_ACTION_INVALID;
	char name[HOST_MAX];
	if (!json_is_object(object))
		return sl_ne_scenario_wrong(at, "a rule is no object; write {\"destinationNetwork\": ...}");
	if (!sl_ne_scenario_keys(at, object, RULE_KEYS, "") ||
	    !read_rule_endpoint(at, object, "destinationNetwork", false, name, &e[0]) ||
	    !read_rule_endpoint(at, object, "destinationHost", true, name, &e[0]) ||
	    !read_rule_endpoint(at, object, "remoteNetwork", false, name, &e[0]) ||
	    !read_rule_endpoint(at, object, "localNetwork", false, name, &e[1]) ||
	    !sl_ne_scenario_u64(at, object, "prefix", 128, &prefix[0]) ||
	    !sl_ne_scenario_u64(at, object, "remotePrefix", 128, &prefix[0]) ||
	    !sl_ne_scenario_u64(at, object, "localPrefix", 128, &prefix[1]) ||
	    !sl_ne_scenario_word(at, object, "protocol", protocols, SL_COUNT(protocols), &protocol) ||
	    !sl_ne_scenario_word(at, object, "direction", directions, SL_COUNT(directions), &direction) ||
	    !sl_ne_scenario_word(at, object, "action", actions, SL_COUNT(actions), &action) ||
	    !sl_ne_scenario_u64(at, object, "times", RULES_READ_MAX, times))
		return false;
	out->action = (enum sl_ne_action)action;
	return make_rule(object, e, prefix, (enum sl_ne_protocol)protocol, (enum sl_ne_direction)direction,
	                 &out->network) ||
	       sl_ne_scenario_wrong(at, "no such rule can be made; an endpoint is an address for a network "
	                                "and a name for a host, a prefix is no longer than its address");
}

void sl_ne_scenario_settings_free(struct sl_ne_scenario_settings *settings)
{
	if (settings == NULL)
		return;
	free(settings->rule);
	free(settings);
}

static bool read_rules(const struct sl_ne_scenario_place *at, const json_t *rules,
                       struct sl_ne_scenario_settings *out)
{
	size_t n = 0;
	for (size_t i = 0; i < json_array_size(rules); i++) {
		struct sl_ne_rule rule = { .action = SL_NE_ACTION_INVALID };
		uint64_t times = 1;
		if (!read_rule(at, json_array_get(rules, i), &times, &rule))
			return false;
		if (times > RULES_READ_MAX - n)
			return sl_ne_scenario_wrong(at, "more than %d rules; write fewer", RULES_READ_MAX);
		while (times-- > 0)
			out->rule[n++] = rule;
	}
	out->settings.rule = out->rule;
	out->settings.rules = n;
	return true;
}

bool sl_ne_scenario_settings(const struct sl_ne_scenario_place *at, const json_t *value,
                             struct sl_ne_scenario_settings **out)
{
	static const char *const actions[] = { "invalid", "allow", "drop", "remediate", "filterData" };
	unsigned action = SL_NE_ACTION_FILTER_DATA;
	const json_t *rules = json_object_get(value, "rules");
	if (value == NULL || json_is_null(value))
		return true;
	if (!json_is_object(value) || (rules != NULL && !json_is_array(rules)))
		return sl_ne_scenario_wrong(
		        at, "no settings; write null, or {\"rules\": [...], \"defaultAction\": ...}");
	if (!sl_ne_scenario_keys(at, value, "rules defaultAction", "") ||
	    !sl_ne_scenario_word(at, value, "defaultAction", actions, SL_COUNT(actions), &action))
		return false;
	struct sl_ne_scenario_settings *s = (struct sl_ne_scenario_settings *)calloc(1, sizeof(*s));
	if (s != NULL)
		s->rule = (struct sl_ne_rule *)calloc(RULES_READ_MAX, sizeof(s->rule[0]));
	*out = s;
	if (s == NULL || s->rule == NULL)
		return sl_ne_scenario_wrong(at, "out of memory; write fewer rules");
	s->settings.default_action = (enum sl_ne_action)action;
	return read_rules(at, rules, s);
}

/* ---- the head ---- */

static bool read_span(const struct sl_ne_scenario_place *at, const json_t *object, const char *key,
                      uint64_t least, struct sl_span *out)
{
	uint64_t us = (uint64_t)out->us;
	if (!sl_ne_scenario_u64(at, object, key, (uint64_t)SL_NE_SCENARIO_TIME_MAX * 1000000, &us))
		return false;
	if (us < least)
		return sl_ne_scenario_wrong(at, "\"%s\" is shorter than %llu; write more microseconds", key,
		                            (unsigned long long)least);
	out->us = (int64_t)us;
	return true;
}

static bool read_choices(const struct sl_ne_scenario_place *at, const json_t *object, struct sl_ne_options *o)
{
	static const char *const starting[] = { "closed", "open" }, *const existing[] = { "drop", "pass" },
	                         *const apply[] = { "new", "all" }, *const reject[] = { "rst", "silent" },
	                         *const reject_udp[] = { "silent", "icmp" },
	                         *const late[] = { "allow", "drop" };
	unsigned w[6] = { o->starting, o->existing, o->apply, o->reject, o->reject_udp, o->late };
	bool ok = sl_ne_scenario_bool(at, object, "redeliver", &o->redeliver) &&
	          sl_ne_scenario_bool(at, object, "strictReportCounts", &o->strict_report_counts) &&
	          sl_ne_scenario_word(at, object, "starting", starting, 2, &w[0]) &&
	          sl_ne_scenario_word(at, object, "existing", existing, 2, &w[1]) &&
	          sl_ne_scenario_word(at, object, "apply", apply, 2, &w[2]) &&
	          sl_ne_scenario_word(at, object, "reject", reject, 2, &w[3]) &&
	          sl_ne_scenario_word(at, object, "rejectUDP", reject_udp, 2, &w[4]) &&
	          sl_ne_scenario_word(at, object, "late", late, 2, &w[5]);
	o->starting = (enum sl_ne_starting)w[0];
	o->existing = (enum sl_ne_existing)w[1];
	o->apply = (enum sl_ne_apply)w[2];
	o->reject = (enum sl_ne_reject)w[3];
	o->reject_udp = (enum sl_ne_reject_udp)w[4];
	o->late = (enum sl_ne_late)w[5];
	return ok;
}

static bool read_limits(const struct sl_ne_scenario_place *at, const json_t *object, struct sl_ne_options *o)
{
	enum { LEAST_TICK = 100000, LEAST_RUN = 0 };
	uint64_t packets = o->datagram_packets;
	bool ok = read_span(at, object, "undecided", 1, &o->undecided) &&
	          read_span(at, object, "idle", 1, &o->idle) &&
	          read_span(at, object, "collector", LEAST_RUN, &o->collector) &&
	          read_span(at, object, "closeWait", 0, &o->close_wait) &&
	          read_span(at, object, "tick", LEAST_TICK, &o->tick) &&
	          read_span(at, object, "answer", 0, &o->answer) &&
	          sl_ne_scenario_u64(at, object, "datagramPackets", UINT32_MAX, &packets) &&
	          sl_ne_scenario_u64(at, object, "datagramBytes", INT64_MAX, &o->datagram_bytes) &&
	          sl_ne_scenario_u64(at, object, "streamBytes", INT64_MAX, &o->stream_bytes);
	o->datagram_packets = (uint32_t)packets;
	return ok;
}

bool sl_ne_scenario_options(const struct sl_ne_scenario_place *at, const json_t *head,
                            struct sl_ne_scenario *out)
{
	static const char *const profiles[] = { "gateway", "macos", "strict" };
	static const char *const platforms[] = { "gateway", "macos", "ios" };
	unsigned profile = SL_NE_PROFILE_MACOS;
	const json_t *options = json_object_get(head, "options");
	if (!sl_ne_scenario_word(at, head, "profile", profiles, SL_COUNT(profiles), &profile))
		return false;
	out->profile = (enum sl_ne_profile)profile;
	out->options = sl_ne_options_of(out->profile);
	unsigned platform = out->options.platform;
	bool ok = sl_ne_scenario_word(at, head, "platform", platforms, SL_COUNT(platforms), &platform);
	out->options.platform = (enum sl_ne_platform)platform;
	if (!ok || options == NULL)
		return ok;
	if (!json_is_object(options))
		return sl_ne_scenario_wrong(at, "\"options\" is no object; write {\"starting\": ...}");
	return sl_ne_scenario_keys(
	               at, options,
	               "redeliver strictReportCounts starting existing apply reject rejectUDP late",
	               "undecided idle collector closeWait tick answer datagramPackets "
	               "datagramBytes streamBytes") &&
	       read_choices(at, options, &out->options) && read_limits(at, options, &out->options);
}
