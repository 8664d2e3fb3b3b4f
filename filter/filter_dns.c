/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DNS in a flow: the names asked for are told, for the log and for whoever reads it. They are not judged: what a client looks
 * up is not yet what it visits (policy-resolution line 8). A flow of queries stays open, as each may ask for another name. */
#include "filter/filter_priv.h"
#include "filter/sniff_dns.h"

enum { SECOND = 1000000, LIFE_LEAST = 10 };                  /* microseconds; seconds */
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

/* A question for addresses, whose answer may teach. */
static void remember(struct sl_filter *f, const struct sl_visit *v, const struct sl_dns *dns,
                     const struct sl_dns_name *name, uint16_t type)
{
	const struct sl_dns_ask ask = { .flow = v->key, .id = dns->id, .type = type, .name = name };
	bool udp = v->key->proto == SL_PROTO_UDP && v->key->dport == DNS_PORT;
	if (f->asked != NULL && udp && !dns->response && (type == SL_DNS_A || type == SL_DNS_AAAA))
		sl_dns_asked_put(f->asked, &ask, f->now);
}

/* An answer serves for what its resolver says, within bounds: clients go on using an address for a while even where they are told
 * not to keep it. */
static struct sl_mono end_of(const struct sl_filter *f, uint32_t ttl)
{
	struct sl_span life = { (int64_t)(ttl > LIFE_LEAST ? ttl : LIFE_LEAST) * SECOND };
	return sl_mono_add(f->now, life.us < f->cfg.name_life.us ? life : f->cfg.name_life);
}

/* Of the same family as the flow: another one is opened from an address that is not known to be this client's. */
static void teach(struct sl_filter *f, struct sl_flow_key *flow, const struct sl_dns_address *address,
                  const struct sl_dns_name *name)
{
	if (address->family != flow->family)
		return;
	memcpy(flow->dst, address->addr, sizeof(flow->dst));
	enum sl_dns_taught how = sl_dns_names_teach(f->cfg.names, flow, sl_bytes_of(name->text, name->len),
	                                            f->now, end_of(f, address->ttl));
	sl_filter_count(f, SL_STAT_taught, 1);
	if (how != SL_DNS_TAUGHT)
		sl_filter_count(f, SL_STAT_taught_lost, 1);
}

void sl_filter_learn(struct sl_filter *f, const struct sl_packet *pkt)
{
	struct sl_flow_key flow = pkt->key;
	struct sl_dns dns;
	struct sl_dns_lookup lookup;
	struct sl_dns_address address;
	struct sl_dns_ask ask = { .flow = &flow, .name = &lookup.asked };
	sl_flow_key_swap(&flow);
	if (flow.dport != DNS_PORT || sl_dns_open(pkt->payload, &dns) != SL_OK ||
	    sl_dns_lookup(&dns, &lookup) != SL_OK)
		return;
	ask.id = dns.id;
	ask.type = lookup.type;
	if (!sl_dns_asked_take(f->asked, &ask, f->now))
		return;
	while (sl_dns_lookup_next(&dns, &lookup, &address) == SL_OK)
		teach(f, &flow, &address, &lookup.asked);
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
