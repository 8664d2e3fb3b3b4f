/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_ne_scenario.c - what is no scenario says where, why and what to write instead; what does not work out while it is played does
 * too. Scenarios that do: tests/scenarios. */
#include "daemon/ne_scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/ne_replay.h"

#define HEAD "{\"scenario\": \"x\"}\n"
#define OPEN                                                                                                 \
	"{\"event\": \"open\", \"flow\": 1, \"direction\": \"outbound\", \"protocol\": \"udp\", \"local\": " \
	"\"10.0.0.2:4000\", \"remote\": \"192.0.2.1:53\""
#define TWO   "{\"scenario\": \"x\", \"filters\": [{\"name\": \"a\"}, {\"name\": \"b\"}]}\n"
#define START HEAD "{\"event\": \"filterStart\"}\n"

static const struct wrong_case {
	const char *name, *text;
	unsigned line;
	const char *part; /* of the message */
} cases[] = {
	/* ---- while it is read ---- */
	{ "an empty file", "", 1, "write {\"scenario\"" },
	{ "a head without a title", "{}\n", 1, "no \"scenario\"; write what it shows" },
	{ "what is no JSON", HEAD "\n{\n", 3, "no object of JSON" },
	{ "what is no object", HEAD "[1]\n", 2, "write one object a line" },
	{ "a key twice", HEAD "{\"event\": \"tick\", \"event\": \"tick\"}\n", 2, "duplicate" },
	{ "a key that is none", HEAD "{\"event\": \"tick\", \"flow\": 1}\n", 2, "no key \"flow\"" },
	{ "a key of the head that is none", "{\"scenario\": \"x\", \"titel\": \"y\"}\n", 1,
	  "no key \"titel\"" },
	{ "one filter by name", "{\"scenario\": \"x\", \"filters\": [{\"name\": \"a\"}]}\n", 1,
	  "no list of 2 to 8" },
	{ "two filters of one name",
	  "{\"scenario\": \"x\", \"filters\": [{\"name\": \"a\"}, {\"name\": \"a\"}]}\n", 1,
	  "a \"name\" of its own" },
	{ "a filter that is no object", "{\"scenario\": \"x\", \"filters\": [1, 2]}\n", 1,
	  "a filter is an object" },
	{ "a provider of nobody", "{\"scenario\": \"x\", \"provider\": {}, \"filters\": []}\n", 1,
	  "write it there" },
	{ "a provider's callback that is none",
	  "{\"scenario\": \"x\", \"provider\": {\"handleFlow\": \"allow\"}}\n", 1, "no key \"handleFlow\"" },
	{ "an event of a filter that is not there", TWO "{\"event\": \"crash\", \"filter\": \"c\"}\n", 2,
	  "no filter \"c\"" },
	{ "a packet of one filter", TWO OPEN "}\n{\"event\": \"close\", \"flow\": 1, \"filter\": \"a\"}\n", 3,
	  "no filter's" },
	{ "a resume by nobody",
	  TWO OPEN "}\n{\"event\": \"resumeFlow\", \"flow\": 1, \"verdict\": \"allow\"}\n", 3,
	  "write \"filter\"" },
	{ "answers of nobody", TWO OPEN ", \"answers\": [\"allow\"]}\n", 2, "whose \"answers\"" },
	{ "a filter where there is one", HEAD "{\"event\": \"crash\", \"filter\": \"a\"}\n", 2,
	  "no key \"filter\"" },
	{ "an event that is none", HEAD "{\"event\": \"tock\"}\n", 2, "write one of: filterStart" },
	{ "no event", HEAD "{\"time\": 1}\n", 2, "no \"event\"" },
	{ "time backwards", HEAD "{\"time\": 5, \"event\": \"tick\"}\n{\"time\": 4, \"event\": \"tick\"}\n",
	  3, "write 5 or later" },
	{ "a time of more than a day", HEAD "{\"time\": 86400000001, \"event\": \"tick\"}\n", 2,
	  "from 0 to 86400000000" },
	{ "a flow that was not opened", HEAD "{\"event\": \"close\", \"flow\": 1}\n", 2, "open it first" },
	{ "flows out of order", HEAD OPEN "}\n" OPEN "}\n", 3, "write 2" },
	{ "a flow without ends", HEAD "{\"event\": \"open\", \"flow\": 1, \"direction\": \"inbound\"}\n", 2,
	  "write both" },
	{ "a flow without direction",
	  HEAD "{\"event\": \"open\", \"flow\": 1, \"local\": \"10.0.0.2:1\", \"remote\": \"10.0.0.3:1\"}\n",
	  2, "begins in no direction" },
	{ "an endpoint without port",
	  HEAD "{\"event\": \"open\", \"flow\": 1, \"direction\": \"inbound\", "
	       "\"local\": \"10.0.0.2\", \"remote\": \"10.0.0.3:1\"}\n",
	  2, "\"local\" has no port" },
	{ "a name where an address stands",
	  HEAD "{\"event\": \"open\", \"flow\": 1, \"direction\": "
	       "\"inbound\", \"local\": \"a.example:1\"}\n",
	  2, "\"local\" is no address" },
	{ "data of two kinds",
	  HEAD OPEN "}\n{\"event\": \"data\", \"flow\": 1, \"direction\": \"inbound\", \"len\": 1, \"hex\": "
	            "\"00\"}\n",
	  3, "one of len, text and hex" },
	{ "half a byte",
	  HEAD OPEN "}\n{\"event\": \"data\", \"flow\": 1, \"direction\": \"inbound\", \"hex\": \"000\"}\n",
	  3, "write two of 0-9a-f" },
	{ "an end of no direction", HEAD OPEN "}\n{\"event\": \"finish\", \"flow\": 1}\n", 3,
	  "which \"direction\" ends" },
	{ "a verdict that is none", HEAD OPEN ", \"answers\": [\"alow\"]}\n", 2,
	  "write one of: allow, drop" },
	{ "a verdict without kind", HEAD OPEN ", \"answers\": [{\"passBytes\": 1}]}\n", 2,
	  "write which it is" },
	{ "an amount that is none",
	  HEAD OPEN ", \"answers\": [{\"kind\": \"passBytes\", \"passBytes\": \"all\"}]}\n", 2,
	  "a number or \"max\"" },
	{ "an amount below zero",
	  HEAD OPEN ", \"answers\": [{\"kind\": \"passBytes\", \"passBytes\": -1}]}\n", 2,
	  "no whole number from 0" },
	{ "no verdict", HEAD OPEN "}\n{\"event\": \"resumeFlow\", \"flow\": 1}\n", 3,
	  "without a \"verdict\"" },
	{ "NE-RULE-16: a name in a network rule",
	  HEAD "{\"event\": \"apply\", \"settings\": {\"rules\": [{\"remoteNetwork\": \"a.example:0\", "
	       "\"action\": \"drop\"}]}}\n",
	  2, "is no address" },
	{ "an address in a host rule",
	  HEAD "{\"event\": \"apply\", \"settings\": {\"rules\": [{\"destinationHost\": \"192.0.2.1:0\", "
	       "\"action\": \"drop\"}]}}\n",
	  2, "a name for a host" },
	{ "an option that is none", "{\"scenario\": \"x\", \"options\": {\"startign\": \"open\"}}\n", 1,
	  "no key \"startign\"" },
	{ "a tick of nothing", "{\"scenario\": \"x\", \"options\": {\"tick\": 0}}\n", 1, "shorter than" },
	/* ---- while it is played ---- */
	{ "a callback without an answer", START OPEN "}\n", 3, "handleNewFlow is asked about flow 1" },
	{ "an answer that nobody asks for", START OPEN ", \"answers\": [\"allow\", \"drop\"]}\n", 3,
	  "nobody asked for the answer \"drop\" of flow 1" },
	{ "an event for a flow that is closed",
	  START OPEN
	  ", \"answers\": [\"allow\"]}\n{\"event\": \"close\", \"flow\": 1}\n{\"event\": \"close\", "
	  "\"flow\": 1}\n",
	  5, "flow 1 is closed" },
	{ "a second start", START "{\"event\": \"filterStart\"}\n", 3, "filterStart does not come now" },
};

struct heard {
	unsigned line, times;
	char text[512];
};

static void hear(void *ctx, const char *file, unsigned line, const char *text)
{
	struct heard *h = (struct heard *)ctx;
	assert_string_equal(file, "x.jsonl");
	h->line = line;
	h->times++;
	(void)snprintf(h->text, sizeof(h->text), "%s", text);
}

static int read_and_play(const char *text, const struct sl_diag *diag)
{
	struct sl_ne_scenario *s = NULL;
	char *trace = NULL;
	size_t len = 0;
	int err = sl_ne_scenario_read("x.jsonl", sl_bytes_str(text), diag, &s);
	FILE *to = open_memstream(&trace, &len);
	assert_non_null(to);
	assert_true((err == SL_OK) == (s != NULL));
	if (err == SL_OK)
		err = sl_ne_replay_scenario("x.jsonl", s, diag, to);
	assert_int_equal(fclose(to), 0);
	free(trace);
	sl_ne_scenario_free(&s);
	return err;
}

static void test_what_is_wrong_is_told(void **state)
{
	(void)state;
	unsigned failed = 0;
	for (size_t i = 0; i < SL_COUNT(cases); i++) {
		const struct wrong_case *c = &cases[i];
		struct heard h = { .times = 0 };
		struct sl_diag diag = { hear, &h };
		int err = read_and_play(c->text, &diag);
		if (err != SL_OK && h.times == 1 && h.line == c->line && strstr(h.text, c->part) != NULL &&
		    strchr(h.text, ';') != NULL)
			continue;
		print_error("%s: %u told, line %u: %s\n", c->name, h.times, h.line, h.text);
		failed++;
	}
	assert_int_equal(failed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_wrong_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
