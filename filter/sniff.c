/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/sniff.h"

#include "base/cur.h"

enum { QUIC_LONG = 0xc0, QUIC_CID_MAX = 20 };

const char *sl_app_name(enum sl_app app)
{
	static const char *const name[] = {
		[SL_APP_UNKNOWN] = "failed", [SL_APP_TLS] = "tls",     [SL_APP_HTTP] = "http",
		[SL_APP_QUIC] = "quic",      [SL_APP_SOCKS] = "socks",
	};
	return name[app];
}

int sl_sniff(struct sl_bytes stream, struct sl_arena *scratch, struct sl_sniffed *out)
{
	out->app = SL_APP_TLS;
	int err = sl_tls_hello_read(stream, scratch, &out->tls);
	if (err != SL_EPROTO)
		return err;
	out->app = SL_APP_HTTP;
	err = sl_http1_request_read(stream, &out->http);
	if (err == SL_EPROTO)
		out->app = SL_APP_UNKNOWN;
	return err;
}

/* RFC 9000 §15, RFC 9369 §3.1; drafts; Google's Q and T versions, and Facebook's. The reserved versions 0x?a?a?a?a are
 * what a client sends to force a negotiation. 0 is the negotiation itself, which only servers send. */
static bool is_quic_version(uint32_t v)
{
	return v == 0x00000001 || v == 0x6b3343cf || v >> 8 == 0xff0000 || v >> 16 == 0x5130 ||
	       v >> 16 == 0x5430 || v >> 8 == 0xfaceb0 || (v & 0x0f0f0f0f) == 0x0a0a0a0a;
}

bool sl_sniff_quic(struct sl_bytes datagram)
{
	struct sl_cur c = sl_cur_whole(datagram);
	uint8_t first = sl_cur_u8(&c);
	uint32_t version = sl_cur_u32(&c);
	size_t cid = sl_cur_u8(&c);
	return c.err == SL_OK && (first & QUIC_LONG) == QUIC_LONG && is_quic_version(version) &&
	       cid <= QUIC_CID_MAX;
}
