/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/filter/ne_story.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

void story_say(struct story *s, const char *format, ...)
{
	va_list args;
	int n = 0;
	if (s->len > 0)
		s->len += (size_t)snprintf(s->said + s->len, STORY_TEXT - s->len, " ");
	if (s->now.us != s->said_at.us)
		s->len += (size_t)snprintf(s->said + s->len, STORY_TEXT - s->len, "@%lld ",
		                           (long long)s->now.us / 1000);
	s->said_at = s->now;
	va_start(args, format);
	n = vsnprintf(s->said + s->len, STORY_TEXT - s->len, format, args);
	va_end(args);
	s->len += (size_t)n;
	if (s->len >= STORY_TEXT) {
		(void)fprintf(stderr, "a story is too long\n");
		abort();
	}
}

static void no_word(const char *what, const char *word)
{
	(void)fprintf(stderr, "no %s: %s\n", what, word);
	abort();
}

/* ---- verdicts ---- */

static uint64_t bytes(const char **at)
{
	char *end = NULL;
	if (**at == '*') {
		(*at)++;
		return SL_NE_BYTES_MAX;
	}
	uint64_t n = strtoull(*at, &end, 10);
	*at = end;
	return n;
}

static bool filtered(const char **at, uint64_t *peek)
{
	if (**at == '-') {
		(*at)++;
		return false;
	}
	*peek = bytes(at);
	return true;
}

static const struct {
	const char *name;
	enum sl_ne_verdict_kind kind;
} words[] = {
	{ "allow", SL_NE_VERDICT_ALLOW },   { "drop", SL_NE_VERDICT_DROP },
	{ "pause", SL_NE_VERDICT_PAUSE },   { "rules", SL_NE_VERDICT_NEED_RULES },
	{ "rem", SL_NE_VERDICT_REMEDIATE }, { "url", SL_NE_VERDICT_URL_APPEND_STRING },
	{ "later", SL_NE_VERDICT_LATER },   { "f", SL_NE_VERDICT_FILTER_DATA },
	{ "p", SL_NE_VERDICT_DATA },
};

static enum sl_ne_verdict_kind kind_of(const char **at)
{
	for (size_t i = 0; i < SL_COUNT(words); i++) {
		size_t n = strlen(words[i].name);
		if (strncmp(*at, words[i].name, n) == 0) {
			*at += n;
			return words[i].kind;
		}
	}
	no_word("verdict", *at);
	return SL_NE_VERDICT_KINDS;
}

struct sl_ne_verdict story_verdict(const char *text, enum sl_ne_verdict_of of)
{
	struct sl_ne_verdict v = { .of = of };
	if (*text == '~') {
		v.of = of == SL_NE_NEW_FLOW_VERDICT ? SL_NE_DATA_VERDICT : SL_NE_NEW_FLOW_VERDICT;
		text++;
	}
	v.kind = kind_of(&text);
	if (v.kind == SL_NE_VERDICT_FILTER_DATA) {
		v.filter_inbound = filtered(&text, &v.peek_inbound_bytes);
		text++;
		v.filter_outbound = filtered(&text, &v.peek_outbound_bytes);
	} else if (v.kind == SL_NE_VERDICT_DATA) {
		v.pass_bytes = bytes(&text);
		text++;
		v.peek_bytes = bytes(&text);
	}
	v.map_key = "key";
	if (v.of == SL_NE_NEW_FLOW_VERDICT) {
		v.remediation_url_map_key = "url";
		v.remediation_button_text_map_key = "button";
	}
	if (*text == '!') {
		v.should_report = true;
		text++;
	}
	if (*text == '+')
		v.statistics_report_frequency = (enum sl_ne_frequency)(text[1] - '0');
	return v;
}

static void say_bytes(char *out, size_t cap, uint64_t n)
{
	if (n == SL_NE_BYTES_MAX)
		(void)snprintf(out, cap, "*");
	else
		(void)snprintf(out, cap, "%llu", (unsigned long long)n);
}

static const char *verdict_text(const struct sl_ne_verdict *v, char *out, size_t cap)
{
	char a[24] = "-", b[24] = "-";
	if (v->kind == SL_NE_VERDICT_DATA) {
		say_bytes(a, sizeof(a), v->pass_bytes);
		say_bytes(b, sizeof(b), v->peek_bytes);
	} else if (v->kind == SL_NE_VERDICT_FILTER_DATA) {
		if (v->filter_inbound)
			say_bytes(a, sizeof(a), v->peek_inbound_bytes);
		if (v->filter_outbound)
			say_bytes(b, sizeof(b), v->peek_outbound_bytes);
	}
	for (size_t i = 0; i < SL_COUNT(words); i++) {
		if (words[i].kind != v->kind)
			continue;
		bool two = v->kind == SL_NE_VERDICT_DATA || v->kind == SL_NE_VERDICT_FILTER_DATA;
		(void)snprintf(out, cap, two ? "%s%s,%s" : "%s", words[i].name, a, b);
	}
	return out;
}

/* ---- the provider ---- */

static struct sl_ne_verdict answer(struct story *s, enum sl_ne_verdict_of of)
{
	char one[64];
	size_t n = strcspn(s->answers, " ");
	if (n == 0)
		return (struct sl_ne_verdict){ .of = of, .kind = SL_NE_VERDICT_ALLOW };
	(void)snprintf(one, sizeof(one), "%.*s", (int)n, s->answers);
	s->answers += s->answers[n] == ' ' ? n + 1 : n;
	return story_verdict(one, of);
}

static struct sl_ne_verdict on_new_flow(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	struct story *s = (struct story *)ctx;
	(void)flow;
	(void)now;
	return answer(s, SL_NE_NEW_FLOW_VERDICT);
}

/* Every byte of a direction is its offset. */
static struct sl_ne_verdict on_data(void *ctx, struct sl_ne_flow *flow, const struct sl_ne_read_bytes *read,
                                    struct sl_mono now)
{
	uint8_t copy[4096];
	size_t n = sl_ne_read_bytes_copy(read, copy, sizeof(copy));
	if (read->attribute != (flow->info.socket_type == SL_NE_SOCK_RAW))
		no_word("attribute", "of that kind (NE-FLOW-10)");
	(void)now;
	if (n != sl_min(read->len, sizeof(copy)))
		no_word("bytes", "copied");
	for (size_t i = 0; i < n; i++)
		if (copy[i] != (uint8_t)(read->start_offset + i))
			no_word("right bytes", "in a callback");
	return answer((struct story *)ctx, SL_NE_DATA_VERDICT);
}

static struct sl_ne_verdict on_complete(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	(void)flow;
	(void)now;
	return answer((struct story *)ctx, SL_NE_DATA_VERDICT);
}

static void say_report(void *ctx, const char *to, const struct sl_ne_report *r)
{
	story_say((struct story *)ctx, "%s(%s,%s,%llu,%llu)", to, sl_ne_report_event_name(r->event),
	          sl_ne_action_name(r->action), (unsigned long long)r->bytes_inbound_count,
	          (unsigned long long)r->bytes_outbound_count);
}

static void on_report(void *ctx, struct sl_ne_flow *flow, const struct sl_ne_report *r, struct sl_mono now)
{
	(void)flow;
	(void)now;
	say_report(ctx, "report", r);
}

static void on_control_report(void *ctx, struct sl_ne_flow *flow, const struct sl_ne_report *r,
                              struct sl_mono now)
{
	struct sl_ne_verdict allow = sl_ne_data_verdict_allow();
	say_report(ctx, "REPORT", r);
	if (((struct story *)ctx)->updates && r->event == SL_NE_REPORT_FLOW_CLOSED)
		(void)sl_ne_update_flow(flow, &allow, SL_NE_ANY, now);
}

static void on_rules_changed(void *ctx, struct sl_ne_filter *filter, struct sl_mono now)
{
	(void)filter;
	(void)now;
	story_say((struct story *)ctx, "rules!");
}

static enum sl_ne_remediation_verdict on_remediation(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	(void)ctx;
	(void)flow;
	(void)now;
	return SL_NE_REMEDIATION_NEED_RULES;
}

static void on_control(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	struct story *s = (struct story *)ctx;
	char c = s->control;
	if (!s->insists)
		s->control = 0;
	if (c != 0)
		(void)sl_ne_control_verdict(flow,
		                            c == 'a'   ? SL_NE_CONTROL_ALLOW
		                            : c == 'd' ? SL_NE_CONTROL_DROP
		                                       : SL_NE_CONTROL_UPDATE_RULES,
		                            false, now);
}

/* ---- the driver ---- */

static uint8_t content[65536 + 256];

static void on_packet(void *ctx, struct sl_ne_flow *flow, enum sl_ne_direction direction,
                      const struct sl_ne_packet *packet, struct sl_mono now)
{
	(void)ctx;
	(void)flow;
	(void)now;
	if (packet->token != direction)
		no_word("packet", "of that direction");
}

static void on_decided(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	struct story *s = (struct story *)ctx;
	(void)flow;
	(void)now;
	if (s->decided_told)
		story_say(s, "decided");
}

static void on_finish(void *ctx, struct sl_ne_flow *flow, enum sl_ne_direction direction, struct sl_mono now)
{
	(void)flow;
	(void)now;
	story_say((struct story *)ctx, "fin:%c", direction == SL_NE_INBOUND ? 'i' : 'o');
}

static void say_dropped(struct story *s, unsigned refusal)
{
	story_say(s, "drop(%s%s%s%s)", refusal & SL_NE_RESET_OPENER ? "R" : "",
	          refusal & SL_NE_RESET_ANSWERER ? "r" : "", refusal & SL_NE_PROHIBITED ? "I" : "",
	          refusal & SL_NE_REMEDIATION ? "B" : "");
}

static void on_refuse(void *ctx, struct sl_ne_flow *flow, unsigned refusal, struct sl_mono now)
{
	(void)flow;
	(void)now;
	say_dropped((struct story *)ctx, refusal);
}

static void on_closed(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	struct story *s = (struct story *)ctx;
	(void)now;
	s->flow[(uintptr_t)flow->driver] = NULL;
}

/* ---- the trace ---- */

static void say_callback(struct story *s, const struct sl_ne_trace_event *e)
{
	static const char *const names[] = { "new", "in", "out", "in.end", "out.end" };
	char text[64];
	const char *name = names[e->event - SL_NE_EVENT_NEW_FLOW],
	           *v = verdict_text(e->verdict, text, sizeof(text));
	if (e->event == SL_NE_EVENT_INBOUND_DATA || e->event == SL_NE_EVENT_OUTBOUND_DATA)
		story_say(s, "%s[%llu-%llu]=%s", name, (unsigned long long)e->start_offset,
		          (unsigned long long)e->start_offset + e->len, v);
	else
		story_say(s, "%s=%s", name, v);
}

static void say_event(struct story *s, const struct sl_ne_trace_event *e)
{
	char d = e->direction == SL_NE_INBOUND ? 'i' : 'o';
	unsigned long long len = e->len;
	switch (e->event) {
	case SL_NE_EVENT_RELEASE:
		story_say(s, ">%c%llu", d, len);
		break;
	case SL_NE_EVENT_DISCARD:
		story_say(s, "x%c%llu", d, len);
		break;
	case SL_NE_EVENT_REFUSED:
		story_say(s, "full:%c%llu", d, len);
		break;
	case SL_NE_EVENT_STALL:
		story_say(s, "stall:%c", d);
		break;
	case SL_NE_EVENT_DETACHED:
		story_say(s, "open");
		break;
	case SL_NE_EVENT_CONTROL:
		story_say(s, "ask");
		break;
	case SL_NE_EVENT_TIMER:
		story_say(s, "timer:%s", sl_ne_timer_name(e->timer));
		break;
	case SL_NE_EVENT_ILLEGAL:
		story_say(s, "illegal:%s", sl_ne_illegal_name(e->illegal));
		break;
	case SL_NE_EVENT_CLOSED:
		story_say(s, "closed");
		break;
	default:
		break;
	}
}

/* What is in is out, thrown away or waits; offsets are in order. */
static void check_side(const struct sl_ne_trace_side *t, const struct sl_ne_side *side)
{
	if (t->received < t->released + t->dropped || t->window.peek < t->window.pass ||
	    (side->held.first != NULL && side->held.last->end > t->window.seen))
		no_word("sum", "of bytes");
}

static void on_trace(void *ctx, const struct sl_ne_trace_event *e)
{
	struct story *s = (struct story *)ctx;
	if (e->time.us != s->now.us)
		no_word("time", "of an event");
	if (e->event >= SL_NE_EVENT_NEW_FLOW && e->event <= SL_NE_EVENT_OUTBOUND_COMPLETE)
		say_callback(s, e);
	else
		say_event(s, e);
	if (e->flow != NULL) {
		check_side(&e->inbound, &e->flow->side[1]);
		check_side(&e->outbound, &e->flow->side[0]);
	}
}

void story_begin(struct story *s, struct sl_ne_env *env)
{
	s->env = env;
	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (uint8_t)i;
	env->provider = (struct sl_ne_provider){ .ctx = s,
		                                 .handle_new_flow = on_new_flow,
		                                 .handle_inbound_data_from_flow = on_data,
		                                 .handle_outbound_data_from_flow = on_data,
		                                 .handle_inbound_data_complete_for_flow = on_complete,
		                                 .handle_outbound_data_complete_for_flow = on_complete,
		                                 .handle_report = on_report,
		                                 .handle_rules_changed = on_rules_changed,
		                                 .handle_remediation_for_flow = on_remediation };
	env->control = (struct sl_ne_control){ s, on_control, on_control_report };
	env->sink = (struct sl_ne_sink){ .ctx = s,
		                         .decided = on_decided,
		                         .release = on_packet,
		                         .drop = on_packet,
		                         .finish = on_finish,
		                         .refuse = on_refuse,
		                         .closed = on_closed };
	env->trace = (struct sl_ne_trace){ s, on_trace };
}

/* ---- events ---- */

static void go_on(struct story *s, int64_t ms)
{
	struct sl_mono until = sl_mono_add(s->now, sl_span_ms(ms)), due;
	while (sl_ne_env_due(s->env, &due) && sl_mono_reached(until, due)) {
		if (due.us > s->now.us)
			s->now = due;
		sl_ne_env_tick(s->env, s->now);
	}
	s->now = until;
}

static struct sl_ne_flow *without_filter(struct story *s, void *driver)
{
	struct sl_ne_flow *flow = sl_ne_flow_new(s->env, &s->info, s->now);
	if (flow == NULL)
		return NULL;
	flow->driver = driver;
	sl_ne_flow_enter(flow);
	sl_ne_flow_ask(flow, s->now);
	struct sl_ne_flow *left = flow->state == SL_NE_FLOW_CLOSED ? NULL : flow;
	sl_ne_flow_leave(flow, s->now);
	return left;
}

static void new_flow(struct story *s)
{
	uint64_t no_room = s->env->counters.no_room;
	struct sl_ne_opening opening = {
		.info = s->info, .older = s->older, .first = s->first, .driver = (void *)(uintptr_t)s->flows
	};
	struct sl_ne_flow *flow = NULL;
	if (s->filter != NULL)
		(void)sl_ne_filter_open_flow(s->filter, &opening, s->now, &flow);
	else
		flow = without_filter(s, opening.driver);
	if (s->env->counters.no_room != no_room) {
		story_say(s, "no-room");
		return;
	}
	s->flow[s->flows++] = flow;
	s->at = s->flows;
}

static void data(struct story *s, struct sl_ne_flow *flow, enum sl_ne_direction direction, size_t len)
{
	const uint8_t *p = content + (uint8_t)sl_ne_flow_side(flow, direction)->window.seen;
	struct sl_ne_packet packet = { { p, len }, direction };
	if (s->filter != NULL)
		sl_ne_filter_data(s->filter, flow, direction, &packet, s->now);
	else
		sl_ne_flow_data(flow, direction, &packet, s->now);
}

static void provider_calls(struct story *s, struct sl_ne_flow *flow, const char *word)
{
	bool new_flow_kind = flow->question.callback == SL_NE_EVENT_NEW_FLOW;
	const char *text = strchr(word, ':') + 1;
	struct sl_ne_verdict v = story_verdict(text, word[0] != 'u' && new_flow_kind ? SL_NE_NEW_FLOW_VERDICT
	                                                                             : SL_NE_DATA_VERDICT);
	enum sl_ne_direction d = word[1] == 'i' ? SL_NE_INBOUND : word[1] == 'o' ? SL_NE_OUTBOUND : SL_NE_ANY;
	if (word[0] == 'r')
		(void)sl_ne_resume_flow(flow, &v, s->now);
	else if (word[0] == 'a')
		(void)sl_ne_answer_flow(flow, &v, s->now);
	else
		(void)sl_ne_update_flow(flow, &v, d, s->now);
}

static void control_answers(struct story *s, struct sl_ne_flow *flow, char how)
{
	(void)sl_ne_control_verdict(flow,
	                            how == 'd'   ? SL_NE_CONTROL_DROP
	                            : how == 'u' ? SL_NE_CONTROL_UPDATE_RULES
	                                         : SL_NE_CONTROL_ALLOW,
	                            how == '+', s->now);
}

static bool flow_event(struct story *s, struct sl_ne_flow *flow, const char *word)
{
	enum sl_ne_direction d =
	        word[0] == 'i' || (word[0] == 'f' && word[1] == 'i') ? SL_NE_INBOUND : SL_NE_OUTBOUND;
	enum sl_ne_remediation_verdict remediation = SL_NE_REMEDIATION_ALLOW;
	if (strcmp(word, "syn") == 0)
		sl_ne_flow_answered(flow);
	else if (strcmp(word, "rem") == 0)
		story_say(s, "rem=%s",
		          !sl_ne_flow_remediation(flow, s->now, &remediation) ? "none"
		          : remediation == SL_NE_REMEDIATION_NEED_RULES       ? "needRules"
		                                                              : "other");
	else if (strchr(word, ':') != NULL)
		provider_calls(s, flow, word);
	else if (word[0] == 'k')
		control_answers(s, flow, word[1]);
	else if (word[0] == 'o' || word[0] == 'i')
		data(s, flow, d, strtoul(word + 1, NULL, 10));
	else if (word[0] == 'f')
		sl_ne_flow_finish(flow, d, s->now);
	else if (word[0] == 'c')
		sl_ne_flow_close(flow, sl_mono_add(s->now, s->env->options.close_wait), s->now);
	else
		return false;
	return true;
}

bool story_event(struct story *s, const char *word)
{
	if (strcmp(word, "new") == 0)
		new_flow(s);
	else if (word[0] == 't')
		go_on(s, strtoll(word + 1, NULL, 10));
	else if (word[0] == '#')
		s->at = (unsigned)strtoul(word + 1, NULL, 10);
	else if (s->at == 0 || s->flow[s->at - 1] == NULL)
		story_say(s, "gone");
	else
		return flow_event(s, s->flow[s->at - 1], word);
	return true;
}
