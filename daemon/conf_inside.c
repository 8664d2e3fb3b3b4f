/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/conf_inside.h"

#include <arpa/inet.h>

#include "base/err.h"

static unsigned bits_of(uint8_t family)
{
	return family == 4 ? 32 : 128;
}

/* Interfaces have letters; nothing but digits, dots and a slash is meant as an address. */
static bool is_address(struct sl_bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] == ':' || text.p[i] == '/')
			return true;
	for (size_t i = 0; i < text.len; i++)
		if ((text.p[i] < '0' || text.p[i] > '9') && text.p[i] != '.')
			return false;
	return true;
}

static void clear_host_bits(struct sl_inside *in)
{
	for (unsigned bit = in->prefix; bit < bits_of(in->family); bit++)
		in->addr[bit / 8] &= (uint8_t) ~(0x80U >> bit % 8);
}

static int read_length(struct sl_bytes text, struct sl_inside *out, char *why)
{
	unsigned v = 0;
	bool ok = text.len > 0 && text.len <= 3 && (text.len == 1 || text.p[0] != '0');
	for (size_t i = 0; ok && i < text.len; i++) {
		ok = text.p[i] >= '0' && text.p[i] <= '9';
		v = v * 10 + (unsigned)(text.p[i] - '0');
	}
	if (!ok || v > bits_of(out->family)) {
		(void)snprintf(why, SL_CONF_WHY_MAX,
		               "the length of a prefix of IPv%u is a number from 0 to %u",
		               (unsigned)out->family, bits_of(out->family));
		return SL_EMALF;
	}
	out->prefix = (uint8_t)v;
	return SL_OK;
}

static int refuse_host_bits(const struct sl_inside *in, char *why)
{
	char whole[SL_INSIDE_TEXT_MAX], one[SL_INSIDE_TEXT_MAX];
	struct sl_inside cleared = *in, single = *in;
	clear_host_bits(&cleared);
	if (memcmp(&cleared, in, sizeof(cleared)) == 0)
		return SL_OK;
	single.prefix = (uint8_t)bits_of(in->family);
	(void)snprintf(why, SL_CONF_WHY_MAX,
	               "the address has bits beyond its prefix: write %s, or %s for that one address",
	               sl_conf_inside_text(&cleared, whole), sl_conf_inside_text(&single, one));
	return SL_EMALF;
}

static int read_prefix(struct sl_bytes text, struct sl_inside *out, char *why)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff }; /* RFC 4291 §2.5.5.2 */
	struct sl_bytes address = sl_bytes_first(text, sl_bytes_find(text, '/'));
	char buf[INET6_ADDRSTRLEN];
	if (address.len == 0 || address.len >= sizeof(buf))
		return SL_EMALF;
	memcpy(buf, address.p, address.len);
	buf[address.len] = '\0';
	out->family = sl_bytes_find(address, ':') < address.len ? 6 : 4;
	out->prefix = (uint8_t)bits_of(out->family);
	if (inet_pton(out->family == 4 ? AF_INET : AF_INET6, buf, out->addr) != 1)
		return SL_EMALF;
	if (out->family == 6 && memcmp(out->addr, mapped, sizeof(mapped)) == 0) {
		(void)snprintf(why, SL_CONF_WHY_MAX,
		               "no packet carries an IPv4-mapped address: write it as IPv4");
		return SL_EMALF;
	}
	if (address.len < text.len && read_length(sl_bytes_skip(text, address.len + 1), out, why) != SL_OK)
		return SL_EMALF;
	return refuse_host_bits(out, why);
}

/* Narrower than the kernel, which takes nearly every byte: these names stand in rules as they are. */
static bool good_name(struct sl_bytes text)
{
	bool plus = text.len > 1 && text.p[text.len - 1] == '+';
	for (size_t i = 0; i < text.len - plus; i++) {
		uint8_t c = text.p[i], l = sl_ascii_lower(c);
		if ((l < 'a' || l > 'z') && (c < '0' || c > '9') && c != '_' && c != '.' && c != '-' &&
		    c != '@')
			return false;
	}
	return text.len > 0 && text.p[0] != '-';
}

static int read_interface(struct sl_bytes text, struct sl_inside *out, char *why)
{
	if (text.len >= IFNAMSIZ) {
		(void)snprintf(why, SL_CONF_WHY_MAX, "the name of an interface has at most %d bytes",
		               IFNAMSIZ - 1);
		return SL_EMALF;
	}
	if (text.len > 0 && text.p[text.len - 1] == '*') {
		(void)snprintf(why, SL_CONF_WHY_MAX,
		               "every interface that begins so is written with a +: lan+");
		return SL_EMALF;
	}
	if (sl_bytes_equal(text, SL_BYTES_LIT("lo"))) {
		(void)snprintf(why, SL_CONF_WHY_MAX, "loopback is never judged");
		return SL_EMALF;
	}
	if (!good_name(text) || sl_bytes_equal(text, SL_BYTES_LIT("..")))
		return SL_EMALF;
	memcpy(out->ifname, text.p, text.len);
	return SL_OK;
}

int sl_conf_inside_read(const char *text, struct sl_inside *out, char why[SL_CONF_WHY_MAX])
{
	struct sl_bytes all = sl_bytes_str(text);
	memset(out, 0, sizeof(*out));
	why[0] = '\0';
	return is_address(all) ? read_prefix(all, out, why) : read_interface(all, out, why);
}

const char *sl_conf_inside_text(const struct sl_inside *inside, char out[SL_INSIDE_TEXT_MAX])
{
	char address[INET6_ADDRSTRLEN] = "";
	if (inside->family == 0) {
		(void)snprintf(out, SL_INSIDE_TEXT_MAX, "%s", inside->ifname);
		return out;
	}
	(void)inet_ntop(inside->family == 4 ? AF_INET : AF_INET6, inside->addr, address, sizeof(address));
	(void)snprintf(out, SL_INSIDE_TEXT_MAX, "%s/%u", address, (unsigned)inside->prefix);
	return out;
}
