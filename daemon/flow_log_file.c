/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/flow_log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/log.h"

static void make_folder_of(const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');

	if (slash == NULL || slash == path || (size_t)(slash - path) >= sizeof(folder))
		return;
	(void)snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
	(void)mkdir(folder, 0750); /* only the last one: a wrong path should be noticed, not made */
}

int sl_flow_log_file_open(const char *path, const struct sl_priv_user *owner)
{
	if (path == NULL || *path == '\0')
		return -1;
	make_folder_of(path);
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW, 0640);
	if (fd < 0) {
		sl_log(SL_LOG_WARN, "flow log %s: %s; filtering goes on without it", path, strerror(errno));
		return -1;
	}
	if (owner->found && fchown(fd, owner->uid, owner->gid) != 0)
		sl_log(SL_LOG_WARN, "flow log %s: cannot be given to its user: %s", path, strerror(errno));
	return fd;
}
