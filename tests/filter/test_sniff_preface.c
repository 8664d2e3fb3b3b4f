/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/sniff_preface.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/util.h"

enum {
	NO = -1,
	SOCKS = SL_PREFACE_SOCKS,
	LINES = SL_PREFACE_DIALOGUE,
	TURNS = SL_PREFACE_STARTTLS,
	MORE = 99
};

static const struct row {
	const char *name, *bytes;
	size_t len;
	int want;
	size_t taken;
	const char *host;
	uint16_t port;
	bool in_dialogue;
} rows[] = {
#define ROW(name, bytes, want, taken)                                       \
	{                                                                   \
		name, bytes, sizeof(bytes) - 1, want, taken, NULL, 0, false \
	}
#define IN_DIALOGUE(name, bytes, want, taken)                              \
	{                                                                  \
		name, bytes, sizeof(bytes) - 1, want, taken, NULL, 0, true \
	}
#define TUNNEL(name, bytes, taken, host, port)                                  \
	{                                                                       \
		name, bytes, sizeof(bytes) - 1, SOCKS, taken, host, port, false \
	}
	TUNNEL("SOCKS 5 to a name (RFC 1928 §4)",
	       "\5\1\0\5\1\0\3\5a.com\1\xbb"
	       "x",
	       15, "a.com", 443),
	TUNNEL("SOCKS 5 with a password (RFC 1929 §2)", "\5\2\0\2\1\1u\1p\5\1\0\3\5a.com\0\x50", 21, "a.com",
	       80),
	TUNNEL("SOCKS 5 to an IPv4 address", "\5\1\0\5\1\0\1\1\2\3\4\0\x50", 13, NULL, 80),
	TUNNEL("SOCKS 5 to an IPv6 address", "\5\1\0\5\1\0\4\1\2\3\4\1\2\3\4\1\2\3\4\1\2\3\4\0\x50", 25, NULL,
	       80),
	TUNNEL("SOCKS 4", "\4\1\0\x50\1\2\3\4me\0GET", 11, NULL, 80),
	TUNNEL("SOCKS 4A", "\4\1\0\x50\0\0\0\1me\0a.com\0GET", 17, "a.com", 80),
	ROW("SOCKS 5, the greeting alone", "\5\1\0", MORE, 0),
	ROW("SOCKS 5 that waits for an address", "\5\1\0\5\1\0\3\5a.co", MORE, 0),
	ROW("SOCKS 5 with methods nobody knows", "\5\1\x42", NO, 0),
	ROW("SOCKS 5 to listen is no tunnel", "\5\1\0\5\2\0\1\1\2\3\4\0\x50", NO, 0),
	ROW("SOCKS 5 to a kind of address that is none", "\5\1\0\5\1\0\2\1", NO, 0),
	ROW("SOCKS 4 to listen is no tunnel", "\4\2\0\x50\1\2\3\4me\0", NO, 0),

	ROW("SMTP", "EHLO client.example\r\nX", LINES, 21),
	ROW("LMTP, a bare LF, lower case", "lhlo x\n", LINES, 7),
	ROW("SMTP turns to TLS (RFC 3207 §4)", "STARTTLS\r\n\x16", TURNS, 10),
	ROW("POP3 turns to TLS (RFC 2595 §4)", "STLS\r\n", TURNS, 6),
	ROW("POP3 asks what there is", "CAPA\r\n", LINES, 6),
	ROW("IMAP, its command behind a tag", "a001 CAPABILITY\r\n", LINES, 17),
	ROW("IMAP turns to TLS (RFC 9051 §6.2.1)", "a002 starttls\r\n", TURNS, 15),
	ROW("IMAP with a tag that begins with a 0", "01 STARTTLS\r\n", TURNS, 13),
	ROW("FTP turns to TLS (RFC 4217 §4)", "AUTH TLS\r\n", TURNS, 10),
	ROW("AUTH of SMTP does not", "AUTH PLAIN AGE\r\n", LINES, 16),
	ROW("STARTTLS with an argument is none", "STARTTLS now\r\n", LINES, 14),
	ROW("a line of something else", "SSH-2.0-x\r\n", NO, 0),
	ROW("an IRC client's NICK", "NICK x\r\n", NO, 0),
	ROW("half a line", "EHLO cli", MORE, 0),
	ROW("half a line with bytes that are no text", "EHLO \1", NO, 0),
	IN_DIALOGUE("any line in a dialogue", "MAIL FROM:<a@b>\r\n", LINES, 17),
	IN_DIALOGUE("an empty line in a dialogue", "\r\n", LINES, 2),
	IN_DIALOGUE("the command that turns, in a dialogue", "a9 STARTTLS\r\n", TURNS, 13),
	IN_DIALOGUE("a hello in a dialogue is no line", "\x16\3\1\2\0", NO, 0),

	ROW("XMPP's header (RFC 6120 §4.2)", "<?xml version='1.0'?><stream:stream to='x'>", LINES, 21),
	IN_DIALOGUE("XMPP's stream", "<stream:stream to='x'>", LINES, 22),
	IN_DIALOGUE("XMPP turns to TLS (RFC 6120 §5.4.2.1)",
	            "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", TURNS, 51),
	ROW("XML of something else", "<policy-file-request/>", NO, 0),
	ROW("half a header", "<str", MORE, 0),

	ROW("PostgreSQL's SSLRequest", "\0\0\0\x08\x04\xd2\x16\x2f\x16", TURNS, 8),
	ROW("half of it", "\0\0\0\x08", MORE, 0),
	ROW("PostgreSQL without TLS", "\0\0\0\x54\0\3\0\0", NO, 0),
	ROW("LDAP turns to TLS (RFC 4511 §4.14)",
	    "\x30\x1d\2\1\1\x77\x18\x80\x16"
	    "1.3.6.1.4.1.1466.20037",
	    TURNS, 31),
	ROW("LDAP binds", "\x30\x0c\2\1\1\x60\7\2\1\3\4\0\x80\0", NO, 0),
	ROW("bytes of no protocol", "\x17\3\3", NO, 0),
	ROW("nothing", "", MORE, 0),
};

static int ask(const struct row *row, size_t n, struct sl_preface *p)
{
	uint8_t *copy = malloc(n + 1);
	assert_non_null(copy);
	memcpy(copy + 1, row->bytes, n);
	int err = sl_preface_read(sl_bytes_of(copy + 1, n), row->in_dialogue, p);
	if (err == SL_OK && p->host.p != NULL) {
		assert_non_null(row->host);
		assert_int_equal(p->host.len, strlen(row->host));
		assert_memory_equal(p->host.p, row->host, p->host.len);
	}
	free(copy);
	return err;
}

/* An early answer is the late answer. */
static void test_row(void **state)
{
	const struct row *row = *state;
	int want = row->want == NO ? SL_EPROTO : row->want == MORE ? SL_EMORE : SL_OK;
	for (size_t n = 0; n <= row->len; n++) {
		struct sl_preface p = { 0 };
		int err = ask(row, n, &p);
		if (err != SL_EMORE || n == row->len)
			assert_int_equal(err, want);
		if (err != SL_OK)
			continue;
		assert_int_equal(p.kind, row->want);
		assert_int_equal(p.len, row->taken);
		assert_int_equal(p.port, row->port);
		assert_int_equal(p.host.p != NULL, row->host != NULL);
	}
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(rows)];
	for (size_t i = 0; i < SL_COUNT(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL,
			                        (void *)(uintptr_t)&rows[i] };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
