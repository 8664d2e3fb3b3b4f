/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/clock.h"

#include <time.h>

static int64_t read_us(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

struct sl_mono sl_clock_now(void)
{
	return (struct sl_mono){ read_us(CLOCK_MONOTONIC) };
}

int64_t sl_clock_now_ms(void)
{
	return read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t sl_clock_wall_us(void)
{
	return read_us(CLOCK_REALTIME);
}
