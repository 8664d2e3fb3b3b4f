/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/policy/list_rows.h"

#define ROW(name, text, entries)                                   \
	{                                                          \
		name, SL_FORMAT_ADBLOCK, 0, text, entries, NULL, 0 \
	}
#define REFUSED(name, text, told)                             \
	{                                                     \
		name, SL_FORMAT_ADBLOCK, 0, text, "", told, 1 \
	}
#define REFUSED_ALL(name, text, told, n)                      \
	{                                                     \
		name, SL_FORMAT_ADBLOCK, 0, text, "", told, n \
	}

static const struct list_case lists[] = {
	ROW("line 2: ||x^ is a tree", "||Example.com^\n", "1 example.com tree"),
	ROW("||x/, ||x^* and ||x/* mean the same", "||a.example/\n||b.example^*\n||c.example/*\n",
	    "1 a.example tree, 2 b.example tree, 3 c.example tree"),
	ROW("||x without an end is kept as a tree, which is less", "||a.example\n", "1 a.example tree"),
	ROW("a bare name holds for more than its tree, and is kept as that", "a.example\nb.example^\n",
	    "1 a.example tree, 2 b.example tree"),
	ROW("||*.x^, *.x and .x^ are below x", "||*.a.example^\n*.b.example\n.c.example^\n",
	    "1 a.example below, 2 b.example below, 3 c.example below"),
	ROW("line 5: a single label behind || is a name", "||zip^\n", "1 zip tree"),
	ROW("line 3: @@ is an exception", "@@||a.example^\n", "1 @@a.example tree"),
	ROW("line 6e: important is kept", "||a.example^$important\n@@||b.example^$important\n",
	    "1 a.example tree!, 2 @@b.example tree!"),
	ROW("options that say nothing to a gateway are dropped",
	    "||a.example^$all\n||b.example^$match-case\n||c.example^$all,important,_\n",
	    "1 a.example tree, 2 b.example tree, 3 c.example tree!"),
	ROW("a port is kept", "||a.example:8080^\n", "1 a.example:8080 tree"),
	ROW("line 2: an address is one of destinations", "||192.0.2.1^\n||[2001:db8::1]^\n@@||192.0.2.2^\n",
	    "1 192.0.2.1 address, 2 2001:db8::1 address, 3 @@192.0.2.2 address"),
	ROW("IDN and the case of names",
	    "||B\xc3\xbc"
	    "cher.example^\n",
	    "1 xn--bcher-kva.example tree"),
	ROW("line 1: a path is kept", "||a.example/ads\n||b.example/ads^\n||c.example/x.js?y=1*\n",
	    "1 a.example/ads path, 2 b.example/ads path, 3 c.example/x.js?y=1 path"),
	ROW("an exception with a path is kept", "@@||a.example/ads/good.js\n",
	    "1 @@a.example/ads/good.js path"),
	ROW("headers, comments and blank lines are no rules",
	    "[Adblock Plus 2.0]\n! c\n# c\n#\n\n  ||a.example^  \r\n", "6 a.example tree"),
	ROW("a comment behind a rule goes", "||a.example^ # why\n", "1 a.example tree"),

	REFUSED_ALL("line 2: rules on what is inside a page are refused, not widened to their site",
	            "a.example##.ad\n##.ad\na.example#@#.ad\na.example#?#div\na.example#$#x\na.example#%#x\n"
	            "a.example#@$?#x\na.example$$script\na.example$@$script\n[$path=/x]##.y\n",
	            "inside a page", 10),
	REFUSED_ALL("regular expressions", "/ads[0-9]+/\n/^https?:\\/\\/x/$script\n@@/x/\n",
	            "a regular expression", 3),
	REFUSED_ALL(
	        "patterns that are no host",
	        "/ads/banner\n-ads-\n&rb=\n^ads.js^\n||ads*.example^\n||a.*^\n||a.example^ads\n||a.example/*/"
	        "x\n"
	        "://a.example^\n",
	        "a pattern that is not a host", 9),
	REFUSED_ALL("what is left of a damaged rule would match everything",
	            "*\n|\n||\n||*\n||^\n@@|\n||.^\n$important\n", "would match every name", 8),
	REFUSED("a single label without || is a piece of an address", "ads^\n", "a pattern"),
	REFUSED("a single label without an end", "||ads\n", "a pattern"),
	REFUSED("a host that goes on", "||ads.\n", "a pattern"),
	REFUSED_ALL("beginnings and ends that a host cannot say",
	            "|http://a.example^\n||a.example/x|\n||a.example^|\n||a.example|\n",
	            "begin or end just so", 4),
	REFUSED("a final slash would match more", "||a.example/ads/\n", "a final slash"),
	REFUSED_ALL("a path that its canonical form widens",
	            "||a.example//ads\n||a.example/x/../ads\n||a.example/%61\n||a.example/x?\n",
	            "canonical form", 4),
	REFUSED("a path below a wildcard", "||*.a.example/x\n", "a path below a wildcard"),
	REFUSED("nothing is below an address", "||*.192.0.2.1^\n", "nothing below"),
	REFUSED("a broken host", "||a..b^\n", "not a valid host name"),
	REFUSED_ALL(
	        "document, popup and kinds of request are some of a host's",
	        "||a.example^$document\n||a.example^$popup\n||a.example^$script,image\n||a.example^$~script\n"
	        "||a.example^$all,~document\n@@||a.example^$document\n",
	        "some kinds of request", 6),
	REFUSED_ALL("third-party is about the page around",
	            "||a.example^$third-party\n||a.example^$~third-party\n||a.example^$3p,important\n||a."
	            "example^$1p\n",
	            "from the same site", 4),
	REFUSED_ALL("some sites, clients or records only",
	            "||a.example^$domain=b.example\n||a.example^$denyallow=x.a.example\n||a.example^$client="
	            "10.0.0.1\n"
	            "||a.example^$dnstype=AAAA\n",
	            "some sites", 4),
	REFUSED_ALL("options that change something",
	            "||a.example^$removeparam=x\n*$removeparam=utm\n||a.example^$csp=x\n@@||a.example^$"
	            "generichide\n"
	            "||a.example^$redirect=noopjs\n||a.example^$dnsrewrite=NXDOMAIN\n",
	            "instead of blocking", 6),
	REFUSED_ALL("options that are not known, or not so",
	            "||a.example^$future\n||a.example^$~important\n||a.example^$important=1\n||a.example^$\n|"
	            "|a.example^$~all\n",
	            "an option that is not known", 5),
	REFUSED("badfilter takes back a rule that may be anywhere", "||a.example^$badfilter\n",
	        "takes back one rule"),
	REFUSED("two words are no rule", "||a.example^ b\n", "neither a pattern"),
	REFUSED("a file to include", "!#include other.txt\n", "another file"),
	{ "rules under a condition are refused, what follows is not", SL_FORMAT_ADBLOCK, 0,
	  "!#if env_mobile\n||a.example^\n!#if "
	  "x\n!#endif\n||b.example^\n!#else\n||c.example^\n!#endif\n||d.example^\n!#endif\n"
	  "||e.example^\n",
	  "9 d.example tree, 11 e.example tree", "under a condition", 3 },
};

/* Only exceptions that would have freed something count as lost. */
static void test_lost(void **state)
{
	struct sl_list_cfg cfg = { "l", SL_FORMAT_ADBLOCK, false, false, 100 };
	struct heard h = { .n = 0 };
	struct sl_list_stats stats;
	(void)state;
	assert_int_equal(
	        listen_to(&h, &cfg,
	                  SL_BYTES_LIT("@@||a.example^$script\n@@/x/y\n@@||b.example^$ghide\n"
	                               "@@||c.example^$badfilter\n@@||d.example^\n||e.example^$script\n"),
	                  &stats),
	        SL_OK);
	assert_int_equal(stats.exceptions_lost, 2);
	assert_int_equal(stats.refused, 5);
}

int main(void)
{
	struct rows rows = { .n = 0 };
	ADD_ROWS(&rows, lists, test_list);
	add_row(&rows, "exceptions that are lost are counted", test_lost, NULL);
	return run_rows("policy/list_adblock", &rows);
}
