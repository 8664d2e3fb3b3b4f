/* SPDX-License-Identifier: GPL-2.0-or-later */
/* err.h - the one enum of codes. SL_OK is 0, failures are negative, and sl_strerror() has words for each. */
#ifndef SL_BASE_ERR_H
#define SL_BASE_ERR_H

enum sl_err_index {
#define SL_ERR(name, text) SL_INDEX_##name,
#include "base/err.def"
#undef SL_ERR
	SL_ERR_COUNT
};

enum sl_err {
	SL_OK = 0,
#define SL_ERR(name, text) SL_##name = -1 - SL_INDEX_##name,
#include "base/err.def"
#undef SL_ERR
};

/* Never NULL; static text; any thread. */
const char *sl_strerror(int err);

#endif
