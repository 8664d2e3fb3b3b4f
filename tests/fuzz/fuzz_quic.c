/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_quic.c - a client's datagrams, each with two bytes of length before it, and the answers of the reader and of a second
 * one. Properties: reading ends, and within each datagram; packets lie one behind the other in it; a name lies in the hello's
 * memory or in the datagram, and what is left to read behind its end; without memory nothing is held; a reader that has seen other flows before answers alike. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cur.h"
#include "filter/quic_packet.h"
#include "filter/sniff_gquic.h"
#include "filter/sniff_quic.h"

enum { CONNS = 3, BUDGET = 2048, DATAGRAMS = 64 };

struct answer {
	int err;
	uint32_t differs;
	struct sl_quic_hello hello;
	size_t sni_len;
	uint8_t sni[BUDGET];
};

static void ask(struct sl_quic_pool *pool, sl_quic_flow *flow, struct sl_bytes datagram, struct answer *out)
{
	uint8_t *copy = (uint8_t *)malloc(datagram.len == 0 ? 1 : datagram.len);
	if (copy == NULL)
		abort();
	if (datagram.len > 0)
		memcpy(copy, datagram.p, datagram.len);
	*out = (struct answer){ 0 };
	out->err = sl_quic_read(pool, flow, sl_bytes_of(copy, datagram.len), &out->hello, &out->differs);
	if (out->err == SL_ENOMEM && *flow != 0)
		abort();
	if (out->err == SL_OK && out->hello.rest.len > 0 &&
	    out->hello.rest.p + out->hello.rest.len != copy + datagram.len)
		abort();
	if (out->err == SL_OK && out->hello.tls.sni.p != NULL) {
		out->sni_len = out->hello.tls.sni.len;
		if (out->sni_len > sizeof(out->sni) && out->sni_len > datagram.len)
			abort();
		memcpy(out->sni, out->hello.tls.sni.p, out->sni_len < BUDGET ? out->sni_len : BUDGET);
	}
	free(copy);
}

static void check_packets(struct sl_bytes rest)
{
	struct sl_quic_packet pkt;
	while (sl_quic_packet_read(rest, &pkt) == SL_OK) {
		if (pkt.all.p != rest.p || pkt.all.len == 0 || pkt.all.len > rest.len ||
		    pkt.number_at > pkt.all.len || pkt.dcid.len > SL_QUIC_CID_MAX ||
		    pkt.scid.len > SL_QUIC_CID_MAX)
			abort();
		rest = sl_bytes_skip(rest, pkt.all.len);
	}
}

/* An answer for a part of a CHLO is "more" or the answer for all of it. */
static void check_chlo(struct sl_bytes message)
{
	struct sl_bytes whole = { NULL, 0 }, part = { NULL, 0 };
	int late = sl_gquic_chlo_read(message, &whole);
	for (size_t n = 0; n < message.len && n < 256; n++) {
		int early = sl_gquic_chlo_read(sl_bytes_first(message, n), &part);
		if (early != SL_EMORE && (early != late || (early == SL_OK && !sl_bytes_equal(part, whole))))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sl_quic_pool *used; /* by all inputs; the other one is new each time */
	static struct answer a, b;
	struct sl_quic_pool *fresh = NULL;
	sl_quic_flow flow = 0, again = 0;
	struct sl_cur c = sl_cur_whole(sl_bytes_of(data, size));
	if ((used == NULL && sl_quic_pool_new(CONNS, BUDGET, &used) != SL_OK) ||
	    sl_quic_pool_new(CONNS, BUDGET, &fresh) != SL_OK)
		abort();
	check_chlo(sl_bytes_of(data, size));
	for (unsigned i = 0; i < DATAGRAMS && sl_cur_more(&c); i++) {
		size_t n = sl_cur_u16(&c);
		struct sl_bytes datagram = sl_cur_bytes(&c, n < c.left ? n : c.left);
		check_packets(datagram);
		ask(used, &flow, datagram, &a);
		ask(fresh, &again, datagram, &b);
		if (a.err != b.err || a.differs != b.differs || a.sni_len != b.sni_len ||
		    memcmp(a.sni, b.sni, a.sni_len < BUDGET ? a.sni_len : BUDGET) != 0 ||
		    a.hello.version != b.hello.version ||
		    sl_quic_why(used, flow) != sl_quic_why(fresh, again))
			abort();
	}
	sl_quic_close(used, &flow);
	sl_quic_pool_free(&fresh);
	return 0;
}
