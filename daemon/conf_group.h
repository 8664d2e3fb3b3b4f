/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf_group.h - `groups` of the configuration: who is in one, what it makes of each list, and when. All of it is live. */
#ifndef SL_DAEMON_CONF_GROUP_H
#define SL_DAEMON_CONF_GROUP_H

#include "daemon/inside.h"
#include "policy/groups.h"
#include "policy/schedule.h"

/* What a list is to a group. The words of it stand in sl_role_name(). */
enum sl_role { SL_ROLE_BLOCK, SL_ROLE_SHADOW, SL_ROLE_OFF, SL_ROLE_ON, SL_ROLES };

/* "block", "shadow", "off", "on". */
const char *sl_role_name(enum sl_role role);

enum {
	SL_CONF_CLIENTS_MAX = 4096, /* of all groups */
	SL_CONF_SCHEDULES_MAX = 32, /* of a group */
	SL_CONF_WORDS_MAX = 1024,   /* allow and block of a group */
};

struct sl_conf_client {
	enum sl_client_kind kind;
	struct sl_inside inside; /* prefix or interface */
	uint8_t mac[6];
	uint16_t vlan;
	unsigned at; /* line in the configuration file */
};

struct sl_conf_role {
	char *list;
	enum sl_role role;
	unsigned at;
};

/* Roles, and what becomes of what no list names. */
struct sl_conf_roles {
	struct sl_conf_role *one;
	size_t n;
	int fallback; /* default: -1 not said, 0 allow, 1 block */
};

struct sl_conf_schedule {
	char *name;
	struct sl_schedule when;
	struct sl_conf_roles roles;
	unsigned at;
};

struct sl_conf_word {
	char *name; /* canonical */
	bool allow;
	unsigned at;
};

struct sl_conf_group {
	char *name;
	struct sl_conf_client *client;
	size_t clients;
	struct sl_conf_roles roles;
	struct sl_conf_schedule *schedule;
	size_t schedules;
	struct sl_conf_word *word;
	size_t words;
	enum sl_group_ech ech;
	unsigned at;
};

void sl_conf_groups_free(struct sl_conf_group **group, size_t n);

#endif
