/* SPDX-License-Identifier: GPL-2.0-or-later */
/* quic_text.h - a client's QUIC datagrams from a line of text, sealed with nettle's own HKDF, apart from the code under test.
 *
 * Tokens with blanks between. A capital begins a packet:
 *   I Initial   Z 0-RTT   H Handshake   S short header   R Retry   V version negotiation   O 20 zeros   G 20 bytes of garbage
 * For a packet:
 *   dX  destination id of 8 letters X (A)     d-  an empty one         kX  keys that follow from id X (its own)
 *   v2 v29 vQ050 ...  version (v1)            t   with a token         nN  packet number N (0), of which one byte is sent; n0xN: four
 *   v?  a reserved version                    v!  one that is not registered
 *   x   the last byte of the tag is wrong     f   the fixed bit is 0
 * Frames of an Initial:
 *   cA-B  bytes A up to B of the first hello's CRYPTO stream, c- all, cA- from A on     CA-B  of the second hello
 *   p  PADDING up to 1200 bytes   0  one PADDING   g  PING   a  ACK   e  ACK with ECN counts   q  CONNECTION_CLOSE
 *   b  a CRYPTO frame with the start of a ServerHello
 *   s  a STREAM frame, which may not be there     w  a CRYPTO frame that is longer than its packet
 * After all of them:
 *   lN  the last N bytes are not there */
#ifndef SL_TESTS_QUIC_TEXT_H
#define SL_TESTS_QUIC_TEXT_H

#include "base/out.h"

/* A ClientHello without record: server_name (absent where sni is NULL), ALPN h3, supported_versions 1.3, and padding up to
 * `len` bytes where that is more. */
void quic_text_hello(const char *sni, size_t len, struct sl_out *to);
/* Google's CHLO with a server name. */
void quic_text_chlo(const char *sni, struct sl_out *to);
/* Appends the datagram. Aborts when the text is none of these. */
void quic_text(const char *text, struct sl_bytes first, struct sl_bytes second, struct sl_out *to);

#endif
