/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/parsing_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define KEYS "excludeScheme excludeFragment domain path query regularExpression"

/* The object of that name, or NULL where there is none. */
static bool inner(const struct sl_ne_scenario_place *at, const json_t *object, const char *key,
                  const char *known, const json_t **out)
{
	*out = json_object_get(object, key);
	if (*out != NULL && !json_is_object(*out))
		return sl_ne_scenario_wrong(at, "\"%s\" is no object; write one with: %s", key, known);
	return *out == NULL || sl_ne_scenario_keys(at, *out, known, "");
}

static bool read_number(const struct sl_ne_scenario_place *at, const json_t *object, const char *key,
                        unsigned *out)
{
	uint64_t value = *out;
	bool ok = sl_ne_scenario_u64(at, object, key, SL_PARSING_LEVELS, &value);
	*out = (unsigned)value;
	return ok;
}

static bool read_domain(const struct sl_ne_scenario_place *at, const json_t *object, struct sl_parsing *p)
{
	const json_t *o = NULL;
	return inner(at, object, "domain", "excluded stripWWW levels enumerateHierarchy", &o) &&
	       sl_ne_scenario_bool(at, o, "excluded", &p->how.domain.excluded) &&
	       sl_ne_scenario_bool(at, o, "stripWWW", &p->how.domain.strip_www) &&
	       read_number(at, o, "levels", &p->how.domain.levels) &&
	       sl_ne_scenario_bool(at, o, "enumerateHierarchy", &p->how.domain.hierarchy);
}

static bool read_path(const struct sl_ne_scenario_place *at, const json_t *object, struct sl_parsing *p)
{
	const json_t *o = NULL;
	return inner(at, object, "path", "excluded segments enumerateHierarchy", &o) &&
	       sl_ne_scenario_bool(at, o, "excluded", &p->how.path.excluded) &&
	       read_number(at, o, "segments", &p->how.path.segments) &&
	       sl_ne_scenario_bool(at, o, "enumerateHierarchy", &p->how.path.hierarchy);
}

static bool read_parameters(const struct sl_ne_scenario_place *at, const json_t *list, struct sl_parsing *p)
{
	size_t n = json_array_size(list);
	if (list == NULL || json_is_null(list))
		return true;
	if (!json_is_array(list) || n > SL_PARSING_PARAMETERS)
		return sl_ne_scenario_wrong(at, "\"parameters\" is no list of at most %d names; write one",
		                            SL_PARSING_PARAMETERS);
	for (size_t i = 0; i < n; i++) {
		const json_t *name = json_array_get(list, i);
		if (!json_is_string(name))
			return sl_ne_scenario_wrong(at, "\"parameters\" holds what is no name; write texts");
		p->parameter[i] = sl_bytes_of(json_string_value(name), json_string_length(name));
	}
	p->how.query.parameters = p->parameter;
	p->how.query.n_parameters = n;
	return true;
}

static bool read_query(const struct sl_ne_scenario_place *at, const json_t *object, struct sl_parsing *p)
{
	const json_t *o = NULL;
	return inner(at, object, "query", "excluded parameters", &o) &&
	       sl_ne_scenario_bool(at, o, "excluded", &p->how.query.excluded) &&
	       read_parameters(at, json_object_get(o, "parameters"), p);
}

static bool read_regex(const struct sl_ne_scenario_place *at, const json_t *object, struct sl_parsing *p)
{
	struct sl_suburl_regex_fault why;
	const char *text = NULL;
	if (!sl_ne_scenario_text(at, object, "regularExpression", SL_SUBURL_REGEX_PATTERN, &text))
		return false;
	if (text == NULL)
		return true;
	if (json_object_size(object) > 1)
		return sl_ne_scenario_wrong(at, "with \"regularExpression\" nothing else has an effect "
		                                "(NE-URL-39); take the one or the other away");
	int err = sl_suburl_regex_new(sl_bytes_str(text), &p->regex, &why);
	p->how.regex = p->regex;
	return err == SL_OK ||
	       sl_ne_scenario_wrong(at, "\"regularExpression\", at byte %zu: %s", why.at, why.text);
}

bool sl_parsing_read(const struct sl_ne_scenario_place *at, json_t *object, struct sl_parsing *out)
{
	*out = (struct sl_parsing){ .how = sl_suburl_parsing_default };
	if (!json_is_object(object))
		return sl_ne_scenario_wrong(at, "no JSON object; write one with: " KEYS);
	out->root = json_incref(object);
	bool ok = sl_ne_scenario_keys(at, object, KEYS, "") &&
	          sl_ne_scenario_bool(at, object, "excludeScheme", &out->how.exclude_scheme) &&
	          sl_ne_scenario_bool(at, object, "excludeFragment", &out->how.fragment_excluded) &&
	          read_domain(at, object, out) && read_path(at, object, out) && read_query(at, object, out) &&
	          read_regex(at, object, out);
	if (!ok)
		sl_parsing_free(out);
	return ok;
}

bool sl_parsing_file_read(const char *path, const struct sl_diag *diag, struct sl_parsing *out)
{
	struct sl_ne_scenario_place at = { path, 0, diag };
	json_error_t error;
	*out = (struct sl_parsing){ .root = NULL };
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return sl_ne_scenario_wrong(&at, "cannot be read: %s", strerror(errno));
	json_t *root = json_loadf(file, JSON_REJECT_DUPLICATES, &error);
	(void)fclose(file);
	at.line = root == NULL && error.line > 0 ? (unsigned)error.line : 0;
	bool ok = root == NULL ? sl_ne_scenario_wrong(&at, "no JSON: %s", error.text)
	                       : sl_parsing_read(&at, root, out);
	json_decref(root);
	return ok;
}

void sl_parsing_free(struct sl_parsing *parsing)
{
	sl_suburl_regex_free(&parsing->regex);
	json_decref(parsing->root);
	*parsing = (struct sl_parsing){ .root = NULL };
}
