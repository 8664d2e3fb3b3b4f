/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/conf_fd.h"

#include "daemon/file.h"

int sl_conf_read_fd(int fd, const char *name, const struct sl_diag *diag, struct sl_conf **out)
{
	struct sl_bytes text;
	int err = sl_file_read(fd, &text);

	if (err != SL_OK)
		return err;
	err = sl_conf_read(name, text, diag, out);
	sl_file_free(&text);
	return err;
}
