/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/interfaces.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"

enum { ANSWER = 32768 };

struct vlan {
	bool is_one;
	uint16_t id;
};

static int read_data(const struct nlattr *attr, void *ctx)
{
	struct vlan *vlan = ctx;

	if (mnl_attr_get_type(attr) == IFLA_VLAN_ID && mnl_attr_get_payload_len(attr) >= sizeof(vlan->id))
		vlan->id = mnl_attr_get_u16(attr);
	return MNL_CB_OK;
}

/* IFLA_LINKINFO: its kind is "vlan", and its data says which. */
static int read_info(const struct nlattr *attr, void *ctx)
{
	struct vlan *vlan = ctx;

	if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
		vlan->is_one = strncmp(mnl_attr_get_str(attr), "vlan", mnl_attr_get_payload_len(attr)) == 0;
	if (mnl_attr_get_type(attr) == IFLA_INFO_DATA)
		return mnl_attr_parse_nested(attr, read_data, vlan);
	return MNL_CB_OK;
}

static int read_link(const struct nlattr *attr, void *ctx)
{
	struct sl_interface *one = ctx;
	struct vlan vlan = { false, 0 };

	if (mnl_attr_get_type(attr) == IFLA_IFNAME)
		(void)strncpy(one->name, mnl_attr_get_str(attr), sizeof(one->name) - 1);
	if (mnl_attr_get_type(attr) != IFLA_LINKINFO)
		return MNL_CB_OK;
	int rc = mnl_attr_parse_nested(attr, read_info, &vlan);
	one->vlan = vlan.is_one ? vlan.id : 0;
	return rc;
}

static int add_link(const struct nlmsghdr *nlh, void *ctx)
{
	struct sl_interfaces *out = ctx;
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(nlh);
	struct sl_interface one = { .number = (uint32_t)info->ifi_index };

	if (nlh->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	if (mnl_attr_parse(nlh, sizeof(*info), read_link, &one) < 0)
		return MNL_CB_OK;
	struct sl_interface *more = realloc(out->one, (out->n + 1) * sizeof(*more));
	if (more == NULL) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	out->one = more;
	out->one[out->n++] = one;
	return MNL_CB_OK;
}

static int dump(struct mnl_socket *nl, struct sl_interfaces *out)
{
	char buf[ANSWER] __attribute__((aligned(4)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	unsigned seq = nlh->nlmsg_seq = (unsigned)time(NULL);
	ssize_t n;
	int more = MNL_CB_OK;

	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	struct rtgenmsg *gen = mnl_nlmsg_put_extra_header(nlh, sizeof(*gen));
	gen->rtgen_family = AF_PACKET;
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		return SL_ESYS;
	while (more > MNL_CB_STOP && (n = mnl_socket_recvfrom(nl, buf, sizeof(buf))) > 0)
		more = mnl_cb_run(buf, (size_t)n, seq, mnl_socket_get_portid(nl), add_link, out);
	return more == MNL_CB_STOP ? SL_OK : errno == ENOMEM ? SL_ENOMEM : SL_ESYS;
}

int sl_interfaces_read(struct sl_interfaces *out)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int err = SL_ESYS;

	*out = (struct sl_interfaces){ NULL, 0 };
	if (nl != NULL && mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) == 0)
		err = dump(nl, out);
	if (nl != NULL)
		(void)mnl_socket_close(nl);
	if (err != SL_OK)
		sl_interfaces_free(out);
	return err;
}

void sl_interfaces_free(struct sl_interfaces *i)
{
	free(i->one);
	*i = (struct sl_interfaces){ NULL, 0 };
}

int sl_interfaces_watch(void)
{
	const struct sockaddr_nl links = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd >= 0 && bind(fd, (const struct sockaddr *)&links, sizeof(links)) == 0)
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

/* Where some were lost (ENOBUFS), something has changed, too. */
bool sl_interfaces_changed(int watch)
{
	char buf[4096];
	bool changed = false;
	ssize_t n;

	while (watch >= 0 &&
	       ((n = recv(watch, buf, sizeof(buf), MSG_DONTWAIT)) > 0 || (n < 0 && errno == ENOBUFS)))
		changed = true;
	return changed;
}

bool sl_interface_named(const struct sl_interface *i, const char *pattern)
{
	size_t n = strlen(pattern);

	return n > 0 && pattern[n - 1] == '+' ? strncmp(i->name, pattern, n - 1) == 0
	                                      : strcmp(i->name, pattern) == 0;
}
