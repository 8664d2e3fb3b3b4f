/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/out.h"
#include "base/util.h"
#include "policy/decide_impl.h"

static const struct sl_host *host_of(const struct sl_decision *d, const struct sl_query *q)
{
	return q->canon != NULL ? q->canon : &d->host;
}

static void put_host(struct sl_out *o, const struct sl_decision *d, const struct sl_host *host)
{
	bool more = d->key_port != 0 || d->key_path_len > 0;
	bool brackets = more && host->address && strchr(host->name, ':') != NULL;
	if (d->key_below)
		sl_out_str(o, "*.");
	if (brackets)
		sl_out_u8(o, '[');
	sl_out_str(o, &host->name[sl_min(d->key_host_off, host->len)]);
	if (brackets)
		sl_out_u8(o, ']');
}

static void put_path(struct sl_out *o, const struct sl_decision *d, const struct sl_query *q)
{
	char path[SL_PATH_MAX + 1];
	uint16_t len = 0;
	if (d->key_path_len == 0 || q->path.p == NULL)
		return;
	if (q->canon != NULL) {
		sl_out_bytes(o, q->path.p, sl_min(d->key_path_len, q->path.len));
		return;
	}
	sl_path_canon(q->path, path, &len);
	sl_out_bytes(o, path, sl_min(d->key_path_len, len));
}

static void put_prefix(struct sl_out *o, const struct sl_decision *d, const struct sl_query *q)
{
	char text[SL_KEY_PREFIX_MAX + 1];
	struct sl_prefix p;
	if (!sl_query_address(q, host_of(d, q), &p))
		return;
	struct sl_key key = sl_key_of_prefix(p.v6, p.addr, d->key_prefix_len, text);
	sl_out_bytes(o, key.host.p, key.host.len);
	sl_out_bytes(o, key.path.p, key.path.len);
}

static void put_suburl(struct sl_out *o, const struct sl_decision *d, const struct sl_query *q)
{
	char text[SL_SNAPSHOT_KEY];
	struct sl_suburls urls;
	if (sl_suburls_of(sl_query_url(q), sl_suburl_profile_of(d->profile), q->parsing, &urls) != SL_OK)
		return;
	size_t len = sl_suburl_write(&urls, d->key_head, d->key_tail, text, sizeof(text));
	sl_out_bytes(o, text, len);
}

void sl_decision_key(const struct sl_decision *d, const struct sl_query *q, char *out, size_t cap)
{
	struct sl_out o = sl_out_of(out, cap == 0 ? 0 : cap - 1);
	if (cap == 0)
		return;
	if (d->list != UINT16_MAX && d->profile != SL_PROFILE_NATIVE) {
		put_suburl(&o, d, q);
	} else if (d->list != UINT16_MAX && d->key_address) {
		put_prefix(&o, d, q);
	} else if (d->list != UINT16_MAX) {
		put_host(&o, d, host_of(d, q));
		if (d->key_port != 0)
			sl_out_fmt(&o, ":%u", d->key_port);
		put_path(&o, d, q);
	}
	out[o.len] = '\0';
}
