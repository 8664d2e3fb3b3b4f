/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/rules_watch.h"

#include <netinet/in.h> /* before the kernel's headers, which leave out what it has declared */

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"

#define FAMILIES   2
#define TABLES_MAX 2
#define ASK_ANYWAY 40 /* see the header */

/* What the kernel tells of a legacy table; equal for IPv4 and IPv6. */
struct shape {
	uint32_t hooks, entries, size;
	uint32_t hook_entry[NF_INET_NUMHOOKS], underflow[NF_INET_NUMHOOKS];
};

struct sl_rules_watch {
	const char *const *tables;
	struct mnl_socket *nl; /* NULL: legacy */
	int raw[FAMILIES];     /* IPv4, IPv6; -1 where absent */
	struct shape shape[FAMILIES][TABLES_MAX];
	unsigned asked;
	bool changed;
};

static struct sl_rules_watch *watch_new(const char *const *tables)
{
	struct sl_rules_watch *w = calloc(1, sizeof(*w));
	if (w == NULL)
		return NULL;
	w->tables = tables;
	w->raw[0] = w->raw[1] = -1;
	return w;
}

void sl_rules_watch_free(struct sl_rules_watch **w)
{
	if (*w == NULL)
		return;
	if ((*w)->nl != NULL)
		mnl_socket_close((*w)->nl);
	for (size_t i = 0; i < FAMILIES; i++)
		if ((*w)->raw[i] >= 0)
			close((*w)->raw[i]);
	free(*w);
	*w = NULL;
}

int sl_rules_watch_nft(const char *const *tables, struct sl_rules_watch **out)
{
	int group = NFNLGRP_NFTABLES;
	struct sl_rules_watch *w = watch_new(tables);
	if (w == NULL)
		return SL_ENOMEM;
	w->nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (w->nl == NULL || mnl_socket_bind(w->nl, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_setsockopt(w->nl, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0) {
		int err = errno == EPERM ? SL_EPERM : SL_ESYS;
		sl_rules_watch_free(&w);
		return err;
	}
	*out = w;
	return SL_OK;
}

static bool known(const struct sl_rules_watch *w, const char *table)
{
	for (const char *const *t = w->tables; *t != NULL; t++)
		if (strcmp(*t, table) == 0)
			return true;
	return false;
}

/* The table's name is the first attribute of all three kinds. Sets and their elements do not concern us: others fill
 * theirs many times a second. */
_Static_assert(NFTA_TABLE_NAME == 1 && NFTA_CHAIN_TABLE == 1 && NFTA_RULE_TABLE == 1, "the table's name");

static int read_table_name(const struct nlattr *attr, void *data)
{
	struct sl_rules_watch *w = data;
	if (mnl_attr_get_type(attr) == NFTA_TABLE_NAME && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0 &&
	    known(w, mnl_attr_get_str(attr)))
		w->changed = true;
	return MNL_CB_OK;
}

static int read_notice(const struct nlmsghdr *h, void *data)
{
	if (NFNL_SUBSYS_ID(h->nlmsg_type) == NFNL_SUBSYS_NFTABLES &&
	    NFNL_MSG_TYPE(h->nlmsg_type) <= NFT_MSG_DELRULE)
		mnl_attr_parse(h, sizeof(struct nfgenmsg), read_table_name, data);
	return MNL_CB_OK;
}

static void read_notices(struct sl_rules_watch *w)
{
	uint8_t buf[1 << 14];
	for (;;) {
		ssize_t n = recv(mnl_socket_get_fd(w->nl), buf, sizeof(buf), MSG_DONTWAIT);
		if (n > 0)
			mnl_cb_run(buf, (size_t)n, 0, 0, read_notice, w);
		else if (n < 0 && errno == ENOBUFS)
			w->changed = true; /* some were lost: it may have been ours */
		else if (n == 0 || errno != EINTR)
			return;
	}
}

static struct shape shape4(int fd, const char *table)
{
	struct ipt_getinfo info = { 0 };
	struct shape s = { 0 };
	socklen_t len = sizeof(info);
	strncpy(info.name, table, sizeof(info.name) - 1);
	if (getsockopt(fd, IPPROTO_IP, IPT_SO_GET_INFO, &info, &len) < 0)
		return s;
	s = (struct shape){ .hooks = info.valid_hooks, .entries = info.num_entries, .size = info.size };
	memcpy(s.hook_entry, info.hook_entry, sizeof(s.hook_entry));
	memcpy(s.underflow, info.underflow, sizeof(s.underflow));
	return s;
}

static struct shape shape6(int fd, const char *table)
{
	struct ip6t_getinfo info = { 0 };
	struct shape s = { 0 };
	socklen_t len = sizeof(info);
	strncpy(info.name, table, sizeof(info.name) - 1);
	if (getsockopt(fd, IPPROTO_IPV6, IP6T_SO_GET_INFO, &info, &len) < 0)
		return s;
	s = (struct shape){ .hooks = info.valid_hooks, .entries = info.num_entries, .size = info.size };
	memcpy(s.hook_entry, info.hook_entry, sizeof(s.hook_entry));
	memcpy(s.underflow, info.underflow, sizeof(s.underflow));
	return s;
}

static void read_shapes(struct sl_rules_watch *w)
{
	for (size_t f = 0; f < FAMILIES; f++) {
		for (size_t t = 0; w->raw[f] >= 0 && t < TABLES_MAX && w->tables[t] != NULL; t++) {
			struct shape now =
			        f == 0 ? shape4(w->raw[f], w->tables[t]) : shape6(w->raw[f], w->tables[t]);
			if (memcmp(&now, &w->shape[f][t], sizeof(now)) != 0)
				w->changed = true;
			w->shape[f][t] = now;
		}
	}
	if (++w->asked % ASK_ANYWAY == 0)
		w->changed = true;
}

int sl_rules_watch_legacy(const char *const *tables, bool v6, struct sl_rules_watch **out)
{
	struct sl_rules_watch *w = watch_new(tables);
	if (w == NULL)
		return SL_ENOMEM;
	w->raw[0] = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (v6)
		w->raw[1] = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (w->raw[0] < 0 || (v6 && w->raw[1] < 0)) {
		int err = errno == EPERM ? SL_EPERM : SL_ESYS;
		sl_rules_watch_free(&w);
		return err;
	}
	read_shapes(w);
	w->changed = false;
	*out = w;
	return SL_OK;
}

int sl_rules_watcher_fd(const struct sl_rules_watch *w)
{
	return w->nl == NULL ? -1 : mnl_socket_get_fd(w->nl);
}

bool sl_rules_watcher_changed(struct sl_rules_watch *w)
{
	if (w->nl != NULL)
		read_notices(w);
	else
		read_shapes(w);
	bool changed = w->changed;
	w->changed = false;
	return changed;
}
