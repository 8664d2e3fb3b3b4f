/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file of exceptions, as a disk may have left it: what is read is written, and read back the same; and whatever was read can be
 * asked, as words. */
#include <stdlib.h>
#include <string.h>

#include "daemon/operator.h"
#include "policy/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void be_quiet(void *ctx, const char *file, unsigned line, const char *text)
{
	(void)ctx;
	(void)file;
	(void)line;
	if (text == NULL)
		abort();
}

static void ask(const struct sl_operator *o)
{
	struct sl_words *words = NULL;
	struct sl_word *word = calloc(o->n + 1, sizeof(*word));
	size_t n = 0;
	if (word == NULL)
		abort();
	for (size_t i = 0; i < o->n; i++)
		if (o->entry[i].what != SL_OPERATOR_ARM)
			word[n++] = (struct sl_word){ .name = o->entry[i].name,
				                      .allow = o->entry[i].what == SL_OPERATOR_ALLOW,
				                      .group = SL_WORD_ALL_GROUPS,
				                      .age = o->entry[i].id,
				                      .id = o->entry[i].id };
	if (sl_words_new(word, n, &words) != SL_OK || sl_words_count(words) != n)
		abort();
	/* The newest of a name that is a host speaks for it, whoever was before. */
	for (size_t i = n; i-- > 0;) {
		struct sl_host host;
		if (strchr(word[i].name, '/') != NULL || word[i].name[0] == '*' ||
		    sl_host_canon(sl_bytes_str(word[i].name), &host) != SL_OK || host.address)
			continue;
		const struct sl_word *got = sl_words_ask(words, &(struct sl_words_query){ .host = &host });
		if (got == NULL || got->age < word[i].age)
			abort();
		break;
	}
	sl_words_free(&words);
	free(word);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sl_diag diag = { be_quiet, NULL };
	struct sl_operator o, again;
	if (sl_operator_read("operator.json", sl_bytes_of(data, size), &diag, &o) != SL_OK)
		return 0;
	json_t *once = sl_operator_json(&o), *twice;
	char *text = once == NULL ? NULL : json_dumps(once, JSON_INDENT(1));
	if (text == NULL || sl_operator_read("again", sl_bytes_str(text), &diag, &again) != SL_OK)
		abort();
	twice = sl_operator_json(&again);
	if (!json_equal(once, twice))
		abort();
	ask(&o);
	free(text);
	json_decref(once);
	json_decref(twice);
	sl_operator_free(&o);
	sl_operator_free(&again);
	return 0;
}
