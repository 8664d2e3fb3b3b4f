/* SPDX-License-Identifier: GPL-2.0-or-later */
/* standing.h - what stands beside the lists at one moment: groups and who is in them, the role that each gives each list now, and
 * what the operator said. The supervisor works it out of configuration, clock, interfaces and operator; the engine makes masks of
 * it for the policy that it has (sl_groups). Between them it is JSON with names, so that it fits whatever policy is in force:
 *   {"groups": [{"name", "clients": [["mac", "02:..."], ["prefix", "10.0.0.0/8"], ["vlan", IFINDEX], ["interface", IFINDEX]],
 *     "roles": {LIST: "block"|"shadow"|"off"|"on"}, "default_block", "ech": 0..2, "schedule"}],
 *    "words": [[id, allow, name, group or null, age, until]]}
 * The first group is default. */
#ifndef SL_DAEMON_STANDING_H
#define SL_DAEMON_STANDING_H

#include <jansson.h>
#include <time.h>

#include "daemon/conf.h"
#include "daemon/interfaces.h"
#include "daemon/operator.h"
#include "policy/groups.h"
#include "policy/policy.h"

/* Which schedules are on: changes when and only when one begins or ends. local: the time in the zone of the box. */
uint64_t sl_standing_moment(const struct sl_conf *c, const struct tm *local);

/* local NULL: as if no schedule were on. NULL: no memory. */
json_t *sl_standing_write(const struct sl_conf *c, const struct sl_operator *o, const struct sl_interfaces *i,
                          const struct tm *local);

/* The numbers that groups have with the flows of one engine: a name keeps its number as long as it can. */
struct sl_group_numbers {
	char name[SL_GROUPS_MAX][SL_GROUP_NAME_MAX + 1];
};

/* Masks for the lists of s; one that the text does not name is on. SL_OK, SL_ENOMEM, SL_ELIMIT; SL_EMALF: it is no such text. */
int sl_standing_read(const json_t *standing, const struct sl_snapshot *s, struct sl_group_numbers *numbers,
                     struct sl_groups **out);
/* Both in one, where no daemon is: the policy gets the groups of the configuration, without operator and interfaces. */
int sl_standing_apply(const struct sl_conf *c, const struct tm *local, struct sl_policy **policy);

#endif
