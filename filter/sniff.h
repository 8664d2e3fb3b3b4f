/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sniff.h - whose are the client's first bytes? Asks the sniffers one after the other; no two of them take the same byte. */
#ifndef SL_FILTER_SNIFF_H
#define SL_FILTER_SNIFF_H

#include "filter/provider.h"
#include "filter/sniff_h2.h"
#include "filter/sniff_http1.h"
#include "filter/sniff_tls.h"

struct sl_sniffed {
	enum sl_app app;         /* whose the bytes are or seem to be; SL_APP_UNKNOWN with SL_EPROTO */
	struct sl_tls_hello tls; /* written only on SL_OK, for SL_APP_TLS */
	bool h2;                 /* with SL_OK and SL_APP_HTTP: the preface of HTTP/2, and no request yet */
	struct sl_http_request http; /* written only on SL_OK, for SL_APP_HTTP without h2 */
};

/* stream   the client's bytes from their start, borrowed.   scratch   as for sl_tls_hello_read().
 * Returns what the sniffer that owns the bytes returns, or SL_EPROTO when none does. Pure; any thread. */
int sl_sniff(struct sl_bytes stream, struct sl_arena *scratch, struct sl_sniffed *out);
/* The same of HTTP alone: what may follow a request. */
int sl_sniff_http(struct sl_bytes stream, struct sl_sniffed *out);

#endif
