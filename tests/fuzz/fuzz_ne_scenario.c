/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_ne_scenario.c - what does not parse says why, once; what does plays the same twice, every line of its trace is JSON, and no byte
 * is gained or lost. */
#include <stdio.h>
#include <stdlib.h>

#include "daemon/ne_replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LONGEST_S = 600 };

static void count(void *ctx, const char *file, unsigned line, const char *text)
{
	if (file == NULL || line == 0 || text[0] == '\0')
		abort();
	++*(unsigned *)ctx;
}

static char *play(const struct sl_ne_scenario *s, size_t *len)
{
	char *text = NULL;
	unsigned errors = 0;
	struct sl_diag diag = { count, &errors };
	FILE *to = open_memstream(&text, len);
	if (to == NULL)
		abort();
	int err = sl_ne_replay_scenario("x.jsonl", s, &diag, to);
	if ((err != SL_OK && err != SL_EINVAL) || (err == SL_OK) != (errors == 0) || fclose(to) != 0)
		abort();
	return text;
}

static json_int_t amount(const json_t *side, const char *key)
{
	return json_integer_value(json_object_get(side, key));
}

static void check_side(const json_t *side)
{
	if (side != NULL && amount(side, "received") < amount(side, "released") + amount(side, "dropped"))
		abort();
}

static void check_trace(const char *text, size_t len)
{
	json_int_t seq = 0;
	for (const char *end; len > 0; len -= (size_t)(end - text), text = end) {
		end = (const char *)memchr(text, '\n', len);
		if (end == NULL)
			abort();
		json_t *line = json_loadb(text, (size_t)(++end - text),
		                          JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
		if (!json_is_object(line) || amount(line, "seq") != seq++)
			abort();
		check_side(json_object_get(line, "inbound"));
		check_side(json_object_get(line, "outbound"));
		json_decref(line);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned errors = 0;
	struct sl_diag diag = { count, &errors };
	struct sl_ne_scenario *s = NULL;
	int err = sl_ne_scenario_read("x.jsonl", sl_bytes_of(data, size), &diag, &s);
	if ((err == SL_OK) != (s != NULL) || errors != (err != SL_OK))
		abort();
	if (s == NULL)
		return 0;
	if (s->events == 0 || s->event[s->events - 1].time.us < (int64_t)LONGEST_S * 1000000) {
		size_t len[2];
		char *text[2] = { play(s, &len[0]), play(s, &len[1]) };
		if (len[0] != len[1] || memcmp(text[0], text[1], len[0]) != 0)
			abort();
		check_trace(text[0], len[0]);
		free(text[0]);
		free(text[1]);
	}
	sl_ne_scenario_free(&s);
	return 0;
}
