/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/ne_trace.h"

const char *sl_ne_event_name(enum sl_ne_event event)
{
	static const char *const names[] = {
#define X(name, text) text,
		SL_NE_EVENTS(X)
#undef X
	};
	return names[event];
}

const char *sl_ne_illegal_name(enum sl_ne_illegal illegal)
{
	static const char *const names[] = {
#define X(name, text) text,
		SL_NE_ILLEGALS(X)
#undef X
	};
	return names[illegal];
}

const char *sl_ne_timer_name(enum sl_ne_timer timer)
{
	static const char *const names[] = { "undecided", "idle", "closeWait", "answer" };
	return names[timer];
}

const char *sl_ne_stop_reason_name(enum sl_ne_stop_reason reason)
{
	static const char *const names[] = {
#define X(name, value) [value] = #name,
		SL_NE_STOP_REASONS(X)
#undef X
	};
	return names[reason];
}

const char *sl_ne_report_event_name(enum sl_ne_report_event event)
{
	static const char *const names[] = { "none", "newFlow", "dataDecision", "flowClosed", "statistics" };
	return names[event];
}
