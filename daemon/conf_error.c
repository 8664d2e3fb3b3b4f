/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/conf_error.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/utf8.h"

enum { NEAR_MAX = 32 }; /* bytes of a word; longer ones are like no other */

void sl_conf_error(struct sl_conf_errors *e, unsigned line, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	e->count++;
	if (e->count == SL_CONF_ERRORS_SHOWN + 1)
		sl_diag(e->diag, e->file, line, "there are more errors; these were the first %d",
		        SL_CONF_ERRORS_SHOWN);
	if (e->count > SL_CONF_ERRORS_SHOWN)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sl_diag(e->diag, e->file, line, "%s", text);
}

const char *sl_conf_shown(const char *text, char out[SL_CONF_SHOWN_MAX])
{
	struct sl_bytes all = sl_bytes_str(text), rest = all;
	while (rest.len > 0 && all.len - rest.len < SL_CONF_SHOWN_MAX - 16)
		rest = sl_bytes_skip(rest, sl_max(1, sl_utf8_len(rest))); /* never half a character */
	(void)snprintf(out, SL_CONF_SHOWN_MAX, "\"%.*s%s\"", (int)(all.len - rest.len), text,
	               rest.len > 0 ? "..." : "");
	return out;
}

struct sl_near sl_near_to(const char *text)
{
	return (struct sl_near){ sl_bytes_str(text), { NULL, 0 }, 0 };
}

/* Case and the choice between - and _ are no difference at all. */
static uint8_t fold(uint8_t c)
{
	return c == '-' ? '_' : sl_ascii_lower(c);
}

/* Optimal string alignment: insertions, deletions, replacements and swaps of neighbours. */
static unsigned distance(struct sl_bytes a, struct sl_bytes b)
{
	unsigned char d[NEAR_MAX + 1][NEAR_MAX + 1];
	for (size_t i = 0; i <= a.len; i++) {
		for (size_t j = 0; j <= b.len; j++) {
			if (i == 0 || j == 0) {
				d[i][j] = (unsigned char)(i + j);
				continue;
			}
			bool same = fold(a.p[i - 1]) == fold(b.p[j - 1]);
			size_t best = sl_min(sl_min(d[i - 1][j], d[i][j - 1]) + 1U,
			                     d[i - 1][j - 1] + (same ? 0U : 1U));
			if (i > 1 && j > 1 && fold(a.p[i - 1]) == fold(b.p[j - 2]) &&
			    fold(a.p[i - 2]) == fold(b.p[j - 1]))
				best = sl_min(best, d[i - 2][j - 2] + 1U);
			d[i][j] = (unsigned char)best;
		}
	}
	return d[a.len][b.len];
}

void sl_near_try(struct sl_near *near, struct sl_bytes word)
{
	if (near->text.len > NEAR_MAX || word.len > NEAR_MAX)
		return;
	unsigned far = distance(near->text, word);
	if (far > 1 + word.len / 4 || far >= word.len || (near->best.p != NULL && far >= near->distance))
		return;
	near->best = word;
	near->distance = far;
}

const char *sl_near_question(const struct sl_near *near, const char *before, char out[SL_CONF_SHOWN_MAX])
{
	if (near->best.p == NULL)
		out[0] = '\0';
	else
		(void)snprintf(out, SL_CONF_SHOWN_MAX, "%sdid you mean \"%.*s\"?", before,
		               (int)near->best.len, (const char *)near->best.p);
	return out;
}
