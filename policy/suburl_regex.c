/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/suburl_regex.h"

#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/out.h"

enum { GROUPS = 64 };

struct group {
	uint16_t number;
	struct sl_bytes name;
};

struct sl_suburl_regex {
	pcre2_code *code;
	pcre2_match_context *match;
	struct group group[GROUPS]; /* named ones, in the order of their numbers */
	unsigned n;
};

static bool is_alphanumeric(struct sl_bytes name)
{
	for (size_t i = 0; i < name.len; i++) {
		uint8_t lower = sl_ascii_lower(name.p[i]);
		if ((lower < 'a' || lower > 'z') && (lower < '0' || lower > '9'))
			return false;
	}
	return true;
}

static int by_number(const void *a, const void *b)
{
	const struct group *x = (const struct group *)a, *y = (const struct group *)b;
	return x->number < y->number ? -1 : x->number > y->number;
}

static int fault(struct sl_suburl_regex_fault *why, int err, size_t at, const char *text)
{
	struct sl_out o = sl_out_of(why->text, sizeof(why->text) - 1);
	why->at = at;
	sl_out_str(&o, text);
	why->text[o.len] = '\0';
	return err;
}

/* The table of names is sorted by name; each entry is a number of two bytes and the name with its NUL. */
static int read_groups(struct sl_suburl_regex *r, struct sl_suburl_regex_fault *why)
{
	uint32_t n = 0, size = 0;
	PCRE2_SPTR table = NULL;
	(void)pcre2_pattern_info(r->code, PCRE2_INFO_NAMECOUNT, &n);
	(void)pcre2_pattern_info(r->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
	(void)pcre2_pattern_info(r->code, PCRE2_INFO_NAMETABLE, &table);
	if (n == 0)
		return fault(why, SL_EINVAL, 0, "it has no named group, as (?<host>[^/]+)");
	if (n > GROUPS)
		return fault(why, SL_ELIMIT, 0, "more than 64 named groups");
	for (uint32_t i = 0; i < n; i++, table += size) {
		struct group *g = &r->group[r->n++];
		g->number = (uint16_t)(table[0] << 8 | table[1]);
		g->name = sl_bytes_str((const char *)table + 2);
		if (!is_alphanumeric(g->name))
			return fault(why, SL_EINVAL, 0,
			             "the name of a group is not of ASCII letters and digits");
	}
	qsort(r->group, r->n, sizeof(r->group[0]), by_number);
	return SL_OK;
}

static int compile(struct sl_suburl_regex *r, struct sl_bytes pattern, struct sl_suburl_regex_fault *why)
{
	enum { OPTIONS = PCRE2_CASELESS | PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C };
	int code = 0;
	PCRE2_SIZE at = 0;
	r->code = pcre2_compile(pattern.p, pattern.len, OPTIONS, &code, &at, NULL);
	why->at = at;
	if (r->code == NULL) {
		(void)pcre2_get_error_message(code, (PCRE2_UCHAR *)why->text, sizeof(why->text));
		return code == PCRE2_ERROR_HEAP_FAILED ? SL_ENOMEM : SL_EMALF;
	}
	r->match = pcre2_match_context_create(NULL);
	if (r->match == NULL)
		return fault(why, SL_ENOMEM, 0, sl_strerror(SL_ENOMEM));
	(void)pcre2_set_match_limit(r->match, SL_SUBURL_REGEX_STEPS);
	(void)pcre2_set_depth_limit(r->match, SL_SUBURL_REGEX_STEPS);
	(void)pcre2_set_heap_limit(r->match, SL_SUBURL_REGEX_HEAP);
	return read_groups(r, why);
}

int sl_suburl_regex_new(struct sl_bytes pattern, struct sl_suburl_regex **out,
                        struct sl_suburl_regex_fault *why)
{
	if (pattern.len > SL_SUBURL_REGEX_PATTERN)
		return fault(why, SL_ELIMIT, SL_SUBURL_REGEX_PATTERN, "longer than 4096 bytes");
	struct sl_suburl_regex *r = (struct sl_suburl_regex *)calloc(1, sizeof(*r));
	if (r == NULL)
		return fault(why, SL_ENOMEM, 0, sl_strerror(SL_ENOMEM));
	int err = compile(r, pattern, why);
	if (err == SL_OK)
		*out = r;
	else
		sl_suburl_regex_free(&r);
	return err;
}

void sl_suburl_regex_free(struct sl_suburl_regex **regex)
{
	if (*regex == NULL)
		return;
	pcre2_match_context_free((*regex)->match);
	pcre2_code_free((*regex)->code);
	free(*regex);
	*regex = NULL;
}

static int write_groups(const struct sl_suburl_regex *r, struct sl_bytes url, const PCRE2_SIZE *at,
                        unsigned n, struct sl_out *o)
{
	for (unsigned i = 0; i < r->n; i++) {
		const PCRE2_SIZE *span = at + 2 * (size_t)r->group[i].number;
		if (r->group[i].number >= n || span[0] == PCRE2_UNSET || span[1] < span[0])
			continue;
		if (o->len > 0)
			sl_out_u8(o, ' ');
		sl_out_bytes(o, r->group[i].name.p, r->group[i].name.len);
		sl_out_u8(o, '=');
		sl_out_bytes(o, url.p + span[0], span[1] - span[0]);
	}
	return o->overflow ? SL_ELIMIT : o->len == 0 ? SL_ENOENT : SL_OK;
}

int sl_suburl_regex_text(const struct sl_suburl_regex *regex, struct sl_bytes url, char *out, size_t cap,
                         size_t *len)
{
	struct sl_out o = sl_out_of(out, cap);
	*len = 0;
	if (url.len > SL_SUBURL_REGEX_URL)
		return SL_ELIMIT;
	pcre2_match_data *data = pcre2_match_data_create_from_pattern(regex->code, NULL);
	if (data == NULL)
		return SL_ENOMEM;
	int n = pcre2_match(regex->code, url.p, url.len, 0, 0, data, regex->match);
	int err = n == PCRE2_ERROR_NOMATCH    ? SL_ENOENT
	          : n == PCRE2_ERROR_NOMEMORY ? SL_ENOMEM
	          : n < 0                     ? SL_ELIMIT
	                                      : SL_OK;
	if (err == SL_OK)
		err = write_groups(regex, url, pcre2_get_ovector_pointer(data), (unsigned)n, &o);
	pcre2_match_data_free(data);
	*len = err == SL_OK ? o.len : 0;
	return err;
}

static bool starts_with_name(struct sl_bytes text, struct sl_bytes name)
{
	return text.len > name.len && text.p[name.len] == '=' &&
	       sl_bytes_equal(sl_bytes_first(text, name.len), name);
}

bool sl_suburl_regex_is_text(const struct sl_suburl_regex *regex, struct sl_bytes text)
{
	for (unsigned i = 0; i < regex->n; i++)
		if (starts_with_name(text, regex->group[i].name))
			return true;
	return false;
}
