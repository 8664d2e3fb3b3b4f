/* SPDX-License-Identifier: GPL-2.0-or-later */
/* host.h - host names in the one form that is compared (policy-resolution line 5): A-labels (RFC 5890, IDNA by
 * libidn2, UTS #46 non-transitional), lower case, no trailing dot; IP literals in one spelling (RFC 5952 for IPv6). */
#ifndef SL_POLICY_HOST_H
#define SL_POLICY_HOST_H

#include "base/bytes.h"
#include "base/err.h"

enum { SL_HOST_MAX = 253 }; /* RFC 1035 §3.1, without the root's dot */

struct sl_host {
	uint8_t len;
	bool address; /* an IP literal: it has no parent domains. IPv6 stands without brackets */
	char name[SL_HOST_MAX + 3]; /* ends in NUL; whole words, for those who read eight bytes at a time */
};

/* As it came from a wire or a list: any case, U-labels in UTF-8, %XX escapes, one trailing dot, brackets round IPv6.
 * Underscores are accepted, as real names have them.
 * Of ASCII, control characters, space and #%/:<>?@[\]^|* are forbidden; IPv4 is read in the odd forms that clients take
 * (hexadecimal, octal, fewer parts) and written as a dotted quad; xn-- labels are not checked, so that a hostile one is
 * still compared.
 * Returns SL_OK; SL_EMALF when it is no host name (empty, empty label, over-long, forbidden byte); out is empty then.
 * ASCII names take no allocation; any thread. */
int sl_host_canon(struct sl_bytes in, struct sl_host *out);

/* The version of libidn2: another one may make another form of the same name. Static text. */
const char *sl_host_idna(void);

/* The next ancestor: "a.b.c" gives "b.c", then "c"; absent (p NULL) after the last label. Not for addresses. */
struct sl_bytes sl_host_parent(struct sl_bytes host);

#endif
