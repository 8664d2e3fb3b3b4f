/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/sniff_quic.h"

#include <stdlib.h>

#include "base/lines.h"
#include "base/out.h"
#include "filter/quic_crypto.h"
#include "filter/quic_frames.h"
#include "filter/quic_keys.h"
#include "filter/sniff_gquic.h"

enum { MAX_CONNS = 1 << 20, MIN_BUDGET = 512, MAX_BUDGET = 65536, WORD = 64, DATAGRAM_MAX = 65536 };
/* What one datagram may cost: 64 segments are the most that Linux glues together (UDP_MAX_SEGMENTS). */
enum { OPENS_MAX = 64, DERIVES_MAX = 4, PACKETS_MAX = 256 };

struct sl_quic_conn {
	uint32_t next; /* of the flow, or of the free ones: index + 1 */
	uint8_t dcid_len;
	uint8_t dcid[SL_QUIC_CID_MAX];
	const struct sl_quic_version *version;
	struct sl_quic_keys keys;
	uint64_t expected; /* the packet number after the largest one */
	struct sl_quic_crypto crypto;
	int err;     /* what its stream said last */
	bool beyond; /* bytes of it lay beyond the budget */
};

struct sl_quic_pool {
	uint32_t used;
	struct sl_quic_conn *conn;
	uint32_t free; /* index + 1; never 0 between two calls */
	uint8_t *bytes;
	uint64_t *bits;
	uint8_t *scratch; /* DATAGRAM_MAX: one packet in the clear */
};

/* One call of sl_quic_read(). */
struct reading {
	struct sl_quic_pool *pool;
	sl_quic_flow *flow;
	struct sl_quic_hello *out;
	uint32_t *differs;
	unsigned opens, derives;
	bool padded;          /* the datagram is as long as a server demands */
	struct sl_bytes mark; /* version and connection id of the first packet: how the next ones begin */
};

/* ---- the pool ---- */

int sl_quic_pool_new(uint32_t conns, uint32_t budget, struct sl_quic_pool **out)
{
	if (conns == 0 || conns > MAX_CONNS || budget < MIN_BUDGET || budget > MAX_BUDGET)
		return SL_EINVAL;
	struct sl_quic_pool *pool = (struct sl_quic_pool *)sl_lines_new(1, sizeof(*pool));
	if (pool == NULL)
		return SL_ENOMEM;
	size_t n = (size_t)conns + 1; /* one to read the datagrams that need no keeping */
	size_t room = (size_t)(budget + WORD - 1) / WORD * WORD;
	pool->conn = (struct sl_quic_conn *)sl_lines_new(n, sizeof(*pool->conn));
	pool->bytes = (uint8_t *)malloc(n * room); /* pages come into being when they are used */
	pool->bits = (uint64_t *)sl_lines_new(n * (room / WORD), sizeof(*pool->bits));
	pool->scratch = (uint8_t *)sl_lines_new(1, DATAGRAM_MAX);
	if (pool->conn == NULL || pool->bytes == NULL || pool->bits == NULL || pool->scratch == NULL) {
		sl_quic_pool_free(&pool);
		return SL_ENOMEM;
	}
	for (size_t i = n; i-- > 0;) {
		struct sl_quic_conn *c = &pool->conn[i];
		c->crypto = (struct sl_quic_crypto){ .byte = pool->bytes + i * room,
			                             .came = pool->bits + i * (room / WORD),
			                             .room = (uint32_t)room };
		c->next = pool->free;
		pool->free = (uint32_t)i + 1;
	}
	*out = pool;
	return SL_OK;
}

void sl_quic_pool_free(struct sl_quic_pool **pool)
{
	struct sl_quic_pool *old = sl_take(pool);
	if (old == NULL)
		return;
	free(old->conn);
	free(old->bytes);
	free(old->bits);
	free(old->scratch);
	free(old);
}

static struct sl_quic_conn *at(const struct sl_quic_pool *pool, uint32_t i)
{
	return i == 0 ? NULL : &pool->conn[i - 1];
}

/* Takes the connection at *link, where there is one, out of its list. */
static struct sl_quic_conn *unlink_conn(struct sl_quic_pool *pool, uint32_t *link)
{
	struct sl_quic_conn *c = &pool->conn[*link - 1];
	*link = c->next;
	return c;
}

static void link_conn(struct sl_quic_pool *pool, uint32_t *list, struct sl_quic_conn *c)
{
	c->next = *list;
	*list = (uint32_t)(c - pool->conn) + 1;
}

static void give_back(struct sl_quic_pool *pool, struct sl_quic_conn *c)
{
	sl_quic_crypto_clear(&c->crypto);
	link_conn(pool, &pool->free, c);
	pool->used--;
}

void sl_quic_close(struct sl_quic_pool *pool, sl_quic_flow *flow)
{
	while (*flow != 0)
		give_back(pool, unlink_conn(pool, flow));
}

uint32_t sl_quic_in_use(const struct sl_quic_pool *pool)
{
	return pool->used;
}

int sl_quic_why(const struct sl_quic_pool *pool, sl_quic_flow flow)
{
	const struct sl_quic_conn *c = at(pool, flow);
	return c == NULL ? SL_EUNSUP : c->err;
}

/* ---- which connection a packet belongs to ---- */

static bool is_of(const struct sl_quic_conn *c, const struct sl_quic_packet *pkt)
{
	return sl_bytes_equal(sl_bytes_of(c->dcid, c->dcid_len), pkt->dcid);
}

/* SL_OK when the keys of the connection open the packet. */
static int try_open(struct reading *r, struct sl_quic_conn *c, const struct sl_quic_packet *pkt,
                    struct sl_bytes *frames)
{
	struct sl_out to = sl_out_of(r->pool->scratch, DATAGRAM_MAX);
	uint64_t number;
	if (r->opens++ >= OPENS_MAX)
		return SL_ELIMIT;
	int err = sl_quic_open(&c->keys, pkt, c->expected, &to, frames, &number);
	if (err == SL_OK && number >= c->expected)
		c->expected = number + 1;
	return err;
}

/* A connection that is new to the flow, if the keys that follow from the packet's own id open it. */
static struct sl_quic_conn *try_new(struct reading *r, const struct sl_quic_packet *pkt,
                                    struct sl_bytes *frames)
{
	struct sl_quic_pool *pool = r->pool;
	if (r->derives++ >= DERIVES_MAX)
		return NULL;
	if (pool->free == 0) /* taken in this very call, by this flow */
		return NULL;
	struct sl_quic_conn *c = unlink_conn(pool, &pool->free);
	pool->used++;
	c->version = pkt->readable;
	c->dcid_len = (uint8_t)pkt->dcid.len;
	if (pkt->dcid.len > 0)
		memcpy(c->dcid, pkt->dcid.p, pkt->dcid.len);
	c->expected = 0;
	c->err = SL_EMORE;
	c->beyond = false;
	sl_quic_keys_client(pkt->readable, pkt->dcid, &c->keys);
	if (try_open(r, c, pkt, frames) == SL_OK)
		return c;
	give_back(pool, c);
	return NULL;
}

/* The link to a connection of the flow, and of the packet's version, whose keys open it; of those with its own id or of the
 * others. NULL when none do. */
static uint32_t *find(struct reading *r, const struct sl_quic_packet *pkt, bool own, struct sl_bytes *frames)
{
	struct sl_quic_conn *c;
	for (uint32_t *link = r->flow; (c = at(r->pool, *link)) != NULL; link = &c->next)
		if (is_of(c, pkt) == own && c->version == pkt->readable &&
		    try_open(r, c, pkt, frames) == SL_OK)
			return link;
	return NULL;
}

static void drop_oldest(struct reading *r)
{
	uint32_t *link = r->flow;
	for (unsigned i = 0; i < SL_QUIC_CONNS && *link != 0; i++)
		link = &at(r->pool, *link)->next;
	if (*link != 0)
		give_back(r->pool, unlink_conn(r->pool, link));
}

/* The connection of an Initial, which then stands first in its flow. A client whose server has answered sends to the id that
 * the server chose, under the keys of the first one (RFC 9001 §5.2); after a Retry it begins anew with keys that follow from
 * the id in it. So the packet's own id comes first, and then the others of the flow. */
static struct sl_quic_conn *connection(struct reading *r, const struct sl_quic_packet *pkt,
                                       struct sl_bytes *frames)
{
	struct sl_quic_conn *c = NULL;
	uint32_t *link = find(r, pkt, true, frames);
	if (link == NULL)
		c = try_new(r, pkt, frames);
	if (link == NULL && c == NULL)
		link = find(r, pkt, false, frames);
	if (link != NULL)
		c = unlink_conn(r->pool, link);
	if (c == NULL)
		return NULL;
	link_conn(r->pool, r->flow, c);
	drop_oldest(r);
	return c;
}

/* ---- what it says ---- */

static int read_stream(const struct sl_quic_conn *c, struct sl_tls_hello *out)
{
	struct sl_bytes head = sl_quic_crypto_head(&c->crypto);
	if (!c->version->chlo)
		return sl_tls_hello_read_bare(head, out);
	struct sl_tls_hello hello = { 0 };
	int err = sl_gquic_chlo_read(head, &hello.sni);
	if (err == SL_OK)
		*out = hello;
	return err;
}

static int read_initial(struct reading *r, const struct sl_quic_packet *pkt)
{
	struct sl_bytes frames;
	struct sl_quic_conn *c = connection(r, pkt, &frames);
	if (c == NULL)
		return SL_EPROTO;
	int packet_err = sl_quic_frames_read(c->version, frames, &c->crypto, r->differs);
	c->beyond = c->beyond || packet_err == SL_ELIMIT;
	int err = read_stream(c, &r->out->tls);
	if (err == SL_EPROTO || (err == SL_EMORE && packet_err == SL_EMALF))
		err = SL_EMALF;
	else if (err == SL_EMORE && c->beyond)
		err = SL_ELIMIT;
	c->err = err;
	r->out->version = pkt->version;
	r->out->padded = r->padded || c->version->google;
	r->out->dcid = sl_bytes_of(c->dcid, c->dcid_len);
	return err;
}

/* ---- the packets of a datagram ---- */

static void remember(struct reading *r, const struct sl_quic_packet *pkt)
{
	enum { VERSION = 4, CID_LENGTH = 1, SERVER_KEEPS_TO = 8 };
	if (r->mark.p == NULL && pkt->dcid.len >= SERVER_KEEPS_TO)
		r->mark = sl_bytes_first(sl_bytes_skip(pkt->all, 1), VERSION + CID_LENGTH + pkt->dcid.len);
}

/* Where the next datagram begins that was glued to this one: its size is not told, and what was left of this one was a packet
 * with a short header, or padding. */
static struct sl_bytes resume(const struct reading *r, struct sl_bytes rest)
{
	struct sl_bytes tail = sl_bytes_skip(rest, 2);
	const uint8_t *hit = NULL;
	if (r->mark.p != NULL && tail.p != NULL)
		hit = (const uint8_t *)memmem(tail.p, tail.len, r->mark.p, r->mark.len);
	return hit == NULL ? sl_bytes_skip(rest, rest.len) : sl_bytes_skip(rest, (size_t)(hit - rest.p) - 1);
}

/* SL_EPROTO: it says nothing, not even that this is QUIC. */
static int read_packet(struct reading *r, const struct sl_quic_packet *pkt)
{
	int err = pkt->type == SL_QUIC_INITIAL ? read_initial(r, pkt) : SL_EPROTO;
	if (err != SL_EPROTO)
		return err;
	if (pkt->type == SL_QUIC_NEGOTIATION)
		return SL_EPROTO; /* clients do not send it, and four zeros are not much to tell it by */
	if (pkt->readable == NULL)
		return SL_EUNSUP;
	return pkt->fixed ? SL_EMORE : SL_EPROTO;
}

static int read_packets(struct reading *r, struct sl_bytes rest)
{
	int answer = sl_quic_is_new_version(rest) ? SL_EUNSUP : SL_EPROTO;
	for (unsigned n = 0; n < PACKETS_MAX && rest.len > 0 && r->opens < OPENS_MAX; n++) {
		struct sl_quic_packet pkt;
		int err = sl_quic_packet_read(rest, &pkt);
		if (err != SL_OK) {
			if (err == SL_EMALF && answer == SL_EPROTO)
				answer = SL_EMORE; /* begins like QUIC; servers discard it */
			rest = resume(r, rest);
			continue;
		}
		err = read_packet(r, &pkt);
		if (err == SL_OK) {
			r->out->rest = sl_bytes_skip(rest, pkt.all.len);
			return err;
		}
		/* What one packet lacks, the next may have: what a connection says stands above what none says. */
		if (err == SL_EMALF || err == SL_ELIMIT || answer == SL_EPROTO)
			answer = err;
		remember(r, &pkt);
		rest = sl_bytes_skip(rest, pkt.all.len);
	}
	return answer;
}

int sl_quic_read(struct sl_quic_pool *pool, sl_quic_flow *flow, struct sl_bytes datagram,
                 struct sl_quic_hello *out, uint32_t *differs)
{
	struct sl_quic_hello hello = { 0 };
	struct reading r = { .pool = pool, .flow = flow, .out = &hello, .differs = differs };
	r.padded = datagram.len >= SL_QUIC_DATAGRAM_MIN;
	*differs = 0;
	int err = sl_gquic_read(datagram, &hello.version, &hello.tls.sni);
	if (err == SL_EPROTO)
		err = read_packets(&r, datagram);
	else if (err != SL_OK)
		err = SL_EUNSUP;
	else
		hello.padded = true;
	if (err == SL_OK)
		*out = hello;
	else if (pool->free == 0)
		err = SL_ENOMEM;
	/* The bytes stay where they are until the memory is used again. */
	if (err == SL_OK && hello.dcid.p != NULL)
		give_back(pool, unlink_conn(pool, flow)); /* the one that was read stands first */
	else if (err == SL_ENOMEM)
		sl_quic_close(pool, flow);
	return err;
}
