/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sniff_preface.h - what a client may say before its TLS hello or its request: a SOCKS request (RFC 1928, RFC 1929; SOCKS 4
 * and 4A), or lines of a protocol that can turn to TLS: SMTP (RFC 3207), IMAP and POP3 (RFC 2595), FTP (RFC 4217), NNTP (RFC
 * 4642), XMPP (RFC 6120 §5), ManageSieve (RFC 5804), LDAP (RFC 4511 §4.14), PostgreSQL (its SSLRequest). */
#ifndef SL_FILTER_SNIFF_PREFACE_H
#define SL_FILTER_SNIFF_PREFACE_H

#include "base/bytes.h"
#include "base/err.h"

enum sl_preface_kind {
	SL_PREFACE_SOCKS,    /* a tunnel to a host that it may name; any protocol follows */
	SL_PREFACE_DIALOGUE, /* a command of a protocol that goes on in lines, or turns to TLS */
	SL_PREFACE_STARTTLS, /* the command that turns to TLS: a hello follows */
};

struct sl_preface {
	enum sl_preface_kind kind;
	size_t len;           /* bytes that it takes */
	struct sl_bytes host; /* SOCKS: the name asked for, as sent; NULL where it is an address */
	uint16_t port;        /* the same */
};

/* in_dialogue: a line of the protocol was read before, so that any line is one.
 * stream   the client's bytes, borrowed; out is written on SL_OK, its views live as long as stream
 * Returns  SL_OK      a preface, complete        SL_EMORE  consistent so far: ask again with more bytes
 *          SL_EPROTO  none. The answer for a part is SL_EMORE or the answer for all. Pure; any thread. */
int sl_preface_read(struct sl_bytes stream, bool in_dialogue, struct sl_preface *out);

#endif
