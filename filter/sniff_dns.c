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
	POINTERS_MAX = 127, /* labels of the longest name: more pointers lead to pointers only */
	POINTER = 0xc0,
	CLASS_IN = 1,
	OPCODE_DSO = 6, /* the last one assigned (RFC 8490) */
};

/* len: bytes of the message, of which c may hold a part. */
static int read_header(struct sl_cur *c, size_t len, struct sl_dns *d)
{
	d->id = sl_cur_u16(c);
	uint16_t flags = sl_cur_u16(c);
	d->response = flags >> 15 != 0;
	d->opcode = flags >> 11 & 15;
	d->rcode = flags & 15;
	d->questions = sl_cur_u16(c);
	d->answers = sl_cur_u16(c);
	size_t others = (size_t)sl_cur_u16(c) + sl_cur_u16(c);
	size_t least = HEADER + (size_t)d->questions * QUESTION_MIN + (d->answers + others) * RECORD_MIN;
	bool asks = d->response || d->questions > 0 || d->opcode == OPCODE_DSO;
	if (c->err != SL_OK)
		return c->err;
	return d->opcode <= OPCODE_DSO && least <= len && asks ? SL_OK : SL_EPROTO;
}

int sl_dns_open(struct sl_bytes message, struct sl_dns *out)
{
	struct sl_cur c = sl_cur_whole(message);
	struct sl_dns d = { .message = message };
	if (read_header(&c, message.len, &d) != SL_OK)
		return SL_EPROTO;
	d.at = c;
	*out = d;
	return SL_OK;
}

int sl_dns_stream_read(struct sl_bytes stream, struct sl_bytes *message, size_t *taken)
{
	struct sl_cur c = sl_cur_stream(stream), at;
	struct sl_dns d = { 0 };
	size_t len = sl_cur_u16(&c);
	at = c;
	int err = read_header(&c, len, &d);
	if (err != SL_OK)
		return err;
	struct sl_bytes all = sl_cur_bytes(&at, len);
	if (at.err != SL_OK)
		return at.err;
	*message = all;
	*taken = stream.len - at.left;
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
	unsigned jumps = 0;
	while (true) {
		uint8_t n = sl_cur_u8(&c);
		if (n > LABEL_MAX && (n & POINTER) != POINTER)
			return SL_EMALF;
		if (n > LABEL_MAX) {
			struct sl_cur from = c;
			int err = follow(d, &c, n, &limit);
			if (err != SL_OK || jumps == POINTERS_MAX)
				return SL_EMALF;
			sl_cur_skip(&from, 1);
			if (jumps++ == 0)
				d->at = from;
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
	if (jumps == 0)
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

int sl_dns_lookup(struct sl_dns *d, struct sl_dns_lookup *out)
{
	if (!d->response || d->opcode != 0 || d->rcode != 0 || d->questions != 1)
		return SL_EPROTO;
	int err = sl_dns_question(d, &out->asked, &out->type);
	out->alias = out->asked;
	out->ttl = INT32_MAX;
	d->answers = (uint16_t)sl_min(d->answers, SL_DNS_LOOKUP_MAX);
	return err;
}

static bool is_alias(const struct sl_dns_lookup *lookup, const struct sl_dns_record *r)
{
	return r->class == CLASS_IN &&
	       sl_bytes_equal_nocase(sl_bytes_of(r->name.text, r->name.len),
	                             sl_bytes_of(lookup->alias.text, lookup->alias.len));
}

/* The name is all that the record holds, but it may lead to any place before. */
static int follow_alias(const struct sl_dns *d, const struct sl_dns_record *r, struct sl_dns_lookup *lookup)
{
	struct sl_dns in = { .message = sl_bytes_first(d->message, d->message.len - d->at.left) };
	in.at = sl_cur_whole(r->data);
	int err = read_name(&in, &lookup->alias);
	return err != SL_OK || in.at.left > 0 ? SL_EMALF : SL_OK;
}

static int take_address(const struct sl_dns_record *r, uint32_t ttl, struct sl_dns_address *out)
{
	*out = (struct sl_dns_address){ .family = r->type == SL_DNS_A ? 4 : 6 };
	if (r->data.len != (r->type == SL_DNS_A ? 4 : sizeof(out->addr)))
		return SL_EMALF;
	memcpy(out->addr, r->data.p, r->data.len);
	out->ttl = (uint32_t)sl_min(ttl, r->ttl);
	return SL_OK;
}

int sl_dns_lookup_next(struct sl_dns *d, struct sl_dns_lookup *lookup, struct sl_dns_address *out)
{
	struct sl_dns_record r;
	while (d->answers > 0) {
		int err = sl_dns_answer(d, &r);
		if (err == SL_OK && !is_alias(lookup, &r))
			continue;
		if (err == SL_OK && (r.type == SL_DNS_A || r.type == SL_DNS_AAAA))
			return take_address(&r, lookup->ttl, out);
		if (err == SL_OK && r.type == SL_DNS_CNAME) {
			lookup->ttl = (uint32_t)sl_min(lookup->ttl, r.ttl);
			err = follow_alias(d, &r, lookup);
		}
		if (err != SL_OK)
			return err;
	}
	return SL_ENOENT;
}

/* Of all records that the head counts. */
static bool ends_with_records(struct sl_dns *d, size_t records)
{
	struct sl_dns_record r;
	d->answers = 0;
	for (; records > 0; records--) {
		d->answers = 1;
		if (sl_dns_answer(d, &r) != SL_OK)
			return false;
	}
	return d->at.left == 0;
}

bool sl_dns_is_plain(struct sl_bytes message)
{
	struct sl_dns d;
	struct sl_dns_name name;
	struct sl_cur counts = sl_cur_whole(sl_bytes_skip(message, 6));
	size_t records = sl_cur_u16(&counts);
	records += sl_cur_u16(&counts);
	records += sl_cur_u16(&counts);
	uint16_t type = 0;
	if (sl_dns_open(message, &d) != SL_OK || d.opcode != 0 || d.questions != 1)
		return false;
	if (sl_dns_question(&d, &name, &type) != SL_OK || strchr(name.text, '.') == NULL || type == 0)
		return false;
	struct sl_cur class = sl_cur_whole(sl_bytes_skip(message, message.len - d.at.left - 2));
	return sl_cur_u16(&class) == CLASS_IN && ends_with_records(&d, records);
}
