/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/cli/recording.h"

#include <errno.h>
#include <string.h>

#include "daemon/cli/cli.h"

int sl_cli_recording(const char *command, const char *path, struct sl_ne_recording **out)
{
	FILE *from = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	if (from == NULL) {
		sl_cli_error("%s: %s: cannot be read: %s", command, path, strerror(errno));
		return SL_ESYS;
	}
	errno = 0;
	int err = sl_ne_recording_read(from, path, &sl_cli_diag, out);
	if (err == SL_ESYS)
		sl_cli_error("%s: %s: cannot be read: %s", command, path, strerror(errno));
	else if (err != SL_OK && err != SL_EMALF && err != SL_EUNSUP)
		sl_cli_error("%s: %s: %s", command, path, sl_strerror(err));
	if (from != stdin)
		(void)fclose(from);
	return err;
}
