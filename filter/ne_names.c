/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/ne_names.h"

#include <stdlib.h>

#include "base/util.h"
#include "filter/dns_learn.h"
#include "filter/sniff.h"
#include "filter/sniff_quic.h"

enum {
	QUIC_CONNS = 256, /* whose hello is incomplete at once */
	DATAGRAMS = 8,    /* of a flow that are read */
	ENOUGH = UINT8_MAX,
	SPARE = 64, /* bytes beyond the budget for what a hello is joined in */
};

struct sl_ne_names {
	struct sl_ne_names_config cfg;
	struct sl_dns_asked *asked;
	struct sl_quic_pool *quic;
	uint8_t *stream; /* budget bytes: what waits of one flow, joined */
	struct sl_arena scratch;
	char text[SL_NE_HOSTNAME_MAX + 1];
	struct sl_ne_names_counts counts;
};

static int make_readers(struct sl_ne_names *n)
{
	size_t room = (size_t)n->cfg.budget + SPARE;
	n->stream = (uint8_t *)malloc(n->cfg.budget);
	n->scratch = sl_arena_over(malloc(room), room);
	if (n->stream == NULL || n->scratch.base == NULL)
		return SL_ENOMEM;
	return sl_quic_pool_new(QUIC_CONNS, n->cfg.budget, &n->quic);
}

int sl_ne_names_new(const struct sl_ne_names_config *config, struct sl_ne_names **out)
{
	struct sl_ne_names *n = (struct sl_ne_names *)calloc(1, sizeof(*n));
	int err = n == NULL ? SL_ENOMEM : SL_OK;
	if (n == NULL)
		return err;
	n->cfg = *config;
	if (config->naming == SL_NE_NAMING_HELLO)
		err = make_readers(n);
	if (err == SL_OK && config->naming != SL_NE_NAMING_NONE && config->dns != NULL)
		err = sl_dns_asked_new(config->seed, &n->asked);
	if (err == SL_OK)
		*out = n;
	else
		sl_ne_names_free(&n);
	return err;
}

void sl_ne_names_free(struct sl_ne_names **names)
{
	struct sl_ne_names *n = sl_take(names);
	if (n == NULL)
		return;
	sl_dns_asked_free(&n->asked);
	sl_quic_pool_free(&n->quic);
	free(n->stream);
	free(n->scratch.base);
	free(n);
}

/* ---- DNS ---- */

bool sl_ne_names_learns(const struct sl_ne_names *names)
{
	return names->asked != NULL;
}

void sl_ne_names_learn(struct sl_ne_names *n, const struct sl_flow_key *key, struct sl_bytes payload,
                       struct sl_mono now)
{
	const struct sl_dns_learn learn = { n->cfg.dns, n->asked, n->cfg.life };
	if (n->asked == NULL || payload.p == NULL)
		return;
	sl_dns_learn_query(&learn, key, payload, now);
	n->counts.taught += sl_dns_learn_answer(&learn, key, payload, now).taught;
}

/* ---- what the client says ---- */

/* What is no text of a host is no name: it would end in a log or a terminal. */
static const char *text_of(struct sl_ne_names *n, struct sl_bytes name)
{
	if (name.p == NULL || name.len == 0 || name.len > SL_NE_HOSTNAME_MAX)
		return NULL;
	for (size_t i = 0; i < name.len; i++)
		if (name.p[i] <= ' ' || name.p[i] >= 0x7f)
			return NULL;
	memcpy(n->text, name.p, name.len);
	n->text[name.len] = '\0';
	return n->text;
}

/* NULL, and *more where later bytes may have one. */
static const char *read_stream(struct sl_ne_names *n, struct sl_bytes stream, bool *more)
{
	struct sl_sniffed s = { .app = SL_APP_HTTP };
	sl_arena_reset(&n->scratch);
	int err = sl_sniff(stream, &n->scratch, &s);
	*more = err == SL_EMORE && stream.len < n->cfg.budget;
	if (err != SL_OK || s.h2)
		return NULL;
	return text_of(n, s.app == SL_APP_TLS ? s.tls.sni : s.http.host);
}

static const char *read_datagram(struct sl_ne_names *n, struct sl_bytes datagram, struct sl_ne_naming_of *of,
                                 bool *more)
{
	struct sl_quic_hello hello;
	uint32_t differs;
	int err = sl_quic_read(n->quic, &of->quic, datagram, &hello, &differs);
	*more = err == SL_EMORE && ++of->looked < DATAGRAMS;
	const char *name = err == SL_OK ? text_of(n, hello.tls.sni) : NULL;
	if (!*more)
		sl_quic_close(n->quic, &of->quic);
	return name;
}

static const char *read_first(struct sl_ne_names *n, bool stream, struct sl_bytes bytes,
                              struct sl_ne_naming_of *of)
{
	bool more = true;
	const char *name = NULL;
	if (n->cfg.naming != SL_NE_NAMING_HELLO || of->looked == ENOUGH)
		return NULL;
	if (bytes.p != NULL && bytes.len > 0)
		name = stream ? read_stream(n, bytes, &more) : read_datagram(n, bytes, of, &more);
	if (!more)
		of->looked = ENOUGH;
	n->counts.sniffed += name != NULL;
	return name;
}

static const char *taught(struct sl_ne_names *n, const struct sl_flow_key *key, struct sl_mono now)
{
	size_t len = n->asked == NULL ? 0 : sl_dns_names_find(n->cfg.dns, key, now, n->text);
	n->text[len] = '\0';
	n->counts.by_dns += len > 0;
	return len > 0 ? n->text : NULL;
}

void sl_ne_names_open(struct sl_ne_names *n, const struct sl_flow_key *key, struct sl_bytes first,
                      struct sl_mono now, struct sl_ne_flow_info *info, struct sl_ne_naming_of *of)
{
	*of = (struct sl_ne_naming_of){ 0 };
	if (info->direction != SL_NE_OUTBOUND)
		return;
	info->remote_hostname = read_first(n, info->socket_type == SL_NE_SOCK_STREAM, first, of);
	info->hostname_origin = SL_NE_HOSTNAME_SNIFFED;
	if (info->remote_hostname == NULL) {
		info->remote_hostname = taught(n, key, now);
		info->hostname_origin =
		        info->remote_hostname != NULL ? SL_NE_HOSTNAME_DNS : SL_NE_HOSTNAME_NONE;
	}
}

/* What came of the direction so far and is still here. False: some of it is not. */
static bool join(struct sl_ne_names *n, struct sl_ne_flow *flow, struct sl_bytes bytes, struct sl_bytes *out)
{
	const struct sl_ne_side *side = sl_ne_flow_side(flow, SL_NE_OUTBOUND);
	size_t len = 0;
	*out = bytes;
	if (side->received == 0)
		return true;
	if (side->released + side->dropped > 0)
		return false;
	for (const struct sl_ne_held *h = side->held.first; h != NULL; h = h->next) {
		size_t take = sl_min(h->packet.bytes.len, n->cfg.budget - len);
		if (h->packet.bytes.p == NULL)
			return false;
		memcpy(n->stream + len, h->packet.bytes.p, take);
		len += take;
	}
	size_t take = sl_min(bytes.len, n->cfg.budget - len);
	memcpy(n->stream + len, bytes.p, take);
	*out = sl_bytes_of(n->stream, len + take);
	return true;
}

void sl_ne_names_data(struct sl_ne_names *n, struct sl_ne_flow *flow, enum sl_ne_direction direction,
                      struct sl_bytes bytes, struct sl_ne_naming_of *of)
{
	struct sl_bytes all = bytes;
	if (direction != SL_NE_OUTBOUND || flow->info.direction != SL_NE_OUTBOUND ||
	    n->cfg.naming != SL_NE_NAMING_HELLO || of->looked == ENOUGH || bytes.len == 0)
		return;
	if (bytes.p == NULL || (flow->stream && !join(n, flow, bytes, &all))) {
		of->looked = ENOUGH;
		return;
	}
	const char *name = read_first(n, flow->stream, all, of);
	if (name != NULL)
		(void)sl_ne_flow_set_hostname(flow, name, SL_NE_HOSTNAME_SNIFFED);
}

void sl_ne_names_close(struct sl_ne_names *n, struct sl_ne_naming_of *of)
{
	if (n->quic != NULL)
		sl_quic_close(n->quic, &of->quic);
	of->looked = ENOUGH;
}

const struct sl_ne_names_counts *sl_ne_names_counts(const struct sl_ne_names *names)
{
	return &names->counts;
}
