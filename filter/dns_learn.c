/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/dns_learn.h"

#include "base/err.h"

enum { SECOND = 1000000, LIFE_LEAST = 10 }; /* microseconds; seconds */
enum { DNS_PORT = 53 };

void sl_dns_learn_ask(const struct sl_dns_learn *l, const struct sl_dns_ask *ask, struct sl_mono now)
{
	bool udp = ask->flow->proto == SL_PROTO_UDP && ask->flow->dport == DNS_PORT;
	if (l->asked != NULL && udp && (ask->type == SL_DNS_A || ask->type == SL_DNS_AAAA))
		sl_dns_asked_put(l->asked, ask, now);
}

void sl_dns_learn_query(const struct sl_dns_learn *l, const struct sl_flow_key *flow, struct sl_bytes message,
                        struct sl_mono now)
{
	struct sl_dns dns;
	struct sl_dns_name name;
	struct sl_dns_ask ask = { .flow = flow, .name = &name };
	if (sl_dns_open(message, &dns) != SL_OK || dns.response || dns.questions != 1 || dns.opcode != 0 ||
	    sl_dns_question(&dns, &name, &ask.type) != SL_OK)
		return;
	ask.id = dns.id;
	sl_dns_learn_ask(l, &ask, now);
}

/* An answer serves for what its resolver says, within bounds: clients go on using an address for a while even where they are told
 * not to keep it. */
static struct sl_mono end_of(const struct sl_dns_learn *l, uint32_t ttl, struct sl_mono now)
{
	struct sl_span life = { (int64_t)(ttl > LIFE_LEAST ? ttl : LIFE_LEAST) * SECOND };
	return sl_mono_add(now, life.us < l->life.us ? life : l->life);
}

struct sl_dns_learnt sl_dns_learn_answer(const struct sl_dns_learn *l, const struct sl_flow_key *flow,
                                         struct sl_bytes message, struct sl_mono now)
{
	struct sl_flow_key key = *flow; /* from the client */
	struct sl_dns dns;
	struct sl_dns_lookup lookup;
	struct sl_dns_address address;
	struct sl_dns_ask ask = { .flow = &key, .name = &lookup.asked };
	struct sl_dns_learnt learnt = { 0, 0 };
	sl_flow_key_swap(&key);
	if (l->asked == NULL || key.dport != DNS_PORT || sl_dns_open(message, &dns) != SL_OK ||
	    sl_dns_lookup(&dns, &lookup) != SL_OK)
		return learnt;
	ask.id = dns.id;
	ask.type = lookup.type;
	if (!sl_dns_asked_take(l->asked, &ask, now))
		return learnt;
	while (sl_dns_lookup_next(&dns, &lookup, &address) == SL_OK) {
		if (address.family != key.family)
			continue;
		memcpy(key.dst, address.addr, sizeof(key.dst));
		learnt.taught++;
		learnt.lost +=
		        sl_dns_names_teach(l->names, &key, sl_bytes_of(lookup.asked.text, lookup.asked.len),
		                           now, end_of(l, address.ttl, now)) != SL_DNS_TAUGHT;
	}
	return learnt;
}
