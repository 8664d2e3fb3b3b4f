/* SPDX-License-Identifier: GPL-2.0-or-later */
/* supervisor_update.c - lists that come by url: when they are asked for, and what becomes of what came. Fetching is another
 * process's (fetch.h), into memory files; nothing of it is parsed here. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/supervisor_state.h"

enum { AT_ONCE = 4, GRACE_MS = 5000, SOON_MS = 300 };

static const struct sl_conf_list *list_of(const struct sl_supervisor *s, const struct sl_feed *feed)
{
	const struct sl_conf *conf = sl_bundle_conf(s->good);

	for (size_t i = 0; i < conf->lists; i++)
		if (conf->list[i].url != NULL && strcmp(conf->list[i].name, feed->name) == 0)
			return &conf->list[i];
	return NULL;
}

/* At the start, or once a list is new: what was heard of the server before counts. */
static void plan_first(struct sl_feed *feed, const struct sl_conf_list *l, struct sl_mono now)
{
	int64_t ago = (sl_clock_wall_us() - feed->checked * 1000000), left = l->update.us - ago;

	feed->due = sl_mono_add(now, sl_span_ms(SOON_MS));
	if (feed->fetched != 0 && ago >= 0 && left > 0)
		feed->due = sl_mono_add(feed->due, (struct sl_span){ left });
}

static void plan(const struct sl_supervisor *s, struct sl_feed *feed, struct sl_mono now)
{
	const struct sl_conf_list *l = list_of(s, feed);
	uint64_t random = 0;

	(void)!getrandom(&random, sizeof(random), GRND_NONBLOCK);
	feed->due.us = 0;
	if (l != NULL && l->update.us > 0)
		feed->due = sl_mono_add(now, sl_feed_wait(feed, l->update, random));
}

static bool is_due(const struct sl_feed *feed, struct sl_mono now)
{
	return feed->due.us != 0 && sl_mono_reached(now, feed->due);
}

/* Only of a text that is there: what somebody took from the disk must come whole. */
static void add_validators(json_t *one, const struct sl_feed *feed, const struct sl_conf_list *l)
{
	if (feed->held.fd < 0 && access(l->file, R_OK) != 0)
		return;
	if (feed->etag != NULL)
		(void)json_object_set_new(one, "etag", json_string(feed->etag));
	if (feed->modified != NULL)
		(void)json_object_set_new(one, "modified", json_string(feed->modified));
}

struct request {
	json_t *lists;
	int fd[SL_IPC_FDS_MAX];
	unsigned fds;
	bool failed;
};

static int new_text(struct request *r)
{
	int fd = memfd_create("sluice-fetched", MFD_CLOEXEC);

	r->failed |= fd < 0 || r->fds == SL_IPC_FDS_MAX;
	if (!r->failed)
		r->fd[r->fds++] = fd;
	return fd;
}

static void ask_for(struct request *r, struct sl_feed *feed, const struct sl_conf_list *l)
{
	json_t *one = json_pack("{s:s, s:I, s:b}", "url", feed->url, "max", (json_int_t)l->max_size, "signed",
	                        l->sign_key != NULL);

	add_validators(one, feed, l);
	feed->asked = (unsigned)json_array_size(r->lists);
	feed->fetching = true;
	feed->done = feed->total = 0;
	sl_feed_text_drop(&feed->fresh);
	feed->fresh.fd = new_text(r);
	feed->fresh.signature = l->sign_key != NULL ? new_text(r) : -1;
	(void)json_array_append_new(r->lists, one);
}

static int send_request(struct sl_supervisor *s, struct request *r)
{
	int64_t limit_ms = sl_bundle_conf(s->good)->update_limit.us / 1000;
	json_t *all = json_pack("{s:I, s:O}", "limit_ms", (json_int_t)limit_ms, "lists", r->lists);
	char *text = all == NULL ? NULL : json_dumps(all, JSON_COMPACT);
	int err = text == NULL || r->failed
	                  ? SL_ENOMEM
	                  : sl_child_start_helper(&s->fetcher, "sluice-fetch", "--fetch", &s->list_user);

	if (err == SL_OK)
		err = sl_ipc_send(s->fetcher.ipc, SL_IPC_FETCH, ++s->update_run, sl_bytes_str(text), r->fd,
		                  r->fds, 0);
	int64_t rounds = (int64_t)(json_array_size(r->lists) + AT_ONCE - 1) / AT_ONCE;
	s->fetch_by = sl_mono_add(sl_clock_now(), sl_span_ms(rounds * limit_ms + GRACE_MS));
	free(text);
	json_decref(all);
	return err;
}

static void give_up(struct sl_supervisor *s, struct sl_feed *feed, const char *why)
{
	feed->fetching = false;
	sl_feed_refuse(feed, why);
	sl_log(SL_LOG_ERR, "list %s is not updated, and what was in force stays: %s", feed->name, why);
	plan(s, feed, sl_clock_now());
}

static void give_up_all(struct sl_supervisor *s, const char *why)
{
	for (size_t i = 0; i < s->feeds.n; i++)
		if (s->feeds.feed[i].fetching)
			give_up(s, &s->feeds.feed[i], why);
}

static bool is_named(const json_t *names, const char *name)
{
	json_t *one;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)names, i, one)
	{
		if (json_is_string(one) && strcmp(json_string_value(one), name) == 0)
			return true;
	}
	return false;
}

/* wanted: by names, else (NULL) what is due. */
static const char *start(struct sl_supervisor *s, bool (*wanted)(const struct sl_feed *, const void *),
                         const void *ctx)
{
	struct request r = { .lists = json_array() };
	int err = SL_OK;

	for (size_t i = 0; i < s->feeds.n; i++) {
		struct sl_feed *feed = &s->feeds.feed[i];
		const struct sl_conf_list *l = list_of(s, feed);
		if (l != NULL && wanted(feed, ctx))
			ask_for(&r, feed, l);
	}
	if (json_array_size(r.lists) > 0)
		err = send_request(s, &r);
	json_decref(r.lists);
	if (err == SL_OK)
		return NULL;
	give_up_all(s, err == SL_ESYS ? strerror(errno) : sl_strerror(err));
	return "the fetcher cannot be started; see the log";
}

static bool wanted_now(const struct sl_feed *feed, const void *now)
{
	return is_due(feed, *(const struct sl_mono *)now);
}

static bool wanted_by_name(const struct sl_feed *feed, const void *names)
{
	return !json_is_array((const json_t *)names) || is_named((const json_t *)names, feed->name);
}

void sl_supervisor_update_timers(struct sl_supervisor *s, struct sl_mono now)
{
	bool due = false;

	if (s->fetcher.pid > 0 && sl_mono_reached(now, s->fetch_by)) {
		s->fetch_by = sl_mono_add(now, sl_span_ms(GRACE_MS));
		sl_child_signal(&s->fetcher, SIGKILL);
	}
	sl_supervisor_update_again(s); /* an upgrade that failed may have been waited for */
	if (!s->ready || s->fetcher.pid > 0 || s->kept.pinned != 0 || sl_supervisor_upgrading(s))
		return;
	for (size_t i = 0; i < s->feeds.n; i++) {
		struct sl_feed *feed = &s->feeds.feed[i];
		const struct sl_conf_list *l = list_of(s, feed);
		if (l != NULL && feed->due.us == 0 && l->update.us > 0 && feed->fresh.fd < 0)
			plan_first(feed, l, now);
		due |= is_due(feed, now);
	}
	if (due)
		(void)start(s, wanted_now, &now);
}

static const char *unknown_name(struct sl_supervisor *s, const json_t *names)
{
	json_t *one;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)names, i, one)
	{
		const char *name = json_string_value(one);
		if (name == NULL || sl_feeds_find(&s->feeds, name) == NULL)
			return "there is no list with url of this name";
	}
	return NULL;
}

const char *sl_supervisor_update(struct sl_supervisor *s, const json_t *names, bool force)
{
	const char *why = unknown_name(s, names);

	if (why != NULL)
		return why;
	if (!s->ready)
		return "sluiced is still starting; try again";
	if (s->fetcher.pid > 0 || s->update_waits || sl_supervisor_upgrading(s))
		return "an update is under way; try again";
	if (s->kept.pinned != 0)
		return "a generation was chosen by sluice policy rollback; sluice reload ends that";
	if (s->feeds.n == 0)
		return "no list has an url";
	s->update_forced = force;
	return start(s, wanted_by_name, names);
}

static struct sl_feed *asked(const struct sl_supervisor *s, uint64_t number)
{
	for (size_t i = 0; i < s->feeds.n; i++)
		if (s->feeds.feed[i].fetching && s->feeds.feed[i].asked == number)
			return &s->feeds.feed[i];
	return NULL;
}

static char *copy_of(const json_t *from, const char *name)
{
	const char *text = json_string_value(json_object_get(from, name));

	return text == NULL ? NULL : strdup(text);
}

static void on_fetched(struct sl_supervisor *s, struct sl_feed *feed, const json_t *said)
{
	const char *why = json_string_value(json_object_get(said, "error"));
	bool same = json_is_true(json_object_get(said, "same"));

	if (why != NULL || said == NULL) {
		give_up(s, feed, why != NULL ? why : "the fetcher said nothing that makes sense");
		return;
	}
	feed->fetching = false;
	feed->checked = sl_clock_wall_us() / 1000000;
	feed->failures = 0;
	feed->error[0] = '\0';
	if (same) {
		sl_feed_text_drop(&feed->fresh);
	} else {
		feed->fresh.etag = copy_of(said, "etag");
		feed->fresh.modified = copy_of(said, "modified");
		feed->fresh.fetched = feed->checked;
	}
	plan(s, feed, sl_clock_now());
}

bool sl_supervisor_fetcher_message(struct sl_supervisor *s)
{
	if (sl_ipc_receive(s->fetcher.ipc, &s->msg) != SL_OK)
		return false; /* nothing yet, or it is dying: the signal tells */
	struct sl_feed *feed = asked(s, s->msg.number);
	json_t *said = json_loadb((const char *)s->msg.text.p, s->msg.text.len, 0, NULL);
	if (feed != NULL && s->msg.type == SL_IPC_FETCHED) {
		on_fetched(s, feed, said);
	} else if (feed != NULL && s->msg.type == SL_IPC_FETCHING) {
		feed->done = (uint64_t)json_integer_value(json_object_get(said, "done"));
		feed->total = (uint64_t)json_integer_value(json_object_get(said, "total"));
	}
	json_decref(said);
	sl_ipc_close_fds(&s->msg);
	return true;
}

static bool is_fresh(const struct sl_supervisor *s)
{
	for (size_t i = 0; i < s->feeds.n; i++)
		if (s->feeds.feed[i].fresh.fd >= 0 && !s->feeds.feed[i].fetching)
			return true;
	return false;
}

static void refuse_all(struct sl_supervisor *s, const char *why)
{
	for (size_t i = 0; i < s->feeds.n; i++)
		if (s->feeds.feed[i].fresh.fd >= 0 && !s->feeds.feed[i].fetching)
			give_up(s, &s->feeds.feed[i], why);
}

/* With the configuration in force, whatever its file has become: that is for a reload to read. */
static int compile(struct sl_supervisor *s)
{
	struct sl_diag diag = sl_trouble_diag(&s->last_error);
	int err = sl_bundle_like(s->good, &s->next);

	if (err == SL_OK)
		err = sl_bundle_open_lists(s->next, &s->feeds, &diag);
	s->next_forced = s->update_forced;
	s->update_forced = false;
	if (err == SL_OK)
		err = sl_supervisor_compile(s, "update");
	return err;
}

void sl_supervisor_update_again(struct sl_supervisor *s)
{
	if (s->next != NULL || !s->update_waits || sl_supervisor_upgrading(s))
		return;
	s->update_waits = false;
	if (!is_fresh(s) || compile(s) == SL_OK)
		return;
	sl_bundle_free(&s->next);
	refuse_all(s, s->last_error.text);
}

void sl_supervisor_fetcher_event(struct sl_supervisor *s)
{
	int status;

	while (s->fetcher.pid > 0 && sl_supervisor_fetcher_message(s))
		; /* what it said before it ended counts */
	if (!sl_child_ended(&s->fetcher, &status))
		return;
	give_up_all(s, "the fetcher died");
	s->update_waits = is_fresh(s);
	sl_supervisor_update_again(s);
}

/* The list because of which s->next cannot be made, if it was fetched anew; NULL: it was not. */
static struct sl_feed *blamed(const struct sl_supervisor *s, int list)
{
	const struct sl_conf *conf = sl_bundle_conf(s->next);
	struct sl_feed *feed = list < 0 || (size_t)list >= conf->lists
	                               ? NULL
	                               : sl_feeds_find(&s->feeds, conf->list[list].name);

	return feed == NULL || feed->fresh.fd < 0 || feed->fetching ? NULL : feed;
}

static bool compile_again(struct sl_supervisor *s)
{
	struct sl_diag diag = sl_trouble_diag(&s->last_error);
	struct sl_bundle *again = NULL;
	int err = sl_bundle_like(s->next, &again);

	if (err == SL_OK)
		err = sl_bundle_open_lists(again, &s->feeds, &diag);
	if (err == SL_OK) {
		sl_bundle_free(&s->next);
		s->next = sl_take(&again);
		err = sl_supervisor_compile(s, s->next_why);
	}
	sl_bundle_free(&again);
	return err == SL_OK;
}

bool sl_supervisor_update_drop(struct sl_supervisor *s, int list)
{
	bool update = s->next != NULL && strcmp(s->next_why, "update") == 0;
	struct sl_feed *feed = s->next == NULL ? NULL : blamed(s, list);

	if (feed == NULL) {
		if (update)
			refuse_all(s, s->last_error.text);
		return false;
	}
	sl_log(SL_LOG_ERR, "what was fetched of list %s is refused, and what was in force stays", feed->name);
	sl_feed_refuse(feed, s->last_error.text);
	plan(s, feed, sl_clock_now());
	/* Where nothing else is left, there is nothing to be compiled. */
	return (is_fresh(s) || !update) && compile_again(s);
}

static void set_text(json_t *to, const char *name, const char *text)
{
	if (text != NULL && *text != '\0')
		(void)json_object_set_new(to, name, json_string(text));
}

json_t *sl_supervisor_feeds(const struct sl_supervisor *s)
{
	json_t *all = json_array();
	int64_t now = sl_clock_wall_us() / 1000000;

	for (size_t i = 0; i < s->feeds.n; i++) {
		const struct sl_feed *feed = &s->feeds.feed[i];
		json_t *one =
		        json_pack("{s:s, s:s, s:b, s:I, s:I, s:I}", "name", feed->name, "url", feed->url,
		                  "fetching", feed->fetching, "done", (json_int_t)feed->done, "total",
		                  (json_int_t)feed->total, "failures", (json_int_t)feed->failures);
		if (feed->fetched != 0)
			(void)json_object_set_new(one, "age_s", json_integer(now - feed->fetched));
		if (feed->checked != 0)
			(void)json_object_set_new(one, "checked_s", json_integer(now - feed->checked));
		set_text(one, "error", feed->error);
		(void)json_array_append_new(all, one);
	}
	return all;
}

json_t *sl_supervisor_update_progress(const struct sl_supervisor *s)
{
	bool compiling = s->next != NULL && s->next_why != NULL && strcmp(s->next_why, "update") == 0;

	return json_pack("{s:b, s:I, s:s, s:I, s:o}", "ok", 1, "run", (json_int_t)s->update_run, "state",
	                 s->fetcher.pid > 0             ? "fetching"
	                 : compiling || s->update_waits ? "compiling"
	                                                : "done",
	                 "generation", (json_int_t)s->generation, "lists", sl_supervisor_feeds(s));
}
