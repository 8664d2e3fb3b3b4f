/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ne_live.h"

enum sl_ne_profile sl_ne_live_profile(const struct sl_conf *c)
{
	return (enum sl_ne_profile)c->profile; /* the same words */
}

struct sl_ne_options sl_ne_live_options(const struct sl_conf *c)
{
	struct sl_ne_options o = sl_ne_options_of(sl_ne_live_profile(c));
	o.platform = (enum sl_ne_platform)c->platform;
	o.redeliver = c->redeliver;
	o.strict_report_counts = c->report_counts != 0;
	o.starting = c->starting == 0 ? SL_NE_STARTING_OPEN : SL_NE_STARTING_CLOSED;
	o.existing = c->existing == 0 ? SL_NE_EXISTING_PASS : SL_NE_EXISTING_DROP;
	o.apply = c->apply == 0 ? SL_NE_APPLY_NEW : SL_NE_APPLY_ALL;
	o.reject = c->refuse == 0 ? SL_NE_REJECT_RST : SL_NE_REJECT_SILENT;
	o.reject_udp = c->refuse_udp == 0 ? SL_NE_REJECT_UDP_SILENT : SL_NE_REJECT_UDP_ICMP;
	o.late = c->late == 0 ? SL_NE_LATE_ALLOW : SL_NE_LATE_DROP;
	o.answer = c->answer_limit;
	o.undecided = c->udp_undecided;
	o.idle = c->udp_idle;
	o.collector = c->udp_collector;
	o.close_wait = c->close_wait;
	o.tick = c->statistics_tick;
	o.max_flows = c->max_flows;
	o.max_packets = c->max_parked;
	o.max_bytes = c->max_parked_bytes;
	o.datagram_packets = c->udp_packets;
	o.datagram_bytes = c->udp_bytes;
	o.stream_bytes = c->tcp_bytes;
	return o;
}
