/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench_pipeline_packets.c - messages as nfnetlink_queue writes them, with packets of clients that open a connection. */
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench_pipeline.h"
#include "bench/wire.h"
#include "filter/packet.h"
#include "tests/support/quic_text.h"

enum { IP4 = 20, TCP = 20, UDP = 8, RECORD = 5, TEXT = 4096, PACKET_MAX = 2048, MESSAGE_MAX = 4096 };
enum {
	HELLO = 517,
	HELLO_PQ = 1800,
	SEGMENT = 1400,
	PORT_FIRST = 1024,
	PORT_BITS = 15,
	STARTED = 0x40000000
};

const char *sl_pipe_name(enum sl_pipe_kind kind)
{
	static const char *const name[SL_PIPE_KINDS] = {
		"tls",  "tls/blocked",  "tls/two_segments", "quic", "quic/two_datagrams",
		"http", "http/blocked", "not_web",
	};
	return name[kind];
}

/* The attributes that a kernel sends for a forwarded packet whose mark says that its beginning was seen. */
static void wrap(struct sl_bytes ip, struct sl_pipe_message *out)
{
	char buf[MESSAGE_MAX];
	const struct nfqnl_msg_packet_hdr header = { 0, htons(0x0800), 2 };
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET;
	struct nfgenmsg *gen = mnl_nlmsg_put_extra_header(nlh, sizeof(*gen));
	*gen = (struct nfgenmsg){ AF_INET, NFNETLINK_V0, htons(2860) };
	out->id_at = nlh->nlmsg_len + MNL_ATTR_HDRLEN;
	mnl_attr_put(nlh, NFQA_PACKET_HDR, sizeof(header), &header);
	mnl_attr_put_u32(nlh, NFQA_IFINDEX_INDEV, htonl(2));
	mnl_attr_put_u32(nlh, NFQA_IFINDEX_OUTDEV, htonl(3));
	mnl_attr_put_u32(nlh, NFQA_MARK, htonl(STARTED));
	mnl_attr_put_u32(nlh, NFQA_CAP_LEN, htonl((uint32_t)ip.len));
	mnl_attr_put_u32(nlh, NFQA_SKB_INFO, htonl(NFQA_SKB_CSUMNOTREADY));
	out->ip_at = nlh->nlmsg_len + MNL_ATTR_HDRLEN;
	mnl_attr_put(nlh, NFQA_PAYLOAD, ip.len, ip.p);
	out->len = nlh->nlmsg_len;
	out->bytes = (uint8_t *)malloc(out->len);
	if (out->bytes == NULL)
		sl_pipe_die("memory");
	memcpy(out->bytes, buf, out->len);
}

/* One more packet of a flow from 10.x.x.x to 192.0.2.1. */
static void add(struct sl_pipe_flow *f, bool tcp, uint16_t dport, uint32_t seq, struct sl_bytes payload)
{
	uint8_t ip[PACKET_MAX] = {
		0x45, [8] = 64, [9] = tcp ? 6 : 17, [12] = 10, [16] = 192, [18] = 2, [19] = 1
	};
	uint8_t *transport = ip + IP4;
	size_t head = tcp ? TCP : UDP, len = IP4 + head + payload.len;
	if (len > PACKET_MAX || f->packets == SL_PIPE_PACKETS)
		sl_pipe_die("a packet is too long");
	sl_put16(ip + 2, len);
	sl_put16(transport + 2, dport);
	if (tcp) {
		sl_put32(transport + 4, seq);
		transport[12] = TCP / 4 << 4;
		transport[13] = SL_TCP_ACK;
	} else {
		sl_put16(transport + 4, head + payload.len);
	}
	memcpy(transport + head, payload.p, payload.len);
	wrap(sl_bytes_of(ip, len), &f->packet[f->packets++]);
}

static void add_tls(struct sl_pipe_flow *f, const char *name, size_t hello)
{
	uint8_t text[TEXT] = { 22, 3, 1 };
	struct sl_out o = sl_out_of(text + RECORD, sizeof(text) - RECORD);
	quic_text_hello(name, hello, &o);
	sl_put16(text + 3, o.len);
	struct sl_bytes all = sl_bytes_of(text, RECORD + o.len);
	add(f, true, 443, 1, sl_bytes_first(all, SEGMENT));
	if (all.len > SEGMENT)
		add(f, true, 443, 1 + SEGMENT, sl_bytes_skip(all, SEGMENT));
}

static void add_quic(struct sl_pipe_flow *f, const char *name, size_t hello, const char *const text[2])
{
	uint8_t mem[TEXT];
	struct sl_out o = sl_out_of(mem, sizeof(mem));
	quic_text_hello(name, hello, &o);
	for (size_t i = 0; i < 2 && text[i] != NULL; i++) {
		uint8_t datagram[1300];
		struct sl_out to = sl_out_of(datagram, sizeof(datagram));
		quic_text(text[i], sl_bytes_of(o.p, o.len), sl_bytes_of(o.p, o.len), &to);
		add(f, false, 443, 0, sl_bytes_of(to.p, to.len));
	}
}

/* As a browser asks, 400 bytes; one is enough where it is refused. */
static void add_http(struct sl_pipe_flow *f, const char *name, unsigned requests)
{
	uint32_t seq = 1;
	for (unsigned i = 0; i < requests; i++) {
		char text[1024];
		int n = snprintf(
		        text, sizeof(text),
		        "GET /images/2026/11/logo-%u.png?v=12 HTTP/1.1\r\nHost: %s\r\nConnection: "
		        "keep-alive\r\n"
		        "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
		        "Chrome/130.0.0.0 Safari/537.36\r\nAccept: "
		        "image/avif,image/webp,image/apng,image/*,*/*;q=0.8\r\n"
		        "Referer: http://www.example.com/\r\nAccept-Encoding: gzip, deflate\r\n"
		        "Accept-Language: en-US,en;q=0.9\r\n\r\n",
		        i, name);
		add(f, true, 80, seq, sl_bytes_of(text, (size_t)n));
		seq += (uint32_t)n;
	}
}

struct sl_pipe_packets *sl_pipe_packets_new(char *const *clean, char *const *blocked)
{
	static const char *const one[2] = { "I c- p" }, *const two[2] = { "I c1100- c0-200 p",
		                                                          "I n1 c200-1100 p" };
	static const char ssh[] = "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n";
	struct sl_pipe_packets *p = (struct sl_pipe_packets *)calloc(1, sizeof(*p));
	if (p == NULL)
		sl_pipe_die("memory");
	for (size_t i = 0; i < SL_PIPE_NAMES; i++) {
		add_tls(&p->of[SL_PIPE_TLS][i], clean[i], HELLO);
		add_tls(&p->of[SL_PIPE_TLS_BLOCKED][i], blocked[i], HELLO);
		add_tls(&p->of[SL_PIPE_TLS_PQ][i], clean[i], HELLO_PQ);
		add_quic(&p->of[SL_PIPE_QUIC][i], clean[i], HELLO, one);
		add_quic(&p->of[SL_PIPE_QUIC_PQ][i], clean[i], HELLO_PQ, two);
		add_http(&p->of[SL_PIPE_HTTP][i], clean[i], SL_PIPE_PACKETS);
		add_http(&p->of[SL_PIPE_HTTP_BLOCKED][i], blocked[i], 1);
		add(&p->of[SL_PIPE_OTHER][i], true, 22, 1, sl_bytes_of(ssh, sizeof(ssh) - 1));
	}
	return p;
}

void sl_pipe_packets_free(struct sl_pipe_packets *p)
{
	for (size_t k = 0; k < SL_PIPE_KINDS; k++)
		for (size_t i = 0; i < SL_PIPE_NAMES; i++)
			for (unsigned n = 0; n < p->of[k][i].packets; n++)
				free(p->of[k][i].packet[n].bytes);
	free(p);
}

void sl_pipe_put(const struct sl_pipe_message *m, uint64_t number, uint32_t id, uint8_t *to)
{
	memcpy(to, m->bytes, m->len);
	sl_put32(to + m->id_at, id);
	uint8_t *ip = to + m->ip_at;
	ip[13] = (uint8_t)(number >> (PORT_BITS + 16));
	sl_put16(ip + 14, number >> PORT_BITS & 0xffff);
	sl_put16(ip + IP4, PORT_FIRST + (number & ((1U << PORT_BITS) - 1)));
}
