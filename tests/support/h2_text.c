/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/support/h2_text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { PADDING = 7 };

struct frame {
	uint8_t type, flags;
	uint32_t stream;
	bool open;
	uint8_t mem[65536];
	struct sl_out payload;
};

/* An integer with a prefix of `bits` (RFC 7541 §5.1). */
static void put_integer(struct sl_out *o, uint8_t first, unsigned bits, size_t n)
{
	size_t max = ((size_t)1 << bits) - 1;
	sl_out_u8(o, (uint8_t)(first | sl_min(n, max)));
	if (n < max)
		return;
	for (n -= max; n >= 128; n >>= 7)
		sl_out_u8(o, (uint8_t)(n | 128));
	sl_out_u8(o, (uint8_t)n);
}

static void put_string(struct sl_out *o, const char *text, size_t len)
{
	put_integer(o, 0, 7, len);
	for (size_t i = 0; i < len; i++)
		sl_out_u8(o, text[i] == '_' ? ' ' : (uint8_t)text[i]);
}

static void put_field(struct sl_out *o, uint8_t first, const char *text)
{
	const char *equals = strchr(text, '=');
	if (equals == NULL)
		abort();
	sl_out_u8(o, first);
	put_string(o, text, (size_t)(equals - text));
	put_string(o, equals + 1, strlen(equals + 1));
}

static void put_hex(struct sl_out *o, const char *hex)
{
	for (; hex[0] != '\0' && hex[1] != '\0'; hex += 2) {
		const char byte[3] = { hex[0], hex[1], '\0' };
		sl_out_u8(o, (uint8_t)strtoul(byte, NULL, 16));
	}
}

static void end_frame(struct frame *f, struct sl_out *to)
{
	bool padded = (f->flags & 8) != 0;
	size_t len = f->payload.len + (padded ? PADDING : 0);
	if (f->payload.overflow)
		abort();
	if (!f->open)
		return;
	sl_out_u8(to, (uint8_t)(len >> 16));
	sl_out_u16(to, (uint16_t)len);
	sl_out_u8(to, f->type);
	sl_out_u8(to, f->flags);
	sl_out_u32(to, f->stream);
	sl_out_bytes(to, f->payload.p, f->payload.len);
	for (int i = 0; i < PADDING && padded; i++)
		sl_out_u8(to, 0);
	f->open = false;
}

static void begin_frame(struct frame *f, const char *token)
{
	static const char types[] = "DHORSUPGWC";
	const char *type = strchr(types, token[0]);
	char *flag;
	bool priority = false, too_much = false;
	f->type = token[0] == 'X' ? 0xfa : (uint8_t)(type - types);
	f->stream = (uint32_t)strtoul(token + 1, &flag, 10);
	f->payload = sl_out_of(f->mem, sizeof(f->mem));
	f->flags = 0;
	f->open = true;
	for (; *flag != '\0'; flag++) {
		f->flags |= *flag == 'e' ? 4 : *flag == 's' ? 1 : *flag == 'r' ? 0x20 : 8;
		priority = priority || *flag == 'r';
		too_much = too_much || *flag == 'P';
	}
	if ((f->flags & 8) != 0)
		sl_out_u8(&f->payload, too_much ? 255 : PADDING);
	if (priority)
		sl_out_bytes(&f->payload, "\0\0\0\0\x10", 5);
}

static void put_token(struct frame *f, const char *token, struct sl_out *to)
{
	if (strcmp(token, "PRI") == 0) {
		end_frame(f, to);
		sl_out_str(to, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	} else if (strchr("HCDSPWRGOUX", token[0]) != NULL) {
		end_frame(f, to);
		begin_frame(f, token);
	} else if (!f->open) {
		abort();
	} else if (token[0] == '#') {
		put_integer(&f->payload, 0x80, 7, strtoul(token + 1, NULL, 10));
	} else if (token[0] == '^') {
		put_integer(&f->payload, 0x20, 5, strtoul(token + 1, NULL, 10));
	} else if (token[0] == '!') {
		put_hex(&f->payload, token + 1);
	} else if (isdigit((unsigned char)token[0])) {
		for (size_t n = strtoul(token, NULL, 10); n > 0; n--)
			sl_out_u8(&f->payload, 0);
	} else {
		put_field(&f->payload, token[0] == '+' ? 0x40 : 0, token + (token[0] == '+'));
	}
}

void h2_text(const char *text, struct sl_out *to)
{
	static struct frame f;
	char token[8192];
	f.open = false;
	f.payload = sl_out_of(f.mem, sizeof(f.mem));
	while (*text != '\0') {
		size_t n = strcspn(text, " ");
		if (n >= sizeof(token))
			abort();
		memcpy(token, text, n);
		token[n] = '\0';
		if (n > 0)
			put_token(&f, token, to);
		text += n + (text[n] == ' ');
	}
	end_frame(&f, to);
	if (to->overflow)
		abort();
}
