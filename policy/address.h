/* SPDX-License-Identifier: GPL-2.0-or-later */
/* address.h - IP literals as text: read in every spelling that clients accept, written in one. Private to policy/. */
#ifndef SL_POLICY_ADDRESS_H
#define SL_POLICY_ADDRESS_H

#include "base/bytes.h"
#include "base/err.h"

enum { SL_ADDRESS_MAX = 45 }; /* bytes of the longest text, without NUL */

/* All addresses whose first len bits are those of addr. */
struct sl_prefix {
	bool v6;
	uint8_t len;      /* bits: at most 32, or 128 where v6 */
	uint8_t addr[16]; /* network order; IPv4 stands in the first four; bits beyond len are 0 */
};

/* Would a client take a name with this last label for an IPv4 address? (WHATWG URL, "ends in a number") */
bool sl_address_number(struct sl_bytes label);

/* Both write the canonical text to out and return its length, or 0 where text is no address.
 * IPv4: dotted quad; hexadecimal and octal parts and fewer than four parts are read (WHATWG URL, IPv4 parser).
 * IPv6: without brackets and zone (RFC 4291 §2.2); written as RFC 5952 says, IPv4-mapped ones mixed (§5). */
size_t sl_address_v4(struct sl_bytes text, char out[SL_ADDRESS_MAX + 1]);
size_t sl_address_v6(struct sl_bytes text, char out[SL_ADDRESS_MAX + 1]);

#endif
