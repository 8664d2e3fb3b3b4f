/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_dtls.c - datagrams, each after two bytes of its length, of one flow. Properties: nothing outside of a datagram is read;
 * all hellos of a datagram are told in bounded steps, their views within it or the pool; what is given back leaves the pool
 * whole: afterwards as many flows as there are messages may keep a piece. */
#include <stdlib.h>
#include <string.h>

#include "filter/sniff_dtls.h"

enum { MESSAGES = 2 * SL_DTLS_MESSAGES, BUDGET = 2048 };

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void read_all(struct sl_dtls_pool *pool, sl_dtls_flow *flow, struct sl_bytes datagram)
{
	struct sl_dtls_cur at;
	struct sl_dtls_hello hello;
	uint32_t differs = 0;
	size_t sum = 0;
	uint8_t *copy = (uint8_t *)malloc(datagram.len == 0 ? 1 : datagram.len);
	must(copy != NULL);
	if (datagram.len > 0)
		memcpy(copy, datagram.p, datagram.len);
	struct sl_bytes bytes = sl_bytes_of(copy, datagram.len);
	bool is = sl_dtls_begin(bytes, &at);
	must(!(is && sl_is_stun(bytes)));
	for (size_t n = 0; is && sl_dtls_next(pool, flow, &at, &hello, &differs) == SL_OK; n++) {
		must(n <= datagram.len / 12);
		for (size_t i = 0; i < hello.tls.sni.len; i++)
			sum += hello.tls.sni.p[i];
		for (size_t i = 0; i < hello.tls.alpn.len; i++)
			sum += hello.tls.alpn.p[i];
	}
	must(sum <= (size_t)510 * (BUDGET + datagram.len) * (datagram.len + 1));
	free(copy);
}

/* A piece of a hello that never ends. */
static const uint8_t piece[] = { 22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 13,
	                         1,  0,    1,    0, 0, 0, 0, 0, 0, 0, 0, 1, 3 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sl_dtls_pool *pool;
	sl_dtls_flow flow = 0, other[MESSAGES] = { 0 };
	struct sl_cur c = sl_cur_whole(sl_bytes_of(data, size));
	if (pool == NULL)
		must(sl_dtls_pool_new(MESSAGES, BUDGET, &pool) == SL_OK);
	while (sl_cur_more(&c)) {
		size_t len = sl_cur_u16(&c);
		read_all(pool, &flow, sl_cur_bytes(&c, len < c.left ? len : c.left));
	}
	sl_dtls_close(pool, &flow);
	must(flow == 0);
	for (size_t i = 0; i < MESSAGES; i++) {
		read_all(pool, &other[i], sl_bytes_of(piece, sizeof(piece)));
		must(other[i] != 0);
	}
	for (size_t i = 0; i < MESSAGES; i++)
		sl_dtls_close(pool, &other[i]);
	return 0;
}
