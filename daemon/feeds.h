/* SPDX-License-Identifier: GPL-2.0-or-later */
/* feeds.h - the lists that come by url, as the supervisor holds them: what was fetched and is not judged by yet, what is in
 * force and not on the disk, when the next fetch is due, what went wrong. No file, no clock; one thread. */
#ifndef SL_DAEMON_FEEDS_H
#define SL_DAEMON_FEEDS_H

#include <jansson.h>

#include "base/mono.h"
#include "daemon/conf.h"

/* What a fetch brought. */
struct sl_feed_text {
	int fd, signature;     /* memory files; -1: none */
	char *etag, *modified; /* of the server, for the next question; NULL: it said none */
	int64_t fetched;       /* s since 1970 */
};

struct sl_feed {
	char *name, *url;
	char *etag, *modified;     /* of the text in force */
	int64_t fetched, checked;  /* s since 1970; 0: never. checked: the server was last heard */
	struct sl_feed_text fresh; /* waits for a policy that is made of it */
	struct sl_feed_text held;  /* in force, and not on the disk yet */
	struct sl_mono due;        /* .us 0: not planned */
	unsigned failures;         /* in a row */
	uint64_t done, total;      /* bytes, of a fetch under way; total 0: the server does not say */
	bool fetching;
	unsigned asked;  /* its number in the request to the fetcher */
	char error[512]; /* of the last try; "": it went well */
};

struct sl_feeds {
	struct sl_feed *feed;
	size_t n;
};

/* Those of conf: what is known of one that was there before, by name and url, stays. SL_OK, SL_ENOMEM. */
int sl_feeds_follow(struct sl_feeds *f, const struct sl_conf *conf);
void sl_feeds_free(struct sl_feeds *f);
struct sl_feed *sl_feeds_find(const struct sl_feeds *f, const char *name); /* NULL: none */
/* What a policy is to be made of: the fresh text, else the held one, else none. f may be NULL. */
const struct sl_feed_text *sl_feeds_text(const struct sl_feeds *f, const char *name,
                                         const struct sl_feed_text *none);
/* Throws the fresh text away, since it was refused. */
void sl_feed_refuse(struct sl_feed *feed, const char *why);
/* Fresh texts are in force. */
void sl_feeds_publish(struct sl_feeds *f);
void sl_feed_text_drop(struct sl_feed_text *text);

/* For the index of what is kept, and back; what makes no sense is left out. */
json_t *sl_feeds_json(const struct sl_feeds *f);
void sl_feeds_restore(struct sl_feeds *f, const json_t *from);

/* When to ask again: after `update` give or take a tenth, after failures sooner: 1, 2, 4 ... minutes. random is any number. */
struct sl_span sl_feed_wait(const struct sl_feed *feed, struct sl_span update, uint64_t random);

#endif
