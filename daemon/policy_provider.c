/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/policy_provider.h"

static void judge(void *ctx, const struct sl_subject *subject, struct sl_judgement *out)
{
	const struct sl_policy_provider *p = ctx;
	struct sl_query q = { .host = subject->host, .port = subject->port, .path = subject->path };
	struct sl_decision d;

	sl_policy_decide(p->policy, &q, &d);
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
	return (struct sl_provider){ p, judge, report };
}
