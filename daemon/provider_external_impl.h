/* SPDX-License-Identifier: GPL-2.0-or-later */
/* provider_external_impl.h - what the two halves of provider_external.h share: provider_external.c, which asks, and
 * provider_external_hear.c, which hears. */
#ifndef SL_DAEMON_PROVIDER_EXTERNAL_IMPL_H
#define SL_DAEMON_PROVIDER_EXTERNAL_IMPL_H

#include "daemon/provider_external.h"
#include "daemon/provider_flows.h"
#include "daemon/provider_link.h"
#include "daemon/provider_message.h"

struct sl_provider_external {
	struct sl_ne_source source; /* the first member: what new() hands out */
	struct sl_provider_config config;
	struct sl_provider_counters counters;
	struct sl_provider_link link;
	struct sl_provider_flows flows;
	struct sl_ne_filter *filter;            /* NULL before it was started */
	uint8_t *scratch;                       /* SL_PROVIDER_BYTES_MAX */
	uint64_t question;                      /* the last one's number, of all connections */
	uint64_t last_flow;                     /* that anybody was told of */
	unsigned messages;                      /* that came on this connection */
	bool there;                             /* it said hello */
	bool gone;                              /* the connection is of no use, and nobody was told yet */
	bool silent;                            /* it was asked, and has said nothing since */
	struct sl_mono asked_first, asked_last; /* since it was heard */
	struct sl_mono hello_due, listen_due;   /* while there is a connection without hello; while paused */
	struct sl_mono notes_since;
	unsigned notes; /* in the second that began then */
};

/* To the log; characters that are none for it become dots. */
SL_PRINTF(3, 4) void sl_provider_say_log(struct sl_provider_external *x, bool trouble, const char *fmt, ...);
/* Which verdicts the flow's open callback takes. */
static inline enum sl_ne_verdict_of sl_provider_class(const struct sl_ne_flow *flow)
{
	return flow->question.callback == SL_NE_EVENT_NEW_FLOW ? SL_NE_NEW_FLOW_VERDICT : SL_NE_DATA_VERDICT;
}
struct sl_ne_verdict sl_provider_default(const struct sl_provider_external *x, const struct sl_ne_flow *flow);
/* A message that asks nothing: it is said, or the provider is gone. */
struct sl_out sl_provider_note_begin(struct sl_provider_external *x);
void sl_provider_note_end(struct sl_provider_external *x, const struct sl_out *o);
void sl_provider_note_configuration(struct sl_provider_external *x);

/* Of struct sl_ne_source. */
void sl_provider_ready(void *ctx, short revents, struct sl_mono now);
bool sl_provider_due(void *ctx, struct sl_mono *due);
void sl_provider_expired(void *ctx, struct sl_mono now);
void sl_provider_flush(void *ctx, struct sl_mono now);

#endif
