/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/guard.h"

#include <inttypes.h>
#include <string.h>

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

static int check(const struct sl_conf_list *l, const json_t *was, const json_t *is, bool force,
                 const struct sl_diag *diag)
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
	return SL_OK;
}

int sl_guard_check(const struct sl_conf *conf, const json_t *before, const json_t *after, bool force,
                   const struct sl_diag *diag, size_t *list)
{
	for (size_t i = 0; i < conf->lists; i++) {
		const struct sl_conf_list *l = &conf->list[i];
		const json_t *is = find(after, l);
		if (is == NULL || check(l, find(before, l), is, force, diag) == SL_OK)
			continue;
		*list = i;
		return SL_EMALF;
	}
	return SL_OK;
}
