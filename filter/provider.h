/* SPDX-License-Identifier: GPL-2.0-or-later */
/* provider.h - who judges. The filter finds out what a flow is for and asks; it knows no lists. The gateway's provider
 * is daemon/policy_provider.c, which asks the policy; a test's provider is a table. */
#ifndef SL_FILTER_PROVIDER_H
#define SL_FILTER_PROVIDER_H

#include "base/bytes.h"
#include "base/mono.h"
#include "filter/cause.h"
#include "filter/flow_key.h"
#include "filter/origin.h"
#include "filter/tls_ech.h"

enum sl_app {
	SL_APP_UNKNOWN,
	SL_APP_TLS,
	SL_APP_HTTP,
	SL_APP_QUIC,
	SL_APP_SOCKS,
	SL_APP_DNS,
	SL_APP_DTLS,
	SL_APP_STUN
};

/* "tls", "http", "quic", "socks", "dns", "dtls", "stun", "failed" (Suricata's word for unknown). Static text. */
const char *sl_app_name(enum sl_app app);

/* One name that a flow asks for. Several names on one flow are asked one by one (policy-resolution line 8). */
struct sl_subject {
	const struct sl_flow_key *key; /* client to server */
	enum sl_app app;
	struct sl_bytes
	        host;  /* as sent: any bytes, any case; NULL where there is none (sl_provider.addresses) */
	uint16_t port; /* named with the host, else the destination port */
	struct sl_bytes path; /* path and query as sent; NULL where only the host is known */
	uint8_t group;        /* of the client */
};

/* Over the option unjudged.ech, for one client. */
enum sl_ech_rule { SL_ECH_RULE_AS_IS, SL_ECH_RULE_ALLOW, SL_ECH_RULE_BLOCK };

struct sl_judgement {
	bool block;
	bool told;     /* allowed by a list or a set that names it, not by silence */
	char letter;   /* of policy-resolution line 6 that decided: a..h */
	uint16_t list; /* number of the list in the policy that judged; SL_NO_LIST where none spoke */
	uint32_t line; /* in the list's file; 0 where none */
	uint32_t word; /* number of the operator's exception that decided (letter c); 0: none with a number */
	enum sl_ech_rule ech; /* what the group says of flows with ECH */
	uint64_t
	        shadow; /* of lists that would have blocked, had they not been in the shadow: bits of the provider's */
	const char *list_name; /* valid until the batch ends; NULL where none */
};

#define SL_NO_LIST UINT16_MAX

struct sl_http_request;

/* What the flow log gets: one a flow decided, one a request judged. All views end with the call. */
struct sl_report {
	uint64_t flow_id;
	const struct sl_flow_key *key; /* client to server */
	enum sl_app app;
	struct sl_bytes host;               /* NULL where no name was found */
	bool taught;                        /* host was not sent: a DNS answer gave the address for it */
	struct sl_bytes path;               /* HTTP */
	struct sl_bytes method;             /* HTTP */
	const struct sl_http_request *http; /* NULL where no request was read */
	struct sl_bytes alpn;               /* TLS: ProtocolNameList still encoded */
	uint16_t tls_version;
	uint32_t quic_version; /* QUIC: of the hello that was read; 0 where none was */
	struct sl_tls_ech ech; /* TLS, QUIC, DTLS */
	bool block;
	bool paused; /* block is what was judged, but nothing is refused for now: not the filter's to know, its driver sets it */
	enum sl_cause cause; /* SL_CAUSE_NONE where it was judged */
	struct sl_judgement judgement;
	uint8_t group;          /* of the client */
	const char *group_name; /* filled in by the provider, for its log; NULL: there are no groups */
	struct sl_bytes
	        shadows; /* likewise: names of the lists in judgement.shadow, each with LF behind it; absent where none */
	uint32_t packets;    /* of this flow that came to userspace so far */
	struct sl_span held; /* from the first packet seen to this verdict */
};

struct sl_provider {
	void *ctx;
	void (*judge)(void *ctx, const struct sl_subject *subject, struct sl_judgement *out);
	void (*report)(void *ctx, const struct sl_report *report); /* may be NULL */
	/* Which of its groups a client is in: asked once a flow, with its first packet, and told with every question about it. May be
	 * NULL: all are in 0. */
	uint8_t (*group)(void *ctx, const struct sl_flow_key *key, const struct sl_origin *origin);
	bool addresses; /* judge knows destinations, too: it is asked of a flow without a name, with host NULL */
};

#endif
