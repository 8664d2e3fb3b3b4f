/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/sniff.h"

const char *sl_app_name(enum sl_app app)
{
	static const char *const name[] = {
		[SL_APP_UNKNOWN] = "failed", [SL_APP_TLS] = "tls",     [SL_APP_HTTP] = "http",
		[SL_APP_QUIC] = "quic",      [SL_APP_SOCKS] = "socks", [SL_APP_DNS] = "dns",
		[SL_APP_DTLS] = "dtls",      [SL_APP_STUN] = "stun",
	};
	return name[app];
}

int sl_sniff_http(struct sl_bytes stream, struct sl_sniffed *out)
{
	out->app = SL_APP_HTTP;
	int err = sl_h2_preface_read(stream);
	out->h2 = err == SL_OK;
	if (err == SL_EPROTO)
		err = sl_http1_request_read(stream, &out->http);
	if (err == SL_EPROTO)
		out->app = SL_APP_UNKNOWN;
	return err;
}

int sl_sniff(struct sl_bytes stream, struct sl_arena *scratch, struct sl_sniffed *out)
{
	out->app = SL_APP_TLS;
	int err = sl_tls_hello_read(stream, scratch, &out->tls);
	if (err != SL_EPROTO)
		return err;
	return sl_sniff_http(stream, out);
}
