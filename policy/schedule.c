/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/schedule.h"

static bool has_day(const struct sl_schedule *s, unsigned weekday)
{
	return (s->days >> weekday & 1) != 0;
}

bool sl_schedule_is_on(const struct sl_schedule *s, unsigned weekday, unsigned minute)
{
	if (s->from < s->to)
		return has_day(s, weekday) && minute >= s->from && minute < s->to;
	return (has_day(s, weekday) && minute >= s->from) ||
	       (has_day(s, (weekday + 6) % 7) && minute < s->to);
}
