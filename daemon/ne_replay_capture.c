/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "base/util.h"
#include "daemon/ne_recording_capture.h"
#include "daemon/ne_replay_capture_impl.h"
#include "daemon/ne_trace_write.h"

enum {
	NAMES = 16384, /* as the options dns_names_max, dns_names_life and budget have it */
	NAME_LIFE_MS = 3600000,
	NAME_BUDGET = 16384,
	NAME_SEED = 1,
};

/* ---- flows ---- */

static struct sl_ne_endpoint endpoint_of(const struct sl_ne_seen_end *end)
{
	struct sl_ne_endpoint out = { .type = end->family == 4 ? SL_NE_HOST_IPV4 : SL_NE_HOST_IPV6,
		                      .port = end->port };
	memcpy(out.addr, end->addr, sizeof(out.addr));
	return out;
}

/* The next flow of the trace that this one is; NULL: none is left. */
static const struct sl_ne_seen_flow *part_of(const struct sl_ne_capture_player *p, size_t index,
                                             size_t number)
{
	const struct sl_ne_recording *trace = p->r->verdicts;
	for (size_t i = 0; i < trace->flows; i++)
		if (p->pairing.a[i].with == (long)index && number-- == 0)
			return &trace->flow[i];
	return NULL;
}

static bool begin_script(struct sl_ne_capture_player *p, size_t index)
{
	struct sl_ne_played_flow *f = &p->flow[index];
	sl_ne_verdicts_end(&f->script);
	if (p->r->verdicts == NULL)
		return true;
	const struct sl_ne_seen_flow *part = part_of(p, index, f->parts++);
	if (part == NULL)
		return false;
	int err = sl_ne_verdicts_begin(&f->script, part, p->now.us);
	p->err = err != SL_OK ? err : p->err;
	return err == SL_OK;
}

static void open_flow(struct sl_ne_capture_player *p, size_t index, struct sl_bytes first)
{
	const struct sl_ne_captured_flow *c = &p->r->captured->flow[index];
	const struct sl_ne_seen_flow *seen = &p->flows->flow[index];
	struct sl_ne_played_flow *f = &p->flow[index];
	bool tcp = c->key.proto == SL_PROTO_TCP;
	struct sl_ne_opening opening = { .info = { .direction = seen->direction == SL_NE_IN ? SL_NE_INBOUND
		                                                                            : SL_NE_OUTBOUND,
		                                   .local = endpoint_of(&seen->local),
		                                   .remote = endpoint_of(&seen->remote),
		                                   .socket_family = c->key.family,
		                                   .socket_type = tcp ? SL_NE_SOCK_STREAM : SL_NE_SOCK_DGRAM,
		                                   .socket_protocol = c->key.proto },
		                         .older = tcp && !c->begins && p->r->verdicts == NULL,
		                         .first = first,
		                         .driver = f };
	if (!begin_script(p, index)) {
		f->left_out = true;
		return;
	}
	f->given[0] = f->given[1] = 0;
	if (p->names != NULL)
		sl_ne_names_open(p->names, &c->key, first, p->now, &opening.info, &f->naming);
	if (sl_ne_filter_open_flow(p->world.filter, &opening, p->now, &f->flow) != SL_OK)
		p->err = SL_ELIMIT;
}

/* Its bytes tell names: of this flow, and of those that DNS speaks of. */
static void read_names(struct sl_ne_capture_player *p, struct sl_ne_played_flow *f,
                       const struct sl_ne_captured_event *e, bool inbound)
{
	struct sl_flow_key key = p->r->captured->flow[e->flow].key;
	if (p->names == NULL || e->kind != SL_NE_CAPTURED_DATA)
		return;
	if (e->back)
		sl_flow_key_swap(&key);
	if (key.proto == SL_PROTO_UDP)
		sl_ne_names_learn(p->names, &key, e->bytes, p->now);
	if (f->flow != NULL)
		sl_ne_names_data(p->names, f->flow, inbound ? SL_NE_INBOUND : SL_NE_OUTBOUND, e->bytes,
		                 &f->naming);
}

static void give(struct sl_ne_capture_player *p, struct sl_ne_played_flow *f, enum sl_ne_seen_side side,
                 struct sl_bytes bytes)
{
	enum sl_ne_direction direction = side == SL_NE_IN ? SL_NE_INBOUND : SL_NE_OUTBOUND;
	do {
		uint64_t n = bytes.len;
		if (sl_ne_played_has_script(f) && f->flow->stream)
			n = sl_ne_verdicts_chunk(&f->script, side, f->given[side], n);
		struct sl_ne_packet packet = { { bytes.p, n }, 0 };
		f->given[side] += n;
		bytes.len -= n;
		bytes.p = bytes.p == NULL ? NULL : bytes.p + n;
		sl_ne_filter_data(p->world.filter, f->flow, direction, &packet, p->now);
	} while (bytes.len > 0 && f->flow != NULL);
}

static void play(struct sl_ne_capture_player *p, const struct sl_ne_captured_event *e)
{
	struct sl_ne_played_flow *f = &p->flow[e->flow];
	bool tcp = p->r->captured->flow[e->flow].key.proto == SL_PROTO_TCP;
	bool inbound = (p->flows->flow[e->flow].direction == SL_NE_IN) != e->back;
	/* A datagram's flow may have ended since; the next datagram begins another one. */
	bool opens = e->kind == (tcp ? SL_NE_CAPTURED_OPEN : SL_NE_CAPTURED_DATA) && f->flow == NULL;
	read_names(p, f, e, inbound);
	if (opens && !f->left_out)
		open_flow(p, e->flow, e->bytes);
	if (f->flow == NULL)
		return;
	if (e->kind == SL_NE_CAPTURED_ANSWERED)
		sl_ne_flow_answered(f->flow);
	else if (e->kind == SL_NE_CAPTURED_DATA)
		give(p, f, inbound ? SL_NE_IN : SL_NE_OUT, e->bytes);
	else if (e->kind == SL_NE_CAPTURED_FINISH)
		sl_ne_flow_finish(f->flow, inbound ? SL_NE_INBOUND : SL_NE_OUTBOUND, p->now);
	else if (e->kind == SL_NE_CAPTURED_CLOSE)
		sl_ne_flow_close(f->flow, sl_mono_add(p->now, p->options.close_wait), p->now);
}

/* ---- all ---- */

static void play_all(struct sl_ne_capture_player *p)
{
	const struct sl_ne_captured *c = p->r->captured;
	size_t next = 0, event = 0;
	while (p->err == SL_OK && (next < c->events || event < p->timeline.events)) {
		const struct sl_ne_scenario_event *world =
		        event < p->timeline.events ? &p->timeline.event[event] : NULL;
		if (world != NULL && (next == c->events || world->time.us <= c->event[next].time)) {
			sl_ne_capture_go_on(p, world->time);
			sl_ne_script_play(&p->world, world, NULL, p->now);
			event++;
		} else {
			sl_ne_capture_go_on(p, (struct sl_mono){ c->event[next].time });
			play(p, &c->event[next++]);
		}
	}
	/* What the trace still had to say after the last packet. */
	int64_t end = p->r->verdicts == NULL ? 0 : p->r->verdicts->end + p->pairing.offset;
	end = end > SL_NE_CAPTURED_MAX ? SL_NE_CAPTURED_MAX : end;
	if (end > p->now.us)
		sl_ne_capture_go_on(p, (struct sl_mono){ end });
}

/* ---- from beginning to end ---- */

static int make_room(struct sl_ne_capture_player *p)
{
	const struct sl_ne_captured *c = p->r->captured;
	size_t packets = c->events;
	for (size_t i = 0; p->r->verdicts != NULL && i < p->r->verdicts->flows; i++)
		packets += p->r->verdicts->flow[i].n;
	p->options.max_flows = (uint32_t)sl_min(UINT32_MAX, c->flows + 1);
	p->options.max_packets = (uint32_t)sl_min(UINT32_MAX, packets + 1);
	/* Bytes of a capture have come: nobody sends them again, or waits to send them. */
	p->options.stream_bytes = p->options.max_bytes = UINT64_MAX / 2;
	p->flow = calloc(c->flows + 1, sizeof(*p->flow));
	for (size_t i = 0; p->flow != NULL && i < c->flows; i++)
		p->flow[i].act.number = i;
	return p->flow == NULL ? SL_ENOMEM : sl_ne_timers_init(&p->acts, (uint32_t)c->flows + 1);
}

/* Names of DNS that a capture holds; more than any gateway needs at once. */
static int make_names(struct sl_ne_capture_player *p)
{
	struct sl_ne_names_config config = { .life = sl_span_ms(NAME_LIFE_MS), .budget = NAME_BUDGET };
	if (p->r->verdicts != NULL)
		return SL_OK;
	int err = sl_dns_names_new(NAMES, NAME_SEED, &p->dns);
	config.dns = p->dns;
	return err == SL_OK ? sl_ne_names_new(&config, &p->names) : err;
}

static int pair(struct sl_ne_capture_player *p)
{
	const struct sl_ne_capture_replay *r = p->r;
	int err = sl_ne_recording_capture(r->captured, r->name, r->local, r->verdicts, &p->flows);
	if (err == SL_OK && r->verdicts != NULL)
		err = sl_ne_pair(r->verdicts, p->flows, &p->pairing);
	if (err == SL_OK)
		err = make_room(p);
	for (size_t i = 0; err == SL_OK && r->verdicts != NULL && i < r->verdicts->flows; i++)
		p->out->alone += p->pairing.a[i].with == SL_NE_ALONE;
	for (size_t i = 0; err == SL_OK && i < r->captured->flows; i++) {
		p->flow[i].left_out = r->verdicts != NULL && part_of(p, i, 0) == NULL;
		p->out->left_out += p->flow[i].left_out;
		p->out->flows += !p->flow[i].left_out;
	}
	p->out->has_offset = p->pairing.has_offset;
	p->out->offset = p->pairing.offset;
	return err;
}

static void end(struct sl_ne_capture_player *p)
{
	for (size_t i = 0; p->flow != NULL && i < p->r->captured->flows; i++)
		sl_ne_verdicts_end(&p->flow[i].script);
	sl_ne_filter_free(&p->world.filter);
	sl_ne_names_free(&p->names);
	sl_dns_names_free(&p->dns);
	sl_ne_timeline_free(&p->timeline);
	sl_ne_timers_end(&p->acts);
	sl_ne_pairing_free(&p->pairing);
	sl_ne_recording_free(&p->flows);
	free(p->flow);
}

static bool has_filter_events(const struct sl_ne_scenario *s)
{
	for (size_t i = 0; i < s->events; i++)
		if (s->event[i].kind < SL_NE_SCENARIO_OPEN)
			return true;
	return false;
}

static int make_timeline(struct sl_ne_capture_player *p)
{
	const struct sl_ne_capture_replay *r = p->r;
	if (r->scenario != NULL && (r->verdicts == NULL || has_filter_events(r->scenario)))
		return sl_ne_timeline_of_scenario(r->scenario, &p->timeline);
	return sl_ne_timeline_of_trace(r->verdicts, p->pairing.offset, &p->timeline);
}

static int check(const struct sl_ne_capture_replay *r)
{
	const struct sl_ne_scenario *s = r->scenario;
	if (s != NULL && s->filters > 1)
		sl_diag(r->diag, r->scenario_name, 1,
		        "several filters, and a capture goes through one; take \"filters\" away");
	else if (s != NULL && s->flows > 0)
		sl_diag(r->diag, r->scenario_name, 0,
		        "the flows are the capture's; take away \"open\" and what follows it");
	else if (s != NULL && r->verdicts == NULL && !s->filter[0].answers[0])
		sl_diag(r->diag, r->scenario_name, 1,
		        "nobody says what the provider answers; write "
		        "\"provider\":{\"handleNewFlow\":VERDICT} into the "
		        "first line");
	else
		return SL_OK;
	return SL_EINVAL;
}

/* Of the scenario; else of the trace, as far as its head tells. */
static enum sl_ne_profile set_options(struct sl_ne_capture_player *p)
{
	static const char *const names[] = { "gateway", "macos", "strict" };
	const struct sl_ne_recording *trace = p->r->verdicts;
	enum sl_ne_profile profile = SL_NE_PROFILE_MACOS;
	if (p->r->scenario != NULL) {
		p->options = p->r->scenario->options;
		return p->r->scenario->profile;
	}
	for (unsigned i = 0; trace != NULL && trace->profile != NULL && i < SL_COUNT(names); i++)
		if (strcmp(trace->profile, names[i]) == 0)
			profile = (enum sl_ne_profile)i;
	p->options = sl_ne_options_of(profile);
	p->options.redeliver = trace == NULL || trace->redeliver;
	return profile;
}

int sl_ne_replay_capture(const struct sl_ne_capture_replay *r, FILE *to, struct sl_ne_capture_played *out)
{
	struct sl_ne_capture_player p = { .world = { .name = r->scenario_name, .diag = r->diag },
		                          .r = r,
		                          .out = out };
	struct sl_ne_filter_config config = { 0 };
	struct sl_ne_trace_writer *writer = NULL;
	*out = (struct sl_ne_capture_played){ 0 };
	int err = check(r);
	if (err != SL_OK)
		return err;
	enum sl_ne_profile profile = set_options(&p);
	err = pair(&p);
	if (err == SL_OK)
		err = make_timeline(&p);
	if (err == SL_OK)
		err = make_names(&p);
	if (err == SL_OK) {
		sl_ne_capture_describe(&p, &config);
		err = sl_ne_trace_writer_new(to, profile, &config.options, NULL, &writer);
	}
	if (err == SL_OK) {
		config.trace = (struct sl_ne_trace){ writer, sl_ne_trace_write };
		err = sl_ne_filter_new(&config, p.now, &p.world.filter);
	}
	if (err == SL_OK) {
		play_all(&p);
		err = sl_ne_trace_writer_end(writer);
	}
	end(&p);
	sl_ne_trace_writer_free(&writer);
	return err != SL_OK ? err : p.err != SL_OK ? p.err : p.world.err;
}
