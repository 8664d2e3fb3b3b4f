/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plist.h - reads the outermost dictionary of a property list, XML or binary (bplist00), as Apple's tools write them.
 * What lies deeper is walked over and handed out as OTHER. XML: no entity is decoded and no document type read, since
 * numbers, base64 and the keys that we know need neither. Pure; nothing is allocated; any thread. */
#ifndef SL_DAEMON_PLIST_H
#define SL_DAEMON_PLIST_H

#include "base/bytes.h"
#include "base/err.h"

enum sl_plist_type {
	SL_PLIST_INTEGER,
	SL_PLIST_REAL,
	SL_PLIST_STRING,
	SL_PLIST_DATA,   /* binary: the bytes */
	SL_PLIST_BASE64, /* XML: their text, white space included */
	SL_PLIST_OTHER,  /* true, false, dates, arrays, dictionaries, integers beyond 63 bits */
};

struct sl_plist_value {
	enum sl_plist_type type;
	int64_t integer;
	double real;           /* of an integer too */
	struct sl_bytes bytes; /* STRING, DATA, BASE64: a view of the file */
};

typedef void sl_plist_sink(void *ctx, struct sl_bytes key, const struct sl_plist_value *value);

bool sl_plist_is_binary(struct sl_bytes file);

/* Hands every member to the sink, in the file's order, a repeated key as often as it is there.
 * Returns SL_OK; SL_EPROTO: no property list; SL_EMALF: a broken one, or its outermost value is no dictionary; SL_ELIMIT:
 * nested deeper than 64. Members may have reached the sink before a failure. */
int sl_plist_read(struct sl_bytes file, sl_plist_sink *sink, void *ctx);

/* The two formats; called by sl_plist_read(). */
int sl_plist_read_xml(struct sl_bytes file, sl_plist_sink *sink, void *ctx);
int sl_plist_read_binary(struct sl_bytes file, sl_plist_sink *sink, void *ctx);

#endif
