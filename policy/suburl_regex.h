/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suburl_regex.h - the parsing regular expression of a URL filter (NE-URL-39): where one is set, the parsing configuration
 * has no effect, and what a device looks up is one text made of the named groups, in their order:
 *   <name>=<value> <name>=<value>
 * Other groups do not appear; nor do named ones that took no part, and where none did, or nothing matches, nothing is looked
 * up. Matching is without regard to case; the values stay as they are.
 * The dialect is that of PCRE2, which has the syntax that Apple documents; what time and memory a match may take is bounded.
 * An expression never changes: any number of threads may use it. Matching allocates: never on the path of packets. */
#ifndef SL_POLICY_SUBURL_REGEX_H
#define SL_POLICY_SUBURL_REGEX_H

#include "base/bytes.h"
#include "base/err.h"

enum {
	SL_SUBURL_REGEX_PATTERN = 4096, /* bytes of a pattern */
	SL_SUBURL_REGEX_URL = 8192,     /* bytes of a URL */
	SL_SUBURL_REGEX_STEPS = 20000,  /* of backtracking, from each byte on where a match may begin */
	SL_SUBURL_REGEX_HEAP = 4096,    /* KiB, for one match */
};

struct sl_suburl_regex;

struct sl_suburl_regex_fault {
	size_t at; /* byte of the pattern where it was noticed */
	char text[160];
};

/* SL_OK; SL_EMALF: no regular expression; SL_EINVAL: no named group, or a name that is not of ASCII letters and digits (Apple's
 * setter refuses these); SL_ELIMIT: too long or too deep; SL_ENOMEM. why is written where it is not SL_OK. */
int sl_suburl_regex_new(struct sl_bytes pattern, struct sl_suburl_regex **out,
                        struct sl_suburl_regex_fault *why);
void sl_suburl_regex_free(struct sl_suburl_regex **regex);

/* What is looked up for a URL, which has its scheme and its host in A-labels (NE-URL-30).
 * SL_OK, and *len bytes in out, without NUL. SL_ENOENT: nothing is. SL_ELIMIT: the URL is too long, the text does not fit, or
 * the steps are spent: nobody can say what a device would look up. SL_ENOMEM. */
int sl_suburl_regex_text(const struct sl_suburl_regex *regex, struct sl_bytes url, char *out, size_t cap,
                         size_t *len);
/* Is this a text that the expression could have made, by its names? Its values are not looked at. */
bool sl_suburl_regex_is_text(const struct sl_suburl_regex *regex, struct sl_bytes text);

#endif
