/* SPDX-License-Identifier: GPL-2.0-or-later */
/* category.h - what lists are for, and what a client's group makes of them (policy-resolution lines 3 and 4). */
#ifndef SL_POLICY_CATEGORY_H
#define SL_POLICY_CATEGORY_H

#include <stdbool.h>
#include <stdint.h>

enum { SL_CATEGORIES = 64 }; /* at most; a mask has one bit for each, in the order of the configuration */

enum sl_list_kind {
	SL_LIST_BLOCK,
	SL_LIST_ALLOW, /* policy-resolution line 6f: wins over block lists, whatever the lengths */
	SL_LIST_NEVER, /* never-block set, line 6d: its names count as trees */
	SL_LIST_KINDS
};

/* Masks over categories, worked out from group and schedule outside the packet path. A category in none is off. */
struct sl_roles {
	uint64_t block, shadow; /* of kind block */
	uint64_t allow;         /* of kind allow */
	bool default_block;     /* line 6h: what no list frees is blocked */
};

#endif
