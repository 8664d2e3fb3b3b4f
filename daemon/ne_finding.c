/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ne_finding.h"

#include <stdarg.h>
#include <stdlib.h>

const char *sl_ne_weight_name(enum sl_ne_weight weight)
{
	static const char *const names[] = { "note", "documented", "wrong" };
	return names[weight];
}

struct sl_ne_finding *sl_ne_find(struct sl_ne_findings *f, const struct sl_ne_seen_flow *flow,
                                 const struct sl_ne_seen *event, const char *rule, enum sl_ne_weight weight,
                                 const char *fmt, ...)
{
	va_list ap;
	if (f->n == f->room) {
		size_t room = f->room == 0 ? 16 : f->room * 2;
		struct sl_ne_finding *grown = realloc(f->at, room * sizeof(*grown));
		f->nomem |= grown == NULL;
		if (grown == NULL)
			return NULL;
		f->at = grown;
		f->room = room;
	}
	struct sl_ne_finding *new = &f->at[f->n++];
	*new = (struct sl_ne_finding){ .flow = flow,
		                       .time = event == NULL ? 0 : event->time,
		                       .line = event == NULL ? 0 : event->line,
		                       .rule = rule,
		                       .weight = weight };
	va_start(ap, fmt);
	(void)vsnprintf(new->text, sizeof(new->text), fmt, ap);
	va_end(ap);
	return new;
}

void sl_ne_findings_free(struct sl_ne_findings *f)
{
	free(f->at);
	*f = (struct sl_ne_findings){ 0 };
}
