/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/queue/load.h"
#include "tests/support/quic_text.h"

enum { NAMES_MAX = 4096, NAME_MAX_LEN = 255, RECORD = 5 };

/* A ClientHello in one record. */
static void make(const char *name, uint8_t hello[SL_LOAD_HELLO])
{
	static const uint8_t record[RECORD] = { 22, 3, 1, (SL_LOAD_HELLO - RECORD) >> 8,
		                                (SL_LOAD_HELLO - RECORD) & 255 };
	struct sl_out o = sl_out_of(hello + RECORD, SL_LOAD_HELLO - RECORD);
	memcpy(hello, record, RECORD);
	quic_text_hello(name, SL_LOAD_HELLO - RECORD, &o);
	if (o.len != SL_LOAD_HELLO - RECORD)
		sl_load_die("a name is too long for a hello");
}

void sl_load_hellos_read(const char *names, struct sl_load_hellos *out)
{
	char line[NAME_MAX_LEN + 2];
	FILE *f = fopen(names, "re");
	out->n = 0;
	out->hello = (uint8_t(*)[SL_LOAD_HELLO])calloc(NAMES_MAX, SL_LOAD_HELLO);
	if (f == NULL || out->hello == NULL)
		sl_load_die(names);
	while (out->n < NAMES_MAX && fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		make(line, out->hello[out->n++]);
	}
	(void)fclose(f);
	if (out->n == 0)
		sl_load_die("no names");
}
