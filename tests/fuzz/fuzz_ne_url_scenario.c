/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_ne_url_scenario.c - a scenario of a URL filter that is wrong says why, once; the trace is the same twice, every line of it is
 * JSON and numbered, and nobody is denied who was not asked about. */
#include <stdlib.h>

#include <jansson.h>

#include "base/err.h"
#include "daemon/ne_url_replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void count(void *ctx, const char *file, unsigned line, const char *text)
{
	must(file != NULL && line > 0 && text[0] != '\0');
	++*(unsigned *)ctx;
}

static char *play(struct sl_bytes in, size_t *len)
{
	char *text = NULL;
	unsigned errors = 0;
	struct sl_diag diag = { count, &errors };
	FILE *to = open_memstream(&text, len);
	must(to != NULL);
	int err = sl_ne_url_replay("x.jsonl", in, &diag, to);
	must((err == SL_OK || err == SL_EMALF) && errors == (err == SL_EMALF));
	must(fclose(to) == 0);
	return text;
}

static void check_line(const json_t *line)
{
	const char *event = json_string_value(json_object_get(line, "event"));
	const char *verdict = json_string_value(json_object_get(line, "verdict"));
	bool listed = json_object_get(line, "listed") != NULL,
	     undecided = json_object_get(line, "undecided") != NULL;
	if (verdict != NULL && strcmp(verdict, "deny") == 0)
		must(event != NULL && (listed || undecided));
	must(json_integer_value(json_object_get(line, "queries")) <=
	     json_integer_value(json_object_get(line, "keys")));
}

static void check_trace(const char *text, size_t len)
{
	json_int_t seq = 0;
	for (const char *end; len > 0; len -= (size_t)(end - text), text = end) {
		end = (const char *)memchr(text, '\n', len);
		must(end != NULL);
		json_t *line = json_loadb(text, (size_t)(++end - text),
		                          JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
		must(json_is_object(line) && json_integer_value(json_object_get(line, "seq")) == seq++);
		check_line(line);
		json_decref(line);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len[2];
	struct sl_bytes in = sl_bytes_of(data, size);
	if (!sl_ne_url_is_scenario(in))
		return 0;
	char *text[2] = { play(in, &len[0]), play(in, &len[1]) };
	must(len[0] == len[1] && memcmp(text[0], text[1], len[0]) == 0);
	check_trace(text[0], len[0]);
	free(text[0]);
	free(text[1]);
	return 0;
}
