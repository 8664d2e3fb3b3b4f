/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_rule.h - NENetworkRule, NEFilterRule and NEFilterSettings (NE-RULE): which flows go past the provider, allowed or dropped.
 * Pure; any thread. */
#ifndef SL_FILTER_NE_RULE_H
#define SL_FILTER_NE_RULE_H

#include "base/err.h"
#include "filter/ne_provider.h"

/* NENetworkRule.Protocol: any is TCP and UDP, and no other can be named (NE-RULE-12). */
enum sl_ne_protocol { SL_NE_PROTOCOL_ANY = 0, SL_NE_PROTOCOL_TCP = 1, SL_NE_PROTOCOL_UDP = 2 };

enum sl_ne_rule_kind {
	SL_NE_RULE_DESTINATION_NETWORK,
	SL_NE_RULE_DESTINATION_HOST,
	SL_NE_RULE_REMOTE_NETWORK /* remote and local network, protocol, direction */
};

enum { SL_NE_RULES_MAX = 1000 };             /* NE-RULE-03, NE-TIME-06 */
#define SL_NE_NOT_FOUND ((int64_t)INT64_MAX) /* NSNotFound */

/* Addresses of one family whose first prefix bits are these; IPv4-mapped IPv6 is IPv4 (NE-RULE-11, NE-CHOICE-49). */
struct sl_ne_network {
	enum sl_ne_host_type type; /* NONE: any (NE-RULE-09) */
	uint8_t addr[16];
	uint8_t prefix; /* bits */
	uint16_t port;  /* 0: any (NE-RULE-08) */
};

struct sl_ne_network_rule {
	enum sl_ne_rule_kind kind;
	enum sl_ne_protocol protocol;
	enum sl_ne_direction direction; /* destination rules: outbound (NE-CHOICE-45) */
	struct sl_ne_network remote, local;
	uint16_t host_port;
	uint8_t labels; /* of host: one is a host, more are a domain (NE-RULE-14) */
	char host[SL_NE_HOSTNAME_MAX +
	          1]; /* lower case, without dots and asterisks at its ends (NE-RULE-15) */
};

struct sl_ne_rule { /* NEFilterRule */
	struct sl_ne_network_rule network;
	enum sl_ne_action action; /* allow, drop, filterData (NE-RULE-05) */
};

struct sl_ne_settings { /* NEFilterSettings; rules are borrowed */
	const struct sl_ne_rule *rule;
	size_t rules;
	enum sl_ne_action default_action; /* filterData where nobody said anything (NE-RULE-04) */
};

/* The constructors of NE-RULE-07. out is written on SL_OK; SL_EINVAL where an endpoint is of the wrong kind, a prefix is longer than an
 * address, a host is none, or protocol or direction are none (NE-CHOICE-48, NE-RULE-16). */
int sl_ne_rule_destination_network(const struct sl_ne_endpoint *destination, unsigned prefix,
                                   enum sl_ne_protocol protocol, struct sl_ne_network_rule *out);
int sl_ne_rule_destination_host(const struct sl_ne_endpoint *destination, enum sl_ne_protocol protocol,
                                struct sl_ne_network_rule *out);
/* remote, local  NULL: any, and its prefix is ignored. */
int sl_ne_rule_remote_network(const struct sl_ne_endpoint *remote, unsigned remote_prefix,
                              const struct sl_ne_endpoint *local, unsigned local_prefix,
                              enum sl_ne_protocol protocol, enum sl_ne_direction direction,
                              struct sl_ne_network_rule *out);

/* Bits, or SL_NE_NOT_FOUND where the rule has no such address (NE-RULE-13). */
int64_t sl_ne_rule_match_remote_prefix(const struct sl_ne_network_rule *rule);
int64_t sl_ne_rule_match_local_prefix(const struct sl_ne_network_rule *rule);

/* SL_OK; SL_ELIMIT for more than 1000 rules; SL_EINVAL for an action that is none of rules, or a default of allow or drop without a rule
 * (NE-RULE-03..05). */
int sl_ne_settings_check(const struct sl_ne_settings *settings);

/* A flow as rules see it. first is what its first packet carries, where that is known: a DNS message, over TCP with its length before
 * it, says what name it asks for (NE-RULE-14, NE-CHOICE-46). */
struct sl_ne_match {
	const struct sl_ne_flow_info *info;
	struct sl_bytes first;
};

bool sl_ne_rule_matches(const struct sl_ne_network_rule *rule, const struct sl_ne_match *m);
/* The first rule that matches, or the default, which loopback escapes: it is allowed unless a rule names it (NE-RULE-02, NE-RULE-06).
 * rule  its number, -1 for a default */
enum sl_ne_action sl_ne_settings_match(const struct sl_ne_settings *settings, const struct sl_ne_match *m,
                                       int *rule);

bool sl_ne_endpoint_is_loopback(const struct sl_ne_endpoint *endpoint);

#endif
