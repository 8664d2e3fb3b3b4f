/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/err.h"

const char *sl_strerror(int err)
{
	static const char *const text[] = {
#define SL_ERR(name, words) words,
#include "base/err.def"
#undef SL_ERR
	};
	if (err == SL_OK)
		return "success";
	if (err < 0 && err >= -SL_ERR_COUNT)
		return text[-err - 1];
	return "unknown error";
}
