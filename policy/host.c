/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/host.h"

#include <idn2.h>

#include "base/cur.h"
#include "base/util.h"
#include "policy/address.h"

enum { LABEL_MAX = 63, RAW_MAX = 1024 }; /* the longest U-label form: 253 characters of up to four bytes */
enum { NAME = 0x01, UPPER = 0x20 };      /* UPPER is also the bit that makes it lower */

/* All of ASCII but WHATWG's forbidden domain code points and "*". Clients look up names with the odd ones, and below a
 * wildcard in the DNS they exist; were they no names here, they would be a way round every list. */
static const uint8_t class_of[256] = {
	['!' ... '"'] = NAME, ['$'] = NAME,         ['&' ... ')'] = NAME, ['+' ... '.'] = NAME,
	['0' ... '9'] = NAME, [';'] = NAME,         ['='] = NAME,         ['A' ... 'Z'] = NAME | UPPER,
	['_' ... '{'] = NAME, ['}' ... '~'] = NAME,
};

static void put_address(struct sl_host *out, const char *text, size_t len)
{
	memcpy(out->name, text, len);
	out->name[len] = '\0';
	out->len = (uint8_t)len;
	out->address = true;
}

static int fold_v4(struct sl_host *out)
{
	char text[SL_ADDRESS_MAX + 1];
	size_t len = sl_address_v4(sl_bytes_of(out->name, out->len), text);
	if (len == 0)
		return SL_EMALF; /* "1.2.3.999": no client takes it for a name */
	put_address(out, text, len);
	return SL_OK;
}

/* A name of plain ASCII: one pass, no allocation. host/fold */
static int fold(struct sl_bytes in, struct sl_host *out)
{
	size_t n = in.len, label = 0;
	if (n > 0 && in.p[n - 1] == '.')
		n--;
	if (n == 0 || n > SL_HOST_MAX)
		return SL_EMALF;
	for (size_t i = 0; i < n; i++) {
		uint8_t c = in.p[i], class = class_of[c];
		if (class == 0)
			return SL_EMALF;
		out->name[i] = (char)(c | (class & UPPER));
		if (c != '.')
			continue;
		if (i == label || i - label > LABEL_MAX)
			return SL_EMALF;
		label = i + 1;
	}
	if (n == label || n - label > LABEL_MAX)
		return SL_EMALF;
	out->name[n] = '\0';
	out->len = (uint8_t)n;
	out->address = false;
	bool number = out->name[label] >= '0' && out->name[label] <= '9' &&
	              sl_address_number(sl_bytes_of(&out->name[label], n - label));
	return number ? fold_v4(out) : SL_OK;
}

static int fold_v6(struct sl_bytes in, struct sl_host *out)
{
	char text[SL_ADDRESS_MAX + 1];
	bool open = in.p[0] == '[', close = in.p[in.len - 1] == ']';
	if (open != close || in.len < 2)
		return SL_EMALF;
	if (open)
		in = sl_bytes_first(sl_bytes_skip(in, 1), in.len - 2);
	size_t len = sl_address_v6(in, text);
	if (len == 0)
		return SL_EMALF;
	put_address(out, text, len);
	return SL_OK;
}

static int hex(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = sl_ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Escapes are decoded once (RFC 3986 §3.2.2): what is still a "%" then is no part of a name. */
static int unescape(struct sl_bytes in, uint8_t raw[RAW_MAX + 1], size_t *len, bool *ascii)
{
	struct sl_cur c = sl_cur_whole(in);
	*len = 0;
	*ascii = true;
	while (sl_cur_more(&c)) {
		uint8_t byte = sl_cur_u8(&c);
		if (byte == '%') {
			int high = hex(sl_cur_u8(&c)), low = hex(sl_cur_u8(&c));
			if (high < 0 || low < 0)
				return SL_EMALF;
			byte = (uint8_t)(high << 4 | low);
		}
		if (byte == '\0' || byte == '%' || *len == RAW_MAX)
			return SL_EMALF;
		raw[(*len)++] = byte;
		*ascii = *ascii && byte < 0x80;
	}
	raw[*len] = '\0';
	return c.err;
}

/* U-labels to A-labels (UTS #46, non-transitional). What libidn2 refuses, no client can look up. */
static int fold_idn(const uint8_t *raw, struct sl_host *out)
{
	uint8_t *ascii = NULL;
	if (idn2_lookup_u8(raw, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
		return SL_EMALF;
	int err = fold(sl_bytes_str((const char *)ascii), out);
	idn2_free(ascii);
	return err;
}

const char *sl_host_idna(void)
{
	return idn2_check_version(NULL);
}

/* All that is not plain ASCII. */
static int fold_rare(struct sl_bytes in, struct sl_host *out)
{
	uint8_t raw[RAW_MAX + 1];
	size_t len = 0;
	bool ascii = true;
	if (in.len == 0)
		return SL_EMALF;
	if (sl_bytes_find(in, ':') < in.len || in.p[0] == '[')
		return fold_v6(in, out);
	int err = unescape(in, raw, &len, &ascii);
	if (err == SL_OK)
		err = ascii ? fold(sl_bytes_of(raw, len), out) : fold_idn(raw, out);
	return err;
}

int sl_host_canon(struct sl_bytes in, struct sl_host *out)
{
	int err = fold(in, out);
	if (SL_UNLIKELY(err != SL_OK))
		err = fold_rare(in, out);
	if (err != SL_OK) {
		out->len = 0;
		out->address = false;
		out->name[0] = '\0';
	}
	return err;
}

struct sl_bytes sl_host_parent(struct sl_bytes host)
{
	size_t dot = sl_bytes_find(host, '.');
	return dot == host.len ? (struct sl_bytes){ NULL, 0 } : sl_bytes_skip(host, dot + 1);
}
