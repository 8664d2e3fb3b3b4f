/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/pir_entry.h"

#include <stdlib.h>

#include "base/out.h"
#include "base/util.h"

static const char *const texts[SL_PIR_FAULTS] = {
	[SL_PIR_FAULT_NONE] = "right",
	[SL_PIR_FAULT_SCHEME] = "scheme left in: no sub-URL has one (NE-URL-30)",
	[SL_PIR_FAULT_HOST] = "no valid host",
	[SL_PIR_FAULT_USER] = "user info left in: no sub-URL has it (NE-CHOICE-34)",
	[SL_PIR_FAULT_PUNYCODE] = "not punycode: clients ask for A-labels, xn--... (NE-URL-30)",
	[SL_PIR_FAULT_CASE] = "upper case in the host: clients ask in lower case (NE-CHOICE-31)",
	[SL_PIR_FAULT_DOT] = "a trailing dot behind the host: clients ask without it (NE-CHOICE-32)",
	[SL_PIR_FAULT_WWW] = "starts with www.: ne27 takes it off before it asks (NE-URL-33)",
	[SL_PIR_FAULT_SLASH] = "a trailing slash behind query or fragment: ne26 alone adds one (NE-URL-33)",
	[SL_PIR_FAULT_PORT] = "names a port that the scheme implies: ne26 asks without it (NE-CHOICE-34)",
	[SL_PIR_FAULT_DEEP] = "more segments than are looked at",
	[SL_PIR_FAULT_MADE] = "not what the regular expression makes of a URL: name=value ... (NE-URL-39)",
	[SL_PIR_FAULT_FORM] = "written otherwise than clients ask",
};

const char *sl_pir_fault_text(enum sl_pir_fault fault)
{
	return texts[fault];
}

/* A URL that the keyword may be a sub-URL of: itself, but for a host that the parsing leaves out (NE-URL-38). */
static struct sl_bytes url_of(struct sl_bytes keyword, const struct sl_suburl_parsing *parsing,
                              char text[SL_PIR_ENTRY_MAX + SL_HOST_MAX])
{
	static const struct sl_bytes left_out = SL_BYTES_LIT("%*");
	size_t scheme = 0;
	for (size_t i = 0; parsing != NULL && parsing->domain.excluded && i + 3 <= keyword.len && scheme == 0;
	     i++)
		if (sl_bytes_equal(sl_bytes_first(sl_bytes_skip(keyword, i), 3), SL_BYTES_LIT("://")))
			scheme = i + 3;
	struct sl_bytes rest = sl_bytes_skip(keyword, scheme);
	if (parsing == NULL || !parsing->domain.excluded ||
	    !sl_bytes_equal(sl_bytes_first(rest, left_out.len), left_out))
		return keyword;
	struct sl_out o = sl_out_of(text, SL_PIR_ENTRY_MAX + SL_HOST_MAX);
	sl_out_bytes(&o, keyword.p, scheme);
	sl_out_str(&o, "a.example");
	sl_out_bytes(&o, rest.p + left_out.len, rest.len - left_out.len);
	return sl_bytes_of(text, o.len);
}

/* Is it among the sub-URLs of the URL that it stands for? */
static bool is_found(struct sl_bytes keyword, const struct sl_pir_asking *asking)
{
	struct sl_suburls s;
	char key[SL_PIR_ENTRY_MAX], url[SL_PIR_ENTRY_MAX + SL_HOST_MAX];

	if (keyword.len >= sizeof(key) || sl_suburls_of(url_of(keyword, asking->parsing, url),
	                                                asking->profile, asking->parsing, &s) != SL_OK)
		return false;
	for (unsigned head = 0; head < s.n_heads; head++)
		for (unsigned tail = 0; tail < s.n_tails; tail++)
			if (sl_suburl_is_key(&s, head, tail) &&
			    sl_bytes_equal(keyword, sl_bytes_of(key, sl_suburl_write(&s, head, tail, key,
			                                                             sizeof(key)))))
				return true;
	return false;
}

static struct sl_bytes authority_of(struct sl_bytes text)
{
	size_t n = 0;
	while (n < text.len && text.p[n] != '/' && text.p[n] != '?' && text.p[n] != '#')
		n++;
	return sl_bytes_first(text, n);
}

static bool has_between(struct sl_bytes text, uint8_t from, uint8_t to)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] >= from && text.p[i] <= to)
			return true;
	return false;
}

static bool host_ends_in_dot(struct sl_bytes authority)
{
	struct sl_bytes host = sl_bytes_first(authority, sl_bytes_find(authority, ':'));
	return host.len > 0 && host.p[host.len - 1] == '.';
}

/* The first thing that is wrong; mending it mends the others as well. */
static enum sl_pir_fault fault_of(struct sl_bytes keyword, const struct sl_suburl_entry *e)
{
	struct sl_bytes authority = authority_of(keyword);
	size_t n = authority.len;

	if (keyword.len >= n + 2 && keyword.p[n] == '/' && keyword.p[n + 1] == '/')
		return SL_PIR_FAULT_SCHEME;
	if (sl_bytes_find(authority, '@') < authority.len)
		return SL_PIR_FAULT_USER;
	if (has_between(authority, 0x80, 0xff))
		return SL_PIR_FAULT_PUNYCODE;
	if (has_between(authority, 'A', 'Z'))
		return SL_PIR_FAULT_CASE;
	if (host_ends_in_dot(authority))
		return SL_PIR_FAULT_DOT;
	if (e->www)
		return SL_PIR_FAULT_WWW;
	if ((e->lint & SL_LINT_END) != 0)
		return SL_PIR_FAULT_SLASH;
	if ((e->lint & SL_LINT_DEEP) != 0)
		return SL_PIR_FAULT_DEEP;
	return e->port == 80 || e->port == 443 ? SL_PIR_FAULT_PORT : SL_PIR_FAULT_FORM;
}

/* What is found: without www. where ne27 asks, without a slash at the end, without a port that is implied. */
static size_t mend(struct sl_suburl_entry *e, enum sl_suburl_profile profile, enum sl_pir_fault fault,
                   char out[SL_PIR_ENTRY_MAX])
{
	struct sl_bytes *end = e->fragment.len > 0 ? &e->fragment : &e->tail;

	if (fault == SL_PIR_FAULT_SLASH)
		while (end->len > 0 && end->p[end->len - 1] == '/')
			end->len--;
	if (fault == SL_PIR_FAULT_PORT)
		e->port = 0;
	return sl_suburl_entry_write(e, profile == SL_SUBURL_NE26 ? SL_WWW_KEEP : SL_WWW_STRIP, 0, out,
	                             SL_PIR_ENTRY_MAX);
}

/* Where a regular expression makes the keywords: mending is what it makes of the keyword as a URL. */
static enum sl_pir_fault judge_made(struct sl_bytes keyword, const struct sl_pir_asking *asking,
                                    char mended[SL_PIR_ENTRY_MAX], size_t *len)
{
	struct sl_suburls s;

	if (sl_suburl_regex_is_text(asking->parsing->regex, keyword))
		return SL_PIR_FAULT_NONE;
	if (sl_suburls_of(keyword, asking->profile, asking->parsing, &s) == SL_OK && s.n_heads > 0)
		*len = sl_suburl_write(&s, 0, 0, mended, SL_PIR_ENTRY_MAX);
	return SL_PIR_FAULT_MADE;
}

enum sl_pir_fault sl_pir_entry_judge(struct sl_bytes keyword, const struct sl_pir_asking *asking,
                                     char mended[SL_PIR_ENTRY_MAX], size_t *len)
{
	struct sl_suburl_entry e;
	enum sl_suburl_profile profile = asking->profile;

	*len = 0;
	if (asking->parsing != NULL && asking->parsing->regex != NULL)
		return judge_made(keyword, asking, mended, len);
	bool found = is_found(keyword, asking), valid = sl_suburl_entry_read(keyword, &e) == SL_OK;
	bool slash = valid && (e.lint & SL_LINT_END) != 0 && profile == SL_SUBURL_NE27;
	if (found && !slash)
		return SL_PIR_FAULT_NONE;
	if (!valid)
		return SL_PIR_FAULT_HOST;
	enum sl_pir_fault fault = found ? SL_PIR_FAULT_SLASH : fault_of(keyword, &e);
	if (keyword.len < SL_PIR_ENTRY_MAX - SL_HOST_MAX)
		*len = mend(&e, profile, fault, mended);
	if (asking->parsing != NULL && !is_found(sl_bytes_of(mended, *len), asking))
		*len = 0;
	return fault;
}

/* ------------------------------------------------------------------ all of a set */

static int by_form(const void *a, const void *b)
{
	const struct sl_pir_mended_one *x = (const struct sl_pir_mended_one *)a,
	                               *y = (const struct sl_pir_mended_one *)b;
	int diff = sl_pir_compare(x->form, y->form);
	return diff != 0 ? diff : sl_pir_compare(x->keyword, y->keyword);
}

static int add(struct sl_pir_mended *m, struct sl_bytes keyword, enum sl_pir_fault fault,
               struct sl_bytes form)
{
	if ((m->n & (m->n - 1)) == 0) { /* a power of two: full */
		void *more = realloc(m->one, (m->n == 0 ? 1 : 2 * m->n) * sizeof(*m->one));
		if (more == NULL)
			return SL_ENOMEM;
		m->one = (struct sl_pir_mended_one *)more;
	}
	uint8_t *copy = (uint8_t *)malloc(form.len);
	if (copy == NULL)
		return SL_ENOMEM;
	memcpy(copy, form.p, form.len);
	struct sl_pir_mended_one *one = &m->one[m->n++];
	*one = (struct sl_pir_mended_one){ .keyword = keyword, .fault = fault };
	one->memory = copy;
	one->form = sl_bytes_of(copy, form.len);
	return SL_OK;
}

int sl_pir_mended_of(const struct sl_pir_set *set, const struct sl_pir_asking *asking,
                     struct sl_pir_mended *out)
{
	struct sl_pir_mended m = { .n = 0 };
	char form[SL_PIR_ENTRY_MAX];
	int err = SL_OK;

	for (size_t i = 0; i < set->n && err == SL_OK; i++) {
		size_t len;
		enum sl_pir_fault fault = sl_pir_entry_judge(set->keyword[i], asking, form, &len);
		if (m.count[fault]++ == 0)
			m.example[fault] = set->keyword[i];
		if (fault != SL_PIR_FAULT_NONE && len > 0)
			err = add(&m, set->keyword[i], fault, sl_bytes_of(form, len));
	}
	if (err != SL_OK) {
		sl_pir_mended_free(&m);
		return err;
	}
	if (m.n > 0)
		qsort(m.one, m.n, sizeof(*m.one), by_form);
	*out = m;
	return SL_OK;
}

const struct sl_pir_mended_one *sl_pir_mended_find(const struct sl_pir_mended *m, struct sl_bytes form)
{
	size_t low = 0, high = m->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (sl_pir_compare(m->one[middle].form, form) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < m->n && sl_bytes_equal(m->one[low].form, form) ? &m->one[low] : NULL;
}

void sl_pir_mended_free(struct sl_pir_mended *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->one[i].memory);
	free(m->one);
	*m = (struct sl_pir_mended){ .n = 0 };
}
