/* SPDX-License-Identifier: GPL-2.0-or-later */
/* schedule.h - days and times of the week, by the clock on the wall: whoever asks brings the local time, so that what the clocks
 * do in spring and autumn is the C library's affair. A time that the clocks leave out is over at once; one that comes twice
 * counts twice. Pure. */
#ifndef SL_POLICY_SCHEDULE_H
#define SL_POLICY_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

enum { SL_DAY_MINUTES = 24 * 60 };

struct sl_schedule {
	uint8_t days; /* on which it begins: bit 0 Sunday ... bit 6 Saturday */
	uint16_t from,
	        to; /* minutes of the day, to at most SL_DAY_MINUTES. to <= from: until that time of the next day */
};

/* weekday: 0 Sunday; minute: of the day. */
bool sl_schedule_is_on(const struct sl_schedule *s, unsigned weekday, unsigned minute);

#endif
