/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/err.h"
#include "daemon/json_text.h"
#include "daemon/ne_compare.h"

enum { PROTOCOL_TEXT = 24 };

static const char *protocol_name(unsigned protocol, char out[PROTOCOL_TEXT])
{
	if (protocol == 6 || protocol == 17)
		(void)snprintf(out, PROTOCOL_TEXT, "%s", protocol == 6 ? "TCP" : "UDP");
	else if (protocol == 0)
		(void)snprintf(out, PROTOCOL_TEXT, "flow");
	else
		(void)snprintf(out, PROTOCOL_TEXT, "protocol %u", protocol);
	return out;
}

static const char *kind_name(const struct sl_ne_recording *rec)
{
	return rec->kind == SL_NE_TRACE ? "trace" : "log of macOS";
}

static const char *family_name(const struct sl_ne_seen_flow *f)
{
	return f->family == SL_NE_SEEN_DIVERT ? "flow divert" : "the content filter";
}

static const char *direction_name(const struct sl_ne_seen_flow *f)
{
	return f->direction < 0 ? "" : sl_ne_seen_side_name((enum sl_ne_seen_side)f->direction);
}

/* Text of files may hold what a terminal acts on. */
static void print_safe(FILE *to, const char *text)
{
	for (; *text != '\0'; text++)
		(void)fputc((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text, to);
}

/* ---- text ---- */

static void print_recording(const struct sl_ne_recording *rec, const char *label, FILE *to)
{
	(void)fprintf(to, "%s", label);
	print_safe(to, rec->name);
	(void)fprintf(to, ": %s", kind_name(rec));
	if (rec->writer != NULL) {
		(void)fprintf(to, " by ");
		print_safe(to, rec->writer);
	}
	(void)fprintf(to, ", %zu flow%s, %" PRIu64 " event%s", rec->flows, rec->flows == 1 ? "" : "s",
	              rec->events, rec->events == 1 ? "" : "s");
	if (rec->lost > 0)
		(void)fprintf(to, ", %" PRIu64 " lost", rec->lost);
	if (rec->kind == SL_NE_LOG && rec->unknown > 0)
		(void)fprintf(to, ", %" PRIu64 " lines of others", rec->unknown);
	(void)fputc('\n', to);
}

static void print_flow(const struct sl_ne_seen_flow *f, FILE *to)
{
	char protocol[PROTOCOL_TEXT], local[SL_NE_END_TEXT], remote[SL_NE_END_TEXT];
	(void)fprintf(to, "flow ");
	print_safe(to, f->name);
	if (f->n > 0 && f->event[0].event == SL_NE_SEEN_LOG)
		(void)fprintf(to, " of %s", family_name(f));
	(void)fprintf(to, ": %s%s%s", protocol_name(f->protocol, protocol), f->direction < 0 ? "" : " ",
	              direction_name(f));
	if (f->remote.family != 0 || f->remote.port != 0)
		(void)fprintf(to, " %s -> %s", sl_ne_seen_end_text(&f->local, local),
		              sl_ne_seen_end_text(&f->remote, remote));
	if (f->host != NULL || f->app != NULL) {
		(void)fprintf(to, " (");
		print_safe(to, f->host != NULL ? f->host : f->app);
		(void)fputc(')', to);
	}
}

static void print_finding(const struct sl_ne_finding *f, FILE *to)
{
	char lines[64] = "";
	if (f->line != 0 && f->other_line != 0)
		(void)snprintf(lines, sizeof(lines), "lines %u and %u: ", f->line, f->other_line);
	else if (f->line != 0 || f->other_line != 0)
		(void)snprintf(lines, sizeof(lines), "line %u%s: ", f->line != 0 ? f->line : f->other_line,
		               f->line != 0 ? "" : " of the other");
	(void)fprintf(to, "  %-10s %-12s %s", sl_ne_weight_name(f->weight), f->rule == NULL ? "-" : f->rule,
	              lines);
	print_safe(to, f->text);
	(void)fputc('\n', to);
}

static void print_clocks(const struct sl_ne_comparison *c, FILE *to)
{
	if (!c->pairing.has_offset && c->a->has_started && c->b->has_started)
		(void)fprintf(to, "clocks: no flow that both have tells their difference; wall clocks are "
		                  "taken to be equal\n");
	else if (!c->pairing.has_offset)
		(void)fprintf(to,
		              "clocks: no flow that both have tells their difference; it is taken to be 0\n");
	else
		(void)fprintf(to, "clocks: time 0 of B is %.3f s %s that of A (estimated)\n",
		              (double)llabs((long long)c->pairing.offset) / 1e6,
		              c->pairing.offset <= 0 ? "after" : "before");
}

static size_t count(const struct sl_ne_comparison *c, enum sl_ne_weight weight)
{
	size_t n = 0;
	for (size_t i = 0; i < c->findings.n; i++)
		n += c->findings.at[i].weight == weight;
	return n;
}

/* Only where one of the two is a Mac's. */
static bool is_across(const struct sl_ne_comparison *c)
{
	return c->b != NULL && (c->a->mac || c->b->mac);
}

static void print_end(const struct sl_ne_comparison *c, FILE *to)
{
	size_t wrong = count(c, SL_NE_WRONG);
	if (is_across(c)) {
		(void)fprintf(to, "not compared:\n");
		for (const struct sl_ne_uncompared *u = sl_ne_uncompared; u->rule != NULL; u++)
			(void)fprintf(to, "  %-12s %s: %s\n", u->rule, u->what, u->why);
	}
	if (c->b == NULL)
		(void)fprintf(to, "%s: %zu against the rules or stalled, %zu notes\n",
		              wrong == 0 ? "clean" : "findings", wrong, count(c, SL_NE_NOTE));
	else
		(void)fprintf(to,
		              "%s: %zu of %zu pairs are the same, %zu more flows are parts of one; %zu "
		              "undocumented, %zu documented\n",
		              wrong == 0 ? "equal but for what is documented" : "different", c->same,
		              c->paired, c->several, wrong, count(c, SL_NE_DOCUMENTED));
}

static void print_text(const struct sl_ne_comparison *c, FILE *to)
{
	const struct sl_ne_seen_flow *last = NULL;
	print_recording(c->a, c->b == NULL ? "" : "A ", to);
	if (c->b != NULL) {
		print_recording(c->b, "B ", to);
		print_clocks(c, to);
	}
	for (size_t i = 0; i < c->findings.n; i++) {
		const struct sl_ne_finding *f = &c->findings.at[i];
		if (f->flow != NULL && f->flow != last) {
			print_flow(f->flow, to);
			if (f->other != NULL) {
				(void)fprintf(to, "  =  ");
				print_flow(f->other, to);
			}
			(void)fputc('\n', to);
		}
		last = f->flow;
		print_finding(f, to);
	}
	print_end(c, to);
}

/* ---- JSON ---- */

static void set(json_t *object, const char *key, json_t *value)
{
	if (value != NULL)
		(void)json_object_set_new(object, key, value);
}

static json_t *text_of(const char *text)
{
	return text == NULL ? NULL : sl_json_text(sl_bytes_str(text));
}

static json_t *json_recording(const struct sl_ne_recording *rec)
{
	json_t *o = json_object();
	set(o, "name", text_of(rec->name));
	set(o, "kind", json_string(rec->kind == SL_NE_TRACE ? "trace" : "log"));
	set(o, "writer", text_of(rec->writer));
	set(o, "profile", text_of(rec->profile));
	set(o, "flows", json_integer((json_int_t)rec->flows));
	set(o, "events", json_integer((json_int_t)rec->events));
	set(o, "lost", json_integer((json_int_t)rec->lost));
	set(o, "unread", json_integer((json_int_t)rec->malformed));
	set(o, "unknown", json_integer((json_int_t)rec->unknown));
	set(o, "private", json_integer((json_int_t)rec->hidden));
	return o;
}

static json_t *json_flow(const struct sl_ne_seen_flow *f)
{
	char text[SL_NE_END_TEXT];
	json_t *o = json_object();
	set(o, "name", text_of(f->name));
	set(o, "family", json_string(f->family == SL_NE_SEEN_DIVERT ? "flow divert" : "content filter"));
	if (f->protocol != 0)
		set(o, "protocol", json_integer(f->protocol));
	if (f->direction >= 0)
		set(o, "direction", json_string(direction_name(f)));
	if (sl_ne_seen_end_known(&f->local))
		set(o, "local", json_string(sl_ne_seen_end_text(&f->local, text)));
	if (sl_ne_seen_end_known(&f->remote))
		set(o, "remote", json_string(sl_ne_seen_end_text(&f->remote, text)));
	set(o, "remoteHostname", text_of(f->host));
	set(o, "app", text_of(f->app));
	return o;
}

static json_t *json_finding(const struct sl_ne_finding *f)
{
	json_t *o = json_object();
	set(o, "weight", json_string(sl_ne_weight_name(f->weight)));
	if (f->rule != NULL)
		set(o, "rule", json_string(f->rule));
	if (f->flow != NULL)
		set(o, "flow", json_flow(f->flow));
	if (f->other != NULL)
		set(o, "other", json_flow(f->other));
	if (f->line != 0)
		set(o, "line", json_integer(f->line));
	if (f->other_line != 0)
		set(o, "other_line", json_integer(f->other_line));
	set(o, "text", text_of(f->text));
	return o;
}

static json_t *json_uncompared(void)
{
	json_t *all = json_array();
	for (const struct sl_ne_uncompared *u = sl_ne_uncompared; u->rule != NULL; u++) {
		json_t *o = json_object();
		set(o, "rule", json_string(u->rule));
		set(o, "what", json_string(u->what));
		set(o, "why", json_string(u->why));
		(void)json_array_append_new(all, o);
	}
	return all;
}

static int print_json(const struct sl_ne_comparison *c, FILE *to)
{
	json_t *o = json_object(), *findings = json_array();
	set(o, "a", json_recording(c->a));
	if (c->b != NULL) {
		set(o, "b", json_recording(c->b));
		if (c->pairing.has_offset)
			set(o, "clock_offset_us", json_integer(c->pairing.offset));
		set(o, "pairs", json_integer((json_int_t)c->paired));
		set(o, "same", json_integer((json_int_t)c->same));
		set(o, "parts", json_integer((json_int_t)c->several));
	}
	for (size_t i = 0; i < c->findings.n; i++)
		(void)json_array_append_new(findings, json_finding(&c->findings.at[i]));
	set(o, "findings", findings);
	if (is_across(c))
		set(o, "not_compared", json_uncompared());
	set(o, "wrong", json_integer((json_int_t)count(c, SL_NE_WRONG)));
	int err = o == NULL || json_dumpf(o, to, JSON_COMPACT) != 0 ? SL_ENOMEM : SL_OK;
	(void)fputc('\n', to);
	json_decref(o);
	return err;
}

int sl_ne_comparison_print(const struct sl_ne_comparison *c, bool json, FILE *to)
{
	if (json)
		return print_json(c, to);
	print_text(c, to);
	return SL_OK;
}
