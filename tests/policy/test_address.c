/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/address.h"

#include "tests/policy/rows.h"

static const struct prefix_case {
	const char *name, *in;
	int err;
	const char *want; /* as it is written again */
	bool v6;
	uint8_t len, first;
} prefixes[] = {
	{ "an address is a prefix of all its bits", "192.0.2.1", SL_OK, "192.0.2.1", false, 32, 192 },
	{ "a length of all bits goes", "192.0.2.1/32", SL_OK, "192.0.2.1", false, 32, 192 },
	{ "a prefix keeps its length", "192.0.2.0/24", SL_OK, "192.0.2.0/24", false, 24, 192 },
	{ "a length inside a byte", "172.16.0.0/12", SL_OK, "172.16.0.0/12", false, 12, 172 },
	{ "no bits are all addresses", "0.0.0.0/0", SL_OK, "0.0.0.0/0", false, 0, 0 },
	{ "IPv6 is written as RFC 5952 says", "2001:DB8:0:0:0:0:0:1", SL_OK, "2001:db8::1", true, 128, 0x20 },
	{ "a prefix of IPv6", "2001:db8::/32", SL_OK, "2001:db8::/32", true, 32, 0x20 },
	{ "all of IPv6", "::/0", SL_OK, "::/0", true, 0, 0 },
	{ "IPv4 in IPv6 is IPv4", "::ffff:192.0.2.1", SL_OK, "192.0.2.1", false, 32, 192 },
	{ "a prefix of it as well", "::ffff:192.0.2.0/120", SL_OK, "192.0.2.0/24", false, 24, 192 },
	{ "one wider than it is not", "::/80", SL_OK, "::/80", true, 80, 0 },
	{ "bits beyond the length", "192.0.2.1/24", SL_EINVAL, NULL, false, 0, 0 },
	{ "a bit right behind the length", "172.24.0.0/12", SL_EINVAL, NULL, false, 0, 0 },
	{ "bits beyond the length of IPv6", "2001:db8::1/127", SL_EINVAL, NULL, false, 0, 0 },
	{ "a length beyond the address", "192.0.2.0/33", SL_EMALF, NULL, false, 0, 0 },
	{ "a length beyond the address of IPv6", "::/129", SL_EMALF, NULL, false, 0, 0 },
	{ "a length with a zero in front", "192.0.2.0/024", SL_EMALF, NULL, false, 0, 0 },
	{ "no length behind the slash", "192.0.2.0/", SL_EMALF, NULL, false, 0, 0 },
	{ "a mask is no length", "192.0.2.0/255.255.255.0", SL_EMALF, NULL, false, 0, 0 },
	{ "a sign", "192.0.2.0/+8", SL_EMALF, NULL, false, 0, 0 },
	{ "three parts", "192.0.2/24", SL_EMALF, NULL, false, 0, 0 },
	{ "octal, or padded with zeros: nobody knows", "192.0.2.010", SL_EMALF, NULL, false, 0, 0 },
	{ "brackets", "[::1]", SL_EMALF, NULL, false, 0, 0 },
	{ "a name", "a.example", SL_EMALF, NULL, false, 0, 0 },
	{ "nothing", "", SL_EMALF, NULL, false, 0, 0 },
};

static void test_prefix(void **state)
{
	const struct prefix_case *c = *state;
	struct sl_prefix p = { .len = 99 };
	char text[SL_PREFIX_MAX + 1];
	assert_int_equal(sl_prefix_read(sl_bytes_str(c->in), &p), c->err);
	if (c->want == NULL) {
		assert_int_equal(p.len, 99);
		return;
	}
	assert_int_equal(p.v6, c->v6);
	assert_int_equal(p.len, c->len);
	assert_int_equal(p.addr[0], c->first);
	assert_int_equal(sl_prefix_write(&p, text), strlen(c->want));
	assert_string_equal(text, c->want);
	assert_int_equal(sl_prefix_whole(&p), strchr(c->want, '/') == NULL);
}

int main(void)
{
	struct rows rows = { .n = 0 };
	ADD_ROWS(&rows, prefixes, test_prefix);
	return run_rows("policy/address", &rows);
}
