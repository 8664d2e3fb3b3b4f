/* SPDX-License-Identifier: GPL-2.0-or-later */
/* trouble.h - what went wrong, told to the log and kept as words for whoever asked. One thread. */
#ifndef SL_DAEMON_TROUBLE_H
#define SL_DAEMON_TROUBLE_H

#include "base/diag.h"

struct sl_trouble {
	size_t len;
	char text[2048]; /* lines "FILE:LINE: text", without the last line end; what does not fit is cut */
};

/* Forgets what was kept. The diag borrows t. */
struct sl_diag sl_trouble_diag(struct sl_trouble *t);

#endif
