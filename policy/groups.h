/* SPDX-License-Identifier: GPL-2.0-or-later */
/* groups.h - which group a client is in, and what a group makes of the categories at the moment (policy-resolution line 4);
 * and what the operator said (words.h), which names groups too. One immutable object: made outside the packet path, anew for
 * each change (a schedule, an exception, another policy), and swapped with the policy that it was made for.
 * A client is found once a flow, at its first packet; the masks of its group are one look at an array a question. */
#ifndef SL_POLICY_GROUPS_H
#define SL_POLICY_GROUPS_H

#include "policy/category.h"
#include "policy/prefix_map.h"
#include "policy/words.h"

/* A group's number goes with each flow that its client began, across changes: whoever makes these objects gives a name the same
 * number each time. 0 is the group `default`. */
enum { SL_GROUPS_MAX = 64, SL_GROUP_DEFAULT = 0, SL_GROUP_NAME_MAX = 40 };

/* What a packet tells of its client. */
struct sl_client {
	struct sl_prefix address; /* of full length */
	bool has_mac;
	uint8_t mac[6];
	uint32_t ifindex; /* of the interface that it came in by, which says its VLAN, too; 0: not known */
};

enum sl_client_kind { SL_CLIENT_MAC, SL_CLIENT_PREFIX, SL_CLIENT_VLAN, SL_CLIENT_INTERFACE };

/* Who is in a group: one of these. */
struct sl_group_client {
	enum sl_client_kind kind;
	uint8_t group;
	uint8_t mac[6];
	struct sl_prefix prefix;
	uint32_t number; /* VLAN and interface: of an interface that carries it, or is it */
};

enum sl_group_ech { SL_GROUP_ECH_AS_IS, SL_GROUP_ECH_ALLOW, SL_GROUP_ECH_BLOCK };

struct sl_group {
	char name[SL_GROUP_NAME_MAX + 1];     /* "": no group has this number */
	struct sl_roles roles;                /* as they are now */
	enum sl_group_ech ech;                /* what becomes of flows with ECH */
	char schedule[SL_GROUP_NAME_MAX + 1]; /* the schedule that has the last say now; "": none is on */
};

struct sl_groups;

struct sl_groups_cfg {
	const struct sl_group *group; /* by number; all SL_GROUPS_MAX of them, [0] has a name */
	const struct sl_group_client *client;
	size_t clients;
	const struct sl_word *word;
	size_t words;
};

/* Everything is copied. A client that two groups name stays in the first. SL_OK, SL_ENOMEM, SL_ELIMIT; SL_EMALF: a word that is
 * none. */
int sl_groups_new(const struct sl_groups_cfg *cfg, struct sl_groups **out);
void sl_groups_free(struct sl_groups **g);

/* Line 4: MAC, else longest prefix, else VLAN, else interface, else default. Cost: one probe for each kind, and for each length
 * of prefixes, that the configuration names; none where it names none. */
uint8_t sl_groups_find(const struct sl_groups *g, const struct sl_client *c, enum sl_client_kind *by);
/* Never NULL: a number that no group has is the default's. */
const struct sl_group *sl_groups_group(const struct sl_groups *g, uint8_t number);
const struct sl_words *sl_groups_words(const struct sl_groups *g);
/* SL_GROUPS_MAX where there is no such group. */
uint8_t sl_groups_number(const struct sl_groups *g, const char *name);

#endif
