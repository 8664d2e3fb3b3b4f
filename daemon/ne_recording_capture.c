/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ne_recording_capture.h"

#include <stdlib.h>

#include "daemon/ne_recording_impl.h"

static struct sl_ne_seen_end end_of(const struct sl_flow_key *key, bool dst)
{
	struct sl_ne_seen_end end = { .family = key->family, .port = dst ? key->dport : key->sport };
	memcpy(end.addr, dst ? key->dst : key->src, sizeof(end.addr));
	return end;
}

static bool is_in(const struct sl_prefix *p, const struct sl_ne_seen_end *end)
{
	unsigned whole = p->len / 8, rest = p->len % 8;
	if (p->v6 != (end->family == 6) || memcmp(p->addr, end->addr, whole) != 0)
		return false;
	return rest == 0 || ((p->addr[whole] ^ end->addr[whole]) >> (8 - rest)) == 0;
}

/* What the trace calls the flow that has one of the two as its remote end. */
static bool is_inbound_there(const struct sl_ne_recording *trace, unsigned protocol,
                             const struct sl_ne_seen_end *opener, const struct sl_ne_seen_end *answerer)
{
	for (size_t i = 0; i < trace->flows; i++) {
		const struct sl_ne_seen_flow *f = &trace->flow[i];
		bool inbound = f->direction == SL_NE_IN && sl_ne_seen_end_equal(&f->remote, opener);
		if (f->protocol == protocol && (inbound || sl_ne_seen_end_equal(&f->remote, answerer)))
			return inbound;
	}
	return false;
}

static int add_flow(struct sl_ne_recording *rec, size_t number, const struct sl_ne_captured_flow *c,
                    bool inbound)
{
	char name[32];
	(void)snprintf(name, sizeof(name), "%zu", number);
	struct sl_ne_seen_flow *f = sl_ne_recording_flow(rec, SL_NE_SEEN_FILTER, name);
	if (f == NULL)
		return SL_ENOMEM;
	f->protocol = c->key.proto;
	f->direction = inbound ? SL_NE_IN : SL_NE_OUT;
	f->local = end_of(&c->key, inbound);
	f->remote = end_of(&c->key, !inbound);
	const struct sl_ne_seen opened = { .time = c->first, .event = SL_NE_SEEN_OPENED, .side = SL_NE_BOTH };
	int err = sl_ne_recording_add(f, &opened);
	for (int back = 0; err == SL_OK && back < 2; back++) {
		struct sl_ne_seen data = {
			.time = c->last, .event = SL_NE_SEEN_DATA, .has_offset = true, .len = c->bytes[back]
		};
		data.side = (back != 0) == inbound ? SL_NE_OUT : SL_NE_IN;
		err = sl_ne_recording_add(f, &data);
	}
	return err;
}

int sl_ne_recording_capture(const struct sl_ne_captured *captured, const char *name,
                            const struct sl_prefix *local, const struct sl_ne_recording *trace,
                            struct sl_ne_recording **out)
{
	struct sl_ne_recording *rec = calloc(1, sizeof(*rec));
	if (rec == NULL)
		return SL_ENOMEM;
	rec->name = strdup(name);
	rec->index = json_object();
	rec->has_started = captured->started != 0;
	rec->started = captured->started;
	int err = rec->name == NULL || rec->index == NULL ? SL_ENOMEM : SL_OK;
	for (size_t i = 0; err == SL_OK && i < captured->flows; i++) {
		const struct sl_ne_captured_flow *c = &captured->flow[i];
		struct sl_ne_seen_end opener = end_of(&c->key, false), answerer = end_of(&c->key, true);
		bool inbound = local != NULL   ? !is_in(local, &opener) && is_in(local, &answerer)
		               : trace != NULL ? is_inbound_there(trace, c->key.proto, &opener, &answerer)
		                               : false;
		err = add_flow(rec, i + 1, c, inbound);
		rec->end = c->last > rec->end ? c->last : rec->end;
	}
	if (err == SL_OK)
		*out = rec;
	else
		sl_ne_recording_free(&rec);
	return err;
}
