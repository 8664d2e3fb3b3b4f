/* SPDX-License-Identifier: GPL-2.0-or-later */
/* capture.h - the frames of a capture file (pcap, pcapng), by libpcap. */
#ifndef SL_DAEMON_CAPTURE_H
#define SL_DAEMON_CAPTURE_H

#include "base/bytes.h"
#include "base/diag.h"
#include "base/err.h"
#include "base/mono.h"

struct sl_capture;

struct sl_frame {
	uint32_t number;       /* 1 for the first one */
	struct sl_mono at;     /* the capture's own clock */
	struct sl_bytes bytes; /* what was captured; borrowed until the next call */
	size_t wire_len;       /* what there was on the wire */
};

/* path "-" is standard input. SL_ESYS, SL_EMALF: diag was told. */
int sl_capture_open(const char *path, const struct sl_diag *diag, struct sl_capture **out);
void sl_capture_close(struct sl_capture **c);
uint32_t sl_capture_linktype(const struct sl_capture *c);
/* SL_OK, SL_ENOENT after the last frame, SL_EMALF when the file breaks off (diag was told). */
int sl_capture_next(struct sl_capture *c, struct sl_frame *out);

#endif
