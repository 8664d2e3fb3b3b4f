/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_taken_over.c - what an engine that was taken over can still do, with the sockets that it really holds and in the box that it is
 * really in: tried against the kernel, in a network namespace of its own. A row says what the kernel answers, so that
 * docs/threat-model.md can claim neither more nor less. An engine with a broker has the same sockets and no capability. */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <netinet/ip.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"
#include "daemon/conntrack.h"
#include "daemon/engine.h"
#include "daemon/nfq.h"
#include "daemon/priv.h"
#include "daemon/refuse.h"
#include "tests/support/shell.h"

enum { NOBODY = 65534, OURS = 41, OTHERS = 42, ROOM = 4096, NO_ANSWER = 250, NO_BOX = 251, LIMIT_S = 20 };

/* libnetfilter_queue's header of this name hides the kernel's, which knows these. */
enum { NFTABLES = 10, BATCH_BEGIN = NLMSG_MIN_TYPE, BATCH_END };

static const struct sl_priv_user nobody = { NOBODY, NOBODY, true };
static int queue, conntrack, raw[2]; /* as the supervisor opens them */
static int stolen;                   /* the queue of another program of this namespace */

/* ---- what is asked of the kernel: 0, or the error that it answers ---- */

static char buf[ROOM] SL_ALIGNED;

/* Messages in one send; the answer to the one with sequence number 1. */
static int talk(int fd, size_t len)
{
	char got[ROOM] SL_ALIGNED;
	if (send(fd, buf, len, 0) < 0)
		return errno;
	for (;;) {
		ssize_t n = recv(fd, got, sizeof(got), 0);
		if (n < 0)
			return errno == EAGAIN ? NO_ANSWER : errno;
		int left = (int)n;
		const struct nlmsghdr *nlh = (const void *)got;
		for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
			const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);
			if (nlh->nlmsg_type == NLMSG_ERROR && (nlh->nlmsg_seq == 1 || e->error != 0))
				return -e->error;
		}
	}
}

static struct nlmsghdr *message(size_t at, uint16_t type, uint16_t flags, uint8_t family, uint16_t id)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf + at);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	struct nfgenmsg *gen = mnl_nlmsg_put_extra_header(nlh, sizeof(*gen));
	gen->nfgen_family = family;
	gen->version = NFNETLINK_V0;
	gen->res_id = htons(id);
	return nlh;
}

static int configure(int fd, uint16_t number, uint8_t command)
{
	struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, number);
	nfq_nlmsg_cfg_put_cmd(nlh, AF_UNSPEC, command);
	nlh->nlmsg_flags |= NLM_F_ACK;
	nlh->nlmsg_seq = 1;
	return talk(fd, nlh->nlmsg_len);
}

static int verdict(uint16_t number)
{
	struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_VERDICT, number);
	nfq_nlmsg_verdict_put(nlh, 1, NF_ACCEPT);
	nlh->nlmsg_flags |= NLM_F_ACK;
	nlh->nlmsg_seq = 1;
	return talk(queue, nlh->nlmsg_len);
}

static int verdict_for_ours(void)
{
	int err = verdict(OURS);
	return err == ENOENT ? 0 : err; /* there is no such packet; that is all the kernel has to say */
}
static int verdict_for_others(void)
{
	return verdict(OTHERS); /* a queue is its socket's: EPERM for whoever has another one */
}
static int takes_queue(void)
{
	return configure(queue, 43, NFQNL_CFG_CMD_BIND);
}
static int takes_others_queue(void)
{
	int err = configure(queue, OTHERS, NFQNL_CFG_CMD_BIND);
	return err == EBUSY ? EPERM : err;
}
static int unbinds_ours(void)
{
	return configure(queue, OURS, NFQNL_CFG_CMD_UNBIND);
}

/* A batch of one change. */
static int change_tables(uint16_t type, uint16_t flags, const char *table)
{
	struct nlmsghdr *begin = message(0, BATCH_BEGIN, 0, AF_UNSPEC, NFTABLES);
	size_t len = MNL_ALIGN(begin->nlmsg_len);
	struct nlmsghdr *nlh = message(len, (uint16_t)((NFTABLES << 8) | type), (uint16_t)(flags | NLM_F_ACK),
	                               NFPROTO_INET, 0);
	nlh->nlmsg_seq = 1;
	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, table);
	len += MNL_ALIGN(nlh->nlmsg_len);
	struct nlmsghdr *end = message(len, BATCH_END, 0, AF_UNSPEC, NFTABLES);
	return talk(queue, len + end->nlmsg_len);
}
static int makes_table(void)
{
	return change_tables(NFT_MSG_NEWTABLE, NLM_F_CREATE, "taken");
}
static int removes_others_table(void)
{
	return change_tables(NFT_MSG_DELTABLE, 0, "firewall");
}
static int flushes_connections(void)
{
	struct nlmsghdr *nlh =
	        message(0, (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_DELETE, NLM_F_ACK, AF_INET, 0);
	nlh->nlmsg_seq = 1;
	return talk(queue, nlh->nlmsg_len);
}
static int reads_connections(void)
{
	struct nlmsghdr *nlh =
	        message(0, (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_INET, 0);
	char got[ROOM] SL_ALIGNED;
	nlh->nlmsg_seq = 1;
	if (send(conntrack, nlh, nlh->nlmsg_len, 0) < 0)
		return errno;
	if (recv(conntrack, got, sizeof(got), 0) < 0)
		return errno;
	const struct nlmsghdr *reply = (const void *)got;
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(reply);
	return reply->nlmsg_type == NLMSG_ERROR ? -e->error : 0;
}
/* A datagram from an address that is not this machine's, to one that is nobody's business. */
static int forges_packets(void)
{
	struct {
		struct iphdr ip;
		uint8_t udp[8];
	} packet = { .ip = { .version = 4,
		             .ihl = 5,
		             .ttl = 4,
		             .protocol = IPPROTO_UDP,
		             .saddr = htonl(0xC0000201),
		             .daddr = htonl(INADDR_LOOPBACK) } };
	const struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	packet.udp[5] = sizeof(packet.udp);
	return sendto(raw[0], &packet, sizeof(packet), 0, (const struct sockaddr *)&to, sizeof(to)) < 0
	               ? errno
	               : 0;
}
static int opens_netlink(void)
{
	return socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE) < 0 ? errno : 0;
}
static int changes_interfaces(void)
{
	struct nlmsghdr *nlh =
	        mnl_nlmsg_put_header(buf); /* the right number, of the wrong family of netlink */
	nlh->nlmsg_type = 19;              /* RTM_SETLINK */
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	nlh->nlmsg_seq = 1;
	(void)mnl_nlmsg_put_extra_header(nlh, 16);
	int err = talk(queue, nlh->nlmsg_len);
	return err == 0 ? 0 : EPERM; /* nfnetlink knows no such message, and says so in one way or another */
}

/* ---- the rows ---- */

static const struct row_of {
	const char *name;
	int (*try)(void);
	bool direct, brokered; /* can it? */
} tries[] = {
	{ "verdicts for its own queue", verdict_for_ours, true, false },
	{ "verdicts for another program's queue", verdict_for_others, false, false },
	{ "another queue for itself", takes_queue, true, false },
	{ "another program's queue for itself", takes_others_queue, false, false },
	{ "its own queue given up, and what waits in it dropped", unbinds_ours, true, false },
	{ "a table of nftables made", makes_table, true, false },
	{ "somebody's table of nftables removed", removes_others_table, true, false },
	{ "all connections forgotten", flushes_connections, true, false },
	{ "connections of others read by the socket itself", reads_connections, true, false },
	{ "packets sent in anybody's name", forges_packets, true, true },
	{ "a netlink socket of another family", opens_netlink, false, false },
	{ "interfaces changed over the socket that it has", changes_interfaces, false, false },
};

struct row {
	char name[128];
	const struct row_of *what;
	bool brokered;
};

static int open_all(void)
{
	const struct sl_nfq_cfg cfg = { 16, 256, 65536, false };
	const struct timeval limit = { 2, 0 };
	if (unshare(CLONE_NEWNET) != 0 || !shell("ip link set lo up"))
		return SL_ESYS;
	(void)shell("nft add table inet firewall 2>/dev/null");
	if (sl_nfq_open(&cfg, OURS, 1, 0, 1, NULL, &queue) != SL_OK ||
	    sl_nfq_open(&cfg, OTHERS, 1, 0, 1, NULL, &stolen) != SL_OK || sl_refuse_sockets(0, raw) != SL_OK)
		return SL_ESYS;
	conntrack = sl_conntrack_socket();
	return conntrack >= 0 && setsockopt(queue, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0
	               ? SL_OK
	               : SL_ESYS;
}

/* root in no box: can the kernel do it at all? */
enum who { ROOT, DIRECT, BROKERED };

static int answer_to(const struct row_of *r, enum who who)
{
	int status = 0;
	pid_t pid = fork();
	if (pid == 0) {
		(void)alarm(LIMIT_S);
		if (open_all() != SL_OK)
			_exit(NO_BOX);
		if (who != ROOT &&
		    ((who == DIRECT ? sl_priv_drop(&nobody) : sl_priv_drop_all(&nobody)) != SL_OK ||
		     sl_engine_box() != SL_OK))
			_exit(NO_BOX);
		_exit(r->try());
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return NO_ANSWER;
	return WEXITSTATUS(status);
}

static void test_row(void **state)
{
	const struct row *r = *state;
	bool can = r->brokered ? r->what->brokered : r->what->direct;
	int err = answer_to(r->what, r->brokered ? BROKERED : DIRECT);
	if (err == NO_BOX || (can && err != 0 && answer_to(r->what, ROOT) == err))
		skip(); /* this kernel has no such thing */
	if (can)
		assert_int_equal(err, 0);
	else
		assert_int_equal(err, EPERM);
}

int main(void)
{
	static struct row rows[2 * SL_COUNT(tries)];
	struct CMUnitTest tests[SL_COUNT(rows)];
	size_t n = 0;
#ifdef SL_SANITIZE
	return 77; /* another box */
#endif
	if (geteuid() != 0)
		return 77;
	for (int b = 0; b < 2; b++)
		for (size_t i = 0; i < SL_COUNT(tries); i++, n++) {
			bool can = b == 1 ? tries[i].brokered : tries[i].direct;
			rows[n] = (struct row){ .what = &tries[i], .brokered = b == 1 };
			(void)snprintf(rows[n].name, sizeof(rows[n].name), "%s: %s: %s",
			               b == 1 ? "taken over, with a broker" : "taken over", tries[i].name,
			               can ? "yes" : "no");
			tests[n] = (struct CMUnitTest){ rows[n].name, test_row, NULL, NULL, &rows[n] };
		}
	return _cmocka_run_group_tests("daemon/taken_over", tests, n, NULL, NULL);
}
