/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/check_query.h"

#include "base/bytes.h"
#include "base/utf8.h"
#include "base/util.h"
#include "daemon/check_explain.h"
#include "daemon/json_text.h"
#include "policy/url.h"

enum { KEY_MAX = SL_HOST_MAX + SL_PATH_MAX + 16 };

/* A scheme (RFC 3986 §3.1), without "://"; p is NULL where none is named. "a.example/x://y" has none. */
static struct sl_bytes scheme_of(struct sl_bytes in)
{
	struct sl_bytes name = sl_bytes_first(in, sl_bytes_find(in, ':'));
	struct sl_bytes after = sl_bytes_first(sl_bytes_skip(in, name.len), 3);

	if (name.len == 0 || !sl_bytes_equal(after, SL_BYTES_LIT("://")))
		return (struct sl_bytes){ NULL, 0 };
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = sl_ascii_lower(name.p[i]);
		bool first = c >= 'a' && c <= 'z';
		if (!first && (i == 0 || !((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.')))
			return (struct sl_bytes){ NULL, 0 };
	}
	return name;
}

static bool is_utf8(struct sl_bytes text)
{
	while (text.len > 0) {
		size_t n = sl_utf8_len(text);
		if (n == 0)
			return false;
		text = sl_bytes_skip(text, n);
	}
	return true;
}

static int set_key(json_t *out, const struct sl_decision *d, const struct sl_query *q)
{
	char key[KEY_MAX];

	if (d->list == UINT16_MAX)
		return json_object_set_new(out, "key", json_null());
	sl_decision_key(d, q, key, sizeof(key));
	return json_object_set_new(out, "key", sl_json_text(sl_bytes_str(key)));
}

/* Letter c: no list is named, but the word. */
static int set_word(json_t *out, const struct sl_word *w)
{
	int rc = json_object_set_new(out, "verdict", json_string(w->allow ? "allow" : "block"));

	rc |= json_object_set_new(out, "list", json_null());
	rc |= json_object_set_new(out, "line", json_null());
	rc |= json_object_set_new(out, "key", sl_json_text(sl_bytes_str(w->name)));
	return rc | json_object_set_new(out, "exception", json_integer(w->id));
}

static int set_answer(json_t *out, const struct sl_policy *p, const struct sl_decision *d,
                      const struct sl_query *q)
{
	const char *list = sl_policy_list_name(p, d->list);
	int rc = json_object_set_new(out, "verdict", json_string(d->block ? "block" : "allow"));

	rc |= json_object_set_new(out, "list", list == NULL ? json_null() : sl_json_text(sl_bytes_str(list)));
	rc |= json_object_set_new(out, "line", d->line == 0 ? json_null() : json_integer(d->line));
	return rc | set_key(out, d, q);
}

/* What the same URL would get where its path can be seen. */
static int set_over_http(json_t *out, const struct sl_policy *p, struct sl_query q, const struct sl_url *url,
                         const struct sl_decision *host_only, const struct sl_check_who *who)
{
	struct sl_decision d;

	q.path = sl_bytes_of(url->path, url->path_len);
	const struct sl_word *word = sl_check_who_ask(who, &q);
	if (word != NULL) {
		json_t *inner = json_object();
		int rc = set_word(inner, word);
		return rc | json_object_set_new(out, "over_http", inner);
	}
	sl_policy_decide(p, &q, &d);
	if (d.list == host_only->list && d.line == host_only->line && d.block == host_only->block)
		return 0;
	json_t *inner = json_object();
	int rc = set_answer(inner, p, &d, &q);
	return rc | json_object_set_new(out, "over_http", inner);
}

/* Lists in the shadow that would have blocked. */
static int set_shadow(json_t *out, const struct sl_policy *p, uint64_t mask)
{
	json_t *names = json_array();

	for (; mask != 0; mask &= mask - 1) {
		const char *name =
		        sl_snapshot_category_name(sl_policy_snapshot(p), (uint16_t)__builtin_ctzll(mask));
		(void)json_array_append_new(names, sl_json_text(sl_bytes_str(name)));
	}
	return json_object_set_new(out, "shadow", names);
}

static int fill(json_t *out, const struct sl_policy *p, const struct sl_url *url, struct sl_bytes scheme,
                bool explain, const struct sl_check_who *who)
{
	bool seen = scheme.p == NULL || sl_bytes_equal_nocase(scheme, SL_BYTES_LIT("http")) ||
	            sl_bytes_equal_nocase(scheme, SL_BYTES_LIT("ws"));
	bool tls = sl_bytes_equal_nocase(scheme, SL_BYTES_LIT("https")) ||
	           sl_bytes_equal_nocase(scheme, SL_BYTES_LIT("wss"));
	struct sl_query q = { .host = sl_bytes_of(url->host.name, url->host.len), .port = url->port };
	struct sl_decision d;

	if (q.port == 0 && scheme.p != NULL && (seen || tls))
		q.port = seen ? 80 : 443;
	if (seen && (url->has_path || scheme.p != NULL))
		q.path = sl_bytes_of(url->path, url->path_len);
	const struct sl_word *word = sl_check_who_ask(who, &q);
	sl_policy_decide(p, &q, &d);
	if (word != NULL) {
		d.letter = 'c';
		d.shadow = 0;
	}
	int rc = word != NULL ? set_word(out, word) : set_answer(out, p, &d, &q);
	rc |= json_object_set_new(out, "letter", json_stringn(&d.letter, 1));
	rc |= json_object_set_new(out, "host", json_stringn(url->host.name, url->host.len));
	if (!seen && url->has_path && word == NULL)
		rc |= set_over_http(out, p, q, url, &d, who);
	if (d.shadow != 0)
		rc |= set_shadow(out, p, d.shadow);
	if (who != NULL && who->groups != NULL && explain)
		rc |= json_object_set_new(out, "who", sl_check_who_json(who, sl_policy_snapshot(p)));
	if (explain)
		rc |= json_object_set_new(out, "tried", sl_check_explain(p, &q));
	return rc;
}

static int fill_error(json_t *out, const char *why)
{
	static const char *const absent[] = { "verdict", "list", "line", "key", "letter", "host" };
	int rc = 0;

	for (size_t i = 0; i < SL_COUNT(absent); i++)
		rc |= json_object_set_new(out, absent[i], json_null());
	return rc | json_object_set_new(out, "error", json_string(why));
}

const char *sl_check_query_unfit(const char *input)
{
	struct sl_bytes in = sl_bytes_str(input);
	return in.len > SL_CHECK_INPUT_MAX ? "longer than 8192 bytes" : !is_utf8(in) ? "not UTF-8" : NULL;
}

/* As Apple's URL filters see it: the whole URL, whatever its scheme. */
static int fill_suburls(json_t *out, const struct sl_policy *p, struct sl_bytes in, bool explain,
                        const struct sl_suburl_parsing *parsing)
{
	struct sl_query q = { .url = in, .parsing = parsing };
	struct sl_suburls urls;
	struct sl_decision d;

	if (parsing != NULL && sl_suburls_of(in, SL_SUBURL_NE27, parsing, &urls) != SL_OK)
		return fill_error(out,
		                  "the parsing gives up on it: it is too long, or the regular expression "
		                  "tries too much; nobody can say what a device would look up");
	sl_policy_decide(p, &q, &d);
	int rc = set_answer(out, p, &d, &q);
	rc |= json_object_set_new(out, "letter", json_stringn(&d.letter, 1));
	rc |= json_object_set_new(out, "host", json_stringn(d.host.name, d.host.len));
	rc |= json_object_set_new(out, "profile", json_string(sl_profile_name(d.profile)));
	if (parsing != NULL && urls.n_heads == 0)
		rc |= json_object_set_new(out, "parsing_miss", json_true());
	if (explain)
		rc |= json_object_set_new(out, "tried", sl_check_explain(p, &q));
	return rc;
}

static bool is_native(const struct sl_policy *p)
{
	struct sl_snapshot_info info;
	sl_snapshot_info(sl_policy_snapshot(p), &info);
	return info.profile == SL_PROFILE_NATIVE;
}

json_t *sl_check_query(const struct sl_policy *p, const char *input, bool explain)
{
	return sl_check_query_for(p, input, explain, NULL, NULL);
}

json_t *sl_check_query_for(const struct sl_policy *p, const char *input, bool explain,
                           const struct sl_suburl_parsing *parsing, const struct sl_check_who *who)
{
	const char *why = sl_check_query_unfit(input);
	struct sl_bytes in = sl_bytes_str(input);
	json_t *out = json_object();
	struct sl_url url;

	int rc = json_object_set_new(out, "input", sl_json_text(in));
	if (why != NULL)
		rc |= fill_error(out, why);
	else if (sl_url_canon(in, &url) != SL_OK)
		rc |= fill_error(out, "not a host name or URL");
	else if (!is_native(p))
		rc |= fill_suburls(out, p, in, explain, parsing);
	else
		rc |= fill(out, p, &url, scheme_of(in), explain, who);
	if (rc != 0) {
		json_decref(out);
		return NULL;
	}
	return out;
}
