/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>

#include "daemon/mark.h"
#include "daemon/rules_text.h"

/* Words of a TCP header, RFC 9293 §3.1; the common ones first: with timestamps, without options, a SYN's. */
static const unsigned char tcp_words[] = { 8, 5, 10, 6, 7, 9, 11, 12, 13, 14, 15 };

/* Returns from the chain what carries no payload. A length of 0 (BIG TCP, jumbograms) and what has IP options or extension
 * headers goes on, to be safe. One rule per header length: nft 1.0.6 lists a set over `tcp doff` wrongly, and a saved rule
 * set would no longer match. `ip6 length` stands first because nft lists it so. */
static void put_payload_only(struct sl_out *o)
{
	sl_out_str(o, "\t\tip protocol != { tcp, udp } return\n"
	              "\t\tip6 nexthdr != { 0, 6, 17, 43, 44, 51, 60, 135, 139, 140 } return\n"
	              "\t\tudp length 1-8 return\n");
	for (size_t i = 0; i < SL_COUNT(tcp_words); i++)
		sl_out_fmt(o, "\t\tip hdrlength 5 tcp doff %u ip length %u return\n", tcp_words[i],
		           20 + 4 * tcp_words[i]);
	for (size_t i = 0; i < SL_COUNT(tcp_words); i++)
		sl_out_fmt(o, "\t\tip6 length %u ip6 nexthdr tcp tcp doff %u return\n", 4 * tcp_words[i],
		           tcp_words[i]);
}

/* Which end of a packet is to be inside. */
enum end { FROM, TO };

static void put_prefix(struct sl_out *o, const struct sl_inside *in, enum end end)
{
	char text[INET6_ADDRSTRLEN];
	inet_ntop(in->family == 4 ? AF_INET : AF_INET6, in->addr, text, sizeof(text));
	sl_out_fmt(o, "\t\t%s %s %s/%u ", in->family == 4 ? "ip" : "ip6", end == FROM ? "saddr" : "daddr",
	           text, in->prefix);
}

static void put_interface(struct sl_out *o, const char *name, enum end end)
{
	const char *match = end == FROM ? "iifname" : "oifname";
	size_t len = strlen(name);
	if (strcmp(name, "+") == 0)
		sl_out_str(o, "\t\t");
	else if (name[len - 1] == '+')
		sl_out_fmt(o, "\t\t%s \"%.*s*\" ", match, (int)(len - 1), name);
	else
		sl_out_fmt(o, "\t\t%s \"%s\" ", match, name);
}

/* goto and not jump: a packet that matches two entries goes through once. */
static void put_insides(const struct sl_rules_cfg *cfg, enum end end, const char *chain, struct sl_out *o)
{
	for (size_t i = 0; i < cfg->insides; i++) {
		if (cfg->inside[i].family == 0)
			put_interface(o, cfg->inside[i].ifname, end);
		else
			put_prefix(o, &cfg->inside[i], end);
		sl_out_fmt(o, "goto %s\n", chain);
	}
}

/* A connection may begin in an entry of conntrack that has a verdict: the entry outlives a reset of the server, a refusal of
 * ours, and a SYN in the midst of a close, and serves the next connection between the same ports (nf_conntrack_proto_tcp.c, "a
 * SYN that we earlier ignored"). So a SYN takes the verdict off. Then decided flows: nearly all packets. */
static void put_queue_chain(const struct sl_rules_cfg *cfg, struct sl_out *o)
{
	uint32_t m = cfg->mark_mask, v = sl_mark_verdict_mask(m);
	sl_out_str(o,
	           "\tchain forward_queue {\n\t\ttype filter hook forward priority mangle; policy accept;\n");
	sl_out_fmt(
	        o,
	        "\t\ttcp flags & (fin | syn | rst | ack) == syn ct direction original ct mark set ct mark & "
	        "0x%08x\n",
	        ~v);
	sl_out_fmt(o, "\t\tct mark & 0x%08x == 0x%08x return\n", v, sl_mark_of(m, SL_MARK_ALLOWED));
	sl_out_fmt(o, "\t\tct mark & 0x%08x == 0x%08x meta mark set meta mark & 0x%08x | 0x%08x return\n", v,
	           sl_mark_of(m, SL_MARK_BLOCKED), ~v, sl_mark_of(m, SL_MARK_BLOCKED));
	sl_out_fmt(o, "\t\tct mark & 0x%08x == 0x%08x meta l4proto udp @th,64,8 & 0x80 == 0x0 return\n", v,
	           sl_mark_of(m, SL_MARK_QUIC));
	if (cfg->answers)
		sl_out_str(o, "\t\tudp sport 53 ct direction reply goto answer\n");
	put_insides(cfg, FROM, "inside", o);
	if (cfg->both)
		put_insides(cfg, TO, "to_inside", o);
	sl_out_str(o, "\t}\n");
}

/* The chains of one side's packets, and the queue that they end in. */
static const struct side {
	const char *inside, *ask, *put;
} from_inside = { "inside", "ask", "put" }, to_inside = { "to_inside", "ask_to", "put_to" };

static void put_inside_chain(const struct sl_rules_cfg *cfg, const struct side *side, struct sl_out *o)
{
	uint32_t started = sl_mark_started(cfg->mark_mask);
	sl_out_fmt(o, "\tchain %s {\n%s\t\tct state untracked return\n\t\tct state invalid goto invalid\n",
	           side->inside, cfg->both ? "" : "\t\tct direction reply return\n");
	if (cfg->both)
		sl_out_fmt(o, "\t\ttcp flags & (fin | syn | rst | ack) == syn ct mark set ct mark | 0x%08x\n",
		           started);
	else
		sl_out_str(o, "\t\ttcp flags & (fin | syn | rst | ack) == syn goto syn\n");
	sl_out_fmt(o, "\t\tmeta l4proto udp ct state new ct mark set ct mark | 0x%08x\n", started);
	if (cfg->both)
		sl_out_fmt(o, "\t\ttcp flags & (fin | syn | rst) != 0 goto %s\n", side->put);
	sl_out_fmt(o, "\t\tgoto %s\n\t}\n", side->ask);
}

static void put_queue(const struct sl_rules_cfg *cfg, unsigned first, struct sl_out *o)
{
	unsigned last = first + cfg->queue_count - 1;
	sl_out_fmt(o, "\t\tqueue num %u", first);
	if (cfg->queue_count > 1)
		sl_out_fmt(o, "-%u", last);
	sl_out_fmt(o, "%s\n\t}\n", cfg->bypass ? " bypass" : "");
}

/* A SYN has the upper bit where it makes a new entry of conntrack. */
static void put_syn_chains(const struct sl_rules_cfg *cfg, struct sl_out *o)
{
	uint32_t started = sl_mark_started(cfg->mark_mask);
	sl_out_fmt(o,
	           "\tchain syn {\n\t\tct state new ct mark & 0x%08x == 0x00000000 meta mark set meta mark | "
	           "0x%08x\n\t\tct mark set ct mark | 0x%08x\n",
	           started, started, started);
	if (cfg->copy_syn)
		sl_out_fmt(o, "\t\tlog group %u snaplen %u\n", cfg->queue_first, SL_RULES_SYN_BYTES);
	if (!cfg->ask_syn)
		put_payload_only(o);
	sl_out_fmt(o, "\t\tmeta mark set meta mark & 0x%08x\n", ~sl_mark_verdict_mask(cfg->mark_mask));
	put_queue(cfg, cfg->queue_first, o);
}

static void put_ask_chain(const struct sl_rules_cfg *cfg, const struct side *side, unsigned first,
                          struct sl_out *o)
{
	uint32_t started = sl_mark_started(cfg->mark_mask);
	sl_out_fmt(o, "\tchain %s {\n", side->ask);
	put_payload_only(o);
	if (cfg->both)
		sl_out_fmt(o, "\t\tgoto %s\n\t}\n\tchain %s {\n", side->put, side->put);
	sl_out_fmt(o, "\t\tmeta mark set meta mark & 0x%08x\n", ~cfg->mark_mask);
	sl_out_fmt(o, "\t\tct mark & 0x%08x == 0x%08x meta mark set meta mark | 0x%08x\n", started, started,
	           started);
	put_queue(cfg, first, o);
}

/* What a resolver answers to the inside. Other packets come here only if they look the same, since no reply is asked about. */
static void put_answer_chains(const struct sl_rules_cfg *cfg, struct sl_out *o)
{
	sl_out_str(o, "\tchain answer {\n");
	put_insides(cfg, TO, "put_answer", o);
	sl_out_fmt(o, "\t}\n\tchain put_answer {\n\t\tmeta mark set meta mark & 0x%08x | 0x%08x\n",
	           ~cfg->mark_mask, sl_mark_of(cfg->mark_mask, SL_MARK_PASSED));
	put_queue(cfg, cfg->queue_first, o);
}

static void put_counting_chain(const char *chain, const char *head, struct sl_out *o)
{
	sl_out_fmt(o, "\tchain %s {\n%s", chain, head);
	put_payload_only(o);
	sl_out_fmt(o, "\t\tcounter name \"%s\"\n\t}\n", chain);
}

/* Directly after the chain that asks, so that no accept of another's filter chain leads past it. */
static void put_verdict_chain(const struct sl_rules_cfg *cfg, struct sl_out *o)
{
	uint32_t m = cfg->mark_mask, v = sl_mark_verdict_mask(m), allowed = sl_mark_of(m, SL_MARK_ALLOWED);
	sl_out_str(o, "\tchain forward_verdict {\n\t\ttype filter hook forward priority mangle + 1; policy "
	              "accept;\n");
	sl_out_fmt(o, "\t\tmeta mark & 0x%08x == 0x%08x goto refuse\n", v, sl_mark_of(m, SL_MARK_BLOCKED));
	sl_out_fmt(o, "\t\tmeta mark & 0x%08x == 0x%08x ct mark set ct mark & 0x%08x | 0x%08x return\n", m,
	           sl_mark_of(m, SL_MARK_ALLOWED_QUIC), ~v, sl_mark_of(m, SL_MARK_QUIC));
	sl_out_fmt(o, "\t\tmeta mark & 0x%08x == 0x%08x ct mark set ct mark & 0x%08x | 0x%08x return\n", v,
	           allowed, ~v, allowed);
	sl_out_fmt(o, "\t\tct mark & 0x%08x != 0x00000000 return\n", v);
	sl_out_fmt(o, "\t\tmeta mark & 0x%08x != 0x00000000 return\n", v);
	put_insides(cfg, FROM, "unjudged", o);
	if (cfg->both)
		put_insides(cfg, TO, "unjudged", o);
	sl_out_str(o, "\t}\n");
}

/* Our bits leave the packet before it is refused: with net.ipv4.fwmark_reflect the reset takes its mark. */
static void put_refuse_chain(const struct sl_rules_cfg *cfg, struct sl_out *o)
{
	uint32_t m = cfg->mark_mask, v = sl_mark_verdict_mask(m);
	sl_out_str(o, "\tchain refuse {\n");
	sl_out_fmt(o, "\t\tct mark set ct mark & 0x%08x | 0x%08x\n", ~v, sl_mark_of(m, SL_MARK_BLOCKED));
	sl_out_fmt(o, "\t\tmeta mark set meta mark & 0x%08x\n", ~m);
	if (!cfg->refuse_silent)
		sl_out_str(o, "\t\tmeta l4proto tcp reject with tcp reset\n");
	if (cfg->refuse_icmp)
		sl_out_str(o, "\t\tmeta l4proto udp ct direction original reject with icmpx type "
		              "admin-prohibited\n");
	sl_out_str(o, "\t\tdrop\n\t}\n");
}

static void put_post_chain(const struct sl_rules_cfg *cfg, struct sl_out *o)
{
	uint32_t m = cfg->mark_mask, v = sl_mark_verdict_mask(m);
	sl_out_str(
	        o,
	        "\tchain postrouting {\n\t\ttype filter hook postrouting priority mangle; policy accept;\n");
	sl_out_fmt(o, "\t\tmeta mark & 0x%08x == 0x00000000 return\n", m);
	sl_out_fmt(o, "\t\tmeta mark & 0x%08x == 0x%08x counter name \"unrefused\" drop\n", v,
	           sl_mark_of(m, SL_MARK_BLOCKED));
	sl_out_fmt(o, "\t\tmeta mark set meta mark & 0x%08x\n\t}\n", ~m);
}

void sl_nft_text(const struct sl_rules_cfg *cfg, struct sl_out *o)
{
	sl_out_str(o, "add table inet " SL_NFT_TABLE "\ndelete table inet " SL_NFT_TABLE "\n");
	sl_out_str(o, "table inet " SL_NFT_TABLE " {\n");
	sl_out_str(o, "\tcounter unjudged {\n\t}\n\tcounter invalid {\n\t}\n\tcounter unrefused {\n\t}\n");
	put_queue_chain(cfg, o);
	put_inside_chain(cfg, &from_inside, o);
	put_ask_chain(cfg, &from_inside, cfg->queue_first, o);
	if (cfg->both) {
		put_inside_chain(cfg, &to_inside, o);
		put_ask_chain(cfg, &to_inside, (unsigned)cfg->queue_first + cfg->queue_count, o);
	} else {
		put_syn_chains(cfg, o);
	}
	if (cfg->answers)
		put_answer_chains(cfg, o);
	put_counting_chain("invalid", "", o);
	put_verdict_chain(cfg, o);
	put_counting_chain("unjudged",
	                   cfg->both ? "\t\tct state invalid,untracked return\n"
	                             : "\t\tct direction != original return\n"
	                               "\t\tct state invalid,untracked return\n",
	                   o);
	put_refuse_chain(cfg, o);
	put_post_chain(cfg, o);
	sl_out_str(o, "}\n");
}
