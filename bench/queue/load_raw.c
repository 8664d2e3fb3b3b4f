/* SPDX-License-Identifier: GPL-2.0-or-later */
/* load_raw.c - packets without a TCP stack at either end, so that the gateway is nearly all there is: SYN, SYN/ACK, ACK, hello,
 * first byte, RST; six packets a connection. Both ends are played over packet sockets in the namespaces of client and server,
 * with addresses that no kernel owns, whose neighbour entries in the gateway the harness makes. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/queue/load.h"
#include "bench/wire.h"

enum { CLIENT, SERVER, ENDS };
enum { BATCH = 64, FRAME = 640, TCP = 20, WAIT_MS = 1 };
enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };
/* Five-tuples come round again after so many connections; conntrack's table must have room for them. */
enum {
	PORT_FIRST = 1024,
	PORTS = 64512,
	SERVICES = 2,
	TUPLES = PORTS * SERVICES,
	SERVICE_STEP = 8000,
	SERVER_SEQ = 1000
};
#define LOST_AFTER_NS UINT64_C(2000000000)
#define LOOK_NS       UINT64_C(50000000)

struct end {
	int fd;
	uint8_t frame[BATCH][FRAME], got[BATCH][FRAME];
	struct mmsghdr tx[BATCH], rx[BATCH];
	struct iovec tx_iov[BATCH], rx_iov[BATCH];
	unsigned waiting;            /* frames to be sent */
	uint8_t head[ETH_HLEN + 40]; /* of what this end sends */
};

struct segment {
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint8_t flags;
	const uint8_t *payload;
	uint32_t len;
};

struct slot {
	uint64_t begun;
	uint32_t number; /* of the connection, modulo TUPLES: its ports */
	bool asked, idle;
};

struct raw {
	const struct sl_load_cfg *cfg;
	struct sl_load_result result;
	struct end end[ENDS];
	size_t ip; /* bytes of an IP header */
	struct slot *slot;
	uint32_t *slot_of; /* by number */
	uint32_t number;
	struct sl_load_pace pace;
	uint32_t *hello_sum; /* of the words of each hello, ready for the checksum */
};

/* ---- packets ---- */

/* Ethernet and IP; lengths and checksums come with each packet. */
static void make_head(struct raw *r, int end, const uint8_t *mac)
{
	const struct sl_load_cfg *c = r->cfg;
	uint8_t *h = r->end[end].head, *ip = h + ETH_HLEN;
	const char *from = end == CLIENT ? c->client : c->server, *to = end == CLIENT ? c->server : c->client;
	sl_load_mac(c->gateway_mac[end], h);
	memcpy(h + ETH_ALEN, mac, ETH_ALEN);
	sl_put16(h + (size_t)2 * ETH_ALEN, c->family == 4 ? ETHERTYPE_IP : ETHERTYPE_IPV6);
	ip[0] = c->family == 4 ? 0x45 : 0x60;
	if (c->family == 4) {
		ip[6] = 0x40; /* don't fragment */
		ip[8] = 64;
		ip[9] = IPPROTO_TCP;
	} else {
		ip[6] = IPPROTO_TCP;
		ip[7] = 64;
	}
	int fine = c->family == 4 ? inet_pton(AF_INET, from, ip + 12) & inet_pton(AF_INET, to, ip + 16)
	                          : inet_pton(AF_INET6, from, ip + 8) & inet_pton(AF_INET6, to, ip + 24);
	if (fine != 1)
		sl_load_die("addresses");
}

static void flush(struct end *e)
{
	for (unsigned sent = 0; sent < e->waiting;) {
		int n = sendmmsg(e->fd, e->tx + sent, e->waiting - sent, 0);
		if (n < 0 && errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
			sl_load_die("send");
		sent += n < 0 ? 1U : (unsigned)n; /* a frame without room is lost, as on a wire */
	}
	e->waiting = 0;
}

/* payload_sum: sl_wire_sum(s->payload, s->len), known before. */
static void send_segment(struct raw *r, int end, const struct segment *s, uint32_t payload_sum)
{
	struct end *e = &r->end[end];
	uint8_t *f = e->frame[e->waiting], *ip = f + ETH_HLEN, *tcp = ip + r->ip;
	uint32_t len = TCP + s->len;
	memcpy(f, e->head, ETH_HLEN + r->ip);
	if (r->cfg->family == 4) {
		sl_put16(ip + 2, (uint32_t)r->ip + len);
		sl_put16(ip + 10, sl_wire_fold(sl_wire_sum(ip, r->ip)));
	} else {
		sl_put16(ip + 4, len);
	}
	memset(tcp, 0, TCP);
	sl_put16(tcp, s->sport);
	sl_put16(tcp + 2, s->dport);
	sl_put32(tcp + 4, s->seq);
	sl_put32(tcp + 8, s->ack);
	tcp[12] = TCP / 4 << 4;
	tcp[13] = s->flags;
	sl_put16(tcp + 14, 0xffff);
	size_t addresses = r->cfg->family == 4 ? 8 : 32;
	sl_put16(tcp + 16, sl_wire_fold(sl_wire_sum(tcp - addresses, addresses + TCP) + IPPROTO_TCP + len +
	                                payload_sum));
	if (s->len > 0)
		memcpy(tcp + TCP, s->payload, s->len);
	e->tx_iov[e->waiting] = (struct iovec){ f, ETH_HLEN + r->ip + len };
	if (++e->waiting == BATCH)
		flush(e);
}

/* false: not one of ours. */
static bool read_segment(const struct raw *r, const uint8_t *f, size_t len, struct segment *s)
{
	const uint8_t *ip = f + ETH_HLEN, *tcp = ip + r->ip;
	if (len < ETH_HLEN + r->ip + TCP || ip[0] >> 4 != r->cfg->family ||
	    ip[r->cfg->family == 4 ? 9 : 6] != IPPROTO_TCP)
		return false;
	uint32_t total = r->cfg->family == 4 ? sl_get16(ip + 2) - (uint32_t)r->ip : sl_get16(ip + 4),
	         head = (tcp[12] >> 4) * 4U;
	if (total < head)
		return false;
	*s = (struct segment){ (uint16_t)sl_get16(tcp),
		               (uint16_t)sl_get16(tcp + 2),
		               sl_get32(tcp + 4),
		               sl_get32(tcp + 8),
		               tcp[13],
		               tcp + head,
		               total - head };
	return true;
}

/* ---- connections ---- */

static struct segment of_client(uint32_t number, uint8_t flags)
{
	return (struct segment){ .sport = (uint16_t)(PORT_FIRST + number % PORTS),
		                 .dport = (uint16_t)(SL_LOAD_SHORT + number / PORTS * SERVICE_STEP),
		                 .flags = flags };
}

/* Anything but 0: a connection's first number differs from that of the one before between the same ports. */
static uint32_t first_seq(const struct slot *s)
{
	return (uint32_t)(s->begun >> 6) | 1;
}

static void begin(struct raw *r, uint32_t at, uint64_t now)
{
	struct slot *s = &r->slot[at];
	*s = (struct slot){ now, r->number, false, false };
	r->slot_of[r->number] = at;
	r->number = (r->number + 1) % TUPLES;
	struct segment syn = of_client(s->number, SYN);
	syn.seq = first_seq(s);
	send_segment(r, CLIENT, &syn, 0);
}

static void end(struct raw *r, uint32_t at)
{
	r->slot[at].idle = true;
	r->slot_of[r->slot[at].number] = UINT32_MAX;
	sl_load_pace_rest(&r->pace, at);
}

static void begin_some(struct raw *r, uint64_t now)
{
	uint32_t at;
	while (sl_load_pace_next(&r->pace, now, &at))
		begin(r, at, now);
}

static void ask(struct raw *r, struct slot *s)
{
	size_t hello = s->number % r->cfg->hellos->n;
	struct segment a = of_client(s->number, ACK);
	s->asked = true;
	a.seq = first_seq(s) + 1;
	a.ack = SERVER_SEQ + 1;
	send_segment(r, CLIENT, &a, 0);
	a.flags = ACK | PSH;
	a.payload = r->cfg->hellos->hello[hello];
	a.len = SL_LOAD_HELLO;
	send_segment(r, CLIENT, &a, r->hello_sum[hello]);
}

static void client_got(struct raw *r, const struct segment *g, uint64_t now)
{
	uint32_t number = g->dport - (uint32_t)PORT_FIRST + (g->sport == SL_LOAD_SHORT ? 0 : PORTS);
	if (g->dport < PORT_FIRST || number >= TUPLES || r->slot_of[number] >= r->cfg->window)
		return;
	uint32_t at = r->slot_of[number];
	struct slot *s = &r->slot[at];
	if (s->number != number)
		return;
	if ((g->flags & RST) != 0) {
		r->result.refused++;
		end(r, at);
		begin_some(r, now);
	} else if ((g->flags & SYN) != 0 && !s->asked && g->ack == first_seq(s) + 1) {
		ask(r, s);
	} else if (g->len > 0 && s->asked && g->ack == first_seq(s) + 1 + SL_LOAD_HELLO) {
		struct segment rst = of_client(number, RST | ACK);
		rst.seq = g->ack;
		rst.ack = g->seq + g->len;
		send_segment(r, CLIENT, &rst, 0);
		sl_load_result_done(&r->result, s->begun, now);
		end(r, at);
		begin_some(r, now);
	}
}

/* Knows no connections: each answer follows from what came. */
static void server_got(struct raw *r, const struct segment *g)
{
	static const uint8_t first[SL_LOAD_FIRST];
	struct segment a = {
		.sport = g->dport, .dport = g->sport, .seq = SERVER_SEQ, .ack = g->seq + 1, .flags = SYN | ACK
	};
	if ((g->flags & RST) != 0)
		return;
	if (g->len > 0) {
		a = (struct segment){ g->dport,  g->sport, SERVER_SEQ + 1, g->seq + g->len,
			              ACK | PSH, first,    SL_LOAD_FIRST };
	} else if ((g->flags & SYN) == 0) {
		return;
	}
	send_segment(r, SERVER, &a, 0);
}

/* ---- sockets ---- */

static void make_end(struct raw *r, int end)
{
	struct end *e = &r->end[end];
	uint8_t mac[ETH_ALEN];
	e->fd = sl_load_packet_socket(r->cfg->netns[end], r->cfg->family, mac);
	make_head(r, end, mac);
	for (int i = 0; i < BATCH; i++) {
		e->rx_iov[i] = (struct iovec){ e->got[i], FRAME };
		e->rx[i].msg_hdr.msg_iov = &e->rx_iov[i];
		e->tx[i].msg_hdr.msg_iov = &e->tx_iov[i];
		e->rx[i].msg_hdr.msg_iovlen = e->tx[i].msg_hdr.msg_iovlen = 1;
	}
}

/* Takes a batch that came to this end, and sends what follows from it. Returns the number of frames. */
static int turn(struct raw *r, int end)
{
	struct end *e = &r->end[end];
	int n = recvmmsg(e->fd, e->rx, BATCH, MSG_DONTWAIT, NULL);
	uint64_t now = sl_load_ns();
	for (int i = 0; i < n; i++) {
		struct segment s;
		if (!read_segment(r, e->got[i], e->rx[i].msg_len, &s))
			continue;
		if (end == CLIENT)
			client_got(r, &s, now);
		else
			server_got(r, &s);
	}
	flush(e);
	return n < 0 ? 0 : n;
}

static void restart_lost(struct raw *r, uint64_t now)
{
	for (uint32_t i = 0; i < r->cfg->window; i++)
		if (!r->slot[i].idle && now - r->slot[i].begun > LOST_AFTER_NS) {
			r->result.lost++;
			end(r, i);
		}
	begin_some(r, now);
	flush(&r->end[CLIENT]);
}

static void run(struct raw *r)
{
	struct pollfd both[ENDS] = { { r->end[CLIENT].fd, POLLIN, 0 }, { r->end[SERVER].fd, POLLIN, 0 } };
	uint64_t now = sl_load_ns(), looked = now;
	sl_load_pace_new(&r->pace, r->cfg->rate, r->cfg->window);
	for (uint32_t i = 0; i < r->cfg->window; i++)
		r->slot[i].idle = true;
	while (now < r->result.end) {
		begin_some(r, now);
		flush(&r->end[CLIENT]);
		if (turn(r, SERVER) + turn(r, CLIENT) == 0)
			(void)poll(both, ENDS, WAIT_MS);
		now = sl_load_ns();
		if (now - looked > LOOK_NS) {
			restart_lost(r, now);
			looked = now;
		}
	}
}

void sl_load_raw(const struct sl_load_cfg *cfg)
{
	static struct raw r;
	r = (struct raw){ .cfg = cfg, .ip = cfg->family == 4 ? 20 : 40 };
	r.slot = (struct slot *)calloc(cfg->window, sizeof(*r.slot));
	r.slot_of = (uint32_t *)malloc(TUPLES * sizeof(*r.slot_of));
	r.hello_sum = (uint32_t *)malloc(cfg->hellos->n * sizeof(*r.hello_sum));
	if (r.slot == NULL || r.slot_of == NULL || r.hello_sum == NULL)
		sl_load_die("memory");
	memset(r.slot_of, 0xff, TUPLES * sizeof(*r.slot_of));
	for (size_t i = 0; i < cfg->hellos->n; i++)
		r.hello_sum[i] = sl_wire_sum(cfg->hellos->hello[i], SL_LOAD_HELLO);
	make_end(&r, CLIENT);
	make_end(&r, SERVER);
	sl_load_result_begin(&r.result, cfg->warm, cfg->seconds);
	run(&r);
	sl_load_result_print(&r.result);
	free(r.slot);
	free(r.slot_of);
	free(r.pace.idle);
	free(r.hello_sum);
	(void)close(r.end[CLIENT].fd);
	(void)close(r.end[SERVER].fd);
}
