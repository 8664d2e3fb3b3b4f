/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>

#include "daemon/mark.h"
#include "daemon/payload_bpf.h"
#include "daemon/rules_text.h"

const char *const sl_xt_table_name[SL_XT_TABLES + 1] = { "filter", "mangle", NULL };

const struct sl_xt_jump sl_xt_jump[SL_XT_JUMPS] = {
	{ SL_XT_FILTER, "FORWARD", "SLUICE-VERDICT" },
	{ SL_XT_MANGLE, "FORWARD", "SLUICE-FORWARD" },
	{ SL_XT_MANGLE, "POSTROUTING", "SLUICE-POST" },
};

size_t sl_rules_text_max(const struct sl_rules_cfg *cfg)
{
	return 20480 + cfg->insides * 512;
}

static void put_payload(int family, struct sl_out *o)
{
	sl_out_str(o, "-m bpf --bytecode \"");
	sl_payload_bpf_text(family, o);
	sl_out_str(o, "\" ");
}

/* Which end of a packet is to be inside: the options that say so. */
static const struct end {
	const char *interface, *prefix;
} source = { "-i", "-s" }, destination = { "-o", "-d" };

/* -g and not -j: a packet that matches two entries goes through once. */
static void put_insides(const struct sl_rules_cfg *cfg, int family, const struct end *end, const char *from,
                        const char *to, struct sl_out *o)
{
	for (size_t i = 0; i < cfg->insides; i++) {
		const struct sl_inside *in = &cfg->inside[i];
		char text[INET6_ADDRSTRLEN];
		if (in->family == 0) {
			sl_out_fmt(o, "-A %s %s %s -g %s\n", from, end->interface, in->ifname, to);
		} else if (in->family == family) {
			inet_ntop(family == 4 ? AF_INET : AF_INET6, in->addr, text, sizeof(text));
			sl_out_fmt(o, "-A %s %s %s/%u -g %s\n", from, end->prefix, text, in->prefix, to);
		}
	}
}

static void put_queue(const struct sl_rules_cfg *cfg, const char *chain, unsigned first, struct sl_out *o)
{
	unsigned last = first + cfg->queue_count - 1;
	sl_out_fmt(o, "-A %s -j NFQUEUE ", chain);
	if (cfg->queue_count > 1)
		sl_out_fmt(o, "--queue-balance %u:%u", first, last);
	else
		sl_out_fmt(o, "--queue-num %u", first);
	sl_out_fmt(o, "%s\n", cfg->bypass ? " --queue-bypass" : "");
}

static void put_ask(const struct sl_rules_cfg *cfg, const char *chain, unsigned first, struct sl_out *o)
{
	uint32_t m = cfg->mark_mask, v = sl_mark_verdict_mask(m), started = sl_mark_started(m);
	sl_out_fmt(o, "-A %s -j CONNMARK --restore-mark --nfmask 0x%x --ctmask 0x%x\n", chain, started,
	           started);
	sl_out_fmt(o, "-A %s -j MARK --set-xmark 0x0/0x%x\n", chain, v);
	put_queue(cfg, chain, first, o);
}

/* What a resolver answers to the inside. Other packets come here only if they look the same, since no reply is asked about. */
static void put_answer(const struct sl_rules_cfg *cfg, int family, struct sl_out *o)
{
	uint32_t m = cfg->mark_mask;
	put_insides(cfg, family, &destination, "SLUICE-ANSWER", "SLUICE-PUT-ANSWER", o);
	sl_out_fmt(o, "-A SLUICE-PUT-ANSWER -j MARK --set-xmark 0x%x/0x%x\n", sl_mark_of(m, SL_MARK_PASSED),
	           m);
	put_queue(cfg, "SLUICE-PUT-ANSWER", cfg->queue_first, o);
}

/* The packets of one side: those that may be judged, and of these the ones that are to be. */
static void put_side(const struct sl_rules_cfg *cfg, int family, const char *chain, const char *ask,
                     struct sl_out *o)
{
	uint32_t started = sl_mark_started(cfg->mark_mask);
	if (!cfg->both)
		sl_out_fmt(o, "-A %s -m conntrack --ctdir REPLY -j RETURN\n", chain);
	sl_out_fmt(o, "-A %s -m conntrack --ctstate INVALID ", chain);
	put_payload(family, o);
	sl_out_str(o, "-m comment --comment \"sluice: invalid\" -j RETURN\n");
	sl_out_fmt(o, "-A %s -m conntrack --ctstate INVALID,UNTRACKED -j RETURN\n", chain);
	if (cfg->both)
		sl_out_fmt(o,
		           "-A %s -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j CONNMARK --set-xmark "
		           "0x%x/0x%x\n",
		           chain, started, started);
	else
		sl_out_fmt(o, "-A %s -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -g SLUICE-SYN\n", chain);
	sl_out_fmt(o, "-A %s -p udp -m conntrack --ctstate NEW -j CONNMARK --set-xmark 0x%x/0x%x\n", chain,
	           started, started);
	if (cfg->both)
		sl_out_fmt(o, "-A %s -p tcp -m tcp ! --tcp-flags FIN,SYN,RST NONE -g %s\n", chain, ask);
	sl_out_fmt(o, "-A %s ", chain);
	put_payload(family, o);
	sl_out_fmt(o, "-g %s\n", ask);
}

/* A SYN has the upper bit where it makes a new entry of conntrack. */
static void put_syn(const struct sl_rules_cfg *cfg, int family, struct sl_out *o)
{
	uint32_t v = sl_mark_verdict_mask(cfg->mark_mask), started = sl_mark_started(cfg->mark_mask);
	sl_out_fmt(o,
	           "-A SLUICE-SYN -m conntrack --ctstate NEW -m connmark --mark 0x0/0x%x -j MARK --set-xmark "
	           "0x%x/0x%x\n",
	           started, started, started);
	sl_out_fmt(o, "-A SLUICE-SYN -j CONNMARK --set-xmark 0x%x/0x%x\n", started, started);
	if (cfg->copy_syn)
		sl_out_fmt(o, "-A SLUICE-SYN -j NFLOG --nflog-group %u --nflog-size %u --nflog-threshold 1\n",
		           cfg->queue_first, SL_RULES_SYN_BYTES);
	sl_out_str(o, "-A SLUICE-SYN ");
	if (!cfg->ask_syn)
		put_payload(family, o);
	sl_out_fmt(o, "-g SLUICE-PUT-SYN\n-A SLUICE-PUT-SYN -j MARK --set-xmark 0x0/0x%x\n", v);
	put_queue(cfg, "SLUICE-PUT-SYN", cfg->queue_first, o);
}

/* The common packet, which has none of our bits, costs one test. */
static void put_post(const struct sl_rules_cfg *cfg, struct sl_out *o)
{
	uint32_t m = cfg->mark_mask, v = sl_mark_verdict_mask(m);
	uint32_t allowed = sl_mark_of(m, SL_MARK_ALLOWED), blocked = sl_mark_of(m, SL_MARK_BLOCKED);
	sl_out_fmt(o, "-A SLUICE-POST -m mark --mark 0x0/0x%x -j RETURN\n", m);
	sl_out_fmt(o,
	           "-A SLUICE-POST -m mark --mark 0x%x/0x%x -j CONNMARK --save-mark --nfmask 0x%x --ctmask "
	           "0x%x\n",
	           allowed, v, v, v);
	sl_out_fmt(o, "-A SLUICE-POST -m mark --mark 0x%x/0x%x -j CONNMARK --set-xmark 0x%x/0x%x\n",
	           sl_mark_of(m, SL_MARK_ALLOWED_QUIC), m, sl_mark_of(m, SL_MARK_QUIC), v);
	sl_out_fmt(o,
	           "-A SLUICE-POST -m mark --mark 0x%x/0x%x -j CONNMARK --save-mark --nfmask 0x%x --ctmask "
	           "0x%x\n",
	           blocked, v, v, v);
	sl_out_fmt(o,
	           "-A SLUICE-POST -m mark --mark 0x%x/0x%x -m comment --comment \"sluice: unrefused\" -j "
	           "DROP\n",
	           blocked, v);
	sl_out_fmt(o, "-A SLUICE-POST -j MARK --set-xmark 0x0/0x%x\n", m);
}

static void put_mangle(const struct sl_rules_cfg *cfg, int family, struct sl_out *o)
{
	uint32_t m = cfg->mark_mask, v = sl_mark_verdict_mask(m);
	uint32_t allowed = sl_mark_of(m, SL_MARK_ALLOWED), blocked = sl_mark_of(m, SL_MARK_BLOCKED);
	sl_out_str(o, ":SLUICE-FORWARD - [0:0]\n:SLUICE-INSIDE - [0:0]\n:SLUICE-ASK - [0:0]\n:SLUICE-POST - "
	              "[0:0]\n");
	if (cfg->answers)
		sl_out_str(o, ":SLUICE-ANSWER - [0:0]\n:SLUICE-PUT-ANSWER - [0:0]\n");
	if (cfg->both)
		sl_out_str(o, ":SLUICE-TO-INSIDE - [0:0]\n:SLUICE-ASK-TO - [0:0]\n");
	else
		sl_out_str(o, ":SLUICE-SYN - [0:0]\n:SLUICE-PUT-SYN - [0:0]\n");
	/* A new connection in an old entry, as rules_nft_text.c says. */
	sl_out_fmt(o,
	           "-A SLUICE-FORWARD -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -m conntrack --ctdir "
	           "ORIGINAL "
	           "-j CONNMARK --set-xmark 0x0/0x%x\n",
	           v);
	sl_out_fmt(o, "-A SLUICE-FORWARD -m connmark --mark 0x%x/0x%x -j RETURN\n", allowed, v);
	sl_out_fmt(o, "-A SLUICE-FORWARD -m connmark --mark 0x%x/0x%x -j MARK --set-xmark 0x%x/0x%x\n",
	           blocked, v, blocked, v);
	sl_out_fmt(o, "-A SLUICE-FORWARD -m connmark --mark 0x%x/0x%x -j RETURN\n", blocked, v);
	sl_out_fmt(o, "-A SLUICE-FORWARD -m connmark --mark 0x%x/0x%x -m bpf --bytecode \"",
	           sl_mark_of(m, SL_MARK_QUIC), v);
	sl_quic_short_bpf_text(family, o);
	sl_out_str(o, "\" -j RETURN\n");
	if (cfg->answers)
		sl_out_str(o, "-A SLUICE-FORWARD -p udp -m udp --sport 53 -m conntrack --ctdir REPLY -g "
		              "SLUICE-ANSWER\n");
	put_insides(cfg, family, &source, "SLUICE-FORWARD", "SLUICE-INSIDE", o);
	if (cfg->both)
		put_insides(cfg, family, &destination, "SLUICE-FORWARD", "SLUICE-TO-INSIDE", o);
	put_side(cfg, family, "SLUICE-INSIDE", "SLUICE-ASK", o);
	put_ask(cfg, "SLUICE-ASK", cfg->queue_first, o);
	if (cfg->both) {
		put_side(cfg, family, "SLUICE-TO-INSIDE", "SLUICE-ASK-TO", o);
		put_ask(cfg, "SLUICE-ASK-TO", (unsigned)cfg->queue_first + cfg->queue_count, o);
	} else {
		put_syn(cfg, family, o);
	}
	if (cfg->answers)
		put_answer(cfg, family, o);
	put_post(cfg, o);
}

static void put_filter(const struct sl_rules_cfg *cfg, int family, struct sl_out *o)
{
	uint32_t m = cfg->mark_mask, v = sl_mark_verdict_mask(m), blocked = sl_mark_of(m, SL_MARK_BLOCKED);
	sl_out_str(o, ":SLUICE-VERDICT - [0:0]\n:SLUICE-UNJUDGED - [0:0]\n:SLUICE-REFUSE - [0:0]\n");
	sl_out_fmt(o, "-A SLUICE-VERDICT -m mark --mark 0x%x/0x%x -g SLUICE-REFUSE\n", blocked, v);
	sl_out_fmt(o, "-A SLUICE-VERDICT -m connmark ! --mark 0x0/0x%x -j RETURN\n", v);
	sl_out_fmt(o, "-A SLUICE-VERDICT -m mark ! --mark 0x0/0x%x -j RETURN\n", v);
	put_insides(cfg, family, &source, "SLUICE-VERDICT", "SLUICE-UNJUDGED", o);
	if (cfg->both)
		put_insides(cfg, family, &destination, "SLUICE-VERDICT", "SLUICE-UNJUDGED", o);
	sl_out_str(o, "-A SLUICE-UNJUDGED ");
	if (!cfg->both)
		sl_out_str(o, "-m conntrack --ctdir ORIGINAL ");
	put_payload(family, o);
	sl_out_str(o, "-m comment --comment \"sluice: unjudged\"\n");
	sl_out_fmt(o, "-A SLUICE-REFUSE -j CONNMARK --save-mark --nfmask 0x%x --ctmask 0x%x\n", v, v);
	/* With net.ipv4.fwmark_reflect the reset takes the packet's mark: it must not have ours. */
	sl_out_fmt(o, "-A SLUICE-REFUSE -j MARK --set-xmark 0x0/0x%x\n", m);
	if (!cfg->refuse_silent)
		sl_out_str(o, "-A SLUICE-REFUSE -p tcp -j REJECT --reject-with tcp-reset\n");
	if (cfg->refuse_icmp)
		sl_out_fmt(o,
		           "-A SLUICE-REFUSE -p udp -m conntrack --ctdir ORIGINAL -j REJECT --reject-with "
		           "%s\n",
		           family == 4 ? "icmp-admin-prohibited" : "icmp6-adm-prohibited");
	sl_out_str(o, "-A SLUICE-REFUSE -j DROP\n");
}

void sl_xt_text_chains(const struct sl_rules_cfg *cfg, int family, enum sl_xt_table table, struct sl_out *o)
{
	if (table == SL_XT_MANGLE)
		put_mangle(cfg, family, o);
	else
		put_filter(cfg, family, o);
}

void sl_xt_text_jumps(enum sl_xt_table table, struct sl_out *o)
{
	for (size_t i = 0; i < SL_XT_JUMPS; i++)
		if (sl_xt_jump[i].table == table)
			sl_out_fmt(o, "-I %s 1 -j %s\n", sl_xt_jump[i].from, sl_xt_jump[i].to);
}
