/* SPDX-License-Identifier: GPL-2.0-or-later */
/* inside.h - one entry of the option `inside`: an interface or a prefix whose outgoing flows are judged. */
#ifndef SL_DAEMON_INSIDE_H
#define SL_DAEMON_INSIDE_H

#include <net/if.h>
#include <stdint.h>

struct sl_inside {
	uint8_t family; /* 0: an interface; 4 or 6: a prefix */
	uint8_t prefix; /* its length in bits */
	uint8_t addr[16];
	char ifname[IFNAMSIZ]; /* a trailing '+' matches every interface that begins so */
};

#endif
