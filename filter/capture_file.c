/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/capture_file.h"

#include "base/util.h"

enum { MICROSECONDS = 1000000, NANOSECONDS = 1000000000 };
#define MAGIC_MICRO UINT32_C(0xa1b2c3d4)
#define MAGIC_NANO  UINT32_C(0xa1b23c4d)
#define MAGIC_LONG  UINT32_C(0xa1b2cd34)
#define MAGIC_ORDER UINT32_C(0x1a2b3c4d)
enum { LINKTYPE = 0xffff };

/* Block types of pcapng. */
enum { SECTION = 0x0a0d0d0a, INTERFACE = 1, OLD_PACKET = 2, SIMPLE_PACKET = 3, ENHANCED_PACKET = 6 };
enum { OPTION_END = 0, OPTION_RESOLUTION = 9, OPTION_OFFSET = 14 };

/* ---- numbers in the order of the machine that wrote them; sl_cur reads them in network order ---- */

static uint16_t read_u16(const struct sl_capture_file *f, struct sl_cur *c)
{
	uint16_t v = sl_cur_u16(c);
	return f->swapped ? __builtin_bswap16(v) : v;
}

static uint32_t read_u32(const struct sl_capture_file *f, struct sl_cur *c)
{
	uint32_t v = sl_cur_u32(c);
	return f->swapped ? __builtin_bswap32(v) : v;
}

/* ---- time ---- */

static struct sl_mono time_of(uint64_t ticks, const struct sl_capture_interface *i)
{
	uint64_t seconds = ticks / i->ticks, rest = ticks % i->ticks;
	uint64_t us = i->ticks > UINT64_MAX / MICROSECONDS ? rest / (i->ticks / MICROSECONDS)
	                                                   : rest * MICROSECONDS / i->ticks;
	int64_t all;
	if (seconds > INT64_MAX / MICROSECONDS / 2 || i->offset > INT64_MAX / MICROSECONDS / 2 ||
	    i->offset < -(INT64_MAX / MICROSECONDS / 2) ||
	    __builtin_add_overflow((int64_t)seconds, i->offset, &all))
		return (struct sl_mono){ 0 };
	return (struct sl_mono){ all * MICROSECONDS + (int64_t)us };
}

/* ---- pcap ---- */

static int open_pcap(struct sl_capture_file *f, uint32_t magic)
{
	f->long_records = magic == MAGIC_LONG;
	sl_cur_skip(&f->at, 4 + 4 + 4); /* version, time zone, accuracy */
	f->interface[0].snaplen = 0;    /* many writers put less there than their frames have */
	sl_cur_skip(&f->at, 4);
	f->interface[0].linktype = read_u32(f, &f->at) & LINKTYPE;
	f->interface[0].ticks = magic == MAGIC_NANO ? NANOSECONDS : MICROSECONDS;
	f->interfaces = 1;
	return f->at.err == SL_OK ? SL_OK : SL_EPROTO;
}

static int next_record(struct sl_capture_file *f, struct sl_capture_frame *out)
{
	const struct sl_capture_interface *i = &f->interface[0];
	if (!sl_cur_more(&f->at))
		return SL_ENOENT;
	uint64_t seconds = read_u32(f, &f->at);
	uint64_t fraction = read_u32(f, &f->at);
	size_t len = read_u32(f, &f->at);
	out->wire_len = read_u32(f, &f->at);
	sl_cur_skip(&f->at, f->long_records ? 8 : 0);
	out->linktype = i->linktype;
	out->at = time_of(seconds * i->ticks + fraction, i);
	out->bytes = sl_cur_bytes(&f->at, len);
	return f->at.err;
}

/* ---- pcapng ---- */

/* if_tsresol: a power of ten, or of two where the highest bit is set. */
static uint64_t ticks_of(uint8_t resolution)
{
	uint64_t ticks = 1;
	if ((resolution & 0x80) != 0)
		return (resolution & 0x7f) < 63 ? UINT64_C(1) << (resolution & 0x7f) : 0;
	for (; resolution > 0; resolution--)
		if (__builtin_mul_overflow(ticks, UINT64_C(10), &ticks))
			return 0;
	return ticks;
}

static void read_options(const struct sl_capture_file *f, struct sl_cur *c, struct sl_capture_interface *i)
{
	while (sl_cur_more(c)) {
		uint16_t option = read_u16(f, c);
		size_t len = read_u16(f, c);
		struct sl_cur value = sl_cur_block(c, len);
		sl_cur_skip(c, sl_min(c->left, (4 - len % 4) % 4));
		if (option == OPTION_END)
			return;
		if (option == OPTION_RESOLUTION && len == 1)
			i->ticks = ticks_of(sl_cur_u8(&value));
		if (option == OPTION_OFFSET && len == 8) {
			uint64_t first = read_u32(f, &value), second = read_u32(f, &value);
			i->offset = (int64_t)(f->swapped ? second << 32 | first : first << 32 | second);
		}
	}
}

/* A broken description leaves an interface without frames. */
static void read_interface(struct sl_capture_file *f, struct sl_cur *c)
{
	struct sl_capture_interface i = { .ticks = MICROSECONDS };
	i.linktype = read_u16(f, c);
	sl_cur_skip(c, 2);
	i.snaplen = read_u32(f, c);
	read_options(f, c, &i);
	if (c->err != SL_OK)
		i.ticks = 0;
	if (f->interfaces < SL_CAPTURE_INTERFACES)
		f->interface[f->interfaces++] = i;
}

static int read_section(struct sl_capture_file *f, struct sl_cur *c)
{
	uint32_t order = sl_cur_u32(c);
	f->swapped = order != MAGIC_ORDER;
	f->interfaces = 0;
	return c->err == SL_OK && (order == MAGIC_ORDER || order == __builtin_bswap32(MAGIC_ORDER))
	               ? SL_OK
	               : SL_EMALF;
}

static const struct sl_capture_interface *interface_of(const struct sl_capture_file *f, uint32_t number)
{
	return number < f->interfaces && f->interface[number].ticks != 0 ? &f->interface[number] : NULL;
}

/* Enhanced and old packet blocks differ in the width of the interface's number. SL_EPROTO: no frame of a known interface. */
static int read_packet(const struct sl_capture_file *f, struct sl_cur *c, bool old,
                       struct sl_capture_frame *out)
{
	uint32_t number = old ? read_u16(f, c) : read_u32(f, c);
	sl_cur_skip(c, old ? 2 : 0);
	uint64_t high = read_u32(f, c), low = read_u32(f, c);
	size_t len = read_u32(f, c);
	out->wire_len = read_u32(f, c);
	out->bytes = sl_cur_bytes(c, len);
	const struct sl_capture_interface *i = interface_of(f, number);
	if (c->err != SL_OK || i == NULL)
		return SL_EPROTO;
	out->linktype = i->linktype;
	out->at = time_of(high << 32 | low, i);
	return SL_OK;
}

static int read_simple(const struct sl_capture_file *f, struct sl_cur *c, struct sl_capture_frame *out)
{
	const struct sl_capture_interface *i = interface_of(f, 0);
	out->wire_len = read_u32(f, c);
	if (c->err != SL_OK || i == NULL)
		return SL_EPROTO;
	size_t len = i->snaplen > 0 ? sl_min(out->wire_len, i->snaplen) : out->wire_len;
	out->bytes = sl_cur_bytes(c, sl_min(len, c->left));
	out->linktype = i->linktype;
	out->at = (struct sl_mono){ 0 };
	return SL_OK;
}

/* The byte order of a section stands in it, before its length can be read. */
static int read_block(struct sl_capture_file *f, uint32_t *type, struct sl_cur *body)
{
	*type = read_u32(f, &f->at);
	uint32_t plain = f->swapped ? __builtin_bswap32(*type) : *type;
	struct sl_cur peek = f->at;
	sl_cur_skip(&peek, 4);
	if (plain == SECTION) { /* reads the same in both orders */
		*type = SECTION;
		int err = read_section(f, &peek);
		if (err != SL_OK)
			return err;
	}
	size_t len = read_u32(f, &f->at);
	if (f->at.err != SL_OK || len < 12 || len % 4 != 0)
		return SL_EMALF;
	*body = sl_cur_block(&f->at, len - 12);
	sl_cur_skip(&f->at, 4);
	return f->at.err;
}

static int next_block(struct sl_capture_file *f, struct sl_capture_frame *out)
{
	while (sl_cur_more(&f->at)) {
		struct sl_cur body;
		uint32_t type;
		int err = read_block(f, &type, &body);
		if (err != SL_OK)
			return err;
		err = SL_EPROTO;
		if (type == INTERFACE)
			read_interface(f, &body);
		else if (type == ENHANCED_PACKET || type == OLD_PACKET)
			err = read_packet(f, &body, type == OLD_PACKET, out);
		else if (type == SIMPLE_PACKET)
			err = read_simple(f, &body, out);
		if (err == SL_OK)
			return SL_OK;
	}
	return f->at.err != SL_OK ? f->at.err : SL_ENOENT;
}

/* ---- both ---- */

int sl_capture_file_open(struct sl_bytes file, struct sl_capture_file *out)
{
	static const uint32_t magics[] = { MAGIC_MICRO, MAGIC_NANO, MAGIC_LONG };
	*out = (struct sl_capture_file){ .at = sl_cur_whole(file) };
	struct sl_cur peek = out->at;
	uint32_t magic = sl_cur_u32(&peek);
	if (peek.err != SL_OK)
		return SL_EPROTO;
	if (magic == SECTION) {
		out->next_generation = true;
		sl_cur_skip(&peek, 4);
		return read_section(out, &peek) == SL_OK ? SL_OK : SL_EPROTO;
	}
	for (size_t i = 0; i < SL_COUNT(magics); i++) {
		out->swapped = magic == __builtin_bswap32(magics[i]);
		if (magic != magics[i] && !out->swapped)
			continue;
		sl_cur_skip(&out->at, 4);
		return open_pcap(out, magics[i]);
	}
	return SL_EPROTO;
}

int sl_capture_file_next(struct sl_capture_file *f, struct sl_capture_frame *out)
{
	struct sl_capture_frame frame = { 0 };
	int err = f->next_generation ? next_block(f, &frame) : next_record(f, &frame);
	if (err != SL_OK && err != SL_ENOENT) {
		f->at.left = 0;
		f->at.err = SL_OK;
		return SL_EMALF;
	}
	if (err == SL_OK)
		*out = frame;
	return err;
}
