/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_url_impl.h - for filter/ne_url*.c alone. */
#ifndef SL_FILTER_NE_URL_IMPL_H
#define SL_FILTER_NE_URL_IMPL_H

#include "filter/ne_url.h"

enum {
	SL_NE_URL_ENTRIES = 1024,        /* of one report */
	SL_NE_URL_ENTRY_BYTES = 1 << 16, /* and their texts */
};

struct sl_ne_url {
	struct sl_ne_url_config config;
	struct sl_ne_url_configuration edited, saved;
	uint64_t generation, loaded; /* of the preferences; which of them was loaded, 0: none */
	bool configured, managed;
	enum sl_ne_url_status status;
	enum sl_ne_url_error last_error;
	bool start_waits, stop_waits, fetch_waits; /* for the control provider's answer */
	char tag[SL_NE_URL_TAG];                   /* "": no prefilter yet */
	struct sl_mono next_fetch, next_report;    /* where it is enabled; while it runs */
	uint64_t lost;
	size_t entries, used;
	struct sl_bytes entry[SL_NE_URL_ENTRIES]; /* in text */
	uint8_t text[SL_NE_URL_ENTRY_BYTES];
};

/* Are they one filter, that need not start anew? */
bool sl_ne_url_same_server(const struct sl_ne_url_configuration *a, const struct sl_ne_url_configuration *b);
void sl_ne_url_tell(struct sl_ne_url *f, struct sl_ne_url_event *event, struct sl_mono now);
/* Sends what there is to report, and forgets it. */
void sl_ne_url_send_report(struct sl_ne_url *f, struct sl_mono now);

#endif
