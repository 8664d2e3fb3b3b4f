/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hash.h - the only hash in the house: XXH3, seeded where strangers choose the input. */
#ifndef SL_BASE_HASH_H
#define SL_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t sl_hash(const void *p, size_t len, uint64_t seed);

#endif
