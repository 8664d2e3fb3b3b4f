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

/* What iptables-restore reads, for one family. */
struct change {
	struct sl_out text; /* .p is ours; NULL: nothing to do */
	int err;
};

static struct sl_bytes text_of(const struct sl_rules_look *look, int family, enum sl_xt_table t)
{
	const struct sl_command_reply *all = &look->save[family];
	return sl_xt_save_table(sl_bytes_of(all->out, all->out_len), t);
}

/* One program for each family where wanted[], at the same time. err[] of the others is SL_OK. */
static void run_both(const struct sl_xt *xt, const bool *wanted, const char *what, const char *const *args,
                     const struct sl_bytes *input, struct sl_command_reply *reply, int *err)
{
	char name[SL_FAMILIES][64];
	const char *argv[SL_FAMILIES][8] = { { NULL } };
	struct sl_command cmd[SL_FAMILIES];
	struct sl_command_reply got[SL_FAMILIES];
	int result[SL_FAMILIES], family[SL_FAMILIES];
	size_t n = 0;
	for (int f = 0; f < SL_FAMILIES; f++) {
		reply[f] = (struct sl_command_reply){ 0 };
		err[f] = SL_OK;
		if (!wanted[f])
			continue;
		(void)snprintf(name[n], sizeof(name[n]), "%s%s%s", program[f], xt->suffix, what);
		argv[n][0] = name[n];
		for (size_t i = 0; i < SL_COUNT(argv[n]) - 2 && args[i] != NULL; i++)
			argv[n][i + 1] = args[i];
		cmd[n] = (struct sl_command){ argv[n], input[f], SL_RULES_OUTPUT_MAX, SL_RULES_TIMEOUT_MS };
		family[n++] = f;
	}
	sl_command_run_all(cmd, got, result, n);
	for (size_t i = 0; i < n; i++) {
		reply[family[i]] = got[i];
		err[family[i]] = result[i];
	}
}

static void complain(const struct sl_diag *diag, int family, const char *what,
                     const struct sl_command_reply *reply)
{
	char name[64];
	(void)snprintf(name, sizeof(name), "%s%s", program[family], what);
	sl_rules_complain(diag, name, reply);
}

/* All tables that exist: asking legacy tables by name would make them, with their hooks, and they stay.
 * -c: "[packets:bytes]" before each rule. */
static void save(const struct sl_xt *xt, const bool *wanted, struct sl_rules_look *look, int *err)
{
	static const char *const args[] = { "-c", NULL };
	static const struct sl_bytes nothing[SL_FAMILIES] = { { NULL, 0 } };
	run_both(xt, wanted, "-save", args, nothing, look->save, err);
}

/* --noflush: what the text does not name stays as it is. -w: legacy tables are locked by whoever changes them. */
static void restore(const struct sl_xt *xt, bool test, struct change *change, const struct sl_diag *diag)
{
	const char *const args[] = { "--noflush", "-w", "5", test ? "--test" : NULL, NULL };
	struct sl_command_reply reply[SL_FAMILIES];
	struct sl_bytes input[SL_FAMILIES];
	bool wanted[SL_FAMILIES];
	int err[SL_FAMILIES];
	for (int f = 0; f < SL_FAMILIES; f++) {
		wanted[f] = change[f].err == SL_OK && change[f].text.p != NULL;
		input[f] = sl_bytes_of(change[f].text.p, change[f].text.len);
	}
	run_both(xt, wanted, "-restore", args, input, reply, err);
	for (int f = 0; f < SL_FAMILIES; f++) {
		if (wanted[f])
			change[f].err = err[f];
		if (err[f] != SL_OK)
			complain(diag, f, "-restore", &reply[f]);
		sl_command_reply_free(&reply[f]);
	}
}

static void changes_free(struct change *change)
{
	for (int f = 0; f < SL_FAMILIES; f++) {
		free(change[f].text.p);
		change[f].text = (struct sl_out){ 0 };
	}
}

/* Room for our own text and for what undoes everything in the look. */
static int out_new(const struct sl_rules_cfg *cfg, const struct sl_command_reply *seen, struct sl_out *o)
{
	size_t cap = (cfg == NULL ? 4096 : sl_rules_text_max(cfg)) + 2 * seen->out_len;
	void *p = malloc(cap);
	*o = sl_out_of(p, p == NULL ? 0 : cap);
	return p == NULL ? SL_ENOMEM : SL_OK;
}

static void put_installation(const struct sl_rules_cfg *cfg, int family, const struct sl_rules_look *look,
                             struct sl_out *o)
{
	for (size_t i = 0; i < SL_XT_TABLES; i++) {
		enum sl_xt_table t = (enum sl_xt_table)i;
		struct sl_bytes saved = text_of(look, family, t);
		sl_out_fmt(o, "*%s\n", sl_xt_table_name[t]);
		sl_xt_save_undo(saved, o);
		size_t start = o->len;
		sl_xt_text_chains(cfg, number[family], t, o);
		struct sl_bytes chains = sl_bytes_skip(sl_bytes_of(o->p, o->len), start);
		sl_xt_text_jumps(t, o);
		sl_xt_save_delete_chains(saved, chains, o);
		sl_out_str(o, "COMMIT\n");
	}
}

/* The other way round: first nothing is asked any more, then nothing refused. False when there is nothing of ours. */
static bool put_removal(const struct sl_rules_look *look, int family, struct sl_out *o)
{
	bool any = false;
	for (size_t i = SL_XT_TABLES; i-- > 0;) {
		enum sl_xt_table t = (enum sl_xt_table)i;
		struct sl_bytes saved = text_of(look, family, t);
		if (!sl_xt_save_any(saved))
			continue;
		any = true;
		sl_out_fmt(o, "*%s\n", sl_xt_table_name[t]);
		sl_xt_save_undo(saved, o);
		sl_xt_save_delete_chains(saved, (struct sl_bytes){ NULL, 0 }, o);
		sl_out_str(o, "COMMIT\n");
	}
	return any;
}

static void text_to_install(const struct sl_rules *r, int family, struct change *to)
{
	to->err = out_new(&r->cfg, &r->look.save[family], &to->text);
	if (to->err == SL_OK)
		put_installation(&r->cfg, family, &r->look, &to->text);
	if (to->text.overflow)
		to->err = SL_ELIMIT;
}

static int test_family(const struct sl_rules *r, int family, const struct sl_diag *diag)
{
	struct change change[SL_FAMILIES] = { 0 };
	text_to_install(r, family, &change[family]);
	restore(&r->xt, true, change, diag);
	changes_free(change);
	return change[family].err;
}

static void text_to_remove(const struct sl_rules_look *look, int family, struct change *to)
{
	to->err = out_new(NULL, &look->save[family], &to->text);
	if (to->err == SL_OK && !put_removal(look, family, &to->text))
		free(sl_take(&to->text.p)); /* nothing of ours is there */
	if (to->text.overflow)
		to->err = SL_ELIMIT;
}

static int first_error(const int *err)
{
	return err[SL_IPV4] != SL_OK ? err[SL_IPV4] : err[SL_IPV6];
}

static int remove_once(const struct sl_xt *xt, const struct sl_diag *diag)
{
	static const bool both[SL_FAMILIES] = { true, true };
	struct sl_rules_look look;
	struct change change[SL_FAMILIES] = { 0 };
	int err[SL_FAMILIES];
	save(xt, both, &look, err);
	for (int f = 0; f < SL_FAMILIES; f++) {
		if (err[f] == SL_OK)
			text_to_remove(&look, f, &change[f]);
		else if (err[f] != SL_EINVAL && err[f] != SL_ENOENT)
			change[f].err =
			        err[f]; /* those two: no such tables in this kernel, hence nothing of ours */
	}
	restore(xt, false, change, diag);
	changes_free(change);
	sl_rules_look_free(&look);
	return change[SL_IPV4].err != SL_OK ? change[SL_IPV4].err : change[SL_IPV6].err;
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

_Static_assert(SL_FAMILIES *(SL_XT_TABLES + SL_XT_JUMPS) <= 32, "a bit each");

uint32_t sl_xt_made(const struct sl_xt *xt)
{
	uint32_t made = 0;
	for (int f = 0; f < SL_FAMILIES; f++) {
		for (size_t t = 0; t < SL_XT_TABLES; t++)
			made = made << 1 | xt->made_table[f][t];
		for (size_t j = 0; j < SL_XT_JUMPS; j++)
			made = made << 1 | xt->made_chain[f][j];
	}
	return made;
}

void sl_xt_set_made(struct sl_xt *xt, uint32_t made)
{
	for (int f = SL_FAMILIES; f-- > 0;) {
		for (size_t j = SL_XT_JUMPS; j-- > 0; made >>= 1)
			xt->made_chain[f][j] = made & 1;
		for (size_t t = SL_XT_TABLES; t-- > 0; made >>= 1)
			xt->made_table[f][t] = made & 1;
	}
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

static int look(struct sl_rules *r)
{
	const bool wanted[SL_FAMILIES] = { true, r->xt.v6 };
	int err[SL_FAMILIES];
	save(&r->xt, wanted, &r->look, err);
	r->look.taken = first_error(err) == SL_OK;
	return first_error(err);
}

/* done[]: families that stand already, from a try before. */
static int install_once(struct sl_rules *r, bool *done, const struct sl_diag *diag)
{
	struct change change[SL_FAMILIES] = { 0 };
	int err = r->look.taken ? SL_OK : look(r);
	if (err != SL_OK) {
		for (int f = 0; f < SL_FAMILIES; f++)
			if (r->look.save[f].status != 0)
				complain(diag, f, "-save", &r->look.save[f]);
		sl_rules_look_free(&r->look);
		return err;
	}
	for (int f = 0; f < SL_FAMILIES; f++)
		if (!done[f])
			text_to_install(r, f, &change[f]);
	restore(&r->xt, false, change, diag);
	changes_free(change);
	sl_rules_look_free(&r->look);
	for (int f = 0; f < SL_FAMILIES; f++)
		done[f] = done[f] || change[f].err == SL_OK;
	return change[SL_IPV4].err != SL_OK ? change[SL_IPV4].err : change[SL_IPV6].err;
}

static int install(struct sl_rules *r, const struct sl_diag *diag)
{
	bool done[SL_FAMILIES] = { false, !r->xt.v6 };
	int err = SL_EINVAL;
	for (int f = 0; f < SL_FAMILIES && !r->xt.legacy; f++)
		if (!done[f])
			note_what_is_missing(&r->xt, f);
	for (int i = 1; i <= TRIES && err == SL_EINVAL; i++)
		err = install_once(r, done, i == TRIES ? diag : NULL);
	return err;
}

int sl_xt_remove(struct sl_xt *xt, const struct sl_diag *diag)
{
	int err = SL_EINVAL;
	for (int i = 1; i <= TRIES && err == SL_EINVAL; i++)
		err = remove_once(xt, i == TRIES ? diag : NULL);
	for (int f = 0; f < SL_FAMILIES && !xt->legacy; f++)
		remove_what_we_made(xt, f);
	return err;
}

/* "iptables v1.8.9 (nf_tables)"; those before 1.8 say neither word and are legacy. */
bool sl_xt_find(struct sl_xt *xt, const char *suffix)
{
	char name[64];
	const char *const argv[] = { name, "--version", NULL };
	struct sl_command cmd = { argv, { NULL, 0 }, SL_RULES_OUTPUT_MAX, SL_RULES_TIMEOUT_MS };
	struct sl_command_reply reply;
	*xt = (struct sl_xt){ .suffix = suffix };
	(void)snprintf(name, sizeof(name), "%s%s", program[SL_IPV4], suffix);
	bool found = sl_command_run(&cmd, &reply) == SL_OK;
	xt->legacy = !found || reply.out == NULL || strstr(reply.out, "nf_tables") == NULL;
	sl_command_reply_free(&reply);
	return found;
}

/* An IPv6 that works and cannot be filtered would be a way round the filter. */
static int probe_v6(struct sl_rules *r, const struct sl_diag *diag)
{
	bool there = access("/proc/thread-self/net/if_inet6", F_OK) == 0;
	int err = test_family(r, SL_IPV6, there ? diag : NULL);
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
	int err = test_family(r, SL_IPV4, diag);
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

static int list_family(const struct sl_rules_look *look, int family, struct sl_out *o)
{
	int err = SL_OK;
	for (size_t i = 0; i < SL_XT_TABLES && err == SL_OK; i++) {
		enum sl_xt_table t = (enum sl_xt_table)i;
		err = sl_xt_save_listing(text_of(look, family, t), t, o);
	}
	return err;
}

static int listing(const struct sl_rules *r, char **text)
{
	size_t cap = 4 * sl_rules_text_max(&r->cfg);
	char *p = malloc(cap);
	if (p == NULL)
		return SL_ENOMEM;
	struct sl_out o = sl_out_of(p, cap);
	int err = list_family(&r->look, SL_IPV4, &o);
	if (err == SL_OK && r->xt.v6)
		err = list_family(&r->look, SL_IPV6, &o);
	sl_out_u8(&o, '\0');
	if (err == SL_OK && o.overflow)
		err = SL_ENOENT; /* more than we ever wrote: altered */
	if (err == SL_OK)
		*text = sl_take(&p);
	free(p);
	return err == SL_ELIMIT ? SL_ENOENT : err;
}

static void count(const struct sl_rules *r, struct sl_rules_counts *out)
{
	for (int f = 0; f < SL_FAMILIES; f++)
		for (size_t t = 0; t < SL_XT_TABLES; t++)
			sl_xt_save_count(text_of(&r->look, f, (enum sl_xt_table)t), out);
}

const struct sl_rules_ops sl_rules_xt_nft = {
	"iptables (nf_tables)", probe_nft, look, install, listing, count
};
const struct sl_rules_ops sl_rules_xt_legacy = { "iptables-legacy", probe_legacy, look,
	                                         install,           listing,      count };
