/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/plist.h"

bool sl_plist_is_binary(struct sl_bytes file)
{
	return sl_bytes_equal(sl_bytes_first(file, 6), SL_BYTES_LIT("bplist"));
}

int sl_plist_read(struct sl_bytes file, sl_plist_sink *sink, void *ctx)
{
	return sl_plist_is_binary(file) ? sl_plist_read_binary(file, sink, ctx)
	                                : sl_plist_read_xml(file, sink, ctx);
}
