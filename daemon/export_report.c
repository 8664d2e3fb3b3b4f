/* SPDX-License-Identifier: GPL-2.0-or-later */
/* export_report.c - what there is to say about an export, as JSON:
 *   dir, lines, blocks, exceptions, refused { reason: lines }, duplicates, covered
 *   left_out { conflicts, below, prefixes }, widened { exact, www_moved, www_added }
 *   www { folded, moved, added, unreachable, conflicts }, addresses, ports, lint { name: entries }
 *   entries, bits, hashes, seed, bytes, tag, tolerance, rate_per_key, rate_24_keys, rate_48_keys, shards, runs
 *   warnings, notes: sentences */
#include "base/util.h"
#include "bloom/apple_size.h"
#include "daemon/export_impl.h"
#include "daemon/pir.h"

enum { BYTES_MAX = 90 << 20 }; /* NE-URL-23 */

static const char *const lint_names[8] = {
	"www: ne27 never asks for it",
	"an escape that clients write otherwise",
	"dot segments, which no client sends",
	"empty segments",
	"bytes that clients write as escapes",
	"a slash behind query or fragment: ne26 only",
	"one label: found for this host only, not below it",
	"too many segments to be found",
};

SL_PRINTF(2, 3) static void say(json_t *to, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	(void)json_array_append_new(to, json_vsprintf(fmt, ap));
	va_end(ap);
}

static json_int_t num(uint64_t value)
{
	return (json_int_t)value;
}

static json_t *refused_of(const struct sl_export_stats *s)
{
	json_t *all = json_object();

	for (unsigned i = 0; i < SL_REFUSED_COUNT; i++)
		if (s->refused[i] > 0)
			(void)json_object_set_new(all, sl_list_refused_text((enum sl_list_refused)i),
			                          json_integer(num(s->refused[i])));
	return all;
}

static json_t *lint_of(const struct sl_export_stats *s)
{
	json_t *all = json_object();

	for (unsigned i = 0; i < SL_COUNT(lint_names); i++)
		if (s->lint[i] > 0)
			(void)json_object_set_new(all, lint_names[i], json_integer(num(s->lint[i])));
	return all;
}

static json_t *counts_of(const struct sl_export *x)
{
	const struct sl_export_stats *s = &x->stats;

	return json_pack("{s:s, s:I, s:I, s:I, s:o, s:I, s:I, s:{s:I, s:I, s:I}, s:{s:I, s:I, s:I}, s:{s:I, "
	                 "s:I, s:I, s:I, "
	                 "s:I}, s:I, s:I, s:o, s:I, s:I, s:I}",
	                 "dir", x->cfg->dir, "lines", num(s->lines), "blocks", num(s->blocks), "exceptions",
	                 num(s->exceptions), "refused", refused_of(s), "duplicates", num(s->duplicates),
	                 "covered", num(s->covered), "left_out", "conflicts", num(s->conflicts), "below",
	                 num(s->below), "prefixes", num(s->prefixes), "widened", "exact", num(s->exact),
	                 "www_moved", num(s->www_moved), "www_added", num(s->www_added), "www", "folded",
	                 num(s->www_folded), "moved", num(s->www_moved), "added", num(s->www_added),
	                 "unreachable", num(s->www_unreachable), "conflicts", num(s->www_conflicts),
	                 "addresses", num(s->addresses), "ports", num(s->ports), "lint", lint_of(s),
	                 "entries", num(s->written), "runs", num(s->runs), "shards",
	                 num(sl_pir_shards(s->written, SL_EXPORT_PER_SHARD)));
}

static json_t *shape_of(const struct sl_export *x)
{
	double key = x->gauge.per_key;

	return json_pack("{s:I, s:I, s:I, s:I, s:s, s:f, s:f, s:f, s:f}", "bits", num(x->shape.bits),
	                 "hashes", num(x->shape.hashes), "seed", num(x->shape.seed), "bytes",
	                 num(sl_prefilter_bytes(&x->shape)), "tag", x->tag, "tolerance", x->cfg->tolerance,
	                 "rate_per_key", key, "rate_24_keys", sl_gauge_per_request(key, 24), "rate_48_keys",
	                 sl_gauge_per_request(key, 48));
}

/* NE-URL-23, NE-BLOOM-12, NE-CHOICE-42. */
static void warn_prefilter(const struct sl_export *x, json_t *warnings, json_t *notes)
{
	size_t bytes = sl_prefilter_bytes(&x->shape);
	double page = sl_gauge_per_request(x->gauge.per_key, 48);

	if (bytes > BYTES_MAX)
		say(warnings,
		    "the prefilter has %.1f MiB: a host process that kept it was killed at about 90 MiB "
		    "(NE-URL-23); raise --p or split the list",
		    (double)bytes / (1 << 20));
	if (x->stats.written < SL_APPLE_ITEMS_FEW)
		say(x->cfg->strict ? warnings : notes,
		    "fewer than %d entries: at NE-BLOOM-01's size so few bits repeat themselves in every "
		    "key, and "
		    "%s "
		    "(NE-BLOOM-12)",
		    SL_APPLE_ITEMS_FEW,
		    x->cfg->strict
		            ? "a device then asks PIR for nearly every page; leave --strict out"
		            : "a device would ask PIR for nearly every page; this one has 1024 bits at "
		              "least");
	if (page > 0.2)
		say(warnings, "%.0f %% of requests for pages on no list go to PIR; lower --p", page * 100);
}

static void say_entries(const struct sl_export *x, json_t *warnings, json_t *notes)
{
	const struct sl_export_stats *s = &x->stats;
#define SAY(to, n, text)                                                \
	do {                                                            \
		if ((n) > 0)                                            \
			say(to, "%llu " text, (unsigned long long)(n)); \
	} while (0)
	SAY(warnings, s->conflicts,
	    "entries lie above an exception and were left out (left-out.txt): written, they would block it; "
	    "--on-conflict block writes them");
	SAY(warnings, s->below,
	    "entries mean subdomains only and were left out (left-out.txt): Apple's entries cover the host, "
	    "too; "
	    "--on-conflict block writes them");
	SAY(warnings, s->prefixes, "prefixes of addresses were left out (left-out.txt): no URL has them");
	SAY(notes, x->cfg->regex == NULL ? s->exact : 0,
	    "entries of one host only are widened: Apple's entries cover subdomains");
	SAY(notes, s->addresses,
	    "addresses were written as hosts of URLs: names that lead there are not blocked");
	SAY(warnings, s->unmatched, "entries are left out: the regular expression makes nothing of them");
	if (x->cfg->regex != NULL)
		say(notes, "an entry stands for those URLs only of which the regular expression makes the "
		           "same text: it "
		           "covers no subdomains and nothing below its path (NE-URL-39)");
	SAY(warnings, x->cfg->regex == NULL ? s->www_unreachable : 0,
	    "entries start with www. and are never asked for under ne27, and without it are not listed; "
	    "--www "
	    "both adds that form, which blocks the whole site");
	SAY(warnings, s->www_conflicts,
	    "of these would block an exception without www., and so have no such form");
	SAY(notes, s->www_moved,
	    "entries with a path were written without www.: they count on the whole site now");
	SAY(notes, s->www_added,
	    "entries without www. were added: they block whole sites of which one host was listed");
	SAY(notes, s->www_folded, "entries with www. went into the same without it, which is listed");
	SAY(notes, s->ports,
	    "entries name port 80 or 443, which ne26 never asks for where it is the scheme's");
#undef SAY
}

json_t *sl_export_report(const struct sl_export *x)
{
	json_t *root = counts_of(x), *shape = shape_of(x), *warnings = json_array(), *notes = json_array();

	warn_prefilter(x, warnings, notes);
	say_entries(x, warnings, notes);
	if (!x->service)
		say(notes, "no pir-service.json was written: --bundle names the app, and so the use case");
	if (x->token)
		say(notes,
		    "pir-service.json has a first user with a random token: it is a secret, and the app's "
		    "pirAuthenticationToken");
	bool good = root != NULL && shape != NULL && json_object_update(root, shape) == 0;
	good = json_object_set_new(root, "warnings", warnings) == 0 && good;
	good = json_object_set_new(root, "notes", notes) == 0 && good;
	json_decref(shape);
	if (!good)
		json_decref(root);
	return good ? root : NULL;
}
