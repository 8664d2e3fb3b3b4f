/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/metrics_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bytes.h"

enum { BACKLOG = 16 };

static bool read_port(const char *text, in_port_t *out)
{
	uint32_t port = 0;

	if (*text == '\0' || strlen(text) > 5 || text[strspn(text, "0123456789")] != '\0')
		return false;
	for (; *text != '\0'; text++)
		port = port * 10 + (uint32_t)(*text - '0');
	*out = htons((uint16_t)port);
	return port >= 1 && port <= UINT16_MAX;
}

static bool read_v4(const char *host, const char *port, struct sl_metrics_listen *out)
{
	struct sockaddr_in a = { .sin_family = AF_INET };

	if (inet_pton(AF_INET, host, &a.sin_addr) != 1 || !read_port(port, &a.sin_port))
		return false;
	memcpy(&out->addr, &a, sizeof(a));
	out->len = sizeof(a);
	return true;
}

static bool read_v6(const char *host, const char *port, struct sl_metrics_listen *out)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET6, host, &a.sin6_addr) != 1 || !read_port(port, &a.sin6_port))
		return false;
	memcpy(&out->addr, &a, sizeof(a));
	out->len = sizeof(a);
	return true;
}

static bool read_address(const char *text, struct sl_metrics_listen *out)
{
	char host[INET6_ADDRSTRLEN + 2];
	const char *colon = strrchr(text, ':');
	size_t len = colon == NULL ? 0 : (size_t)(colon - text);

	if (len == 0 || len >= sizeof(host))
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	if (host[0] != '[')
		return read_v4(host, colon + 1, out);
	if (host[len - 1] != ']')
		return false;
	host[len - 1] = '\0';
	return read_v6(host + 1, colon + 1, out);
}

static bool is_loopback(const struct sl_metrics_listen *l)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (l->addr.ss_family == AF_INET) {
		memcpy(&v4, &l->addr, sizeof(v4));
		return ntohl(v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	}
	memcpy(&v6, &l->addr, sizeof(v6));
	return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
}

int sl_metrics_listen_read(const char *text, bool remote, struct sl_metrics_listen *out, const char **why)
{
	struct sockaddr_un path;

	*out = (struct sl_metrics_listen){ .local = text[0] == '/' };
	if (out->local) {
		*why = "a path of a Unix socket has at most 107 bytes";
		return sl_ctl_socket_addr(text, &path);
	}
	*why = "expected an address and a port, such as 127.0.0.1:9464 or [::1]:9464, or the path of a Unix "
	       "socket";
	if (!read_address(text, out))
		return SL_EINVAL;
	*why = "this is not loopback, and whoever reaches it may read the names of lists; write 127.0.0.1, "
	       "[::1] or "
	       "a path, or metrics_remote: yes";
	return remote || is_loopback(out) ? SL_OK : SL_EINVAL;
}

static int open_address(const struct sl_metrics_listen *l, const char *text, const struct sl_diag *diag)
{
	const int one = 1;
	int fd = socket(l->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd >= 0 && bind(fd, (const struct sockaddr *)&l->addr, l->len) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	sl_diag(diag, NULL, 0, "metrics_listen: %s cannot be listened on: %s", text, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

int sl_metrics_listen_open(const char *text, bool remote, const struct sl_diag *diag,
                           struct sl_ctl_socket *out)
{
	static const struct sl_ctl_socket_kind kind = { "metrics socket", 0666, (gid_t)-1 };
	struct sl_metrics_listen l;
	const char *why = "";
	int err = sl_metrics_listen_read(text, remote, &l, &why);

	*out = (struct sl_ctl_socket){ .fd = -1 };
	if (err != SL_OK) {
		sl_diag(diag, NULL, 0, "metrics_listen: %s: %s", text, why);
		return err;
	}
	if (l.local)
		return sl_ctl_socket_open(text, &kind, diag, out);
	out->fd = open_address(&l, text, diag);
	return out->fd < 0 ? SL_ESYS : SL_OK;
}
