/* SPDX-License-Identifier: GPL-2.0-or-later */
/* supervisor_requests.h - the handlers of ctl.def. Each answers its client with sl_ctl_reply(s->ctl, client, ...), now or later; args
 * is the whole request, borrowed. Who may ask was looked at before. */
#ifndef SL_DAEMON_SUPERVISOR_REQUESTS_H
#define SL_DAEMON_SUPERVISOR_REQUESTS_H

#include "daemon/supervisor_state.h"

#define SL_CTL(name, class, doc) \
	void sl_supervisor_ctl_##name(struct sl_supervisor *s, uint64_t client, json_t *args);
#include "daemon/ctl.def"
#undef SL_CTL

/* The control socket's handler: finds the request in the table, looks at rights, writes down changes. ctx: the supervisor. */
struct sl_ctl_handler sl_supervisor_ctl_handler(struct sl_supervisor *s);
/* Who may ask, by the options in force. */
void sl_supervisor_ctl_rights(struct sl_supervisor *s, const struct sl_conf *conf);

#endif
