/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_dns.c - Properties: reading ends; a name has no more than its limit, ends in NUL and holds printable bytes only; the
 * data of an answer lies within the message; answers read alone are those read after the questions; of a stream, an early answer
 * is the late answer. */
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_bytes message = { data, size };
	struct sl_dns d, again;
	check_stream(message);
	if (sl_dns_open(message, &d) != SL_OK)
		return 0;
	again = d;
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
