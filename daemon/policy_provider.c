/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/policy_provider.h"

#include <string.h>

#include "base/out.h"
#include "policy/address.h"

enum { SHADOWS_MAX = 512 };

static struct sl_prefix address_of(uint8_t family, const uint8_t addr[16])
{
	struct sl_prefix p = { .v6 = family == 6, .len = family == 6 ? 128 : 32 };
	memcpy(p.addr, addr, sizeof(p.addr));
	return p;
}

/* The destination is one more key beside the name (policy resolution, line 9). A host that is an address is another one, where a
 * proxy or somebody who wants to deceive stands between: one block blocks. */
static void ask_lists(const struct sl_policy_provider *p, struct sl_query *q, struct sl_decision *d)
{
	struct sl_decision literal;

	sl_policy_decide(p->policy, q, d);
	const struct sl_host *host = q->canon != NULL ? q->canon : &d->host;
	if (d->block || !host->address)
		return;
	q->address = NULL; /* then the host stands for it */
	sl_policy_decide(p->policy, q, &literal);
	literal.shadow |= d->shadow;
	d->shadow = literal.shadow;
	if (literal.block || d->list == SL_NO_LIST)
		*d = literal;
}

/* Letter c. The host in canonical form serves the lists, too. */
static const struct sl_word *ask_operator(const struct sl_policy_provider *p, const struct sl_groups *groups,
                                          const struct sl_subject *subject, struct sl_query *q,
                                          struct sl_host *host, char path[SL_PATH_MAX + 1])
{
	struct sl_words_query w = { .address = q->address,
		                    .group = subject->group,
		                    .now_us = p->realtime_us };
	struct sl_prefix literal;
	uint16_t len = 0;

	if (sl_words_count(sl_groups_words(groups)) == 0)
		return NULL;
	if (subject->host.p != NULL && sl_host_canon(subject->host, host) == SL_OK) {
		w.host = q->canon = host;
		if (subject->path.p != NULL) {
			sl_path_canon(subject->path, path, &len);
			w.path = q->path = sl_bytes_of(path, len);
		}
	}
	const struct sl_word *word = sl_words_ask(sl_groups_words(groups), &w);
	if (word != NULL || w.host == NULL || !host->address ||
	    sl_prefix_read(sl_bytes_of(host->name, host->len), &literal) != SL_OK)
		return word;
	w.address = &literal;
	return sl_words_ask(sl_groups_words(groups), &w);
}

static enum sl_ech_rule ech_rule(const struct sl_group *group)
{
	return group->ech == SL_GROUP_ECH_BLOCK   ? SL_ECH_RULE_BLOCK
	       : group->ech == SL_GROUP_ECH_ALLOW ? SL_ECH_RULE_ALLOW
	                                          : SL_ECH_RULE_AS_IS;
}

static void judge(void *ctx, const struct sl_subject *subject, struct sl_judgement *out)
{
	const struct sl_policy_provider *p = ctx;
	const struct sl_prefix address = address_of(subject->key->family, subject->key->dst);
	struct sl_query q = {
		.host = subject->host, .port = subject->port, .path = subject->path, .address = &address
	};
	struct sl_decision d;
	const struct sl_groups *groups = sl_policy_groups(p->policy);
	const struct sl_group *group = groups == NULL ? NULL : sl_groups_group(groups, subject->group);
	const struct sl_word *word = NULL;
	struct sl_host host;
	char path[SL_PATH_MAX + 1];

	*out = (struct sl_judgement){ .list = SL_NO_LIST };
	if (group != NULL) {
		q.roles = &group->roles;
		out->ech = ech_rule(group);
		word = ask_operator(p, groups, subject, &q, &host, path);
	}
	if (word != NULL) {
		out->block = !word->allow;
		out->told = word->allow;
		out->letter = 'c';
		out->word = word->id;
		return;
	}
	ask_lists(p, &q, &d);
	out->block = d.block;
	out->told = !d.block && d.list != SL_NO_LIST;
	out->letter = d.letter;
	out->list = d.list;
	out->line = d.line;
	out->list_name = sl_policy_list_name(p->policy, d.list);
	out->shadow = d.shadow;
}

/* Names of lists have no control characters in them (daemon/conf_yaml.c). */
static struct sl_bytes name_shadows(const struct sl_policy *policy, uint64_t shadow, char *buf, size_t cap)
{
	struct sl_out o = sl_out_of(buf, cap);

	for (; shadow != 0; shadow &= shadow - 1) {
		size_t len = o.len;
		const char *name = sl_snapshot_category_name(sl_policy_snapshot(policy),
		                                             (uint16_t)__builtin_ctzll(shadow));
		sl_out_str(&o, name == NULL ? "" : name);
		sl_out_u8(&o, '\n');
		if (o.overflow)
			return sl_bytes_of(buf, len);
	}
	return sl_bytes_of(buf, o.len);
}

static void count(const struct sl_policy_provider *p, const struct sl_report *r)
{
	sl_histogram_add(&p->counts->undecided, r->held.us, 1);
	if (r->cause == SL_CAUSE_NONE && r->judgement.list != SL_NO_LIST)
		sl_list_count_add(p->counts, &p->places, r->judgement.list, r->block);
}

static void report(void *ctx, const struct sl_report *r)
{
	const struct sl_policy_provider *p = ctx;
	const struct sl_groups *groups = sl_policy_groups(p->policy);
	char shadows[SHADOWS_MAX];

	if (p->counts != NULL)
		count(p, r);
	if (p->paused != NULL)
		sl_counter_add(&p->paused->refused, r->block);
	if (p->log == NULL)
		return;
	if (groups == NULL && p->paused == NULL) {
		sl_flow_log_put(p->log, p->worker, r, p->realtime_us);
		return;
	}
	struct sl_report told = *r;
	told.paused = p->paused != NULL;
	if (groups != NULL)
		told.group_name = sl_groups_group(groups, r->group)->name;
	if (groups != NULL && r->judgement.shadow != 0)
		told.shadows = name_shadows(p->policy, r->judgement.shadow, shadows, sizeof(shadows));
	sl_flow_log_put(p->log, p->worker, &told, p->realtime_us);
}

static uint8_t group_of(void *ctx, const struct sl_flow_key *key, const struct sl_origin *origin)
{
	const struct sl_policy_provider *p = ctx;
	const struct sl_groups *groups = sl_policy_groups(p->policy);
	struct sl_client client;
	enum sl_client_kind by;

	if (groups == NULL)
		return SL_GROUP_DEFAULT;
	client.address = address_of(key->family, key->src);
	client.has_mac = origin->has_mac;
	memcpy(client.mac, origin->mac, sizeof(client.mac));
	client.ifindex = origin->ifindex;
	return sl_groups_find(groups, &client, &by);
}

struct sl_provider sl_policy_provider_table(struct sl_policy_provider *p)
{
	return (struct sl_provider){
		.ctx = p, .judge = judge, .report = report, .group = group_of, .addresses = true
	};
}
