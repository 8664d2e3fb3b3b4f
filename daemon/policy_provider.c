/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/policy_provider.h"

#include <string.h>

#include "policy/address.h"

static struct sl_prefix address_of(const struct sl_flow_key *key)
{
	struct sl_prefix p = { .v6 = key->family == 6, .len = key->family == 6 ? 128 : 32 };
	memcpy(p.addr, key->dst, sizeof(p.addr));
	return p;
}

/* The destination is one more key beside the name (policy resolution, line 9). A host that is an address is another one, where a
 * proxy or somebody who wants to deceive stands between: one block blocks. */
static void judge(void *ctx, const struct sl_subject *subject, struct sl_judgement *out)
{
	const struct sl_policy_provider *p = ctx;
	const struct sl_prefix address = address_of(subject->key);
	struct sl_query q = {
		.host = subject->host, .port = subject->port, .path = subject->path, .address = &address
	};
	struct sl_decision d, literal;

	sl_policy_decide(p->policy, &q, &d);
	if (!d.block && d.host.address) {
		q.address = NULL; /* then the host stands for it */
		sl_policy_decide(p->policy, &q, &literal);
		d = literal.block || d.list == SL_NO_LIST ? literal : d;
	}
	*out = (struct sl_judgement){
		.block = d.block,
		.told = !d.block && d.list != SL_NO_LIST,
		.letter = d.letter,
		.list = d.list,
		.line = d.line,
		.list_name = sl_policy_list_name(p->policy, d.list),
	};
}

static void report(void *ctx, const struct sl_report *r)
{
	const struct sl_policy_provider *p = ctx;

	if (p->log != NULL)
		sl_flow_log_put(p->log, p->worker, r, p->realtime_us);
}

struct sl_provider sl_policy_provider_table(struct sl_policy_provider *p)
{
	return (struct sl_provider){ p, judge, report, true };
}
