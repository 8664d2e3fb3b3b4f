/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_quic_split.c - the input is a CRYPTO stream, and how it is cut into frames, packets and datagrams and in which order
 * they come; the tests' generator seals them. Properties: the answer, once all has come, is the one for the stream read at
 * once; a name that is told before is that one. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cur.h"
#include "filter/sniff_quic.h"
#include "tests/support/quic_text.h"

enum { BUDGET = 4096, PIECES = 12 };
enum { NEW_PACKET = 0x40, SAME_DATAGRAM = 0x80 };

struct piece {
	size_t from, to;
	uint8_t how; /* it stands in a packet, in a datagram, and beside what */
};

static size_t cut(struct sl_cur *c, size_t len, struct piece *piece)
{
	size_t n = sl_cur_u8(c) % PIECES + 1, at = 0;
	for (size_t i = 0; i < n; i++) {
		size_t to = i + 1 == n ? len : at + sl_cur_u8(c) * (len - at) / 255;
		piece[i] = (struct piece){ at, to, sl_cur_u8(c) };
		at = to;
	}
	for (size_t i = n; i > 1; i--) {
		size_t j = sl_cur_u8(c) % i;
		struct piece p = piece[i - 1];
		piece[i - 1] = piece[j];
		piece[j] = p;
	}
	return n;
}

/* The datagram that begins with piece i. Returns the first piece of the next one. */
static size_t write_datagram(const struct piece *piece, size_t n, size_t i, const char *version,
                             struct sl_out *text)
{
	static const char *const beside[] = { "", "g ", "a ", "0 ", "e ", "q ", "c0-0 ", "g a 0 " };
	do {
		if (text->len == 0 || (piece[i].how & NEW_PACKET) != 0)
			sl_out_fmt(text, "I %sn%zu ", version, i);
		sl_out_fmt(text, "%sc%zu-%zu ", beside[piece[i].how % 8], piece[i].from, piece[i].to);
		i++;
	} while (i < n && (piece[i].how & SAME_DATAGRAM) != 0);
	sl_out_u8(text, 0);
	return i;
}

static int read_copy(struct sl_quic_pool *pool, sl_quic_flow *flow, struct sl_bytes datagram,
                     struct sl_quic_hello *out)
{
	uint32_t differs;
	uint8_t *copy = (uint8_t *)malloc(datagram.len);
	if (copy == NULL)
		abort();
	memcpy(copy, datagram.p, datagram.len);
	int err = sl_quic_read(pool, flow, sl_bytes_of(copy, datagram.len), out, &differs);
	free(copy);
	if (differs != 0)
		abort();
	return err;
}

static int want(struct sl_bytes stream, struct sl_tls_hello *out)
{
	int err = sl_tls_hello_read_bare(stream, out);
	return err == SL_EPROTO ? SL_EMALF : err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sl_quic_pool *pool;
	struct sl_cur c = sl_cur_whole(sl_bytes_of(data, size));
	size_t len = sl_cur_u16(&c);
	struct sl_bytes stream = sl_cur_bytes(&c, len < c.left ? len : c.left);
	struct piece piece[PIECES];
	struct sl_tls_hello hello = { 0 };
	struct sl_quic_hello got = { 0 };
	sl_quic_flow flow = 0;
	if (stream.len == 0 || stream.len > BUDGET)
		return 0;
	if (pool == NULL && sl_quic_pool_new(1, BUDGET, &pool) != SL_OK)
		abort();
	const char *version = (sl_cur_u8(&c) & 1) != 0 ? "v2 " : "";
	size_t n = cut(&c, stream.len, piece);
	int err = SL_EMORE, late = want(stream, &hello);
	for (size_t i = 0; i < n && err != SL_OK;) {
		char text[1024];
		static uint8_t mem[65536];
		struct sl_out words = sl_out_of(text, sizeof(text)), to = sl_out_of(mem, sizeof(mem));
		i = write_datagram(piece, n, i, version, &words);
		quic_text(text, stream, stream, &to);
		err = read_copy(pool, &flow, sl_bytes_of(to.p, to.len), &got);
	}
	if (err != late)
		abort();
	if (err == SL_OK &&
	    (!sl_bytes_equal(got.tls.sni, hello.sni) || !sl_bytes_equal(got.tls.alpn, hello.alpn) ||
	     got.tls.version != hello.version || got.tls.ech.kind != hello.ech.kind))
		abort();
	sl_quic_close(pool, &flow);
	return 0;
}
