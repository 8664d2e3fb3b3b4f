/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_log_pir.c - errors of the PIR client of a URL filter, from subsystem com.apple.cipherml (NE-LOG-08). */
#include "base/cur.h"
#include "base/util.h"
#include "filter/ne_log.h"

static const struct sl_bytes domain = SL_BYTES_LIT("Error Domain=com.apple.CipherML Code=");

static const struct {
	struct sl_bytes text;
	enum sl_ne_log_fault fault;
} faults[] = {
	{ SL_BYTES_LIT("failed to fetch token"), SL_NE_LOG_FAULT_TOKEN },
	{ SL_BYTES_LIT("missing configuration"), SL_NE_LOG_FAULT_CONFIGURATION },
	{ SL_BYTES_LIT("No token key found"), SL_NE_LOG_FAULT_TOKEN_KEY },
	{ SL_BYTES_LIT("Evaluation key not found"), SL_NE_LOG_FAULT_EVALUATION_KEY },
	{ SL_BYTES_LIT("The request timed out"), SL_NE_LOG_FAULT_TIME },
};

/* Where what stands in it, or its length. */
static size_t find(struct sl_bytes in, struct sl_bytes what)
{
	for (size_t at = 0; in.p != NULL && at + what.len <= in.len; at++)
		if (sl_bytes_equal_nocase(sl_bytes_of(in.p + at, what.len), what))
			return at;
	return in.len;
}

/* A code has at most six digits. */
static bool read_code(struct sl_bytes text, uint64_t *out)
{
	size_t n = 0;
	for (*out = 0; n < text.len && text.p[n] >= '0' && text.p[n] <= '9'; n++)
		*out = *out * 10 + (uint64_t)(text.p[n] - '0');
	return n > 0 && n <= 6;
}

int sl_ne_log_read_pir(struct sl_bytes message, struct sl_ne_log_line *out)
{
	struct sl_ne_log_line l = { .id = SL_NE_LOG_PIR_ERROR, .layer = SL_NE_LOG_PIR };
	size_t at = find(message, domain);
	struct sl_bytes rest = sl_bytes_skip(message, at + domain.len);
	if (at == message.len || !read_code(rest, &l.n))
		return SL_EPROTO;
	for (size_t i = 0; i < SL_COUNT(faults) && l.fault == SL_NE_LOG_FAULT_OTHER; i++)
		if (find(rest, faults[i].text) < rest.len)
			l.fault = faults[i].fault;
	l.hidden = find(rest, SL_BYTES_LIT("<private>")) < rest.len;
	*out = l;
	return SL_OK;
}
