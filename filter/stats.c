/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/stats.h"

const char *sl_stat_name(enum sl_stat stat)
{
	static const char *const name[] = {
#define SL_STAT(name, doc) #name,
#include "filter/stats.def"
#undef SL_STAT
	};
	return name[stat];
}
