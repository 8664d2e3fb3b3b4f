/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sniff_dns.h - what does a DNS message ask for, and which addresses does it give? (RFC 1035 §4, with compression §4.1.4)
 * Multicast DNS and LLMNR have the same form. Over TCP each message has two bytes of length before it (§4.2.2). */
#ifndef SL_FILTER_SNIFF_DNS_H
#define SL_FILTER_SNIFF_DNS_H

#include "base/cur.h"

enum { SL_DNS_A = 1, SL_DNS_CNAME = 5, SL_DNS_AAAA = 28, SL_DNS_SVCB = 64, SL_DNS_HTTPS = 65 };
enum { SL_DNS_NAME_MAX = 1004 }; /* 254 bytes of labels and dots, each written with at most 4 */

/* In the presentation format of RFC 1035 §5.1: labels with dots between, none at the end; "." and "\" within a label with
 * a backslash before, bytes that do not print as \DDD. The root is empty. As sent: any case. */
struct sl_dns_name {
	uint16_t len;
	char text[SL_DNS_NAME_MAX + 1];
};

struct sl_dns {
	struct sl_bytes message;
	struct sl_cur at; /* the next question or record */
	uint16_t id;
	bool response;
	uint8_t opcode; /* 0 = query */
	uint8_t rcode;
	uint16_t questions; /* that were not read yet */
	uint16_t answers;   /* the same */
};

struct sl_dns_record {
	struct sl_dns_name name;
	uint16_t type, class;
	uint32_t ttl;         /* seconds; a value with the highest bit set is 0 (RFC 2181 §8) */
	struct sl_bytes data; /* borrowed from the message */
};

/* message  all of it, borrowed until the last record is read; what follows the last record is ignored.
 * Returns  SL_OK; SL_EPROTO when it is no DNS message: too short, an opcode that is none (RFC 6895 §2.2), a query without
 *          a question, or counts that cannot fit into its length. Pure; any thread. */
int sl_dns_open(struct sl_bytes message, struct sl_dns *out);
/* Is it so plainly a query or its answer that the port need not say so? One question, of the Internet class, for a name with
 * two labels, and nothing behind what the counts announce. */
bool sl_dns_is_plain(struct sl_bytes message);
/* The next message of a connection: its view, and how many bytes of the stream it takes with its length.
 * Returns SL_OK; SL_EMORE; SL_EPROTO when the length and the head cannot be a message's. The answer for a part of the stream is
 * SL_EMORE or the answer for all. */
int sl_dns_stream_read(struct sl_bytes stream, struct sl_bytes *message, size_t *taken);
/* The next question; the caller looks at d->questions first. name and type are written on SL_OK. SL_EMALF: broken; a name
 * that is longer than 255 bytes, follows more than 127 pointers (it has no more labels), or whose pointers do not lead
 * backwards (§4.1.4: to a prior occurrence) is. */
int sl_dns_question(struct sl_dns *d, struct sl_dns_name *name, uint16_t *type);
/* The next answer; questions that were not read are skipped. As above, by d->answers. */
int sl_dns_answer(struct sl_dns *d, struct sl_dns_record *out);

/* What a client learns that asked for the addresses of a name. */
struct sl_dns_lookup {
	struct sl_dns_name asked;
	uint16_t type;            /* SL_DNS_A, SL_DNS_AAAA: any, as sent */
	struct sl_dns_name alias; /* the name that the aliases so far (CNAME, RFC 1034 §3.6.2) lead to */
	uint32_t ttl;             /* seconds; the shortest of them */
};

struct sl_dns_address {
	uint8_t family;   /* 4 or 6 */
	uint8_t addr[16]; /* of IPv4 the first four, zeros behind */
	uint32_t ttl;     /* seconds; of the record or of an alias that led to it, whichever is shorter */
};

/* d  as opened.  SL_OK: a response without error to one question, whose answers may be read now. SL_EPROTO: anything else;
 * SL_EMALF: the question is broken. */
int sl_dns_lookup(struct sl_dns *d, struct sl_dns_lookup *out);
/* The next address of the name that was asked, in the order of the message; aliases are followed where they stand ahead of
 * what they lead to, as resolvers put them. SL_ENOENT when there is none any more; SL_EMALF. At most SL_DNS_LOOKUP_MAX
 * records are looked at. */
enum { SL_DNS_LOOKUP_MAX = 64 };
int sl_dns_lookup_next(struct sl_dns *d, struct sl_dns_lookup *lookup, struct sl_dns_address *out);

#endif
