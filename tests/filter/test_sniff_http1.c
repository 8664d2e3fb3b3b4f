/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "filter/sniff_http1.h"

#define GET       "GET / HTTP/1.1\r\n"
#define HOST      "Host: a.com\r\n"
#define POST      "POST /p HTTP/1.1\r\nHost: a.com\r\n"
#define LETTERS32 "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF"

enum { NO_BODY, CHUNKED = -1, BROKEN = -2 }; /* else the length */

static const struct request_case {
	const char *name, *text;
	int want;
	const char *host, *path, *other; /* NULL: absent */
	uint16_t port;
	bool tunnel;
	int body;
	size_t more; /* bytes at the end that are not of the head */
} cases[] = {
	{ "the example of RFC 9112 §2.1",
	  "GET /hello.txt HTTP/1.1\r\nUser-Agent: curl/7.64.1\r\nHost: www.example.com\r\n\r\n", SL_OK,
	  "www.example.com", "/hello.txt", NULL, 0, false, 0, 0 },
	{ "origin-form with a query (§3.2.1)", "GET /where?q=now HTTP/1.1\r\nHost: www.example.org\r\n\r\n",
	  SL_OK, "www.example.org", "/where?q=now", NULL, 0, false, 0, 0 },
	{ "absolute-form (§3.2.2)",
	  "GET http://www.example.org/pub/WWW/TheProject.html HTTP/1.1\r\nHost: www.example.org\r\n\r\n",
	  SL_OK, "www.example.org", "/pub/WWW/TheProject.html", NULL, 0, false, 0, 0 },
	{ "authority-form (§3.2.3)", "CONNECT www.example.com:80 HTTP/1.1\r\nHost: www.example.com\r\n\r\n",
	  SL_OK, "www.example.com", NULL, NULL, 80, true, 0, 0 },
	{ "asterisk-form (§3.2.4)", "OPTIONS * HTTP/1.1\r\nHost: www.example.org:8001\r\n\r\n", SL_OK,
	  "www.example.org", NULL, NULL, 8001, false, 0, 0 },
	{ "absolute-form without a path is the root", "OPTIONS http://www.example.org:8001 HTTP/1.1\r\n\r\n",
	  SL_OK, "www.example.org", "/", NULL, 8001, false, 0, 0 },
	{ "absolute-form with a query and no path", "GET http://a.com?x=/y HTTP/1.1\r\n\r\n", SL_OK, "a.com",
	  "?x=/y", NULL, 0, false, 0, 0 },
	{ "absolute-form with userinfo", "GET http://u:p@x@a.com:81/b HTTP/1.1\r\n\r\n", SL_OK, "a.com", "/b",
	  NULL, 81, false, 0, 0 },
	{ "absolute-form in capitals", "GET HTTP://A.com/b HTTP/1.1\r\nhost: a.COM\r\n\r\n", SL_OK, "A.com",
	  "/b", NULL, 0, false, 0, 0 },
	{ "absolute-form against another Host", "GET http://a.com/ HTTP/1.1\r\nHost: b.com\r\n\r\n", SL_OK,
	  "a.com", "/", "b.com", 0, false, 0, 0 },
	{ "a URL within a query is no absolute-form", "GET /r?u=http://b.com/ HTTP/1.1\r\n" HOST "\r\n",
	  SL_OK, "a.com", "/r?u=http://b.com/", NULL, 0, false, 0, 0 },
	{ "CONNECT against another Host", "CONNECT a.com:443 HTTP/1.1\r\nHost: b.com\r\n\r\n", SL_OK, "a.com",
	  NULL, "b.com", 443, true, 0, 0 },
	{ "CONNECT has no body", "CONNECT a.com:443 HTTP/1.1\r\nContent-Length: 5\r\n\r\n", SL_OK, "a.com",
	  NULL, NULL, 443, true, 0, 0 },
	{ "CONNECT with a path for a target is known by its Host", "CONNECT /x HTTP/1.1\r\n" HOST "\r\n",
	  SL_OK, "a.com", "/x", NULL, 0, true, 0, 0 },
	{ "CONNECT to an IPv6 address", "CONNECT [2001:db8::1]:443 HTTP/1.1\r\n\r\n", SL_OK, "[2001:db8::1]",
	  NULL, NULL, 443, true, 0, 0 },
	{ "a path that does not begin with a slash is kept as sent", "GET . HTTP/1.0\r\n\r\n", SL_OK, NULL,
	  ".", NULL, 0, false, 0, 0 },
	{ "no Host", "GET / HTTP/1.0\r\n\r\n", SL_OK, NULL, "/", NULL, 0, false, 0, 0 },
	{ "an empty Host is as absent", GET "Host:\r\n\r\n", SL_OK, NULL, "/", NULL, 0, false, 0, 0 },
	{ "Host in any case, blanks round it", GET "hOsT:\t  a.com \t\r\n\r\n", SL_OK, "a.com", "/", NULL, 0,
	  false, 0, 0 },
	{ "Host with a port", GET "Host: a.com:8080\r\n\r\n", SL_OK, "a.com", "/", NULL, 8080, false, 0, 0 },
	{ "Host with an empty port", GET "Host: a.com:\r\n\r\n", SL_OK, "a.com", "/", NULL, 0, false, 0, 0 },
	{ "Host with a port that is none: the host counts", GET "Host: a.com:x\r\n\r\n", SL_OK, "a.com", "/",
	  NULL, 0, false, 0, 0 },
	{ "Host with a port above 65535: the host counts", GET "Host: a.com:65536\r\n\r\n", SL_OK, "a.com",
	  "/", NULL, 0, false, 0, 0 },
	{ "Host is an IPv6 address with a port", GET "Host: [::1]:8080\r\n\r\n", SL_OK, "[::1]", "/", NULL,
	  8080, false, 0, 0 },
	{ "Host in UTF-8",
	  GET "Host: b\xc3\xbc"
	      "cher.example\r\n\r\n",
	  SL_OK,
	  "b\xc3\xbc"
	  "cher.example",
	  "/", NULL, 0, false, 0, 0 },
	{ "a blank before the colon of Host, as lenient servers read it", GET "Host : a.com\r\n\r\n", SL_OK,
	  "a.com", "/", NULL, 0, false, 0, 0 },
	{ "the same Host twice", GET HOST "HOST: A.COM\r\n\r\n", SL_OK, "a.com", "/", NULL, 0, false, 0, 0 },
	{ "two different Hosts are both told", GET HOST "Host: b.com:81\r\n\r\n", SL_OK, "a.com", "/",
	  "b.com", 0, false, 0, 0 },
	{ "an empty Host does not hide the next", GET "Host:\r\n" HOST "\r\n", SL_OK, "a.com", "/", NULL, 0,
	  false, 0, 0 },
	{ "several different Hosts, in any order and again",
	  GET HOST "Host: b.com\r\nHost: c.com\r\nHost: B.com\r\nHost: d.com\r\nHost: a.com\r\n\r\n", SL_OK,
	  "a.com", "/", "b.com c.com d.com", 0, false, 0, 0 },
	{ "five different Hosts", GET HOST "Host: b.com\r\nHost: c.com\r\nHost: d.com\r\nHost: e.com\r\n\r\n",
	  SL_OK, "a.com", "/", "b.com c.com d.com", 0, false, BROKEN, 0 },
	{ "a Host that is none beside one that is: a lenient server reads a name in it",
	  GET HOST "Host: x y\r\n\r\n", SL_OK, "a.com", "/", "x", 0, false, BROKEN, 0 },
	{ "a target that is none beside a Host", "GET http://[x/ HTTP/1.1\r\n" HOST "\r\n", SL_OK, "a.com",
	  "/", NULL, 0, false, BROKEN, 0 },
	{ "a Host behind broken framing", GET "Content-Length: x\r\n" HOST "\r\n", SL_OK, "a.com", "/", NULL,
	  0, false, BROKEN, 0 },
	{ "userinfo in Host", GET "Host: u@a.com\r\n\r\n", SL_OK, "a.com", "/", NULL, 0, false, BROKEN, 0 },
	{ "a path in Host", GET "Host: a.com/x\r\n\r\n", SL_OK, "a.com", "/", NULL, 0, false, BROKEN, 0 },
	{ "a blank in Host", GET "Host: a.com b.com\r\n\r\n", SL_OK, "a.com", "/", NULL, 0, false, BROKEN,
	  0 },
	{ "a bare CR in Host", GET "Host: a.com\rX: y\r\n\r\n", SL_OK, "a.com", "/", NULL, 0, false, BROKEN,
	  0 },
	{ "an IPv6 address without brackets", GET "Host: ::1\r\n\r\n", SL_OK, NULL, "/", NULL, 0, false,
	  BROKEN, 0 },
	{ "an open bracket", GET "Host: [::1\r\n\r\n", SL_OK, NULL, "/", NULL, 0, false, BROKEN, 0 },
	{ "text after the bracket", GET "Host: [::1]x\r\n\r\n", SL_OK, NULL, "/", NULL, 0, false, BROKEN, 0 },
	{ "a folded Host", GET "Host: a.com\r\n b.com\r\n\r\n", SL_OK, "a.com", "/", "b.com", 0, false,
	  BROKEN, 0 },
	{ "a Host whose value is on a folded line", GET "Host:\r\n a.com\r\n\r\n", SL_OK, "a.com", "/", NULL,
	  0, false, BROKEN, 0 },
	{ "a folded line of another field", GET "X: y\r\n\tHost: b.com\r\n" HOST "\r\n", SL_OK, "a.com", "/",
	  NULL, 0, false, 0, 0 },
	{ "a folded line before any field is skipped (§2.2)", GET " Host: b.com\r\n" HOST "\r\n", SL_OK,
	  "a.com", "/", NULL, 0, false, 0, 0 },
	{ "a line of blanks does not end the head", GET "X: y\r\n \r\n" HOST "\r\n", SL_OK, "a.com", "/",
	  NULL, 0, false, 0, 0 },
	{ "a line without a colon is skipped", GET "nonsense\r\n" HOST "\r\n", SL_OK, "a.com", "/", NULL, 0,
	  false, 0, 0 },
	{ "a field that only ends like Host", GET "X-Host: b.com\r\n" HOST "\r\n", SL_OK, "a.com", "/", NULL,
	  0, false, 0, 0 },
	{ "bare LF ends lines (§2.2)", "GET / HTTP/1.1\nHost: a.com\n\n", SL_OK, "a.com", "/", NULL, 0, false,
	  0, 0 },
	{ "CRLF and LF mixed", "GET / HTTP/1.1\r\nHost: a.com\n\r\n", SL_OK, "a.com", "/", NULL, 0, false, 0,
	  0 },
	{ "empty lines in front (§2.2)", "\r\n\n\r\n" GET HOST "\r\n", SL_OK, "a.com", "/", NULL, 0, false, 0,
	  0 },
	{ "nine empty lines in front", "\n\n\n\n\n\n\n\n\n", SL_EPROTO, NULL, NULL, NULL, 0, false, 0, 0 },
	{ "several blanks between the parts", "GET \t /x   HTTP/1.1 \r\n" HOST "\r\n", SL_OK, "a.com", "/x",
	  NULL, 0, false, 0, 0 },
	{ "a path with raw blanks is known up to the first", "GET /a b HTTP/1.1\r\n" HOST "\r\n", SL_OK,
	  "a.com", "/a", NULL, 0, false, 0, 0 },
	{ "a method nobody knows", "FROBNICATE /x HTTP/1.1\r\n" HOST "\r\n", SL_OK, "a.com", "/x", NULL, 0,
	  false, 0, 0 },
	{ "a method of 32 letters", LETTERS32 " /x HTTP/1.1\r\n" HOST "\r\n", SL_OK, "a.com", "/x", NULL, 0,
	  false, 0, 0 },
	{ "a path of raw bytes", "GET /\xff\x80 HTTP/1.1\r\n" HOST "\r\n", SL_OK, "a.com", "/\xff\x80", NULL,
	  0, false, 0, 0 },
	{ "a version of any minor number", "GET / HTTP/1.9\r\n" HOST "\r\n", SL_OK, "a.com", "/", NULL, 0,
	  false, 0, 0 },
	{ "a version in lower case, as lenient servers take it", "GET / http/1.1\r\n" HOST "\r\n", SL_OK,
	  "a.com", "/", NULL, 0, false, 0, 0 },
	{ "a request of HTTP/0.9 with a host in its target", "GET http://a.com/x\r\n", SL_OK, "a.com", "/x",
	  NULL, 0, false, 0, 0 },
	{ "a request without a version, but with fields", "GET /x\r\n" HOST "\r\n", SL_OK, "a.com", "/x",
	  NULL, 0, false, 0, 0 },
	{ "a request of HTTP/0.9 awaits fields", "GET /x\r\n", SL_EMORE, NULL, NULL, NULL, 0, false, 0, 0 },
	{ "no other method goes without a version", "POST /x\r\n", SL_EPROTO, NULL, NULL, NULL, 0, false, 0,
	  0 },
	{ "a command that is no path is not HTTP/0.9", "GET key\r\n", SL_EPROTO, NULL, NULL, NULL, 0, false,
	  0, 0 },

	{ "Content-Length", POST "Content-Length: 5\r\n\r\nhello", SL_OK, "a.com", "/p", NULL, 0, false, 5,
	  5 },
	{ "Content-Length 0", POST "Content-Length: 0\r\n\r\n", SL_OK, "a.com", "/p", NULL, 0, false, NO_BODY,
	  0 },
	{ "equal Content-Lengths on one line (RFC 9110 §8.6)", POST "Content-Length: 42, 42\r\n\r\n", SL_OK,
	  "a.com", "/p", NULL, 0, false, 42, 0 },
	{ "equal Content-Lengths on two lines", POST "Content-Length: 5\r\nContent-Length: 05\r\n\r\n", SL_OK,
	  "a.com", "/p", NULL, 0, false, 5, 0 },
	{ "Content-Lengths that differ", POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", SL_OK,
	  "a.com", "/p", NULL, 0, false, BROKEN, 0 },
	{ "Content-Lengths that differ on one line", POST "Content-Length: 5, 6\r\n\r\n", SL_OK, "a.com",
	  "/p", NULL, 0, false, BROKEN, 0 },
	{ "Content-Length 0 against another", POST "Content-Length: 0\r\nContent-Length: 6\r\n\r\n", SL_OK,
	  "a.com", "/p", NULL, 0, false, BROKEN, 0 },
	{ "a list that ends in a comma", POST "Content-Length: 5,\r\n\r\n", SL_OK, "a.com", "/p", NULL, 0,
	  false, BROKEN, 0 },
	{ "an empty Content-Length", POST "Content-Length:\r\n\r\n", SL_OK, "a.com", "/p", NULL, 0, false,
	  BROKEN, 0 },
	{ "a signed Content-Length", POST "Content-Length: +5\r\n\r\n", SL_OK, "a.com", "/p", NULL, 0, false,
	  BROKEN, 0 },
	{ "a hexadecimal Content-Length", POST "Content-Length: 0x5\r\n\r\n", SL_OK, "a.com", "/p", NULL, 0,
	  false, BROKEN, 0 },
	{ "a Content-Length of 2^64", POST "Content-Length: 18446744073709551616\r\n\r\n", SL_OK, "a.com",
	  "/p", NULL, 0, false, BROKEN, 0 },
	{ "a Content-Length of 21 digits", POST "Content-Length: 999999999999999999999\r\n\r\n", SL_OK,
	  "a.com", "/p", NULL, 0, false, BROKEN, 0 },
	{ "a folded Content-Length", POST "Content-Length:\r\n 5\r\n\r\n", SL_OK, "a.com", "/p", NULL, 0,
	  false, BROKEN, 0 },
	{ "a blank before the colon of Content-Length", POST "Content-Length : 5\r\n\r\n", SL_OK, "a.com",
	  "/p", NULL, 0, false, BROKEN, 0 },
	{ "chunked", POST "Transfer-Encoding: Chunked\r\n\r\n", SL_OK, "a.com", "/p", NULL, 0, false, CHUNKED,
	  0 },
	{ "chunked is the last of several codings", POST "Transfer-Encoding: gzip, chunked\r\n\r\n", SL_OK,
	  "a.com", "/p", NULL, 0, false, CHUNKED, 0 },
	{ "codings over two lines", POST "Transfer-Encoding: gzip\r\nTransfer-Encoding: , chunked ,\r\n\r\n",
	  SL_OK, "a.com", "/p", NULL, 0, false, CHUNKED, 0 },
	{ "CL.TE: chunked beats Content-Length (§6.3)",
	  POST "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG", SL_OK, "a.com", "/p",
	  NULL, 0, false, CHUNKED, 6 },
	{ "TE.CL: in the other order too",
	  POST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n8\r\nSMUGGLED\r\n0\r\n\r\n", SL_OK,
	  "a.com", "/p", NULL, 0, false, CHUNKED, 18 },
	{ "chunked is not the last coding", POST "Transfer-Encoding: chunked, gzip\r\n\r\n", SL_OK, "a.com",
	  "/p", NULL, 0, false, BROKEN, 0 },
	{ "chunked twice", POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", SL_OK,
	  "a.com", "/p", NULL, 0, false, BROKEN, 0 },
	{ "TE.TE: a coding that only looks like chunked", POST "Transfer-Encoding: xchunked\r\n\r\n", SL_OK,
	  "a.com", "/p", NULL, 0, false, BROKEN, 0 },
	{ "TE.TE: a vertical tab before chunked",
	  POST "Transfer-Encoding: \x0b"
	       "chunked\r\n\r\n",
	  SL_OK, "a.com", "/p", NULL, 0, false, BROKEN, 0 },
	{ "TE.TE: a second, unknown coding",
	  POST "Transfer-Encoding: chunked\r\nTransfer-encoding: cow\r\n\r\n", SL_OK, "a.com", "/p", NULL, 0,
	  false, BROKEN, 0 },
	{ "TE.TE: a blank before the colon", POST "Transfer-Encoding : chunked\r\n\r\n", SL_OK, "a.com", "/p",
	  NULL, 0, false, BROKEN, 0 },
	{ "TE.TE: folded", POST "Transfer-Encoding:\r\n chunked\r\n\r\n", SL_OK, "a.com", "/p", NULL, 0,
	  false, BROKEN, 0 },
	{ "a comma in a quoted parameter of a coding", POST "Transfer-Encoding: x;y=\", chunked\r\n\r\n",
	  SL_OK, "a.com", "/p", NULL, 0, false, BROKEN, 0 },
	{ "an empty Transfer-Encoding", POST "Transfer-Encoding:\r\n\r\n", SL_OK, "a.com", "/p", NULL, 0,
	  false, BROKEN, 0 },
	{ "identity is no framing", POST "Transfer-Encoding: identity\r\n\r\n", SL_OK, "a.com", "/p", NULL, 0,
	  false, BROKEN, 0 },
	{ "Expect changes nothing", POST "Expect: 100-continue\r\nContent-Length: 9\r\n\r\n", SL_OK, "a.com",
	  "/p", NULL, 0, false, 9, 0 },

	{ "WebSocket (RFC 6455 §1.2)",
	  "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: "
	  "Upgrade\r\n\r\n",
	  SL_OK, "server.example.com", "/chat", NULL, 0, true, 0, 0 },
	{ "upgrade among other connection options",
	  GET HOST "Connection: keep-alive, HTTP2-Settings , Upgrade\r\nUpgrade: h2c\r\n\r\n", SL_OK, "a.com",
	  "/", NULL, 0, true, 0, 0 },
	{ "upgrade on a folded line", GET HOST "Upgrade: h2c\r\nConnection: keep-alive,\r\n upgrade\r\n\r\n",
	  SL_OK, "a.com", "/", NULL, 0, true, 0, 0 },
	{ "an upgrade with a body", POST "Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\n",
	  SL_OK, "a.com", "/p", NULL, 0, true, 3, 0 },
	{ "Upgrade that Connection does not name", GET HOST "Upgrade: h2c\r\n\r\n", SL_OK, "a.com", "/", NULL,
	  0, false, 0, 0 },
	{ "Connection names an Upgrade that is not there", GET HOST "Connection: upgrade\r\n\r\n", SL_OK,
	  "a.com", "/", NULL, 0, false, 0, 0 },
	{ "HTTP/1.0 cannot upgrade (RFC 9110 §7.8)",
	  "GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n", SL_OK, NULL, "/", NULL, 0, false,
	  0, 0 },
	{ "the next request is not of this head", GET HOST "\r\nGET /2 HTTP/1.1\r\n", SL_OK, "a.com", "/",
	  NULL, 0, false, 0, 17 },

	{ "nothing yet", "", SL_EMORE, NULL, NULL, NULL, 0, false, 0, 0 },
	{ "half a method", "GE", SL_EMORE, NULL, NULL, NULL, 0, false, 0, 0 },
	{ "half a version", "GET * HT", SL_EMORE, NULL, NULL, NULL, 0, false, 0, 0 },
	{ "no empty line yet", GET HOST, SL_EMORE, NULL, NULL, NULL, 0, false, 0, 0 },
	{ "the preface of HTTP/2 (RFC 9113 §3.4)", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", SL_EPROTO, NULL, NULL,
	  NULL, 0, false, 0, 0 },
	{ "the preface of HTTP/2 is known before its end", "PRI * HTTP/2", SL_EPROTO, NULL, NULL, NULL, 0,
	  false, 0, 0 },
	{ "SSH", "SSH-2.0-OpenSSH_9.2\r\n", SL_EPROTO, NULL, NULL, NULL, 0, false, 0, 0 },
	{ "SMTP", "EHLO mail.example\r\n", SL_EPROTO, NULL, NULL, NULL, 0, false, 0, 0 },
	{ "RTSP", "OPTIONS rtsp://a.com/ RTSP/1.0\r\n", SL_EPROTO, NULL, NULL, NULL, 0, false, 0, 0 },
	{ "SIP is known before the end of its line", "INVITE sip:b@a.com SI", SL_EPROTO, NULL, NULL, NULL, 0,
	  false, 0, 0 },
	{ "IRC is known before the end of its line", "USER guest 0", SL_EPROTO, NULL, NULL, NULL, 0, false, 0,
	  0 },
	{ "a TLS record", "\x16\x03", SL_EPROTO, NULL, NULL, NULL, 0, false, 0, 0 },
	{ "a blank in front", " GET / HTTP/1.1\r\n", SL_EPROTO, NULL, NULL, NULL, 0, false, 0, 0 },
	{ "a method of 33 letters is known at once", LETTERS32 "G", SL_EPROTO, NULL, NULL, NULL, 0, false, 0,
	  0 },
	{ "a control byte in the target", "GET /\x01", SL_EPROTO, NULL, NULL, NULL, 0, false, 0, 0 },
	{ "a bare CR in the target", "GET /\rx", SL_EPROTO, NULL, NULL, NULL, 0, false, 0, 0 },
	{ "a bare CR in front", "\rGET", SL_EPROTO, NULL, NULL, NULL, 0, false, 0, 0 },
	{ "a major version of 2", "GET / HTTP/2.0\r\n", SL_EPROTO, NULL, NULL, NULL, 0, false, 0, 0 },
	{ "a version without a number", "GET / HTTP/1.\r\n", SL_EPROTO, NULL, NULL, NULL, 0, false, 0, 0 },
	{ "a version of four digits", "GET / HTTP/1.1000\r\n", SL_EPROTO, NULL, NULL, NULL, 0, false, 0, 0 },
	{ "blanks after a target that is no path", "GET * x HTTP/1.1\r\n", SL_EPROTO, NULL, NULL, NULL, 0,
	  false, 0, 0 },
	{ "a response", "HTTP/1.1 200 OK\r\n", SL_EPROTO, NULL, NULL, NULL, 0, false, 0, 0 },
	{ "authority-form with a path", "CONNECT a.com/x HTTP/1.1\r\n\r\n", SL_OK, NULL, NULL, NULL, 0, true,
	  BROKEN, 0 },
};

static void assert_view(struct sl_bytes got, const char *want)
{
	assert_int_equal(got.p != NULL, want != NULL);
	if (want == NULL)
		return;
	assert_int_equal(got.len, strlen(want));
	assert_memory_equal(got.p, want, got.len);
}

/* want: names with blanks between. */
static void assert_other_hosts(const struct sl_http_request *r, const char *want)
{
	char text[256] = "";
	for (size_t i = 0; i < SL_HTTP_OTHER_HOSTS && r->other_host[i].p != NULL; i++) {
		size_t n = strlen(text);
		(void)snprintf(text + n, sizeof(text) - n, "%s%.*s", i > 0 ? " " : "",
		               (int)r->other_host[i].len, (const char *)r->other_host[i].p);
	}
	assert_string_equal(text, want == NULL ? "" : want);
}

static void test_request(void **state)
{
	const struct request_case *c = *state;
	size_t len = strlen(c->text);
	for (size_t n = 0; n <= len; n++) { /* an early answer is the late answer */
		uint8_t *copy = malloc(n + 1);
		assert_non_null(copy);
		memcpy(copy + 1, c->text, n);
		struct sl_http_request r = { 0 };
		int err = sl_http1_request_read((struct sl_bytes){ copy + 1, n }, &r);
		if (err != SL_EMORE || n == len)
			assert_int_equal(err, c->want);
		if (err == SL_OK) {
			assert_int_equal(r.len, len - c->more);
			assert_view(r.host, c->host);
			assert_view(r.path, c->path);
			assert_other_hosts(&r, c->other);
			assert_int_equal(r.port, c->port);
			assert_int_equal(r.tunnel, c->tunnel);
			assert_int_equal(r.body.state != 0, c->body != NO_BODY);
			assert_int_equal(sl_http1_body_broken(&r.body), c->body == BROKEN);
			assert_int_equal(r.body.left, c->body > 0 ? c->body : 0);
			assert_int_equal(sl_http1_body_skippable(&r.body), r.body.left);
		}
		free(copy);
	}
}

#define CHUNKED_POST "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
#define LENGTH_POST  "POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n"

static const struct body_case {
	const char *name, *head, *body;
	int want;
	size_t more; /* bytes at the end that are not of the body */
} body_cases[] = {
	{ "no body", GET "\r\n", "GET /", SL_OK, 5 },
	{ "a body by length", LENGTH_POST, "0123456789GET", SL_OK, 3 },
	{ "a body by length that goes on", LENGTH_POST, "012345678", SL_EMORE, 0 },
	{ "one chunk", CHUNKED_POST, "5\r\nhello\r\n0\r\n\r\nGET", SL_OK, 3 },
	{ "several chunks, any case of hex", CHUNKED_POST, "a\r\n0123456789\r\nA\r\n0123456789\r\n00\r\n\r\n",
	  SL_OK, 0 },
	{ "a request within a chunk is body", CHUNKED_POST, "12\r\nGET / HTTP/1.1\r\n\r\n\r\n0\r\n\r\nX",
	  SL_OK, 1 },
	{ "chunk extensions (RFC 9112 §7.1.1)", CHUNKED_POST, "2;a=b;c=\"d;e\"\r\nhi\r\n0 ; x\r\n\r\n", SL_OK,
	  0 },
	{ "blanks after the size", CHUNKED_POST, "2 \t\r\nhi\r\n0\r\n\r\n", SL_OK, 0 },
	{ "trailers (§7.1.2)", CHUNKED_POST, "0\r\nExpires: now\r\nX: y\r\n\r\nG", SL_OK, 1 },
	{ "bare LF ends lines", CHUNKED_POST, "2\nhi\n0\nX: y\n\nG", SL_OK, 1 },
	{ "a size of 16 digits", CHUNKED_POST, "0000000000000002\r\nhi\r\n0\r\n\r\n", SL_OK, 0 },
	{ "the largest size goes on", CHUNKED_POST, "ffffffffffffffff\r\nhi\r\n0\r\n\r\n", SL_EMORE, 0 },
	{ "a size of 17 digits", CHUNKED_POST, "00000000000000002\r\n", SL_EMALF, 2 },
	{ "no size", CHUNKED_POST, "\r\n", SL_EMALF, 1 },
	{ "an extension without a size", CHUNKED_POST, ";a\r\n", SL_EMALF, 3 },
	{ "a sign before the size", CHUNKED_POST, "+2\r\n", SL_EMALF, 3 },
	{ "0x before the size", CHUNKED_POST, "0x2\r\n", SL_EMALF, 3 },
	{ "a blank before the size", CHUNKED_POST, " 2\r\n", SL_EMALF, 3 },
	{ "a bare CR in the size line", CHUNKED_POST, "2\rhi", SL_EMALF, 1 },
	{ "a bare CR in an extension", CHUNKED_POST, "2;a\rb\r\n", SL_EMALF, 2 },
	{ "a chunk longer than its size", CHUNKED_POST, "2\r\nhix\r\n", SL_EMALF, 2 },
	{ "a bare CR after a chunk", CHUNKED_POST, "2\r\nhi\r0\r\n", SL_EMALF, 2 },
	{ "a bare CR at the end", CHUNKED_POST, "0\r\n\rG", SL_EMALF, 0 },
	{ "the last chunk alone is not the end", CHUNKED_POST, "0\r\n", SL_EMORE, 0 },
	{ "a trailer that goes on", CHUNKED_POST, "0\r\nX: y\r\n", SL_EMORE, 0 },
};

static void test_body(void **state)
{
	const struct body_case *c = *state;
	struct sl_bytes body = sl_bytes_str(c->body);
	struct sl_http_request r = { 0 };
	assert_int_equal(sl_http1_request_read(sl_bytes_str(c->head), &r), SL_OK);
	for (size_t n = 0; n <= body.len; n++) { /* in two pieces as in one */
		struct sl_http1_body b = r.body;
		size_t used = 0, more = 0;
		int err = sl_http1_body_walk(&b, sl_bytes_first(body, n), &used);
		if (err == SL_EMORE) {
			assert_int_equal(used, n);
			err = sl_http1_body_walk(&b, sl_bytes_skip(body, n), &more);
		}
		assert_int_equal(err, c->want);
		assert_int_equal(used + more, body.len - c->more);
	}
}

static void test_skip(void **state)
{
	(void)state;
	struct sl_http_request r = { 0 };
	size_t used;
	assert_int_equal(sl_http1_request_read(sl_bytes_str(CHUNKED_POST), &r), SL_OK);
	assert_int_equal(sl_http1_body_skippable(&r.body), 0);
	sl_http1_body_skip(&r.body, 7);
	assert_int_equal(sl_http1_body_walk(&r.body, sl_bytes_str("100\r\nab"), &used), SL_EMORE);
	assert_int_equal(sl_http1_body_skippable(&r.body), 254);
	sl_http1_body_skip(&r.body, 250);
	assert_int_equal(sl_http1_body_skippable(&r.body), 4);
	sl_http1_body_skip(&r.body, 100); /* no more than there is */
	assert_int_equal(sl_http1_body_skippable(&r.body), 0);
	assert_int_equal(sl_http1_body_walk(&r.body, sl_bytes_str("\r\n0\r\n\r\n"), &used), SL_OK);
	assert_int_equal(sl_http1_request_read(sl_bytes_str(LENGTH_POST), &r), SL_OK);
	sl_http1_body_skip(&r.body, 10);
	assert_int_equal(sl_http1_body_walk(&r.body, sl_bytes_str("GET"), &used), SL_OK);
	assert_int_equal(used, 0);
	assert_true(sizeof(struct sl_http1_body) <= 16);
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(cases) + SL_COUNT(body_cases) + 1];
	struct CMUnitTest *t = tests;
	for (size_t i = 0; i < SL_COUNT(cases); i++)
		*t++ = (struct CMUnitTest){ cases[i].name, test_request, NULL, NULL,
			                    (void *)(uintptr_t)&cases[i] };
	for (size_t i = 0; i < SL_COUNT(body_cases); i++)
		*t++ = (struct CMUnitTest){ body_cases[i].name, test_body, NULL, NULL,
			                    (void *)(uintptr_t)&body_cases[i] };
	*t = (struct CMUnitTest){ "bytes of a body may be skipped unseen", test_skip, NULL, NULL, NULL };
	return cmocka_run_group_tests_name("sniff_http1", tests, NULL, NULL);
}
