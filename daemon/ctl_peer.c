/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ctl_peer.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { GROUPS_FIRST = 64, GROUPS_MAX = 65536 /* NGROUPS_MAX of Linux */ };

static gid_t find(const char *name)
{
	char buf[4096]; /* a group whose members do not fit is as good as absent: it would be allowed less, not more */
	struct group entry, *found = NULL;

	if (name[0] == '\0' || getgrnam_r(name, &entry, buf, sizeof(buf), &found) != 0 || found == NULL)
		return (gid_t)-1;
	return found->gr_gid;
}

struct sl_ctl_rights sl_ctl_rights_find(const char *readers, const char *admins)
{
	return (struct sl_ctl_rights){ find(readers), find(admins) };
}

static bool is_member(const struct sl_ctl_peer *peer, const gid_t *group, size_t groups, gid_t wanted)
{
	if (wanted == (gid_t)-1)
		return false;
	for (size_t i = 0; i < groups; i++)
		if (group[i] == wanted)
			return true;
	return peer->gid == wanted;
}

void sl_ctl_peer_judge(struct sl_ctl_peer *peer, const gid_t *group, size_t groups,
                       const struct sl_ctl_rights *rights)
{
	bool known = peer->uid != (uid_t)-1;

	peer->may_change = known && (peer->uid == 0 || is_member(peer, group, groups, rights->admins));
	peer->may_read = peer->may_change || (known && is_member(peer, group, groups, rights->readers));
}

/* *group is the caller's. Returns how many; 0 where the kernel does not say. */
static size_t read_groups(int fd, gid_t **group)
{
	socklen_t len = GROUPS_FIRST * sizeof(gid_t);

	for (int i = 0; i < 2 && len <= GROUPS_MAX * sizeof(gid_t); i++) {
		gid_t *more = (gid_t *)realloc(*group, len);
		if (more == NULL)
			return 0;
		*group = more;
		if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, *group, &len) == 0)
			return len / sizeof(gid_t);
		if (errno != ERANGE) /* else len says what it takes */
			return 0;
	}
	return 0;
}

void sl_ctl_peer_name(struct sl_ctl_peer *peer)
{
	char path[64];
	ssize_t n = -1;

	(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)peer->pid);
	int fd = peer->pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd >= 0) {
		n = read(fd, peer->comm, sizeof(peer->comm) - 1);
		(void)close(fd);
	}
	if (n > 0 && peer->comm[n - 1] == '\n')
		n--;
	if (n <= 0) {
		peer->comm[0] = '?';
		n = 1;
	}
	peer->comm[n] = '\0';
	for (ssize_t i = 0; i < n; i++)
		if (peer->comm[i] < 0x20 || peer->comm[i] > 0x7e)
			peer->comm[i] = '?';
}

void sl_ctl_peer_read(int fd, const struct sl_ctl_rights *rights, struct sl_ctl_peer *out)
{
	struct ucred cred = { .pid = 0, .uid = (uid_t)-1, .gid = (gid_t)-1 };
	socklen_t len = sizeof(cred);
	gid_t *group = NULL;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0)
		cred = (struct ucred){ .pid = 0, .uid = (uid_t)-1, .gid = (gid_t)-1 };
	*out = (struct sl_ctl_peer){ .uid = cred.uid, .gid = cred.gid, .pid = cred.pid };
	size_t groups = cred.uid == 0 ? 0 : read_groups(fd, &group);
	sl_ctl_peer_judge(out, group, groups, rights);
	free(group);
}
