/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/replay_flow.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/cur.h"
#include "base/hash.h"
#include "base/out.h"
#include "base/utf8.h"
#include "base/util.h"
#include "filter/http_request.h"
#include "filter/quic_version.h"

enum { FIRST_ROOM = 256, TEXT_MAX = 16384 };

struct flow {
	struct sl_flow_key key; /* in the direction of its first packet */
	uint64_t next;          /* the next older flow of the same bucket: index + 1 */
	uint32_t first_frame, frames;
	uint32_t isn[2]; /* of SYNs, by direction */
	bool syn[2];
	struct sl_link link;
	json_t *known; /* what was learnt: an object, in the order of learning */
};

struct sl_replay_flows {
	struct flow *flow;
	size_t n, room;
	uint64_t *
	        bucket; /* index + 1 of the newest flow; as many as there is room for flows, a power of two */
	bool nomem;
};

int sl_replay_flows_new(struct sl_replay_flows **out)
{
	struct sl_replay_flows *f = calloc(1, sizeof(*f));
	if (f == NULL)
		return SL_ENOMEM;
	*out = f;
	return SL_OK;
}

void sl_replay_flows_free(struct sl_replay_flows **f)
{
	struct sl_replay_flows *old = sl_take(f);
	if (old == NULL)
		return;
	for (size_t i = 0; i < old->n; i++)
		json_decref(old->flow[i].known);
	free(old->flow);
	free(old->bucket);
	free(old);
}

/* ---- which flow ---- */

static uint64_t *bucket_of(const struct sl_replay_flows *f, const struct sl_flow_key *key)
{
	struct sl_flow_key ordered = *key;
	(void)sl_flow_key_order(&ordered);
	return &f->bucket[sl_hash(&ordered, sizeof(ordered), 0) & (f->room - 1)];
}

static int grow(struct sl_replay_flows *f)
{
	size_t room = f->room == 0 ? FIRST_ROOM : f->room * 2;
	struct flow *flow = realloc(f->flow, room * sizeof(*flow));
	if (flow != NULL)
		f->flow = flow;
	uint64_t *bucket = calloc(room, sizeof(*bucket));
	if (flow == NULL || bucket == NULL) {
		free(bucket);
		return SL_ENOMEM;
	}
	free(f->bucket);
	f->bucket = bucket;
	f->room = room;
	for (size_t i = 0; i < f->n; i++) {
		uint64_t *at = bucket_of(f, &f->flow[i].key);
		f->flow[i].next = *at;
		*at = i + 1;
	}
	return SL_OK;
}

static bool is_same(const struct flow *flow, const struct sl_flow_key *key, bool *back)
{
	struct sl_flow_key turned = *key;
	sl_flow_key_swap(&turned);
	*back = memcmp(&flow->key, key, sizeof(*key)) != 0;
	return !*back || memcmp(&flow->key, &turned, sizeof(turned)) == 0;
}

/* A SYN with another number than the one before it in its direction begins another connection. */
static bool is_over(const struct flow *flow, const struct sl_packet *pkt, bool back)
{
	return (pkt->flags & SL_TCP_SYN) != 0 && flow->syn[back] && flow->isn[back] != pkt->seq;
}

static struct flow *find(const struct sl_replay_flows *f, const struct sl_packet *pkt, bool *back)
{
	for (uint64_t i = *bucket_of(f, &pkt->key); i != 0; i = f->flow[i - 1].next)
		if (is_same(&f->flow[i - 1], &pkt->key, back))
			return is_over(&f->flow[i - 1], pkt, *back) ? NULL : &f->flow[i - 1];
	return NULL;
}

static struct flow *add(struct sl_replay_flows *f, const struct sl_packet *pkt, const struct sl_link *link,
                        uint32_t frame)
{
	uint64_t *at = bucket_of(f, &pkt->key);
	struct flow *flow = &f->flow[f->n++];
	*flow = (struct flow){ .key = pkt->key, .next = *at, .first_frame = frame, .link = *link };
	flow->known = json_object();
	*at = f->n;
	return flow;
}

int sl_replay_flow_of(struct sl_replay_flows *f, struct sl_packet *pkt, const struct sl_link *link,
                      uint32_t frame)
{
	bool back = false;
	if (f->n == f->room && grow(f) != SL_OK)
		return SL_ENOMEM;
	struct flow *flow = find(f, pkt, &back);
	if (flow == NULL) {
		flow = add(f, pkt, link, frame);
		back = false;
	}
	flow->frames++;
	if ((pkt->flags & SL_TCP_SYN) != 0) {
		flow->isn[back] = pkt->seq;
		flow->syn[back] = true;
	}
	uint32_t number = (uint32_t)(flow - f->flow);
	memset(pkt->key.src, 0, sizeof(pkt->key.src));
	memset(pkt->key.dst, 0, sizeof(pkt->key.dst));
	memcpy(pkt->key.src, &number, sizeof(number));
	pkt->key.src[sizeof(number)] = back ? 2 : 1;
	return SL_OK;
}

/* ---- what was learnt ---- */

/* Bytes that are no printable UTF-8 are written as \xNN, as the truth records have them. */
static json_t *text_of(struct sl_bytes b)
{
	static char text[TEXT_MAX * 4 + 1];
	struct sl_out o = sl_out_of(text, sizeof(text));
	if (b.p == NULL)
		return json_null();
	b = sl_bytes_first(b, TEXT_MAX);
	while (b.len > 0) {
		size_t n = sl_utf8_len(b);
		if (n == 0 || (n == 1 && (b.p[0] < ' ' || b.p[0] == 0x7f)))
			sl_out_fmt(&o, "\\x%02x", b.p[0]);
		else
			sl_out_bytes(&o, b.p, n);
		b = sl_bytes_skip(b, n == 0 ? 1 : n);
	}
	return json_stringn(text, o.len);
}

static json_t *array_of(json_t *object, const char *key)
{
	json_t *array = json_object_get(object, key);
	if (array == NULL) {
		json_object_set_new(object, key, json_array());
		array = json_object_get(object, key);
	}
	return array;
}

static json_t *alpn_of(struct sl_bytes list)
{
	json_t *names = json_array();
	struct sl_cur c = sl_cur_whole(list);
	while (sl_cur_more(&c)) {
		struct sl_bytes name = sl_cur_bytes(&c, sl_cur_u8(&c));
		if (name.p != NULL)
			json_array_append_new(names, text_of(name));
	}
	return names;
}

static const char *tls_version_name(const struct sl_report *r)
{
	static const struct {
		uint16_t version;
		const char *name;
	} names[] = { { 0x0002, "ssl2" },    { 0x0300, "ssl3" },    { 0x0301, "tls1.0" },
		      { 0x0302, "tls1.1" },  { 0x0303, "tls1.2" },  { 0x0304, "tls1.3" },
		      { 0xfeff, "dtls1.0" }, { 0xfefd, "dtls1.2" }, { 0xfefc, "dtls1.3" } };
	for (size_t i = 0; i < SL_COUNT(names); i++)
		if (names[i].version == r->tls_version)
			return names[i].name;
	return NULL;
}

static void set(json_t *known, const char *key, json_t *value)
{
	if (json_object_get(known, key) == NULL)
		json_object_set_new(known, key, value);
	else
		json_decref(value);
}

static json_t *quic_version_of(uint32_t version)
{
	char name[SL_QUIC_NAME];
	sl_quic_version_name(version, name);
	return json_string(name);
}

/* What the extension says of itself: `ech` alone does not tell GREASE. */
static json_t *ech_of(const struct sl_tls_ech *ech)
{
	json_t *out = json_object();
	json_object_set_new(out, "kind", json_string(sl_ech_kind_name((enum sl_ech_kind)ech->kind)));
	json_object_set_new(out, "config_id", json_integer(ech->config_id));
	json_object_set_new(out, "suite", json_sprintf("%04x-%04x", ech->kdf, ech->aead));
	json_object_set_new(out, "enc_len", json_integer(ech->enc_len));
	json_object_set_new(out, "payload_len", json_integer(ech->payload_len));
	return out;
}

static void note_hello(json_t *known, const struct sl_report *r)
{
	const char *version = tls_version_name(r);
	if (r->host.p != NULL)
		set(known, "sni", text_of(r->host));
	set(known, "alpn", alpn_of(r->alpn));
	if (r->tls_version != 0) /* Google's CHLO has none */
		set(known, "tls_version",
		    version == NULL ? json_sprintf("%04x", r->tls_version) : json_string(version));
	set(known, "ech", json_boolean(r->ech.kind != SL_ECH_NONE));
	if (r->ech.kind != SL_ECH_NONE)
		set(known, "ech_hello", ech_of(&r->ech));
	if (r->quic_version != 0)
		set(known, "quic_version", quic_version_of(r->quic_version));
}

/* The truth records have those of HTTP/2 by themselves, under its own names for the parts. */
static void note_request(json_t *known, const struct sl_report *r, const char *from, uint32_t frame)
{
	json_t *request = json_object();
	bool h2 = r->http->major == 2;
	json_object_set_new(request, "frame", json_integer(frame));
	json_object_set_new(request, "from", json_string(from));
	json_object_set_new(request, "method", text_of(r->method));
	json_object_set_new(request, h2 ? "authority" : "host", text_of(r->http->host_field));
	json_object_set_new(request, h2 ? "path" : "uri", text_of(r->http->target));
	if (h2)
		json_object_set_new(request, "scheme", text_of(r->http->scheme));
	json_array_append_new(array_of(known, h2 ? "h2" : "http"), request);
}

static void note_question(json_t *known, const struct sl_report *r)
{
	json_t *names = array_of(known, "dns"), *other;
	json_t *name = r->host.len == 0 ? json_string("<Root>") : text_of(r->host);
	size_t i;
	bool new = true;
	json_array_foreach(names, i, other) new = new && !json_equal(name, other);
	if (new)
		json_array_append(names, name);
	json_decref(name);
}

/* The server's side is read too, and its bytes are of no protocol that a client speaks, or of QUIC under keys of its own: that
 * says nothing. */
static bool says_something(const struct sl_report *r)
{
	bool hello = r->tls_version != 0;
	return r->app != SL_APP_UNKNOWN && r->app != SL_APP_STUN && (r->app != SL_APP_DTLS || hello) &&
	       !(r->app == SL_APP_QUIC && r->cause == SL_CAUSE_quic);
}

void sl_replay_flow_note(struct sl_replay_flows *f, const struct sl_report *r, uint32_t frame)
{
	uint32_t number;
	memcpy(&number, r->key->src, sizeof(number));
	json_t *known = f->flow[number].known;
	const char *from = r->key->src[sizeof(number)] == 2 ? "dst" : "src";
	if (says_something(r)) {
		set(known, "app", json_string(sl_app_name(r->app)));
		set(known, "client", json_string(from));
	}
	if (r->app == SL_APP_HTTP && r->http != NULL)
		note_request(known, r, from, frame);
	else if (r->app == SL_APP_DNS)
		note_question(known, r);
	else if (r->tls_version != 0 || r->quic_version != 0)
		note_hello(known, r);
	if (r->cause != SL_CAUSE_NONE && (says_something(r) || json_object_get(known, "app") == NULL))
		json_object_set_new(known, "cause", json_string(sl_cause_name(r->cause)));
	if (says_something(r))
		set(known, "decided_at", json_integer(frame));
}

/* ---- printing ---- */

static void put_ends(json_t *out, const struct sl_flow_key *key)
{
	char text[INET6_ADDRSTRLEN];
	int family = key->family == 4 ? AF_INET : AF_INET6;
	json_object_set_new(out, "l4", json_string(key->proto == SL_PROTO_TCP ? "tcp" : "udp"));
	json_object_set_new(out, "src", json_string(inet_ntop(family, key->src, text, sizeof(text))));
	json_object_set_new(out, "sport", json_integer(key->sport));
	json_object_set_new(out, "dst", json_string(inet_ntop(family, key->dst, text, sizeof(text))));
	json_object_set_new(out, "dport", json_integer(key->dport));
}

static void put_encap(json_t *out, const struct flow *flow)
{
	json_t *encap = json_array();
	for (size_t i = 0; i < flow->link.encaps; i++)
		json_array_append_new(encap, json_string(sl_encap_name((enum sl_encap)flow->link.encap[i])));
	json_array_append_new(encap, json_string(flow->key.family == 4 ? "ip" : "ipv6"));
	json_object_set_new(out, "encap", encap);
}

/* Fields that a reader counts on are always there. */
static json_t *record_of(const struct flow *flow, const char *capture, size_t number)
{
	static const char *const always[] = { "sni", "tls_version", "quic_version", "client", "cause" };
	json_t *out = json_object();
	json_object_set_new(out, "capture", json_string(capture));
	json_object_set_new(out, "flow", json_integer((json_int_t)number));
	put_ends(out, &flow->key);
	json_object_set_new(out, "first_frame", json_integer(flow->first_frame));
	json_object_set_new(out, "frames", json_integer(flow->frames));
	put_encap(out, flow);
	for (size_t i = 0; i < SL_COUNT(always); i++)
		json_object_set_new(out, always[i], json_null());
	json_object_set_new(out, "ech", json_false());
	json_object_set_new(out, "alpn", json_array());
	json_object_set_new(out, "http", json_array());
	json_object_update(out, flow->known);
	return out;
}

int sl_replay_flows_print(const struct sl_replay_flows *f, const char *capture, FILE *to)
{
	for (size_t i = 0; i < f->n; i++) {
		json_t *out = record_of(&f->flow[i], capture, i);
		int failed = json_dumpf(out, to, JSON_COMPACT);
		json_decref(out);
		if (failed != 0 || fputc('\n', to) == EOF)
			return SL_ESYS;
	}
	return SL_OK;
}
