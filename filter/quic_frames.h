/* SPDX-License-Identifier: GPL-2.0-or-later */
/* quic_frames.h - the frames of an Initial packet (RFC 9000 §12.4: PADDING, PING, ACK, CRYPTO, CONNECTION_CLOSE). */
#ifndef SL_FILTER_QUIC_FRAMES_H
#define SL_FILTER_QUIC_FRAMES_H

#include "filter/quic_crypto.h"
#include "filter/quic_version.h"

/* frames   the payload of a packet whose tag fits
 * stream   takes in the CRYPTO frames' bytes
 * Returns  SL_OK; SL_ELIMIT when some lay beyond its room; SL_EMALF when a frame is broken or may not be there: those before
 *          it were taken in. Pure; any thread. */
int sl_quic_frames_read(const struct sl_quic_version *version, struct sl_bytes frames,
                        struct sl_quic_crypto *stream, uint32_t *differs);

#endif
