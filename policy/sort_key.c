/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/sort_key.h"

#include "base/cur.h"
#include "base/out.h"

static size_t put_labels(struct sl_bytes host, uint8_t *out)
{
	size_t end = host.len, n = 0;
	for (size_t i = host.len; i-- > 0;) {
		if (host.p[i] != '.')
			continue;
		memcpy(out + n, host.p + i + 1, end - i - 1);
		n += end - i - 1;
		out[n++] = SL_SORT_LABEL;
		end = i;
	}
	memcpy(out + n, host.p, end);
	return n + end;
}

static size_t put_port(uint16_t port, uint8_t *out)
{
	uint8_t digit[5];
	size_t n = 0, len = 0;
	for (; port > 0; port /= 10)
		digit[n++] = (uint8_t)('0' + port % 10);
	out[len++] = SL_SORT_PORT;
	while (n > 0)
		out[len++] = digit[--n];
	return len;
}

size_t sl_sort_write(const struct sl_key *key, uint8_t out[SL_SORT_MAX])
{
	size_t n = key->host.len;
	if (key->address)
		memcpy(out, key->host.p, n);
	else
		n = put_labels(key->host, out);
	if (key->port != 0)
		n += put_port(key->port, out + n);
	if (key->path.len > 0) {
		if (key->port == 0 && key->path.p[0] != '/')
			out[n++] = SL_SORT_TAIL;
		memcpy(out + n, key->path.p, key->path.len);
		if (key->port == 0 && key->path.p[0] == '/')
			out[n] = SL_SORT_PATH; /* in the place of the slash */
		n += key->path.len;
	}
	return n;
}

/* Writes the host of a form without marks of path and port; it takes as many bytes as the form. */
static void put_host(struct sl_bytes form, uint8_t *text, struct sl_key *out)
{
	size_t at = form.len;
	out->host = sl_bytes_of(text, form.len);
	out->address = sl_bytes_find(form, '.') < form.len || sl_bytes_find(form, ':') < form.len;
	if (out->address) {
		memcpy(text, form.p, form.len);
		return;
	}
	for (struct sl_bytes rest = form;;) {
		size_t n = sl_bytes_find(rest, SL_SORT_LABEL);
		at -= n;
		memcpy(text + at, rest.p, n);
		if (n == rest.len)
			return;
		text[--at] = '.';
		rest = sl_bytes_skip(rest, n + 1);
	}
}

static int read_port(struct sl_bytes digits, uint16_t *port)
{
	uint32_t value = 0;
	if (digits.len == 0 || digits.len > 5)
		return SL_EMALF;
	for (size_t i = 0; i < digits.len; i++) {
		if (digits.p[i] < '0' || digits.p[i] > '9')
			return SL_EMALF;
		value = value * 10 + digits.p[i] - '0';
	}
	*port = (uint16_t)value;
	return value == 0 || value > UINT16_MAX || digits.p[0] == '0' ? SL_EMALF : SL_OK;
}

static size_t find_tail(struct sl_bytes sorted)
{
	size_t n = 0;
	while (n < sorted.len && (sorted.p[n] < SL_SORT_PATH || sorted.p[n] > SL_SORT_TAIL))
		n++;
	return n;
}

/* Digits end where a path begins, or a tail that is none. */
static size_t find_digits_end(struct sl_bytes text)
{
	size_t n = 0;
	while (n < text.len && text.p[n] != '/' && text.p[n] != '?' && text.p[n] != '#')
		n++;
	return n;
}

int sl_sort_read(struct sl_bytes sorted, uint8_t text[SL_SORT_MAX], struct sl_key *out)
{
	size_t n = find_tail(sorted);
	struct sl_bytes tail = sl_bytes_skip(sorted, n);
	struct sl_key key = { .port = 0 };
	int err = SL_OK;
	if (n == 0 || n > SL_HOST_MAX || sorted.len > SL_SORT_MAX)
		return SL_EMALF;
	put_host(sl_bytes_first(sorted, n), text, &key);
	if (tail.len > 0 && tail.p[0] == SL_SORT_PORT) {
		size_t end = find_digits_end(tail);
		err = read_port(sl_bytes_skip(sl_bytes_first(tail, end), 1), &key.port);
		tail = sl_bytes_skip(tail, end);
	} else if (tail.len > 0 && tail.p[0] == SL_SORT_TAIL) {
		tail = sl_bytes_skip(tail, 1);
		if (tail.len == 0 || tail.p[0] == '/')
			return SL_EMALF;
	}
	if (tail.len > 0) {
		memcpy(text + n, tail.p, tail.len);
		text[n] = tail.p[0] == SL_SORT_PATH ? '/' : tail.p[0];
		key.path = sl_bytes_of(text + n, tail.len);
	}
	if (err == SL_OK)
		*out = key;
	return err;
}
