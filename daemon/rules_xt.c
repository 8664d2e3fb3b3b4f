/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cur.h"
#include "daemon/nft_link.h"
#include "daemon/rules_impl.h"
#include "daemon/xt_save.h"

#define TRIES 3 /* others change rules between our look and our change */

static const char *const program[SL_FAMILIES] = { "iptables", "ip6tables" };
static const int number[SL_FAMILIES] = { 4, 6 };
static const int nfproto[SL_FAMILIES] = { NFPROTO_IPV4, NFPROTO_IPV6 };

/* Both tables of one family, as iptables-save shows them. */
struct saved {
	struct sl_command_reply table[SL_XT_TABLES];
};

static struct sl_bytes text_of(const struct saved *s, enum sl_xt_table t)
{
	return sl_bytes_of(s->table[t].out, s->table[t].out_len);
}

static void saved_free(struct saved *s)
{
	for (size_t t = 0; t < SL_XT_TABLES; t++)
		sl_command_reply_free(&s->table[t]);
}

static int run_xt(const struct sl_xt *xt, int family, const char *what, const char *const *args,
                  struct sl_bytes input, struct sl_command_reply *reply)
{
	char name[64];
	const char *argv[8] = { name };
	(void)snprintf(name, sizeof(name), "%s%s%s", program[family], xt->suffix, what);
	for (size_t i = 0; i < SL_COUNT(argv) - 2 && args[i] != NULL; i++)
		argv[i + 1] = args[i];
	struct sl_command cmd = { argv, input, SL_RULES_OUTPUT_MAX, SL_RULES_TIMEOUT_MS };
	return sl_command_run(&cmd, reply);
}

/* Looking into a legacy table makes it, with its hooks, and they stay: ask whether it is there first. */
static bool legacy_table_exists(int family, const char *table)
{
	char line[64];
	bool found = false;
	FILE *f = fopen(family == SL_IPV4 ? "/proc/thread-self/net/ip_tables_names"
	                                  : "/proc/thread-self/net/ip6_tables_names",
	                "re");
	if (f == NULL)
		return false;
	while (!found && fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		found = strcmp(line, table) == 0;
	}
	(void)fclose(f);
	return found;
}

/* A table that is not there has no text. counters: with "[packets:bytes]" before each rule. */
static int save_table(const struct sl_xt *xt, int family, enum sl_xt_table t, bool counters,
                      struct sl_command_reply *reply)
{
	const char *const args[] = { "-t", sl_xt_table_name[t], counters ? "-c" : NULL, NULL };
	*reply = (struct sl_command_reply){ 0 };
	if (xt->legacy && !legacy_table_exists(family, sl_xt_table_name[t]))
		return SL_OK;
	return run_xt(xt, family, "-save", args, (struct sl_bytes){ NULL, 0 }, reply);
}

static int save_both(const struct sl_xt *xt, int family, bool counters, struct saved *s,
                     const struct sl_diag *diag)
{
	int err = SL_OK;
	*s = (struct saved){ 0 };
	for (size_t t = 0; t < SL_XT_TABLES && err == SL_OK; t++) {
		err = save_table(xt, family, (enum sl_xt_table)t, counters, &s->table[t]);
		if (err != SL_OK)
			sl_rules_complain(diag, family == SL_IPV4 ? "iptables-save" : "ip6tables-save",
			                  &s->table[t]);
	}
	return err;
}

/* --noflush: what the text does not name stays as it is. -w: legacy tables are locked by whoever changes them. */
static int restore(const struct sl_xt *xt, int family, bool test, const struct sl_out *text,
                   const struct sl_diag *diag)
{
	const char *const args[] = { "--noflush", "-w", "5", test ? "--test" : NULL, NULL };
	struct sl_command_reply reply;
	if (text->overflow)
		return SL_ELIMIT;
	int err = run_xt(xt, family, "-restore", args, sl_bytes_of(text->p, text->len), &reply);
	if (err != SL_OK)
		sl_rules_complain(diag, family == SL_IPV4 ? "iptables-restore" : "ip6tables-restore", &reply);
	sl_command_reply_free(&reply);
	return err;
}

/* Room for our own text and for what undoes everything in s. */
static int out_new(const struct sl_rules_cfg *cfg, const struct saved *s, struct sl_out *o)
{
	size_t cap = cfg == NULL ? 4096 : sl_rules_text_max(cfg);
	for (size_t t = 0; t < SL_XT_TABLES; t++)
		cap += 2 * s->table[t].out_len + 64;
	void *p = malloc(cap);
	*o = sl_out_of(p, p == NULL ? 0 : cap);
	return p == NULL ? SL_ENOMEM : SL_OK;
}

static void put_installation(const struct sl_rules_cfg *cfg, int family, const struct saved *s,
                             struct sl_out *o)
{
	for (size_t i = 0; i < SL_XT_TABLES; i++) {
		enum sl_xt_table t = (enum sl_xt_table)i;
		sl_out_fmt(o, "*%s\n", sl_xt_table_name[t]);
		sl_xt_save_undo(text_of(s, t), o);
		size_t start = o->len;
		sl_xt_text_chains(cfg, number[family], t, o);
		struct sl_bytes chains = sl_bytes_skip(sl_bytes_of(o->p, o->len), start);
		sl_xt_text_jumps(t, o);
		sl_xt_save_delete_chains(text_of(s, t), chains, o);
		sl_out_str(o, "COMMIT\n");
	}
}

/* The other way round: first nothing is asked any more, then nothing refused. False when there is nothing of ours. */
static bool put_removal(const struct saved *s, struct sl_out *o)
{
	bool any = false;
	for (size_t i = SL_XT_TABLES; i-- > 0;) {
		enum sl_xt_table t = (enum sl_xt_table)i;
		if (!sl_xt_save_any(text_of(s, t)))
			continue;
		any = true;
		sl_out_fmt(o, "*%s\n", sl_xt_table_name[t]);
		sl_xt_save_undo(text_of(s, t), o);
		sl_xt_save_delete_chains(text_of(s, t), (struct sl_bytes){ NULL, 0 }, o);
		sl_out_str(o, "COMMIT\n");
	}
	return any;
}

static int install_family(const struct sl_rules *r, int family, bool test, const struct sl_diag *diag)
{
	struct saved s = { 0 };
	struct sl_out text = { 0 };
	int err = test ? SL_OK : save_both(&r->xt, family, false, &s, diag);
	if (err == SL_OK)
		err = out_new(&r->cfg, &s, &text);
	if (err == SL_OK) {
		put_installation(&r->cfg, family, &s, &text);
		err = restore(&r->xt, family, test, &text, diag);
	}
	free(text.p);
	saved_free(&s);
	return err;
}

static int remove_family(const struct sl_xt *xt, int family, const struct sl_diag *diag)
{
	struct saved s;
	struct sl_out text = { 0 };
	int err = save_both(xt, family, false, &s, NULL);
	if (err == SL_EINVAL || err == SL_ENOENT) { /* no such tables in this kernel, hence nothing of ours */
		saved_free(&s);
		return SL_OK;
	}
	if (err == SL_OK)
		err = out_new(NULL, &s, &text);
	if (err == SL_OK && put_removal(&s, &text))
		err = restore(xt, family, false, &text, diag);
	free(text.p);
	saved_free(&s);
	return err;
}

/* iptables-nft makes tables and built-in chains as they are needed. */
static void note_what_is_missing(struct sl_xt *xt, int family)
{
	for (size_t t = 0; t < SL_XT_TABLES; t++)
		if (sl_nft_table_exists(nfproto[family], sl_xt_table_name[t]) == SL_ENOENT)
			xt->made_table[family][t] = true;
	for (size_t j = 0; j < SL_XT_JUMPS; j++)
		if (sl_nft_chain_exists(nfproto[family], sl_xt_table_name[sl_xt_jump[j].table],
		                        sl_xt_jump[j].from) == SL_ENOENT)
			xt->made_chain[family][j] = true;
}

static void remove_what_we_made(struct sl_xt *xt, int family)
{
	for (size_t j = 0; j < SL_XT_JUMPS; j++)
		if (xt->made_chain[family][j])
			sl_nft_chain_delete_unused(nfproto[family], sl_xt_table_name[sl_xt_jump[j].table],
			                           sl_xt_jump[j].from);
	for (size_t t = 0; t < SL_XT_TABLES; t++)
		if (xt->made_table[family][t])
			sl_nft_table_delete_unused(nfproto[family], sl_xt_table_name[t]);
	memset(xt->made_chain[family], 0, sizeof(xt->made_chain[family]));
	memset(xt->made_table[family], 0, sizeof(xt->made_table[family]));
}

static int install(struct sl_rules *r, const struct sl_diag *diag)
{
	int err = SL_OK;
	for (int f = 0; f < SL_FAMILIES && err == SL_OK; f++) {
		if (f == SL_IPV6 && !r->xt.v6)
			continue;
		if (!r->xt.legacy)
			note_what_is_missing(&r->xt, f);
		for (int i = 1; i <= TRIES; i++) {
			err = install_family(r, f, false, i == TRIES ? diag : NULL);
			if (err != SL_EINVAL)
				break;
		}
	}
	return err;
}

int sl_xt_remove(struct sl_xt *xt, const struct sl_diag *diag)
{
	int first = SL_OK;
	for (int f = 0; f < SL_FAMILIES; f++) {
		int err = SL_OK;
		for (int i = 1; i <= TRIES; i++) {
			err = remove_family(xt, f, i == TRIES ? diag : NULL);
			if (err != SL_EINVAL)
				break;
		}
		if (!xt->legacy)
			remove_what_we_made(xt, f);
		first = first != SL_OK ? first : err;
	}
	return first;
}

/* "iptables v1.8.9 (nf_tables)"; those before 1.8 say neither word and are legacy. */
bool sl_xt_find(struct sl_xt *xt, const char *suffix)
{
	static const char *const args[] = { "--version", NULL };
	struct sl_command_reply reply;
	*xt = (struct sl_xt){ .suffix = suffix };
	bool found = run_xt(xt, SL_IPV4, "", args, (struct sl_bytes){ NULL, 0 }, &reply) == SL_OK;
	xt->legacy = !found || reply.out == NULL || strstr(reply.out, "nf_tables") == NULL;
	sl_command_reply_free(&reply);
	return found;
}

/* An IPv6 that works and cannot be filtered would be a way round the filter. */
static int probe_v6(struct sl_rules *r, const struct sl_diag *diag)
{
	bool there = access("/proc/thread-self/net/if_inet6", F_OK) == 0;
	int err = install_family(r, SL_IPV6, true, there ? diag : NULL);
	r->xt.v6 = err == SL_OK;
	return there ? err : SL_OK;
}

static int probe_kind(struct sl_rules *r, const char *suffix, bool legacy, const struct sl_diag *diag)
{
	if (!sl_xt_find(&r->xt, suffix)) {
		sl_diag(diag, NULL, 0, "iptables%s: not installed", suffix);
		return SL_EUNSUP;
	}
	if (r->xt.legacy != legacy)
		return SL_ENOENT; /* the other kind: not this one's business */
	int err = install_family(r, SL_IPV4, true, diag);
	return err == SL_OK ? probe_v6(r, diag) : err;
}

static int probe_nft(struct sl_rules *r, const char *suffix, const struct sl_diag *diag)
{
	return probe_kind(r, suffix, false, diag);
}

static int probe_legacy(struct sl_rules *r, const char *suffix, const struct sl_diag *diag)
{
	return probe_kind(r, suffix, true, diag);
}

static int list_family(const struct sl_xt *xt, int family, struct sl_out *o)
{
	struct saved s;
	int err = save_both(xt, family, false, &s, NULL);
	for (size_t t = 0; t < SL_XT_TABLES && err == SL_OK; t++)
		err = sl_xt_save_listing(text_of(&s, (enum sl_xt_table)t), (enum sl_xt_table)t, o);
	saved_free(&s);
	return err;
}

static int listing(struct sl_rules *r, char **text)
{
	size_t cap = 4 * sl_rules_text_max(&r->cfg);
	char *p = malloc(cap);
	if (p == NULL)
		return SL_ENOMEM;
	struct sl_out o = sl_out_of(p, cap);
	int err = list_family(&r->xt, SL_IPV4, &o);
	if (err == SL_OK && r->xt.v6)
		err = list_family(&r->xt, SL_IPV6, &o);
	sl_out_u8(&o, '\0');
	if (err == SL_OK && o.overflow)
		err = SL_ENOENT; /* more than we ever wrote: altered */
	if (err == SL_OK)
		*text = sl_take(&p);
	free(p);
	return err == SL_ELIMIT ? SL_ENOENT : err;
}

static int count(struct sl_rules *r, struct sl_rules_counts *out)
{
	int err = SL_OK;
	for (int f = 0; f < SL_FAMILIES && err == SL_OK; f++) {
		struct saved s = { 0 };
		if (f == SL_IPV6 && !r->xt.v6)
			continue;
		err = save_both(&r->xt, f, true, &s, NULL);
		for (size_t t = 0; t < SL_XT_TABLES && err == SL_OK; t++)
			sl_xt_save_count(text_of(&s, (enum sl_xt_table)t), out);
		saved_free(&s);
	}
	return err;
}

const struct sl_rules_ops sl_rules_xt_nft = { "iptables (nf_tables)", probe_nft, install, listing, count };
const struct sl_rules_ops sl_rules_xt_legacy = { "iptables-legacy", probe_legacy, install, listing, count };
