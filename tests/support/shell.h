/* SPDX-License-Identifier: GPL-2.0-or-later */
/* shell.h - a line of sh(1), as tests in namespaces need them. */
#ifndef SL_TESTS_SUPPORT_SHELL_H
#define SL_TESTS_SUPPORT_SHELL_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/command.h"

/* True where it ended with 0, within 20 s. */
static inline bool shell(const char *text)
{
	const char *const argv[] = { "sh", "-c", text, NULL };
	struct sl_command cmd = { argv, { NULL, 0 }, 1 << 16, 20000 };
	struct sl_command_reply reply;
	int err = sl_command_run(&cmd, &reply);
	sl_command_reply_free(&reply);
	return err == SL_OK;
}

#endif
