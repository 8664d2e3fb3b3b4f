/* SPDX-License-Identifier: GPL-2.0-or-later */
/* refuse.c - RSTs in the name of the other end, from raw sockets. */
#include "daemon/refuse.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/lines.h"
#include "base/util.h"

#ifndef IPV6_HDRINCL
#define IPV6_HDRINCL 36
#endif

enum { HOPS = 64, TCP_WORDS = sizeof(struct tcphdr) / 4 };

struct sl_refuse {
	int fd[2]; /* IPv4, IPv6 */
	struct sl_conntrack *ct;
};

struct rst4 {
	struct iphdr ip;
	struct tcphdr tcp;
};

struct rst6 {
	struct ip6_hdr ip;
	struct tcphdr tcp;
};

_Static_assert(sizeof(struct rst4) == 40 && sizeof(struct rst6) == 60,
               "headers follow each other on the wire");

/* IP_HDRINCL is what lets the source be the client's address, in the packet and, with the packet information of each
 * message, in the choice of the route: a rule `from CLIENTS lookup TABLE` sends the RST the way of the connection.
 * IPv6 asks for IPV6_FREEBIND besides. */
static int open_raw(int family, uint32_t mark)
{
	const int on = 1;
	int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);
	if (fd < 0)
		return -1;
	int level = family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
	int hdrincl = family == AF_INET ? IP_HDRINCL : IPV6_HDRINCL;
	if (setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) == 0 &&
	    setsockopt(fd, level, hdrincl, &on, sizeof(on)) == 0 &&
	    (family == AF_INET || setsockopt(fd, level, IPV6_FREEBIND, &on, sizeof(on)) == 0))
		return fd;
	int saved = errno;
	(void)close(fd);
	errno = saved;
	return -1;
}

int sl_refuse_sockets(uint32_t mark, int fd[2])
{
	static const int family[2] = { AF_INET, AF_INET6 };
	int got[2] = { -1, -1 };
	for (int i = 0; i < 2; i++) {
		got[i] = open_raw(family[i], mark);
		if (got[i] >= 0 || errno == EAFNOSUPPORT)
			continue;
		int saved = errno;
		if (got[0] >= 0)
			(void)close(got[0]);
		errno = saved;
		return saved == EPERM || saved == EACCES ? SL_EPERM : SL_ESYS;
	}
	fd[0] = got[0];
	fd[1] = got[1];
	return SL_OK;
}

int sl_refuse_new(const int fd[2], struct sl_conntrack *ct, struct sl_refuse **out)
{
	struct sl_refuse *r = sl_lines_new(1, sizeof(*r));
	if (r == NULL)
		return SL_ENOMEM;
	r->fd[0] = fd[0];
	r->fd[1] = fd[1];
	r->ct = ct;
	*out = r;
	return SL_OK;
}

void sl_refuse_free(struct sl_refuse **r)
{
	struct sl_refuse *gone = sl_take(r);
	if (gone == NULL)
		return;
	for (int i = 0; i < 2; i++)
		if (gone->fd[i] >= 0)
			(void)close(gone->fd[i]);
	sl_conntrack_free(&gone->ct);
	free(gone);
}

/* RFC 1071 over bytes in network order: the sum before it is folded. */
static uint32_t sum_bytes(uint32_t sum, struct sl_bytes b)
{
	for (size_t i = 0; i + 1 < b.len; i += 2)
		sum += ((uint32_t)b.p[i] << 8) | b.p[i + 1];
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* RST alone: with the sequence number that the other end waits for it needs no ACK (RFC 9293 §3.10.7.4); one that waits for an
 * answer to its SYN looks at the ACK and nothing else (§3.10.7.3). The checksum
 * covers the pseudo-header of either family: addresses, length and protocol (RFC 9293 §3.1, RFC 8200 §8.1). */
static struct tcphdr make_rst(const struct sl_flow_key *key, const struct sl_reset *reset)
{
	struct tcphdr tcp = { .th_sport = htons(key->sport),
		              .th_dport = htons(key->dport),
		              .th_seq = htonl(reset->seq),
		              .th_off = TCP_WORDS,
		              .th_flags = TH_RST };
	if (reset->ack != 0) {
		tcp.th_flags |= TH_ACK;
		tcp.th_ack = htonl(reset->ack);
	}
	size_t len = key->family == 4 ? 4 : 16;
	uint32_t sum = sizeof(tcp) + IPPROTO_TCP;
	sum = sum_bytes(sum, sl_bytes_of(key->src, len));
	sum = sum_bytes(sum, sl_bytes_of(key->dst, len));
	sum = sum_bytes(sum, sl_bytes_of(&tcp, sizeof(tcp)));
	tcp.th_sum = htons(fold(sum));
	return tcp;
}

/* to and info choose the route, as that of the client's own packets was chosen: from the client, to where DNAT has led
 * them. The gateway itself may have no route to the address that the client used. */
static bool send_with_info(int fd, struct sl_bytes packet, struct sl_bytes to, int level, int type,
                           struct sl_bytes info)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control = { 0 };
	struct iovec iov = { (void *)(uintptr_t)packet.p, packet.len };
	struct msghdr msg = { .msg_name = (void *)(uintptr_t)to.p,
		              .msg_namelen = (socklen_t)to.len,
		              .msg_iov = &iov,
		              .msg_iovlen = 1,
		              .msg_control = &control,
		              .msg_controllen = CMSG_SPACE(info.len) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(info.len);
	memcpy(CMSG_DATA(c), info.p, info.len);
	return sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)packet.len;
}

/* The kernel fills in the identification, the total length and the header's checksum (raw(7)). */
static bool send_rst4(int fd, const struct sl_flow_key *key, const uint8_t *next,
                      const struct sl_reset *reset)
{
	struct rst4 rst = { .ip = { .version = 4,
		                    .ihl = sizeof(struct iphdr) / 4,
		                    .frag_off = htons(IP_DF),
		                    .ttl = HOPS,
		                    .protocol = IPPROTO_TCP },
		            .tcp = make_rst(key, reset) };
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct in_pktinfo info = { 0 };
	memcpy(&rst.ip.saddr, key->src, sizeof(rst.ip.saddr));
	memcpy(&rst.ip.daddr, key->dst, sizeof(rst.ip.daddr));
	memcpy(&to.sin_addr, next, sizeof(to.sin_addr));
	memcpy(&info.ipi_spec_dst, key->src, sizeof(info.ipi_spec_dst));
	return send_with_info(fd, sl_bytes_of(&rst, sizeof(rst)), sl_bytes_of(&to, sizeof(to)), IPPROTO_IP,
	                      IP_PKTINFO, sl_bytes_of(&info, sizeof(info)));
}

/* No scope: what is forwarded has no link-local address (RFC 4291 §2.5.6). */
static bool send_rst6(int fd, const struct sl_flow_key *key, const uint8_t *next,
                      const struct sl_reset *reset)
{
	struct rst6 rst = { .ip = { .ip6_flow = htonl(6U << 28),
		                    .ip6_plen = htons(sizeof(struct tcphdr)),
		                    .ip6_nxt = IPPROTO_TCP,
		                    .ip6_hlim = HOPS },
		            .tcp = make_rst(key, reset) };
	struct sockaddr_in6 to = { .sin6_family = AF_INET6 };
	struct in6_pktinfo info = { 0 };
	memcpy(&rst.ip.ip6_src, key->src, sizeof(rst.ip.ip6_src));
	memcpy(&rst.ip.ip6_dst, key->dst, sizeof(rst.ip.ip6_dst));
	memcpy(&to.sin6_addr, next, sizeof(to.sin6_addr));
	memcpy(&info.ipi6_addr, key->src, sizeof(info.ipi6_addr));
	return send_with_info(fd, sl_bytes_of(&rst, sizeof(rst)), sl_bytes_of(&to, sizeof(to)), IPPROTO_IPV6,
	                      IPV6_PKTINFO, sl_bytes_of(&info, sizeof(info)));
}

/* The packet leaves through OUTPUT, where conntrack knows the connection by its original tuple: it is ESTABLISHED there,
 * and the connection's DNAT and SNAT are done to it as to the client's own. To the client it goes as the
 * client sees the server: where there is NAT conntrack does not know such a packet, and a firewall that drops those keeps it. Then
 * the client is told by the rules, with its next packet. */
static bool refuse_one(struct sl_refuse *r, const struct sl_reset *reset)
{
	struct sl_flow_key original;
	int fd = r->fd[reset->key.family == 4 ? 0 : 1];
	if (fd < 0 || sl_conntrack_original(r->ct, &reset->key, &original) != SL_OK)
		return false;
	if (reset->to_client) {
		sl_flow_key_swap(&original);
		return original.family == 4 ? send_rst4(fd, &original, original.dst, reset)
		                            : send_rst6(fd, &original, original.dst, reset);
	}
	return original.family == 4 ? send_rst4(fd, &original, reset->key.dst, reset)
	                            : send_rst6(fd, &original, reset->key.dst, reset);
}

size_t sl_refuse_ends(struct sl_refuse *r, const struct sl_reset *reset, size_t n)
{
	size_t unsent = 0;
	for (size_t i = 0; i < n; i++)
		unsent += refuse_one(r, &reset[i]) ? 0 : 1;
	return unsent;
}
