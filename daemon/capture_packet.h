/* SPDX-License-Identifier: GPL-2.0-or-later */
/* capture_packet.h - the packets of a capture, of TCP and UDP: link layers looked through, fragments of IP made whole. */
#ifndef SL_DAEMON_CAPTURE_PACKET_H
#define SL_DAEMON_CAPTURE_PACKET_H

#include "base/diag.h"
#include "daemon/capture.h"
#include "filter/link.h"
#include "filter/packet.h"

struct sl_capture_packets;

struct sl_capture_packet {
	struct sl_packet packet;
	struct sl_link link;
	struct sl_mono at; /* the capture's own clock: since 1970; 0 where none was kept */
	uint32_t frame;    /* from 1 */
	bool joined; /* of fragments: its bytes are borrowed until the next call only, else from the capture */
};

/* capture, name (of the file, for messages) and diag are borrowed. SL_OK, SL_ENOMEM. */
int sl_capture_packets_new(struct sl_capture *capture, const char *name, const struct sl_diag *diag,
                           struct sl_capture_packets **out);
void sl_capture_packets_free(struct sl_capture_packets **p);
/* Frames that are no packet of TCP or UDP are skipped; of a link type that is not known too, which diag is told once.
 * SL_OK; SL_ENOENT at the end; SL_EMALF where the file breaks off (told). */
int sl_capture_packets_next(struct sl_capture_packets *p, struct sl_capture_packet *out);

#endif
