/* SPDX-License-Identifier: GPL-2.0-or-later */
/* load.h - the parts of sl_queue_load: what a client says, times of connections, the result, and the kinds of load. One thread;
 * any failure ends the program: sl_load_die(). */
#ifndef SL_BENCH_QUEUE_LOAD_H
#define SL_BENCH_QUEUE_LOAD_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum { SL_LOAD_SHORT = 443, SL_LOAD_DOWN = 444, SL_LOAD_UP = 445 }; /* ports of the server */
enum {
	SL_LOAD_HELLO = 517,
	SL_LOAD_FIRST = 64
}; /* bytes of a hello with its record; of the server's first answer */

void sl_load_die(const char *what) __attribute__((noreturn)); /* with errno's text */
void sl_load_many_files(void); /* as many descriptors as this process may have */

static inline uint64_t sl_load_ns(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* ---- packets (load_packet.c) ---- */

/* A packet socket at eth0 of the namespace of this file, and that interface's address. */
int sl_load_packet_socket(const char *netns, int family, uint8_t mac[6]);
void sl_load_mac(const char *text, uint8_t mac[6]);

/* ---- what a client says (load_hello.c) ---- */

struct sl_load_hellos {
	uint8_t (*hello)[SL_LOAD_HELLO];
	size_t n;
};
/* One of each name of the file, one a line; at most 4096. */
void sl_load_hellos_read(const char *names, struct sl_load_hellos *out);

/* ---- what came of it (load_result.c) ---- */

struct sl_load_result {
	uint64_t connections;        /* that had their first byte while counting */
	uint64_t all, lost, refused; /* the same, no answer for long, reset; from the beginning */
	uint64_t start, end;         /* of counting, ns */
	uint32_t *ns;                /* from a connection's beginning to the server's first byte */
	size_t times, cap;
};
/* Counts from now + warm on, for so many seconds. */
void sl_load_result_begin(struct sl_load_result *r, double warm, double seconds);
void sl_load_result_done(struct sl_load_result *r, uint64_t begun_at, uint64_t now);
/* One line of JSON. */
void sl_load_result_print(struct sl_load_result *r);

/* ---- how many begin (load_pace.c) ---- */

/* Places in which no connection is, since it is too early for the next. */
struct sl_load_pace {
	double per_second; /* 0: no limit */
	uint64_t since, begun;
	uint32_t *idle;
	size_t n, cap;
};
void sl_load_pace_new(struct sl_load_pace *p, double per_second, uint32_t places);
/* A connection has ended at this place, or was never there. */
void sl_load_pace_rest(struct sl_load_pace *p, uint32_t place);
/* A place where one is to begin now. False: none is. */
int sl_load_pace_next(struct sl_load_pace *p, uint64_t now, uint32_t *place);

/* ---- kinds ---- */

struct sl_load_cfg {
	int family;      /* 4 or 6 */
	unsigned window; /* connections at a time */
	double rate;     /* connections a second, at most; 0: as many as end. tcp and raw */
	double warm, seconds;
	const struct sl_load_hellos *hellos;
	const char *server; /* address; raw: one that no kernel owns */
	/* raw only: both ends are played */
	const char *client;         /* address that no kernel owns */
	const char *netns[2];       /* files, of client and server, whose interfaces are eth0 */
	const char *gateway_mac[2]; /* as the client and as the server sees the gateway */
};

void sl_load_tcp(const struct sl_load_cfg *cfg);
void sl_load_bulk(const struct sl_load_cfg *cfg, int port); /* one connection, SL_LOAD_DOWN or _UP */
void sl_load_raw(const struct sl_load_cfg *cfg);
void sl_load_serve(void) __attribute__((noreturn)); /* IPv4 and IPv6, all ports; says "ready" */

#endif
