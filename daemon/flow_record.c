/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/flow_record.h"

#include <arpa/inet.h>
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/cur.h"
#include "base/json.h"
#include "base/util.h"
#include "filter/http_request.h"
#include "filter/quic_version.h"

/* The texts of a record, in the order in which their bytes follow its head, and how many bytes of each are kept. */
enum text { HOST, PATH, METHOD, ALPN, LIST, GROUP, SHADOWS, TEXTS };
static const uint16_t text_max[TEXTS] = {
	[HOST] = 512, [PATH] = 1024, [METHOD] = 32, [ALPN] = 256, [LIST] = 256, [GROUP] = 40, [SHADOWS] = 512
};
enum { ABSENT = UINT16_MAX }; /* instead of a length */

struct head {
	int64_t realtime_us;
	uint64_t flow_id;
	int64_t held_us;
	struct sl_flow_key key;
	uint32_t packets;
	uint32_t line;
	uint32_t word;
	uint32_t quic_version;
	uint16_t tls_version;
	uint16_t len[TEXTS];
	uint8_t app;
	uint8_t cause;
	uint8_t http_major; /* 0 where no request was read */
	char letter;
	bool block;
	bool paused;
	bool taught; /* the host was not sent, and is of no protocol's object */
	struct sl_tls_ech ech;
};

struct record {
	struct head head;
	struct sl_bytes text[TEXTS];
};

static_assert(sizeof(struct head) + 512 + 1024 + 32 + 256 + 256 + 40 + 512 <= SL_FLOW_RECORD_MAX,
              "the longest record");

bool sl_flow_record_put(struct sl_ring *ring, const struct sl_report *report, int64_t realtime_us)
{
	const struct sl_bytes text[TEXTS] = { report->host,
		                              report->path,
		                              report->method,
		                              report->alpn,
		                              sl_bytes_str(report->judgement.list_name),
		                              sl_bytes_str(report->group_name),
		                              report->shadows };
	struct head head = {
		.realtime_us = realtime_us,
		.flow_id = report->flow_id,
		.held_us = report->held.us,
		.key = *report->key,
		.packets = report->packets,
		.line = report->judgement.line,
		.word = report->judgement.word,
		.tls_version = report->tls_version,
		.quic_version = report->quic_version,
		.app = (uint8_t)report->app,
		.cause = (uint8_t)report->cause,
		.http_major = report->http == NULL ? 0 : report->http->major,
		.letter = report->judgement.letter,
		.block = report->block,
		.paused = report->paused,
		.taught = report->taught,
		.ech = report->ech,
	};
	size_t size = sizeof(head);

	for (size_t i = 0; i < TEXTS; i++) {
		size_t len = sl_min(text[i].len, text_max[i]);
		head.len[i] = text[i].p == NULL ? (uint16_t)ABSENT : (uint16_t)len;
		size += text[i].p == NULL ? 0 : len;
	}
	void *room = sl_ring_reserve(ring, size);
	if (room == NULL)
		return false;
	struct sl_out out = sl_out_of(room, size);
	sl_out_bytes(&out, &head, sizeof(head));
	for (size_t i = 0; i < TEXTS; i++)
		if (text[i].p != NULL)
			sl_out_bytes(&out, text[i].p, head.len[i]);
	sl_ring_commit(ring);
	return true;
}

static void unpack(struct sl_bytes bytes, struct record *rec)
{
	struct sl_cur c = sl_cur_whole(bytes);
	const uint8_t *head = sl_cur_take(&c, sizeof(rec->head));

	memset(rec, 0, sizeof(*rec));
	if (head != NULL)
		memcpy(&rec->head, head, sizeof(rec->head));
	for (size_t i = 0; i < TEXTS; i++)
		if (rec->head.len[i] != ABSENT)
			rec->text[i] = sl_cur_bytes(&c, rec->head.len[i]);
	assert(sl_cur_end(&c) == SL_OK); /* we wrote it ourselves */
}

static struct sl_bytes sent_host(const struct record *rec)
{
	return rec->head.taught ? (struct sl_bytes){ NULL, 0 } : rec->text[HOST];
}

struct sl_bytes sl_flow_record_host(struct sl_bytes record, int64_t *realtime_us)
{
	struct record rec;

	unpack(record, &rec);
	*realtime_us = rec.head.realtime_us;
	return sent_host(&rec);
}

/* Days since 1970-01-01 as a date of the Gregorian calendar. The C library's gmtime_r() may open the time zone's file,
 * which the engine's sandbox does not allow. The year is counted from March, so that leap days come last. */
static void date_of(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
	int64_t z = days + 719468; /* since 0000-03-01 */
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	unsigned doe = (unsigned)(z - era * 146097);
	unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	unsigned mp = (5 * doy + 2) / 153;

	*day = doy - (153 * mp + 2) / 5 + 1;
	*month = mp < 10 ? mp + 3 : mp - 9;
	*year = yoe + era * 400 + (*month <= 2);
}

static void write_timestamp(struct sl_out *o, int64_t us)
{
	int64_t second = us / 1000000 - (us % 1000000 < 0);
	int64_t days = second / 86400 - (second % 86400 < 0);
	unsigned of_day = (unsigned)(second - days * 86400), month, day;
	int64_t year;

	date_of(days, &year, &month, &day);
	sl_json_key(o, "timestamp");
	sl_out_fmt(o, "\"%04" PRId64 "-%02u-%02uT%02u:%02u:%02u.%06u+0000\"", year, month, day, of_day / 3600,
	           of_day / 60 % 60, of_day % 60, (unsigned)(us - second * 1000000));
}

static void write_addr(struct sl_out *o, const char *name, uint8_t family, const uint8_t addr[16])
{
	char text[INET6_ADDRSTRLEN];
	if (inet_ntop(family == 6 ? AF_INET6 : AF_INET, addr, text, sizeof(text)) != NULL)
		sl_json_field_str(o, name, sl_bytes_str(text));
}

static void write_tuple(struct sl_out *o, const struct sl_flow_key *key)
{
	write_addr(o, "src_ip", key->family, key->src);
	sl_json_field_u64(o, "src_port", key->sport);
	write_addr(o, "dest_ip", key->family, key->dst);
	sl_json_field_u64(o, "dest_port", key->dport);
	sl_json_field_str(o, "proto", sl_bytes_str(key->proto == SL_PROTO_UDP ? "UDP" : "TCP"));
	sl_json_field_u64(o, "ip_v", key->family);
}

static void write_text(struct sl_out *o, const char *name, struct sl_bytes text)
{
	if (text.p != NULL)
		sl_json_field_str(o, name, text);
}

/* As EVE spells them. */
static void write_tls_version(struct sl_out *o, uint16_t version)
{
	static const char *const names[] = { "SSLv3", "TLSv1", "TLS 1.1", "TLS 1.2", "TLS 1.3" };

	if (version == 0)
		return;
	sl_json_key(o, "version");
	if (version == 0xfeff || version == 0xfefd || version == 0xfefc)
		sl_json_string(o, sl_bytes_str(version == 0xfeff   ? "DTLS 1.0"
		                               : version == 0xfefd ? "DTLS 1.2"
		                                                   : "DTLS 1.3"));
	else if (version >= 0x0300 && version - 0x0300U < SL_COUNT(names))
		sl_json_string(o, sl_bytes_str(names[version - 0x0300]));
	else
		sl_out_fmt(o, "\"0x%04x\"", version);
}

/* A name that was cut ends the array. */
static void write_alpn(struct sl_out *o, struct sl_bytes list)
{
	struct sl_cur c = sl_cur_whole(list);
	const char *comma = "";

	if (list.p == NULL)
		return;
	sl_json_key(o, "client_alpns");
	sl_out_u8(o, '[');
	while (sl_cur_more(&c)) {
		struct sl_bytes name = sl_cur_bytes(&c, sl_cur_u8(&c));
		if (c.err != SL_OK)
			break;
		sl_out_str(o, comma);
		sl_json_string(o, name);
		comma = ",";
	}
	sl_out_u8(o, ']');
}

static void write_ech(struct sl_out *o, const struct sl_tls_ech *ech)
{
	if (ech->kind == SL_ECH_NONE)
		return;
	sl_json_key(o, "ech");
	sl_out_str(o, "true");
	sl_json_field_str(o, "ech_kind", sl_bytes_str(sl_ech_kind_name((enum sl_ech_kind)ech->kind)));
	if (ech->payload_len == 0)
		return;
	sl_json_field_u64(o, "ech_config_id", ech->config_id);
	sl_json_key(o, "ech_suite");
	sl_out_fmt(o, "\"%04x-%04x\"", ech->kdf, ech->aead);
	sl_json_field_u64(o, "ech_enc_len", ech->enc_len);
	sl_json_field_u64(o, "ech_payload_len", ech->payload_len);
}

static void write_tls(struct sl_out *o, const struct record *rec)
{
	sl_json_key(o, "tls");
	sl_out_u8(o, '{');
	write_text(o, "sni", sent_host(rec));
	write_tls_version(o, rec->head.tls_version);
	write_alpn(o, rec->text[ALPN]);
	write_ech(o, &rec->head.ech);
	sl_out_u8(o, '}');
}

/* The hello inside is TLS, and has its own version in every one that is not Google's. */
static void write_quic(struct sl_out *o, const struct record *rec)
{
	char name[SL_QUIC_NAME];
	sl_quic_version_name(rec->head.quic_version, name);
	sl_json_key(o, "quic");
	sl_out_u8(o, '{');
	sl_json_field_str(o, "version", sl_bytes_str(name));
	write_text(o, "sni", sent_host(rec));
	write_alpn(o, rec->text[ALPN]);
	write_ech(o, &rec->head.ech);
	sl_out_u8(o, '}');
}

static void write_dns(struct sl_out *o, const struct record *rec)
{
	sl_json_key(o, "dns");
	sl_out_u8(o, '{');
	sl_json_field_str(o, "type", SL_BYTES_LIT("query"));
	write_text(o, "rrname", sent_host(rec));
	sl_out_u8(o, '}');
}

static void write_http(struct sl_out *o, const struct record *rec)
{
	sl_json_key(o, "http");
	sl_out_u8(o, '{');
	write_text(o, "hostname", sent_host(rec));
	write_text(o, "url", rec->text[PATH]);
	write_text(o, "http_method", rec->text[METHOD]);
	if (rec->head.http_major == 2)
		sl_json_field_str(o, "version", SL_BYTES_LIT("2"));
	sl_out_u8(o, '}');
}

/* What would have blocked. */
static void write_shadows(struct sl_out *o, struct sl_bytes names)
{
	struct sl_cur c = sl_cur_whole(names);
	const char *comma = "";

	if (names.p == NULL)
		return;
	sl_json_key(o, "shadow");
	sl_out_u8(o, '[');
	for (struct sl_bytes name; (name = sl_cur_line(&c)).p != NULL; comma = ",") {
		sl_out_str(o, comma);
		sl_json_string(o, name);
	}
	sl_out_u8(o, ']');
}

static void write_verdict(struct sl_out *o, const struct record *rec)
{
	const struct head *h = &rec->head;

	sl_json_key(o, "verdict");
	sl_out_u8(o, '{');
	sl_json_field_str(o, "action", sl_bytes_str(h->block && !h->paused ? "drop" : "pass"));
	sl_out_u8(o, '}');
	sl_json_key(o, "sluice");
	sl_out_u8(o, '{');
	if (h->paused)
		sl_json_field_str(o, "paused", sl_bytes_str(h->block ? "drop" : "pass"));
	if (h->taught) {
		sl_json_field_str(o, "name", rec->text[HOST]);
		sl_json_field_str(o, "name_from", SL_BYTES_LIT("dns"));
	}
	write_text(o, "list", rec->text[LIST]);
	if (h->line != 0)
		sl_json_field_u64(o, "line", h->line);
	if (h->word != 0)
		sl_json_field_u64(o, "exception", h->word);
	write_text(o, "group", rec->text[GROUP]);
	write_shadows(o, rec->text[SHADOWS]);
	if (h->cause != SL_CAUSE_NONE)
		sl_json_field_str(o, "cause", sl_bytes_str(sl_cause_name((enum sl_cause)h->cause)));
	else if (h->letter != '\0')
		sl_json_field_str(o, "letter", sl_bytes_of(&h->letter, 1));
	sl_json_field_u64(o, "held_us", h->held_us < 0 ? 0 : (uint64_t)h->held_us);
	sl_json_field_u64(o, "packets", h->packets);
	sl_out_u8(o, '}');
}

/* event_type names the object that stands in the record: tls, quic, http and dns where a ClientHello, request or question was
 * read. */
void sl_flow_record_line(struct sl_bytes record, struct sl_out *out)
{
	struct record rec;
	unpack(record, &rec);
	bool tls = (rec.head.app == SL_APP_TLS || rec.head.app == SL_APP_DTLS) &&
	           (rec.head.tls_version != 0 || sent_host(&rec).p != NULL);
	bool http = rec.head.app == SL_APP_HTTP && (rec.text[METHOD].p != NULL || sent_host(&rec).p != NULL);

	bool quic = rec.head.app == SL_APP_QUIC && rec.head.quic_version != 0;
	bool dns = rec.head.app == SL_APP_DNS && rec.text[HOST].p != NULL;

	sl_out_u8(out, '{');
	write_timestamp(out, rec.head.realtime_us);
	/* 51 bits, as in EVE: JSON's readers hold numbers in doubles (RFC 8259 §6). */
	sl_json_field_u64(out, "flow_id", rec.head.flow_id & 0x7ffffffffffffULL);
	sl_json_field_str(out, "event_type",
	                  sl_bytes_str(tls    ? "tls"
	                               : quic ? "quic"
	                               : http ? "http"
	                               : dns  ? "dns"
	                                      : "flow"));
	write_tuple(out, &rec.head.key);
	sl_json_field_str(out, "app_proto", sl_bytes_str(sl_app_name((enum sl_app)rec.head.app)));
	if (tls)
		write_tls(out, &rec);
	if (quic)
		write_quic(out, &rec);
	if (http)
		write_http(out, &rec);
	if (dns)
		write_dns(out, &rec);
	write_verdict(out, &rec);
	sl_out_str(out, "}\n");
}

uint64_t sl_flow_lines(struct sl_bytes text)
{
	uint64_t n = 0;

	for (size_t i = 0; text.p != NULL && i < text.len; i++)
		n += text.p[i] == '\n';
	return n;
}
