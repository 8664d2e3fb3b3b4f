/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/cause.h"

const char *sl_cause_name(enum sl_cause cause)
{
	static const char *const name[] = {
#define SL_CAUSE(name, action, doc) #name,
#include "filter/cause.def"
#undef SL_CAUSE
		"none",
	};
	return name[cause];
}
