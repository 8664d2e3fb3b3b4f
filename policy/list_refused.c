/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list_refused.c - lines that are refused: counted by reason, the first ones told, and weighed at the end. */
#include "base/utf8.h"
#include "base/util.h"
#include "policy/list_reader.h"

enum { TOLD = 5, SHOWN_MAX = 80 }; /* refused lines that are told one by one; bytes of each */
enum { LEFT = 0, ERROR = 1 };

static const struct {
	const char *name, *text;
	bool error;
} reasons[] = {
#define SL_REFUSED(name, kind, sentence) { #name, sentence, kind == ERROR },
#include "policy/list_refused.def"
#undef SL_REFUSED
};

const char *sl_list_refused_name(enum sl_list_refused why)
{
	return (size_t)why < SL_COUNT(reasons) ? reasons[why].name : "unknown";
}

const char *sl_list_refused_text(enum sl_list_refused why)
{
	return (size_t)why < SL_COUNT(reasons) ? reasons[why].text : "unknown";
}

bool sl_list_refused_error(enum sl_list_refused why)
{
	return (size_t)why < SL_COUNT(reasons) && reasons[why].error;
}

/* What a list said, fit for a message: control characters and broken UTF-8 become "?". */
static void show(struct sl_bytes what, char out[SHOWN_MAX + 1])
{
	size_t len = 0;
	while (what.p != NULL && what.len > 0) {
		size_t n = sl_utf8_len(what);
		bool plain = n > 1 || (n == 1 && what.p[0] >= 0x20 && what.p[0] != 0x7f);
		n = n == 0 ? 1 : n;
		if (len + n > SHOWN_MAX)
			break;
		memcpy(&out[len], plain ? (const char *)what.p : "?", n);
		len += n;
		what = sl_bytes_skip(what, n);
	}
	out[len] = '\0';
}

int sl_list_refuse(struct sl_list_reader *r, struct sl_bytes what, enum sl_list_refused why)
{
	char shown[SHOWN_MAX + 1];
	struct sl_list_stats *s = &r->stats;
	if (r->refused)
		return SL_OK;
	r->refused = true;
	s->errors += reasons[why].error;
	if (s->by_reason[why]++ == 0)
		s->first_line[why] = s->lines;
	if (s->refused++ >= TOLD)
		return SL_OK;
	show(what, shown);
	sl_diag(r->diag, r->cfg.file, s->lines, "refused \"%s\": %s", shown, reasons[why].text);
	return SL_OK;
}

static void tell_totals(const struct sl_list_reader *r)
{
	const struct sl_list_stats *s = &r->stats;
	sl_diag(r->diag, r->cfg.file, 0, "%u of %u lines were refused; the first %d are named above",
	        s->refused, r->body, TOLD);
	for (size_t why = 0; why < SL_REFUSED_COUNT; why++)
		if (s->by_reason[why] > 0)
			sl_diag(r->diag, r->cfg.file, s->first_line[why], "%u refused, this line first: %s",
			        s->by_reason[why], reasons[why].text);
	if (s->exceptions_lost > 0)
		sl_diag(r->diag, r->cfg.file, 0,
		        "%u of them are exceptions: what they would have freed stays blocked",
		        s->exceptions_lost);
}

int sl_list_weigh(const struct sl_list_reader *r)
{
	const struct sl_list_stats *s = &r->stats;
	uint32_t max = r->cfg.max_refused_percent;
	if (s->refused > TOLD)
		tell_totals(r);
	if ((uint64_t)s->errors * 100 > (uint64_t)r->body * max) {
		sl_diag(r->diag, r->cfg.file, 0,
		        "the list is refused: %u of %u lines could not be read as format %s, more than the "
		        "%u %% that are allowed; check the file and its format",
		        s->errors, r->body, sl_list_format_name(s->format), max);
		return SL_EMALF;
	}
	if (s->entries == 0 && s->refused > 0 && max < 100) {
		sl_diag(r->diag, r->cfg.file, 0,
		        "the list is refused: it has %u lines of format %s, and none of them can be kept",
		        r->body, sl_list_format_name(s->format));
		return SL_EMALF;
	}
	return SL_OK;
}
