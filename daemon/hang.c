/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/hang.h"

enum {
	LOOKS = 10,         /* so often the supervisor looks within the limit, while something waits */
	IDLE_LOOK_MS = 100, /* while nothing waits */
};

void sl_hang_begin(struct sl_hang *h, unsigned workers, struct sl_span limit, struct sl_mono now)
{
	*h = (struct sl_hang){ .limit = limit, .due = now, .workers = workers };
}

static enum sl_hang_need need_of(const struct sl_hang_sight *s)
{
	if (s->unread || s->waiting > sl_life_held(s->life))
		return SL_HANG_WORK;
	return s->waiting > 0 ? SL_HANG_HELD : SL_HANG_SLEEP;
}

/* For how long has it been needed in vain? A need that changes begins anew: who sleeps over what it holds is not late when
 * the next packet comes. */
static struct sl_span look_at(const struct sl_hang *h, struct sl_hang_worker *w,
                              const struct sl_hang_sight *s, struct sl_mono now)
{
	enum sl_hang_need need = need_of(s);

	if (need == SL_HANG_SLEEP || need != w->need || s->life != w->life) {
		*w = (struct sl_hang_worker){ s->life, now, h->late, need };
		return (struct sl_span){ 0 };
	}
	return (struct sl_span){ sl_mono_since(now, w->since).us - (h->late.us - w->late.us) };
}

static bool is_too_long(const struct sl_hang *h, const struct sl_hang_worker *w, struct sl_span quiet)
{
	int64_t sleep_us = w->need == SL_HANG_HELD ? SL_LONGEST_SLEEP_US : 0;

	return w->need != SL_HANG_SLEEP && quiet.us >= h->limit.us + sleep_us;
}

int sl_hang_look(struct sl_hang *h, const struct sl_hang_sight *sight, struct sl_mono now,
                 struct sl_span *quiet)
{
	int64_t wait_us = sl_span_ms(IDLE_LOOK_MS).us;
	int hangs = -1;

	if (sl_mono_reached(now, h->due))
		h->late.us += sl_mono_since(now, h->due).us;
	for (unsigned i = 0; i < h->workers; i++) {
		struct sl_span q = look_at(h, &h->worker[i], &sight[i], now);
		if (hangs < 0 && is_too_long(h, &h->worker[i], q)) {
			hangs = (int)i;
			*quiet = q;
		}
		if (h->worker[i].need != SL_HANG_SLEEP && h->limit.us / LOOKS < wait_us)
			wait_us = h->limit.us / LOOKS;
	}
	h->due = sl_mono_add(now, (struct sl_span){ wait_us });
	return hangs;
}
