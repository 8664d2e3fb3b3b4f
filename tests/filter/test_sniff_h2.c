/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a client of HTTP/2 asks for, as a line of text: for each request METHOD, host, path, and what else there is:
 *   :PORT   &OTHER_HOST   @FIELD (host_field, where it is not the host)   t (tunnel)
 * and at the end what was returned last, unless more is awaited. */
#include "filter/sniff_h2.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <nghttp2/nghttp2.h>

#include "base/util.h"
#include "filter/hpack.h"
#include "tests/support/h2_text.h"

#define GET_A ":method=GET :scheme=http :authority=a.com :path=/"

static const struct h2_case {
	const char *name, *text, *want;
} cases[] = {
	{ "a request", "S0 H1es " GET_A "x", "GET a.com/x" },
	{ "several streams", "H1es " GET_A "1 H3es " GET_A "2 H5es " GET_A "3",
	  "GET a.com/1 GET a.com/2 GET a.com/3" },
	{ "fields in the dynamic table speak for later streams (RFC 7541 §2.3.2)",
	  "H1es :method=GET +:authority=a.com +:path=/x H3es #2 #62 #63", "GET a.com/x GET a.com/x" },
	{ "a table made smaller forgets (RFC 7541 §4.3)",
	  "H1es #2 +:authority=a.com :path=/ H3es ^0 ^4096 #2 :path=/ +:authority=b.com H5es #2 #4 #62",
	  "GET a.com/ GET b.com/ GET b.com/" },
	{ "a table may be made larger: the server's settings are not seen (RFC 7541 §6.3)",
	  "H1es ^1000000 #2 #4 +:authority=a.com H3es #2 #4 #62", "GET a.com/ GET a.com/" },
	{ "an update of the table's size that is not at the beginning (RFC 7541 §4.2)", "H1es #2 ^0 #4",
	  "malformed" },
	{ "an index beyond the table (RFC 7541 §2.3.3)", "H1es " GET_A " #70", "malformed" },
	{ "index 0 (RFC 7541 §6.1)", "H1es " GET_A " #0", "malformed" },
	{ "a string that ends behind its section", "H1es #2 !0001610a62", "malformed" },
	{ "bytes of a body are stepped over", "H1e " GET_A "1 D1 3000 D1s 5 H3es " GET_A "2",
	  "GET a.com/1 GET a.com/2" },
	{ "a body that looks like frames", "H1e " GET_A " D1s !0000050104000000038286846162 H3es " GET_A "2",
	  "GET a.com/ GET a.com/2" },
	{ "frames that say nothing of requests",
	  "S0 !000300000064 W0 4 P0 8 O3 5 R1 4 X7 20 G0 8 S0e H1es " GET_A, "GET a.com/" },
	{ "DATA in padding", "H1e " GET_A " D1sp 100 H3es " GET_A "2", "GET a.com/ GET a.com/2" },
	{ "HEADERS with padding (RFC 9113 §6.2)", "H1esp " GET_A "x H3es " GET_A, "GET a.com/x GET a.com/" },
	{ "HEADERS with a priority", "H1esr " GET_A "x", "GET a.com/x" },
	{ "HEADERS with both", "H1espr " GET_A "x", "GET a.com/x" },
	{ "more padding than there is room", "H1esP " GET_A, "malformed" },
	{ "CONTINUATION (RFC 9113 §6.10)", "H1s :method=GET C1 :path=/x C1e :authority=a.com",
	  "GET a.com/x" },
	{ "a CONTINUATION may be empty, and so may HEADERS", "H1s C1 C1 " GET_A "x C1e H3es " GET_A,
	  "GET a.com/x GET a.com/" },
	{ "padding of HEADERS stands before CONTINUATION", "H1sp :method=GET :path=/x C1e :authority=a.com",
	  "GET a.com/x" },
	{ "a CONTINUATION of another stream", "H1s :method=GET C3e :authority=a.com", "malformed" },
	{ "a frame in the midst of a section", "H1s :method=GET P0 8 C1e :authority=a.com", "malformed" },
	{ "a CONTINUATION of nothing", "C1e " GET_A, "malformed" },
	{ "a client that pushes (RFC 9113 §8.4)", "U1e " GET_A, "malformed" },
	{ "a request on stream 0", "H0es " GET_A, "malformed" },
	{ "a request on a stream of the server's", "H2es " GET_A, "malformed" },
	{ "requests before what ends the connection are told", "H1es " GET_A " C1e", "GET a.com/ malformed" },
	{ "GOAWAY does not end what the client still sends", "G0 8 H1es " GET_A, "GET a.com/" },

	{ "trailers are no request, but change the table",
	  "H1e " GET_A " D1 5 H1es +x=y +host=b.com H3es #2 #4 #62", "GET a.com/ GET b.com/" },
	{ "trailers with a host are none either (RFC 9113 §8.1)", "H1e " GET_A " H1es host=b.com x=y",
	  "GET a.com/" },
	{ "Host stands for a missing :authority (RFC 9113 §8.3.1)", "H1es #2 #4 host=a.com:81",
	  "GET a.com/ :81 @a.com:81" },
	{ "Host that says the same", "H1es " GET_A " host=A.com", "GET a.com/" },
	{ "Host that says something else", "H1es " GET_A " host=b.com", "GET a.com/ &b.com" },
	{ "in the other order", "H1es #2 #4 host=b.com :authority=a.com", "GET a.com/ &b.com" },
	{ ":authority twice: a server refuses the stream, one that does not may take either",
	  "H1es " GET_A " :authority=b.com", "GET a.com/ &b.com" },
	{ "Host twice", "H1es #2 #4 host=a.com host=b.com", "GET a.com/ &b.com" },
	{ "an :authority with a port", "H1es #2 #4 :authority=a.com:8080", "GET a.com/ :8080 @a.com:8080" },
	{ "an :authority with userinfo", "H1es #2 #4 :authority=u:p@a.com", "GET a.com/ @u:p@a.com" },
	{ "an :authority that is none does not hide Host", "H1es #2 #4 :authority=a_b host=c.com",
	  "GET a/ &c.com @a b" },
	{ "five different names: the last is left out, and a server refuses the stream",
	  "H1es " GET_A " host=b.com host=c.com :authority=b.com host=d.com host=e.com H3es " GET_A,
	  "GET a.com/ &b.com &c.com &d.com GET a.com/" },
	{ "an absolute :path", "H1es " GET_A " H3es #2 :path=http://b.com/x :authority=a.com",
	  "GET a.com/ GET b.com/x &a.com @a.com" },
	{ "a query", "H1es #2 :path=/a?b=c :authority=a.com", "GET a.com/a?b=c" },
	{ "OPTIONS *", "H1es :method=OPTIONS :path=* :authority=a.com", "OPTIONS a.com" },
	{ "CONNECT (RFC 9113 §8.5)", "H1e :method=CONNECT :authority=a.com:443 D1 20 H3es " GET_A,
	  "CONNECT a.com :443 @a.com:443 t GET a.com/" },
	{ "CONNECT for WebSocket (RFC 8441 §4)",
	  "H1e :method=CONNECT :protocol=websocket :scheme=http :path=/chat :authority=a.com",
	  "CONNECT a.com/chat t" },
	{ "a request without a name", "H1es #2 #4", "GET -/" },
	{ "a request without a path", "H1es #2 :authority=a.com", "GET a.com" },
	{ "a path twice: the first", "H1es " GET_A "1 :path=/2", "GET a.com/1" },
	{ "a method nobody knows", "H1es :method=FROB #4 :authority=a.com", "FROB a.com/" },
	{ "an empty value", "H1es :method=GET :authority= :path= host=a.com", "GET a.com @" },

	{ "nothing yet", "", "" },
	{ "a section that goes on", "H1 " GET_A, "" },
	{ "nothing but settings", "S0 !000300000064", "" },
};

/* ---- reading ---- */

static void say(struct sl_out *log, const struct sl_http_request *r)
{
	struct sl_bytes host = r->host.len > 0 ? r->host : SL_BYTES_LIT("-");
	struct sl_bytes method = r->method.p != NULL ? r->method : SL_BYTES_LIT("-");
	sl_out_fmt(log, "%s%.*s %.*s%.*s", log->len > 0 ? " " : "", (int)method.len, (const char *)method.p,
	           (int)host.len, (const char *)host.p, (int)r->path.len,
	           r->path.p == NULL ? "" : (const char *)r->path.p);
	if (r->port != 0)
		sl_out_fmt(log, " :%u", r->port);
	for (size_t i = 0; i < SL_HTTP_OTHER_HOSTS; i++)
		if (r->other_host[i].p != NULL)
			sl_out_fmt(log, " &%.*s", (int)r->other_host[i].len,
			           (const char *)r->other_host[i].p);
	if (r->host_field.p != NULL && !sl_bytes_equal(r->host_field, r->host))
		sl_out_fmt(log, " @%.*s", (int)r->host_field.len, (const char *)r->host_field.p);
	if (r->tunnel)
		sl_out_str(log, " t");
	assert_int_equal(r->major, 2);
	assert_int_equal(r->len, 0);
}

static const char *error_name(int err)
{
	return err == SL_EMALF ? "malformed" : err == SL_ELIMIT ? "limit" : "other";
}

/* Gives the first `first` bytes, and then `step` more each time. Every call sees a copy of just its bytes. */
static const char *read_in_steps(struct sl_h2_pool *pool, struct sl_bytes all, size_t first, size_t step)
{
	static char text[65536];
	struct sl_out log = sl_out_of(text, sizeof(text) - 1);
	sl_h2_flow flow = sl_h2_open(pool);
	size_t at = 0, there = sl_min(first, all.len);
	int err = SL_EMORE;
	assert_int_not_equal(flow, 0);
	while (true) {
		size_t n = at < there ? there - at : 0, used = 0;
		uint8_t *copy = malloc(n + 1);
		struct sl_http_request r;
		assert_non_null(copy);
		memcpy(copy + 1, sl_bytes_skip(all, at).p, n);
		err = sl_h2_read(pool, flow, sl_bytes_of(copy + 1, n), &used, &r);
		free(copy); /* a request's views are not of it */
		at += used;
		if (err == SL_OK)
			say(&log, &r);
		else if (err != SL_EMORE || there == all.len)
			break;
		else
			there = sl_min(there + step, all.len);
	}
	if (err != SL_EMORE)
		sl_out_fmt(&log, "%s%s", log.len > 0 ? " " : "", error_name(err));
	sl_h2_close(pool, &flow);
	assert_int_equal(flow, 0);
	text[log.len] = '\0';
	return text;
}

static struct sl_h2_pool *pool_of(uint32_t n)
{
	struct sl_h2_pool *pool = NULL;
	assert_int_equal(sl_h2_pool_new(n, &pool), SL_OK);
	return pool;
}

static void test_case(void **state)
{
	static uint8_t mem[65536];
	const struct h2_case *c = *state;
	struct sl_out to = sl_out_of(mem, sizeof(mem));
	struct sl_h2_pool *pool = pool_of(1);
	h2_text(c->text, &to);
	struct sl_bytes all = sl_bytes_of(to.p, to.len);
	assert_string_equal(read_in_steps(pool, all, all.len, 1), c->want);
	assert_string_equal(read_in_steps(pool, all, 0, 1), c->want);
	for (size_t n = 1; n < all.len; n++)
		assert_string_equal(read_in_steps(pool, all, n, all.len), c->want);
	sl_h2_pool_free(&pool);
	assert_null(pool);
}

/* ---- single tests ---- */

static void a_section_may_be_cut_into_frames_anywhere(void **state)
{
	static uint8_t mem[1024];
	uint8_t head[2][9] = { { 0, 0, 0, 1, 1, 0, 0, 0, 1 }, { 0, 0, 0, 9, 4, 0, 0, 0, 1 } };
	struct sl_h2_pool *pool = pool_of(1);
	struct sl_out whole = sl_out_of(mem, sizeof(mem));
	(void)state;
	h2_text("H1es :method=GET +:authority=a.com :path=/x", &whole);
	for (size_t n = 0; n <= whole.len - 9; n++) {
		uint8_t cut[1024];
		struct sl_out to = sl_out_of(cut, sizeof(cut));
		head[0][2] = (uint8_t)n;
		head[1][2] = (uint8_t)(whole.len - 9 - n);
		sl_out_bytes(&to, head[0], 9);
		sl_out_bytes(&to, whole.p + 9, n);
		sl_out_bytes(&to, head[1], 9);
		sl_out_bytes(&to, whole.p + 9 + n, whole.len - 9 - n);
		h2_text("H3es #2 #4 #62", &to);
		assert_string_equal(read_in_steps(pool, sl_bytes_of(to.p, to.len), 0, 1),
		                    "GET a.com/x GET a.com/");
	}
	sl_h2_pool_free(&pool);
}

/* What nghttp2's own encoder makes of requests: Huffman codes, and a table that fills and forgets. */
static void reads_what_an_encoder_writes(void **state)
{
	static uint8_t mem[1 << 20];
	static char want[65536];
	struct sl_out to = sl_out_of(mem, sizeof(mem)), text = sl_out_of(want, sizeof(want) - 1);
	struct sl_h2_pool *pool = pool_of(1);
	nghttp2_hd_deflater *deflater;
	(void)state;
	assert_int_equal(nghttp2_hd_deflate_new(&deflater, 4096), 0);
	for (unsigned i = 0; i < 500; i++) {
		char host[64], path[200], cookie[200];
		uint8_t block[1024];
		(void)snprintf(host, sizeof(host), "host%u.example", i % 7);
		(void)snprintf(path, sizeof(path), "/p/%u/%u?q=~%c", i, i * 7919, 'a' + i % 26);
		(void)snprintf(cookie, sizeof(cookie), "%0*u", (int)(i * 13 % 150 + 1), i);
		const char *fields[][2] = { { ":method", "GET" },     { ":scheme", "http" },
			                    { ":authority", host },   { ":path", path },
			                    { "user-agent", "some" }, { "cookie", cookie } };
		nghttp2_nv nv[SL_COUNT(fields)];
		for (size_t k = 0; k < SL_COUNT(fields); k++)
			nv[k] = (nghttp2_nv){ (uint8_t *)(uintptr_t)fields[k][0],
				              (uint8_t *)(uintptr_t)fields[k][1], strlen(fields[k][0]),
				              strlen(fields[k][1]), NGHTTP2_NV_FLAG_NONE };
		ssize_t n = nghttp2_hd_deflate_hd(deflater, block, sizeof(block), nv, SL_COUNT(nv));
		assert_true(n > 0);
		sl_out_u8(&to, 0);
		sl_out_u16(&to, (uint16_t)n);
		sl_out_u16(&to, 0x0105);
		sl_out_u32(&to, 2 * i + 1);
		sl_out_bytes(&to, block, (size_t)n);
		sl_out_fmt(&text, "%sGET %s%s", i > 0 ? " " : "", host, path);
	}
	want[text.len] = '\0';
	assert_false(to.overflow || text.overflow);
	struct sl_bytes all = sl_bytes_of(to.p, to.len);
	assert_string_equal(read_in_steps(pool, all, all.len, 1), want);
	assert_string_equal(read_in_steps(pool, all, 0, 1000), want);
	nghttp2_hd_deflate_del(deflater);
	sl_h2_pool_free(&pool);
}

static void the_default_table_full_of_the_shortest_entries_fits(void **state)
{
	static char text[32768];
	static uint8_t mem[65536];
	struct sl_out words = sl_out_of(text, sizeof(text) - 1), to = sl_out_of(mem, sizeof(mem));
	struct sl_h2_pool *pool = pool_of(1);
	(void)state;
	for (int stream = 1; stream < 20; stream += 2) {
		sl_out_fmt(&words, "H%des #2 #4 :authority=a.com ", stream);
		for (int i = 0; i < 150; i++)
			sl_out_str(&words, "+a= ");
	}
	text[words.len] = '\0';
	h2_text(text, &to);
	/* and beside it a value whose Huffman code is 16 KiB, all of '0', which has 5 bits */
	size_t from = to.len + 9;
	h2_text("H21es #2 #4 !000178ff817f", &to);
	for (size_t i = 1; i < 16384; i++)
		sl_out_u8(&to, 0);
	sl_out_u8(&to, 3); /* what is left of the last byte is ones (RFC 7541 §5.2) */
	size_t len = to.len - from;
	to.p[from - 9 + 1] = (uint8_t)(len >> 8);
	to.p[from - 9 + 2] = (uint8_t)len;
	assert_false(to.overflow);
	const char *got = read_in_steps(pool, sl_bytes_of(to.p, to.len), to.len, 1);
	assert_string_equal(got + strlen(got) - 6, "GET -/");
	sl_h2_pool_free(&pool);
}

static void a_table_that_outgrows_its_memory_is_told(void **state)
{
	static char text[200000];
	static uint8_t mem[262144];
	struct sl_out words = sl_out_of(text, sizeof(text) - 1), to = sl_out_of(mem, sizeof(mem));
	struct sl_h2_pool *pool = pool_of(1);
	(void)state;
	for (int stream = 1; stream < 41; stream += 2) {
		sl_out_fmt(&words, "H%des %s#2 #4 ", stream, stream == 1 ? "^1000000 " : "");
		for (int i = 0; i < 40; i++)
			sl_out_fmt(&words, "+name%d=%0100d ", i, stream);
	}
	text[words.len] = '\0';
	h2_text(text, &to);
	const char *got = read_in_steps(pool, sl_bytes_of(to.p, to.len), to.len, 1);
	assert_string_equal(got + strlen(got) - 5, "limit");
	/* and the next connection has all of it again */
	to.len = 0;
	h2_text("H1es " GET_A, &to);
	assert_string_equal(read_in_steps(pool, sl_bytes_of(to.p, to.len), to.len, 1), "GET a.com/");
	sl_h2_pool_free(&pool);
}

static void more_fields_than_allowed_are_told(void **state)
{
	static char text[65536];
	static uint8_t mem[65536];
	struct sl_h2_pool *pool = pool_of(1);
	(void)state;
	for (int more = 0; more < 2; more++) {
		struct sl_out words = sl_out_of(text, sizeof(text) - 1), to = sl_out_of(mem, sizeof(mem));
		for (int stream = 1; stream < 4; stream += 2) {
			sl_out_fmt(&words, "H%des " GET_A " ", stream);
			for (int i = 0; i < SL_HPACK_FIELDS - 4 + more; i++)
				sl_out_str(&words, "#16 ");
		}
		text[words.len] = '\0';
		h2_text(text, &to);
		assert_string_equal(read_in_steps(pool, sl_bytes_of(to.p, to.len), to.len, 1),
		                    more ? "limit" : "GET a.com/ GET a.com/");
	}
	sl_h2_pool_free(&pool);
}

static void tells_what_has_come_of_a_request(void **state)
{
	static const struct {
		const char *text, *want;
		size_t cut;
	} rows[] = { { "H1es #2 :authority=a.com :path=/x cookie=aaaa", "GET a.com/x", 1 },
		     { "H1es #2 :authority=a.com :path=/x cookie=aaaa", "GET a.com/x", 12 },
		     { "H1es #2 :authority=a.com :path=/x", "GET a.com", 1 },
		     { "H1s #2 :authority=a.com C1 :path=/x", "GET a.com/x", 0 },
		     { "H1es #2 :authority=a.com", "GET -", 1 },
		     { "H1es cookie=aaaa", "", 1 },
		     { "H1espr #2", "", 15 },
		     { "D1 100", "", 50 },
		     { "S0", "", 1 } };
	struct sl_h2_pool *pool = pool_of(1);
	(void)state;
	for (size_t i = 0; i < SL_COUNT(rows); i++) {
		static uint8_t mem[1024];
		char text[256];
		struct sl_out to = sl_out_of(mem, sizeof(mem)), log = sl_out_of(text, sizeof(text) - 1);
		struct sl_http_request r;
		sl_h2_flow flow = sl_h2_open(pool);
		h2_text(rows[i].text, &to);
		int err = sl_h2_begun(pool, flow, sl_bytes_of(to.p, to.len - rows[i].cut), &r);
		if (err == SL_OK)
			say(&log, &r);
		else
			assert_int_equal(err, SL_EMORE);
		text[log.len] = '\0';
		assert_string_equal(text, rows[i].want);
		sl_h2_close(pool, &flow);
	}
	sl_h2_pool_free(&pool);
}

static void knows_the_preface(void **state)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
	(void)state;
	for (size_t n = 0; n < sizeof(preface) - 1; n++) {
		char other[sizeof(preface)];
		assert_int_equal(sl_h2_preface_read(sl_bytes_of(preface, n)), SL_EMORE);
		memcpy(other, preface, sizeof(other));
		other[n] ^= 1;
		assert_int_equal(sl_h2_preface_read(sl_bytes_of(other, n + 1)), SL_EPROTO);
	}
	assert_int_equal(sl_h2_preface_read(sl_bytes_str(preface)), SL_OK);
	assert_int_equal(sl_h2_preface_read(sl_bytes_str("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nx")), SL_OK);
}

static void a_pool_that_is_empty_says_so(void **state)
{
	struct sl_h2_pool *pool = pool_of(2);
	sl_h2_flow flow[3];
	(void)state;
	for (size_t i = 0; i < 3; i++)
		flow[i] = sl_h2_open(pool);
	assert_true(flow[0] != 0 && flow[1] != 0 && flow[0] != flow[1] && flow[2] == 0);
	sl_h2_close(pool, &flow[2]);
	sl_h2_close(pool, &flow[0]);
	assert_int_not_equal(sl_h2_open(pool), 0);
	sl_h2_pool_free(&pool);
	sl_h2_pool_free(&pool);
	assert_int_equal(sl_h2_pool_new(0, &pool), SL_EINVAL);
	assert_int_equal(sl_h2_pool_new((1 << 20) + 1, &pool), SL_EINVAL);
}

int main(void)
{
	static const struct CMUnitTest single[] = {
		cmocka_unit_test(a_section_may_be_cut_into_frames_anywhere),
		cmocka_unit_test(reads_what_an_encoder_writes),
		cmocka_unit_test(the_default_table_full_of_the_shortest_entries_fits),
		cmocka_unit_test(a_table_that_outgrows_its_memory_is_told),
		cmocka_unit_test(more_fields_than_allowed_are_told),
		cmocka_unit_test(tells_what_has_come_of_a_request),
		cmocka_unit_test(knows_the_preface),
		cmocka_unit_test(a_pool_that_is_empty_says_so),
	};
	struct CMUnitTest tests[SL_COUNT(cases) + SL_COUNT(single)];
	struct CMUnitTest *t = tests;
	for (size_t i = 0; i < SL_COUNT(cases); i++)
		*t++ = (struct CMUnitTest){ cases[i].name, test_case, NULL, NULL,
			                    (void *)(uintptr_t)&cases[i] };
	for (size_t i = 0; i < SL_COUNT(single); i++)
		*t++ = single[i];
	return cmocka_run_group_tests_name("sniff_h2", tests, NULL, NULL);
}
