/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/rules_state.h"

static json_t *counts_json(const struct sl_rules_counts *c)
{
	return json_pack("[I, I, I]", (json_int_t)c->unjudged_packets, (json_int_t)c->invalid_packets,
	                 (json_int_t)c->unrefused_packets);
}

json_t *sl_rules_state(const struct sl_rules *r)
{
	struct sl_rules_kept kept;

	sl_rules_tell(r, &kept);
	return json_pack("{s:s, s:s, s:s?, s:b, s:b, s:I, s:I, s:o, s:o}", "backend", kept.backend, "suffix",
	                 kept.suffix, "seen", kept.seen, "v6", kept.v6, "copies", kept.copies, "made",
	                 (json_int_t)kept.made, "fingerprint", (json_int_t)kept.fingerprint, "total",
	                 counts_json(&kept.total), "last", counts_json(&kept.last));
}

static const char *text(const json_t *state, const char *name)
{
	return json_string_value(json_object_get(state, name));
}

static struct sl_rules_counts counts(const json_t *state, const char *name)
{
	const json_t *c = json_object_get(state, name);

	return (struct sl_rules_counts){ (uint64_t)json_integer_value(json_array_get(c, 0)),
		                         (uint64_t)json_integer_value(json_array_get(c, 1)),
		                         (uint64_t)json_integer_value(json_array_get(c, 2)) };
}

int sl_rules_open_state(const struct sl_rules_cfg *cfg, const json_t *state, struct sl_rules **out)
{
	struct sl_rules_kept kept = {
		.backend = text(state, "backend"),
		.suffix = text(state, "suffix"),
		.seen = text(state, "seen"),
		.v6 = json_is_true(json_object_get(state, "v6")),
		.copies = json_is_true(json_object_get(state, "copies")),
		.made = (uint32_t)json_integer_value(json_object_get(state, "made")),
		.fingerprint = (uint64_t)json_integer_value(json_object_get(state, "fingerprint")),
		.total = counts(state, "total"),
		.last = counts(state, "last"),
	};

	if (kept.backend == NULL || kept.suffix == NULL)
		return SL_ENOENT;
	return sl_rules_open_kept(cfg, &kept, out);
}
