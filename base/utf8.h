/* SPDX-License-Identifier: GPL-2.0-or-later */
/* utf8.h - how many bytes the UTF-8 sequence at the head of b has (RFC 3629 §4); 0 where it is not well-formed. */
#ifndef SL_BASE_UTF8_H
#define SL_BASE_UTF8_H

#include "base/bytes.h"

size_t sl_utf8_len(struct sl_bytes b);

#endif
