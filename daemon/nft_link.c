/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/nft_link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/time.h>

#define SEQ 1 /* of the one message that is answered */

struct ask {
	uint16_t type;  /* NFT_MSG_* */
	uint16_t flags; /* beside NLM_F_REQUEST | NLM_F_ACK */
	int family;
	const char *table, *chain; /* chain NULL: the message is about the table */
	bool batch;                /* changes travel in a transaction */
	uint32_t policy;           /* of the chain that was found */
};

static struct nlmsghdr *put_header(void *at, uint16_t type, uint16_t flags, int family, uint16_t res_id)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(at);
	h->nlmsg_type = type;
	h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	struct nfgenmsg *g = mnl_nlmsg_put_extra_header(h, sizeof(*g));
	g->nfgen_family = (uint8_t)family;
	g->version = NFNETLINK_V0;
	g->res_id = htons(res_id);
	return h;
}

static void put_message(const struct ask *a, struct mnl_nlmsg_batch *b)
{
	uint16_t type = (uint16_t)((NFNL_SUBSYS_NFTABLES << 8) | a->type);
	struct nlmsghdr *h =
	        put_header(mnl_nlmsg_batch_current(b), type, (uint16_t)(NLM_F_ACK | a->flags), a->family, 0);
	h->nlmsg_seq = SEQ;
	mnl_attr_put_strz(h, a->chain != NULL ? NFTA_CHAIN_TABLE : NFTA_TABLE_NAME, a->table);
	if (a->chain != NULL)
		mnl_attr_put_strz(h, NFTA_CHAIN_NAME, a->chain);
	mnl_nlmsg_batch_next(b);
}

static int send_ask(struct mnl_socket *nl, const struct ask *a)
{
	char buf[1024];
	struct mnl_nlmsg_batch *b = mnl_nlmsg_batch_start(buf, sizeof(buf) / 2);
	if (b == NULL)
		return SL_ENOMEM;
	if (a->batch) {
		put_header(mnl_nlmsg_batch_current(b), NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC,
		           NFNL_SUBSYS_NFTABLES);
		mnl_nlmsg_batch_next(b);
	}
	put_message(a, b);
	if (a->batch) {
		put_header(mnl_nlmsg_batch_current(b), NFNL_MSG_BATCH_END, 0, AF_UNSPEC,
		           NFNL_SUBSYS_NFTABLES);
		mnl_nlmsg_batch_next(b);
	}
	ssize_t n = mnl_socket_sendto(nl, mnl_nlmsg_batch_head(b), mnl_nlmsg_batch_size(b));
	mnl_nlmsg_batch_stop(b);
	return n < 0 ? SL_ESYS : SL_OK;
}

static int read_policy(const struct nlattr *attr, void *data)
{
	struct ask *a = data;
	if (mnl_attr_get_type(attr) == NFTA_CHAIN_POLICY && mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
		a->policy = ntohl(mnl_attr_get_u32(attr));
	return MNL_CB_OK;
}

static int read_answer(const struct nlmsghdr *h, void *data)
{
	const struct ask *a = data;
	return a->chain == NULL ? MNL_CB_OK : mnl_attr_parse(h, sizeof(struct nfgenmsg), read_policy, data);
}

static int err_of_errno(int e)
{
	switch (e) {
	case ENOENT:
		return SL_ENOENT;
	case EBUSY:
		return SL_EBUSY;
	case EPERM:
		return SL_EPERM;
	case EINVAL: /* nfnetlink knows no such subsystem */
	case EOPNOTSUPP:
	case EPROTONOSUPPORT:
		return SL_EUNSUP;
	case EAGAIN:
		return SL_ETIME;
	default:
		return SL_ESYS;
	}
}

static int receive(struct mnl_socket *nl, struct ask *a)
{
	char buf[8192];
	int more = MNL_CB_OK;
	while (more > MNL_CB_STOP) {
		ssize_t n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_of_errno(errno);
		more = mnl_cb_run(buf, (size_t)n, SEQ, mnl_socket_get_portid(nl), read_answer, a);
	}
	return more < 0 ? err_of_errno(errno) : SL_OK;
}

static int exchange(struct ask *a)
{
	struct timeval limit = { .tv_sec = 2 };
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (nl == NULL)
		return errno == EPROTONOSUPPORT ? SL_EUNSUP : SL_ESYS;
	int err = SL_ESYS;
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) == 0 &&
	    setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0)
		err = send_ask(nl, a);
	if (err == SL_OK)
		err = receive(nl, a);
	mnl_socket_close(nl);
	return err;
}

int sl_nft_table_exists(int family, const char *table)
{
	struct ask a = { .type = NFT_MSG_GETTABLE, .family = family, .table = table };
	return exchange(&a);
}

int sl_nft_chain_exists(int family, const char *table, const char *chain)
{
	struct ask a = { .type = NFT_MSG_GETCHAIN, .family = family, .table = table, .chain = chain };
	return exchange(&a);
}

int sl_nft_table_delete(int family, const char *table)
{
	struct ask a = { .type = NFT_MSG_DELTABLE, .family = family, .table = table, .batch = true };
	return exchange(&a);
}

int sl_nft_table_delete_unused(int family, const char *table)
{
	struct ask a = { .type = NFT_MSG_DELTABLE,
		         .flags = NLM_F_NONREC,
		         .family = family,
		         .table = table,
		         .batch = true };
	return exchange(&a);
}

int sl_nft_chain_delete_unused(int family, const char *table, const char *chain)
{
	struct ask a = { .type = NFT_MSG_GETCHAIN, .family = family, .table = table, .chain = chain };
	a.policy = NF_ACCEPT;
	int err = exchange(&a);
	if (err != SL_OK)
		return err;
	if (a.policy != NF_ACCEPT)
		return SL_EBUSY;
	a.type = NFT_MSG_DELCHAIN;
	a.flags = NLM_F_NONREC;
	a.batch = true;
	return exchange(&a);
}
