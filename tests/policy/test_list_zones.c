/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_list_zones.c - lists in the forms of name servers: RPZ, dnsmasq, unbound; and lists of addresses, and Apple's. */
#include "tests/policy/list_rows.h"

#define RPZ     SL_FORMAT_RPZ
#define DNSMASQ SL_FORMAT_DNSMASQ
#define UNBOUND SL_FORMAT_UNBOUND

static const struct list_case rpz[] = {
	{ "line 2: an owner is exact, a wildcard owner is below", RPZ, 0,
	  "Example.com CNAME .\n*.example.com CNAME .\n", "1 example.com exact, 2 example.com below", NULL,
	  0 },
	{ "line 2: with subdomains an owner is a tree", RPZ, TREE, "a.example CNAME .\n*.b.example CNAME .\n",
	  "1 a.example tree, 2 b.example below", NULL, 0 },
	{ "NXDOMAIN, NODATA and drop block, passthru excepts", RPZ, 0,
	  "a.example CNAME .\nb.example CNAME *.\nc.example CNAME rpz-drop.\nd.example CNAME "
	  "RPZ-Passthru.\n*.e.example CNAME "
	  "rpz-passthru.\n",
	  "1 a.example exact, 2 b.example exact, 3 c.example exact, 4 @@d.example exact, 5 @@e.example below",
	  NULL, 0 },
	{ "the head of a zone is no entry", RPZ, 0,
	  "; c\n$TTL 1h\n@ IN SOA localhost. root.localhost. (\n\t1 ; serial ( \n\t2 3\n4 5 )\n IN NS "
	  "localhost.\na.example 60 IN CNAME .\n"
	  "b.example IN 60 CNAME . ; c\n",
	  "8 a.example exact, 9 b.example exact", NULL, 0 },
	{ "a line without an owner has that of the last", RPZ, 0, "a.example CNAME .\n CNAME rpz-passthru.\n",
	  "1 a.example exact, 2 @@a.example exact", NULL, 0 },
	{ "owners with the zone's name lose it", RPZ, 0,
	  "rpz.test. SOA a. b. 1 2 3 4 5\na.example.RPZ.test. CNAME .\n*.b.example.rpz.test. CNAME "
	  ".\nc.example CNAME .\n",
	  "2 a.example exact, 3 b.example below, 4 c.example exact", NULL, 0 },
	{ "$ORIGIN names the zone, then a part of it", RPZ, 0,
	  "$ORIGIN rpz.test.\na.example CNAME .\n$ORIGIN example.rpz.test.\nb CNAME .\n*.c CNAME .\n$ORIGIN "
	  "sub\nd CNAME .\n",
	  "2 a.example exact, 4 b.example exact, 5 c.example below, 7 d.sub.example exact", NULL, 0 },
	{ "a zone as named writes it", RPZ, 0,
	  "$ORIGIN .\n$TTL 60\nrpz.test IN SOA a. b. ( 1\n2 3 4 5 )\n NS localhost.\n$ORIGIN "
	  "com.rpz.test.\nbad CNAME .\n$ORIGIN "
	  "rpz.test.\nworse.com CNAME .\n",
	  "7 bad.com exact, 9 worse.com exact", NULL, 0 },
	{ "without a zone's name the last dot is only a dot", RPZ, 0, "a.example. CNAME .\n",
	  "1 a.example exact", NULL, 0 },
	{ "a name outside of the zone is refused", RPZ, 0,
	  "$ORIGIN rpz.test.\na.example. CNAME .\nxrpz.test. CNAME .\n", "", "outside of the zone", 2 },
	{ "what would match everything is refused", RPZ, 0, "* CNAME .\n", "", "every name", 1 },
	{ "the zone itself is no trigger", RPZ, 0, "$ORIGIN rpz.test.\n@ CNAME .\nrpz.test. CNAME .\n", "",
	  "no record", 2 },
	{ "other triggers are refused", RPZ, 0,
	  "24.0.2.0.192.rpz-ip CNAME .\n32.1.2.0.192.rpz-client-ip CNAME .\nns.example.rpz-nsdname CNAME .\n"
	  "32.1.2.0.192.rpz-nsip CNAME .\n",
	  "", "a trigger other than", 4 },
	{ "other actions are refused", RPZ, 0,
	  "a.example CNAME walled.example.\nb.example CNAME rpz-tcp-only.\nc.example A 127.0.0.1\nd.example "
	  "TXT \"a;b\"\n",
	  "", "an action other than", 4 },
	{ "no record", RPZ, 0, "a.example\nb.example CNAME\nc.example CNAME . .\n$FOO\n$ORIGIN\n", "",
	  "no record of a zone", 5 },
	{ "what would need other files or be many is refused", RPZ, 0,
	  "$INCLUDE x\n$GENERATE 1-9 a$ CNAME .\n", "", "another file", 2 },
	{ "broken names are refused", RPZ, 0, "a..b CNAME .\na*.example CNAME .\n", "", "not a valid", 2 },
};

static const struct list_case dnsmasq[] = {
	{ "line 2: /x/ is a tree", DNSMASQ, 0, "address=/A.example/\nserver=/b.example/\nlocal=/c.example/\n",
	  "1 a.example tree, 2 b.example tree, 3 c.example tree", NULL, 0 },
	{ "addresses that lead nowhere", DNSMASQ, 0,
	  "address=/a.example/#\naddress=/b.example/0.0.0.0\naddress=/c.example/::\naddress=/d.example/"
	  "127.0.0.1\n",
	  "1 a.example tree, 2 b.example tree, 3 c.example tree, 4 d.example tree", NULL, 0 },
	{ "several names on a line", DNSMASQ, 0,
	  "address=/a.example/b.example/0.0.0.0\nlocal=/c.example/d.example/\n",
	  "1 a.example tree, 1 b.example tree, 2 c.example tree, 2 d.example tree", NULL, 0 },
	{ "comments, blanks and dots", DNSMASQ, 0,
	  "# c\n address = /.a.example/ # c\r\naddress=/*.b.example/#\n",
	  "2 a.example tree, 3 b.example below", NULL, 0 },
	{ "another server or address is no block", DNSMASQ, 0,
	  "server=/a.example/192.0.2.1\nserver=/b.example/#\naddress=/c.example/"
	  "192.0.2.1\nserver=192.0.2.1\n",
	  "", "which is no block", 4 },
	{ "what would match everything is refused", DNSMASQ, 0, "address=/#/0.0.0.0\n", "", "every name", 1 },
	{ "names without dots of the network are none", DNSMASQ, 0, "server=//\naddress=/\n", "",
	  "not a valid", 2 },
	{ "other settings are refused", DNSMASQ, 0, "no-resolv\nipset=/a.example/x\ncname=a,b\n", "",
	  "a setting", 3 },
	{ "one bad name refuses the line once and keeps the good", DNSMASQ, 0,
	  "local=/a..b/c.example/d..e/\n", "1 c.example tree", "refused \"a..b\"", 1 },
	{ "a star inside a label is refused", DNSMASQ, 0, "local=/*ads.example/\n", "", "a \"*\" is known",
	  1 },
};

static const struct list_case unbound[] = {
	{ "line 2: a zone is a tree", UNBOUND, 0,
	  "server:\n  local-zone: \"A.example.\" always_nxdomain\nlocal-zone: b.example always_null # "
	  "c\nlocal-zone: 'c.example' static\n"
	  "local-zone: \"d.example\" refuse\nlocal-zone: \"e.example\" deny\nlocal-zone: \"f.example\" "
	  "always_refuse\n",
	  "2 a.example tree, 3 b.example tree, 4 c.example tree, 5 d.example tree, 6 e.example tree, 7 "
	  "f.example tree",
	  NULL, 0 },
	{ "line 2: local-data is exact", UNBOUND, 0,
	  "local-data: \"a.example A 0.0.0.0\"\nlocal-data: 'b.example. 60 IN AAAA ::'\nlocal-data: "
	  "\"c.example IN A 127.0.0.1\"\n",
	  "1 a.example exact, 2 b.example exact, 3 c.example exact", NULL, 0 },
	{ "line 2: with subdomains local-data is a tree", UNBOUND, TREE,
	  "local-data: \"a.example A 0.0.0.0\"\n", "1 a.example tree", NULL, 0 },
	{ "a zone that redirects and its data are a tree together", UNBOUND, 0,
	  "local-zone: \"a.example\" redirect\nlocal-data: \"a.example A 0.0.0.0\"\nlocal-data: \"b.example "
	  "A 0.0.0.0\"\n",
	  "2 a.example tree, 3 b.example exact", NULL, 0 },
	{ "other types of zones are refused", UNBOUND, 0,
	  "local-zone: \"a.example\" transparent\nlocal-zone: \"b.example\" always_transparent\n", "",
	  "a type of local-zone", 2 },
	{ "data that lead somewhere are refused", UNBOUND, 0,
	  "local-data: \"a.example A 192.0.2.1\"\nlocal-data: 'a.example TXT \"x\"'\n", "",
	  "which is no block", 2 },
	{ "what would match everything is refused", UNBOUND, 0, "local-zone: \".\" always_nxdomain\n", "",
	  "every name", 1 },
	{ "no such line", UNBOUND, 0,
	  "local-zone: \"a.example\"\nlocal-zone: \"a.example\" foo\nlocal-data: \"a\"\nhello\n", "",
	  "no line of unbound.conf", 4 },
	{ "other settings are refused", UNBOUND, 0, "include: x\nrpz:\nverbosity: 1\n", "", "another file",
	  3 },
};

static const struct list_case addresses[] = {
	{ "line 2: addresses and prefixes are destinations", SL_FORMAT_ADDRESSES, 0,
	  "192.0.2.1\n192.0.2.0/24 ; SBL\n2001:DB8:0::/32#c\n2001:db8::1\t# c\n0.0.0.0/1\n192.0.2.7/32\n",
	  "1 192.0.2.1 address, 2 192.0.2.0/24 address, 3 2001:db8::/32 address, 4 2001:db8::1 address, 5 "
	  "0.0.0.0/1 address, "
	  "6 192.0.2.7 address",
	  NULL, 0 },
	{ "IPv4 in IPv6 is IPv4", SL_FORMAT_ADDRESSES, 0, "::ffff:192.0.2.1\n::ffff:c000:200/120\n",
	  "1 192.0.2.1 address, 2 192.0.2.0/24 address", NULL, 0 },
	{ "comments and blank lines", SL_FORMAT_ADDRESSES, 0, "# c\n; c\n\n \r\n192.0.2.1\r\n",
	  "5 192.0.2.1 address", NULL, 0 },
	{ "bits beyond the length are refused", SL_FORMAT_ADDRESSES, 0,
	  "192.0.2.1/24\n2001:db8::1/64\n128.0.0.0/0\n", "", "bits set beyond", 3 },
	{ "all addresses are refused", SL_FORMAT_ADDRESSES, 0, "0.0.0.0/0\n::/0\n", "", "every address", 2 },
	{ "spellings that programs read differently are refused", SL_FORMAT_ADDRESSES, 0,
	  "192.0.2.010\n192.0.2\n0x7f.1\n3221225985\n192.0.2.256\n192.0.2.1/33\n192.0.2.1/032\n2001:db8::/"
	  "129\n[2001:db8::1]\n"
	  "192.0.2.1/\n192.0.2.1:80\n192.0.2.1-192.0.2.9\na.example\nfe80::1%eth0\n",
	  "", "no IPv4 or IPv6 address", 14 },
	{ "two words are refused", SL_FORMAT_ADDRESSES, 0, "192.0.2.1 192.0.2.2\n", "", "more than one word",
	  1 },
};

static const struct list_case apple[] = {
	{ "line 12: entries cover subdomains", SL_FORMAT_APPLE, 0, "example.com\nwww.example.com/\n",
	  "1 example.com tree, 2 www.example.com tree", NULL, 0 },
	{ "NE-BLOOM-10: a path with its query", SL_FORMAT_APPLE, 0, "example10.com/resource?query=bugs\n",
	  "1 example10.com/resource?query=bugs path", NULL, 0 },
	{ "NE-BLOOM-11: a scheme is refused", SL_FORMAT_APPLE, 0,
	  "https://example.com\nhttp://example.com/x\n", "", "a scheme, which Apple's tool", 2 },
	{ "wildcards are refused", SL_FORMAT_APPLE, BELOW, "*.example.com\n.example.com\n", "", "no URL", 2 },
	{ "a path of digits behind an address is a path", SL_FORMAT_APPLE, 0, "192.0.2.0/24\n192.0.2.1\n",
	  "1 192.0.2.0/24 path, 2 192.0.2.1 address", NULL, 0 },
};

int main(void)
{
	struct rows rows = { .n = 0 };
	ADD_ROWS(&rows, rpz, test_list);
	ADD_ROWS(&rows, dnsmasq, test_list);
	ADD_ROWS(&rows, unbound, test_list);
	ADD_ROWS(&rows, addresses, test_list);
	ADD_ROWS(&rows, apple, test_list);
	return run_rows("policy/list_zones", &rows);
}
