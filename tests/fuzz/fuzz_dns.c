/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_dns.c - Properties: reading ends; a name has no more than its limit, ends in NUL and holds printable bytes only; the
 * data of an answer lies within the message; answers read alone are those read after the questions; an address of a lookup is that of a record, lives no longer
 * than it, and is not found twice; of a stream, an early answer is the late answer. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "filter/sniff_dns.h"

static void check_name(const struct sl_dns_name *name)
{
	if (name->len > SL_DNS_NAME_MAX || strlen(name->text) != name->len)
		abort();
	for (size_t i = 0; i < name->len; i++)
		if (name->text[i] <= ' ' || name->text[i] > '~')
			abort();
}

static void check_answer(const struct sl_dns_record *r, struct sl_bytes message)
{
	check_name(&r->name);
	if (r->data.p != NULL && (r->data.p < message.p || r->data.p + r->data.len > message.p + message.len))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The answer for a part is "more" or the answer for all. */
static void check_stream(struct sl_bytes stream)
{
	struct sl_bytes all, part;
	size_t taken = 0, early = 0;
	int want = sl_dns_stream_read(stream, &all, &taken);
	if (want == SL_OK && (taken > stream.len || all.len + 2 != taken))
		abort();
	for (size_t n = 0; n < stream.len; n++) {
		int err = sl_dns_stream_read((struct sl_bytes){ stream.p, n }, &part, &early);
		if (err != SL_EMORE && (err != want || (err == SL_OK && early != taken)))
			abort();
	}
}

static bool is_record_of(const struct sl_dns_record *r, const struct sl_dns_address *a)
{
	size_t len = a->family == 4 ? 4 : 16;
	return r->type == (a->family == 4 ? SL_DNS_A : SL_DNS_AAAA) && r->ttl >= a->ttl &&
	       r->data.len == len && memcmp(r->data.p, a->addr, len) == 0;
}

/* Every address has a record of its own among those read one by one, in their order. */
static void check_lookup(struct sl_dns d)
{
	struct sl_dns all = d;
	struct sl_dns_lookup lookup;
	struct sl_dns_address address;
	struct sl_dns_record record;
	if (sl_dns_lookup(&d, &lookup) != SL_OK)
		return;
	check_name(&lookup.asked);
	if (d.answers > SL_DNS_LOOKUP_MAX)
		abort();
	while (sl_dns_lookup_next(&d, &lookup, &address) == SL_OK) {
		check_name(&lookup.alias);
		do {
			if (all.answers == 0 || sl_dns_answer(&all, &record) != SL_OK)
				abort();
		} while (!is_record_of(&record, &address));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_bytes message = { data, size };
	struct sl_dns d, again;
	check_stream(message);
	if (sl_dns_open(message, &d) != SL_OK)
		return 0;
	again = d;
	check_lookup(d);
	struct sl_dns_name name;
	struct sl_dns_record first, second;
	uint16_t type;
	int err = SL_OK;
	while (d.questions > 0 && err == SL_OK) {
		err = sl_dns_question(&d, &name, &type);
		if (err == SL_OK)
			check_name(&name);
	}
	while (d.answers > 0 && err == SL_OK) {
		err = sl_dns_answer(&d, &first);
		if (sl_dns_answer(&again, &second) != err)
			abort();
		if (err != SL_OK)
			break;
		check_answer(&first, message);
		if (first.data.p != second.data.p || first.ttl != second.ttl ||
		    strcmp(first.name.text, second.name.text) != 0)
			abort();
	}
	return 0;
}
