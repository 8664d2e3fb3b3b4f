/* SPDX-License-Identifier: GPL-2.0-or-later */
/* supervisor_requests.c - a request of the control socket finds its handler, if its client may ask for it. */
#include "daemon/supervisor_requests.h"

#include <string.h>

#include "daemon/log.h"

enum class { READ, CHANGE };

static const struct request {
	const char *name;
	enum class class;
	void (*serve)(struct sl_supervisor *s, uint64_t client, json_t *args);
} requests[] = {
#define SL_CTL(name, class, doc) { #name, class, sl_supervisor_ctl_##name },
#include "daemon/ctl.def"
#undef SL_CTL
};

static const char known[] = "unknown command; known:"
#define SL_CTL(name, class, doc) " " #name
#include "daemon/ctl.def"
#undef SL_CTL
        ;

/* A monitoring system asks a few times a second; a person never comes near. */
static const struct sl_ctl_limits limits = { .per_second = 20, .burst = 40, .clients = 16 };

static const struct request *find(const char *name)
{
	for (size_t i = 0; i < SL_COUNT(requests); i++)
		if (strcmp(requests[i].name, name) == 0)
			return &requests[i];
	return NULL;
}

static void on_request(void *ctx, uint64_t client, const struct sl_ctl_peer *peer, const char *cmd,
                       json_t *args)
{
	struct sl_supervisor *s = ctx;
	const struct request *r = find(cmd);

	if (r == NULL) {
		sl_ctl_reply_refused(s->ctl, client, "unknown", known);
		return;
	}
	sl_log(SL_LOG_DEBUG, "control: %s, for uid %u, pid %d", r->name, (unsigned)peer->uid, (int)peer->pid);
	if (r->class == CHANGE) {
		struct sl_ctl_peer named = *peer;
		sl_ctl_peer_name(&named);
		sl_audit_begin(&s->audit, client, &named, args);
	}
	s->for_root = peer->uid == 0;
	if (r->class == CHANGE && !peer->may_change)
		sl_ctl_reply_refused(s->ctl, client, "denied",
		                     "no permission to change anything: only root and the members of "
		                     "control_admin_group may (sluice.yaml)");
	else
		r->serve(s, client, args);
	s->for_root = false;
}

static void on_replied(void *ctx, uint64_t client, const json_t *reply)
{
	struct sl_supervisor *s = ctx;

	sl_audit_end(&s->audit, client, reply);
}

struct sl_ctl_handler sl_supervisor_ctl_handler(struct sl_supervisor *s)
{
	return (struct sl_ctl_handler){ s, on_request, on_replied, limits };
}

void sl_supervisor_ctl_rights(struct sl_supervisor *s, const struct sl_conf *conf)
{
	struct sl_ctl_rights rights = sl_ctl_rights_find(conf->control_group, conf->control_admin_group);

	sl_ctl_set_rights(s->ctl, &rights);
}
