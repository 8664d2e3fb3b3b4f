/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/queue/load.h"

enum { BUFFER = 8 << 20 };

int sl_load_packet_socket(const char *netns, int family, uint8_t mac[6])
{
	int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC),
	    there = open(netns, O_RDONLY | O_CLOEXEC);
	const int on = 1, bytes = BUFFER;
	const uint16_t protocol = htons(family == 4 ? ETH_P_IP : ETH_P_IPV6);
	if (home < 0 || there < 0 || setns(there, CLONE_NEWNET) != 0)
		sl_load_die(netns);
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	struct sockaddr_ll at = { .sll_family = AF_PACKET,
		                  .sll_protocol = protocol,
		                  .sll_ifindex = (int)if_nametoindex("eth0") };
	socklen_t len = sizeof(at);
	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) != 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) != 0 ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &len) != 0)
		sl_load_die("packet socket");
	memcpy(mac, at.sll_addr, ETH_ALEN);
	if (setns(home, CLONE_NEWNET) != 0)
		sl_load_die("setns");
	(void)close(home);
	(void)close(there);
	return fd;
}

void sl_load_mac(const char *text, uint8_t mac[6])
{
	unsigned m[ETH_ALEN];
	/* NOLINTNEXTLINE(cert-err34-c): two digits each */
	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x", &m[0], &m[1], &m[2], &m[3], &m[4], &m[5]) != ETH_ALEN)
		sl_load_die("a MAC address");
	for (int i = 0; i < ETH_ALEN; i++)
		mac[i] = (uint8_t)m[i];
}
