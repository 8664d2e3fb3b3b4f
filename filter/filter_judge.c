/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/filter_priv.h"

struct sl_report sl_filter_report(const struct sl_filter *f, const struct sl_visit *v)
{
	return (struct sl_report){
		.flow_id = v->flow->id,
		.key = v->key,
		.app = (enum sl_app)v->flow->app,
		.cause = SL_CAUSE_NONE,
		.judgement = { .list = SL_NO_LIST },
		.group = v->flow->group,
		.packets = v->flow->packets,
		.quic_version = v->quic_version,
		.held = sl_mono_since(f->now, v->flow->born),
	};
}

void sl_filter_emit(struct sl_filter *f, const struct sl_report *report)
{
	f->work++;
	if (f->provider.report != NULL)
		f->provider.report(f->provider.ctx, report);
}

void sl_filter_settle(struct sl_filter *f, struct sl_flow *flow, enum sl_action action)
{
	/* Who has one connection can begin another between the same ports, and each is the server's (RFC 9000 §5.2): what frees a
	 * QUIC flow does not free it from being asked for the next hello. */
	if (action == SL_ACTION_ALLOW && flow->key.proto == SL_PROTO_UDP && flow->app == SL_APP_QUIC) {
		flow->verdict = SL_ACTION_PASS;
		flow->let_go = true;
		sl_quic_close(f->quic, &flow->quic);
		return;
	}
	flow->verdict = (uint8_t)action;
	sl_stream_close(f->streams, &flow->stream);
	if (action == SL_ACTION_BLOCK)
		sl_filter_unwatch(f, flow);
	if (flow->key.proto == SL_PROTO_TCP) {
		sl_h2_close(f->h2, &flow->h2);
		return;
	}
	sl_quic_close(f->quic, &flow->quic);
	if (flow->key.proto == SL_PROTO_UDP)
		sl_dtls_close(f->dtls, &flow->dtls);
}

/* The action of a cause, for this client. */
static bool is_cause_blocked(const struct sl_filter *f, const struct sl_report *report, enum sl_cause cause)
{
	if (cause == SL_CAUSE_ech && report->judgement.ech != SL_ECH_RULE_AS_IS)
		return report->judgement.ech == SL_ECH_RULE_BLOCK;
	return f->cfg.block[cause];
}

void sl_filter_note(struct sl_filter *f, struct sl_report *report, enum sl_cause cause, bool block)
{
	sl_counter_add(block ? &f->stats->unjudged_blocked[cause] : &f->stats->unjudged_allowed[cause], 1);
	report->cause = cause;
	report->block = block;
	sl_filter_emit(f, report);
}

/* Asks for one name. What the report says of the name is what was asked last. */
static bool ask(struct sl_filter *f, struct sl_report *report, struct sl_bytes host, uint16_t port)
{
	struct sl_subject subject = {
		.key = report->key,
		.app = report->app,
		.host = host,
		.port = port != 0 ? port : report->key->dport,
		.path = report->path,
		.group = report->group,
	};
	report->host = host;
	report->judgement = (struct sl_judgement){ .list = SL_NO_LIST };
	f->work++;
	f->provider.judge(f->provider.ctx, &subject, &report->judgement);
	return report->judgement.block;
}

/* Counts the flow at its first name, and whenever it is blocked. */
static void count_judged(struct sl_filter *f, struct sl_flow *flow, bool block)
{
	if (!flow->judged)
		sl_filter_count(f, SL_STAT_judged, 1);
	if (block)
		sl_filter_count(f, SL_STAT_blocked, 1);
	else if (!flow->judged)
		sl_filter_count(f, SL_STAT_allowed, 1);
	flow->judged = true;
}

/* Does the flow have no name of its own, and is nothing known of what it is about? One that was under way before the filter is
 * left alone. */
static bool is_nameless(const struct sl_flow *flow, enum sl_cause cause)
{
	switch (cause) {
	case SL_CAUSE_no_name:
	case SL_CAUSE_not_web:
	case SL_CAUSE_quic:
	case SL_CAUSE_malformed:
	case SL_CAUSE_too_large:
	case SL_CAUSE_hold_limit:
	case SL_CAUSE_memory:
		return !flow->judged || flow->unnamed;
	default:
		return false;
	}
}

/* The name that its client asked DNS for; absent where there is none. */
static struct sl_bytes taught_name(struct sl_filter *f, const struct sl_visit *v)
{
	size_t len = f->cfg.names == NULL ? 0 : sl_dns_names_find(f->cfg.names, v->key, f->now, f->taught);
	return len == 0 ? (struct sl_bytes){ NULL, 0 } : sl_bytes_of(f->taught, len);
}

/* Is this how the flow ends? A taught name may block, but does not free what would be blocked without it; an address is known for
 * sure, and may do both, if a list names it. */
static bool is_answer(const struct sl_filter *f, const struct sl_report *report, enum sl_cause cause)
{
	if (report->block)
		return true;
	return report->taught ? !f->cfg.block[cause] : report->judgement.told;
}

/* By the name that DNS taught, with the destination, or by the destination alone. False where neither is known or has a say. The
 * report tells the name in any case. */
static bool ask_nameless(struct sl_filter *f, struct sl_visit *v, enum sl_cause cause,
                         struct sl_report *report)
{
	if (report->host.len > 0 || !is_nameless(v->flow, cause))
		return false;
	struct sl_bytes name = taught_name(f, v);
	if (name.p == NULL && !f->provider.addresses)
		return false;
	report->taught = name.p != NULL;
	report->block = ask(f, report, name, 0);
	if (!is_answer(f, report, cause))
		return false;
	if (report->taught && !v->flow->unnamed)
		sl_filter_count(f, SL_STAT_judged_taught, 1);
	v->flow->unnamed = true;
	count_judged(f, v->flow, report->block);
	sl_filter_emit(f, report);
	return true;
}

bool sl_filter_block_destination(struct sl_filter *f, struct sl_visit *v)
{
	struct sl_report report = sl_filter_report(f, v);
	report.block = f->provider.addresses && ask(f, &report, (struct sl_bytes){ NULL, 0 }, 0);
	if (!report.block)
		return false;
	count_judged(f, v->flow, true);
	sl_filter_emit(f, &report);
	sl_filter_settle(f, v->flow, SL_ACTION_BLOCK);
	return true;
}

void sl_filter_settle_cause(struct sl_filter *f, struct sl_visit *v, enum sl_cause cause,
                            struct sl_report *report)
{
	bool block = is_cause_blocked(f, report, cause);
	if (ask_nameless(f, v, cause, report)) {
		sl_filter_settle(f, v->flow, report->block ? SL_ACTION_BLOCK : SL_ACTION_ALLOW);
		return;
	}
	sl_filter_note(f, report, cause, block);
	sl_filter_settle(f, v->flow, block ? SL_ACTION_BLOCK : SL_ACTION_ALLOW);
}

void sl_filter_unjudged(struct sl_filter *f, struct sl_visit *v, enum sl_cause cause)
{
	struct sl_report report = sl_filter_report(f, v);
	sl_filter_settle_cause(f, v, cause, &report);
}

static struct sl_report report_hello(struct sl_filter *f, const struct sl_visit *v,
                                     const struct sl_tls_hello *hello)
{
	struct sl_report report = sl_filter_report(f, v);
	report.alpn = hello->alpn;
	report.tls_version = hello->version;
	report.ech = hello->ech;
	if (hello->ech.kind == SL_ECH_OUTER)
		sl_filter_count(f, SL_STAT_ech, 1);
	return report;
}

/* May a name that is not seen be the one meant, where the option says that it must not? A name that a list or a set allows
 * by name passes: it is the operator's word that whoever stands behind it may be asked. */
static bool is_hidden(const struct sl_filter *f, const struct sl_report *report)
{
	return is_cause_blocked(f, report, SL_CAUSE_ech) && report->ech.kind == SL_ECH_OUTER &&
	       !report->block && !report->judgement.told;
}

void sl_filter_judge_tls(struct sl_filter *f, struct sl_visit *v, const struct sl_tls_hello *hello)
{
	struct sl_report report = report_hello(f, v, hello);
	if (hello->sni.len == 0) {
		sl_filter_settle_cause(f, v, SL_CAUSE_no_name, &report);
		return;
	}
	report.block = ask(f, &report, hello->sni, 0);
	if (is_hidden(f, &report)) {
		sl_filter_settle_cause(f, v, SL_CAUSE_ech, &report);
		return;
	}
	count_judged(f, v->flow, report.block);
	sl_filter_emit(f, &report);
	sl_filter_settle(f, v->flow, report.block ? SL_ACTION_BLOCK : SL_ACTION_ALLOW);
}

void sl_filter_judge_first_hello(struct sl_filter *f, struct sl_visit *v, const struct sl_tls_hello *hello)
{
	sl_filter_judge_tls(f, v, hello);
	v->flow->judged = true;
	if (v->flow->verdict == SL_ACTION_ALLOW)
		v->flow->verdict = SL_ACTION_PASS;
}

/* The other end of a tunnel, named by the request for it. */
void sl_filter_judge_tunnel(struct sl_filter *f, struct sl_visit *v, struct sl_bytes host, uint16_t port)
{
	struct sl_report report = sl_filter_report(f, v);
	report.block = ask(f, &report, host, port);
	count_judged(f, v->flow, report.block);
	sl_filter_emit(f, &report);
	if (report.block)
		sl_filter_settle(f, v->flow, SL_ACTION_BLOCK);
}

/* Where it may pass, a later request of the connection may have a host: it is told each time, counted once, and read on. */
static void pass_nameless(struct sl_filter *f, struct sl_visit *v, struct sl_report *report)
{
	if (ask_nameless(f, v, SL_CAUSE_no_name, report)) {
		sl_filter_count(f, SL_STAT_requests, 1);
		if (report->block)
			sl_filter_settle(f, v->flow, SL_ACTION_BLOCK);
		return;
	}
	if (f->cfg.block[SL_CAUSE_no_name]) {
		sl_filter_settle_cause(f, v, SL_CAUSE_no_name, report);
	} else if (!v->flow->nameless) {
		sl_filter_note(f, report, SL_CAUSE_no_name, false);
	} else {
		report->cause = SL_CAUSE_no_name;
		sl_filter_emit(f, report);
	}
	v->flow->nameless = true;
}

void sl_filter_report_request(struct sl_report *report, const struct sl_http_request *request)
{
	report->host = request->host;
	report->path = request->path;
	report->method = request->method;
	report->http = request;
}

/* One block blocks (policy resolution, line 8); where all may pass, the target's host is what is reported. */
static bool ask_hosts(struct sl_filter *f, struct sl_report *report, const struct sl_http_request *request)
{
	for (size_t i = 0; i < SL_HTTP_OTHER_HOSTS; i++)
		if (request->other_host[i].len > 0 && ask(f, report, request->other_host[i], 0))
			return true;
	return request->host.len > 0 && ask(f, report, request->host, request->port);
}

void sl_filter_judge_request(struct sl_filter *f, struct sl_visit *v, const struct sl_http_request *request)
{
	struct sl_report report = sl_filter_report(f, v);
	sl_filter_report_request(&report, request);
	if (request->host.len == 0) {
		pass_nameless(f, v, &report);
		return;
	}
	report.block = ask_hosts(f, &report, request);
	count_judged(f, v->flow, report.block);
	sl_filter_count(f, SL_STAT_requests, 1);
	sl_filter_emit(f, &report);
	if (report.block)
		sl_filter_settle(f, v->flow, SL_ACTION_BLOCK);
}

bool sl_filter_is_tunnel_blocked(struct sl_filter *f, const struct sl_flow_key *key, uint8_t group,
                                 const struct sl_preface *preface)
{
	struct sl_report report = { .key = key, .group = group, .app = SL_APP_SOCKS };
	return preface->host.len > 0 && ask(f, &report, preface->host, preface->port);
}

bool sl_filter_is_blocked(struct sl_filter *f, const struct sl_flow_key *key, uint8_t group,
                          const struct sl_sniffed *sniffed)
{
	struct sl_report report = { .key = key, .group = group, .app = sniffed->app };
	if (sniffed->app == SL_APP_TLS)
		return sniffed->tls.sni.len > 0 && ask(f, &report, sniffed->tls.sni, 0);
	if (sniffed->h2) /* its requests are not read yet */
		return false;
	report.path = sniffed->http.path;
	return ask_hosts(f, &report, &sniffed->http);
}
