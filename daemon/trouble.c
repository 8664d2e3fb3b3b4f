/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/trouble.h"

#include "base/out.h"
#include "daemon/log.h"

static void keep(void *ctx, const char *file, unsigned line, const char *text)
{
	struct sl_trouble *t = ctx;
	struct sl_out o = sl_out_of(t->text + t->len, sizeof(t->text) - t->len);

	sl_log_diag.emit(sl_log_diag.ctx, file, line, text);
	if (t->len > 0)
		sl_out_u8(&o, '\n');
	if (file != NULL && line > 0)
		sl_out_fmt(&o, "%s:%u: ", file, line);
	else if (file != NULL)
		sl_out_fmt(&o, "%s: ", file);
	sl_out_str(&o, text);
	sl_out_u8(&o, '\0');
	if (!o.overflow)
		t->len += o.len - 1;
	else
		t->text[t->len] = '\0';
}

struct sl_diag sl_trouble_diag(struct sl_trouble *t)
{
	t->len = 0;
	t->text[0] = '\0';
	return (struct sl_diag){ keep, t };
}
