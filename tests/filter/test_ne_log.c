/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/ne_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/util.h"

#define TCP                                                                                \
	"[733 Safari] <TCP out so 1c2d3e4f flags 0x800840 0x2100 1234567890 age 0> lport " \
	"51234 fport 443 laddr 10.0.0.5 faddr 93.184.216.34"
#define UDP                                                                                             \
	"[412 mDNSResponder] <UDP(17) out so 1c2d3e4f 1234567890 1234567890 age 11> lport 51234 fport " \
	"53 laddr 10.0.0.5 faddr 10.0.0.1 hash 9A3F0C21"
#define CIPHERML "Error Domain=com.apple.CipherML Code="
#define MANY     "18446744073709551615"

enum { NONE = SL_NE_LOG_IDS };

/* The lines of tests/ne that are not here are read from the reference where it is at hand. */
static const struct row {
	const char *name, *message;
	int id; /* NONE: not one of ours */
	bool has_flow;
	uint64_t flow, n, out, in;
	const char *text; /* app, process, type: whichever the line has */
} rows[] = {
	{ "NE-LOG-02: a flow divert line names its flow", "(515129771): Detaching, ref count = 2",
	  SL_NE_LOG_FD_05, true, 515129771, 0, 0, 0, NULL },
	{ "an archived one has lost the number", "Detaching, ref count = -1", SL_NE_LOG_FD_05, false, 0, 0, 0,
	  0, NULL },
	{ "NE-LOG-02: counts of a destroyed flow",
	  "(7): Destroying, app tx 517, tunnel tx 516, tunnel rx 1460", SL_NE_LOG_FD_11, true, 7, 517, 516,
	  1460, NULL },
	{ "letters in any case, after a tag", "kernel: (9): sending CLOSE, how = 2", SL_NE_LOG_FD_07, true, 9,
	  0, 0, 0, NULL },
	{ "how is one of three", "(9): Sending close, how = 3", NONE, false, 0, 0, 0, 0, NULL },
	{ "a number beyond 64 bits is none", "(9): app wrote 18446744073709551616 bytes", NONE, false, 0, 0,
	  0, 0, NULL },
	{ "the framework's new flow has no number",
	  "New flow: NEFlow type = stream, app = com.google.Chrome.helper", SL_NE_LOG_FW_02, false, 0, 0, 0,
	  0, "com.google.Chrome.helper" },
	{ "its app may be private", "New flow: NEFlow type = stream, app = <private>", SL_NE_LOG_FW_02, false,
	  0, 0, 0, 0, NULL },
	{ "the framework's connecting is not flow divert's", "Flow 515129771 is connecting", SL_NE_LOG_FW_01,
	  true, 515129771, 0, 0, 0, NULL },
	{ "flow divert's", "(515129771): Connecting", SL_NE_LOG_FD_02, true, 515129771, 0, 0, 0, NULL },
	{ "Closing, alone", "(515129771): Closing", SL_NE_LOG_FD_06, true, 515129771, 0, 0, 0, NULL },
	{ "Closing reads is the framework's", "(515129771): Closing reads, not closed by plugin",
	  SL_NE_LOG_FW_03, true, 515129771, 0, 0, 0, NULL },
	{ "a word like it in another's message", "Session was Created", NONE, false, 0, 0, 0, 0, NULL },
	{ "nor does a longer word count", "Createdness", NONE, false, 0, 0, 0, 0, NULL },
	{ "nothing", "", NONE, false, 0, 0, 0, 0, NULL },
	{ "NE-LOG-04: a flow of TCP", "cfil_inp_log:6165 <CFIL: ADDED>: " TCP, SL_NE_LOG_CF_01, false, 0, 0,
	  0, 0, "Safari" },
	{ "NE-LOG-04: a flow of UDP", "cfil_hash_entry_log:6080 <CFIL: flow ACTION timeout expired>: " UDP,
	  SL_NE_LOG_CF_14, false, 0, 0, 0, 0, "mDNSResponder" },
	{ "NE-LOG-04: the policy changed", "x:1 <CFIL: outbound TCP data dropped (0x1 -> 0x3)>: " TCP,
	  SL_NE_LOG_CF_21, false, 0, 0, 0, 0, "Safari" },
	{ "a pre-existing flow is not a change of policy",
	  "<CFIL: inbound TCP data dropped for pre-existing un-filtered flow>: " TCP, SL_NE_LOG_CF_20, false,
	  0, 0, 0, 0, "Safari" },
	{ "a message that is none we know", "<CFIL: SOMETHING NEW>: " TCP, SL_NE_LOG_CFIL_OTHER, false, 0, 0,
	  0, 0, "Safari" },
	{ "a message and process that are private",
	  "<CFIL: <private>>: [733 <private>] <<private> out so 1c2d3e4f> lport 1 fport 2 laddr <private> "
	  "faddr <private>",
	  SL_NE_LOG_CFIL_OTHER, false, 0, 0, 0, 0, NULL },
	{ "one that breaks off", "<CFIL: ADDED>: [733 Safari] <TCP out so 1c2d", NONE, false, 0, 0, 0, 0,
	  NULL },
	{ "a port beyond 16 bits",
	  "<CFIL: ADDED>: [733 Safari] <TCP out so 1c2d> lport 65536 fport 1 laddr 1.2.3.4 faddr 1.2.3.4",
	  NONE, false, 0, 0, 0, 0, NULL },
	{ "NE-LOG-08: no token",
	  "configure failed " CIPHERML "1100 \"Unable to query status due to errors: failed to fetch token\"",
	  SL_NE_LOG_PIR_ERROR, false, 0, 1100, 0, 0, NULL },
	{ "NE-LOG-08: another code", CIPHERML "1800 \"<private>\"", SL_NE_LOG_PIR_ERROR, false, 0, 1800, 0, 0,
	  NULL },
	{ "another domain", "Error Domain=CipherML.CipherMLError Code=25 \"missing configuration\"", NONE,
	  false, 0, 0, 0, 0, NULL },
	{ "no code", CIPHERML "none", NONE, false, 0, 0, 0, 0, NULL },
	{ "a code that is none", CIPHERML "1234567", NONE, false, 0, 0, 0, 0, NULL },
	{ "NE-LOG-06: offsets",
	  "CFIL: VERDICT RECEIVED: <so 1c2d3e4f sockID 1234567890 <499602d2>> <IN peek:" MANY
	  " pass:0, OUT peek:1024 pass:512>",
	  SL_NE_LOG_CF_30, false, 0, 0, 0, 0, NULL },
};

static void test_row(void **state)
{
	const struct row *r = *state;
	struct sl_ne_log_line l = { 0 };
	int err = sl_ne_log_read(sl_bytes_str(r->message), &l);
	assert_int_equal(err, r->id == NONE ? SL_EPROTO : SL_OK);
	if (err != SL_OK)
		return;
	assert_string_equal(sl_ne_log_id(l.id), sl_ne_log_id((enum sl_ne_log_id)r->id));
	assert_int_equal(l.has_flow, r->has_flow);
	assert_true(l.flow == r->flow && l.n == r->n && l.out == r->out && l.in == r->in);
	struct sl_bytes text = l.app.p != NULL ? l.app : l.process;
	assert_int_equal(text.p != NULL, r->text != NULL);
	assert_true(r->text == NULL || sl_bytes_equal(text, sl_bytes_str(r->text)));
}

static void test_ends(void **state)
{
	struct sl_ne_log_line l;
	(void)state;
	assert_int_equal(sl_ne_log_read(sl_bytes_str("<CFIL: DROP - DETACH>: " UDP), &l), SL_OK);
	assert_true(l.protocol == 17 && !l.inbound && l.has_pid && l.pid == 412 && l.socket == 0x1c2d3e4f);
	assert_true(l.has_sock_id && l.sock_id == 1234567890 && l.has_age && l.age == 11 && !l.hidden);
	assert_true(l.has_ports && l.local_port == 51234 && l.remote_port == 53);
	assert_true(sl_bytes_equal(l.local, sl_bytes_str("10.0.0.5")) &&
	            sl_bytes_equal(l.remote, sl_bytes_str("10.0.0.1")) &&
	            sl_bytes_equal(l.hash, sl_bytes_str("9A3F0C21")));
	assert_int_equal(
	        sl_ne_log_read(sl_bytes_str("<CFIL: ADDED>: [<private> <private>] <TCP in so <private> 5 age "
	                                    "0> lport <private> fport 443 laddr <private> faddr <private>"),
	                       &l),
	        SL_OK);
	assert_true(l.hidden && l.inbound && !l.has_pid && l.has_sock_id && l.sock_id == 5 &&
	            l.remote.p == NULL && l.remote_port == 443);
}

static void test_offsets(void **state)
{
	struct sl_ne_log_line l;
	(void)state;
	assert_int_equal(
	        sl_ne_log_read(
	                sl_bytes_str("CFIL: VERDICT DROP RECEIVED: <so 1c sockID 12 <4>> <IN peek:" MANY
	                             " pass:0, OUT peek:1024 pass:512>"),
	                &l),
	        SL_OK);
	assert_true(l.drop && l.in_peek == UINT64_MAX && l.in_pass == 0 && l.out_peek == 1024 &&
	            l.out_pass == 512);
	assert_true(l.has_sock_id && l.sock_id == 12 && l.socket == 0x1c);
}

static void test_pir(void **state)
{
	static const struct {
		const char *message;
		uint64_t code;
		enum sl_ne_log_fault fault;
	} errors[] = {
		{ "configure failed " CIPHERML
		  "1100 \"Unable to query status due to errors: failed to fetch token\"",
		  1100, SL_NE_LOG_FAULT_TOKEN },
		{ CIPHERML
		  "401 \"Unable to request data by keywords batch: missing configuration\" UserInfo={}",
		  401, SL_NE_LOG_FAULT_CONFIGURATION },
		{ CIPHERML "401 \"Unable to request data by keywords batch: server error "
		           "({\"error\":{\"message\":\"No token key found with key id: [215, 192]\"}})\"",
		  401, SL_NE_LOG_FAULT_TOKEN_KEY },
		{ CIPHERML "401 \"Unable to request data by keywords batch: server error "
		           "({\"error\":{\"message\":\"Evaluation key not found\"}})\"",
		  401, SL_NE_LOG_FAULT_EVALUATION_KEY },
		{ CIPHERML "1100 \"The request timed out.\"", 1100, SL_NE_LOG_FAULT_TIME },
		{ CIPHERML "1800", 1800, SL_NE_LOG_FAULT_OTHER },
	};
	(void)state;
	for (size_t i = 0; i < SL_COUNT(errors); i++) {
		struct sl_ne_log_line l = { .n = 0 };
		assert_int_equal(sl_ne_log_read(sl_bytes_str(errors[i].message), &l), SL_OK);
		assert_true(l.layer == SL_NE_LOG_PIR && l.n == errors[i].code && l.fault == errors[i].fault);
	}
}

/* Every example of the reference is read as the pattern that it stands with. */
static void test_reference(void **state)
{
	json_t *root = json_load_file(SL_SOURCE_DIR "/../shared/reference/vectors/loglines.json", 0, NULL),
	       *pattern;
	size_t i, read = 0;
	(void)state;
	if (root == NULL) {
		print_message("skipped: ../shared/reference/vectors/loglines.json is not here\n");
		skip();
	}
	json_array_foreach(json_object_get(root, "patterns"), i, pattern)
	{
		struct sl_ne_log_line l = { 0 };
		const char *example = json_string_value(json_object_get(pattern, "example"));
		assert_int_equal(sl_ne_log_read(sl_bytes_str(example), &l), SL_OK);
		assert_string_equal(sl_ne_log_id(l.id), json_string_value(json_object_get(pattern, "id")));
		assert_string_equal(sl_ne_log_event(l.id),
		                    json_string_value(json_object_get(pattern, "event")));
		read++;
	}
	assert_int_equal(read, SL_NE_LOG_CFIL_OTHER);
	json_decref(root);
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(rows) + 4];
	size_t n = 0;
	for (size_t i = 0; i < SL_COUNT(rows); i++) {
		union {
			const struct row *row;
			void *state;
		} u = { .row = &rows[i] };
		tests[n++] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL, u.state };
	}
	tests[n++] = (struct CMUnitTest){ "NE-LOG-04: ends of a flow, and what is private", test_ends, NULL,
		                          NULL, NULL };
	tests[n++] = (struct CMUnitTest){ "NE-LOG-06: the four offsets", test_offsets, NULL, NULL, NULL };
	tests[n++] =
	        (struct CMUnitTest){ "NE-LOG-08: what a PIR client failed at", test_pir, NULL, NULL, NULL };
	tests[n++] =
	        (struct CMUnitTest){ "every example of the reference", test_reference, NULL, NULL, NULL };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
