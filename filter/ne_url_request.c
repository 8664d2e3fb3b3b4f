/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_url_request.c - verdicts (NE-URL-06, -08, -09), and reports of the entries that blocked (NE-URL-13). */
#include "base/json.h"
#include "filter/ne_url_impl.h"

struct asking {
	struct sl_ne_url *f;
	struct sl_ne_url_answer *answer;
	bool failed; /* a key that passed the prefilter could not be asked for */
};

/* Once a period; what there is no room for is counted. */
static void remember(struct sl_ne_url *f, struct sl_bytes entry)
{
	if (f->saved.report_endpoint[0] == '\0')
		return;
	for (size_t i = 0; i < f->entries; i++)
		if (sl_bytes_equal(f->entry[i], entry))
			return;
	if (f->entries == SL_NE_URL_ENTRIES || entry.len > SL_NE_URL_ENTRY_BYTES - f->used) {
		f->lost++;
		return;
	}
	memcpy(f->text + f->used, entry.p, entry.len);
	f->entry[f->entries++] = sl_bytes_of(f->text + f->used, entry.len);
	f->used += entry.len;
}

static int ask_key(void *to, struct sl_bytes key)
{
	struct asking *a = (struct asking *)to;
	const struct sl_ne_url_lookup *l = &a->f->config.lookup;
	bool listed = false;
	a->answer->keys++;
	if (!l->maybe(l->ctx, key))
		return SL_OK;
	a->answer->hits++;
	if (l->exact(l->ctx, key, &listed) != SL_OK) {
		a->failed = true;
	} else if (listed) {
		a->answer->listed++;
		remember(a->f, key);
	}
	return SL_OK;
}

static enum sl_ne_url_verdict undecided(const struct sl_ne_url *f, struct sl_ne_url_answer *answer,
                                        const char *why)
{
	answer->undecided = why;
	return f->saved.should_fail_closed ? SL_NE_URL_VERDICT_deny : SL_NE_URL_VERDICT_allow;
}

static enum sl_ne_url_verdict judge(struct sl_ne_url *f, struct sl_bytes url, struct sl_ne_url_answer *answer)
{
	struct asking a = { f, answer, false };
	if (!f->configured || !f->saved.is_enabled)
		return SL_NE_URL_VERDICT_allow;
	if (f->status != SL_NE_URL_running)
		return undecided(f, answer, "the filter does not run");
	int err = f->config.lookup.keys(f->config.lookup.ctx, url, ask_key, &a);
	if (answer->listed > 0)
		return SL_NE_URL_VERDICT_deny;
	if (err == SL_EMALF)
		return SL_NE_URL_VERDICT_unknown;
	if (err != SL_OK)
		return undecided(f, answer, "its sub-URLs cannot be said");
	return a.failed ? undecided(f, answer, "the exact check cannot be made") : SL_NE_URL_VERDICT_allow;
}

enum sl_ne_url_verdict sl_ne_url_request(struct sl_ne_url *f, struct sl_bytes url, enum sl_ne_url_by by,
                                         struct sl_mono now, struct sl_ne_url_answer *answer)
{
	struct sl_ne_url_event e = {
		.kind = SL_NE_URL_EVENT_REQUEST, .url = url, .by = by, .answer = answer
	};
	int64_t interval = (int64_t)f->saved.report_interval * 1000000;
	*answer = (struct sl_ne_url_answer){ .verdict = SL_NE_URL_VERDICT_allow };
	if (f->entries == 0 &&
	    sl_mono_reached(now, f->next_report)) /* periods in which nothing was blocked */
		f->next_report.us += (sl_mono_since(now, f->next_report).us / interval + 1) * interval;
	if (by != SL_NE_URL_BY_NOBODY)
		answer->verdict = judge(f, url, answer);
	sl_ne_url_tell(f, &e, now);
	return answer->verdict;
}

/* ---- reports ---- */

void sl_ne_url_send_report(struct sl_ne_url *f, struct sl_mono now)
{
	const struct sl_ne_url_report report = { f->saved.report_endpoint, f->saved.report_format, f->entry,
		                                 f->entries, f->lost };
	struct sl_ne_url_event e = { .kind = SL_NE_URL_EVENT_REPORT, .report = &report };
	if (f->entries > 0 && f->saved.report_endpoint[0] != '\0')
		sl_ne_url_tell(f, &e, now);
	f->entries = f->used = 0;
	f->lost = 0;
}

static void put_varint(struct sl_out *o, size_t value)
{
	for (; value >= 0x80; value >>= 7)
		sl_out_u8(o, (uint8_t)(value | 0x80));
	sl_out_u8(o, (uint8_t)value);
}

void sl_ne_url_report_write(const struct sl_ne_url_report *report, struct sl_out *out)
{
	bool json = report->format == SL_NE_URL_JSON;
	if (json)
		sl_out_u8(out, '[');
	for (size_t i = 0; i < report->n; i++) {
		if (json && i > 0)
			sl_out_u8(out, ',');
		if (json) {
			sl_json_string(out, report->entry[i]);
			continue;
		}
		sl_out_u8(out, 1 << 3 | 2); /* field 1, length-delimited */
		put_varint(out, report->entry[i].len);
		sl_out_bytes(out, report->entry[i].p, report->entry[i].len);
	}
	if (json)
		sl_out_u8(out, ']');
}
