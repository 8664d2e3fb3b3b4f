/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hex.h - bytes written as hexadecimal digits. */
#ifndef SL_TESTS_SUPPORT_HEX_H
#define SL_TESTS_SUPPORT_HEX_H

#include <ctype.h>
#include <stddef.h>
#include <stdint.h>

static inline uint8_t sl_test_digit(char c)
{
	return (uint8_t)(isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10);
}

/* Up to the first that is no digit. Returns how many bytes. */
static inline size_t sl_test_unhex(const char *text, uint8_t *out)
{
	size_t n = 0;
	for (; isxdigit((unsigned char)text[2 * n]) && isxdigit((unsigned char)text[2 * n + 1]); n++)
		out[n] = (uint8_t)(sl_test_digit(text[2 * n]) << 4 | sl_test_digit(text[2 * n + 1]));
	return n;
}

#endif
