/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/ne_window.h"

#include "base/util.h"

static uint64_t add(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void sl_ne_window_update(struct sl_ne_window *w, uint64_t pass, uint64_t peek)
{
	if (pass > w->pass)
		w->pass = pass;
	if (w->pass > w->peek)
		w->peek = w->pass;
	if (peek > w->pass && peek > w->peek)
		w->peek = peek;
}

void sl_ne_window_verdict(struct sl_ne_window *w, uint64_t offset, uint64_t pass, uint64_t peek)
{
	uint64_t to = pass == 0 ? 0 : add(offset, pass);
	sl_ne_window_update(w, to, peek == 0 ? 0 : add(add(offset, pass), peek));
}

bool sl_ne_window_data(struct sl_ne_window *w, uint64_t len)
{
	if (len > SL_NE_BYTES_MAX - 1 - w->seen)
		return false;
	w->seen += len;
	return true;
}

void sl_ne_window_release(struct sl_ne_window *w, uint64_t end)
{
	if (end > w->shown)
		w->shown = end;
}

bool sl_ne_window_show(struct sl_ne_window *w, bool redeliver, struct sl_ne_span *out)
{
	uint64_t end = least(w->peek, w->seen), fresh = w->shown > w->pass ? w->shown : w->pass;
	if (end <= fresh)
		return false;
	*out = (struct sl_ne_span){ redeliver ? w->pass : fresh, end };
	w->shown = end;
	return true;
}

bool sl_ne_window_stalls(const struct sl_ne_window *w)
{
	uint64_t fresh = w->shown > w->pass ? w->shown : w->pass;
	return w->seen > w->pass && w->peek <= fresh;
}
