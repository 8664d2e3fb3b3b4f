/* SPDX-License-Identifier: GPL-2.0-or-later */
/* clock.h - the two clocks of the daemon and the commands. Any thread. */
#ifndef SL_DAEMON_CLOCK_H
#define SL_DAEMON_CLOCK_H

#include "base/mono.h"

struct sl_mono sl_clock_now(void); /* monotonic */
int64_t sl_clock_now_ms(void);     /* the same, in milliseconds */
int64_t sl_clock_wall_us(void);    /* microseconds since 1970 */

#endif
