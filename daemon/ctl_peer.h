/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctl_peer.h - who is at the other end of the control socket, as the kernel says it, and what that user may. */
#ifndef SL_DAEMON_CTL_PEER_H
#define SL_DAEMON_CTL_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Who may read, and who may change, beside root; (gid_t)-1: nobody. Who may change may read. */
struct sl_ctl_rights {
	gid_t readers, admins;
};

struct sl_ctl_peer {
	uid_t uid; /* when it connected (SO_PEERCRED); (uid_t)-1: the kernel does not say, and nothing is allowed */
	gid_t gid;
	pid_t pid;     /* 0: of another pid namespace */
	char comm[16]; /* "" until sl_ctl_peer_name() */
	bool may_read, may_change;
};

/* The groups of these names. May ask a name service: at the start and at a reload, not for each client. */
struct sl_ctl_rights sl_ctl_rights_find(const char *readers, const char *admins);
/* fd: a connection. The effective group counts, and the supplementary ones (SO_PEERGROUPS), as they were when it connected. */
void sl_ctl_peer_read(int fd, const struct sl_ctl_rights *rights, struct sl_ctl_peer *out);
/* The same for given groups: peer->uid and gid are read, its rights written. */
void sl_ctl_peer_judge(struct sl_ctl_peer *peer, const gid_t *group, size_t groups,
                       const struct sl_ctl_rights *rights);

/* Its program, as /proc has it: the process itself chooses it. Printable ASCII; "?" where it is gone. Opens a file. */
void sl_ctl_peer_name(struct sl_ctl_peer *peer);

#endif
