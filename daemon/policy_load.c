/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/policy_load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/snapshot_file.h"

static int compile(const struct sl_list_source *from, int fd, struct sl_policy **out,
                   struct sl_compile_job_stats *stats)
{
	const struct sl_compile_job job = { .source = *from, .spill = -1, .fold = true };
	const char *why = NULL;
	int err = sl_compile_job_run(&job, fd, stats);
	if (err != SL_OK)
		return err;
	err = sl_snapshot_file_map(fd, SL_SNAPSHOT_LOOK, &why, out);
	if (err != SL_OK)
		sl_diag(from->diag, NULL, 0, "the policy cannot be mapped: %s", why);
	return err;
}

int sl_policy_load(const struct sl_list_source *from, struct sl_policy **out,
                   struct sl_compile_job_stats *stats)
{
	struct sl_compile_job_stats *made = (struct sl_compile_job_stats *)calloc(1, sizeof(*made));
	int fd = made == NULL ? -1 : memfd_create("sluice-snapshot", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int err = made == NULL ? SL_ENOMEM : fd < 0 ? SL_ESYS : compile(from, fd, out, made);
	if (fd >= 0)
		(void)close(fd);
	else
		sl_diag(from->diag, NULL, 0, "no memory for the policy: %s",
		        err == SL_ESYS ? strerror(errno) : sl_strerror(err));
	if (err == SL_OK && stats != NULL)
		*stats = *made;
	free(made);
	return err;
}
