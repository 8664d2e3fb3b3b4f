/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_ne_rule.c - rules and settings, row by row with the ids of the reference.
 *
 * A rule: dest ADDR/PREFIX:PORT PROTO; host NAME:PORT PROTO; net REMOTE LOCAL PROTO DIR, where a network is ADDR/PREFIX:PORT or
 * nil. PROTO any, tcp, udp; DIR any, in, out. A flow: PROTO DIR LOCAL:PORT REMOTE:PORT [NAME] [?Q a DNS query for Q, with commas
 * between several; !Q its response]. */
#include "filter/ne_rule.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"

enum { TEXT = 512, RULES = 8 };

static const struct rule_case {
	const char *name, *rule, *flow;
	bool matches;
} cases[] = {
	{ "NE-RULE-07: destination network", "dest 192.0.2.0/24 any", "tcp out 10.0.0.2:40000 192.0.2.77:443",
	  true },
	{ "NE-RULE-07: beside it", "dest 192.0.2.0/24 any", "tcp out 10.0.0.2:40000 192.0.3.1:443", false },
	{ "NE-RULE-07: a prefix within a byte", "dest 192.0.2.128/25 any",
	  "tcp out 10.0.0.2:1 192.0.2.127:443", false },
	{ "NE-RULE-07: and within", "dest 192.0.2.128/25 any", "tcp out 10.0.0.2:1 192.0.2.255:443", true },
	{ "NE-RULE-07: IPv6", "dest 2001:db8::/33 any", "udp out [2001:db8:8000::1]:1 [2001:db8:7fff::1]:443",
	  true },
	{ "NE-RULE-07: IPv6, beside it", "dest 2001:db8::/33 any",
	  "udp out [2001:db8::1]:1 [2001:db8:8000::1]:443", false },
	{ "NE-CHOICE-45: destination rules are for outbound flows", "dest 192.0.2.0/24 any",
	  "tcp in 10.0.0.2:443 192.0.2.7:40000", false },
	{ "NE-RULE-08: port 0 is any", "dest 192.0.2.0/24:0 any", "tcp out 10.0.0.2:1 192.0.2.7:8443", true },
	{ "NE-RULE-08: a port", "dest 192.0.2.0/24:443 any", "tcp out 10.0.0.2:1 192.0.2.7:443", true },
	{ "NE-RULE-08: another", "dest 192.0.2.0/24:443 any", "tcp out 10.0.0.2:1 192.0.2.7:80", false },
	{ "NE-RULE-09: nil is any remote and any local", "net nil nil any any",
	  "udp in 10.0.0.2:1 192.0.2.7:80", true },
	{ "NE-RULE-09: any remote, one local", "net nil 10.0.0.0/8 any any",
	  "tcp out 10.0.0.2:1 192.0.2.7:80", true },
	{ "NE-RULE-09: any remote, another local", "net nil 10.0.0.0/8 any any",
	  "tcp out 11.0.0.2:1 192.0.2.7:80", false },
	{ "NE-RULE-07: both", "net 192.0.2.0/24:80 10.0.0.2/32:7 tcp out", "tcp out 10.0.0.2:7 192.0.2.7:80",
	  true },
	{ "NE-RULE-07: not the local port", "net 192.0.2.0/24:80 10.0.0.2/32:7 tcp out",
	  "tcp out 10.0.0.2:8 192.0.2.7:80", false },
	{ "NE-RULE-10: inbound", "net nil nil any in", "tcp in 10.0.0.2:1 192.0.2.7:80", true },
	{ "NE-RULE-10: not outbound", "net nil nil any in", "tcp out 10.0.0.2:1 192.0.2.7:80", false },
	{ "NE-RULE-11: prefix 0 is all of a family", "dest 198.51.100.1/0 any",
	  "tcp out 10.0.0.2:1 192.0.2.7:80", true },
	{ "NE-RULE-11, NE-CHOICE-49: of one alone", "dest 0.0.0.0/0 any",
	  "tcp out [2001:db8::1]:1 [2001:db8::2]:80", false },
	{ "NE-RULE-11: and of the other", "dest ::/0 any", "tcp out [2001:db8::1]:1 [2001:db8::2]:80", true },
	{ "NE-CHOICE-49: a mapped address is IPv4", "dest 192.0.2.0/24 any",
	  "tcp out [::ffff:10.0.0.2]:1 [::ffff:192.0.2.9]:80", true },
	{ "NE-CHOICE-49: in the rule too", "dest ::ffff:192.0.2.0/120 any", "tcp out 10.0.0.2:1 192.0.2.9:80",
	  true },
	{ "NE-CHOICE-49: and is not IPv6", "dest ::/0 any",
	  "tcp out [::ffff:10.0.0.2]:1 [::ffff:192.0.2.9]:80", false },
	{ "NE-RULE-12: any is TCP", "net nil nil any any", "tcp out 10.0.0.2:1 192.0.2.7:80", true },
	{ "NE-RULE-12: and not ICMP", "net nil nil any any", "icmp out 10.0.0.2:0 192.0.2.7:0", false },
	{ "NE-RULE-12: TCP", "net nil nil tcp any", "udp out 10.0.0.2:1 192.0.2.7:80", false },
	{ "NE-RULE-12: UDP", "net nil nil udp any", "tcp out 10.0.0.2:1 192.0.2.7:80", false },
	{ "NE-RULE-14: two labels are a domain", "host example.com any",
	  "tcp out 10.0.0.2:1 192.0.2.7:443 a.b.example.com", true },
	{ "NE-RULE-14: and the name itself", "host example.com any",
	  "tcp out 10.0.0.2:1 192.0.2.7:443 example.com", true },
	{ "NE-RULE-14: one label is that host alone", "host printer any",
	  "tcp out 10.0.0.2:1 192.0.2.7:443 printer", true },
	{ "NE-RULE-14: and nothing below it", "host com any", "tcp out 10.0.0.2:1 192.0.2.7:443 example.com",
	  false },
	{ "NE-RULE-15: not a longer label", "host example.com any",
	  "tcp out 10.0.0.2:1 192.0.2.7:443 badexample.com", false },
	{ "NE-RULE-15: any case", "host EXAMPLE.com any", "tcp out 10.0.0.2:1 192.0.2.7:443 www.Example.COM",
	  true },
	{ "NE-RULE-15: dots and asterisks at the ends go", "host *.example.com. any",
	  "tcp out 10.0.0.2:1 192.0.2.7:443 www.example.com", true },
	{ "NE-RULE-15: and the domain itself matches then", "host ..*example.com.* any",
	  "tcp out 10.0.0.2:1 192.0.2.7:443 example.com.", true },
	{ "NE-RULE-15: a shorter name", "host www.example.com any",
	  "tcp out 10.0.0.2:1 192.0.2.7:443 example.com", false },
	{ "NE-RULE-08: a host rule's port", "host example.com:443 any",
	  "tcp out 10.0.0.2:1 192.0.2.7:80 example.com", false },
	{ "NE-RULE-17, NE-CHOICE-47: without a name it does not match", "host example.com any",
	  "tcp out 10.0.0.2:1 192.0.2.7:443", false },
	{ "NE-CHOICE-45: nor an inbound flow", "host example.com any",
	  "tcp in 10.0.0.2:443 192.0.2.7:9 example.com", false },
	{ "NE-RULE-14: port 0 matches DNS queries for the domain", "host example.com any",
	  "udp out 10.0.0.2:1 192.0.2.53:53 ?www.example.com", true },
	{ "NE-RULE-14: over TCP too", "host example.com any",
	  "tcp out 10.0.0.2:1 192.0.2.53:53 ?www.example.com", true },
	{ "NE-RULE-14: not those for others", "host example.com any",
	  "udp out 10.0.0.2:1 192.0.2.53:53 ?www.example.org", false },
	{ "NE-RULE-14: not their responses", "host example.com any",
	  "udp out 10.0.0.2:1 192.0.2.53:53 !www.example.com", false },
	{ "NE-RULE-14: port 53 matches queries", "host example.com:53 any",
	  "udp out 10.0.0.2:1 192.0.2.53:53 ?example.com", true },
	{ "NE-RULE-14, NE-CHOICE-46: and responses, by their question", "host example.com:53 any",
	  "udp in 10.0.0.2:1 192.0.2.53:53 !a.example.com", true },
	{ "NE-RULE-14: another port matches none", "host example.com:443 any",
	  "udp out 10.0.0.2:1 192.0.2.53:53 ?example.com", false },
	{ "NE-RULE-14: DNS is at port 53", "host example.com any",
	  "udp out 10.0.0.2:1 192.0.2.53:5353 ?example.com", false },
	{ "NE-CHOICE-46: every name must be in the domain", "host example.com any",
	  "udp out 10.0.0.2:1 192.0.2.53:53 ?a.example.com,b.example.org", false },
	{ "NE-CHOICE-46: all are", "host example.com any",
	  "udp out 10.0.0.2:1 192.0.2.53:53 ?a.example.com,b.example.com", true },
	{ "NE-RULE-14: a rule of one label is no domain", "host com any",
	  "udp out 10.0.0.2:1 192.0.2.53:53 ?com", false },
	{ "NE-RULE-15: a dot within a label is no boundary", "host example.com any",
	  "udp out 10.0.0.2:1 192.0.2.53:53 ?x\\.example.com", false },
	{ "NE-RULE-12: the protocol counts for DNS", "host example.com tcp",
	  "udp out 10.0.0.2:1 192.0.2.53:53 ?example.com", false },
};

/* NE-CHOICE-48, NE-RULE-16 */
static const char *const refused[] = {
	"dest 192.0.2.0/33 any",
	"dest 2001:db8::/129 any",
	"dest example.com/0 any",
	"host 192.0.2.1 any",
	"host *.any",
	"host :0 any",
	"host 2001:db8::1 any",
	"net example.com/0 nil any any",
	"net nil example.com/0 any any",
	"host *.*. any",
	"host a..b any",
	"host 0x7f.1 any",
	"host 192.0.2.1. any",
	"net nil nil sctp any",
	"net nil nil any up",
};

static struct sl_ne_endpoint address(char *text, bool v4)
{
	struct sl_ne_endpoint e = { .type = v4 ? SL_NE_HOST_IPV4 : SL_NE_HOST_IPV6 };
	if (inet_pton(v4 ? AF_INET : AF_INET6, text, e.addr) != 1)
		return (struct sl_ne_endpoint){ .type = SL_NE_HOST_NAME, .name = text };
	return e;
}

/* ADDR/PREFIX:PORT; NULL for nil */
static const struct sl_ne_endpoint *network(char *text, struct sl_ne_endpoint *out, unsigned *prefix)
{
	if (strcmp(text, "nil") == 0) {
		*prefix = 999; /* ignored (NE-RULE-09) */
		return NULL;
	}
	char *slash = strchr(text, '/');
	assert_non_null(slash);
	*slash = '\0';
	char *port = strchr(slash + 1, ':');
	*prefix = (unsigned)strtoul(slash + 1, NULL, 10);
	*out = address(text, strchr(text, ':') == NULL);
	out->port = (uint16_t)(port == NULL ? 0 : strtoul(port + 1, NULL, 10));
	return out;
}

static enum sl_ne_protocol protocol(const char *text)
{
	return strcmp(text, "any") == 0   ? SL_NE_PROTOCOL_ANY
	       : strcmp(text, "tcp") == 0 ? SL_NE_PROTOCOL_TCP
	       : strcmp(text, "udp") == 0 ? SL_NE_PROTOCOL_UDP
	                                  : (enum sl_ne_protocol)3;
}

static enum sl_ne_direction direction(const char *text)
{
	return strcmp(text, "any") == 0   ? SL_NE_ANY
	       : strcmp(text, "in") == 0  ? SL_NE_INBOUND
	       : strcmp(text, "out") == 0 ? SL_NE_OUTBOUND
	                                  : (enum sl_ne_direction)3;
}

static int make_rule(const char *text, struct sl_ne_network_rule *out)
{
	char copy[TEXT], none[] = "", *word[5] = { none, none, none, none, none }, *rest = copy;
	struct sl_ne_endpoint a = { 0 }, b = { 0 };
	unsigned pa = 0, pb = 0;
	(void)snprintf(copy, sizeof(copy), "%s", text);
	for (unsigned i = 0; i < 5; i++) {
		char *one = strtok_r(rest, " ", &rest);
		if (one == NULL)
			break;
		word[i] = one;
	}
	if (strcmp(word[0], "dest") == 0) {
		(void)network(word[1], &a, &pa);
		return sl_ne_rule_destination_network(&a, pa, protocol(word[2]), out);
	}
	if (strcmp(word[0], "net") == 0) {
		const struct sl_ne_endpoint *remote = network(word[1], &a, &pa),
		                            *local = network(word[2], &b, &pb);
		return sl_ne_rule_remote_network(remote, pa, local, pb, protocol(word[3]), direction(word[4]),
		                                 out);
	}
	char *port = strrchr(word[1], ':');
	a = (struct sl_ne_endpoint){ .type = SL_NE_HOST_NAME, .name = word[1] };
	if (port != NULL && strchr(word[1], ':') == port) {
		*port = '\0';
		a.port = (uint16_t)strtoul(port + 1, NULL, 10);
	}
	return sl_ne_rule_destination_host(&a, protocol(word[2]), out);
}

struct flow {
	char copy[TEXT];
	uint8_t message[TEXT];
	struct sl_ne_flow_info info;
	struct sl_ne_match match;
};

static struct sl_ne_endpoint with_port(char *text)
{
	char *port = strrchr(text, ':');
	*port = '\0';
	bool v6 = text[0] == '[';
	if (v6)
		text[strlen(text) - 1] = '\0';
	struct sl_ne_endpoint e = address(text + v6, !v6);
	e.port = (uint16_t)strtoul(port + 1, NULL, 10);
	return e;
}

/* Questions of type A, a backslash before a dot that is part of a label. */
static size_t put_question(uint8_t *out, const char *name, size_t len)
{
	size_t n = 1, label = 0;
	for (size_t i = 0; i < len; i++) {
		if (name[i] == '.') {
			out[label] = (uint8_t)(n - label - 1);
			label = n++;
			continue;
		}
		i += name[i] == '\\';
		out[n++] = (uint8_t)name[i];
	}
	out[label] = (uint8_t)(n - label - 1);
	static const uint8_t end[] = { 0, 0, 1, 0, 1 };
	memcpy(out + n, end, sizeof(end));
	return n + sizeof(end);
}

static void put_message(struct flow *f, const char *text)
{
	bool tcp = f->info.socket_protocol == 6;
	uint8_t *at = f->message + (tcp ? 2 : 0);
	size_t n = 12;
	memset(at, 0, n);
	at[2] = text[0] == '!' ? 0x80 : 0;
	for (text++; *text != '\0'; at[5]++) {
		size_t len = strcspn(text, ",");
		n += put_question(at + n, text, len);
		text += text[len] == ',' ? len + 1 : len;
	}
	if (tcp) {
		f->message[0] = (uint8_t)(n >> 8);
		f->message[1] = (uint8_t)n;
	}
	f->match.first = sl_bytes_of(f->message, tcp ? n + 2 : n);
}

static void make_flow(struct flow *f, const char *text)
{
	char *rest = f->copy, *one;
	(void)snprintf(f->copy, sizeof(f->copy), "%s", text);
	char *proto = strtok_r(rest, " ", &rest), *way = strtok_r(rest, " ", &rest);
	char *local = strtok_r(rest, " ", &rest), *remote = strtok_r(rest, " ", &rest);
	f->info.socket_protocol = strcmp(proto, "tcp") == 0 ? 6 : strcmp(proto, "udp") == 0 ? 17 : 1;
	f->info.direction = direction(way);
	f->info.local = with_port(local);
	f->info.remote = with_port(remote);
	f->match.info = &f->info;
	while ((one = strtok_r(rest, " ", &rest)) != NULL) {
		if (*one == '?' || *one == '!')
			put_message(f, one);
		else
			f->info.remote_hostname = one;
	}
}

static void test_rule(void **state)
{
	const struct rule_case *c = (const struct rule_case *)*state;
	struct sl_ne_network_rule rule;
	struct flow flow = { .copy = "" };
	assert_int_equal(make_rule(c->rule, &rule), SL_OK);
	make_flow(&flow, c->flow);
	assert_int_equal(sl_ne_rule_matches(&rule, &flow.match), c->matches);
}

static void test_refused(void **state)
{
	struct sl_ne_network_rule rule;
	(void)state;
	for (size_t i = 0; i < SL_COUNT(refused); i++)
		if (make_rule(refused[i], &rule) != SL_EINVAL)
			fail_msg("taken: %s", refused[i]);
}

static void test_read_back(void **state)
{
	struct sl_ne_network_rule rule;
	(void)state;
	assert_int_equal(make_rule("dest 192.0.2.0/24 any", &rule), SL_OK);
	assert_int_equal(sl_ne_rule_match_remote_prefix(&rule), 24);
	assert_true(sl_ne_rule_match_local_prefix(&rule) == SL_NE_NOT_FOUND);
	assert_int_equal(make_rule("net nil 10.0.0.0/8 any any", &rule), SL_OK);
	assert_true(sl_ne_rule_match_remote_prefix(&rule) == SL_NE_NOT_FOUND);
	assert_int_equal(sl_ne_rule_match_local_prefix(&rule), 8);
	assert_int_equal(make_rule("host example.com any", &rule), SL_OK);
	assert_true(sl_ne_rule_match_remote_prefix(&rule) == SL_NE_NOT_FOUND);
}

/* ---- settings ---- */

static const struct settings_case {
	const char *name, *rules; /* "ACTION rule; ..." */
	enum sl_ne_action default_action;
	const char *flow;
	enum sl_ne_action action;
	int rule;
} settings_cases[] = {
	{ "NE-RULE-01, NE-RULE-02: the first that matches decides",
	  "drop dest 192.0.2.7/32 any;allow dest 192.0.2.0/24 any;drop net nil nil any any",
	  SL_NE_ACTION_FILTER_DATA, "tcp out 10.0.0.2:1 192.0.2.8:80", SL_NE_ACTION_ALLOW, 1 },
	{ "NE-RULE-02: and not a better one", "allow dest 192.0.2.0/24 any;drop dest 192.0.2.7/32 any",
	  SL_NE_ACTION_FILTER_DATA, "tcp out 10.0.0.2:1 192.0.2.7:80", SL_NE_ACTION_ALLOW, 0 },
	{ "NE-RULE-05: filterData is an action of rules", "data dest 192.0.2.0/24 any", SL_NE_ACTION_DROP,
	  "tcp out 10.0.0.2:1 192.0.2.7:80", SL_NE_ACTION_FILTER_DATA, 0 },
	{ "NE-RULE-04: the default", "allow dest 192.0.2.0/24 any", SL_NE_ACTION_DROP,
	  "tcp out 10.0.0.2:1 198.51.100.1:80", SL_NE_ACTION_DROP, -1 },
	{ "NE-LIFE-06, NE-RULE-04: without rules everything is asked about", "", SL_NE_ACTION_FILTER_DATA,
	  "tcp out 10.0.0.2:1 198.51.100.1:80", SL_NE_ACTION_FILTER_DATA, -1 },
	{ "NE-RULE-06, NE-EXM-01, NE-CHOICE-29: loopback is allowed whatever the default is",
	  "allow dest 192.0.2.0/24 any", SL_NE_ACTION_DROP, "tcp out 127.0.0.1:1 127.0.0.1:80",
	  SL_NE_ACTION_ALLOW, -1 },
	{ "NE-RULE-06: and whatever a rule for everything says",
	  "drop net nil nil any any;drop dest 0.0.0.0/0 any", SL_NE_ACTION_FILTER_DATA,
	  "tcp out 127.0.0.1:1 127.0.0.1:80", SL_NE_ACTION_ALLOW, -1 },
	{ "NE-RULE-06: unless a rule names it", "drop net nil nil any any;data dest 127.0.0.0/8 any",
	  SL_NE_ACTION_FILTER_DATA, "tcp out 127.0.0.1:1 127.0.0.1:80", SL_NE_ACTION_FILTER_DATA, 1 },
	{ "NE-RULE-06: IPv6 too", "drop dest ::1/128 any", SL_NE_ACTION_FILTER_DATA,
	  "tcp out [::1]:1 [::1]:80", SL_NE_ACTION_DROP, 0 },
	{ "NE-RULE-06: and IPv6 is allowed by default", "drop dest ::/0 any", SL_NE_ACTION_DROP,
	  "tcp out [::1]:1 [::1]:80", SL_NE_ACTION_ALLOW, -1 },
	{ "NE-CHOICE-25: other protocols have the default alone", "allow net nil nil any any",
	  SL_NE_ACTION_DROP, "icmp out 10.0.0.2:0 192.0.2.7:0", SL_NE_ACTION_DROP, -1 },
	{ "NE-CHOICE-47: a host rule without a name is passed by",
	  "drop host example.com any;allow net nil nil any any", SL_NE_ACTION_FILTER_DATA,
	  "tcp out 10.0.0.2:1 192.0.2.7:80", SL_NE_ACTION_ALLOW, 1 },
	{ "NE-EXM-08: DNS is not exempt", "", SL_NE_ACTION_FILTER_DATA,
	  "udp out 10.0.0.2:1 192.0.2.53:53 ?example.com", SL_NE_ACTION_FILTER_DATA, -1 },
};

static void test_settings(void **state)
{
	const struct settings_case *c = (const struct settings_case *)*state;
	struct sl_ne_rule rule[RULES];
	struct sl_ne_settings settings = { rule, 0, c->default_action };
	struct flow flow = { .copy = "" };
	char copy[TEXT], *rest = copy;
	int which = -2;
	(void)snprintf(copy, sizeof(copy), "%s", c->rules);
	for (char *one; (one = strtok_r(rest, ";", &rest)) != NULL;) {
		struct sl_ne_rule *r = &rule[settings.rules++];
		r->action = one[0] == 'a'                  ? SL_NE_ACTION_ALLOW
		            : strncmp(one, "drop", 4) == 0 ? SL_NE_ACTION_DROP
		                                           : SL_NE_ACTION_FILTER_DATA;
		assert_int_equal(make_rule(strchr(one, ' ') + 1, &r->network), SL_OK);
	}
	assert_int_equal(sl_ne_settings_check(&settings), SL_OK);
	make_flow(&flow, c->flow);
	assert_int_equal(sl_ne_settings_match(&settings, &flow.match, &which), c->action);
	assert_int_equal(which, c->rule);
}

static void test_check(void **state)
{
	static struct sl_ne_rule rule[SL_NE_RULES_MAX + 1];
	struct sl_ne_settings s = { rule, SL_NE_RULES_MAX, SL_NE_ACTION_DROP };
	(void)state;
	for (size_t i = 0; i < SL_COUNT(rule); i++)
		rule[i].action = SL_NE_ACTION_ALLOW;
	assert_int_equal(sl_ne_settings_check(&s), SL_OK);
	s.rules++; /* NE-RULE-03, NE-TIME-06 */
	assert_int_equal(sl_ne_settings_check(&s), SL_ELIMIT);
	s.rules = 0; /* NE-RULE-04 */
	assert_int_equal(sl_ne_settings_check(&s), SL_EINVAL);
	s.default_action = SL_NE_ACTION_ALLOW;
	assert_int_equal(sl_ne_settings_check(&s), SL_EINVAL);
	s.default_action = SL_NE_ACTION_FILTER_DATA;
	assert_int_equal(sl_ne_settings_check(&s), SL_OK);
	s.rules = 2; /* NE-RULE-05 */
	rule[1].action = SL_NE_ACTION_REMEDIATE;
	assert_int_equal(sl_ne_settings_check(&s), SL_EINVAL);
	rule[1].action = SL_NE_ACTION_INVALID;
	assert_int_equal(sl_ne_settings_check(&s), SL_EINVAL);
	rule[1].action = SL_NE_ACTION_DROP;
	assert_int_equal(sl_ne_settings_check(&s), SL_OK);
	s.default_action = SL_NE_ACTION_REMEDIATE;
	assert_int_equal(sl_ne_settings_check(&s), SL_EINVAL);
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(cases) + SL_COUNT(settings_cases) + 3];
	size_t n = 0;
	for (size_t i = 0; i < SL_COUNT(cases); i++)
		tests[n++] = (struct CMUnitTest){ cases[i].name, test_rule, NULL, NULL,
			                          (void *)(uintptr_t)&cases[i] };
	for (size_t i = 0; i < SL_COUNT(settings_cases); i++)
		tests[n++] = (struct CMUnitTest){ settings_cases[i].name, test_settings, NULL, NULL,
			                          (void *)(uintptr_t)&settings_cases[i] };
	tests[n++] = (struct CMUnitTest){ "NE-CHOICE-48, NE-RULE-07, NE-RULE-16: rules that are refused",
		                          test_refused, NULL, NULL, NULL };
	tests[n++] =
	        (struct CMUnitTest){ "NE-RULE-13: prefixes read back", test_read_back, NULL, NULL, NULL };
	tests[n++] = (struct CMUnitTest){
		"NE-RULE-03, NE-RULE-04, NE-RULE-05, NE-CHOICE-48: settings that are refused", test_check,
		NULL, NULL, NULL
	};
	return _cmocka_run_group_tests("filter/ne_rule", tests, n, NULL, NULL);
}
