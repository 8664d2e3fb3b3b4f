/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sniff_tls.h - which server is a TLS client asking for?
 * Reads the ClientHello (RFC 8446 §4.1.2, RFC 5246 §7.4.1.2) at the head of the client's bytes. It may span records
 * (RFC 8446 §5.1) and segments. One in the form of SSL 2.0 (RFC 5246 appendix E.2) is told by its head; it never has a name. */
#ifndef SL_FILTER_SNIFF_TLS_H
#define SL_FILTER_SNIFF_TLS_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include "filter/tls_ech.h"

struct sl_tls_hello {
	struct sl_bytes sni; /* host_name (RFC 6066 §3) as sent; .p is NULL when absent */
	/* ProtocolNameList (RFC 7301 §3.1), still encoded, without its length; NULL when absent */
	struct sl_bytes alpn;
	/* the best one offered: supported_versions, else legacy_version; GREASE (RFC 8701) aside */
	uint16_t version;
	struct sl_tls_ech ech; /* the first encrypted_client_hello */
};

/* stream   the client's bytes so far, in order, borrowed.   scratch   holds a hello joined from several records.
 * out      written only on SL_OK; its views live as long as stream and scratch do.
 * Returns  SL_OK      complete                           SL_EMORE  consistent so far: ask again with more bytes
 *          SL_EPROTO  not TLS: try another sniffer       SL_EMALF  TLS but broken: no later byte can mend it
 *          SL_ELIMIT  the joined hello does not fit into scratch
 * The answer given for a part of the bytes is SL_EMORE or the answer given for all of them.
 * Strict where servers are. Empty handshake records are read over, as servers do; a broken alpn or
 * supported_versions is as absent, since a server that does not know it never looks; a broken or second
 * server_name is SL_EMALF.
 * Pure: allocates from scratch only, and leaves it as it was unless SL_OK; no clock, no globals; any thread. */
int sl_tls_hello_read(struct sl_bytes stream, struct sl_arena *scratch, struct sl_tls_hello *out);

/* The same for a hello that comes without records, as in QUIC's CRYPTO stream (RFC 9001 §4.1.3).
 * handshake  the handshake messages so far, in order; out's views borrow from it
 * Returns    SL_OK, SL_EMORE, SL_EMALF as above; SL_EPROTO when the first message is no ClientHello. Pure; any thread. */
int sl_tls_hello_read_bare(struct sl_bytes handshake, struct sl_tls_hello *out);

/* The same for the body of a whole DTLS hello, which has a cookie in it (RFC 6347 §4.2.1); DTLS versions count down.
 * Returns SL_OK or SL_EMALF. Pure; any thread. */
int sl_dtls_hello_read_body(struct sl_bytes body, struct sl_tls_hello *out);

/* The client's bytes are records of a TLS connection that began earlier: application data, alert, change cipher spec
 * (RFC 8446 §5.1), heartbeat (RFC 6520), or a handshake message that is no ClientHello. */
bool sl_tls_is_later_record(struct sl_bytes stream);

#endif
