/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/guard.h"

#include <inttypes.h>
#include <string.h>

#include "base/out.h"
#include "base/util.h"
#include "policy/list.h"

static const char *text_of(const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));
	return text == NULL ? "" : text;
}

static uint64_t number(const json_t *o, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(o, name));
}

/* The same list: of the same name, from the same file. NULL: there was none. */
static const json_t *find(const json_t *about, const struct sl_conf_list *list)
{
	json_t *one;
	size_t i;
	json_array_foreach(json_object_get(about, "lists"), i, one)
	{
		if (strcmp(text_of(one, "name"), list->name) == 0 &&
		    strcmp(text_of(one, "file"), list->file) == 0)
			return one;
	}
	return NULL;
}

static bool names_everything(const struct sl_conf_list *l, const json_t *now)
{
	const json_t *reasons = json_object_get(now, "reasons");
	return !l->every_skip && (number(reasons, sl_list_refused_name(SL_REFUSED_EVERY)) > 0 ||
	                          number(reasons, sl_list_refused_name(SL_REFUSED_EVERY_ADDRESS)) > 0);
}

/* Entries without the ones that change nothing: what is left of a growth or a loss is out of proportion. */
static bool grew(const struct sl_conf_list *l, uint64_t was, uint64_t is)
{
	return l->max_growth > 0 && is > was + SL_GUARD_ALWAYS && is > was * l->max_growth / 100;
}

static bool shrank(const struct sl_conf_list *l, uint64_t was, uint64_t is)
{
	return was > is + SL_GUARD_ALWAYS && is < was * (100 - sl_min(l->max_shrink, 100)) / 100;
}

static int refuse(const struct sl_conf_list *l, const struct sl_diag *diag, const char *what, uint64_t is,
                  uint64_t was, const char *option, uint64_t limit)
{
	sl_diag(diag, l->file, 0,
	        "list %s is refused: it has %" PRIu64 " entries%s%.0" PRIu64
	        "; if that is right, change %s (%" PRIu64
	        "), or say --force to sluice reload or sluice update",
	        l->name, is, what, was, option, limit);
	return SL_EMALF;
}

/* "a.example and b.example": the first that the list would block. */
static void put_examples(const json_t *dry, const char *list, struct sl_out *o)
{
	enum { SHOWN = 3 };
	int n = 0;
	json_t *one;
	size_t i;
	json_array_foreach(json_object_get(dry, "examples"), i, one)
	{
		if (n == SHOWN || strcmp(text_of(one, "list"), list) != 0 ||
		    strcmp(text_of(one, "verdict"), "block") != 0)
			continue;
		sl_out_str(o, n++ > 0 ? ", " : "");
		sl_out_str(o, text_of(one, "name"));
	}
}

/* What is asked for day by day, and would be blocked from now on: a list that was damaged, or taken over. */
static int check_names(const struct sl_conf_list *l, const json_t *dry, const struct sl_diag *diag)
{
	uint64_t names = number(dry, "names"), newly = number(json_object_get(dry, "lists"), l->name);
	char text[768];
	struct sl_out o = sl_out_of(text, sizeof(text) - 1);
	if (newly <= SL_GUARD_NAMES || newly * 100 <= names * l->max_newly_blocked)
		return SL_OK;
	put_examples(dry, l->name, &o);
	text[o.len] = '\0';
	sl_diag(diag, l->file, 0,
	        "list %s is refused: it would block %" PRIu64 " of the %" PRIu64
	        " names that were asked for in the last hour (%s), and did not before; if that is right, "
	        "change "
	        "max_newly_blocked (%" PRIu32 "), or say --force to sluice reload or sluice update",
	        l->name, newly, names, text, l->max_newly_blocked);
	return SL_EMALF;
}

static int check(const struct sl_conf_list *l, const json_t *was, const json_t *is, const json_t *dry,
                 bool force, const struct sl_diag *diag)
{
	uint64_t before = number(was, "entries"), now = number(is, "entries");
	uint64_t least = l->url != NULL ? sl_max(l->min_entries, 1) : l->min_entries;
	if (json_is_true(json_object_get(is, "absent")))
		return SL_OK;
	if (names_everything(l, is)) {
		sl_diag(diag, l->file, 0,
		        "list %s is refused: a line of it would match everything; mend it, or set every: "
		        "skip",
		        l->name);
		return SL_EMALF;
	}
	if (force)
		return SL_OK;
	if (now < least)
		return refuse(l, diag, ", fewer than it needs", now, 0, "min_entries", least);
	if (was == NULL || json_is_true(json_object_get(was, "absent")))
		return SL_OK;
	if (grew(l, before, now))
		return refuse(l, diag, ", and had ", now, before, "max_growth", l->max_growth);
	if (shrank(l, before, now))
		return refuse(l, diag, ", and had ", now, before, "max_shrink", l->max_shrink);
	return check_names(l, dry, diag);
}

int sl_guard_check(const struct sl_conf *conf, const json_t *before, const json_t *after, bool force,
                   const struct sl_diag *diag, size_t *list)
{
	for (size_t i = 0; i < conf->lists; i++) {
		const struct sl_conf_list *l = &conf->list[i];
		const json_t *is = find(after, l);
		if (is == NULL ||
		    check(l, find(before, l), is, json_object_get(after, "dry_run"), force, diag) == SL_OK)
			continue;
		*list = i;
		return SL_EMALF;
	}
	return SL_OK;
}
