/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_log.h - reads one message of the log of macOS: lines of the content filter's kernel part (CFIL), of flow divert, the kernel part
 * of proxy providers, of the framework's flow objects (NE-LOG-01..06), and errors of a URL filter's PIR client (NE-LOG-08). The patterns are known from public sources, not an
 * interface: a line that is not recognised is no error, and absence of one proves nothing (NE-LOG-05).
 * Pure: no allocation; borrows the message; any thread. */
#ifndef SL_FILTER_NE_LOG_H
#define SL_FILTER_NE_LOG_H

#include "base/bytes.h"
#include "base/err.h"

/* Id of the reference's pattern, layer, event. Rows are tried in order: what is longer stands before what it contains. */
#define SL_NE_LOG_PLAIN(X)                                                                              \
	X(FW_01, "LOG-FW-01", FRAMEWORK, "flow_connecting", "Flow {f} is connecting")                   \
	X(FW_02, "LOG-FW-02", FRAMEWORK, "flow_new", "New flow: NEFlow type = {T}, app = {A}")          \
	X(FW_03, "LOG-FW-03", FRAMEWORK, "read_close_by_system", "Closing reads, not closed by plugin") \
	X(FW_04, "LOG-FW-04", FRAMEWORK, "write_close_not_sent", "Closing writes, not sending close")   \
	X(FD_03, "LOG-FD-03", FLOW_DIVERT, "connect_delayed",                                           \
	  "Delaying sending the connect packet until send or receive")                                  \
	X(FD_04, "LOG-FD-04", FLOW_DIVERT, "connect_result", "received connect result {n}")             \
	X(FD_05, "LOG-FD-05", FLOW_DIVERT, "detach", "Detaching, ref count = {r}")                      \
	X(FD_07, "LOG-FD-07", FLOW_DIVERT, "close_sent", "sending close, how = {h}")                    \
	X(FD_08, "LOG-FD-08", FLOW_DIVERT, "close_received", "close received, how = {h}")               \
	X(FD_09, "LOG-FD-09", FLOW_DIVERT, "cant_send_more", "Can't send more")                         \
	X(FD_10, "LOG-FD-10", FLOW_DIVERT, "group_removed", "Removing from group {g}, ref count = {r}") \
	X(FD_11, "LOG-FD-11", FLOW_DIVERT, "destroyed",                                                 \
	  "Destroying, app tx {n}, tunnel tx {o}, tunnel rx {i}")                                       \
	X(FD_12, "LOG-FD-12", FLOW_DIVERT, "bytes_written", "app wrote {n} bytes")                      \
	X(FD_13, "LOG-FD-13", FLOW_DIVERT, "bytes_received", "received {n} bytes of data")              \
	X(FD_14, "LOG-FD-14", FLOW_DIVERT, "fallback_failed",                                           \
	  "Failed to connect using the socket's original protocol: {n}")                                \
	X(FD_15, "LOG-FD-15", FLOW_DIVERT, "no_group",                                                  \
	  "No valid group is available, cannot init flow divert")                                       \
	X(FD_16, "LOG-FD-16", FLOW_DIVERT, "no_provider", "no provider, cannot send packet")            \
	X(FD_17, "LOG-FD-17", FLOW_DIVERT, "writes_refused",                                            \
	  "provider is no longer accepting writes, cannot send data")                                   \
	X(FD_18, "LOG-FD-18", FLOW_DIVERT, "cfil_attach_failed", "Failed to attach cfil: {n}")          \
	X(FD_01, "LOG-FD-01", FLOW_DIVERT, "created", "^Created")                                       \
	X(FD_02, "LOG-FD-02", FLOW_DIVERT, "connecting", "^Connecting")                                 \
	X(FD_06, "LOG-FD-06", FLOW_DIVERT, "close_begin", "^Closing$")
/* Of the content filter: what stands in <CFIL: ...>. */
#define SL_NE_LOG_CFIL(X)                                                                                 \
	X(CF_01, "LOG-CF-01", CONTENT_FILTER, "attached", "ADDED")                                        \
	X(CF_02, "LOG-CF-02", CONTENT_FILTER, "attach_sent", "SENDING ATTACH UP")                         \
	X(CF_03, "LOG-CF-03", CONTENT_FILTER, "data_sent", "SENDING DATA UP")                             \
	X(CF_04, "LOG-CF-04", CONTENT_FILTER, "action_received", "RECEIVED MSG FROM FILTER")              \
	X(CF_05, "LOG-CF-05", CONTENT_FILTER, "verdict_update", "RECEIVED CFM_OP_DATA_UPDATE")            \
	X(CF_06, "LOG-CF-06", CONTENT_FILTER, "verdict_drop", "RECEIVED CFM_OP_DROP")                     \
	X(CF_07, "LOG-CF-07", CONTENT_FILTER, "passed_all_in", "IN - PASSED ALL - DETACH")                \
	X(CF_08, "LOG-CF-08", CONTENT_FILTER, "passed_all_out", "OUT - PASSED ALL - DETACH")              \
	X(CF_09, "LOG-CF-09", CONTENT_FILTER, "dropped", "DROP - DETACH")                                 \
	X(CF_10, "LOG-CF-10", CONTENT_FILTER, "disconnect_in", "IN - SENDING DISCONNECT UP")              \
	X(CF_11, "LOG-CF-11", CONTENT_FILTER, "disconnect_out", "OUT - SENDING DISCONNECT UP")            \
	X(CF_12, "LOG-CF-12", CONTENT_FILTER, "closed_sent", "SENDING CLOSED UP")                         \
	X(CF_13, "LOG-CF-13", CONTENT_FILTER, "filter_gone", "FILTER DISCONNECTED")                       \
	X(CF_14, "LOG-CF-14", CONTENT_FILTER, "action_timeout", "flow ACTION timeout expired")            \
	X(CF_15, "LOG-CF-15", CONTENT_FILTER, "queue_overflow", "queue threshold exceeded")               \
	X(CF_16, "LOG-CF-16", CONTENT_FILTER, "gc_needed", "UDP PER-FLOW GC NEEDED")                      \
	X(CF_17, "LOG-CF-17", CONTENT_FILTER, "gc_done", "UDP PER-FLOW GC PERFORM")                       \
	X(CF_18, "LOG-CF-18", CONTENT_FILTER, "udp_drop", "UDP DROP")                                     \
	X(CF_19, "LOG-CF-19", CONTENT_FILTER, "preexisting_out",                                          \
	  "outbound TCP data dropped for pre-existing un-filtered flow")                                  \
	X(CF_20, "LOG-CF-20", CONTENT_FILTER, "preexisting_in",                                           \
	  "inbound TCP data dropped for pre-existing un-filtered flow")                                   \
	X(CF_21, "LOG-CF-21", CONTENT_FILTER, "policy_changed", "{*}bound {*} data dropped ({x} -> {x})") \
	X(CF_22, "LOG-CF-22", CONTENT_FILTER, "freed", "FREEING CFIL_INFO")                               \
	X(CF_30, "LOG-CF-30", CONTENT_FILTER, "verdict_offsets", NULL)

enum sl_ne_log_id {
#define X(name, id, layer, event, text) SL_NE_LOG_##name,
	SL_NE_LOG_PLAIN(X) SL_NE_LOG_CFIL(X)
#undef X
	/* <CFIL: ...> of a message that is <private>, or is none of these. */
	SL_NE_LOG_CFIL_OTHER,
	/* Error Domain=com.apple.CipherML Code=... "...": n is the code, pir what it was about. */
	SL_NE_LOG_PIR_ERROR,
	SL_NE_LOG_IDS
};

enum sl_ne_log_layer { SL_NE_LOG_FRAMEWORK, SL_NE_LOG_FLOW_DIVERT, SL_NE_LOG_CONTENT_FILTER, SL_NE_LOG_PIR };

/* What a PIR client failed at. */
enum sl_ne_log_fault {
	SL_NE_LOG_FAULT_OTHER,
	SL_NE_LOG_FAULT_TOKEN,          /* it got no token */
	SL_NE_LOG_FAULT_CONFIGURATION,  /* the server has no use case of that name */
	SL_NE_LOG_FAULT_TOKEN_KEY,      /* the server does not know the key of its token */
	SL_NE_LOG_FAULT_EVALUATION_KEY, /* the server has lost its evaluation key */
	SL_NE_LOG_FAULT_TIME            /* the server does not answer */
};

enum { SL_NE_LOG_MESSAGE_MAX = 8192 }; /* the rest of a longer message is not read */

/* Views are absent, and numbers 0 with their has_ false, where the line does not say, or says <private>. */
struct sl_ne_log_line {
	enum sl_ne_log_id id;
	enum sl_ne_log_layer layer;
	bool has_flow, has_sock_id, has_age, has_pid, has_ports;
	bool hidden;          /* something of it was <private> */
	uint64_t flow;        /* of flow divert and the framework: its hash (NE-LOG-02) */
	uint64_t n, out, in;  /* bytes, errno or result; of destroyed: app tx, tunnel tx, tunnel rx */
	int64_t refs;         /* reference count */
	uint64_t group;       /* control unit */
	unsigned how;         /* of a close: 0 read, 1 write, 2 both */
	struct sl_bytes type; /* of a new flow: stream, datagram */
	struct sl_bytes app;
	uint64_t pid, socket, sock_id;
	int64_t age;
	struct sl_bytes process;
	uint8_t protocol; /* 6, 17; 0 where it is another */
	bool inbound;     /* the flow's beginning, not the data's */
	uint16_t local_port, remote_port;
	struct sl_bytes local, remote;
	struct sl_bytes hash;
	bool drop;                                     /* of verdict_offsets: VERDICT DROP */
	uint64_t in_peek, in_pass, out_peek, out_pass; /* absolute (NE-LOG-06) */
	enum sl_ne_log_fault fault;                    /* of pir_error */
};

/* Returns SL_OK and the line; SL_EPROTO: none of these; out is written only on SL_OK. */
int sl_ne_log_read(struct sl_bytes message, struct sl_ne_log_line *out);

/* Reads an error of the PIR client; for sl_ne_log_read(). SL_OK, SL_EPROTO. */
int sl_ne_log_read_pir(struct sl_bytes message, struct sl_ne_log_line *out);

/* "LOG-FD-05"; "detach". Static text. */
const char *sl_ne_log_id(enum sl_ne_log_id id);
const char *sl_ne_log_event(enum sl_ne_log_id id);
/* "read", "write", "both" */
const char *sl_ne_log_how(unsigned how);

#endif
