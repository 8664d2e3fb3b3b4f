/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ledger.h"

#include <arpa/inet.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <stdlib.h>
#include <string.h>

#include "base/cur.h"
#include "base/util.h"
#include "daemon/nfq_message.h"

enum { FIRST_SLOTS = 1024, QUEUES = 128 /* more than limits.count */ };

/* Open addressing, linear; a power of two of slots, at most half of them used. key 0: free. */
struct slot {
	uint64_t key; /* 1 << 48 | queue << 32 | id */
	uint32_t mark;
};

struct sl_ledger {
	struct sl_ledger_limits limits;
	struct slot *slot;
	size_t slots, used;
	uint32_t newest[QUEUES]; /* id, of each queue */
};

const char *sl_ledger_reason(enum sl_ledger_no no)
{
	static const char *const name[SL_LEDGER_NO_COUNT] = {
		[SL_LEDGER_MALFORMED] = "malformed",
		[SL_LEDGER_QUEUE] = "queue",
		[SL_LEDGER_VERDICT] = "verdict",
		[SL_LEDGER_MARK] = "mark",
		[SL_LEDGER_ID] = "id",
	};
	return name[no];
}

int sl_ledger_new(const struct sl_ledger_limits *limits, struct sl_ledger **out)
{
	struct sl_ledger *l = calloc(1, sizeof(*l));

	if (l != NULL)
		l->slot = calloc(FIRST_SLOTS, sizeof(*l->slot));
	if (l == NULL || l->slot == NULL) {
		free(l);
		return SL_ENOMEM;
	}
	l->limits = *limits;
	l->slots = FIRST_SLOTS;
	*out = l;
	return SL_OK;
}

void sl_ledger_free(struct sl_ledger **l)
{
	struct sl_ledger *gone = sl_take(l);

	if (gone != NULL)
		free(gone->slot);
	free(gone);
}

size_t sl_ledger_outstanding(const struct sl_ledger *l)
{
	return l->used;
}

static uint64_t key_of(uint16_t queue, uint32_t id)
{
	return 1ULL << 48 | (uint64_t)queue << 32 | id;
}

/* Numbers of a queue follow each other: neighbours lie side by side, and queues apart. */
static size_t home(const struct sl_ledger *l, uint64_t key)
{
	return (size_t)(key + (key >> 32) * 0x9E3779B1U) & (l->slots - 1);
}

static struct slot *find(struct sl_ledger *l, uint64_t key)
{
	size_t i = home(l, key);

	while (l->slot[i].key != 0 && l->slot[i].key != key)
		i = (i + 1) & (l->slots - 1);
	return &l->slot[i];
}

/* What stands behind it and would not be found any more moves up. */
static void take_out(struct sl_ledger *l, struct slot *s)
{
	size_t mask = l->slots - 1, hole = (size_t)(s - l->slot);

	for (size_t i = (hole + 1) & mask; l->slot[i].key != 0; i = (i + 1) & mask) {
		if (((i - home(l, l->slot[i].key)) & mask) < ((i - hole) & mask))
			continue;
		l->slot[hole] = l->slot[i];
		hole = i;
	}
	l->slot[hole].key = 0;
	l->used--;
}

/* The kernel lets go of packets without a word, as when an interface goes: those numbers are never answered. */
static bool is_gone(const struct sl_ledger *l, const struct slot *s)
{
	return l->newest[(s->key >> 32) % QUEUES] - (uint32_t)s->key > SL_LEDGER_FORGETS;
}

static int grow(struct sl_ledger *l)
{
	struct slot *old = l->slot;
	size_t n = l->slots;

	l->slot = calloc(2 * n, sizeof(*l->slot));
	if (l->slot == NULL) {
		l->slot = old;
		return SL_ENOMEM;
	}
	l->slots = 2 * n;
	l->used = 0;
	for (size_t i = 0; i < n; i++)
		if (old[i].key != 0 && !is_gone(l, &old[i])) {
			*find(l, old[i].key) = old[i];
			l->used++;
		}
	free(old);
	return SL_OK;
}

int sl_ledger_note(struct sl_ledger *l, struct sl_bytes message)
{
	struct sl_nfq_packet p;

	if (message.len < NLMSG_HDRLEN || !sl_nfq_message_read((const void *)message.p, message.len, &p))
		return SL_OK;
	if (l->used >= l->slots / 2) {
		int err = grow(l);
		if (err != SL_OK)
			return err;
	}
	uint64_t key = key_of(p.ticket.queue, p.ticket.id);
	struct slot *s = find(l, key);
	l->used += s->key == 0;
	*s = (struct slot){ key, p.ticket.mark };
	l->newest[p.ticket.queue % QUEUES] = p.ticket.id;
	return SL_OK;
}

/* ---- what an engine says ---- */

struct said {
	uint16_t queue;
	uint32_t id, verdict, mark;
	bool marks;
};

/* Netlink's own numbers have the order of bytes of the machine. */
static uint16_t native16(struct sl_cur *c)
{
	uint16_t n = 0;
	struct sl_bytes b = sl_cur_bytes(c, sizeof(n));

	if (b.p != NULL)
		memcpy(&n, b.p, sizeof(n));
	return n;
}

static uint32_t native32(struct sl_cur *c)
{
	uint32_t n = 0;
	struct sl_bytes b = sl_cur_bytes(c, sizeof(n));

	if (b.p != NULL)
		memcpy(&n, b.p, sizeof(n));
	return n;
}

/* The verdict, once, and perhaps a mark, once; nothing else has a place in it. */
static bool read_attributes(struct sl_cur *c, struct said *out)
{
	bool has_verdict = false;

	while (sl_cur_more(c)) {
		uint16_t len = native16(c), type = native16(c);
		struct sl_cur value =
		        sl_cur_block(c, len < NLA_HDRLEN ? c->left + 1 : (size_t)len - NLA_HDRLEN);
		if (type == NFQA_VERDICT_HDR && !has_verdict) {
			out->verdict = sl_cur_u32(&value);
			out->id = sl_cur_u32(&value);
			has_verdict = true;
		} else if (type == NFQA_MARK && !out->marks) {
			out->mark = sl_cur_u32(&value);
			out->marks = true;
		} else {
			return false;
		}
		if (sl_cur_end(&value) != SL_OK)
			return false;
	}
	return has_verdict && sl_cur_end(c) == SL_OK;
}

/* The next verdict; false: it is none. Lengths are multiples of four, as all parts of a verdict are. */
static bool read_verdict(struct sl_cur *c, struct said *out)
{
	uint32_t len = native32(c);
	struct sl_cur m = sl_cur_block(c, len < sizeof(len) ? c->left + 1 : len - sizeof(len));
	uint16_t type = native16(&m);

	sl_cur_skip(&m, sizeof(uint16_t) + 2 * sizeof(uint32_t)); /* flags, number, sender: ours are others */
	sl_cur_skip(&m, 2);                                       /* family, version */
	*out = (struct said){ .queue = sl_cur_u16(&m) };
	return m.err == SL_OK && len % 4 == 0 && type == ((NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_VERDICT) &&
	       read_attributes(&m, out);
}

static bool is_ours(const struct sl_ledger *l, uint32_t queue)
{
	return queue >= l->limits.first && queue - l->limits.first < l->limits.count;
}

static bool is_allowed(const struct sl_ledger *l, const struct said *s)
{
	if (s->verdict == NF_ACCEPT || s->verdict == NF_DROP)
		return true;
	uint32_t queue = s->verdict >> NF_VERDICT_QBITS;
	return s->verdict == (uint32_t)NF_QUEUE_NR(queue) && is_ours(l, queue);
}

static int look(struct sl_ledger *l, const struct said *s, struct slot **slot)
{
	if (!is_ours(l, s->queue))
		return SL_LEDGER_QUEUE;
	if (!is_allowed(l, s))
		return SL_LEDGER_VERDICT;
	*slot = find(l, key_of(s->queue, s->id));
	if ((*slot)->key == 0)
		return SL_LEDGER_ID;
	/* A packet that goes on without a mark would go on unseen by the chain that counts what nobody judged. */
	bool right = s->verdict == NF_ACCEPT
	                     ? s->marks && ((s->mark ^ (*slot)->mark) & ~l->limits.mark_mask) == 0
	                     : !s->marks;
	return right ? SL_LEDGER_NO_COUNT : SL_LEDGER_MARK;
}

static size_t write_verdict(char *to, const struct said *s)
{
	struct nlmsghdr *nlh = nfq_nlmsg_put(to, NFQNL_MSG_VERDICT, s->queue);

	nfq_nlmsg_verdict_put(nlh, (int)s->id, (int)s->verdict);
	if (s->marks)
		nfq_nlmsg_verdict_put_mark(nlh, s->mark);
	return nlh->nlmsg_len;
}

size_t sl_ledger_check(struct sl_ledger *l, struct sl_bytes from, char *to,
                       uint64_t refused[SL_LEDGER_NO_COUNT])
{
	struct sl_cur c = sl_cur_whole(from);
	struct slot *slot = NULL;
	struct said said;
	size_t n = 0;

	while (sl_cur_more(&c)) {
		if (!read_verdict(&c, &said)) {
			refused[SL_LEDGER_MALFORMED]++;
			break;
		}
		int why = look(l, &said, &slot);
		if (why != SL_LEDGER_NO_COUNT) {
			refused[why]++;
			continue;
		}
		take_out(l, slot);
		n += write_verdict(to + n, &said);
	}
	return n;
}

bool sl_ledger_is_lookup(struct sl_bytes message)
{
	struct sl_cur c = sl_cur_whole(message);
	uint32_t len = native32(&c);
	uint16_t type = native16(&c);

	return c.err == SL_OK && len == message.len && len >= NLMSG_HDRLEN + sizeof(struct nfgenmsg) &&
	       type == ((NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_GET);
}
