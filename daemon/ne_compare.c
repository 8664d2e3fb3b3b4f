/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ne_compare.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/ne_check.h"
#include "daemon/ne_replica.h"
#include "daemon/ne_steps.h"

const struct sl_ne_uncompared sl_ne_uncompared[] = {
	{ "NE-EXM-01", "loopback flows", "macOS allows them without a filter; a gateway never sees them" },
	{ "NE-EXM-04", "flows of system processes that macOS hides",
	  "filters cannot see them; their packets pass the gateway" },
	{ "NE-EXM-05", "flows within a VPN", "the gateway sees the tunnel, the Mac what is in it" },
	{ "NE-EXM-07", "flows over iCloud Private Relay", "the gateway sees the relay, the Mac the server" },
	{ "NE-FLOW-09", "MPTCP subflows and the first data of TCP Fast Open",
	  "macOS does not filter them; a gateway does" },
	{ "NE-FLOW-12", "application identity", "a gateway sees no application" },
	{ "NE-FLOW-02", "url of browser flows", "it exists inside the browser only" },
	{ "NE-FLOW-08", "timing of the handshake",
	  "macOS lets it run before the verdict; a gateway may hold the SYN" },
	{ "NE-DROP-01", "errors that the application sees",
	  "EBADF or EPIPE on a Mac; a reset or silence behind a gateway" },
	{ "NE-PEEK-13", "back-pressure of sockets", "a Mac stops the writer; a gateway holds packets" },
	{ NULL, NULL, NULL },
};

/* ---- excuses ---- */

static bool ended_before(const struct sl_ne_recording *rec, const struct sl_ne_seen_flow *flow, int64_t since)
{
	return sl_ne_seen_start(flow) + since > rec->end;
}

/* ---- two traces ---- */

struct parting {
	const struct sl_ne_step *a, *b; /* one may be NULL: it has nothing more */
	int64_t since;
};

static bool earlier(const struct parting *p, int64_t since)
{
	return (p->a == NULL && p->b == NULL) || since < p->since;
}

/* Where one strand parts first. */
static void part(const struct sl_ne_steps *x, const struct sl_ne_steps *y, int strand, struct parting *out)
{
	for (size_t i = 0; i < x->n[strand] || i < y->n[strand]; i++) {
		const struct sl_ne_step *a = i < x->n[strand] ? &x->at[strand][i] : NULL;
		const struct sl_ne_step *b = i < y->n[strand] ? &y->at[strand][i] : NULL;
		if (a != NULL && b != NULL && sl_ne_step_equal(a, b))
			continue;
		if (strand == SL_NE_STRAND_STATISTICS && (a == NULL || b == NULL) && i + 1 >= x->n[strand] &&
		    i + 1 >= y->n[strand])
			return; /* the flow may end a tick earlier */
		int64_t since = a != NULL ? a->since : b != NULL ? b->since : 0;
		if (earlier(out, since))
			*out = (struct parting){ a, b, since };
		return;
	}
}

static struct sl_ne_finding *tell(const struct parting *p, const struct sl_ne_seen_flow *x,
                                  const struct sl_ne_seen_flow *y, const char *rule, enum sl_ne_weight weight,
                                  const char *because, struct sl_ne_findings *out)
{
	char a[SL_NE_STEP_TEXT] = "has nothing more", b[SL_NE_STEP_TEXT] = "has nothing more";
	if (p->a != NULL)
		(void)sl_ne_step_text(p->a, a);
	if (p->b != NULL)
		(void)sl_ne_step_text(p->b, b);
	struct sl_ne_finding *f =
	        sl_ne_find(out, x, p->a == NULL ? NULL : p->a->event, rule, weight, "A %s; B %s%s%s", a, b,
	                   because == NULL ? "" : ": ", because == NULL ? "" : because);
	if (f != NULL) {
		f->other = y;
		f->other_line = p->b == NULL ? 0 : p->b->event->line;
	}
	return f;
}

static bool unknown_verdict(const struct sl_ne_step *s)
{
	return s != NULL && s->kind != SL_NE_STEP_TIMER && s->kind != SL_NE_STEP_REFUSED &&
	       s->kind != SL_NE_STEP_STATISTICS && s->verdict->kind == SL_NE_SEEN_NO_VERDICT;
}

/* A system that ends undecided datagrams between 10 and 20 s writes the end, and a recorder cannot see it. */
static bool unseen_by_recorder(const struct sl_ne_step *s, const struct sl_ne_recording *other)
{
	return s != NULL && (s->kind == SL_NE_STEP_TIMER || s->kind == SL_NE_STEP_REFUSED) && other->mac;
}

bool sl_ne_compare_flows(const struct sl_ne_recording *a, const struct sl_ne_seen_flow *x,
                         const struct sl_ne_recording *b, const struct sl_ne_seen_flow *y,
                         struct sl_ne_findings *out)
{
	struct sl_ne_steps of_x, of_y = { 0 };
	struct parting p = { 0 };
	int err = sl_ne_steps_make(x, &of_x);
	if (err == SL_OK)
		err = sl_ne_steps_make(y, &of_y);
	out->nomem |= err != SL_OK;
	for (int i = 0; err == SL_OK && i < SL_NE_STRANDS; i++)
		part(&of_x, &of_y, i, &p);
	bool same = p.a == NULL && p.b == NULL;
	uint32_t line_a = p.a == NULL ? UINT32_MAX : p.a->event->line,
	         line_b = p.b == NULL ? UINT32_MAX : p.b->event->line;
	if (same) {
	} else if (sl_ne_replica_lost(a, x, line_a) || sl_ne_replica_lost(b, y, line_b)) {
		(void)tell(&p, x, y, "NE-EXM-09", SL_NE_DOCUMENTED,
		           "events were lost before this, and it cannot be compared", out);
	} else if (unknown_verdict(p.a) || unknown_verdict(p.b)) {
		(void)tell(&p, x, y, "NE-CB-01", SL_NE_DOCUMENTED,
		           "a verdict that was not made by the recorder's makers does not give its numbers",
		           out);
	} else if (p.b == NULL ? unseen_by_recorder(p.a, b) : p.a == NULL && unseen_by_recorder(p.b, a)) {
		(void)tell(&p, x, y, "NE-PAUSE-03", SL_NE_DOCUMENTED, "a provider is not told of it", out);
	} else if ((p.a == NULL && ended_before(a, x, p.since)) ||
	           (p.b == NULL && ended_before(b, y, p.since))) {
		(void)tell(&p, x, y, NULL, SL_NE_DOCUMENTED, "that recording ends before", out);
	} else {
		(void)tell(&p, x, y, sl_ne_step_rule(p.a, p.b), SL_NE_WRONG, NULL, out);
	}
	sl_ne_steps_free(&of_x);
	sl_ne_steps_free(&of_y);
	return same;
}

/* ---- flows without counterpart ---- */

static bool is_loopback(const struct sl_ne_seen_flow *f)
{
	return sl_ne_seen_end_loopback(&f->remote) || sl_ne_seen_end_loopback(&f->local);
}

/* rec has it, other has not; which: "A" or "B", that has. */
static void find_alone(const struct sl_ne_recording *other, const struct sl_ne_seen_flow *flow,
                       const char *which, struct sl_ne_findings *out)
{
	const struct sl_ne_seen *e = flow->n == 0 ? NULL : &flow->event[0];
	if (is_loopback(flow))
		(void)sl_ne_find(out, flow, e, "NE-EXM-01", SL_NE_DOCUMENTED, "only in %s: a loopback flow",
		                 which);
	else if (flow->family == SL_NE_SEEN_DIVERT)
		(void)sl_ne_find(out, flow, e, "NE-LOG-01", SL_NE_WRONG,
		                 "only in %s, written by flow divert: a proxy provider or VPN had this flow, "
		                 "not a content filter",
		                 which);
	else if (other->kind == SL_NE_LOG)
		(void)sl_ne_find(out, flow, e, "NE-LOG-05", SL_NE_DOCUMENTED,
		                 "only in %s: that the log has no line of it proves nothing", which);
	else if (other->gaps > 0)
		(void)sl_ne_find(out, flow, e, "NE-EXM-09", SL_NE_DOCUMENTED,
		                 "only in %s: the other recording lost events", which);
	else if (other->mac)
		(void)sl_ne_find(out, flow, e, "NE-EXM-04", SL_NE_DOCUMENTED,
		                 "only in %s: the Mac may hide a flow of the system, or miss it (NE-EXM-09), "
		                 "or it was another "
		                 "machine's",
		                 which);
	else
		(void)sl_ne_find(out, flow, e, "NE-FLOW-01", SL_NE_WRONG, "only in %s", which);
}

/* ---- all ---- */

/* The flow of A comes first, whichever is the trace. */
static void turn(struct sl_ne_finding *f, const struct sl_ne_seen_flow *x, const struct sl_ne_seen_flow *y)
{
	if (f->flow == y) {
		uint32_t line = f->line;
		f->line = f->other_line;
		f->other_line = line;
	}
	f->flow = x;
	f->other = y;
}

static void compare_pair(struct sl_ne_comparison *c, size_t i)
{
	const struct sl_ne_matched *m = &c->pairing.a[i];
	const struct sl_ne_seen_flow *x = &c->a->flow[i], *y = &c->b->flow[m->with];
	size_t before = c->findings.n;
	bool same;
	if (m->far)
		(void)sl_ne_find(&c->findings, x, NULL, NULL, SL_NE_NOTE,
		                 "paired although the times differ: no other flow has this remote end");
	if (c->a->kind == SL_NE_TRACE && c->b->kind == SL_NE_TRACE)
		same = sl_ne_compare_flows(c->a, x, c->b, y, &c->findings);
	else if (c->a->kind == SL_NE_TRACE)
		same = sl_ne_compare_log(c->a, x, c->b, y, &c->findings);
	else
		same = sl_ne_compare_log(c->b, y, c->a, x, &c->findings);
	for (size_t k = before; k < c->findings.n; k++)
		turn(&c->findings.at[k], x, y);
	c->paired++;
	c->same += same;
}

static void find_several(struct sl_ne_comparison *c, const struct sl_ne_seen_flow *flow, size_t parts,
                         const char *which)
{
	if (parts == 0)
		return;
	c->several += parts;
	(void)sl_ne_find(&c->findings, flow, flow->n == 0 ? NULL : &flow->event[0], "NE-FLOW-01",
	                 SL_NE_DOCUMENTED, "1:%zu: one flow of %s is %zu flows of the other", parts + 1,
	                 which, parts + 1);
}

/* Of a flow that is several of the other's, bytes and ends of a part are not those of the whole: its first answer counts. */
static void excuse(struct sl_ne_findings *f, size_t from)
{
	for (size_t k = from; k < f->n; k++)
		if (f->at[k].weight == SL_NE_WRONG &&
		    (f->at[k].rule == NULL || strncmp(f->at[k].rule, "NE-NFV", 6) != 0))
			f->at[k].weight = SL_NE_DOCUMENTED;
}

static void compare_flow(struct sl_ne_comparison *c, size_t i)
{
	const struct sl_ne_matched *m = &c->pairing.a[i];
	size_t before = c->findings.n;
	if (m->with == SL_NE_ALONE) {
		find_alone(c->b, &c->a->flow[i], "A", &c->findings);
		return;
	}
	if (m->extra)
		return;
	compare_pair(c, i);
	const struct sl_ne_matched *of_b = &c->pairing.b[m->with];
	if (m->parts + of_b->parts > 0)
		excuse(&c->findings, before);
	find_several(c, &c->a->flow[i], m->parts, "A");
	find_several(c, &c->b->flow[m->with], of_b->parts, "B");
}

static int compare_two(struct sl_ne_comparison *c)
{
	int err = sl_ne_pair(c->a, c->b, &c->pairing);
	for (size_t i = 0; err == SL_OK && i < c->a->flows; i++)
		compare_flow(c, i);
	for (size_t i = 0; err == SL_OK && i < c->b->flows; i++)
		if (c->pairing.b[i].with == SL_NE_ALONE)
			find_alone(c->a, &c->b->flow[i], "B", &c->findings);
	return err;
}

int sl_ne_compare(const struct sl_ne_recording *a, const struct sl_ne_recording *b,
                  struct sl_ne_comparison *out)
{
	*out = (struct sl_ne_comparison){ .a = a, .b = b };
	int err = SL_OK;
	if (b == NULL)
		sl_ne_check(a, &out->findings);
	else
		err = compare_two(out);
	if (err == SL_OK && out->findings.nomem)
		err = SL_ENOMEM;
	if (err != SL_OK)
		sl_ne_comparison_free(out);
	return err;
}

void sl_ne_comparison_free(struct sl_ne_comparison *c)
{
	sl_ne_pairing_free(&c->pairing);
	sl_ne_findings_free(&c->findings);
}

bool sl_ne_comparison_wrong(const struct sl_ne_comparison *c)
{
	for (size_t i = 0; i < c->findings.n; i++)
		if (c->findings.at[i].weight == SL_NE_WRONG)
			return true;
	return false;
}
