/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/capture_packet.h"

#include <stdlib.h>

#include "base/util.h"
#include "filter/fragments.h"

enum { FRAGMENTED = 64 };

struct sl_capture_packets {
	struct sl_capture *capture;
	const char *name;
	const struct sl_diag *diag;
	struct sl_fragments *fragments;
	uint32_t frame; /* the one in hand */
	bool told;      /* of a link type that is not known */
};

int sl_capture_packets_new(struct sl_capture *capture, const char *name, const struct sl_diag *diag,
                           struct sl_capture_packets **out)
{
	struct sl_capture_packets *p = calloc(1, sizeof(*p));
	if (p == NULL)
		return SL_ENOMEM;
	*p = (struct sl_capture_packets){ .capture = capture, .name = name, .diag = diag };
	int err = sl_fragments_new(FRAGMENTED, &p->fragments);
	if (err != SL_OK)
		sl_capture_packets_free(&p);
	else
		*out = p;
	return err;
}

void sl_capture_packets_free(struct sl_capture_packets **p)
{
	struct sl_capture_packets *old = sl_take(p);
	if (old == NULL)
		return;
	sl_fragments_free(&old->fragments);
	free(old);
}

/* Once for a capture: its other interfaces may be read. */
static void tell_linktype(struct sl_capture_packets *p, uint32_t linktype)
{
	if (!p->told)
		sl_diag(p->diag, p->name, 0,
		        "frame %u: link type %u is not known; convert it to Ethernet or raw IP", p->frame,
		        linktype);
	p->told = true;
}

static bool read_packet(struct sl_capture_packets *p, const struct sl_capture_frame *frame,
                        struct sl_capture_packet *out)
{
	struct sl_bytes whole = out->link.ip;
	size_t uncaptured = frame->wire_len > frame->bytes.len ? frame->wire_len - frame->bytes.len : 0;
	int err = sl_fragments_add(p->fragments, out->link.ip, frame->at, &whole);
	out->joined = err == SL_OK;
	if (err == SL_EPROTO || (err == SL_EMALF && uncaptured > 0))
		whole = out->link.ip;
	else if (err != SL_OK)
		return false;
	return sl_packet_read(whole, whole.len + uncaptured, &out->packet) == SL_OK;
}

int sl_capture_packets_next(struct sl_capture_packets *p, struct sl_capture_packet *out)
{
	struct sl_capture_frame frame;
	int err;
	while ((err = sl_capture_next(p->capture, &frame, &p->frame)) == SL_OK) {
		int read = sl_link_read(frame.linktype, frame.bytes, &out->link);
		if (read == SL_EUNSUP)
			tell_linktype(p, frame.linktype);
		if (read != SL_OK || !read_packet(p, &frame, out))
			continue;
		out->at = frame.at;
		out->frame = p->frame;
		return SL_OK;
	}
	return err;
}
