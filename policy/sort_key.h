/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sort_key.h - a key (keys.h) in the form that snapshots sort and store: the labels of its host from the right, so that a
 * parent stands before its children and shares its bytes with them. Private to policy/.
 *
 *   www.example.com             com 01 example 01 www
 *   example.com/ads             com 01 example 02 ads
 *   example.com:8080/ads        com 01 example 03 8080/ads
 *   example.com?ads             com 01 example 04 ?ads: a tail that is no path, which only NE's keys have (suburl_key.h)
 *   1.2.3.4  1.2.3.0/24  ::1    as they are, but for 02 to 04 as above
 * The marks are below every byte of a name, so a host is followed by its subdomains, then its paths, then its
 * ports, and by nothing else in between: folding needs only a stack. No two keys have one form. */
#ifndef SL_POLICY_SORT_KEY_H
#define SL_POLICY_SORT_KEY_H

#include "policy/keys.h"

enum { SL_SORT_LABEL = 1, SL_SORT_PATH = 2, SL_SORT_PORT = 3, SL_SORT_TAIL = 4 }; /* the marks */
enum { SL_SORT_MAX = SL_KEY_MAX };                                                /* bytes */

/* Returns how many bytes it wrote. */
size_t sl_sort_write(const struct sl_key *key, uint8_t out[SL_SORT_MAX]);

/* The key of a sort form; its views lie in text.
 * Returns SL_OK; SL_EMALF when no key has this form. */
int sl_sort_read(struct sl_bytes sorted, uint8_t text[SL_SORT_MAX], struct sl_key *out);

/* -1, 0, 1: the order of a snapshot. */
static inline int sl_sort_cmp(struct sl_bytes a, struct sl_bytes b)
{
	int diff = memcmp(a.p, b.p, a.len < b.len ? a.len : b.len);
	if (diff != 0)
		return diff < 0 ? -1 : 1;
	return a.len < b.len ? -1 : a.len > b.len;
}

/* Leading bytes that two forms share. */
static inline size_t sl_sort_shared(struct sl_bytes a, struct sl_bytes b)
{
	size_t n = a.len < b.len ? a.len : b.len, i = 0;
	for (uint64_t x, y; i + 8 <= n; i += 8) {
		memcpy(&x, a.p + i, 8);
		memcpy(&y, b.p + i, 8);
		if (x != y)
			break;
	}
	while (i < n && a.p[i] == b.p[i])
		i++;
	return i;
}

#endif
