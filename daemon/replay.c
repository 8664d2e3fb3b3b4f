/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/replay.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "daemon/capture_packet.h"
#include "daemon/replay_flow.h"
#include "filter/filter.h"

enum { STREAMS = 4096, ANSWERS = 4 };
/* Where a flow begins there is at least the head of a record (pcap: 16) and one of IPv4. */
enum { FRAME_MIN = 16 + 20, FLOWS_MIN = 64 };

struct replay {
	struct sl_filter *filter;
	struct sl_filter_stats stats;
	struct sl_replay_flows *flows;
	uint32_t frame; /* the one in hand */
};

static void judge(void *ctx, const struct sl_subject *subject, struct sl_judgement *out)
{
	(void)ctx;
	(void)subject;
	*out = (struct sl_judgement){ .letter = 'h', .list = SL_NO_LIST };
}

static void report(void *ctx, const struct sl_report *r)
{
	struct replay *p = ctx;
	sl_replay_flow_note(p->flows, r, p->frame);
}

/* No more than a capture of this size can have: most are small, and memory for the rest would cost more than reading them. */
static uint32_t flows_of(size_t capture_size, uint32_t max)
{
	size_t flows = capture_size / FRAME_MIN;
	return flows > max ? max : flows < FLOWS_MIN ? FLOWS_MIN : (uint32_t)flows;
}

static int open_parts(struct replay *p, const struct sl_replay_cfg *cfg)
{
	const struct sl_provider provider = { .ctx = p, .judge = judge, .report = report };
	const struct sl_filter_cfg filter = {
		.max_flows = cfg->max_flows,
		.max_streams = cfg->max_flows < STREAMS ? cfg->max_flows : STREAMS,
		.budget = cfg->budget,
		.hold = SL_HOLD_LAST,
		.hold_limit = cfg->hold_limit,
		.flow_idle = sl_span_ms(INT32_MAX),
		.seed = 1,
	};
	int err = sl_filter_new(&filter, &provider, &p->stats, &p->filter);
	if (err == SL_OK)
		err = sl_replay_flows_new(&p->flows);
	return err;
}

static void close_parts(struct replay *p)
{
	sl_filter_free(&p->filter);
	sl_replay_flows_free(&p->flows);
}

/* Nothing is answered: what the filter would answer is the verdict of no one. */
static void give(struct replay *p, struct sl_packet *pkt, struct sl_mono now)
{
	struct sl_answer answer[ANSWERS];
	struct sl_reset reset[ANSWERS];
	struct sl_answers out = { answer, 0, ANSWERS, reset, 0, ANSWERS };
	bool syn = (pkt->flags & SL_TCP_SYN) != 0; /* begins a connection? conntrack would know */
	sl_filter_packet(p->filter, pkt, (struct sl_ticket){ .id = p->frame }, !syn, now, &out);
}

/* The capture is over: what is open will not be decided any more, and is told as it stands. A tick puts out some flows. */
static void finish(struct replay *p, uint32_t max_flows)
{
	struct sl_answers none = { 0 };
	for (uint32_t i = 0; i <= max_flows; i++)
		sl_filter_tick(p->filter, (struct sl_mono){ INT64_MAX }, &none);
}

static int take_packets(struct replay *p, struct sl_capture *capture, const char *name,
                        const struct sl_diag *diag)
{
	struct sl_capture_packets *packets = NULL;
	struct sl_capture_packet one;
	int err = sl_capture_packets_new(capture, name, diag, &packets);
	while (err == SL_OK && (err = sl_capture_packets_next(packets, &one)) == SL_OK) {
		p->frame = one.frame;
		err = sl_replay_flow_of(p->flows, &one.packet, &one.link, one.frame);
		if (err == SL_OK)
			give(p, &one.packet, one.at);
	}
	sl_capture_packets_free(&packets);
	return err == SL_ENOENT ? SL_OK : err;
}

int sl_replay_flows(struct sl_capture *capture, const struct sl_replay_cfg *cfg, const struct sl_diag *diag,
                    FILE *to)
{
	struct replay *p = calloc(1, sizeof(*p));
	if (p == NULL)
		return SL_ENOMEM;
	struct sl_replay_cfg fit = *cfg;
	fit.max_flows = flows_of(sl_capture_size(capture), cfg->max_flows);
	int err = open_parts(p, &fit);
	if (err == SL_OK)
		err = take_packets(p, capture, cfg->name, diag);
	if (p->filter != NULL)
		finish(p, fit.max_flows);
	if (p->flows != NULL) {
		int wrote = sl_replay_flows_print(p->flows, cfg->name, to);
		err = err != SL_OK ? err : wrote;
	}
	close_parts(p);
	free(p);
	return err;
}
