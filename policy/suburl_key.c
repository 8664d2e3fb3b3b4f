/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/suburl_key.h"

#include "base/out.h"
#include "policy/keys_hash.h"
#include "policy/suburl_parts.h"

static bool is_made(const struct sl_key *key)
{
	bool tail =
	        key->path.len > 0 && key->path.p[0] != '/' && key->path.p[0] != '?' && key->path.p[0] != '#';
	return tail && sl_bytes_equal(key->host, SL_SUBURL_MADE);
}

size_t sl_suburl_key_write(const struct sl_key *key, char out[SL_SNAPSHOT_KEY])
{
	bool v6 = key->address && sl_bytes_find(key->host, ':') < key->host.len;
	struct sl_out o = sl_out_of(out, SL_SNAPSHOT_KEY);
	if (is_made(key)) {
		sl_out_bytes(&o, key->path.p, key->path.len);
		return o.len;
	}
	sl_out_str(&o, v6 ? "[" : "");
	sl_out_bytes(&o, key->host.p, key->host.len);
	sl_out_str(&o, v6 ? "]" : "");
	if (key->port != 0)
		sl_out_fmt(&o, ":%u", key->port);
	sl_out_bytes(&o, key->path.p, key->path.len);
	return o.len;
}

/* What is no URL in its list: a host, or an address, with or without port and path. */
static bool entry_of_parts(const struct sl_list_entry *e, struct sl_suburl_entry *out)
{
	char text[SL_PREFIX_MAX + 1];
	*out = (struct sl_suburl_entry){ .port = e->port, .tail = e->path };
	if (e->scope != SL_SCOPE_ADDRESS) {
		out->host = *e->host;
		out->www = sl_suburl_www_len(e->host) > 0;
		return true;
	}
	return sl_prefix_whole(&e->prefix) &&
	       sl_host_canon(sl_bytes_of(text, sl_prefix_write(&e->prefix, text)), &out->host) == SL_OK;
}

static bool read_entry(const struct sl_list_entry *e, struct sl_suburl_entry *out)
{
	if (e->effect == SL_EFFECT_EXCEPT || e->scope == SL_SCOPE_BELOW)
		return false;
	return e->url.p != NULL ? sl_suburl_entry_read(e->url, out) == SL_OK : entry_of_parts(e, out);
}

static struct sl_key form(const struct sl_suburl_entry *e, bool strip, char host[SL_HOST_MAX + 1],
                          struct sl_bytes path)
{
	size_t from = strip ? sl_suburl_www_len(&e->host) : 0, len = e->host.len - from;
	memcpy(host, &e->host.name[from], len);
	host[len] = '\0';
	return (struct sl_key){ sl_bytes_of(host, len), path, e->port, e->host.address };
}

/* Bytes that no URL has when it is asked for, and that sorting takes for its own. */
static bool has_control(struct sl_bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] <= ' ')
			return true;
	return false;
}

bool sl_suburl_keys_of(const struct sl_list_entry *e, enum sl_suburl_www www, struct sl_suburl_key_text *text,
                       struct sl_key key[2], unsigned *n)
{
	struct sl_out o = sl_out_of(text->path, sizeof(text->path));
	if (!read_entry(e, &text->entry))
		return false;
	sl_out_bytes(&o, text->entry.tail.p, text->entry.tail.len);
	sl_out_bytes(&o, text->entry.fragment.p, text->entry.fragment.len);
	struct sl_bytes path = sl_bytes_of(text->path, o.len);
	if (o.overflow || has_control(path))
		return false;
	*n = sl_suburl_entry_forms(&text->entry, www);
	key[0] = form(&text->entry, www != SL_WWW_KEEP, text->host[0], path);
	key[1] = form(&text->entry, false, text->host[1], path);
	return true;
}

bool sl_suburl_key_made(const struct sl_suburl_regex *regex, struct sl_key *key, char path[SL_PATH_MAX])
{
	static const struct sl_bytes https = SL_BYTES_LIT("https://");
	char url[SL_SNAPSHOT_KEY + sizeof("https://")];
	size_t len = 0;
	memcpy(url, https.p, https.len);
	struct sl_bytes text = sl_bytes_of(url, https.len + sl_suburl_key_write(key, url + https.len));
	if (sl_suburl_regex_text(regex, text, path, SL_PATH_MAX, &len) != SL_OK)
		return false;
	*key = (struct sl_key){ .host = SL_SUBURL_MADE, .path = sl_bytes_of(path, len) };
	return true;
}

void sl_suburl_tails_of(const struct sl_suburls *urls, uint64_t seed, struct sl_suburl_tails *out)
{
	char path[SL_PATH_MAX];
	out->urls = urls;
	out->seed = seed;
	for (unsigned i = 0; i < urls->n_tails; i++) {
		size_t len = 0;
		out->fits[i] = sl_suburl_tail_write(urls, i, path, sizeof(path), &len);
		out->hash[i] = len == 0 ? 0 : sl_keys_hash_path(sl_bytes_of(path, len), seed);
		out->empty[i] = len == 0;
	}
}

static uint16_t port_of(struct sl_bytes text)
{
	unsigned port = 0;
	for (size_t i = 1; i < text.len; i++)
		port = port * 10 + (text.p[i] - '0');
	return (uint16_t)port;
}

static struct sl_key head_key(const struct sl_suburls *urls, unsigned head)
{
	const struct sl_suburl_head *h = &urls->head[head];
	if (urls->made)
		return (struct sl_key){ .host = SL_SUBURL_MADE };
	struct sl_bytes host = urls->host.address ? sl_bytes_of(urls->host.name, urls->host.len) : h->host;
	return (struct sl_key){ host, { NULL, 0 }, port_of(h->port), urls->host.address };
}

struct sl_key sl_suburl_key(const struct sl_suburls *urls, unsigned head, unsigned tail,
                            char path[SL_PATH_MAX])
{
	struct sl_key key = head_key(urls, head);
	size_t len = 0;
	(void)sl_suburl_tail_write(urls, tail, path, SL_PATH_MAX, &len);
	key.path = sl_bytes_of(path, len);
	return key;
}

static uint64_t head_hash(const struct sl_suburls *urls, unsigned head, uint64_t seed)
{
	struct sl_key key = head_key(urls, head);
	return sl_key_hash(&key, seed);
}

uint32_t sl_suburl_probes_next(const struct sl_suburl_tails *tails, struct sl_suburl_at *at,
                               struct sl_suburl_probes *out)
{
	const struct sl_suburls *urls = tails->urls;
	for (out->n = 0; at->head < urls->n_heads; at->head++, at->tail = 0) {
		uint64_t head = head_hash(urls, at->head, tails->seed);
		for (; at->tail < urls->n_tails; at->tail++) {
			if (!sl_suburl_is_key(urls, at->head, at->tail) || !tails->fits[at->tail])
				continue;
			if (out->n == SL_KEY_PROBES)
				return out->n;
			out->hash[out->n] = tails->empty[at->tail]
			                            ? head
			                            : sl_keys_with_path(head, tails->hash[at->tail]);
			out->head[out->n] = (uint8_t)at->head;
			out->tail[out->n++] = (uint8_t)at->tail;
		}
	}
	return out->n;
}
