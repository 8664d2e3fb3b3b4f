/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_suburl_regex.c - a pattern, a line end, a URL: whatever they are, the text is made twice alike, is one that the
 * expression knows for its own, and is the only sub-URL. */
#include <stdlib.h>

#include "policy/suburl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void check_url(const struct sl_suburl_regex *regex, struct sl_bytes url)
{
	static struct sl_suburls s;
	static char one[SL_SUBURL_QUERY_MAX], two[SL_SUBURL_QUERY_MAX];
	const struct sl_suburl_parsing parsing = { .regex = regex };
	if (sl_suburls_of(url, SL_SUBURL_NE27, &parsing, &s) != SL_OK)
		return;
	must(s.made && s.n_heads == s.n_tails && s.n_heads <= 1);
	must(sl_suburls_count(&s) == s.n_heads);
	if (s.n_heads == 0)
		return;
	size_t n = sl_suburl_write(&s, 0, 0, one, sizeof(one));
	must(n > 0 && n <= sizeof(one) && sl_suburl_regex_is_text(regex, sl_bytes_of(one, n)));
	must(sl_suburls_of(url, SL_SUBURL_NE27, &parsing, &s) == SL_OK);
	must(sl_suburl_write(&s, 0, 0, two, sizeof(two)) == n && memcmp(one, two, n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_suburl_regex *regex = NULL;
	struct sl_suburl_regex_fault why = { 0, "" };
	uint8_t *copy = malloc(size == 0 ? 1 : size);
	must(copy != NULL);
	memcpy(copy, data, size);
	struct sl_bytes all = sl_bytes_of(copy, size),
	                pattern = sl_bytes_first(all, sl_bytes_find(all, '\n'));
	int err = sl_suburl_regex_new(pattern, &regex, &why);
	must(err == SL_OK || (regex == NULL && why.text[0] != '\0' && why.at <= pattern.len));
	if (err == SL_OK)
		check_url(regex, sl_bytes_skip(all, pattern.len + 1));
	sl_suburl_regex_free(&regex);
	free(copy);
	return 0;
}
