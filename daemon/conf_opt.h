/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf_opt.h - the lines of conf.def as a table: what the parser, the printer and the manual read. */
#ifndef SL_DAEMON_CONF_OPT_H
#define SL_DAEMON_CONF_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

enum sl_conf_type {
	SL_CONF_flag,
	SL_CONF_number,
	SL_CONF_size,
	SL_CONF_duration,
	SL_CONF_mask,
	SL_CONF_path,
	SL_CONF_text,
	SL_CONF_choice,
};

struct sl_conf_opt {
	const char *name;
	const char *def;   /* as one would write it */
	const char *words; /* choice: "word|word"; else NULL */
	const char *doc;   /* the manual's sentences */
	int64_t min, max;  /* in the units of conf.def */
	size_t offset;     /* of the member in the struct that the table describes */
	enum sl_conf_type type;
	bool live; /* takes effect on reload */
};

/* In the order of conf.def; NULL beyond the last. */
const struct sl_conf_opt *sl_conf_opt_at(size_t i);
/* NULL where there is no option of this name. */
const struct sl_conf_opt *sl_conf_opt_find(const char *name);

/* Word i of "a|b|c"; absent (p NULL) beyond the last. */
struct sl_bytes sl_conf_word(const char *words, size_t i);
/* Which word text is; -1 where it is none. */
int sl_conf_word_find(const char *words, const char *text);

#endif
