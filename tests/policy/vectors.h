/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vectors.h - files of the corpus, for tests that look at other people's vectors. */
#ifndef SL_TESTS_POLICY_VECTORS_H
#define SL_TESTS_POLICY_VECTORS_H

#include <jansson.h>
#include <stdio.h>

#include "base/bytes.h"
#include "tests/policy/rows.h"

#define VECTORS_DIR SL_SOURCE_DIR "/../shared/corpus/url/"

/* A whole file, unpacked where it is gzip, with a NUL behind it. The caller frees. */
static inline char *vectors_text(const char *name, size_t *len)
{
	char command[512];
	size_t cap = 1 << 16;
	char *text = malloc(cap);
	(void)snprintf(command, sizeof(command), "gzip -dcf '" VECTORS_DIR "%s'", name);
	FILE *f = popen(command, "r");
	assert_non_null(f);
	*len = 0;
	for (size_t n = 1; n > 0; *len += n) {
		if (*len + 1 >= cap) {
			char *more = realloc(text, cap *= 2);
			assert_non_null(more);
			text = more;
		}
		n = fread(text + *len, 1, cap - *len - 1, f);
	}
	text[*len] = '\0';
	assert_int_equal(pclose(f), 0);
	return text;
}

static inline bool vectors_is_surrogate(const char *at, const char *second)
{
	return at[0] == '\\' && at[1] == 'u' && (at[2] | 0x20) == 'd' && strchr(second, at[3] | 0x20) != NULL;
}

/* Half a surrogate pair is no Unicode and no JSON for jansson: it becomes U+FFFD. */
static inline json_t *vectors_json(const char *name)
{
	size_t len = 0;
	char *text = vectors_text(name, &len);
	for (size_t i = 0; i + 12 <= len; i++) {
		if (vectors_is_surrogate(text + i, "89ab") && vectors_is_surrogate(text + i + 6, "cdef"))
			i += 11;
		else if (vectors_is_surrogate(text + i, "89abcdef"))
			memcpy(text + i + 2, "fffd", 4);
	}
	json_t *all = json_loadb(text, len, JSON_ALLOW_NUL, NULL);
	free(text);
	assert_non_null(all);
	return all;
}

static inline struct sl_bytes vectors_bytes(const json_t *string)
{
	return sl_bytes_of(json_string_value(string), json_string_length(string));
}

#endif
