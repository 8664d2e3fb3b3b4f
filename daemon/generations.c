/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/generations.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/out.h"
#include "base/util.h"
#include "daemon/compile_source.h"
#include "daemon/file.h"
#include "daemon/ipc.h"
#include "daemon/log.h"

enum { VERSION = 1, PATH = 4200 };

static void path_of(const struct sl_generations *g, uint64_t number, const char *suffix, char path[PATH])
{
	(void)snprintf(path, PATH, "%s/generations/%" PRIu64 ".%s", g->folder, number, suffix);
}

static void drop(struct sl_generations *g, size_t i)
{
	json_decref(g->one[i].about);
	memmove(&g->one[i], &g->one[i + 1], (g->n - i - 1) * sizeof(*g->one));
	g->n--;
}

int sl_generations_add(struct sl_generations *g, uint64_t number, const char *why, int64_t made,
                       const json_t *about)
{
	struct sl_generation *more = realloc(g->one, (g->n + 1) * sizeof(*more));
	if (more == NULL)
		return SL_ENOMEM;
	g->one = more;
	struct sl_generation *one = &g->one[g->n++];
	*one = (struct sl_generation){ .number = number, .made = made };
	(void)snprintf(one->why, sizeof(one->why), "%s", why);
	one->about = about == NULL ? json_null() : json_incref((json_t *)(uintptr_t)about);
	g->last = number > g->last ? number : g->last;
	return SL_OK;
}

/* One whose files are not both there does not count. */
static void read_one(struct sl_generations *g, uint64_t number)
{
	char path[PATH];
	path_of(g, number, "json", path);
	json_t *about = json_load_file(path, 0, NULL);
	path_of(g, number, "snapshot", path);
	if (about == NULL || access(path, R_OK) != 0) {
		sl_log(SL_LOG_WARN, "%s cannot be read, generation %" PRIu64 " is lost", path, number);
	} else {
		const char *why = json_string_value(json_object_get(about, "why"));
		if (sl_generations_add(g, number, why == NULL ? "" : why,
		                       json_integer_value(json_object_get(about, "made")),
		                       json_object_get(about, "policy")) == SL_OK)
			g->one[g->n - 1].stored = true;
	}
	json_decref(about);
}

static void read_index(struct sl_generations *g, const json_t *index, const char *conf_path,
                       struct sl_feeds *feeds)
{
	const char *conf = json_string_value(json_object_get(index, "conf"));
	json_t *number;
	size_t i;
	g->last = (uint64_t)json_integer_value(json_object_get(index, "last"));
	if (conf == NULL || strcmp(conf, conf_path) != 0) {
		sl_log(SL_LOG_NOTICE,
		       "%s: the policies kept there are of another configuration (%s) and are not used",
		       g->folder, conf == NULL ? "?" : conf);
		return;
	}
	json_array_foreach(json_object_get(index, "generations"), i, number)
	        read_one(g, (uint64_t)json_integer_value(number));
	g->pinned = (uint64_t)json_integer_value(json_object_get(index, "pinned"));
	if (sl_generations_find(g, g->pinned) == NULL)
		g->pinned = 0;
	sl_feeds_restore(feeds, json_object_get(index, "feeds"));
}

/* Two daemons would take each other's policies away. */
void sl_generations_lock(struct sl_generations *g)
{
	if (g->lock >= 0)
		return;
	g->lock = open(g->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (g->lock < 0 || flock(g->lock, LOCK_EX | LOCK_NB) == 0)
		return; /* absent: the keeper makes it */
	sl_log(SL_LOG_ERR,
	       "%s is in use by another sluiced: no policy is kept; give this one another \"state\"",
	       g->folder);
	(void)close(g->lock);
	g->lock = -1;
	g->folder = "";
}

void sl_generations_open(struct sl_generations *g, const char *folder, const char *conf_path,
                         struct sl_feeds *feeds)
{
	char path[PATH];
	json_error_t error;
	*g = (struct sl_generations){ .folder = folder, .lock = -1 };
	if (folder[0] == '\0')
		return;
	sl_generations_lock(g);
	(void)snprintf(path, sizeof(path), "%s/index.json", folder);
	json_t *index = json_load_file(path, 0, &error);
	if (json_integer_value(json_object_get(index, "version")) == VERSION)
		read_index(g, index, conf_path, feeds);
	else if (index != NULL || access(path, F_OK) == 0)
		sl_log(SL_LOG_ERR, "%s cannot be read (%s): what was kept there is not used", path,
		       index == NULL ? error.text : "another version");
	json_decref(index);
}

void sl_generations_close(struct sl_generations *g)
{
	while (g->n > 0)
		drop(g, g->n - 1);
	free(g->one);
	if (g->lock >= 0)
		(void)close(g->lock);
	*g = (struct sl_generations){ .folder = "", .lock = -1 };
}

const struct sl_generation *sl_generations_find(const struct sl_generations *g, uint64_t number)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->one[i].number == number)
			return &g->one[i];
	return NULL;
}

const struct sl_generation *sl_generations_newest(const struct sl_generations *g)
{
	for (size_t i = g->n; i > 0; i--)
		if (g->one[i - 1].stored)
			return &g->one[i - 1];
	return NULL;
}

int sl_generations_snapshot(const struct sl_generations *g, uint64_t number)
{
	char path[PATH];
	path_of(g, number, "snapshot", path);
	return sl_file_open(path);
}

/* What a message to the keeper is made of. */
struct parcel {
	struct sl_out names;
	int fd[SL_IPC_FDS_MAX];
	unsigned fds;
	int made[2]; /* of fd, those that are ours */
	char text[SL_IPC_TEXT_MAX];
};

static void put(struct parcel *p, int fd, const char *name)
{
	if (p->fds == SL_IPC_FDS_MAX)
		return;
	p->fd[p->fds++] = fd;
	sl_out_str(&p->names, name);
	sl_out_u8(&p->names, '\0');
}

static int put_json(struct parcel *p, json_t *value, const char *name)
{
	char *text = value == NULL ? NULL : json_dumps(value, JSON_INDENT(1));
	int fd = text == NULL ? -1 : memfd_create("sluice-state", MFD_CLOEXEC);
	size_t len = text == NULL ? 0 : strlen(text);
	bool ok = fd >= 0 && write(fd, text, len) == (ssize_t)len;
	if (ok)
		put(p, fd, name);
	free(text);
	json_decref(value);
	return ok ? fd : -1;
}

static void put_feeds(struct parcel *p, const struct sl_feeds *feeds, const struct sl_conf *conf)
{
	char name[PATH];
	for (size_t i = 0; i < conf->lists; i++) {
		const struct sl_conf_list *l = &conf->list[i];
		const struct sl_feed *feed = l->url == NULL ? NULL : sl_feeds_find(feeds, l->name);
		const char *slash = strrchr(l->file, '/');
		if (feed == NULL || feed->held.fd < 0 || slash == NULL)
			continue;
		(void)snprintf(name, sizeof(name), "lists%s", slash);
		put(p, feed->held.fd, name);
		(void)snprintf(name, sizeof(name), "lists%s%s", slash, SL_SIGNATURE_SUFFIX);
		if (feed->held.signature >= 0)
			put(p, feed->held.signature, name);
	}
}

/* Does one more of the newest `keep` fit, or is it the pinned one? */
static bool stays(const struct sl_generations *g, size_t i, uint64_t number, uint32_t keep)
{
	const struct sl_generation *one = &g->one[i];
	size_t newer = 0;
	for (size_t k = i + 1; k < g->n; k++)
		newer += g->one[k].stored || g->one[k].number == number;
	return one->number == number || (one->stored && (newer < keep || one->number == g->pinned));
}

static json_t *index_of(const struct sl_generations *g, uint64_t number, uint32_t keep, const char *conf_path,
                        const struct sl_feeds *feeds)
{
	json_t *numbers = json_array();
	for (size_t i = 0; i < g->n; i++)
		if (stays(g, i, number, keep))
			(void)json_array_append_new(numbers, json_integer((json_int_t)g->one[i].number));
	return json_pack("{s:i, s:s, s:I, s:I, s:o, s:o}", "version", VERSION, "conf", conf_path, "last",
	                 (json_int_t)g->last, "pinned", (json_int_t)g->pinned, "generations", numbers,
	                 "feeds", sl_feeds_json(feeds));
}

static void put_removals(struct parcel *p, const struct sl_generations *g, uint64_t number, uint32_t keep)
{
	for (size_t i = 0; i < g->n; i++)
		if (!stays(g, i, number, keep) && g->one[i].stored)
			for (int json = 0; json < 2; json++) {
				sl_out_fmt(&p->names, "-generations/%" PRIu64 ".%s", g->one[i].number,
				           json == 1 ? "json" : "snapshot");
				sl_out_u8(&p->names, '\0');
			}
}

static void put_generation(struct parcel *p, const struct sl_generation *one, int snapshot)
{
	char name[64];
	(void)snprintf(name, sizeof(name), "generations/%" PRIu64 ".snapshot", one->number);
	put(p, snapshot, name);
	(void)snprintf(name, sizeof(name), "generations/%" PRIu64 ".json", one->number);
	p->made[0] = put_json(p,
	                      json_pack("{s:I, s:I, s:s, s:O}", "number", (json_int_t)one->number, "made",
	                                (json_int_t)one->made, "why", one->why, "policy", one->about),
	                      name);
}

int sl_generations_store(struct sl_generations *g, int ipc, uint64_t number, int snapshot,
                         const char *conf_path, const struct sl_feeds *feeds, const struct sl_conf *conf)
{
	const struct sl_generation *one = sl_generations_find(g, number);
	struct parcel *p = calloc(1, sizeof(*p));
	if (p == NULL)
		return SL_ENOMEM;
	*p = (struct parcel){ .made = { -1, -1 } };
	p->names = sl_out_of(p->text, sizeof(p->text));
	sl_out_str(&p->names, g->folder);
	sl_out_u8(&p->names, '\0');
	put_feeds(p, feeds, conf);
	if (one != NULL && !one->stored)
		put_generation(p, one, snapshot);
	p->made[1] = put_json(p, index_of(g, number, conf->generations, conf_path, feeds), "index.json");
	put_removals(p, g, number, conf->generations);
	int err = p->made[1] < 0      ? SL_ENOMEM
	          : p->names.overflow ? SL_ELIMIT
	                              : sl_ipc_send(ipc, SL_IPC_KEEP, number,
	                                            sl_bytes_of(p->text, p->names.len), p->fd, p->fds, 0);
	for (int i = 0; i < 2; i++)
		if (p->made[i] >= 0)
			(void)close(p->made[i]);
	free(p);
	return err;
}

void sl_generations_stored(struct sl_generations *g, uint64_t number, uint32_t keep)
{
	for (size_t i = g->n; i > 0; i--)
		if (!stays(g, i - 1, number, keep) && g->one[i - 1].number < number)
			drop(g, i - 1);
	for (size_t i = 0; i < g->n; i++)
		g->one[i].stored |= g->one[i].number == number;
}

json_t *sl_generations_json(const struct sl_generations *g)
{
	json_t *all = json_array();
	for (size_t i = 0; i < g->n; i++) {
		const struct sl_generation *one = &g->one[i];
		(void)json_array_append_new(all,
		                            json_pack("{s:I, s:I, s:s, s:b, s:b, s:O}", "generation",
		                                      (json_int_t)one->number, "made", (json_int_t)one->made,
		                                      "why", one->why, "stored", one->stored, "pinned",
		                                      one->number == g->pinned, "policy", one->about));
	}
	return all;
}
