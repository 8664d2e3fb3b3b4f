/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/ne_options.h"

struct sl_ne_options sl_ne_options_of(enum sl_ne_profile profile)
{
	struct sl_ne_options o = {
		.platform = SL_NE_MACOS,
		.redeliver = true,
		.starting = SL_NE_STARTING_CLOSED,
		.existing = SL_NE_EXISTING_DROP,
		.apply = SL_NE_APPLY_NEW,
		.reject = SL_NE_REJECT_RST,
		.reject_udp = SL_NE_REJECT_UDP_SILENT,
		.undecided = sl_span_ms(10000),
		.idle = sl_span_ms(30000),
		.close_wait = sl_span_ms(1000),
		.upgrade = sl_span_ms(10000),
		.tick = sl_span_ms(500),
		.late = SL_NE_LATE_DROP,
		.max_flows = 65536,
		.max_packets = 65536,
		.max_bytes = UINT64_C(256) << 20,
		.datagram_packets = 1024,
		.datagram_bytes = UINT64_C(2) << 20,
		.stream_bytes = UINT64_C(4) << 20,
	};
	if (profile == SL_NE_PROFILE_STRICT) {
		o.collector = sl_span_ms(10000);
		o.strict_report_counts = true;
	}
	if (profile == SL_NE_PROFILE_GATEWAY) {
		o.platform = SL_NE_GATEWAY;
		o.starting = SL_NE_STARTING_OPEN;
		o.existing = SL_NE_EXISTING_PASS;
		o.late = SL_NE_LATE_ALLOW;
	}
	return o;
}
