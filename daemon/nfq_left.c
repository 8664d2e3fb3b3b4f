/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/nfq_left.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/util.h"
#include "daemon/nfq.h"

enum { VERDICT_MAX = 128 }; /* bytes of one message */

static const uint32_t verdicts[] = {
	[SL_NFQ_REPEAT] = NF_REPEAT,
	[SL_NFQ_ACCEPT] = NF_ACCEPT,
	[SL_NFQ_DROP] = NF_DROP,
};

/* One line of the kernel's table a queue: number, portid, waiting, copy mode, copy range, queue dropped, user dropped,
 * last id. Calls each() for every line. */
static int each_queue(void (*each)(void *ctx, unsigned queue, unsigned waiting, unsigned queue_dropped,
                                   unsigned user_dropped, unsigned last_id),
                      void *ctx)
{
	FILE *f = fopen("/proc/thread-self/net/netfilter/nfnetlink_queue", "re");
	char line[256];

	if (f == NULL)
		return SL_ESYS;
	while (fgets(line, sizeof(line), f) != NULL) {
		unsigned v[8];
		/* NOLINTNEXTLINE(cert-err34-c): printed by the kernel from numbers of this size (seq_show) */
		int n = sscanf(line, "%u %u %u %u %u %u %u %u", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5],
		               &v[6], &v[7]);
		if (n == 8)
			each(ctx, v[0], v[2], v[5], v[6], v[7]);
	}
	(void)fclose(f);
	return SL_OK;
}

/* Answers all packets of a queue with numbers up to `until`. */
static int answer_until(int fd, unsigned queue, uint32_t until, enum sl_nfq_final how)
{
	char buf[VERDICT_MAX] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_VERDICT_BATCH, queue);
	uint64_t retries = 0;

	nfq_nlmsg_verdict_put(nlh, (int)until, (int)verdicts[how]);
	return sl_nfq_send(fd, buf, nlh->nlmsg_len, &retries);
}

struct left {
	unsigned waiting;
	uint32_t last; /* number of the newest packet */
	/* Of those up to last: */
	unsigned unread;
	uint32_t first_unread;
};

struct leftovers {
	uint16_t first, count;
	unsigned share, shares;
	struct left *left; /* [count] */
};

static bool is_ours(const struct leftovers *l, unsigned queue)
{
	return queue >= l->first && queue < l->first + l->count && (queue - l->first) % l->shares == l->share;
}

static void note_left(void *ctx, unsigned queue, unsigned waiting, unsigned queue_dropped,
                      unsigned user_dropped, unsigned last_id)
{
	struct leftovers *l = ctx;
	(void)queue_dropped;
	(void)user_dropped;

	if (!is_ours(l, queue))
		return;
	l->left[queue - l->first].waiting = waiting;
	l->left[queue - l->first].last = last_id;
}

/* The head of a packet message: the attribute with the number comes first (nfqnl_build_packet_message()). */
struct packet_head {
	struct nlmsghdr nlh;
	struct nfgenmsg gen;
	struct nlattr attr;
	struct nfqnl_msg_packet_hdr hdr;
};

static void note_unread(struct leftovers *l, const struct packet_head *h)
{
	unsigned queue = ntohs(h->gen.res_id);
	uint32_t id = ntohl(h->hdr.packet_id);

	if (h->nlh.nlmsg_type != ((NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_PACKET) ||
	    h->attr.nla_type != NFQA_PACKET_HDR || !is_ours(l, queue))
		return;
	struct left *left = &l->left[queue - l->first];
	if (sl_seq_diff(id, left->last) > 0)
		return; /* has come since */
	if (left->unread++ == 0)
		left->first_unread = id;
}

/* l may be NULL: nothing is noted. */
static void throw_away_unread(int fd, struct leftovers *l)
{
	struct packet_head head;

	for (;;) {
		ssize_t n = recv(fd, &head, sizeof(head), MSG_DONTWAIT | MSG_TRUNC);
		if (n == 0 || (n < 0 && errno != EINTR && errno != ENOBUFS && errno != ECONNRESET))
			return; /* ECONNRESET: a broker was ended before it had read all; what it had handed out follows */
		if (l != NULL && n >= (ssize_t)(offsetof(struct packet_head, hdr) + sizeof(head.hdr)))
			note_unread(l, &head);
	}
}

int sl_nfq_answer_all(int fd, uint16_t first, uint16_t count, unsigned share, unsigned shares,
                      enum sl_nfq_final how, uint64_t *answered)
{
	struct left left[SL_NFQ_QUEUES_MAX] = { { 0, 0, 0, 0 } };
	struct leftovers l = { first, count, share, shares, left };

	throw_away_unread(fd, NULL);
	int err = each_queue(note_left, &l);
	for (unsigned i = share; i < count; i += shares) {
		if (left[i].waiting == 0)
			continue;
		if (answer_until(fd, first + i, left[i].last, how) != SL_OK)
			err = SL_ESYS;
		*answered += left[i].waiting;
	}
	return err;
}

/* What the dead engine had read of one queue and not answered. */
struct in_hand {
	unsigned packets;
	uint32_t until; /* number of the last one */
	bool again;     /* one of them was in hand at another's death */
};

static struct in_hand in_hand_of(const struct left *left, const struct sl_nfq_suspects *suspects)
{
	uint32_t end = left->unread > 0 ? left->first_unread : left->last + 1;
	unsigned packets = left->waiting - (unsigned)sl_min(left->waiting, left->unread);
	bool again = suspects->any && packets > 0 && sl_seq_diff(suspects->until, end - packets) >= 0;

	return (struct in_hand){ packets, end - 1, again };
}

/* First what was in hand, which thereby gets the next numbers; then, behind it, what was not read. The numbers up to which that
 * goes are those of before: what came again must not come once more. */
static int answer_queues(const struct sl_nfq_recover *r, const struct leftovers *before,
                         const struct in_hand *hand, struct sl_nfq_recovered *sum)
{
	struct left now[SL_NFQ_QUEUES_MAX] = { { 0, 0, 0, 0 } };
	struct leftovers after = { r->first, r->count, r->share, r->shares, now };
	int err = SL_OK;

	for (unsigned i = r->share; i < r->count; i += r->shares)
		if (hand[i].packets > 0 && answer_until(r->fd, r->first + i, hand[i].until,
		                                        hand[i].again ? r->how : SL_NFQ_REPEAT) != SL_OK)
			err = SL_ESYS;
	if (each_queue(note_left, &after) != SL_OK)
		err = SL_ESYS;
	for (unsigned i = r->share; i < r->count; i += r->shares) {
		unsigned answered = hand[i].again ? hand[i].packets : 0;
		unsigned waiting = before->left[i].waiting;
		r->suspects[i] =
		        (struct sl_nfq_suspects){ r->blamed && hand[i].packets > answered, now[i].last };
		if (waiting > hand[i].packets &&
		    answer_until(r->fd, r->first + i, before->left[i].last, SL_NFQ_REPEAT) != SL_OK)
			err = SL_ESYS;
		sum->answered += answered;
		sum->repeated += waiting - (unsigned)sl_min(waiting, answered);
	}
	return err;
}

int sl_nfq_recover(const struct sl_nfq_recover *r, struct sl_nfq_recovered *sum)
{
	struct left left[SL_NFQ_QUEUES_MAX] = { { 0, 0, 0, 0 } };
	struct leftovers l = { r->first, r->count, r->share, r->shares, left };
	struct in_hand hand[SL_NFQ_QUEUES_MAX] = { { 0, 0, false } };
	int err = each_queue(note_left, &l);

	if (r->channel >= 0)
		throw_away_unread(r->channel, &l); /* these came before */
	throw_away_unread(r->fd, &l);
	for (unsigned i = r->share; i < r->count; i += r->shares) {
		hand[i] = in_hand_of(&left[i], &r->suspects[i]);
		hand[i].again = hand[i].again && r->blamed;
	}
	/* What has come since was thrown away too, and is to be repeated: so the numbers are read anew. */
	int again = each_queue(note_left, &l);
	if (err != SL_OK || again != SL_OK)
		return SL_ESYS;
	return answer_queues(r, &l, hand, sum);
}

struct each {
	uint16_t first, count;
	struct sl_nfq_kernel *out;
};

static void note_queue(void *ctx, unsigned queue, unsigned waiting, unsigned queue_dropped,
                       unsigned user_dropped, unsigned last_id)
{
	struct each *e = ctx;

	if (queue >= e->first && queue < e->first + e->count)
		e->out[queue - e->first] =
		        (struct sl_nfq_kernel){ waiting, queue_dropped, user_dropped, last_id };
}

int sl_nfq_kernel_each(uint16_t first, uint16_t count, struct sl_nfq_kernel *out)
{
	struct each e = { first, count, out };

	memset(out, 0, count * sizeof(*out));
	return each_queue(note_queue, &e);
}

int sl_nfq_kernel_counts(uint16_t first, uint16_t count, struct sl_nfq_kernel *out)
{
	struct sl_nfq_kernel each[SL_NFQ_QUEUES_MAX], sum = { 0, 0, 0, 0 };
	int err = sl_nfq_kernel_each(first, count, each);

	for (unsigned q = 0; q < count && err == SL_OK; q++) {
		sum.waiting += each[q].waiting;
		sum.queue_dropped += each[q].queue_dropped;
		sum.user_dropped += each[q].user_dropped;
		sum.queued += each[q].queued;
	}
	if (err == SL_OK)
		*out = sum;
	return err;
}

struct by_share {
	uint16_t first, count;
	unsigned shares;
	uint64_t *waiting;
};

static void add_waiting(void *ctx, unsigned queue, unsigned waiting, unsigned queue_dropped,
                        unsigned user_dropped, unsigned last_id)
{
	struct by_share *b = ctx;
	(void)queue_dropped;
	(void)user_dropped;
	(void)last_id;

	if (queue >= b->first && queue < b->first + b->count)
		b->waiting[(queue - b->first) % b->shares] += waiting;
}

int sl_nfq_waiting(uint16_t first, uint16_t count, unsigned shares, uint64_t *waiting)
{
	struct by_share b = { first, count, shares, waiting };

	memset(waiting, 0, shares * sizeof(*waiting));
	return each_queue(add_waiting, &b);
}
