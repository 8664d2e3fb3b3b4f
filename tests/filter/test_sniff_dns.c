/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DNS messages as bytes, and what they say as a line of text: "q NAME TYPE" for a question, "a NAME TYPE TTL BYTES" for an
 * answer, "!" where it breaks off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/out.h"
#include "base/util.h"
#include "filter/sniff_dns.h"

#define HEAD(flags, q, a) "\x12\x34" flags "\0" q "\0" a "\0\0\0\0"
#define QUERY             "\x01\0"
#define ANSWER            "\x81\x80"
#define EXAMPLE           "\7example\3com\0"
#define A_IN              "\0\1\0\1"
#define LABEL63           "\77aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define TEXT63            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct row {
	const char *name, *bytes;
	size_t len;
	const char *want; /* NULL: no DNS */
} rows[] = {
#define ROW(name, bytes, want)                       \
	{                                            \
		name, bytes, sizeof(bytes) - 1, want \
	}
	ROW("a question", HEAD(QUERY, "\1", "\0") EXAMPLE A_IN, "q example.com 1"),
	ROW("a question with EDNS behind it (RFC 6891 §6.1)",
	    "\x12\x34" QUERY "\0\1\0\0\0\0\0\1" EXAMPLE A_IN "\0\0\x29\x10\0\0\0\0\0\0\0", "q example.com 1"),
	ROW("case is kept as sent", HEAD(QUERY, "\1", "\0") "\7eXaMpLe\3COM\0" A_IN, "q eXaMpLe.COM 1"),
	ROW("the root", HEAD(QUERY, "\1", "\0") "\0\0\2\0\1", "q  2"),
	ROW("several questions", HEAD(QUERY, "\2", "\0") EXAMPLE A_IN "\1b\xc0\x14\0\x1c\0\1",
	    "q example.com 1 q b.com 28"),
	ROW("a compressed name in a question", HEAD(QUERY, "\2", "\0") EXAMPLE A_IN "\3www\xc0\x0c" A_IN,
	    "q example.com 1 q www.example.com 1"),
	ROW("an answer with an address",
	    HEAD(ANSWER, "\1", "\1") EXAMPLE A_IN "\xc0\x0c" A_IN "\0\0\1\x2c\0\4\1\2\3\4",
	    "q example.com 1 a example.com 1 300 01020304"),
	ROW("a chain of names",
	    HEAD(ANSWER, "\1", "\2") EXAMPLE A_IN "\xc0\x0c\0\5\0\1\0\0\0\5\0\4\1w\xc0\x0c"
	                                          "\xc0\x29" A_IN "\0\0\0\5\0\4\1\2\3\4",
	    "q example.com 1 a example.com 5 5 0177c00c a w.example.com 1 5 01020304"),
	ROW("a lifetime with the highest bit set is 0 (RFC 2181 §8)",
	    HEAD(ANSWER, "\1", "\1") EXAMPLE A_IN "\xc0\x0c" A_IN "\x80\0\0\1\0\4\1\2\3\4",
	    "q example.com 1 a example.com 1 0 01020304"),
	ROW("bytes that do not print are written as numbers (RFC 1035 §5.1)",
	    HEAD(QUERY, "\1", "\0") "\4a\0\xff \3com\0" A_IN, "q a\\000\\255\\032.com 1"),
	ROW("a dot and a backslash in a label", HEAD(QUERY, "\1", "\0") "\3a.\\\3com\0" A_IN,
	    "q a\\.\\\\.com 1"),
	ROW("the longest name",
	    HEAD(QUERY, "\1", "\0") LABEL63 LABEL63 LABEL63
	    "\75aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\0" A_IN,
	    "q " TEXT63 "." TEXT63 "." TEXT63
	    ".aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 1"),
	ROW("a name that is longer (§2.3.4)",
	    HEAD(QUERY, "\1", "\0") LABEL63 LABEL63 LABEL63 LABEL63 "\0" A_IN, "!"),
	ROW("a name made longer by a pointer",
	    HEAD(QUERY, "\2", "\0") LABEL63 LABEL63 LABEL63 "\0" A_IN LABEL63 "\xc0\x0c" A_IN,
	    "q " TEXT63 "." TEXT63 "." TEXT63 " 1 !"),
	ROW("a pointer to itself", HEAD(QUERY, "\1", "\0") "\xc0\x0c" A_IN "\0", "!"),
	ROW("a pointer forward", HEAD(QUERY, "\1", "\0") "\xc0\x12" A_IN EXAMPLE, "!"),
	ROW("a pointer into the header", HEAD(QUERY, "\1", "\0") "\xc0\x04" A_IN "\0", "!"),
	ROW("two pointers that lead to each other",
	    HEAD(QUERY, "\2", "\0") "\1a\xc0\x14" A_IN "\1b\xc0\x0c" A_IN, "!"),
	ROW("a label of a kind that is none (RFC 6891 §5)",
	    HEAD(QUERY, "\1", "\0") "\x41"
	                            "aaaaaaaaaaaaaaaa\0" A_IN,
	    "!"),
	ROW("a name that is cut short", HEAD(QUERY, "\1", "\0") "\7exam", "!"),
	ROW("a question without a type", HEAD(QUERY, "\1", "\0") "\3com\0\0", "!"),
	ROW("data longer than the message",
	    HEAD(ANSWER, "\1", "\1") EXAMPLE A_IN "\xc0\x0c" A_IN "\0\0\1\x2c\0\5\1\2\3\4",
	    "q example.com 1 !"),
	ROW("fewer bytes than a header", "\x12\x34\1\0\0\1\0\0\0\0\0", NULL),
	ROW("more questions than bytes", HEAD(QUERY, "\x09", "\0") EXAMPLE A_IN, NULL),
	ROW("a query that asks nothing", HEAD(QUERY, "\0", "\0") EXAMPLE A_IN, NULL),
	ROW("an operation that is none (RFC 6895 §2.2)", HEAD("\x39\0", "\1", "\0") EXAMPLE A_IN, NULL),
};

static void say_answer(struct sl_out *o, const struct sl_dns_record *r)
{
	sl_out_fmt(o, "a %s %u %u ", r->name.text, r->type, r->ttl);
	for (size_t i = 0; i < r->data.len; i++)
		sl_out_fmt(o, "%02x", r->data.p[i]);
}

static void tell(struct sl_bytes message, struct sl_out *o)
{
	struct sl_dns d;
	struct sl_dns_name name;
	struct sl_dns_record record;
	int err = sl_dns_open(message, &d);
	if (err != SL_OK)
		sl_out_str(o, "-");
	while (err == SL_OK && d.questions + d.answers > 0) {
		uint16_t type = 0;
		bool question = d.questions > 0;
		if (o->len > 0)
			sl_out_str(o, " ");
		err = question ? sl_dns_question(&d, &name, &type) : sl_dns_answer(&d, &record);
		if (err != SL_OK)
			sl_out_str(o, "!");
		else if (question)
			sl_out_fmt(o, "q %s %u", name.text, type);
		else
			say_answer(o, &record);
	}
}

static void test_message(void **state)
{
	const struct row *row = *state;
	char text[2048] = "";
	struct sl_out o = sl_out_of(text, sizeof(text) - 1);
	uint8_t *copy = malloc(row->len);
	assert_non_null(copy);
	memcpy(copy, row->bytes, row->len);
	tell(sl_bytes_of(copy, row->len), &o);
	free(copy);
	assert_false(o.overflow);
	assert_string_equal(text, row->want == NULL ? "-" : row->want);
}

/* ---- the addresses that an answer gives for its question ---- */

#define OWNER    "\xc0\x0c"
#define A(ttl)   "\0\1\0\1\0\0\0" ttl "\0\4"
#define CNAME    "\0\5\0\1\0\0\0"
#define AAAA     "\0\x1c\0\1\0\0\0\x09\0\x10"
#define TO_WWW   "\0\6\3www\xc0\x14" /* www.com */
#define WWW      "\xc0\x29"
#define V6_BYTES "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"

/* "NAME: ADDRESS TTL, ..." */
static const struct row addresses[] = {
	ROW("an address", HEAD(ANSWER, "\1", "\1") EXAMPLE A_IN OWNER A("\x09") "\1\2\3\4",
	    "example.com: 01020304 9"),
	ROW("two addresses",
	    HEAD(ANSWER, "\1", "\2") EXAMPLE A_IN OWNER A("\x09") "\1\2\3\4" OWNER A("\7") "\5\6\7\x08",
	    "example.com: 01020304 9 05060708 7"),
	ROW("an address of IPv6", HEAD(ANSWER, "\1", "\1") EXAMPLE "\0\x1c\0\1" OWNER AAAA V6_BYTES,
	    "example.com: 20010db8000000000000000000000001 9"),
	ROW("an alias: the name that was asked has the address, for the shorter time of both",
	    HEAD(ANSWER, "\1", "\2") EXAMPLE A_IN OWNER CNAME "\5" TO_WWW WWW A("\x09") "\1\2\3\4",
	    "example.com: 01020304 5"),
	ROW("names are equal in any case (RFC 4343)",
	    HEAD(ANSWER, "\1", "\1") EXAMPLE A_IN "\7EXAMPLE\3com\0" A("\x09") "\1\2\3\4",
	    "example.com: 01020304 9"),
	ROW("an address of another name is none of the question's",
	    HEAD(ANSWER, "\1", "\2") EXAMPLE A_IN
	    "\1x\xc0\x0c" A("\x09") "\1\2\3\4" OWNER A("\x09") "\5\6\7\x08",
	    "example.com: 05060708 9"),
	ROW("nor is one ahead of the alias that leads to it",
	    HEAD(ANSWER, "\1", "\2") EXAMPLE A_IN "\3www\xc0\x14" A("\x09") "\1\2\3\4" OWNER CNAME "\5"
	                                                                    "\0\2\xc0\x1d",
	    "example.com:"),
	ROW("an address of another class",
	    HEAD(ANSWER, "\1", "\1") EXAMPLE A_IN OWNER "\0\1\0\3\0\0\0\x09\0\4\1\2\3\4", "example.com:"),
	ROW("an address of five bytes",
	    HEAD(ANSWER, "\1", "\1") EXAMPLE A_IN OWNER "\0\1\0\1\0\0\0\x09\0\5\1\2\3\4\5", "example.com: !"),
	ROW("an alias with bytes behind its name",
	    HEAD(ANSWER, "\1", "\1") EXAMPLE A_IN OWNER CNAME "\5\0\3\xc0\x0c\0", "example.com: !"),
	ROW("an alias beyond its record",
	    HEAD(ANSWER, "\1", "\2") EXAMPLE A_IN OWNER CNAME "\5\0\1\3" OWNER A("\x09") "\1\2\3\4",
	    "example.com: !"),
	ROW("a failure", HEAD("\x81\x83", "\1", "\0") EXAMPLE A_IN, "-"),
	ROW("a question", HEAD(QUERY, "\1", "\0") EXAMPLE A_IN, "-"),
	ROW("two questions", HEAD(ANSWER, "\2", "\0") EXAMPLE A_IN EXAMPLE A_IN, "-"),
};

static void test_addresses(void **state)
{
	const struct row *row = *state;
	char text[2048] = "-";
	struct sl_out o = sl_out_of(text, sizeof(text) - 1);
	struct sl_dns d;
	struct sl_dns_lookup lookup;
	struct sl_dns_address address;
	uint8_t *copy = malloc(row->len);
	assert_non_null(copy);
	memcpy(copy, row->bytes, row->len);
	assert_int_equal(sl_dns_open(sl_bytes_of(copy, row->len), &d), SL_OK);
	if (sl_dns_lookup(&d, &lookup) == SL_OK) {
		int err;
		sl_out_fmt(&o, "%s:", lookup.asked.text);
		while ((err = sl_dns_lookup_next(&d, &lookup, &address)) == SL_OK) {
			sl_out_u8(&o, ' ');
			for (size_t i = 0; i < (address.family == 4 ? 4 : 16); i++)
				sl_out_fmt(&o, "%02x", address.addr[i]);
			sl_out_fmt(&o, " %u", address.ttl);
		}
		sl_out_str(&o, err == SL_ENOENT ? "" : " !");
	}
	free(copy);
	assert_false(o.overflow);
	assert_string_equal(text, row->want);
}

/* A message of pointers each of which leads to the one before it: what a record costs is bounded, and not by its length. */
static void test_pointers(void **state)
{
	(void)state;
	static uint8_t bytes[1024];
	struct sl_out o = sl_out_of(bytes, sizeof(bytes));
	struct sl_dns d;
	struct sl_dns_name name;
	uint16_t type;
	size_t last = 12;
	sl_out_bytes(&o, HEAD(QUERY, "\1", "\0") "\0" A_IN, 12 + 5);
	for (int pointers = 1; pointers <= 200; pointers++) {
		size_t at = o.len;
		sl_out_u16(&o, (uint16_t)(0xc000 | last));
		last = at;
		assert_int_equal(sl_dns_open(sl_bytes_of(bytes, o.len), &d), SL_OK);
		struct sl_out with = o;
		sl_out_bytes(&with, A_IN, 4);
		d.message = sl_bytes_of(bytes, with.len);
		d.at = sl_cur_whole(sl_bytes_skip(d.message, at));
		assert_int_equal(sl_dns_question(&d, &name, &type), pointers <= 127 ? SL_OK : SL_EMALF);
	}
}

static void test_answers_alone(void **state)
{
	(void)state;
	static const char bytes[] =
	        HEAD(ANSWER, "\1", "\1") EXAMPLE A_IN "\xc0\x0c" A_IN "\0\0\1\x2c\0\4\1\2\3\4";
	struct sl_dns d;
	struct sl_dns_record record;
	assert_int_equal(sl_dns_open(sl_bytes_of(bytes, sizeof(bytes) - 1), &d), SL_OK);
	assert_true(d.response);
	assert_int_equal(d.id, 0x1234);
	assert_int_equal(sl_dns_answer(&d, &record), SL_OK);
	assert_string_equal(record.name.text, "example.com");
	assert_int_equal(d.questions + d.answers, 0);
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(rows) + SL_COUNT(addresses) + 2];
	for (size_t i = 0; i < SL_COUNT(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_message, NULL, NULL,
			                        (void *)(uintptr_t)&rows[i] };
	for (size_t i = 0; i < SL_COUNT(addresses); i++)
		tests[SL_COUNT(rows) + i] = (struct CMUnitTest){ addresses[i].name, test_addresses, NULL,
			                                         NULL, (void *)(uintptr_t)&addresses[i] };
	tests[SL_COUNT(tests) - 2] = (struct CMUnitTest){ "answers may be read without the questions",
		                                          test_answers_alone, NULL, NULL, NULL };
	tests[SL_COUNT(tests) - 1] =
	        (struct CMUnitTest){ "a name has a bound of pointers", test_pointers, NULL, NULL, NULL };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
