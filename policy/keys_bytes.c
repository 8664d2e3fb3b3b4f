/* SPDX-License-Identifier: GPL-2.0-or-later */
/* keys_bytes.c - one key: its bytes, its parts, its hash. */
#include "base/cur.h"
#include "base/out.h"
#include "base/util.h"
#include "policy/keys_address.h"
#include "policy/keys_hash.h"

enum { PORT_TEXT = SL_KEY_PORT + 1 };

static struct sl_bytes strip_slash(struct sl_bytes path)
{
	bool slash = path.len > 0 && path.p[path.len - 1] == '/' && sl_bytes_find(path, '?') == path.len;
	return sl_bytes_first(path, slash ? path.len - 1 : path.len);
}

struct sl_key sl_key_of(const struct sl_host *host, uint16_t port, struct sl_bytes path)
{
	return (struct sl_key){ sl_bytes_of(host->name, host->len), strip_slash(path), port, host->address };
}

struct sl_key sl_key_of_prefix(bool v6, const uint8_t *addr, uint8_t len, char text[SL_KEY_PREFIX_MAX + 1])
{
	uint8_t masked[SL_KEY_V6];
	sl_key_address_mask(v6, addr, len, masked);
	size_t n = sl_key_address_write(v6, masked, text);
	struct sl_out path = sl_out_of(&text[n], SL_KEY_PREFIX_MAX + 1 - n);
	if (len < (v6 ? 128 : 32))
		sl_out_fmt(&path, "/%u", len);
	return (struct sl_key){ sl_bytes_of(text, n), sl_bytes_of(&text[n], path.len), 0, true };
}

/* What stands between host and path: "]", ":", the port. */
static struct sl_bytes port_text(const struct sl_key *key, bool v6, char text[PORT_TEXT])
{
	struct sl_out o = sl_out_of(text, PORT_TEXT);
	if (key->port != 0)
		sl_out_fmt(&o, v6 ? "]:%u" : ":%u", key->port);
	return sl_bytes_of(text, o.len);
}

size_t sl_key_write(const struct sl_key *key, char out[SL_KEY_MAX])
{
	char text[PORT_TEXT];
	bool v6 = key->address && sl_key_is_v6(key->host);
	struct sl_bytes port = port_text(key, v6, text);
	struct sl_out o = sl_out_of(out, SL_KEY_MAX);
	if (v6 && port.len > 0)
		sl_out_u8(&o, '[');
	sl_out_bytes(&o, key->host.p, key->host.len);
	sl_out_bytes(&o, port.p, port.len);
	sl_out_bytes(&o, key->path.p, key->path.len);
	return o.len;
}

static bool accept(struct sl_bytes *in, struct sl_bytes want)
{
	bool same = sl_bytes_equal(sl_bytes_first(*in, want.len), want);
	*in = sl_bytes_skip(*in, want.len);
	return same;
}

bool sl_key_equal(const struct sl_key *key, struct sl_bytes bytes)
{
	char text[PORT_TEXT];
	if (bytes.p == NULL)
		return false;
	if (SL_LIKELY(key->port == 0))
		return bytes.len == key->host.len + key->path.len && accept(&bytes, key->host) &&
		       accept(&bytes, key->path);
	bool v6 = key->address && sl_key_is_v6(key->host);
	struct sl_bytes port = port_text(key, v6, text);
	return (!v6 || accept(&bytes, SL_BYTES_LIT("["))) && accept(&bytes, key->host) &&
	       accept(&bytes, port) && sl_bytes_equal(bytes, key->path);
}

/* One to five digits, no leading zero, at most 65535. */
static int read_port(struct sl_bytes text, uint16_t *port)
{
	unsigned value = 0;
	if (text.len == 0 || text.len > 5 || text.p[0] == '0')
		return SL_EMALF;
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return SL_EMALF;
		value = value * 10 + (text.p[i] - '0');
	}
	*port = (uint16_t)value;
	return value > UINT16_MAX ? SL_EMALF : SL_OK;
}

/* A canonical name never ends in a number (host.c reads it as an address then) and never has a colon. */
static bool is_address(struct sl_bytes host)
{
	size_t n = host.len;
	while (n > 0 && host.p[n - 1] >= '0' && host.p[n - 1] <= '9')
		n--;
	return (n < host.len && n > 0 && host.p[n - 1] == '.') || sl_key_is_v6(host);
}

static int read_head(struct sl_bytes head, struct sl_key *key)
{
	size_t colon = sl_bytes_find(head, ':');
	bool bracket = head.len > 0 && head.p[0] == '[';
	struct sl_bytes port = sl_bytes_skip(head, colon + 1);
	if (bracket) {
		head = sl_bytes_skip(head, 1);
		size_t close = sl_bytes_find(head, ']');
		if (close + 1 >= head.len || head.p[close + 1] != ':')
			return SL_EMALF;
		port = sl_bytes_skip(head, close + 2);
		key->host = sl_bytes_first(head, close);
		return sl_key_is_v6(key->host) ? read_port(port, &key->port) : SL_EMALF;
	}
	bool named = colon < head.len && !sl_key_is_v6(port);
	key->host = named ? sl_bytes_first(head, colon) : head;
	return named ? read_port(port, &key->port) : SL_OK;
}

int sl_key_read(struct sl_bytes bytes, struct sl_key *out)
{
	struct sl_key key = { .port = 0 };
	size_t slash = sl_bytes_find(bytes, '/');
	int err = read_head(sl_bytes_first(bytes, slash), &key);
	key.path = sl_bytes_skip(bytes, slash);
	if (err != SL_OK)
		return err;
	if (key.host.len == 0 || key.host.len > SL_HOST_MAX || key.path.len > SL_PATH_MAX)
		return SL_EMALF;
	if (strip_slash(key.path).len != key.path.len)
		return SL_EMALF;
	key.address = is_address(key.host);
	*out = key;
	return SL_OK;
}

static uint64_t hash_host(const struct sl_key *key, uint64_t seed)
{
	uint8_t addr[SL_KEY_V6];
	if (SL_LIKELY(!key->address))
		return sl_keys_hash_host(key->host, seed);
	return sl_keys_hash_address(sl_key_address_read(key->host, addr) == SL_KEY_V6, addr, seed);
}

uint64_t sl_key_hash(const struct sl_key *key, uint64_t seed)
{
	uint64_t hash = hash_host(key, seed);
	if (key->port != 0)
		hash = sl_keys_with_port(hash, key->port);
	return key->path.len == 0 ? hash : sl_keys_with_path(hash, sl_keys_hash_path(key->path, seed));
}

static uint64_t hash_length(uint8_t len, uint64_t seed)
{
	char text[] = "/000";
	struct sl_out o = sl_out_of(&text[1], 3);
	if (len >= 100)
		sl_out_u8(&o, (uint8_t)('0' + len / 100));
	if (len >= 10)
		sl_out_u8(&o, (uint8_t)('0' + len / 10 % 10));
	sl_out_u8(&o, (uint8_t)('0' + len % 10));
	return sl_keys_hash_path(sl_bytes_of(text, 1 + o.len), seed);
}

uint64_t sl_key_hash_prefix(bool v6, const uint8_t *addr, uint8_t len, uint64_t seed)
{
	uint8_t masked[SL_KEY_V6];
	sl_key_address_mask(v6, addr, len, masked);
	uint64_t hash = sl_keys_hash_address(v6, masked, seed);
	return len >= (v6 ? 128 : 32) ? hash : sl_keys_with_path(hash, hash_length(len, seed));
}

static unsigned count(struct sl_bytes text, uint8_t c)
{
	unsigned n = 0;
	for (size_t i = 0; i < text.len; i++)
		n += text.p[i] == c;
	return n;
}

unsigned sl_key_segments(struct sl_bytes path)
{
	return count(sl_bytes_first(path, sl_bytes_find(path, '?')), '/');
}

unsigned sl_key_labels(struct sl_bytes host)
{
	return host.len == 0 ? 0 : 1 + count(host, '.');
}
