/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_provider.h - who judges, in the shape of NEFilterDataProvider: what a provider is asked, what it sees of a flow, and what it may
 * call. All of it on the one thread of its filter. A provider may call from inside of its callbacks; the effect on the flow that is
 * being asked about comes with that callback's verdict. */
#ifndef SL_FILTER_NE_PROVIDER_H
#define SL_FILTER_NE_PROVIDER_H

#include "base/bytes.h"
#include "base/mono.h"
#include "filter/ne_verdict.h"

struct sl_ne_filter;
struct sl_ne_flow;
struct sl_ne_settings;

/* NEProviderStopReason: name, raw value (NE-LIFE-03; "superceded" is Apple's spelling) */
#define SL_NE_STOP_REASONS(X)            \
	X(none, 0)                       \
	X(userInitiated, 1)              \
	X(providerFailed, 2)             \
	X(noNetworkAvailable, 3)         \
	X(unrecoverableNetworkChange, 4) \
	X(providerDisabled, 5)           \
	X(authenticationCanceled, 6)     \
	X(configurationFailed, 7)        \
	X(idleTimeout, 8)                \
	X(configurationDisabled, 9)      \
	X(configurationRemoved, 10)      \
	X(superceded, 11)                \
	X(userLogout, 12)                \
	X(userSwitch, 13)                \
	X(connectionFailed, 14)          \
	X(sleep, 15)                     \
	X(appUpdate, 16)                 \
	X(internalError, 17)
enum sl_ne_stop_reason {
#define X(name, value) SL_NE_STOP_##name = (value),
	SL_NE_STOP_REASONS(X)
#undef X
	        SL_NE_STOP_REASON_COUNT
};
/* Static text. */
const char *sl_ne_stop_reason_name(enum sl_ne_stop_reason reason);

/* ---- the flow, as its provider sees it (NE-FLOW-02) ---- */

enum { SL_NE_HOSTNAME_MAX = 253 };

/* Of a name, an address, or nothing (NE's nil). */
enum sl_ne_host_type { SL_NE_HOST_NONE, SL_NE_HOST_NAME, SL_NE_HOST_IPV4, SL_NE_HOST_IPV6 };
struct sl_ne_endpoint {
	enum sl_ne_host_type type;
	uint8_t addr[16]; /* network order; IPv4 stands in the first four, zeros after */
	const char *name; /* of SL_NE_HOST_NAME; borrowed */
	uint16_t port;    /* in a rule 0 is any (NE-RULE-08) */
};

enum sl_ne_socket_type { SL_NE_SOCK_STREAM = 1, SL_NE_SOCK_DGRAM = 2, SL_NE_SOCK_RAW = 3 };

/* How the remote host's name is known; a later one in this list replaces an earlier one (NE-CHOICE-06). */
enum sl_ne_hostname_origin {
	SL_NE_HOSTNAME_NONE,
	SL_NE_HOSTNAME_DNS,     /* an answer that this client got for that address */
	SL_NE_HOSTNAME_CONNECT, /* said by who connected: scenarios and traces of macOS */
	SL_NE_HOSTNAME_SNIFFED  /* TLS SNI, HTTP Host */
};

/* What a driver says of a flow when it begins. A gateway knows no application, but always both ends: local is the protected side,
 * remote the other, whatever the direction (NE-FLOW-12, NE-CHOICE-04). */
struct sl_ne_flow_info {
	uint8_t identifier[16];         /* a UUID; made by the filter (NE-CHOICE-05) */
	enum sl_ne_direction direction; /* of its beginning */
	struct sl_ne_endpoint local, remote;
	uint8_t socket_family;              /* 4 or 6 */
	enum sl_ne_socket_type socket_type; /* STREAM is TCP; all else has no end on the wire */
	uint8_t socket_protocol;            /* number of IP's registry: 6, 17, 1 ... */
	const char *url; /* browser flows of traces, kept by the driver as long as the flow; or NULL */
	const char *remote_hostname; /* NULL where it is not known (NE-FLOW-06) */
	enum sl_ne_hostname_origin hostname_origin;
	uint32_t interface;     /* where it came in; 0 where that is not known */
	uint8_t link_source[6]; /* link-layer source; zeros where it is not known */
};

/* Valid as long as the flow: in callbacks about it and until flow_released. */
const struct sl_ne_flow_info *sl_ne_flow_info(const struct sl_ne_flow *flow);
/* A pointer of the provider's own, NULL at first. */
void *sl_ne_flow_user(const struct sl_ne_flow *flow);
void sl_ne_flow_set_user(struct sl_ne_flow *flow, void *user);
/* The host's name was found out; it is copied, cut at SL_NE_HOSTNAME_MAX. False where a better one is known (NE-CHOICE-06). */
bool sl_ne_flow_set_hostname(struct sl_ne_flow *flow, const char *name, enum sl_ne_hostname_origin origin);

/* ---- readBytes: the bytes of a callback, in pieces as they came ---- */

struct sl_ne_packet { /* what a driver hands over and gets back */
	struct sl_bytes
	        bytes; /* payload; its owner keeps it until release or drop. p NULL: so many bytes whose content is not known */
	uint64_t token; /* the driver's */
};
struct sl_ne_held;
struct sl_ne_read_bytes {
	uint64_t start_offset; /* readBytesStartOffset: from the first byte of the direction (NE-CB-02) */
	uint64_t len;          /* of all pieces that are left */
	const struct sl_ne_held *at; /* private */
	uint64_t offset;             /* private: where the next piece begins */
	uint32_t
	        attribute; /* of flows that are neither TCP nor UDP: 1, an IP header follows (NE-FLOW-10); else 0 */
};
/* The next piece; false after the last. Borrowed for the callback. */
bool sl_ne_read_bytes_next(struct sl_ne_read_bytes *bytes, struct sl_bytes *piece);
/* Copies as many as fit, without taking them off, and returns how many. Content that is not known becomes zeros. */
size_t sl_ne_read_bytes_copy(const struct sl_ne_read_bytes *bytes, uint8_t *out, size_t cap);

/* ---- reports (NE-REP-01, NE-REP-02) ---- */

enum sl_ne_report_event {
	SL_NE_REPORT_NEW_FLOW = 1,
	SL_NE_REPORT_DATA_DECISION = 2,
	SL_NE_REPORT_FLOW_CLOSED = 3,
	SL_NE_REPORT_STATISTICS = 4
};
struct sl_ne_report {
	enum sl_ne_report_event event;
	enum sl_ne_action action;
	uint64_t bytes_inbound_count,
	        bytes_outbound_count; /* payload that came, whatever became of it (NE-REP-09) */
};
/* "newFlow", "dataDecision", "flowClosed", "statistics". Static text. */
const char *sl_ne_report_event_name(enum sl_ne_report_event event);

/* ---- what a provider is asked ---- */

enum sl_ne_remediation_verdict {
	SL_NE_REMEDIATION_ALLOW,
	SL_NE_REMEDIATION_DROP,
	SL_NE_REMEDIATION_NEED_RULES
};

/* Only handle_new_flow must be there. A data callback that is not answers allow, as a Complete callback does; the others are
 * not called, and a filter without start_filter or stop_filter is ready or stopped at once. */
struct sl_ne_provider {
	void *ctx;
	/* To be answered by sl_ne_filter_started(), at once or later (NE-LIFE-01), and by sl_ne_filter_stopped() (NE-LIFE-02). */
	void (*start_filter)(void *ctx, struct sl_ne_filter *filter, struct sl_mono now);
	void (*stop_filter)(void *ctx, struct sl_ne_filter *filter, enum sl_ne_stop_reason reason,
	                    struct sl_mono now);
	struct sl_ne_verdict (*handle_new_flow)(void *ctx, struct sl_ne_flow *flow, struct sl_mono now);
	struct sl_ne_verdict (*handle_inbound_data_from_flow)(void *ctx, struct sl_ne_flow *flow,
	                                                      const struct sl_ne_read_bytes *bytes,
	                                                      struct sl_mono now);
	struct sl_ne_verdict (*handle_outbound_data_from_flow)(void *ctx, struct sl_ne_flow *flow,
	                                                       const struct sl_ne_read_bytes *bytes,
	                                                       struct sl_mono now);
	struct sl_ne_verdict (*handle_inbound_data_complete_for_flow)(void *ctx, struct sl_ne_flow *flow,
	                                                              struct sl_mono now);
	struct sl_ne_verdict (*handle_outbound_data_complete_for_flow)(void *ctx, struct sl_ne_flow *flow,
	                                                               struct sl_mono now);
	/* Statistics only (NE-REP-05). */
	void (*handle_report)(void *ctx, struct sl_ne_flow *flow, const struct sl_ne_report *report,
	                      struct sl_mono now);
	void (*handle_rules_changed)(void *ctx, struct sl_ne_filter *filter, struct sl_mono now);
	/* A user followed a remediation link without a target on the web (NE-CTL-06). */
	enum sl_ne_remediation_verdict (*handle_remediation_for_flow)(void *ctx, struct sl_ne_flow *flow,
	                                                              struct sl_mono now);
	/* To be answered by sl_ne_filter_asleep() (NE-LIFE-08). */
	void (*sleep)(void *ctx, struct sl_ne_filter *filter, struct sl_mono now);
	void (*wake)(void *ctx, struct sl_ne_filter *filter, struct sl_mono now);
	/* filterConfiguration is another now (NE-LIFE-07). */
	void (*filter_configuration_changed)(void *ctx, struct sl_ne_filter *filter, struct sl_mono now);
	/* Not NE's: the system lets go of the flow object; user is to be freed. */
	void (*flow_released)(void *ctx, struct sl_ne_flow *flow);
};

/* NEFilterControlProvider: whom needRules asks (NE-CTL-01), and who gets the reports that shouldReport asks for (NE-REP-05). Answers by
 * sl_ne_control_verdict(). Both may be NULL. Without handle_new_flow, needRules is no legal verdict. */
struct sl_ne_control {
	void *ctx;
	void (*handle_new_flow)(void *ctx, struct sl_ne_flow *flow, struct sl_mono now);
	void (*handle_report)(void *ctx, struct sl_ne_flow *flow, const struct sl_ne_report *report,
	                      struct sl_mono now);
};

/* ---- what a provider may call ---- */

/* Each returns false, and changes nothing, where the move is illegal; it is counted and traced then (NE-CHOICE-14). After it the flow
 * may be gone, but only where flow_released was called. */

/* The verdict stands in for that of the callback that paused: of a new flow, or of data (NE-PAUSE-04, NE-PAUSE-05). */
bool sl_ne_resume_flow(struct sl_ne_flow *flow, const struct sl_ne_verdict *verdict, struct sl_mono now);
/* allow, drop, or pass and peek, from where the flow stands: bytes count from its pass offset (NE-CB-09). A paused flow stays paused;
 * before the first verdict it is the first verdict, as in the kernel of macOS. */
bool sl_ne_update_flow(struct sl_ne_flow *flow, const struct sl_ne_verdict *verdict,
                       enum sl_ne_direction direction, struct sl_mono now);
/* Not NE's: the verdict of a callback that answered LATER. */
bool sl_ne_answer_flow(struct sl_ne_flow *flow, const struct sl_ne_verdict *verdict, struct sl_mono now);

enum sl_ne_control_verdict { SL_NE_CONTROL_ALLOW, SL_NE_CONTROL_DROP, SL_NE_CONTROL_UPDATE_RULES };
/* The control provider's answer (NE-CTL-02). With updateRules, and where update_rules is set, handle_rules_changed comes first; then the
 * flow is decided, or asked about again. */
bool sl_ne_control_verdict(struct sl_ne_flow *flow, enum sl_ne_control_verdict verdict, bool update_rules,
                           struct sl_mono now);

#endif
