/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/xt_save.h"

#include "base/cur.h"

/* One line of iptables-save, taken apart as far as we need it; views into the line. */
struct line {
	struct sl_bytes counters; /* "[1:60]" before a rule */
	struct sl_bytes chain;    /* of ":CHAIN policy [0:0]" or "-A CHAIN rule" */
	struct sl_bytes target;   /* of -j or -g; absent without */
	struct sl_bytes rule;     /* "CHAIN rule", what -A is followed by; absent in a declaration */
	struct sl_bytes comment;  /* without its quotes */
};

static bool starts(struct sl_bytes text, const char *with)
{
	return sl_bytes_equal(sl_bytes_first(text, strlen(with)), sl_bytes_str(with));
}

static bool equals(struct sl_bytes text, const char *to)
{
	return sl_bytes_equal(text, sl_bytes_str(to));
}

static bool ours(struct sl_bytes chain)
{
	return starts(chain, SL_XT_PREFIX);
}

/* The next word; one in double quotes may hold blanks and escaped quotes. Quotes stay. */
static struct sl_bytes next_word(struct sl_bytes *text)
{
	*text = sl_bytes_trim(*text);
	bool quoted = false, escaped = false;
	size_t n = 0;
	for (; n < text->len && (quoted || text->p[n] != ' '); n++) {
		if (text->p[n] == '"' && !escaped)
			quoted = !quoted;
		escaped = text->p[n] == '\\' && !escaped;
	}
	struct sl_bytes word = sl_bytes_first(*text, n);
	*text = sl_bytes_skip(*text, n);
	return word;
}

static struct sl_bytes unquoted(struct sl_bytes word)
{
	if (word.len < 2 || word.p[0] != '"')
		return word;
	return sl_bytes_first(sl_bytes_skip(word, 1), word.len - 2);
}

static void read_options(struct sl_bytes rest, struct line *l)
{
	while (rest.len > 0) {
		struct sl_bytes word = next_word(&rest);
		if (equals(word, "-j") || equals(word, "-g"))
			l->target = next_word(&rest);
		else if (equals(word, "--comment"))
			l->comment = unquoted(next_word(&rest));
	}
}

/* The next declaration or rule. False at the end. */
static bool next_line(struct sl_cur *c, struct line *l)
{
	struct sl_bytes text;
	while ((text = sl_cur_line(c)).p != NULL) {
		*l = (struct line){ 0 };
		if (starts(text, "["))
			l->counters = next_word(&text);
		text = sl_bytes_trim(text);
		if (starts(text, ":")) {
			text = sl_bytes_skip(text, 1);
			l->chain = next_word(&text);
			return true;
		}
		if (starts(text, "-A ")) {
			l->rule = sl_bytes_trim(sl_bytes_skip(text, strlen("-A ")));
			text = l->rule;
			l->chain = next_word(&text);
			read_options(text, l);
			return true;
		}
	}
	return false;
}

static bool heads(struct sl_bytes line, enum sl_xt_table table)
{
	return starts(line, "*") && equals(sl_bytes_skip(line, 1), sl_xt_table_name[table]);
}

struct sl_bytes sl_xt_save_table(struct sl_bytes save, enum sl_xt_table table)
{
	struct sl_cur c = sl_cur_whole(save);
	struct sl_bytes line, found = { NULL, 0 };
	for (;;) {
		size_t before = c.left;
		line = sl_cur_line(&c);
		if (line.p == NULL)
			return (struct sl_bytes){ NULL, 0 };
		if (found.p != NULL && equals(line, "COMMIT"))
			return sl_bytes_first(found, found.len - before);
		if (found.p == NULL && heads(line, table))
			found = sl_bytes_of(c.p, c.left);
	}
}

static void put(struct sl_out *o, const char *before, struct sl_bytes text, const char *after)
{
	sl_out_str(o, before);
	sl_out_bytes(o, text.p, text.len);
	sl_out_str(o, after);
}

bool sl_xt_save_any(struct sl_bytes save)
{
	struct sl_cur c = sl_cur_whole(save);
	struct line l;
	while (next_line(&c, &l))
		if (ours(l.chain))
			return true;
	return false;
}

void sl_xt_save_undo(struct sl_bytes save, struct sl_out *o)
{
	struct sl_cur c = sl_cur_whole(save);
	struct line l;
	while (next_line(&c, &l)) {
		if (l.rule.p == NULL && ours(l.chain))
			put(o, ":", l.chain, " - [0:0]\n");
		else if (!ours(l.chain) && ours(l.target))
			put(o, "-D ", l.rule, "\n");
	}
}

static bool declared(struct sl_bytes in, struct sl_bytes chain)
{
	struct sl_cur c = sl_cur_whole(in);
	struct line l;
	while (next_line(&c, &l))
		if (l.rule.p == NULL && sl_bytes_equal(l.chain, chain))
			return true;
	return false;
}

void sl_xt_save_delete_chains(struct sl_bytes save, struct sl_bytes except, struct sl_out *o)
{
	struct sl_cur c = sl_cur_whole(save);
	struct line l;
	while (next_line(&c, &l))
		if (l.rule.p == NULL && ours(l.chain) && !declared(except, l.chain))
			put(o, "-X ", l.chain, "\n");
}

/* Is the jump the first rule of its chain, unconditional, and there once? */
static bool jump_stands(struct sl_bytes save, const struct sl_xt_jump *jump)
{
	struct sl_cur c = sl_cur_whole(save);
	struct line l;
	char want[64];
	struct sl_out o = sl_out_of(want, sizeof(want));
	sl_out_fmt(&o, "%s -j %s", jump->from, jump->to);
	size_t rules = 0, jumps = 0, at = 0;
	while (next_line(&c, &l)) {
		if (l.rule.p == NULL)
			continue;
		rules += equals(l.chain, jump->from);
		if (ours(l.chain) || !equals(l.target, jump->to))
			continue;
		jumps++;
		at = sl_bytes_equal(l.rule, sl_bytes_of(o.p, o.len)) ? rules : 0;
	}
	return jumps == 1 && at == 1;
}

int sl_xt_save_listing(struct sl_bytes save, enum sl_xt_table table, struct sl_out *o)
{
	struct sl_cur c = sl_cur_whole(save);
	struct line l;
	for (size_t i = 0; i < SL_XT_JUMPS; i++)
		if (sl_xt_jump[i].table == table && !jump_stands(save, &sl_xt_jump[i]))
			return SL_ENOENT;
	while (next_line(&c, &l)) {
		if (!ours(l.chain))
			continue;
		if (l.rule.p == NULL)
			put(o, ":", l.chain, "\n");
		else
			put(o, "-A ", l.rule, "\n");
	}
	return o->overflow ? SL_ELIMIT : SL_OK;
}

/* "[packets:bytes]" */
static uint64_t packets_of(struct sl_bytes counters)
{
	struct sl_cur c = sl_cur_whole(sl_bytes_skip(counters, 1));
	uint64_t n = 0;
	for (uint8_t d = sl_cur_u8(&c); d >= '0' && d <= '9'; d = sl_cur_u8(&c))
		n = n * 10 + (uint64_t)(d - '0');
	return n;
}

void sl_xt_save_count(struct sl_bytes save, struct sl_rules_counts *counts)
{
	struct sl_cur c = sl_cur_whole(save);
	struct line l;
	while (next_line(&c, &l)) {
		if (!ours(l.chain))
			continue;
		if (equals(l.comment, "sluice: unjudged"))
			counts->unjudged_packets += packets_of(l.counters);
		else if (equals(l.comment, "sluice: invalid"))
			counts->invalid_packets += packets_of(l.counters);
		else if (equals(l.comment, "sluice: unrefused"))
			counts->unrefused_packets += packets_of(l.counters);
	}
}
