/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flood.h - the parts of sl_flood: frames and how they are sent (flood_wire.c), and what each kind of flood is made of (flood_kinds.c).
 * One thread; any failure ends the program. Nothing is answered: both ends of a TCP connection are played without looking. */
#ifndef SL_TESTS_FLOOD_FLOOD_H
#define SL_TESTS_FLOOD_FLOOD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { FLOOD_CLIENT, FLOOD_SERVER, FLOOD_ENDS };
enum { FLOOD_FIN = 1, FLOOD_SYN = 2, FLOOD_RST = 4, FLOOD_PSH = 8, FLOOD_ACK = 16 };
enum { FLOOD_BATCH = 64, FLOOD_FRAME = 1600, FLOOD_SERVERS = 8 };

struct flood_end {
	int fd;
	uint8_t mac[6], gateway[6];
	uint8_t frame[FLOOD_BATCH][FLOOD_FRAME];
	struct mmsghdr tx[FLOOD_BATCH];
	struct iovec iov[FLOOD_BATCH];
	unsigned waiting;
};

struct flood {
	struct flood_end end[FLOOD_ENDS];
	int family;
	uint8_t client[16], server[16]; /* the first of FLOOD_SERVERS; as an address has it */
	uint64_t sent;                  /* frames of the client */
	uint64_t step;                  /* how often the kind was asked */
	uint64_t random;
};

/* A packet to be. addr: which of the servers; spoofed: some other address of the client's network, or of its IPv6 prefix. */
struct flood_packet {
	unsigned server;
	uint64_t spoofed; /* 0: the client's own address */
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint8_t flags;
	uint8_t proto;     /* IPPROTO_TCP, IPPROTO_UDP, or IPPROTO_ICMP: then payload is all of it */
	uint16_t fragment; /* of IPv4: flags and offset */
	uint16_t id;
	const uint8_t *payload;
	size_t len;
};

/* ---- flood_wire.c ---- */

/* An end that sends from eth0 of the namespace of this file to the gateway with this address. */
void flood_open(struct flood *f, int end, const char *netns, const char *gateway_mac);
/* From the client to the server, or back. It waits for a batch, or for flood_flush(). */
void flood_send(struct flood *f, int end, const struct flood_packet *p);
void flood_flush(struct flood *f);
uint64_t flood_random(struct flood *f);

/* ---- flood_kinds.c ---- */

struct flood_kind {
	const char *name;
	void (*step)(struct flood *f); /* sends a few packets more */
};
/* NULL: there is none of this name. */
const struct flood_kind *flood_kind_of(const char *name);
void flood_print_kinds(void);

#endif
