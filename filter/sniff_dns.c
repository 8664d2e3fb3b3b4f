/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/sniff_dns.h"

#include "base/out.h"
#include "base/util.h"

enum {
	HEADER = 12,
	QUESTION_MIN = 5, /* the root, a type, a class */
	RECORD_MIN = 11,
	WIRE_NAME_MAX = 255, /* RFC 1035 §2.3.4 */
	LABEL_MAX = 63,
	POINTER = 0xc0,
	OPCODE_DSO = 6, /* the last one assigned (RFC 8490) */
};

int sl_dns_open(struct sl_bytes message, struct sl_dns *out)
{
	struct sl_cur c = sl_cur_whole(message);
	struct sl_dns d = { .message = message };
	d.id = sl_cur_u16(&c);
	uint16_t flags = sl_cur_u16(&c);
	d.response = flags >> 15 != 0;
	d.opcode = flags >> 11 & 15;
	d.rcode = flags & 15;
	d.questions = sl_cur_u16(&c);
	d.answers = sl_cur_u16(&c);
	size_t others = (size_t)sl_cur_u16(&c) + sl_cur_u16(&c);
	size_t least = (size_t)d.questions * QUESTION_MIN + (d.answers + others) * RECORD_MIN;
	bool asks = d.response || d.questions > 0 || d.opcode == OPCODE_DSO;
	if (c.err != SL_OK || d.opcode > OPCODE_DSO || least > c.left || !asks)
		return SL_EPROTO;
	d.at = c;
	*out = d;
	return SL_OK;
}

static void put_label(struct sl_out *o, struct sl_bytes label)
{
	if (o->len > 0)
		sl_out_u8(o, '.');
	for (size_t i = 0; i < label.len; i++) {
		uint8_t b = label.p[i];
		if (b == '.' || b == '\\')
			sl_out_u8(o, '\\');
		if (b > ' ' && b < 0x7f)
			sl_out_u8(o, b);
		else
			sl_out_fmt(o, "\\%03u", b);
	}
}

/* Goes on where a pointer leads: to what stands before everything read so far, so that it ends. */
static int follow(const struct sl_dns *d, struct sl_cur *c, uint8_t high, size_t *limit)
{
	size_t to = (size_t)(high & ~POINTER) << 8 | sl_cur_u8(c);
	if (c->err != SL_OK || to >= *limit || to < HEADER)
		return SL_EMALF;
	*limit = to;
	*c = sl_cur_whole(sl_bytes_skip(d->message, to));
	return SL_OK;
}

/* Reads a name at d->at, which stands behind it afterwards. */
static int read_name(struct sl_dns *d, struct sl_dns_name *name)
{
	struct sl_out o = sl_out_of(name->text, SL_DNS_NAME_MAX);
	struct sl_cur c = d->at;
	size_t limit = d->message.len - d->at.left, wire = 0;
	bool jumped = false;
	while (true) {
		uint8_t n = sl_cur_u8(&c);
		if (n > LABEL_MAX && (n & POINTER) != POINTER)
			return SL_EMALF;
		if (n > LABEL_MAX) {
			struct sl_cur from = c;
			int err = follow(d, &c, n, &limit);
			if (err != SL_OK)
				return err;
			sl_cur_skip(&from, 1);
			if (!jumped)
				d->at = from;
			jumped = true;
			continue;
		}
		struct sl_bytes label = sl_cur_bytes(&c, n);
		wire += n + 1U;
		if (c.err != SL_OK || wire > WIRE_NAME_MAX)
			return SL_EMALF;
		if (n == 0)
			break;
		put_label(&o, label);
	}
	if (!jumped)
		d->at = c;
	if (o.overflow)
		return SL_EMALF;
	name->len = (uint16_t)o.len;
	name->text[o.len] = '\0';
	return SL_OK;
}

int sl_dns_question(struct sl_dns *d, struct sl_dns_name *name, uint16_t *type)
{
	int err = read_name(d, name);
	uint16_t asked = sl_cur_u16(&d->at);
	sl_cur_skip(&d->at, 2);
	d->questions--;
	if (err != SL_OK || d->at.err != SL_OK)
		return SL_EMALF;
	*type = asked;
	return SL_OK;
}

int sl_dns_answer(struct sl_dns *d, struct sl_dns_record *out)
{
	uint16_t type;
	while (d->questions > 0)
		if (sl_dns_question(d, &out->name, &type) != SL_OK)
			return SL_EMALF;
	int err = read_name(d, &out->name);
	out->type = sl_cur_u16(&d->at);
	out->class = sl_cur_u16(&d->at);
	out->ttl = sl_cur_u32(&d->at);
	out->data = sl_cur_bytes(&d->at, sl_cur_u16(&d->at));
	d->answers--;
	if (out->ttl > INT32_MAX)
		out->ttl = 0;
	return err != SL_OK || d->at.err != SL_OK ? SL_EMALF : SL_OK;
}
