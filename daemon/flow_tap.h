/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flow_tap.h - lines of the flow log for those who ask: the last ones, kept in memory, and to a socket as they come. The log's writer
 * puts them in, after the workers: these know nothing of it. A lock is held for as long as it takes to copy some lines. */
#ifndef SL_DAEMON_FLOW_TAP_H
#define SL_DAEMON_FLOW_TAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/err.h"

enum {
	SL_FLOW_TAP_KEPT = 256 * 1024, /* bytes of lines that are kept */
	SL_FLOW_TAP_PIECE = 32 * 1024, /* bytes of a message, at most */
};

struct sl_flow_tap;

int sl_flow_tap_new(struct sl_flow_tap **out);
void sl_flow_tap_free(struct sl_flow_tap **tap);
/* Any thread. fd: the end of an sl_ipc_pair() that does not block, taken over: it gets messages of type SL_IPC_FLOWS_HEARD, text: whole
 * lines, number: how many more were lost since the last one, because the reader was late. -1: nobody listens any more. */
void sl_flow_tap_send_to(struct sl_flow_tap *tap, int fd);
bool sl_flow_tap_is_heard(struct sl_flow_tap *tap);
/* The writer. lines: whole ones. */
void sl_flow_tap_put(struct sl_flow_tap *tap, struct sl_bytes lines);
/* Any thread: the last whole lines that fit into size bytes; how many bytes. */
size_t sl_flow_tap_last(struct sl_flow_tap *tap, char *out, size_t size);

#endif
