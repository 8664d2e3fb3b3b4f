/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/err.h"
#include "daemon/provider_external_impl.h"

enum {
	HELLO_MS = 5000, /* for the first message */
	PAUSE_MS = 1000, /* before the next one is listened to, after nonsense */
	NOTES_MAX = 20,  /* for the log, a second */
	SECOND_US = 1000000,
	WRONG_MAX = 1024
};

/* ---- what came is none of the protocol's ---- */

/* The first text of a message that is wrong. */
struct wrong {
	char text[WRONG_MAX];
};

static void keep(void *ctx, const char *file, unsigned line, const char *text)
{
	struct wrong *w = (struct wrong *)ctx;
	(void)file, (void)line;
	(void)snprintf(w->text, sizeof(w->text), "%s", text);
}

static void nonsense(struct sl_provider_external *x, const char *text, struct sl_mono now)
{
	struct sl_out o = sl_provider_note_begin(x);
	sl_provider_say_error(&o, text);
	(void)sl_provider_link_end(&x->link, &o);
	(void)sl_provider_link_flush(&x->link);
	x->gone = true;
	x->counters.nonsense++;
	x->listen_due = sl_mono_add(now, sl_span_ms(PAUSE_MS));
	sl_provider_link_pause(&x->link, true);
	sl_provider_say_log(x, true, "provider: %s; it is closed, and may come again", text);
}

SL_PRINTF(3, 4)
static bool out_of_place(struct sl_provider_external *x, struct sl_mono now, const char *fmt, ...)
{
	struct wrong w;
	va_list ap;
	va_start(ap, fmt);
	int n = snprintf(w.text, sizeof(w.text), "message %u: ", x->messages);
	(void)vsnprintf(w.text + n, sizeof(w.text) - (size_t)n, fmt, ap);
	va_end(ap);
	nonsense(x, w.text, now);
	return false;
}

/* ---- moves ---- */

static void ignored(struct sl_provider_external *x, const struct sl_provider_message *m, uint64_t *counter,
                    const char *why)
{
	struct sl_out o = sl_provider_note_begin(x);
	++*counter;
	sl_provider_say_ignored(&o, m->flow, m->kind, why);
	sl_provider_note_end(x, &o);
}

static void illegal_move(struct sl_provider_external *x, const struct sl_provider_message *m, bool done)
{
	if (!done)
		ignored(x, m, &x->counters.illegal, "illegal");
}

/* A flow that is gone is no error: both may speak at once. One that it was never told of is. */
static struct sl_provider_flow *find(struct sl_provider_external *x, const struct sl_provider_message *m,
                                     struct sl_mono now)
{
	if (m->flow == 0 || m->flow > x->last_flow) {
		(void)out_of_place(x, now,
		                   "there was no flow %" PRIu64 "; write the number of a handleNewFlow",
		                   m->flow);
		return NULL;
	}
	struct sl_provider_flow *e = sl_provider_flows_get(&x->flows, m->flow);
	if (e == NULL)
		ignored(x, m, &x->counters.unknown, "flowReleased");
	return e;
}

static void hear_verdict(struct sl_provider_external *x, const struct sl_provider_message *m,
                         struct sl_provider_flow *e, struct sl_mono now)
{
	struct sl_ne_verdict v = m->verdict;
	if (m->question == 0 || m->question > x->question) {
		(void)out_of_place(x, now,
		                   "there was no question %" PRIu64 "; write the number of a callback",
		                   m->question);
		return;
	}
	if (e->question != m->question || e->flow->wait != SL_NE_WAIT_ANSWER) {
		ignored(x, m, &x->counters.unasked, "answerUnasked");
		return;
	}
	v.of = sl_provider_class(e->flow);
	e->question = 0; /* the next one may come from inside of the answer */
	if (sl_ne_answer_flow(e->flow, &v, now)) {
		x->counters.answers++;
		return;
	}
	e->question = m->question; /* an illegal verdict is none */
	ignored(x, m, &x->counters.illegal, "illegal");
}

static void hear_of_flow(struct sl_provider_external *x, const struct sl_provider_message *m,
                         struct sl_mono now)
{
	struct sl_provider_flow *e = find(x, m, now);
	struct sl_ne_verdict v = m->verdict;
	if (e == NULL)
		return;
	if (m->kind == SL_PROVIDER_VERDICT) {
		hear_verdict(x, m, e, now);
	} else if (m->kind == SL_PROVIDER_RESUME) {
		v.of = sl_provider_class(e->flow);
		illegal_move(x, m, sl_ne_resume_flow(e->flow, &v, now));
	} else {
		v.of = SL_NE_DATA_VERDICT;
		illegal_move(x, m, sl_ne_update_flow(e->flow, &v, m->direction, now));
	}
}

static void hear_apply(struct sl_provider_external *x, const struct sl_provider_message *m,
                       struct sl_mono now)
{
	int err = sl_ne_filter_apply(x->filter, m->settings == NULL ? NULL : &m->settings->settings, now);
	struct sl_out o = sl_provider_note_begin(x);
	sl_provider_say_applied(&o, err);
	sl_provider_note_end(x, &o);
}

static void hear_started(struct sl_provider_external *x, const struct sl_provider_message *m,
                         struct sl_mono now)
{
	bool done = sl_ne_filter_started(x->filter, m->text == NULL ? SL_OK : SL_EINVAL, now);
	illegal_move(x, m, done);
	if (!done || m->text == NULL)
		return;
	sl_provider_say_log(x, true, "provider: it cannot start: %s; it is closed, and may come again",
	                    m->text);
	x->gone = true;
}

static void hear_log(struct sl_provider_external *x, const struct sl_provider_message *m, struct sl_mono now)
{
	x->counters.notes++;
	if (now.us - x->notes_since.us >= SECOND_US) {
		x->notes_since = now;
		x->notes = 0;
	}
	if (x->notes++ < NOTES_MAX)
		sl_provider_say_log(x, false, "provider says: %s", m->text);
}

/* ---- a connection ---- */

static void hear_hello(struct sl_provider_external *x, const struct sl_provider_message *m,
                       struct sl_mono now)
{
	if (m->version != SL_PROVIDER_VERSION) {
		(void)out_of_place(x, now, "version %" PRIu64 " is not known here; write %d", m->version,
		                   SL_PROVIDER_VERSION);
		return;
	}
	x->there = true;
	x->counters.connections++;
	sl_provider_say_log(x, false, "provider: \"%s\" is there", m->name == NULL ? "" : m->name);
	if (x->filter == NULL)
		return;
	sl_provider_note_configuration(x);
	if (sl_ne_filter_state(x->filter) == SL_NE_FILTER_STARTING)
		x->source.provider.start_filter(x, x->filter, now);
	else if (sl_ne_filter_state(x->filter) == SL_NE_FILTER_DOWN)
		(void)sl_ne_filter_start(x->filter, now);
}

static void act(struct sl_provider_external *x, const struct sl_provider_message *m, struct sl_mono now)
{
	x->silent = false;
	if ((m->kind == SL_PROVIDER_HELLO) == x->there) {
		(void)out_of_place(x, now,
		                   x->there ? "another hello; write it once"
		                            : "the first message is no hello; write it first");
		return;
	}
	if (m->kind != SL_PROVIDER_HELLO && m->kind != SL_PROVIDER_LOG && x->filter == NULL) {
		ignored(x, m, &x->counters.illegal, "illegal");
		return;
	}
	switch (m->kind) {
	case SL_PROVIDER_HELLO:
		hear_hello(x, m, now);
		break;
	case SL_PROVIDER_STARTED:
		hear_started(x, m, now);
		break;
	case SL_PROVIDER_STOPPED:
		illegal_move(x, m, sl_ne_filter_stopped(x->filter, now));
		break;
	case SL_PROVIDER_ASLEEP:
		illegal_move(x, m, sl_ne_filter_asleep(x->filter, now));
		break;
	case SL_PROVIDER_APPLY:
		hear_apply(x, m, now);
		break;
	case SL_PROVIDER_LOG:
		hear_log(x, m, now);
		break;
	default:
		hear_of_flow(x, m, now);
	}
}

/* One message of those that are there; false where there is none. */
static bool hear_one(struct sl_provider_external *x, struct sl_mono now)
{
	struct sl_bytes object = { NULL, 0 };
	struct wrong wrong = { "" };
	const struct sl_diag diag = { keep, &wrong };
	struct sl_provider_message m;
	int err = sl_provider_frame(sl_provider_link_in(&x->link), &object);
	if (err == SL_EMORE)
		return false;
	x->messages++;
	if (err != SL_OK)
		return out_of_place(x, now, "its length is %s; write 1 to %d in four bytes, network order",
		                    err == SL_EMALF ? "0" : "more than any message has",
		                    SL_PROVIDER_MESSAGE_MAX);
	if (sl_provider_message_read(object, x->messages, &diag, &m) != SL_OK) {
		nonsense(x, wrong.text, now);
		return false;
	}
	act(x, &m, now);
	sl_provider_message_free(&m);
	sl_provider_link_take(&x->link, SL_PROVIDER_HEAD + object.len);
	return true;
}

/* It is gone: what it was asked, or had paused, gets the default, and then nobody is there. */
static void lose(struct sl_provider_external *x, struct sl_mono now)
{
	bool was_there = x->there;
	sl_provider_link_drop(&x->link);
	x->there = x->gone = x->silent = false;
	if (!was_there)
		return;
	x->counters.lost++;
	for (uint32_t i = 0; i < x->flows.cap; i++) {
		struct sl_ne_flow *flow = x->flows.entry[i].number == 0 ? NULL : x->flows.entry[i].flow;
		if (flow == NULL || (flow->wait != SL_NE_WAIT_ANSWER && flow->wait != SL_NE_WAIT_PAUSE))
			continue;
		struct sl_ne_verdict v = sl_provider_default(x, flow);
		x->counters.absent++;
		if (flow->wait == SL_NE_WAIT_ANSWER)
			(void)sl_ne_answer_flow(flow, &v, now);
		else
			(void)sl_ne_resume_flow(flow, &v, now);
	}
	if (x->filter != NULL)
		(void)sl_ne_filter_crash(x->filter, now); /* where there is none, none is lost */
}

static void welcome(struct sl_provider_external *x, struct sl_mono now)
{
	uint8_t busy[SL_PROVIDER_HEAD + 128];
	struct sl_out o = sl_out_of(busy + SL_PROVIDER_HEAD, sizeof(busy) - SL_PROVIDER_HEAD);
	struct sl_out head = sl_out_of(busy, SL_PROVIDER_HEAD);
	struct ucred peer = { 0 };
	sl_provider_say_error(&o, "there is a provider already");
	sl_out_u32(&head, (uint32_t)o.len);
	int err = sl_provider_link_accept(&x->link, sl_bytes_of(busy, SL_PROVIDER_HEAD + o.len), &peer);
	if (err == SL_EBUSY)
		x->counters.refused++;
	if (err != SL_OK)
		return;
	x->messages = 0;
	x->hello_due = sl_mono_add(now, sl_span_ms(HELLO_MS));
	sl_provider_say_log(x, false, "provider: process %d of user %u, group %u has connected",
	                    (int)peer.pid, (unsigned)peer.uid, (unsigned)peer.gid);
	struct sl_out hello = sl_provider_note_begin(x);
	sl_provider_say_hello(&hello, x->config.options.platform, x->config.options.answer,
	                      x->config.options.late);
	sl_provider_note_end(x, &hello);
}

void sl_provider_flush(void *ctx, struct sl_mono now)
{
	struct sl_provider_external *x = (struct sl_provider_external *)ctx;
	(void)now;
	if (!x->gone && sl_provider_link_flush(&x->link) != SL_OK)
		x->gone = true;
}

void sl_provider_ready(void *ctx, short revents, struct sl_mono now)
{
	struct sl_provider_external *x = (struct sl_provider_external *)ctx;
	(void)revents;
	welcome(x, now);
	if (x->link.conn >= 0 && !x->gone) {
		int err = sl_provider_link_read(&x->link);
		while (!x->gone && hear_one(x, now))
			;
		if (err == SL_ENOENT && !x->gone) {
			sl_provider_say_log(x, true, "provider: it went away; it may come again");
			x->gone = true;
		}
	}
	sl_provider_flush(x, now);
	if (x->gone)
		lose(x, now);
}

bool sl_provider_due(void *ctx, struct sl_mono *due)
{
	const struct sl_provider_external *x = (const struct sl_provider_external *)ctx;
	bool hello = x->link.conn >= 0 && !x->there;
	if (x->gone)
		*due = (struct sl_mono){ 0 };
	else if (hello && (!x->link.paused || x->hello_due.us < x->listen_due.us))
		*due = x->hello_due;
	else if (x->link.paused)
		*due = x->listen_due;
	return x->gone || hello || x->link.paused;
}

void sl_provider_expired(void *ctx, struct sl_mono now)
{
	struct sl_provider_external *x = (struct sl_provider_external *)ctx;
	if (x->link.paused && sl_mono_reached(now, x->listen_due))
		sl_provider_link_pause(&x->link, false);
	if (x->link.conn >= 0 && !x->there && !x->gone && sl_mono_reached(now, x->hello_due)) {
		sl_provider_say_log(x, true,
		                    "provider: it said no hello in %d s; it is closed, and may come again",
		                    HELLO_MS / 1000);
		x->gone = true;
	}
	if (x->gone)
		lose(x, now);
}
