/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/sniff_dtls.h"

#include <stdlib.h>

#include "base/lines.h"
#include "base/util.h"
#include "filter/quic_crypto.h"

enum { MAX_MESSAGES = 1 << 20, MIN_BUDGET = 512, MAX_BUDGET = 65536, WORD = 64 };
/* Content types, from change_cipher_spec to ACK (RFC 9147 §4); handshake is the one that we read. */
enum {
	TYPE_FIRST = 20,
	TYPE_HANDSHAKE = 22,
	TYPE_LAST = 26,
	RECORD_MAX = (1 << 14) + 2048,
	CLIENT_HELLO = 1
};
enum { DTLS_1_0 = 0xfeff, DTLS_1_2 = 0xfefd, DTLS_OPENSSL = 0x0100 }; /* the last: OpenSSL before 0.9.8f */

/* A hello of which fragments came. One of another length is another, so that neither can spoil the other. */
struct message {
	uint32_t next; /* of the flow, or of the free ones: index + 1 */
	uint32_t len;
	uint16_t seq;
	struct sl_quic_crypto bytes;
};

struct sl_dtls_pool {
	struct message *message;
	uint8_t *bytes;
	uint64_t *bits;
	uint32_t free; /* index + 1 */
};

struct fragment {
	uint32_t len, offset;
	uint16_t seq;
	struct sl_bytes body;
};

int sl_dtls_pool_new(uint32_t messages, uint32_t budget, struct sl_dtls_pool **out)
{
	if (messages == 0 || messages > MAX_MESSAGES || budget < MIN_BUDGET || budget > MAX_BUDGET)
		return SL_EINVAL;
	struct sl_dtls_pool *pool = (struct sl_dtls_pool *)sl_lines_new(1, sizeof(*pool));
	if (pool == NULL)
		return SL_ENOMEM;
	size_t n = messages, room = (size_t)(budget + WORD - 1) / WORD * WORD;
	pool->message = (struct message *)sl_lines_new(n, sizeof(*pool->message));
	pool->bytes = (uint8_t *)malloc(n * room); /* pages come into being when they are used */
	pool->bits = (uint64_t *)sl_lines_new(n * (room / WORD), sizeof(*pool->bits));
	if (pool->message == NULL || pool->bytes == NULL || pool->bits == NULL) {
		sl_dtls_pool_free(&pool);
		return SL_ENOMEM;
	}
	for (size_t i = n; i-- > 0;) {
		pool->message[i].bytes = (struct sl_quic_crypto){ .byte = pool->bytes + i * room,
			                                          .came = pool->bits + i * (room / WORD),
			                                          .room = (uint32_t)room };
		pool->message[i].next = pool->free;
		pool->free = (uint32_t)i + 1;
	}
	*out = pool;
	return SL_OK;
}

void sl_dtls_pool_free(struct sl_dtls_pool **pool)
{
	struct sl_dtls_pool *old = sl_take(pool);
	if (old == NULL)
		return;
	free(old->message);
	free(old->bytes);
	free(old->bits);
	free(old);
}

static void give_back(struct sl_dtls_pool *pool, uint32_t *link)
{
	uint32_t i = *link;
	struct message *m = &pool->message[i - 1];
	*link = m->next;
	sl_quic_crypto_clear(&m->bytes);
	m->next = pool->free;
	pool->free = i;
}

void sl_dtls_close(struct sl_dtls_pool *pool, sl_dtls_flow *flow)
{
	while (*flow != 0)
		give_back(pool, flow);
}

/* The message of a fragment, which then stands first in its flow. NULL without memory. */
static struct message *message_of(struct sl_dtls_pool *pool, sl_dtls_flow *flow, const struct fragment *f)
{
	uint32_t *link = flow, *last = flow;
	unsigned n = 0;
	while (*link != 0 &&
	       (pool->message[*link - 1].seq != f->seq || pool->message[*link - 1].len != f->len)) {
		last = link;
		link = &pool->message[*link - 1].next;
		n++;
	}
	if (*link == 0 && n >= SL_DTLS_MESSAGES) {
		give_back(pool, last);
		link = last;
	}
	if (*link == 0)
		link = &pool->free;
	uint32_t i = *link;
	if (i == 0)
		return NULL;
	struct message *m = &pool->message[i - 1];
	*link = m->next;
	m->next = *flow;
	*flow = i;
	m->seq = f->seq;
	m->len = f->len;
	return m;
}

/* ---- records and fragments ---- */

static bool read_record(struct sl_cur *c, uint8_t *type, uint16_t *epoch, struct sl_bytes *body)
{
	*type = sl_cur_u8(c);
	uint16_t version = sl_cur_u16(c);
	*epoch = sl_cur_u16(c);
	sl_cur_skip(c, 6); /* sequence number */
	size_t len = sl_cur_u16(c);
	*body = sl_cur_bytes(c, len);
	return c->err == SL_OK && *type >= TYPE_FIRST && *type <= TYPE_LAST && len <= RECORD_MAX &&
	       (version == DTLS_1_0 || version == DTLS_1_2 || version == DTLS_OPENSSL);
}

bool sl_dtls_begin(struct sl_bytes datagram, struct sl_dtls_cur *out)
{
	struct sl_cur c = sl_cur_whole(datagram);
	uint8_t type;
	uint16_t epoch;
	struct sl_bytes body;
	*out = (struct sl_dtls_cur){ sl_cur_whole(datagram), sl_cur_whole((struct sl_bytes){ NULL, 0 }) };
	return read_record(&c, &type, &epoch, &body);
}

/* RFC 6347 §4.2.2. False at the end of the record, or where it is broken. */
static bool read_fragment(struct sl_cur *c, uint8_t *type, struct fragment *out)
{
	*type = sl_cur_u8(c);
	out->len = sl_cur_u24(c);
	out->seq = sl_cur_u16(c);
	out->offset = sl_cur_u24(c);
	out->body = sl_cur_bytes(c, sl_cur_u24(c));
	return c->err == SL_OK && out->offset + out->body.len <= out->len;
}

static int take_fragment(struct sl_dtls_pool *pool, sl_dtls_flow *flow, const struct fragment *f,
                         struct sl_dtls_hello *out, uint32_t *differs)
{
	out->message_seq = f->seq;
	if (f->body.len == f->len)
		return sl_dtls_hello_read_body(f->body, &out->tls);
	struct message *m = message_of(pool, flow, f);
	if (m == NULL)
		return SL_ENOMEM;
	(void)sl_quic_crypto_push(&m->bytes, f->offset, f->body, differs);
	struct sl_bytes head = sl_quic_crypto_head(&m->bytes);
	if (head.len < m->len)
		return SL_EMORE;
	int err = sl_dtls_hello_read_body(sl_bytes_first(head, m->len), &out->tls);
	give_back(pool, flow); /* the bytes stay where they are until the memory is used again */
	return err;
}

/* To the next plaintext record of the handshake. */
static bool next_record(struct sl_dtls_cur *at)
{
	uint8_t type;
	uint16_t epoch;
	struct sl_bytes body;
	while (sl_cur_more(&at->records) && read_record(&at->records, &type, &epoch, &body)) {
		if (type != TYPE_HANDSHAKE || epoch != 0)
			continue;
		at->messages = sl_cur_whole(body);
		return true;
	}
	return false;
}

int sl_dtls_next(struct sl_dtls_pool *pool, sl_dtls_flow *flow, struct sl_dtls_cur *at,
                 struct sl_dtls_hello *out, uint32_t *differs)
{
	do {
		while (sl_cur_more(&at->messages)) {
			struct fragment f;
			struct sl_dtls_hello hello = { 0 };
			uint8_t type;
			if (!read_fragment(&at->messages, &type, &f))
				break;
			if (type != CLIENT_HELLO)
				continue;
			int err = take_fragment(pool, flow, &f, &hello, differs);
			if (err == SL_OK)
				*out = hello;
			if (err == SL_OK || err == SL_ENOMEM)
				return err;
		}
	} while (next_record(at));
	return SL_EMORE;
}

bool sl_is_stun(struct sl_bytes datagram)
{
	enum { COOKIE = 0x2112a442, HEADER = 20, FIRST_NONE = 4 /* RFC 7983 §7: 0 to 3 is STUN */ };
	struct sl_cur c = sl_cur_whole(datagram);
	uint16_t type = sl_cur_u16(&c), len = sl_cur_u16(&c);
	uint32_t cookie = sl_cur_u32(&c);
	return c.err == SL_OK && type < FIRST_NONE << 8 && len % 4 == 0 && cookie == COOKIE &&
	       datagram.len == (size_t)len + HEADER;
}
