/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flow_log.h - the flow log: JSON lines with Suricata EVE's field names where they exist.
 * Workers put reports into single-producer rings, one each; one thread takes them out and writes. A full ring drops the
 * record and counts it: a packet never waits for a disk.
 *
 * One object a line; a member that is not known is absent. docs/flow-log.md says the same at more length.
 *   timestamp    "2026-01-31T12:00:00.123456+0000", UTC, of the verdict
 *   flow_id      number below 2^51, the same for all records of a flow
 *   event_type   "tls", "quic", "http": the object of that name is there; "flow": neither, nothing was read
 *   src_ip src_port dest_ip dest_port proto ip_v    client to server as the gateway saw it; proto "TCP" or "UDP"
 *   app_proto    "tls", "http", "quic", "failed"
 *   tls          { sni, version "TLS 1.3", client_alpns [], ech true }
 *   http         { hostname, url, http_method }
 *   verdict      { action "pass" or "drop" }
 *   sluice       ours: { paused (in a pause: the verdict that was not carried out), list, line, cause (only where it was let through or dropped unjudged), letter (of
 *                policy-resolution line 6), held_us, packets }
 * Text from the wire may hold any byte; one that is not UTF-8 stands as \u00XX of its value. */
#ifndef SL_DAEMON_FLOW_LOG_H
#define SL_DAEMON_FLOW_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "daemon/seen_names.h"
#include "filter/provider.h"

struct sl_flow_log;

struct sl_flow_log_stats {
	uint64_t written;      /* records */
	uint64_t dropped;      /* ring full, or the file could not be written */
	uint64_t write_errors; /* failed writes; what was meant to be written is kept and tried again */
	int error;             /* errno of the last write, 0 where it succeeded */
};

/* Starts the writer, which uses write, close and futex only, and sendmsg for the tap. fd is taken over, on failure too (-1: records are read and
 * thrown away, or go to the tap alone). A ring is never smaller than what the longest record needs. seen: the writer notes names there;
 * NULL: nowhere. It is the caller's, and outlives the log. */
int sl_flow_log_new(unsigned workers, size_t ring_bytes, int fd, struct sl_seen_names *seen,
                    struct sl_flow_log **out);
/* Writes what is left, ends the thread, closes the file. The workers have ended before. */
void sl_flow_log_free(struct sl_flow_log **log);
/* From worker `worker`'s thread only; no lock, no allocation, no system call. realtime_us: wall clock, microseconds
 * since 1970. Long paths are cut to 1024 bytes, host names to 512. */
void sl_flow_log_put(struct sl_flow_log *log, unsigned worker, const struct sl_report *report,
                     int64_t realtime_us);
/* A log of lines that are written already, of one worker: nothing of the above holds but how they come into the file. */
int sl_flow_log_new_text(size_t ring_bytes, int fd, struct sl_flow_log **out);
/* line  with its LF; one that is too long, or for which there is no room, is dropped and counted. */
void sl_flow_log_put_text(struct sl_flow_log *log, struct sl_bytes line);
/* The last lines, and where lines go as they come (flow_tap.h): fd is taken over. Any thread. Not of a log of texts. */
void sl_flow_log_tap(struct sl_flow_log *log, int fd);
size_t sl_flow_log_last(struct sl_flow_log *log, char *out, size_t size);
/* Goes on in another file; fd is taken over, the old one is closed when what was meant for it is written, or, where it
 * cannot be written, moved to the new one. Any thread. */
void sl_flow_log_reopen(struct sl_flow_log *log, int fd);
/* Writes what is left and ends the thread, so that the counts are those of the end; only free() may follow. */
void sl_flow_log_end(struct sl_flow_log *log);
/* What is new since the last call: for counters that outlive the log. One thread at a time. error is as it is now. */
void sl_flow_log_count_new(struct sl_flow_log *log, struct sl_flow_log_stats *out);
/* Any thread. */
void sl_flow_log_count(const struct sl_flow_log *log, struct sl_flow_log_stats *out);

#endif
