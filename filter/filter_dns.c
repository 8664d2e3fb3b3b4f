/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DNS in a flow: the names asked for are told, for the log and for whoever reads it. They are not judged: what a client looks
 * up is not yet what it visits (policy-resolution line 8). A flow of queries stays open, as each may ask for another name. */
#include "filter/dns_learn.h"
#include "filter/filter_priv.h"

enum { DNS_PORT = 53, MDNS_PORT = 5353, LLMNR_PORT = 5355 }; /* RFC 1035 §4.2, RFC 6762 §2, RFC 4795 §2 */

static bool is_dns_port(uint16_t port)
{
	return port == DNS_PORT || port == MDNS_PORT || port == LLMNR_PORT;
}

bool sl_filter_may_be_dns(const struct sl_visit *v)
{
	return is_dns_port(v->key->dport) || is_dns_port(v->key->sport);
}

/* The first name of a flow counts it; the option may end it there. */
static void tell(struct sl_filter *f, struct sl_visit *v, const struct sl_dns_name *name)
{
	struct sl_flow *flow = v->flow;
	struct sl_report report = sl_filter_report(f, v);
	report.host = sl_bytes_of(name->text, name->len);
	if (f->cfg.block[SL_CAUSE_dns]) {
		sl_filter_settle_cause(f, v, SL_CAUSE_dns, &report);
	} else if (!flow->judged) {
		sl_filter_note(f, &report, SL_CAUSE_dns, false);
	} else {
		report.cause = SL_CAUSE_dns;
		sl_filter_emit(f, &report);
	}
	flow->judged = true;
}

static struct sl_dns_learn learning(const struct sl_filter *f)
{
	return (struct sl_dns_learn){ f->cfg.names, f->asked, f->cfg.name_life };
}

/* A question for addresses, whose answer may teach. */
static void remember(struct sl_filter *f, const struct sl_visit *v, const struct sl_dns *dns,
                     const struct sl_dns_name *name, uint16_t type)
{
	const struct sl_dns_ask ask = { .flow = v->key, .id = dns->id, .type = type, .name = name };
	const struct sl_dns_learn learn = learning(f);
	if (!dns->response)
		sl_dns_learn_ask(&learn, &ask, f->now);
}

void sl_filter_learn(struct sl_filter *f, const struct sl_packet *pkt)
{
	const struct sl_dns_learn learn = learning(f);
	struct sl_dns_learnt learnt = sl_dns_learn_answer(&learn, &pkt->key, pkt->payload, f->now);
	sl_filter_count(f, SL_STAT_taught, learnt.taught);
	sl_filter_count(f, SL_STAT_taught_lost, learnt.lost);
}

bool sl_filter_take_dns(struct sl_filter *f, struct sl_visit *v, struct sl_bytes message)
{
	struct sl_dns dns;
	struct sl_dns_name name;
	uint16_t type;
	if (sl_dns_open(message, &dns) != SL_OK || !(sl_filter_may_be_dns(v) || sl_dns_is_plain(message)))
		return false;
	v->flow->app = SL_APP_DNS;
	if (!v->flow->judged && sl_filter_block_destination(f, v))
		return true;
	bool one = dns.questions == 1 && dns.opcode == 0;
	while (dns.questions > 0 && v->flow->verdict == SL_ACTION_PASS &&
	       sl_dns_question(&dns, &name, &type) == SL_OK) {
		tell(f, v, &name);
		if (one)
			remember(f, v, &dns, &name, type);
	}
	v->flow->judged = true;
	return true;
}
