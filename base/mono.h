/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mono.h - typed time: an instant and a length that cannot be mixed up. Microseconds, signed 64 bit, monotonic.
 * Nothing below daemon/ reads a clock: `now` arrives as an argument. */
#ifndef SL_BASE_MONO_H
#define SL_BASE_MONO_H

#include <stdbool.h>
#include <stdint.h>

struct sl_mono {
	int64_t us; /* microseconds since an origin that the driver chose */
};

struct sl_span {
	int64_t us;
};

static inline struct sl_span sl_span_ms(int64_t ms)
{
	return (struct sl_span){ ms * 1000 };
}

static inline struct sl_mono sl_mono_add(struct sl_mono t, struct sl_span d)
{
	return (struct sl_mono){ t.us + d.us };
}

static inline struct sl_span sl_mono_since(struct sl_mono now, struct sl_mono then)
{
	return (struct sl_span){ now.us - then.us };
}

static inline bool sl_mono_reached(struct sl_mono now, struct sl_mono deadline)
{
	return now.us >= deadline.us;
}

#endif
