/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/conf_reader.h"
#include "daemon/conf_value.h"
#include "daemon/metrics_listen.h"

void sl_conf_metrics_check(struct sl_conf_reader *r, unsigned line)
{
	const struct sl_conf *c = r->conf;
	struct sl_metrics_listen listen;
	char shown[SL_CONF_SHOWN_MAX];
	const char *why;

	if (c->metrics_listen[0] != '\0' &&
	    sl_metrics_listen_read(c->metrics_listen, c->metrics_remote, &listen, &why) != SL_OK)
		sl_conf_error(&r->errors, line, "metrics_listen: found %s; %s",
		              sl_conf_shown(c->metrics_listen, shown), why);
}
