/* SPDX-License-Identifier: GPL-2.0-or-later */
/* supervisor_words.c - what the control socket can say: allow and block a name, arm a shadow list, undo, and list all that. */
#include <stdio.h>
#include <string.h>

#include "daemon/log.h"
#include "daemon/standing.h"
#include "daemon/supervisor_requests.h"
#include "policy/words.h"

enum { WHY_MAX = 256 };

static const char *text_of(const json_t *args, const char *key)
{
	return json_string_value(json_object_get(args, key));
}

static const struct sl_conf *conf_of(const struct sl_supervisor *s)
{
	return sl_bundle_conf(s->good);
}

static bool is_group(const struct sl_conf *c, const char *name)
{
	for (size_t i = 0; i < c->groups; i++)
		if (strcmp(c->group[i].name, name) == 0)
			return true;
	return strcmp(name, "default") == 0;
}

/* Everything that has to be so before anything is changed. False: the client was told why not. */
static bool is_ready(struct sl_supervisor *s, uint64_t client)
{
	const char *why = !s->ready ? "sluiced is still starting; try again" : NULL;

	if (why == NULL && conf_of(s)->provider != SL_PROVIDER_POLICY)
		why = "the provider in force asks no lists, and no operator";
	if (why != NULL)
		sl_ctl_reply_error(s->ctl, client, why);
	return why == NULL;
}

static bool is_text(const char *text, size_t max)
{
	for (const char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return false;
	return strlen(text) <= max;
}

static json_t *told(const struct sl_supervisor *s, uint32_t id)
{
	const struct sl_operator_entry *e = sl_operator_find(&s->orders.said, id);

	return json_pack("{s:b, s:I, s:s, s:s, s:s?, s:I}", "ok", 1, "id", (json_int_t)id, "what",
	                 sl_operator_what_name(e->what), "name", e->name, "group", e->group, "until",
	                 (json_int_t)e->until);
}

static void add(struct sl_supervisor *s, uint64_t client, const struct sl_operator_entry *entry)
{
	uint32_t id = 0;
	int err = sl_operator_add(&s->orders.said, entry, &id);

	if (err != SL_OK) {
		sl_ctl_reply_error(s->ctl, client,
		                   err == SL_ELIMIT ? "there are 4096 of them; undo some: sluice exceptions"
		                                    : sl_strerror(err));
		return;
	}
	sl_log(SL_LOG_NOTICE, "exception %u: %s %s%s%s%s%s%s", id, sl_operator_what_name(entry->what),
	       entry->name, entry->group == NULL ? "" : " for group ",
	       entry->group == NULL ? "" : entry->group,
	       entry->because == NULL ? "" : ", because: ", entry->because == NULL ? "" : entry->because,
	       entry->until == 0 ? "" : ", for a while");
	sl_supervisor_operator_changed(s, client, told(s, id));
}

static void say(struct sl_supervisor *s, uint64_t client, const json_t *args, enum sl_operator_what what)
{
	char name[SL_WORD_MAX], why[WHY_MAX];
	const char *typed = text_of(args, "name"), *group = text_of(args, "group"), *wrong = "it is no text";
	json_int_t seconds = json_integer_value(json_object_get(args, "for_s"));
	int64_t now = sl_clock_wall_us() / 1000000;
	struct sl_operator_entry e = { .what = what,
		                       .name = name,
		                       .group = (char *)(uintptr_t)group,
		                       .because = (char *)(uintptr_t)text_of(args, "because"),
		                       .since = now,
		                       .until = seconds > 0 ? now + seconds : 0 };

	if (!is_ready(s, client))
		return;
	if (group != NULL && strcmp(group, "all") == 0)
		e.group = NULL;
	if (typed == NULL || sl_word_canon(sl_bytes_str(typed), name, &wrong) != SL_OK) {
		(void)snprintf(why, sizeof(why), "the name cannot be used: %s", wrong);
		sl_ctl_reply_error(s->ctl, client, why);
	} else if (e.group != NULL && !is_group(conf_of(s), e.group)) {
		sl_ctl_reply_error(s->ctl, client,
		                   "the configuration in force has no such group; see: sluice "
		                   "exceptions");
	} else if (seconds < 0 || seconds > INT32_MAX) {
		sl_ctl_reply_error(s->ctl, client, "for_s is a number of seconds, at most 68 years");
	} else if (e.because != NULL &&
	           (e.because[0] == '\0' || !is_text(e.because, SL_OPERATOR_BECAUSE_MAX))) {
		sl_ctl_reply_error(s->ctl, client, "because is a line of at most 400 bytes");
	} else {
		add(s, client, &e);
	}
}

void sl_supervisor_ctl_allow(struct sl_supervisor *s, uint64_t client, json_t *args)
{
	say(s, client, args, SL_OPERATOR_ALLOW);
}

void sl_supervisor_ctl_block(struct sl_supervisor *s, uint64_t client, json_t *args)
{
	say(s, client, args, SL_OPERATOR_BLOCK);
}

/* ---- shadow lists ---- */

static bool has_shadow(const struct sl_conf_roles *roles, const char *list)
{
	for (size_t i = 0; i < roles->n; i++)
		if (roles->one[i].role == SL_ROLE_SHADOW && strcmp(roles->one[i].list, list) == 0)
			return true;
	return false;
}

/* Is there anything that arming would change? */
static bool is_shadow(const struct sl_conf *c, const struct sl_conf_list *l)
{
	bool found = l->role == SL_ROLE_SHADOW;
	for (size_t i = 0; i < c->groups && !found; i++) {
		found = has_shadow(&c->group[i].roles, l->name);
		for (size_t k = 0; k < c->group[i].schedules && !found; k++)
			found = has_shadow(&c->group[i].schedule[k].roles, l->name);
	}
	return found;
}

static const struct sl_conf_list *find_list(const struct sl_conf *c, const char *name)
{
	for (size_t i = 0; i < c->lists; i++)
		if (c->list[i].kind == SL_LIST_BLOCK && strcmp(c->list[i].name, name) == 0)
			return &c->list[i];
	return NULL;
}

void sl_supervisor_ctl_arm(struct sl_supervisor *s, uint64_t client, json_t *args)
{
	const char *name = text_of(args, "list"), *because = text_of(args, "because");

	if (!is_ready(s, client))
		return;
	const struct sl_conf_list *list = name == NULL ? NULL : find_list(conf_of(s), name);
	if (list == NULL)
		sl_ctl_reply_error(s->ctl, client,
		                   "the configuration in force has no list of this name that blocks");
	else if (sl_operator_is_armed(&s->orders.said, name))
		sl_ctl_reply_error(s->ctl, client, "it is armed already; see: sluice exceptions");
	else if (!is_shadow(conf_of(s), list))
		sl_ctl_reply_error(s->ctl, client,
		                   "it has the role shadow nowhere: it blocks already, or is off where the "
		                   "configuration says so");
	else if (because != NULL && (because[0] == '\0' || !is_text(because, SL_OPERATOR_BECAUSE_MAX)))
		sl_ctl_reply_error(s->ctl, client, "because is a line of at most 400 bytes");
	else
		add(s, client,
		    &(struct sl_operator_entry){ .what = SL_OPERATOR_ARM,
		                                 .name = list->name,
		                                 .because = (char *)(uintptr_t)because,
		                                 .since = sl_clock_wall_us() / 1000000 });
}

/* ---- undo, and what there is ---- */

void sl_supervisor_ctl_undo(struct sl_supervisor *s, uint64_t client, json_t *args)
{
	json_int_t id = json_integer_value(json_object_get(args, "id"));
	const struct sl_operator_entry *e =
	        id <= 0 || id > UINT32_MAX ? NULL : sl_operator_find(&s->orders.said, (uint32_t)id);

	if (!is_ready(s, client))
		return;
	if (e == NULL) {
		sl_ctl_reply_error(
		        s->ctl, client,
		        "there is no exception with this number, or it is over; see: sluice exceptions");
		return;
	}
	json_t *reply = told(s, (uint32_t)id);
	sl_log(SL_LOG_NOTICE, "exception %u is undone: %s %s", e->id, sl_operator_what_name(e->what),
	       e->name);
	sl_operator_remove(&s->orders.said, (uint32_t)id);
	sl_supervisor_operator_changed(s, client, reply);
}

static json_t *group_names(const struct sl_conf *c)
{
	json_t *names = json_array();
	(void)json_array_append_new(names, json_string("default"));
	for (size_t i = 0; i < c->groups; i++)
		if (strcmp(c->group[i].name, "default") != 0)
			(void)json_array_append_new(names, json_string(c->group[i].name));
	return names;
}

void sl_supervisor_ctl_exceptions(struct sl_supervisor *s, uint64_t client, json_t *args)
{
	json_t *all = sl_operator_json(&s->orders.said);
	const struct sl_operator *said = &s->orders.said;

	(void)args;
	if (!is_ready(s, client)) {
		json_decref(all);
		return;
	}
	json_t *entries = json_object_get(all, "entries");
	for (size_t i = 0; i < said->n; i++) {
		json_t *one = json_array_get(entries, i);
		if (said->entry[i].group != NULL && !is_group(conf_of(s), said->entry[i].group))
			(void)json_object_set_new(one, "idle",
			                          json_string("its group is not in the configuration"));
		if (said->entry[i].what == SL_OPERATOR_ARM &&
		    find_list(conf_of(s), said->entry[i].name) == NULL)
			(void)json_object_set_new(one, "idle",
			                          json_string("its list is not in the configuration"));
	}
	sl_ctl_reply(s->ctl, client,
	             json_pack("{s:b, s:I, s:O, s:o}", "ok", 1, "now",
	                       (json_int_t)(sl_clock_wall_us() / 1000000), "entries", entries, "groups",
	                       group_names(conf_of(s))));
	json_decref(all);
}
