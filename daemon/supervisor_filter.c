/* SPDX-License-Identifier: GPL-2.0-or-later */
/* supervisor_filter.c - what an engine needs of the outside where it is a content filter: what its provider reads, or the socket to which
 * it connects, and the trace. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <unistd.h>

#include "daemon/file.h"
#include "daemon/flow_log_file.h"
#include "daemon/log.h"
#include "daemon/supervisor_state.h"

/* Where an external provider connects. One that an earlier supervisor has made listens on. */
static int open_provider_socket(struct sl_supervisor *s)
{
	const struct sl_conf *c = s->conf;
	const struct group *group = c->provider_group[0] == '\0' ? NULL : getgrnam(c->provider_group);
	const struct sl_ctl_socket_kind kind = { "provider's socket", group == NULL ? 0600 : 0660,
		                                 group == NULL ? (gid_t)-1 : group->gr_gid };
	int err;

	if (s->take.provider >= 0)
		return sl_ctl_socket_continue(c->provider_socket, fcntl(s->take.provider, F_DUPFD_CLOEXEC, 0),
		                              &s->provider);
	if (c->provider_group[0] != '\0' && group == NULL) {
		sl_diag(&sl_log_diag, s->conf_path, 0,
		        "provider_group: there is no group '%s'; make it, or name another",
		        c->provider_group);
		return SL_EINVAL;
	}
	err = sl_ctl_socket_open(c->provider_socket, &kind, &sl_log_diag, &s->provider);
	if (err == SL_OK && (s->take.provider = fcntl(s->provider.fd, F_DUPFD_CLOEXEC, 0)) < 0)
		err = SL_ESYS;
	return err;
}

/* A copy of what the provider reads, so that the next engine reads the same. */
static int open_provider_file(struct sl_supervisor *s)
{
	const char *path = s->conf->provider_file;

	if (s->take.provider < 0)
		s->take.provider = sl_file_copy(path);
	if (s->take.provider >= 0)
		return SL_OK;
	sl_diag(&sl_log_diag, path, 0, "cannot read it: %s; mend provider_file", strerror(errno));
	return SL_ESYS;
}

/* What a content filter needs; its trace is empty at first. */
int sl_supervisor_open_filter(struct sl_supervisor *s)
{
	const struct sl_conf *c = s->conf;
	bool taken = s->take.provider >= 0; /* with its trace, if it has one */
	int err;

	if (c->provider == SL_PROVIDER_POLICY)
		return SL_OK;
	err = c->provider == SL_PROVIDER_EXTERNAL ? open_provider_socket(s) : open_provider_file(s);
	if (err != SL_OK || taken)
		return err;
	s->take.trace = sl_flow_log_file_open(c->trace, &s->user);
	if (s->take.trace >= 0 && ftruncate(s->take.trace, 0) != 0)
		sl_log(SL_LOG_WARN, "trace %s: cannot be emptied: %s", c->trace, strerror(errno));
	return SL_OK;
}
