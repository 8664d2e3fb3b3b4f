/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conntrack.c - ctnetlink requests, built and read with libmnl. */
#include "daemon/conntrack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/lines.h"
#include "base/util.h"

enum {
	REQUEST_MAX = 512,       /* two IPv6 tuples and a filter take less than 200 bytes */
	ANSWER_MAX = 32768,      /* what the kernel fills at most in one part of a dump */
	HINTS = 4,               /* ways of translating that are remembered: uplinks, published servers */
	ANSWER_WAIT_US = 200000, /* the kernel answers within the send; this only bounds what cannot happen */
};

/* Parts of a tuple, numbered as the flags of CTA_FILTER_ORIG_FLAGS are (Linux 5.8; not in the exported headers). */
enum {
	PART_SRC = 1 << 0,
	PART_DST = 1 << 1,
	PART_PROTO = 1 << 3,
	PART_SPORT = 1 << 4,
	PART_DPORT = 1 << 5,
	PART_SENDER = PART_SRC | PART_PROTO | PART_SPORT,
	PART_ALL = PART_SENDER | PART_DST | PART_DPORT,
};

/* How a connection that only a dump has found was translated: the next ones mostly go the same way. */
struct hint {
	struct sl_flow_key original, reply; /* .family 0: none yet */
	uint16_t zone;                      /* network order, as it came; 0: none */
};

struct sl_conntrack {
	struct mnl_socket *sock;
	struct hint hint[HINTS];
	uint64_t dumps;
	uint32_t seq; /* of the latest request; any other number is that of a late answer */
	bool many;    /* it is a dump: NLMSG_DONE ends the answer, while that of a GET is one entry */
	uint8_t request[REQUEST_MAX] __attribute__((aligned(8)));
	uint8_t answer[ANSWER_MAX] __attribute__((aligned(8)));
};

typedef void entry_fn(const struct nlmsghdr *nlh, void *arg);

int sl_conntrack_socket(void)
{
	const struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	const struct timeval wait = { .tv_usec = ANSWER_WAIT_US };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	if (fd < 0)
		return -1;
	if (bind(fd, (const struct sockaddr *)&any, sizeof(any)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) != 0) {
		int saved = errno;
		(void)close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

int sl_conntrack_new(int fd, struct sl_conntrack **out)
{
	int own = fd >= 0 ? fd : sl_conntrack_socket();
	if (own < 0)
		return SL_ESYS;
	struct sl_conntrack *ct = sl_lines_new(1, sizeof(*ct));
	if (ct != NULL)
		ct->sock = mnl_socket_fdopen(own);
	if (ct == NULL || ct->sock == NULL) {
		free(ct);
		if (fd < 0)
			(void)close(own);
		return SL_ENOMEM;
	}
	*out = ct;
	return SL_OK;
}

void sl_conntrack_free(struct sl_conntrack **ct)
{
	struct sl_conntrack *gone = sl_take(ct);
	if (gone == NULL)
		return;
	(void)mnl_socket_close(gone->sock);
	free(gone);
}

/* Building requests. */

static struct nlmsghdr *put_header(void *at, uint16_t type, uint16_t flags, uint8_t family)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(at);
	nlh->nlmsg_type = (uint16_t)((NFNL_SUBSYS_CTNETLINK << 8) | type);
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	return nlh;
}

static uint8_t netlink_family(const struct sl_flow_key *key)
{
	return key->family == 4 ? AF_INET : AF_INET6;
}

static void put_tuple(struct nlmsghdr *nlh, uint16_t type, const struct sl_flow_key *key, uint32_t parts)
{
	bool v4 = key->family == 4;
	size_t len = v4 ? 4 : 16;
	struct nlattr *tuple = mnl_attr_nest_start(nlh, type);
	struct nlattr *ip = mnl_attr_nest_start(nlh, CTA_TUPLE_IP);
	if ((parts & PART_SRC) != 0)
		mnl_attr_put(nlh, v4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, len, key->src);
	if ((parts & PART_DST) != 0)
		mnl_attr_put(nlh, v4 ? CTA_IP_V4_DST : CTA_IP_V6_DST, len, key->dst);
	mnl_attr_nest_end(nlh, ip);
	struct nlattr *proto = mnl_attr_nest_start(nlh, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(nlh, CTA_PROTO_NUM, key->proto);
	if ((parts & PART_SPORT) != 0)
		mnl_attr_put_u16(nlh, CTA_PROTO_SRC_PORT, htons(key->sport));
	if ((parts & PART_DPORT) != 0)
		mnl_attr_put_u16(nlh, CTA_PROTO_DST_PORT, htons(key->dport));
	mnl_attr_nest_end(nlh, proto);
	mnl_attr_nest_end(nlh, tuple);
}

static struct sl_flow_key reversed(const struct sl_flow_key *key)
{
	struct sl_flow_key back = *key;
	memcpy(back.src, key->dst, sizeof(back.src));
	memcpy(back.dst, key->src, sizeof(back.dst));
	back.sport = key->dport;
	back.dport = key->sport;
	return back;
}

/* Reading answers. They come from the kernel, and are still not believed about their lengths. */

struct attr_index {
	const struct nlattr **table; /* max + 1 entries; NULL where the attribute is absent */
	uint16_t max;
};

static int index_attr(const struct nlattr *attr, void *arg)
{
	const struct attr_index *ix = arg;
	uint16_t type = mnl_attr_get_type(attr);
	if (type <= ix->max)
		ix->table[type] = attr;
	return MNL_CB_OK;
}

static void index_entry(const struct nlmsghdr *nlh, const struct nlattr *table[CTA_MAX + 1])
{
	struct attr_index ix = { table, CTA_MAX };
	(void)mnl_attr_parse(nlh, sizeof(struct nfgenmsg), index_attr, &ix);
}

static void index_nest(const struct nlattr *nest, const struct nlattr **table, uint16_t max)
{
	struct attr_index ix = { table, max };
	if (nest != NULL)
		(void)mnl_attr_parse_nested(nest, index_attr, &ix);
}

static bool take_attr(const struct nlattr *attr, void *to, size_t len)
{
	if (attr == NULL || mnl_attr_get_payload_len(attr) != len)
		return false;
	memcpy(to, mnl_attr_get_payload(attr), len);
	return true;
}

/* False where it is no tuple of TCP or UDP over IP. */
static bool read_tuple(const struct nlattr *nest, struct sl_flow_key *out)
{
	const struct nlattr *part[CTA_TUPLE_MAX + 1] = { 0 }, *ip[CTA_IP_MAX + 1] = { 0 };
	const struct nlattr *proto[CTA_PROTO_MAX + 1] = { 0 };
	uint16_t sport = 0, dport = 0;
	struct sl_flow_key key = { 0 };
	index_nest(nest, part, CTA_TUPLE_MAX);
	index_nest(part[CTA_TUPLE_IP], ip, CTA_IP_MAX);
	index_nest(part[CTA_TUPLE_PROTO], proto, CTA_PROTO_MAX);
	key.family = ip[CTA_IP_V4_SRC] != NULL ? 4 : 6;
	size_t len = key.family == 4 ? 4 : 16;
	bool ok = take_attr(ip[key.family == 4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC], key.src, len) &&
	          take_attr(ip[key.family == 4 ? CTA_IP_V4_DST : CTA_IP_V6_DST], key.dst, len) &&
	          take_attr(proto[CTA_PROTO_NUM], &key.proto, sizeof(key.proto)) &&
	          take_attr(proto[CTA_PROTO_SRC_PORT], &sport, sizeof(sport)) &&
	          take_attr(proto[CTA_PROTO_DST_PORT], &dport, sizeof(dport));
	key.sport = ntohs(sport);
	key.dport = ntohs(dport);
	if (ok)
		*out = key;
	return ok;
}

/* What an NLMSG_ERROR says: 0 is the acknowledgement of success. */
static int read_error(const struct nlmsghdr *nlh)
{
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(struct nlmsgerr)) {
		errno = EBADMSG;
		return SL_ESYS;
	}
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);
	if (e->error == 0)
		return SL_OK;
	errno = -e->error;
	return errno == ENOENT ? SL_ENOENT : SL_ESYS;
}

/* Hands the entries among n bytes to each. *done: the answer is complete, and the result is what it says. */
static int read_part(struct sl_conntrack *ct, size_t n, entry_fn *each, void *arg, bool *done)
{
	int left = (int)n;
	for (const struct nlmsghdr *nlh = (const void *)ct->answer; mnl_nlmsg_ok(nlh, left) && !*done;
	     nlh = mnl_nlmsg_next(nlh, &left)) {
		if (nlh->nlmsg_seq != ct->seq)
			continue;
		*done = nlh->nlmsg_type == NLMSG_DONE || nlh->nlmsg_type == NLMSG_ERROR ||
		        !ct->many; /* ctnetlink sets NLM_F_MULTI in every answer */
		if (nlh->nlmsg_type == NLMSG_ERROR)
			return read_error(nlh);
		if (nlh->nlmsg_type >= NLMSG_MIN_TYPE && each != NULL)
			each(nlh, arg);
	}
	return SL_OK;
}

/* Sends a request and reads its answer to the end. SL_OK, SL_ENOENT, SL_ESYS (EAGAIN: none came in time). */
static int ask(struct sl_conntrack *ct, struct nlmsghdr *nlh, entry_fn *each, void *arg)
{
	nlh->nlmsg_seq = ++ct->seq;
	ct->many = (nlh->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	/* Not by libmnl: behind a broker (broker.h) it is no netlink socket. */
	int fd = mnl_socket_get_fd(ct->sock);
	if (send(fd, nlh, nlh->nlmsg_len, MSG_NOSIGNAL) < 0)
		return SL_ESYS;
	int err = SL_OK;
	for (bool done = false; !done;) {
		ssize_t n = recv(fd, ct->answer, sizeof(ct->answer), MSG_TRUNC);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || (size_t)n > sizeof(ct->answer)) {
			errno = n < 0 ? errno : n == 0 ? ECONNRESET : ENOSPC;
			return SL_ESYS;
		}
		err = read_part(ct, (size_t)n, each, arg, &done);
	}
	return err;
}

/* The search for a connection. */

struct search {
	const struct sl_flow_key *seen;
	struct sl_flow_key original, reply;
	uint16_t zone;
	bool found;
};

/* Whatever was translated, the client's end is the source of the original tuple, and the server's end, as a forwarded
 * packet shows it, is the source of the reply tuple. This refuses as well an entry whose tuples are the other way round:
 * a GET finds by either; and one that a hint has guessed wrongly. */
static void match_entry(const struct nlmsghdr *nlh, void *arg)
{
	struct search *s = arg;
	struct sl_flow_key orig = { 0 }, reply = { 0 };
	const struct nlattr *attr[CTA_MAX + 1] = { 0 };
	index_entry(nlh, attr);
	if (s->found || !read_tuple(attr[CTA_TUPLE_ORIG], &orig) ||
	    !read_tuple(attr[CTA_TUPLE_REPLY], &reply))
		return;
	s->found = orig.family == s->seen->family && orig.proto == s->seen->proto &&
	           orig.sport == s->seen->sport && memcmp(orig.src, s->seen->src, sizeof(orig.src)) == 0 &&
	           reply.family == s->seen->family && reply.sport == s->seen->dport &&
	           memcmp(reply.src, s->seen->dst, sizeof(reply.src)) == 0;
	if (!s->found)
		return;
	s->original = orig;
	s->reply = reply;
	s->zone = 0;
	(void)take_attr(attr[CTA_ZONE], &s->zone, sizeof(s->zone));
}

static int search_tuple(struct sl_conntrack *ct, uint16_t type, const struct sl_flow_key *tuple,
                        uint16_t zone, struct search *s)
{
	struct nlmsghdr *nlh = put_header(ct->request, IPCTNL_MSG_CT_GET, 0, netlink_family(tuple));
	put_tuple(nlh, type, tuple, PART_ALL);
	if (zone != 0)
		mnl_attr_put_u16(nlh, CTA_ZONE, zone);
	int err = ask(ct, nlh, match_entry, s);
	return err == SL_ENOENT ? SL_OK : err;
}

/* Both ends are translated, or the connection is in a zone of its own: a whole tuple can only be guessed. By the original
 * one, when the destination was translated as the hint's was; then by the reply's, when the source was, and kept its port
 * as a masquerade does where it can. A wrong guess finds nothing, or is refused by match_entry(). */
static int search_as(struct sl_conntrack *ct, const struct hint *h, struct search *s)
{
	struct sl_flow_key guess = *s->seen;
	int err = SL_OK;
	if (h->original.family != s->seen->family)
		return SL_OK;
	if (h->reply.sport == s->seen->dport &&
	    memcmp(h->reply.src, s->seen->dst, sizeof(h->reply.src)) == 0) {
		memcpy(guess.dst, h->original.dst, sizeof(guess.dst));
		guess.dport = h->original.dport;
		err = search_tuple(ct, CTA_TUPLE_ORIG, &guess, h->zone, s);
	}
	if (err == SL_OK && !s->found) {
		guess = reversed(s->seen);
		memcpy(guess.dst, h->reply.dst, sizeof(guess.dst));
		err = search_tuple(ct, CTA_TUPLE_REPLY, &guess, h->zone, s);
	}
	return err;
}

static int search_hints(struct sl_conntrack *ct, struct search *s)
{
	int err = SL_OK;
	for (size_t i = 0; i < HINTS && err == SL_OK && !s->found; i++)
		err = search_as(ct, &ct->hint[i], s);
	return err;
}

/* The kernel filters the dump by both senders, and match_entry() has the last word: a kernel older than 5.8 dumps all.
 * IPv6 is filtered by ports alone, since Linux compares its addresses the wrong way round
 * (ctnetlink_filter_match_tuple()). It walks the whole table all the same. */
static int search_dump(struct sl_conntrack *ct, struct search *s)
{
	const struct sl_flow_key back = reversed(s->seen);
	uint32_t parts = s->seen->family == 4 ? PART_SENDER : PART_PROTO | PART_SPORT;
	struct nlmsghdr *nlh =
	        put_header(ct->request, IPCTNL_MSG_CT_GET, NLM_F_DUMP, netlink_family(s->seen));
	put_tuple(nlh, CTA_TUPLE_ORIG, s->seen, parts);
	put_tuple(nlh, CTA_TUPLE_REPLY, &back, parts);
	struct nlattr *filter = mnl_attr_nest_start(nlh, CTA_FILTER);
	mnl_attr_put_u32(nlh, CTA_FILTER_ORIG_FLAGS, parts);
	mnl_attr_put_u32(nlh, CTA_FILTER_REPLY_FLAGS, parts);
	mnl_attr_nest_end(nlh, filter);
	int err = ask(ct, nlh, match_entry, s);
	if (err == SL_OK && s->found)
		ct->hint[ct->dumps % HINTS] = (struct hint){ s->original, s->reply, s->zone };
	ct->dumps++;
	return err;
}

int sl_conntrack_original(struct sl_conntrack *ct, const struct sl_flow_key *seen,
                          struct sl_flow_key *original)
{
	const struct sl_flow_key back = reversed(seen);
	struct search s = { .seen = seen };
	int err = search_tuple(ct, CTA_TUPLE_ORIG, seen, 0, &s); /* no DNAT */
	if (err == SL_OK && !s.found)
		err = search_tuple(ct, CTA_TUPLE_REPLY, &back, 0, &s); /* DNAT only */
	if (err == SL_OK && !s.found)
		err = search_hints(ct, &s);
	if (err == SL_OK && !s.found)
		err = search_dump(ct, &s);
	if (err == SL_OK && !s.found)
		err = SL_ENOENT;
	if (err == SL_OK)
		*original = s.original;
	return err;
}

uint64_t sl_conntrack_dumps(const struct sl_conntrack *ct)
{
	return ct->dumps;
}

/* Clearing marks. */

#define UPDATE_MAX ((size_t)256) /* an update: header, one tuple, mark, mask, zone */

struct updates {
	uint32_t mask;
	uint8_t *p; /* messages, one after the other */
	size_t len, cap;
	int err;
};

static bool make_room(struct updates *u)
{
	if (u->cap - u->len >= UPDATE_MAX)
		return true;
	size_t cap = sl_max(u->cap * 2, 64 * UPDATE_MAX);
	uint8_t *p = realloc(u->p, cap);
	if (p == NULL) {
		u->err = SL_ENOMEM;
		return false;
	}
	u->p = p;
	u->cap = cap;
	return true;
}

/* Only the tuple, and the mark with its mask: an update that repeats a NATed entry whole is refused. */
static void put_update(struct updates *u, uint8_t family, const struct nlattr *tuple,
                       const struct nlattr *zone)
{
	struct nlmsghdr *nlh = put_header(u->p + u->len, IPCTNL_MSG_CT_NEW, NLM_F_ACK, family);
	mnl_attr_put(nlh, CTA_TUPLE_ORIG | NLA_F_NESTED, mnl_attr_get_payload_len(tuple),
	             mnl_attr_get_payload(tuple));
	mnl_attr_put_u32(nlh, CTA_MARK, 0);
	mnl_attr_put_u32(nlh, CTA_MARK_MASK, htonl(u->mask));
	if (zone != NULL)
		mnl_attr_put(nlh, CTA_ZONE, mnl_attr_get_payload_len(zone), mnl_attr_get_payload(zone));
	u->len += MNL_ALIGN(nlh->nlmsg_len);
}

static void collect_marked(const struct nlmsghdr *nlh, void *arg)
{
	struct updates *u = arg;
	const struct nlattr *attr[CTA_MAX + 1] = { 0 };
	uint32_t mark = 0;
	index_entry(nlh, attr);
	const struct nlattr *tuple = attr[CTA_TUPLE_ORIG], *zone = attr[CTA_ZONE];
	if (!take_attr(attr[CTA_MARK], &mark, sizeof(mark)) || (ntohl(mark) & u->mask) == 0 || tuple == NULL)
		return;
	size_t copied =
	        mnl_attr_get_payload_len(tuple) + (zone == NULL ? 0U : mnl_attr_get_payload_len(zone));
	if (copied > UPDATE_MAX / 2 || !make_room(u))
		return;
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	put_update(u, nfg->nfgen_family, tuple, zone);
}

static int send_updates(struct sl_conntrack *ct, const struct updates *u, uint64_t *cleared)
{
	int err = SL_OK;
	for (size_t at = 0; at < u->len && err == SL_OK;) {
		struct nlmsghdr *nlh = (void *)(u->p + at);
		at += MNL_ALIGN(nlh->nlmsg_len);
		err = ask(ct, nlh, NULL, NULL);
		if (err == SL_OK)
			(*cleared)++;
		else if (err == SL_ENOENT) /* ended since the dump */
			err = SL_OK;
	}
	return err;
}

int sl_conntrack_clear_marks(struct sl_conntrack *ct, uint32_t mask, uint64_t *cleared)
{
	struct updates u = { .mask = mask };
	uint64_t n = 0;
	int err = ask(ct, put_header(ct->request, IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC), collect_marked,
	              &u);
	if (err == SL_OK)
		err = u.err;
	if (err == SL_OK)
		err = send_updates(ct, &u, &n);
	free(u.p);
	*cleared = n;
	return err;
}
