/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UDP. What is of no known protocol is decided at once, or nearly so: there is no order to wait for. A QUIC flow is decided by a
 * name, or when its time is up: a datagram that cannot be read says nothing of the next one, since servers discard such and
 * anybody can send them. */
#include "base/hash.h"
#include "filter/filter_priv.h"

enum { HTTP3_PORT = 443, UNKNOWN_MAX = 3 };

enum sl_cause sl_filter_quic_cause(const struct sl_filter *f, const struct sl_flow *flow)
{
	switch (sl_quic_why(f->quic, flow->quic)) {
	case SL_EMALF:
		return SL_CAUSE_malformed;
	case SL_ELIMIT:
		return SL_CAUSE_too_large;
	case SL_EMORE:
		return SL_CAUSE_hold_limit;
	default:
		return SL_CAUSE_quic;
	}
}

/* A server discards Initials in datagrams that are not padded (RFC 9000 §14.1), and reads the next: what such a one asks for
 * may block its flow, but not free it. */
static void judge(struct sl_filter *f, struct sl_visit *v, const struct sl_quic_hello *hello)
{
	struct sl_flow *flow = v->flow;
	bool was_let_go = flow->let_go;
	sl_quic_flow others = flow->quic;
	flow->quic = 0; /* what came of other connections stays */
	sl_filter_judge_tls(f, v, &hello->tls);
	flow->quic = others;
	if (flow->verdict == SL_ACTION_BLOCK)
		sl_quic_close(f->quic, &flow->quic);
	flow->let_go = was_let_go || (flow->let_go && hello->padded);
}

/* Sent again it is the same hello; it was judged, and told. Another one of the same look cannot be planned: the seed is ours. */
static bool is_again(const struct sl_filter *f, struct sl_flow *flow, const struct sl_quic_hello *hello)
{
	uint64_t name = sl_hash(hello->tls.sni.p, hello->tls.sni.len, f->cfg.seed);
	uint32_t hash = (uint32_t)sl_hash(hello->dcid.p, hello->dcid.len, name);
	bool again = flow->let_go && flow->first == hash;
	flow->first = hash;
	return again;
}

static void take_hello(struct sl_filter *f, struct sl_visit *v, const struct sl_quic_hello *hello)
{
	v->quic_version = hello->version;
	v->flow->app = SL_APP_QUIC;
	if (!hello->padded && hello->tls.sni.len == 0 && !f->cfg.block[SL_CAUSE_no_name])
		return;
	if (!is_again(f, v->flow, hello))
		judge(f, v, hello);
}

/* All the hellos of a datagram, or of several that came glued. What the last reading said. */
static int read_hellos(struct sl_filter *f, struct sl_visit *v)
{
	struct sl_bytes rest = v->pkt->payload;
	struct sl_quic_hello hello;
	uint32_t differs;
	int err;
	do {
		f->work++;
		err = sl_quic_read(f->quic, &v->flow->quic, rest, &hello, &differs);
		if (differs > 0)
			sl_filter_count(f, SL_STAT_overlaps, differs);
		if (err != SL_OK)
			return err;
		take_hello(f, v, &hello);
		rest = hello.rest;
	} while (rest.len > 0 && v->flow->verdict != SL_ACTION_BLOCK);
	return SL_OK;
}

static void judge_late(struct sl_filter *f, struct sl_visit *v)
{
	if (v->flow->judged)
		sl_filter_settle(f, v->flow, SL_ACTION_ALLOW);
	else
		sl_filter_unjudged(f, v, sl_filter_open_cause(f, v->flow));
}

/* As with QUIC, nothing decides but a hello, and time. A server may ask for a second hello, and read that one only: the first
 * may block, the second one frees, if it follows a first. */
static bool read_dtls(struct sl_filter *f, struct sl_visit *v, struct sl_dtls_cur *at)
{
	struct sl_flow *flow = v->flow;
	struct sl_dtls_hello hello;
	uint32_t differs = 0;
	int err = SL_OK;
	if (flow->app == SL_APP_STUN)
		flow->born = f->now;
	flow->app = SL_APP_DTLS;
	while (flow->verdict != SL_ACTION_BLOCK &&
	       (err = sl_dtls_next(f->dtls, &flow->dtls, at, &hello, &differs)) == SL_OK) {
		bool second = hello.message_seq > 0 && flow->judged;
		flow->verdict = SL_ACTION_PASS; /* one more in the same datagram */
		sl_filter_judge_first_hello(f, v, &hello.tls);
		if (second && flow->verdict == SL_ACTION_PASS)
			sl_filter_settle(f, flow, SL_ACTION_ALLOW);
	}
	if (differs > 0)
		sl_filter_count(f, SL_STAT_overlaps, differs);
	if (err == SL_ENOMEM && flow->verdict == SL_ACTION_PASS)
		sl_filter_unjudged(f, v, SL_CAUSE_memory);
	if (flow->verdict == SL_ACTION_PASS && sl_filter_is_late(f, flow))
		judge_late(f, v);
	return flow->verdict == SL_ACTION_PASS && flow->dtls != 0;
}

/* Peers that look for a way to each other; what they speak then comes later (RFC 7983). */
static bool pass_stun(struct sl_filter *f, struct sl_visit *v)
{
	if (v->flow->app == SL_APP_UNKNOWN)
		v->flow->app = SL_APP_STUN;
	if (v->flow->app == SL_APP_STUN)
		v->flow->born = f->now;
	return false;
}

/* None of our protocols. To the port of HTTP/3 a few more datagrams are looked at, since a server drops what it does not know and
 * reads the next: one of junk would free the flow else. Not many, and not where they would be blocked: VPNs use this port, too,
 * and pay a wake-up for each. */
static void take_unknown(struct sl_filter *f, struct sl_visit *v)
{
	const struct sl_flow *flow = v->flow;
	enum sl_cause cause = flow->start_seen ? SL_CAUSE_not_web : SL_CAUSE_mid_flow;
	bool wait = v->key->dport == HTTP3_PORT && flow->packets < UNKNOWN_MAX && !f->cfg.block[cause];
	if (!wait || sl_filter_is_late(f, flow))
		sl_filter_unjudged(f, v, cause);
}

bool sl_filter_read_datagram(struct sl_filter *f, struct sl_visit *v)
{
	struct sl_flow *flow = v->flow;
	struct sl_dtls_cur at;
	if (sl_dtls_begin(v->pkt->payload, &at))
		return read_dtls(f, v, &at);
	if (sl_is_stun(v->pkt->payload))
		return pass_stun(f, v);
	if (flow->app != SL_APP_QUIC && sl_filter_take_dns(f, v, v->pkt->payload))
		return false;
	int err = read_hellos(f, v);
	if (err == SL_EPROTO && flow->app != SL_APP_QUIC && flow->app != SL_APP_DTLS) {
		take_unknown(f, v);
		return false;
	}
	if (err != SL_EPROTO)
		flow->app = SL_APP_QUIC;
	bool late = sl_filter_is_late(f, flow) && !flow->let_go;
	if (err == SL_ENOMEM && flow->verdict == SL_ACTION_PASS)
		sl_filter_unjudged(f, v, SL_CAUSE_memory);
	else if (err == SL_EUNSUP && f->cfg.block[SL_CAUSE_quic] && !flow->let_go)
		sl_filter_unjudged(
		        f, v, SL_CAUSE_quic); /* allowed, it may still come in a version that can be read */
	if (late && flow->verdict == SL_ACTION_PASS)
		judge_late(f, v);
	return flow->verdict == SL_ACTION_PASS && flow->quic != 0;
}
