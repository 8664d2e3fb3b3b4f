/* SPDX-License-Identifier: GPL-2.0-or-later */
/* json_text.h - text of any bytes as a JSON string for jansson, which takes UTF-8 only. */
#ifndef SL_DAEMON_JSON_TEXT_H
#define SL_DAEMON_JSON_TEXT_H

#include <jansson.h>

#include "base/bytes.h"

/* Bytes that are not UTF-8, and all control characters, as in base/json.h. NULL when memory is short. */
json_t *sl_json_text(struct sl_bytes text);

#endif
