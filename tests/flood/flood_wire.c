/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <string.h>

#include "bench/queue/load.h"
#include "bench/wire.h"
#include "tests/flood/flood.h"

enum { TCP = 20, UDP = 8, IP4 = 20, IP6 = 40 };

uint64_t flood_random(struct flood *f)
{
	f->random ^= f->random << 13; /* xorshift64, Marsaglia 2003 */
	f->random ^= f->random >> 7;
	f->random ^= f->random << 17;
	return f->random;
}

void flood_open(struct flood *f, int end, const char *netns, const char *gateway_mac)
{
	struct flood_end *e = &f->end[end];
	e->fd = sl_load_packet_socket(netns, f->family, e->mac);
	sl_load_mac(gateway_mac, e->gateway);
	for (int i = 0; i < FLOOD_BATCH; i++) {
		e->tx[i].msg_hdr.msg_iov = &e->iov[i];
		e->tx[i].msg_hdr.msg_iovlen = 1;
	}
}

static void flush(struct flood_end *e)
{
	for (unsigned sent = 0; sent < e->waiting;) {
		int n = sendmmsg(e->fd, e->tx + sent, e->waiting - sent, 0);
		if (n < 0 && errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
			sl_load_die("send");
		sent += n < 0 ? 1U : (unsigned)n; /* a frame without room is lost, as on a wire */
	}
	e->waiting = 0;
}

void flood_flush(struct flood *f)
{
	flush(&f->end[FLOOD_CLIENT]);
	flush(&f->end[FLOOD_SERVER]);
}

/* Where the addresses stand: the client's of the packet, and that of its server. */
static void put_addresses(const struct flood *f, int end, const struct flood_packet *p, uint8_t *src,
                          uint8_t *dst)
{
	size_t len = f->family == 4 ? 4 : 16;
	uint8_t *client = end == FLOOD_CLIENT ? src : dst, *server = end == FLOOD_CLIENT ? dst : src;
	memcpy(client, f->client, len);
	memcpy(server, f->server, len);
	server[len - 1] = (uint8_t)(server[len - 1] + p->server);
	if (p->spoofed != 0 && f->family == 4)
		client[3] = (uint8_t)(2 + p->spoofed % 250);
	else if (p->spoofed != 0)
		memcpy(client + 8, &p->spoofed, sizeof(p->spoofed));
}

static size_t put_ip(const struct flood *f, int end, const struct flood_packet *p, size_t len, uint8_t *ip)
{
	if (f->family == 6) {
		memset(ip, 0, IP6);
		ip[0] = 0x60;
		sl_put16(ip + 4, len);
		ip[6] = p->proto;
		ip[7] = 64;
		put_addresses(f, end, p, ip + 8, ip + 24);
		return IP6;
	}
	memset(ip, 0, IP4);
	ip[0] = 0x45;
	sl_put16(ip + 2, IP4 + len);
	sl_put16(ip + 4, p->id);
	sl_put16(ip + 6, p->fragment);
	ip[8] = 64;
	ip[9] = p->proto;
	put_addresses(f, end, p, ip + 12, ip + 16);
	sl_put16(ip + 10, sl_wire_fold(sl_wire_sum(ip, IP4)));
	return IP4;
}

static size_t put_head(const struct flood_packet *p, uint8_t *to)
{
	if (p->proto != IPPROTO_TCP && p->proto != IPPROTO_UDP)
		return 0;
	sl_put16(to, p->sport);
	sl_put16(to + 2, p->dport);
	if (p->proto == IPPROTO_UDP) {
		sl_put16(to + 4, UDP + p->len);
		sl_put16(to + 6, 0);
		return UDP;
	}
	memset(to + 4, 0, TCP - 4);
	sl_put32(to + 4, p->seq);
	sl_put32(to + 8, p->ack);
	to[12] = TCP / 4 << 4;
	to[13] = p->flags;
	sl_put16(to + 14, 0xffff);
	return TCP;
}

void flood_send(struct flood *f, int end, const struct flood_packet *p)
{
	struct flood_end *e = &f->end[end];
	uint8_t *frame = e->frame[e->waiting], *ip = frame + ETH_HLEN;
	uint8_t *transport = ip + (f->family == 4 ? IP4 : IP6);
	size_t head = put_head(p, transport), len = head + p->len;
	if (p->len > 0)
		memcpy(transport + head, p->payload, p->len);
	size_t ip_len = put_ip(f, end, p, len, ip), addresses = f->family == 4 ? 8 : 32;
	size_t sum_at = p->proto == IPPROTO_TCP ? 16 : 6;
	if (head != 0)
		sl_put16(transport + sum_at,
		         sl_wire_fold(sl_wire_sum(transport - addresses, addresses + len) + p->proto +
		                      (uint32_t)len));
	memcpy(frame, e->gateway, ETH_ALEN);
	memcpy(frame + ETH_ALEN, e->mac, ETH_ALEN);
	sl_put16(frame + (size_t)2 * ETH_ALEN, f->family == 4 ? ETHERTYPE_IP : ETHERTYPE_IPV6);
	e->iov[e->waiting] = (struct iovec){ frame, ETH_HLEN + ip_len + len };
	f->sent += end == FLOOD_CLIENT;
	if (++e->waiting == FLOOD_BATCH)
		flush(e);
}
