/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cause.h - why a flow was let through, or blocked, without being judged. */
#ifndef SL_FILTER_CAUSE_H
#define SL_FILTER_CAUSE_H

enum sl_cause {
#define SL_CAUSE(name, action, doc) SL_CAUSE_##name,
#include "filter/cause.def"
#undef SL_CAUSE
	SL_CAUSE_COUNT,
	SL_CAUSE_NONE = SL_CAUSE_COUNT, /* it was judged */
};

/* "no_name" and so on; "none" for SL_CAUSE_NONE. Static text. */
const char *sl_cause_name(enum sl_cause cause);

#endif
