/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile_report.c - what compiling came to, as JSON; for `sluice compile` and for the daemon's status. */
#include "base/util.h"
#include "daemon/compile_job.h"
#include "daemon/json_text.h"

static void set_number(json_t *to, const char *name, uint64_t n)
{
	(void)json_object_set_new(to, name, json_integer((json_int_t)n));
}

static json_t *reasons_of(const struct sl_list_stats *s)
{
	json_t *reasons = json_object();
	for (int i = 0; i < SL_REFUSED_COUNT; i++)
		if (s->by_reason[i] > 0)
			set_number(reasons, sl_list_refused_name((enum sl_list_refused)i), s->by_reason[i]);
	return reasons;
}

static json_t *list_of(const struct sl_conf *conf, const struct sl_list_stats *s, size_t i, bool absent)
{
	static const char *const kind[] = { "block", "allow", "never" };
	json_t *list = json_pack(
	        "{s:o, s:o, s:s, s:s}", "name", sl_json_text(sl_bytes_str(sl_list_source_name(conf, i))),
	        "file", sl_json_text(sl_bytes_str(sl_list_source_file(conf, i))), "kind",
	        kind[sl_list_source_kind(conf, i)], "format", sl_list_format_name(s->format));
	set_number(list, "lines", s->lines);
	set_number(list, "entries", s->entries);
	set_number(list, "comments", s->comments);
	set_number(list, "refused", s->refused);
	set_number(list, "errors", s->errors);
	set_number(list, "exceptions_lost", s->exceptions_lost);
	if (absent)
		(void)json_object_set_new(list, "absent", json_true());
	(void)json_object_set_new(list, "reasons", reasons_of(s));
	return list;
}

static void set_counts(json_t *out, const struct sl_compile_job_stats *stats)
{
	const struct sl_compile_stats *c = &stats->compile;
	set_number(out, "generation", stats->snapshot.generation);
	set_number(out, "bytes", stats->snapshot.bytes);
	set_number(out, "read", c->entries);
	set_number(out, "duplicates", c->duplicates);
	set_number(out, "entries", stats->snapshot.entries);
	set_number(out, "folded", c->folded);
	set_number(out, "keys_unfolded", c->keys_unfolded);
	set_number(out, "keys", c->keys);
	set_number(out, "paths", c->paths);
	set_number(out, "addresses", c->addresses);
	set_number(out, "too_deep", c->too_deep);
	set_number(out, "never_named", c->never_named);
	set_number(out, "unfit", c->unfit);
	set_number(out, "widened", c->widened);
	set_number(out, "www_unreachable", c->www_unreachable);
	set_number(out, "combinations", c->combinations);
	set_number(out, "runs", c->runs);
	set_number(out, "runs_spilled", c->spilled);
	set_number(out, "spilled_bytes", c->spilled_bytes);
	set_number(out, "memory_peak", c->memory_peak);
}

json_t *sl_compile_job_report(const struct sl_compile_job *job, const struct sl_compile_job_stats *stats)
{
	json_t *out = json_object(), *parts = json_object(), *lists = json_array();
	const struct sl_snapshot_info *info = &stats->snapshot;
	if (out == NULL || parts == NULL || lists == NULL) {
		json_decref(out);
		json_decref(parts);
		json_decref(lists);
		return NULL;
	}
	(void)json_object_set_new(out, "profile", json_string(sl_profile_name(info->profile)));
	set_counts(out, stats);
	for (size_t i = 0; i < SL_SNAPSHOT_PARTS; i++)
		set_number(parts, info->part[i].name, info->part[i].bytes);
	for (size_t i = 0; i < stats->lists.lists; i++)
		(void)json_array_append_new(
		        lists, list_of(job->source.conf, &stats->lists.list[i], i, stats->lists.absent[i]));
	(void)json_object_set_new(out, "parts", parts);
	(void)json_object_set_new(out, "lists", lists);
	return out;
}
