/* SPDX-License-Identifier: GPL-2.0-or-later */
/* interfaces.h - which interfaces there are, by number, name and VLAN: packets carry numbers, people write names, and a name may
 * come and go. Asked of rtnetlink. One thread. */
#ifndef SL_DAEMON_INTERFACES_H
#define SL_DAEMON_INTERFACES_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sl_interface {
	uint32_t number;
	uint16_t vlan; /* 802.1Q; 0: it is no VLAN's */
	char name[IFNAMSIZ];
};

struct sl_interfaces {
	struct sl_interface *one;
	size_t n;
};

/* SL_OK, SL_ENOMEM, SL_ESYS: errno says why. */
int sl_interfaces_read(struct sl_interfaces *out);
void sl_interfaces_free(struct sl_interfaces *i);
/* A socket that becomes readable when one comes, goes or is renamed; -1 with errno. */
int sl_interfaces_watch(void);
/* Did it become so? Takes what is there; never waits. */
bool sl_interfaces_changed(int watch);
/* As inside and clients have it: a trailing + stands for any end. */
bool sl_interface_named(const struct sl_interface *i, const char *pattern);

#endif
