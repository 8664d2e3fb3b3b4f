/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/provider_message.h"

#include <stdio.h>

#include "base/cur.h"
#include "daemon/ne_scenario_value.h"

enum { EXCERPT_MAX = 120 };

static const struct {
	const char *name, *needed, *keys;
} kinds[SL_PROVIDER_KINDS] = {
#define X(name, text, needed, keys) { text, needed, keys },
	SL_PROVIDER_MESSAGES(X)
#undef X
};

const char *sl_provider_kind_name(enum sl_provider_message_kind kind)
{
	return kinds[kind].name;
}

int sl_provider_frame(struct sl_bytes stream, struct sl_bytes *out)
{
	struct sl_cur c = sl_cur_stream(stream);
	uint32_t len = sl_cur_u32(&c);
	if (c.err == SL_OK && len == 0)
		return SL_EMALF;
	if (len > SL_PROVIDER_MESSAGE_MAX)
		return SL_ELIMIT;
	struct sl_bytes object = sl_cur_bytes(&c, len);
	if (c.err == SL_OK)
		*out = object;
	return c.err;
}

static bool read_kind(const struct sl_ne_scenario_place *at, const json_t *json,
                      enum sl_provider_message_kind *out)
{
	const char *names[SL_PROVIDER_KINDS];
	unsigned kind = SL_PROVIDER_KINDS;
	for (unsigned i = 0; i < SL_PROVIDER_KINDS; i++)
		names[i] = kinds[i].name;
	if (!sl_ne_scenario_word(at, json, "message", names, SL_PROVIDER_KINDS, &kind))
		return false;
	if (kind == SL_PROVIDER_KINDS)
		return sl_ne_scenario_wrong(at, "an object without \"message\"; write which it is");
	*out = (enum sl_provider_message_kind)kind;
	return true;
}

static bool has_needed(const struct sl_ne_scenario_place *at, const json_t *json, const char *needed)
{
	char key[32];
	for (const char *p = needed; *p != '\0';) {
		size_t n = strcspn(p, " ");
		(void)snprintf(key, sizeof(key), "%.*s", (int)n, p);
		if (json_object_get(json, key) == NULL)
			return sl_ne_scenario_wrong(at, "no key \"%s\"; it has to be there", key);
		p += n + (p[n] == ' ');
	}
	return true;
}

static bool read_protocol(const struct sl_ne_scenario_place *at, const json_t *json)
{
	static const char *const words[] = { SL_PROVIDER_PROTOCOL };
	unsigned word = 0;
	return sl_ne_scenario_word(at, json, "protocol", words, SL_COUNT(words), &word);
}

static bool read_members(const struct sl_ne_scenario_place *at, const json_t *json,
                         struct sl_provider_message *m)
{
	static const char *const directions[] = { "any", "inbound", "outbound" };
	const json_t *verdict = json_object_get(json, "verdict");
	unsigned direction = SL_NE_ANY;
	bool ok = read_protocol(at, json) &&
	          sl_ne_scenario_u64(at, json, "version", INT64_MAX, &m->version) &&
	          sl_ne_scenario_u64(at, json, "flow", INT64_MAX, &m->flow) &&
	          sl_ne_scenario_u64(at, json, "question", INT64_MAX, &m->question) &&
	          sl_ne_scenario_word(at, json, "direction", directions, SL_COUNT(directions), &direction) &&
	          sl_ne_scenario_text(at, json, "name", SL_PROVIDER_TEXT_MAX, &m->name) &&
	          sl_ne_scenario_text(at, json, "error", SL_PROVIDER_TEXT_MAX, &m->text) &&
	          sl_ne_scenario_text(at, json, "text", SL_PROVIDER_TEXT_MAX, &m->text) &&
	          (verdict == NULL || sl_ne_scenario_verdict(at, verdict, &m->verdict));
	m->direction = (enum sl_ne_direction)direction;
	if (ok && m->kind == SL_PROVIDER_VERDICT && m->verdict.kind == SL_NE_VERDICT_LATER)
		return sl_ne_scenario_wrong(at, "\"later\" is no verdict of a provider; send the verdict "
		                                "when it is known, or pause");
	return ok;
}

/* The message is told with its beginning: a log has no other. */
struct excerpt {
	const struct sl_diag *diag;
	struct sl_bytes object;
	unsigned number;
};

static void tell(void *ctx, const char *file, unsigned line, const char *text)
{
	const struct excerpt *e = (const struct excerpt *)ctx;
	char shown[EXCERPT_MAX + 1];
	size_t n = sl_min(e->object.len, EXCERPT_MAX);
	memcpy(shown, e->object.p, n);
	shown[n] = '\0';
	for (size_t i = 0; i < n; i++)
		if (shown[i] < 0x20 || shown[i] == 0x7f)
			shown[i] = '.';
	(void)file, (void)line;
	sl_diag(e->diag, NULL, 0, "message %u, %s%s: %s", e->number, shown, e->object.len > n ? "..." : "",
	        text);
}

int sl_provider_message_read(struct sl_bytes object, unsigned number, const struct sl_diag *diag,
                             struct sl_provider_message *out)
{
	struct excerpt excerpt = { diag, object, number };
	const struct sl_diag with_excerpt = { tell, &excerpt };
	const struct sl_ne_scenario_place at = { "provider", number, &with_excerpt };
	struct sl_provider_message m = { .kind = SL_PROVIDER_HELLO };
	json_error_t error;
	m.json = json_loadb((const char *)object.p, object.len, JSON_REJECT_DUPLICATES, &error);
	bool ok = m.json != NULL
	                  ? json_is_object(m.json) ||
	                            sl_ne_scenario_wrong(&at, "no object of JSON; write {\"message\": ...}")
	                  : sl_ne_scenario_wrong(&at, "no object of JSON: %s; write {\"message\": ...}",
	                                         error.text);
	ok = ok && read_kind(&at, m.json, &m.kind) &&
	     sl_ne_scenario_keys(&at, m.json, kinds[m.kind].needed, kinds[m.kind].keys) &&
	     has_needed(&at, m.json, kinds[m.kind].needed) && read_members(&at, m.json, &m) &&
	     sl_ne_scenario_settings(&at, json_object_get(m.json, "settings"), &m.settings);
	if (!ok) {
		sl_provider_message_free(&m);
		return SL_EMALF;
	}
	*out = m;
	return SL_OK;
}

void sl_provider_message_free(struct sl_provider_message *message)
{
	sl_ne_scenario_settings_free(message->settings);
	json_decref(message->json);
	*message = (struct sl_provider_message){ .kind = SL_PROVIDER_HELLO };
}
