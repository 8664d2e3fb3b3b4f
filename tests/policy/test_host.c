/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/host.h"
#include "tests/policy/rows.h"

#define X10     "xxxxxxxxxx"
#define X63     X10 X10 X10 X10 X10 X10 "xxx"
#define LONG253 X63 "." X63 "." X63 "." X10 X10 X10 X10 X10 X10 "x"

static const struct canon_case {
	const char *name, *in, *want; /* want NULL: refused */
	bool address;
} cases[] = {
	{ "line 5: a name is lower case", "WWW.Example.COM", "www.example.com", false },
	{ "line 5: one trailing dot goes", "example.com.", "example.com", false },
	{ "two trailing dots are an empty label", "example.com..", NULL, false },
	{ "an empty name is none", "", NULL, false },
	{ "the root alone is no name", ".", NULL, false },
	{ "a leading dot is an empty label", ".example.com", NULL, false },
	{ "an empty label in the middle is refused", "a..b", NULL, false },
	{ "a single label is a name", "localhost", "localhost", false },
	{ "underscores occur in real names", "_dmarc.a_b.example", "_dmarc.a_b.example", false },
	{ "hyphens at the ends of a label are kept", "-a-.example", "-a-.example", false },
	{ "odd bytes that clients look up are kept, or they would evade every tree", "a!b(c)'d.example",
	  "a!b(c)'d.example", false },
	{ "a star is no name", "*.example.com", NULL, false },
	{ "a space is no part of a name", "exa mple.com", NULL, false },
	{ "a control character is no part of a name", "exa\tmple.com", NULL, false },
	{ "DEL is no part of a name", "exa\x7fmple.com", NULL, false },
	{ "a slash is no part of a name", "example.com/x", NULL, false },
	{ "an at sign is no part of a name", "u@example.com", NULL, false },
	{ "a port is no part of a name", "example.com:80", NULL, false },
	{ "a label of 63 bytes fits (RFC 1035 2.3.4)", X63 ".example", X63 ".example", false },
	{ "a label of 64 bytes does not", "y" X63 ".example", NULL, false },
	{ "a last label of 64 bytes does not", "example.y" X63, NULL, false },
	{ "253 bytes fit (RFC 1035 3.1)", LONG253, LONG253, false },
	{ "253 bytes and the root's dot fit", LONG253 ".", LONG253, false },
	{ "254 bytes do not", LONG253 "x", NULL, false },
	{ "escapes are decoded (RFC 3986 3.2.2)", "ex%61mple%2Ecom", "example.com", false },
	{ "escapes are decoded once", "ex%2561mple.com", NULL, false },
	{ "an escape that is cut is refused", "example.co%6", NULL, false },
	{ "an escape that is none is refused", "ex%zzmple.com", NULL, false },
	{ "an escaped NUL is refused", "example.com%00.org", NULL, false },
	{ "an escaped slash is refused", "example.com%2fx", NULL, false },
	{ "a U-label becomes an A-label (RFC 5890)",
	  "B\xc3\xbc"
	  "cher.example",
	  "xn--bcher-kva.example", false },
	{ "an escaped U-label too", "b%C3%BCcher.example", "xn--bcher-kva.example", false },
	{ "sharp s stays itself: non-transitional (UTS #46)", "fa\xc3\x9f.de", "xn--fa-hia.de", false },
	{ "full-width letters and dots are mapped",
	  "\xef\xbd\x81\xef\xbc\x8e"
	  "example",
	  "a.example", false },
	{ "full-width digits make an address", "\xef\xbc\x91.2.3.4", "1.2.3.4", true },
	{ "a full-width slash is no part of a name",
	  "a\xef\xbc\x8f"
	  "b.example",
	  NULL, false },
	{ "broken UTF-8 is refused", "b\xc3.example", NULL, false },
	{ "an A-label is only lower-cased", "XN--Bcher-KVA.example", "xn--bcher-kva.example", false },
	{ "an A-label that decodes to nothing is still compared", "xn--a.example", "xn--a.example", false },
	{ "a dotted quad is an address", "192.0.2.1", "192.0.2.1", true },
	{ "a dotted quad with the root's dot is the same address", "192.0.2.1.", "192.0.2.1", true },
	{ "hexadecimal parts are read", "0xC0.0X0.0x2.0x1", "192.0.2.1", true },
	{ "octal parts are read", "0300.0.02.01", "192.0.2.1", true },
	{ "two parts: the last fills three bytes", "127.1", "127.0.0.1", true },
	{ "one number is an address", "3221225985", "192.0.2.1", true },
	{ "0x alone is zero", "0x", "0.0.0.0", true },
	{ "a part above 255 is no address and no name", "1.2.3.256", NULL, false },
	{ "a last part that does not fit is refused", "1.16777216", NULL, false },
	{ "4294967296 is too large", "4294967296", NULL, false },
	{ "five parts are no address", "1.2.3.4.5", NULL, false },
	{ "an octal part with a 9 is refused", "1.2.3.09", NULL, false },
	{ "numbers in front of a real last label are a name", "0.0.0.0.example.com", "0.0.0.0.example.com",
	  false },
	{ "a last label that only starts with a digit is a name", "example.4chan", "example.4chan", false },
	{ "IPv6 loses its brackets", "[2001:db8::1]", "2001:db8::1", true },
	{ "IPv6 without brackets is read", "2001:DB8::1", "2001:db8::1", true },
	{ "zeros are pressed together (RFC 5952 4.2)", "[2001:0db8:0:0:0:0:0:0001]", "2001:db8::1", true },
	{ "the longest run of zeros is pressed (4.2.3)", "2001:0:0:1:0:0:0:1", "2001:0:0:1::1", true },
	{ "of equal runs the first is pressed (4.2.3)", "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1", true },
	{ "one zero group is not pressed (4.2.2)", "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1", true },
	{ "the unspecified address", "[::]", "::", true },
	{ "zeros at the end", "1::", "1::", true },
	{ "IPv4-mapped is written mixed (RFC 5952 5)", "::FFFF:c000:0201", "::ffff:192.0.2.1", true },
	{ "a dotted quad inside IPv6 is read", "64:ff9b::192.0.2.33", "64:ff9b::c000:221", true },
	{ "a dotted quad after six groups", "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304", true },
	{ "a dotted quad after seven groups is refused", "1:2:3:4:5:6:7:1.2.3.4", NULL, false },
	{ "a dotted quad with leading zeros is refused", "::01.2.3.4", NULL, false },
	{ "a dotted quad of three is refused", "::1.2.3", NULL, false },
	{ "nine groups are refused", "1:2:3:4:5:6:7:8:9", NULL, false },
	{ "seven groups are refused", "1:2:3:4:5:6:7", NULL, false },
	{ "eight groups and :: are refused", "1:2:3:4::5:6:7:8", NULL, false },
	{ "two :: are refused", "1::2::3", NULL, false },
	{ "five digits are refused", "12345::", NULL, false },
	{ "a single colon at the start is refused", ":1::2", NULL, false },
	{ "a single colon at the end is refused", "1::2:", NULL, false },
	{ "three colons are refused", "1:::2", NULL, false },
	{ "a bracket that is not closed is refused", "[::1", NULL, false },
	{ "a bracket that is not opened is refused", "::1]", NULL, false },
	{ "empty brackets are refused", "[]", NULL, false },
	{ "a zone is refused", "[fe80::1%25eth0]", NULL, false },
	{ "IPv4 in brackets is refused", "[192.0.2.1]", NULL, false },
};

static void test_canon(void **state)
{
	const struct canon_case *c = *state;
	struct sl_host got = { 0 };
	assert_int_equal(sl_host_canon(sl_bytes_str(c->in), &got), c->want == NULL ? SL_EMALF : SL_OK);
	assert_string_equal(got.name, c->want == NULL ? "" : c->want);
	assert_int_equal(got.len, strlen(got.name));
	assert_int_equal(got.address, c->address);
}

static void test_absent(void **state)
{
	struct sl_host got;
	(void)state;
	assert_int_equal(sl_host_canon((struct sl_bytes){ NULL, 0 }, &got), SL_EMALF);
	assert_int_equal(sl_host_canon(SL_BYTES_LIT("a\0b"), &got), SL_EMALF);
}

static void test_parent(void **state)
{
	struct sl_bytes at = SL_BYTES_LIT("a.b.c");
	(void)state;
	at = sl_host_parent(at);
	assert_true(sl_bytes_equal(at, SL_BYTES_LIT("b.c")));
	at = sl_host_parent(at);
	assert_true(sl_bytes_equal(at, SL_BYTES_LIT("c")));
	at = sl_host_parent(at);
	assert_null(at.p);
	assert_int_equal(at.len, 0);
}

int main(void)
{
	struct rows rows = { .n = 0 };
	ADD_ROWS(&rows, cases, test_canon);
	add_row(&rows, "an absent name and one with a NUL are refused", test_absent, NULL);
	add_row(&rows, "line 5: every suffix, one label included", test_parent, NULL);
	return run_rows("policy/host", &rows);
}
