/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_quic_corpus.c - the captures of ../shared/corpus, whose truth others have written down: of the QUIC flows that are not
 * in a tunnel and whose truth has a name, the reader reports 99.5 % and prints what differs. Skipped where it is absent. */
#include <arpa/inet.h>
#include <dirent.h>
#include <inttypes.h>
#include <jansson.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filter/link.h"
#include "filter/packet.h"
#include "filter/sniff_quic.h"

#define CORPUS SL_SOURCE_DIR "/../shared/corpus"

enum { FLOWS = 1024, BUDGET = 16384, SKIP = 77 };

struct flow {
	struct sl_flow_key key; /* client to server */
	char sni[256], version[16];
	char got[256], got_version[SL_QUIC_NAME];
	bool owed, done;
	sl_quic_flow quic;
};

struct totals {
	unsigned owed, owed_right, other, other_right;
};

static struct flow flows[FLOWS];

/* ---- truth ---- */

static void put_end(const json_t *r, const char *addr, const char *port, uint8_t *to, uint16_t *to_port,
                    uint8_t *family)
{
	const char *text = json_string_value(json_object_get(r, addr));
	*family = strchr(text, ':') == NULL ? 4 : 6;
	if (inet_pton(*family == 4 ? AF_INET : AF_INET6, text, to) != 1)
		abort();
	*to_port = (uint16_t)json_integer_value(json_object_get(r, port));
}

/* One IP header, and no tunnel before it. */
static bool is_plain(const json_t *r)
{
	const json_t *encap = json_object_get(r, "encap");
	size_t i, ips = 0;
	json_t *word;
	json_array_foreach(encap, i, word)
	{
		const char *w = json_string_value(word);
		ips += strcmp(w, "ip") == 0 || strcmp(w, "ipv6") == 0 ? 1 : 0;
		if (strcmp(w, "udp") == 0 || strcmp(w, "gre") == 0)
			return false;
	}
	return ips == 1;
}

static bool is_owed(const char *version)
{
	return strcmp(version, "v1") == 0 || strcmp(version, "v2") == 0 ||
	       (strncmp(version, "draft-", 6) == 0 && strtol(version + 6, NULL, 10) >= 29);
}

static bool take_truth(const json_t *r, struct flow *flow)
{
	const char *version = json_string_value(json_object_get(r, "quic_version"));
	const char *sni = json_string_value(json_object_get(r, "sni"));
	const char *client = json_string_value(json_object_get(r, "client"));
	if (version == NULL || sni == NULL || !is_plain(r))
		return false;
	*flow = (struct flow){ .key.proto = SL_PROTO_UDP, .owed = is_owed(version) };
	put_end(r, "src", "sport", flow->key.src, &flow->key.sport, &flow->key.family);
	put_end(r, "dst", "dport", flow->key.dst, &flow->key.dport, &flow->key.family);
	if (client != NULL && strcmp(client, "dst") == 0)
		sl_flow_key_swap(&flow->key);
	(void)snprintf(flow->sni, sizeof(flow->sni), "%s", sni);
	(void)snprintf(flow->version, sizeof(flow->version), "%s", version);
	return true;
}

static size_t read_truth(const char *path)
{
	size_t n = 0;
	FILE *f = fopen(path, "r");
	if (f == NULL)
		return 0;
	for (json_t *r; (r = json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL)) != NULL; json_decref(r))
		if (n < FLOWS && take_truth(r, &flows[n]))
			n++;
	(void)fclose(f);
	return n;
}

/* ---- the capture ---- */

static void take_packet(struct sl_quic_pool *pool, struct flow *flow, struct sl_bytes payload)
{
	struct sl_quic_hello hello;
	uint32_t differs;
	if (flow->done || sl_quic_read(pool, &flow->quic, payload, &hello, &differs) != SL_OK)
		return;
	flow->done = true;
	(void)snprintf(flow->got, sizeof(flow->got), "%.*s", (int)hello.tls.sni.len,
	               hello.tls.sni.p == NULL ? "" : (const char *)hello.tls.sni.p);
	sl_quic_version_name(hello.version, flow->got_version);
}

static void read_capture(const char *path, struct sl_quic_pool *pool, size_t n)
{
	char err[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_open_offline(path, err);
	struct pcap_pkthdr *head;
	const u_char *bytes;
	if (pcap == NULL) {
		printf("%s: %s\n", path, err);
		return;
	}
	while (pcap_next_ex(pcap, &head, &bytes) == 1) {
		struct sl_link link;
		struct sl_packet pkt;
		if (sl_link_read((uint32_t)pcap_datalink(pcap), sl_bytes_of(bytes, head->caplen), &link) !=
		            SL_OK ||
		    sl_packet_read(link.ip, link.ip.len, &pkt) != SL_OK)
			continue;
		for (size_t i = 0; i < n; i++)
			if (memcmp(&flows[i].key, &pkt.key, sizeof(pkt.key)) == 0)
				take_packet(pool, &flows[i], pkt.payload);
	}
	pcap_close(pcap);
}

static void count(const char *capture, size_t n, struct totals *t)
{
	for (size_t i = 0; i < n; i++) {
		const struct flow *f = &flows[i];
		bool right = strcmp(f->sni, f->got) == 0 && strcmp(f->version, f->got_version) == 0;
		*(f->owed ? &t->owed : &t->other) += 1;
		*(f->owed ? &t->owed_right : &t->other_right) += right ? 1 : 0;
		if (!right)
			printf("%s: port %u: %s \"%s\", but read %s \"%s\"\n", capture, f->key.sport,
			       f->version, f->sni, f->got_version, f->got);
	}
}

static void take_file(struct sl_quic_pool *pool, const char *truth, struct totals *t)
{
	char path[4096], capture[256];
	size_t len = strlen(truth);
	if (len < 7 || len >= sizeof(capture) || strcmp(truth + len - 6, ".jsonl") != 0)
		return;
	(void)snprintf(capture, sizeof(capture), "%.*s", (int)len - 6, truth);
	(void)snprintf(path, sizeof(path), CORPUS "/truth/%s", truth);
	size_t n = read_truth(path);
	if (n == 0)
		return;
	(void)snprintf(path, sizeof(path), CORPUS "/pcap/%s", capture);
	read_capture(path, pool, n);
	count(capture, n, t);
	for (size_t i = 0; i < n; i++)
		sl_quic_close(pool, &flows[i].quic);
}

int main(void)
{
	struct totals t = { 0 };
	struct sl_quic_pool *pool = NULL;
	DIR *d = opendir(CORPUS "/truth");
	if (d == NULL) {
		printf("SKIP: no corpus in " CORPUS "\n");
		return SKIP;
	}
	if (sl_quic_pool_new(FLOWS, BUDGET, &pool) != SL_OK)
		return 1;
	for (struct dirent *e = readdir(d); e != NULL; e = readdir(d))
		take_file(pool, e->d_name, &t);
	(void)closedir(d);
	sl_quic_pool_free(&pool);
	printf("names of v1, v2 and drafts 29 to 34: %u of %u; of other versions: %u of %u\n", t.owed_right,
	       t.owed, t.other_right, t.other);
	return t.owed > 0 && t.owed_right * 1000 >= t.owed * 995 ? 0 : 1;
}
