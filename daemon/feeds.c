/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/feeds.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"

enum { RETRY_S = 60, RETRY_DOUBLINGS = 10 };

static const struct sl_feed_text no_text = { .fd = -1, .signature = -1 };

void sl_feed_text_drop(struct sl_feed_text *text)
{
	if (text->fd >= 0)
		(void)close(text->fd);
	if (text->signature >= 0)
		(void)close(text->signature);
	free(text->etag);
	free(text->modified);
	*text = no_text;
}

static void drop(struct sl_feed *feed)
{
	sl_feed_text_drop(&feed->fresh);
	sl_feed_text_drop(&feed->held);
	free(feed->name);
	free(feed->url);
	free(feed->etag);
	free(feed->modified);
}

void sl_feeds_free(struct sl_feeds *f)
{
	for (size_t i = 0; i < f->n; i++)
		drop(&f->feed[i]);
	free(f->feed);
	*f = (struct sl_feeds){ NULL, 0 };
}

struct sl_feed *sl_feeds_find(const struct sl_feeds *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->feed[i].name, name) == 0)
			return &f->feed[i];
	return NULL;
}

static bool add(struct sl_feeds *f, const char *name, const char *url)
{
	struct sl_feed *feed = &f->feed[f->n];
	*feed = (struct sl_feed){
		.name = strdup(name), .url = strdup(url), .fresh = no_text, .held = no_text
	};
	f->n++;
	return feed->name != NULL && feed->url != NULL;
}

static void take_over(struct sl_feeds *f, const struct sl_feed *old, const char *url)
{
	f->feed[f->n++] = *old;
	struct sl_feed *feed = &f->feed[f->n - 1];
	if (strcmp(feed->url, url) == 0)
		return;
	/* Another source: its first answer has to be a whole one. What the old one brought stays in force until then. */
	free(feed->url);
	free(sl_take(&feed->etag));
	free(sl_take(&feed->modified));
	feed->url = strdup(url);
	feed->due = (struct sl_mono){ 0 };
	feed->checked = 0;
	feed->failures = 0;
}

int sl_feeds_follow(struct sl_feeds *f, const struct sl_conf *conf)
{
	struct sl_feeds next = { calloc(conf->lists + 1, sizeof(*next.feed)), 0 };
	bool ok = next.feed != NULL;
	for (size_t i = 0; i < conf->lists && ok; i++) {
		const struct sl_conf_list *l = &conf->list[i];
		struct sl_feed *old = l->url == NULL ? NULL : sl_feeds_find(f, l->name);
		if (old != NULL) {
			take_over(&next, old, l->url);
			*old = f->feed[--f->n];
			ok = next.feed[next.n - 1].url != NULL;
		} else if (l->url != NULL) {
			ok = add(&next, l->name, l->url);
		}
	}
	sl_feeds_free(f);
	*f = next;
	return ok ? SL_OK : SL_ENOMEM;
}

const struct sl_feed_text *sl_feeds_text(const struct sl_feeds *f, const char *name,
                                         const struct sl_feed_text *none)
{
	const struct sl_feed *feed = f == NULL ? NULL : sl_feeds_find(f, name);
	if (feed == NULL)
		return none;
	return feed->fresh.fd >= 0 ? &feed->fresh : feed->held.fd >= 0 ? &feed->held : none;
}

void sl_feed_refuse(struct sl_feed *feed, const char *why)
{
	sl_feed_text_drop(&feed->fresh);
	feed->failures++;
	(void)snprintf(feed->error, sizeof(feed->error), "%s", why);
}

void sl_feeds_publish(struct sl_feeds *f)
{
	for (size_t i = 0; i < f->n; i++) {
		struct sl_feed *feed = &f->feed[i];
		if (feed->fresh.fd < 0)
			continue;
		sl_feed_text_drop(&feed->held);
		feed->held = feed->fresh;
		feed->fresh = no_text;
		free(feed->etag);
		free(feed->modified);
		feed->etag = sl_take(&feed->held.etag);
		feed->modified = sl_take(&feed->held.modified);
		feed->fetched = feed->held.fetched;
	}
}

static void set_text(json_t *to, const char *name, const char *text)
{
	if (text != NULL)
		(void)json_object_set_new(to, name, json_string(text));
}

json_t *sl_feeds_json(const struct sl_feeds *f)
{
	json_t *all = json_array();
	for (size_t i = 0; i < f->n; i++) {
		const struct sl_feed *feed = &f->feed[i];
		json_t *one =
		        json_pack("{s:s, s:s, s:I, s:I}", "name", feed->name, "url", feed->url, "fetched",
		                  (json_int_t)feed->fetched, "checked", (json_int_t)feed->checked);
		set_text(one, "etag", feed->etag);
		set_text(one, "modified", feed->modified);
		(void)json_array_append_new(all, one);
	}
	return all;
}

static char *text_of(const json_t *from, const char *name)
{
	const char *text = json_string_value(json_object_get(from, name));
	return text == NULL ? NULL : strdup(text);
}

void sl_feeds_restore(struct sl_feeds *f, const json_t *from)
{
	json_t *one;
	size_t i;
	json_array_foreach((json_t *)(uintptr_t)from, i, one)
	{
		const char *name = json_string_value(json_object_get(one, "name")),
		           *url = json_string_value(json_object_get(one, "url"));
		struct sl_feed *feed = name == NULL || url == NULL ? NULL : sl_feeds_find(f, name);
		if (feed == NULL || strcmp(feed->url, url) != 0 || feed->fetched != 0)
			continue;
		feed->etag = text_of(one, "etag");
		feed->modified = text_of(one, "modified");
		feed->fetched = json_integer_value(json_object_get(one, "fetched"));
		feed->checked = json_integer_value(json_object_get(one, "checked"));
	}
}

struct sl_span sl_feed_wait(const struct sl_feed *feed, struct sl_span update, uint64_t random)
{
	int64_t us = update.us;
	if (feed->failures > 0) {
		int64_t retry = (int64_t)RETRY_S * 1000000 << sl_min(feed->failures - 1, RETRY_DOUBLINGS);
		us = us > 0 && us < retry ? us : retry;
	}
	return (struct sl_span){ us - us / 10 + (int64_t)(random % (uint64_t)(us / 5 + 1)) };
}
