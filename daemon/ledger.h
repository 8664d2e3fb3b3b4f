/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ledger.h - what a broker knows of the packets that it has handed to an engine, and so what that engine may say of them. Bytes of
 * the kernel are noted, bytes of the engine are a stranger's: each verdict is read, compared with what is noted, and made anew.
 * One thread; no socket here. */
#ifndef SL_DAEMON_LEDGER_H
#define SL_DAEMON_LEDGER_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

struct sl_ledger_limits {
	uint16_t first, count; /* queues that are ours */
	uint32_t mark_mask;    /* bits of marks that are ours: daemon/mark.h */
};

/* Why a verdict is refused. */
enum sl_ledger_no {
	SL_LEDGER_MALFORMED, /* is no verdict: what follows it in the same message is not read */
	SL_LEDGER_QUEUE,     /* of a queue that is not ours */
	SL_LEDGER_VERDICT,   /* neither ACCEPT with a mark, nor DROP, nor QUEUE to one of ours */
	SL_LEDGER_MARK,      /* changes bits of others, or marks where there is nothing to mark */
	SL_LEDGER_ID,        /* of a packet that was not handed out, or is answered */
	SL_LEDGER_NO_COUNT,
};

enum {
	SL_LEDGER_FORGETS = 1 << 22
}; /* packets of one queue after which one that nobody answered is taken for gone */

struct sl_ledger; /* opaque */

int sl_ledger_new(const struct sl_ledger_limits *limits, struct sl_ledger **out);
void sl_ledger_free(struct sl_ledger **l);

/* One message of the kernel; of a packet, it is outstanding from now on. SL_OK, also where it is no packet; SL_ENOMEM. */
int sl_ledger_note(struct sl_ledger *l, struct sl_bytes message);
size_t sl_ledger_outstanding(const struct sl_ledger *l);

/* Reads what an engine sends at once, verdicts as sl_nfq_message_verdict() writes them, one behind the other, and writes at `to`,
 * aligned to 4 and with as much room, those that it may give. Returns the bytes written; adds to refused[] by reason. */
size_t sl_ledger_check(struct sl_ledger *l, struct sl_bytes from, char *to,
                       uint64_t refused[SL_LEDGER_NO_COUNT]);
/* "malformed" and so on. Static text. */
const char *sl_ledger_reason(enum sl_ledger_no no);

/* Is it one request to read connections, and nothing else? */
bool sl_ledger_is_lookup(struct sl_bytes message);

#endif
