/* SPDX-License-Identifier: GPL-2.0-or-later */
/* keys_address.h - addresses in keys: canonical text to bytes and back. Private to policy/keys*.c. */
#ifndef SL_POLICY_KEYS_ADDRESS_H
#define SL_POLICY_KEYS_ADDRESS_H

#include "policy/keys.h"

enum { SL_KEY_V4 = 4, SL_KEY_V6 = 16 }; /* bytes of an address */

static inline bool sl_key_is_v6(struct sl_bytes host)
{
	return sl_bytes_find(host, ':') < host.len;
}

/* text is canonical (host.h); where it is not, the answer is some address, the same each time. Returns its bytes. */
size_t sl_key_address_read(struct sl_bytes text, uint8_t addr[SL_KEY_V6]);
/* Returns the length of the text. */
size_t sl_key_address_write(bool v6, const uint8_t *addr, char text[SL_KEY_PREFIX_MAX + 1]);
/* The first len bits, the others 0. */
void sl_key_address_mask(bool v6, const uint8_t *addr, uint8_t len, uint8_t out[SL_KEY_V6]);

#endif
