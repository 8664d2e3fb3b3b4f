/* SPDX-License-Identifier: GPL-2.0-or-later */
/* capture_file.h - the frames of a capture: pcap (draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng), either byte
 * order, microseconds or whatever resolution an interface names, interfaces of any link types in one file. */
#ifndef SL_FILTER_CAPTURE_FILE_H
#define SL_FILTER_CAPTURE_FILE_H

#include "base/cur.h"
#include "base/mono.h"

enum { SL_CAPTURE_INTERFACES = 256 }; /* of one section; frames of further ones are skipped */

struct sl_capture_interface {
	uint32_t linktype; /* link.h */
	uint32_t snaplen;  /* 0: none */
	uint64_t ticks;    /* a second */
	int64_t offset;    /* seconds to be added */
};

struct sl_capture_file {
	struct sl_cur at; /* the next record or block */
	bool swapped;     /* its numbers are in the other byte order than ours */
	bool next_generation;
	bool long_records; /* pcap of some old Linux systems: 8 bytes more before each frame */
	uint32_t interfaces;
	struct sl_capture_interface interface[SL_CAPTURE_INTERFACES];
};

struct sl_capture_frame {
	uint32_t linktype;
	struct sl_mono at;     /* the capture's own clock: since 1970; 0 where none was kept */
	struct sl_bytes bytes; /* what was captured; borrowed from the file */
	size_t wire_len;       /* what there was on the wire */
};

/* file  all of it, borrowed. SL_OK, or SL_EPROTO when it is no capture. Pure; any thread. */
int sl_capture_file_open(struct sl_bytes file, struct sl_capture_file *out);
/* SL_OK; SL_ENOENT after the last frame; SL_EMALF where the file breaks off or contradicts itself, after which there is none. */
int sl_capture_file_next(struct sl_capture_file *f, struct sl_capture_frame *out);

#endif
