/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctl_place.c - who has a place at the control socket, and with what rights. */
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/ctl_impl.h"

/* Which of two clients gives up its place first: not who waits for something, then who was silent for longer. */
static bool goes_first(const struct sl_ctl_client *a, const struct sl_ctl_client *b)
{
	bool a_waits = a->asked || a->wants != 0, b_waits = b->asked || b->wants != 0;

	return a_waits != b_waits ? b_waits : a->heard < b->heard;
}

/* Nobody but root takes a place from root, or from somebody who waits; a user whose share is taken gets one of its own. */
static struct sl_ctl_client *make_place(struct sl_ctl *ctl, const struct sl_ctl_peer *peer, bool share_taken)
{
	struct sl_ctl_client *first = NULL;

	for (size_t i = 0; i < SL_CTL_CLIENTS; i++) {
		struct sl_ctl_client *c = &ctl->client[i];
		bool waits = c->asked || c->wants != 0, roots = c->peer.uid == 0;
		bool may = share_taken      ? c->peer.uid == peer->uid && !waits
		           : peer->uid == 0 ? !roots || !waits
		                            : !roots && !waits;
		if (c->id != 0 && may && (first == NULL || goes_first(c, first)))
			first = c;
	}
	if (first != NULL)
		sl_ctl_drop(first);
	return first;
}

static struct sl_ctl_client *place(struct sl_ctl *ctl, const struct sl_ctl_peer *peer)
{
	struct sl_ctl_client *empty = NULL;
	unsigned of_user = 0, most = peer->uid == 0 ? 0 : ctl->handler.limits.clients;

	for (size_t i = 0; i < SL_CTL_CLIENTS; i++) {
		struct sl_ctl_client *c = &ctl->client[i];
		if (c->id == 0)
			empty = c;
		else
			of_user += c->peer.uid == peer->uid;
	}
	bool share_taken = most != 0 && of_user >= most;
	return empty == NULL || share_taken ? make_place(ctl, peer, share_taken) : empty;
}

static void turn_away(int fd, const char *why)
{
	(void)!send(fd, why, strlen(why), MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)close(fd);
}

/* Whoever connects without end costs no more than this. */
static bool comes_too_often(struct sl_ctl *ctl, int fd)
{
	struct ucred cred = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(cred);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 &&
	       sl_ctl_wait(ctl, &ctl->arrivals, cred.uid) != 0;
}

uint64_t sl_ctl_add(struct sl_ctl *ctl, int fd, bool asks)
{
	struct sl_ctl_peer peer;

	sl_ctl_peer_read(fd, &ctl->rights, &peer);
	struct sl_ctl_client *c = place(ctl, &peer);
	if (c == NULL) {
		turn_away(fd,
		          "{\"v\":1,\"ok\":false,\"code\":\"busy\",\"error\":\"too many connections to the "
		          "control socket that wait for something; end some and try again\"}\n");
		return 0;
	}
	*c = (struct sl_ctl_client){ .id = ctl->next_id++, .conn.fd = fd, .events = EPOLLIN, .peer = peer };
	c->heard = c->id;
	c->asked = asks;
	sl_ctl_watch(ctl, EPOLL_CTL_ADD, fd, c->events, c->id);
	return c->id;
}

void sl_ctl_set_rights(struct sl_ctl *ctl, const struct sl_ctl_rights *rights)
{
	ctl->rights = *rights;
	for (size_t i = 0; i < SL_CTL_CLIENTS; i++) {
		struct sl_ctl_client *c = &ctl->client[i];
		if (c->id != 0)
			sl_ctl_peer_read(c->conn.fd, rights, &c->peer);
		if (!c->peer.may_read)
			c->wants = 0;
	}
}

bool sl_ctl_turned_away(struct sl_ctl *ctl, int fd)
{
	if (!comes_too_often(ctl, fd))
		return false;
	turn_away(fd, "{\"v\":1,\"ok\":false,\"code\":\"rate\",\"error\":\"too many connections of this "
	              "user in a short time; try again in a second\",\"retry_ms\":1000}\n");
	return true;
}
