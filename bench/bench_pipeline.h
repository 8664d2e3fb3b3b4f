/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench_pipeline.h - the parts of sl_pipeline: packets as messages of the kernel's queue, a policy, and a worker's judging over
 * them without a kernel. Any failure ends the program: sl_pipe_die(). */
#ifndef SL_BENCH_BENCH_PIPELINE_H
#define SL_BENCH_BENCH_PIPELINE_H

#include "bench/bench_pipeline_policy.h"
#include "daemon/flow_log.h"
#include "daemon/judging.h"

/* ---- packets (bench_pipeline_packets.c) ---- */

enum sl_pipe_kind {
	SL_PIPE_TLS,         /* hello in one segment */
	SL_PIPE_TLS_BLOCKED, /* the same, for a name on the list */
	SL_PIPE_TLS_PQ,      /* 1800 bytes in two segments */
	SL_PIPE_QUIC,        /* one datagram */
	SL_PIPE_QUIC_PQ,     /* two, with shuffled CRYPTO frames */
	SL_PIPE_HTTP,        /* four requests on one connection */
	SL_PIPE_HTTP_BLOCKED,
	SL_PIPE_OTHER, /* an SSH banner */
	SL_PIPE_KINDS
};
const char *sl_pipe_name(enum sl_pipe_kind kind);

enum { SL_PIPE_PACKETS = 4 };

/* What the kernel would write for a packet of a flow, but for the flow's ends and the packet's id. */
struct sl_pipe_message {
	uint32_t len, id_at, ip_at; /* bytes; where the id and the IP header stand */
	uint8_t *bytes;
};
struct sl_pipe_flow { /* of one name */
	struct sl_pipe_message packet[SL_PIPE_PACKETS];
	unsigned packets;
};
struct sl_pipe_packets {
	struct sl_pipe_flow of[SL_PIPE_KINDS][SL_PIPE_NAMES];
};

/* name[i] is that of flow i, SL_PIPE_NAMES of each; copied. */
struct sl_pipe_packets *sl_pipe_packets_new(char *const *clean, char *const *blocked);
void sl_pipe_packets_free(struct sl_pipe_packets *p);
/* Copies a message, as a read does, and makes it packet `id` of flow `number`. */
void sl_pipe_put(const struct sl_pipe_message *m, uint64_t number, uint32_t id, uint8_t *to);

/* ---- a worker (bench_pipeline_worker.c) ---- */

enum sl_pipe_depth {
	SL_PIPE_FILL,    /* messages are copied, as the kernel does; taken off all others */
	SL_PIPE_MESSAGE, /* and read */
	SL_PIPE_HEADERS, /* and their IP and transport headers, too */
	SL_PIPE_JUDGED,  /* all that a worker does but for the verdicts' messages */
	SL_PIPE_WHOLE    /* and those */
};

struct sl_pipe_worker;

struct sl_pipe_worker_cfg {
	uint32_t live; /* flows that its table holds */
	struct sl_policy_slot *slot;
	struct sl_flow_log *log; /* NULL: none */
	bool counts;             /* of verdicts, as the daemon has them */
	unsigned number;
	const struct sl_pipe_packets *packets;
};
struct sl_pipe_worker *sl_pipe_worker_new(const struct sl_pipe_worker_cfg *cfg);
void sl_pipe_worker_free(struct sl_pipe_worker *w);
/* New flows; each is as many packets as its kind has. */
void sl_pipe_worker_run(struct sl_pipe_worker *w, enum sl_pipe_kind kind, enum sl_pipe_depth depth,
                        uint64_t flows);
/* Packets of TLS flows that were decided, at random among the last `live` ones. */
void sl_pipe_worker_run_known(struct sl_pipe_worker *w, enum sl_pipe_depth depth, uint64_t packets);
uint64_t sl_pipe_worker_blocked(const struct sl_pipe_worker *w); /* flows */
uint64_t sl_pipe_worker_judged(const struct sl_pipe_worker *w);

#endif
