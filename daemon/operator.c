/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/operator.h"

#include <stdlib.h>

#include "daemon/json_text.h"
#include "policy/groups.h"

enum { VERSION = 1, NAME_MAX_ARM = 80 };

static const char *const what_names[] = { "allow", "block", "arm" };

const char *sl_operator_what_name(enum sl_operator_what what)
{
	return what_names[what];
}

void sl_operator_init(struct sl_operator *o)
{
	*o = (struct sl_operator){ NULL, 0, 1 };
}

static void free_texts(struct sl_operator_entry *e)
{
	free(e->name);
	free(e->group);
	free(e->because);
}

void sl_operator_free(struct sl_operator *o)
{
	for (size_t i = 0; i < o->n; i++)
		free_texts(&o->entry[i]);
	free(o->entry);
	sl_operator_init(o);
}

static char *copy(const char *text, bool *failed)
{
	char *made = text == NULL ? NULL : strdup(text);
	*failed = *failed || (text != NULL && made == NULL);
	return made;
}

static int append(struct sl_operator *o, const struct sl_operator_entry *entry)
{
	bool failed = false;
	if (o->n == SL_OPERATOR_MAX)
		return SL_ELIMIT;
	struct sl_operator_entry *more = realloc(o->entry, (o->n + 1) * sizeof(*more));
	if (more == NULL)
		return SL_ENOMEM;
	o->entry = more;
	struct sl_operator_entry made = *entry;
	made.name = copy(entry->name, &failed);
	made.group = copy(entry->group, &failed);
	made.because = copy(entry->because, &failed);
	if (failed) {
		free_texts(&made);
		return SL_ENOMEM;
	}
	o->entry[o->n++] = made;
	return SL_OK;
}

int sl_operator_add(struct sl_operator *o, const struct sl_operator_entry *entry, uint32_t *id)
{
	struct sl_operator_entry one = *entry;
	one.id = o->next;
	int err = o->next == UINT32_MAX ? SL_ELIMIT : append(o, &one);
	if (err == SL_OK)
		*id = o->next++;
	return err;
}

const struct sl_operator_entry *sl_operator_find(const struct sl_operator *o, uint32_t id)
{
	for (size_t i = 0; i < o->n; i++)
		if (o->entry[i].id == id)
			return &o->entry[i];
	return NULL;
}

void sl_operator_remove(struct sl_operator *o, uint32_t id)
{
	for (size_t i = 0; i < o->n; i++) {
		if (o->entry[i].id != id)
			continue;
		free_texts(&o->entry[i]);
		memmove(&o->entry[i], &o->entry[i + 1], (o->n - i - 1) * sizeof(o->entry[0]));
		o->n--;
		return;
	}
}

const struct sl_operator_entry *sl_operator_expired(const struct sl_operator *o, int64_t now)
{
	for (size_t i = 0; i < o->n; i++)
		if (o->entry[i].until != 0 && o->entry[i].until <= now)
			return &o->entry[i];
	return NULL;
}

bool sl_operator_is_armed(const struct sl_operator *o, const char *list)
{
	for (size_t i = 0; i < o->n; i++)
		if (o->entry[i].what == SL_OPERATOR_ARM && strcmp(o->entry[i].name, list) == 0)
			return true;
	return false;
}

/* ---- the file ---- */

static int what_of(const char *name)
{
	for (int i = 0; i <= SL_OPERATOR_ARM && name != NULL; i++)
		if (strcmp(what_names[i], name) == 0)
			return i;
	return -1;
}

static bool is_word(const char *name)
{
	char canon[SL_WORD_MAX];
	const char *why;
	return sl_word_canon(sl_bytes_str(name), canon, &why) == SL_OK && strcmp(canon, name) == 0;
}

/* Absent, or text of at most max bytes. */
static bool read_text(const json_t *entry, const char *key, size_t max, char **out)
{
	const json_t *value = json_object_get(entry, key);
	*out = (char *)(uintptr_t)json_string_value(value);
	return value == NULL || (*out != NULL && **out != '\0' && strlen(*out) <= max);
}

/* Absent: 0. */
static bool read_time(const json_t *entry, const char *key, int64_t *out)
{
	const json_t *value = json_object_get(entry, key);
	*out = json_integer_value(value);
	return value == NULL || (json_is_integer(value) && *out > 0);
}

/* NULL: it is one; else what is wrong. Its texts are borrowed. */
static const char *read_entry(const json_t *entry, struct sl_operator_entry *out)
{
	int64_t id = json_integer_value(json_object_get(entry, "id"));
	int what = what_of(json_string_value(json_object_get(entry, "what")));
	*out = (struct sl_operator_entry){ .id = (uint32_t)id };
	if (!json_is_object(entry) || id <= 0 || id >= UINT32_MAX)
		return "an entry has no \"id\"";
	if (what < 0)
		return "an entry's \"what\" is none of allow, block, arm";
	out->what = (enum sl_operator_what)what;
	if (!read_text(entry, "name", SL_WORD_MAX, &out->name) || out->name == NULL ||
	    (what != SL_OPERATOR_ARM && !is_word(out->name)) ||
	    (what == SL_OPERATOR_ARM && strlen(out->name) > NAME_MAX_ARM))
		return "an entry's \"name\" is none, or not in the form that sluice writes";
	if (!read_text(entry, "group", SL_GROUP_NAME_MAX, &out->group) ||
	    !read_text(entry, "because", SL_OPERATOR_BECAUSE_MAX, &out->because) ||
	    !read_time(entry, "since", &out->since) || !read_time(entry, "until", &out->until))
		return "an entry's \"group\", \"because\", \"since\" or \"until\" makes no sense";
	return NULL;
}

static int read_root(const char *file, const json_t *root, const struct sl_diag *diag, struct sl_operator *o)
{
	const json_t *entries = json_object_get(root, "entries");
	int64_t next = json_integer_value(json_object_get(root, "next"));
	const char *why = NULL;
	if (json_integer_value(json_object_get(root, "version")) != VERSION)
		why = "it is not of version 1";
	else if (!json_is_array(entries) || next <= 0 || next > UINT32_MAX)
		why = "it has no \"entries\", or no \"next\"";
	int err = SL_OK;
	for (size_t i = 0; i < json_array_size(entries) && why == NULL && err == SL_OK; i++) {
		struct sl_operator_entry one;
		why = read_entry(json_array_get(entries, i), &one);
		if (why == NULL && (one.id >= next || (o->n > 0 && one.id <= o->entry[o->n - 1].id)))
			why = "the numbers of its entries do not rise";
		if (why == NULL)
			err = append(o, &one);
	}
	o->next = (uint32_t)next;
	if (err == SL_ELIMIT)
		why = "it has too many entries";
	if (why != NULL)
		sl_diag(diag, file, 0, "%s", why);
	return why != NULL ? SL_EMALF : err;
}

int sl_operator_read(const char *file, struct sl_bytes text, const struct sl_diag *diag,
                     struct sl_operator *out)
{
	json_error_t where;
	struct sl_operator made;
	json_t *root = json_loadb((const char *)text.p, text.len, JSON_REJECT_DUPLICATES, &where);
	if (root == NULL) {
		sl_diag(diag, file, (unsigned)(where.line > 0 ? where.line : 0), "no JSON: %s", where.text);
		return SL_EMALF;
	}
	sl_operator_init(&made);
	int err = read_root(file, root, diag, &made);
	json_decref(root);
	if (err == SL_OK)
		*out = made;
	else
		sl_operator_free(&made);
	return err;
}

static json_t *entry_json(const struct sl_operator_entry *e)
{
	json_t *one = json_pack("{s:I, s:s, s:o}", "id", (json_int_t)e->id, "what", what_names[e->what],
	                        "name", sl_json_text(sl_bytes_str(e->name)));
	int rc = one == NULL ? -1 : 0;
	if (e->since != 0)
		rc |= json_object_set_new(one, "since", json_integer(e->since));
	if (e->group != NULL)
		rc |= json_object_set_new(one, "group", json_string(e->group));
	if (e->until != 0)
		rc |= json_object_set_new(one, "until", json_integer(e->until));
	if (e->because != NULL)
		rc |= json_object_set_new(one, "because", sl_json_text(sl_bytes_str(e->because)));
	if (rc == 0)
		return one;
	json_decref(one);
	return NULL;
}

json_t *sl_operator_json(const struct sl_operator *o)
{
	json_t *entries = json_array();
	for (size_t i = 0; i < o->n && entries != NULL; i++)
		if (json_array_append_new(entries, entry_json(&o->entry[i])) != 0) {
			json_decref(entries);
			entries = NULL;
		}
	return entries == NULL ? NULL
	                       : json_pack("{s:i, s:I, s:o}", "version", VERSION, "next", (json_int_t)o->next,
	                                   "entries", entries);
}
