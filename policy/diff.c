/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/diff.h"

#include "base/util.h"
#include "policy/sort_key.h"

/* One of the two, at one of its keys. */
struct side {
	const struct sl_snapshot *s;
	uint64_t at, keys;
	size_t len, sorted_len;
	char key[SL_SNAPSHOT_KEY + 1];
	uint8_t sorted[SL_SORT_MAX];
};

static bool is_over(const struct side *d)
{
	return d->at == d->keys;
}

static int load(struct side *d)
{
	struct sl_key key;
	if (is_over(d))
		return SL_OK;
	int err = sl_snapshot_key(d->s, d->at, d->key, &d->len);
	if (err == SL_OK)
		err = sl_key_read(sl_bytes_of(d->key, d->len), &key);
	if (err == SL_OK)
		d->sorted_len = sl_sort_write(&key, d->sorted);
	return err;
}

static int begin(const struct sl_snapshot *s, struct side *d)
{
	struct sl_snapshot_info info;
	sl_snapshot_info(s, &info);
	*d = (struct side){ .s = s, .keys = info.keys };
	return info.profile == SL_PROFILE_NATIVE ? load(d) : SL_EUNSUP;
}

static int next(struct side *d)
{
	d->at++;
	return load(d);
}

/* Which comes first; the one that is over comes last. */
static int order(const struct side *a, const struct side *b)
{
	if (is_over(a) || is_over(b))
		return is_over(a) ? 1 : -1;
	return sl_sort_cmp(sl_bytes_of(a->sorted, a->sorted_len), sl_bytes_of(b->sorted, b->sorted_len));
}

int sl_snapshot_diff(const struct sl_snapshot *a, const struct sl_snapshot *b,
                     int (*change)(void *ctx, bool added, struct sl_bytes key), void *ctx)
{
	struct side old, new;
	int err = begin(a, &old);
	if (err == SL_OK)
		err = begin(b, &new);
	while (err == SL_OK && (!is_over(&old) || !is_over(&new))) {
		int first = order(&old, &new);
		if (first != 0) {
			const struct side *d = first < 0 ? &old : &new;
			err = change(ctx, first > 0, sl_bytes_of(d->key, d->len));
		}
		if (err == SL_OK && first <= 0)
			err = next(&old);
		if (err == SL_OK && first >= 0)
			err = next(&new);
	}
	return err;
}
