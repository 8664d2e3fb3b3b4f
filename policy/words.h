/* SPDX-License-Identifier: GPL-2.0-or-later */
/* words.h - the operator's word (policy-resolution line 6c): allow and block of one name, for a group or for all, for a while or
 * for good. Asked before the lists; the longest key wins, then the own group before all groups, then the newest. Immutable;
 * any thread; no lock and no allocation where it is asked. */
#ifndef SL_POLICY_WORDS_H
#define SL_POLICY_WORDS_H

#include "policy/address.h"
#include "policy/host.h"

enum { SL_WORDS_MAX = 4096, SL_WORD_MAX = 2400, SL_WORD_ALL_GROUPS = 255 };

struct sl_word {
	const char *name; /* in canonical form (sl_word_canon) */
	bool allow;
	uint8_t group;    /* SL_WORD_ALL_GROUPS: all */
	uint64_t age;     /* of two, the one with the higher number is newer */
	int64_t until_us; /* wall clock, since 1970: it counts before that. 0: for good */
	uint32_t id;      /* as the operator knows it; 0: it stands in the configuration */
};

/* What an operator types, in the form that is compared: "example.com" (with all below it), "*.example.com" (only what is below),
 * "example.com/path" (in HTTP that can be read), an address or a prefix (a destination). Scheme and final slash go. SL_OK, or
 * SL_EMALF: why says what is wrong (static text). */
int sl_word_canon(struct sl_bytes text, char out[SL_WORD_MAX], const char **why);

struct sl_words;

/* Names are copied. SL_OK, SL_ENOMEM, SL_ELIMIT (more than SL_WORDS_MAX); SL_EMALF: a name that is not canonical. */
int sl_words_new(const struct sl_word *word, size_t n, struct sl_words **out);
void sl_words_free(struct sl_words **w);
size_t sl_words_count(const struct sl_words *w);

/* What is asked: any of them may be NULL or absent. */
struct sl_words_query {
	const struct sl_host *host; /* canonical */
	struct sl_bytes path;       /* canonical, where HTTP shows it */
	const struct sl_prefix *address;
	uint8_t group;
	int64_t now_us;
};

/* The word that decides; NULL: none speaks. Cost: one probe for each label of the host, and each length of prefixes that occurs;
 * nothing where there are no words. */
const struct sl_word *sl_words_ask(const struct sl_words *w, const struct sl_words_query *q);

#endif
