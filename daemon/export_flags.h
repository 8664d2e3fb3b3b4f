/* SPDX-License-Identifier: GPL-2.0-or-later */
/* export_flags.h - what the lists said of an entry; of equal texts all flags are joined. For daemon/export*.c alone. */
#ifndef SL_DAEMON_EXPORT_FLAGS_H
#define SL_DAEMON_EXPORT_FLAGS_H

enum {
	SL_EXPORT_EXACT = 1,
	SL_EXPORT_BELOW = 2,
	SL_EXPORT_TREE = 4, /* or a path */
	SL_EXPORT_SCOPES = 7,
	SL_EXPORT_IMPORTANT =
	        3, /* bits to the left: the same of important entries (policy-resolution line 6e) */
	SL_EXPORT_ADDRESS = 64,
};

#endif
