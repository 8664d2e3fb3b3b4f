/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/pir_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/file.h"

struct reading {
	int dir;
	json_t *faults;
	struct sl_pir_folder *folder;
};

SL_PRINTF(2, 3) static void say(json_t *to, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	(void)json_array_append_new(to, json_vsprintf(fmt, ap));
	va_end(ap);
}

static bool ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);
	return n > m && strcmp(name + n - m, end) == 0;
}

static bool starts_with(const char *name, const char *head)
{
	return strncasecmp(name, head, strlen(head)) == 0;
}

/* What the prefilter's reader says is kept as a fault. */
static void emit(void *ctx, const char *file, unsigned line, const char *text)
{
	(void)line;
	say((json_t *)ctx, "%s%s%s", file == NULL ? "" : file, file == NULL ? "" : ": ", text);
}

static int read_prefilter(struct reading *r, struct sl_pir_file *f)
{
	const struct sl_diag diag = { emit, r->faults };

	f->kind = SL_PIR_PREFILTER;
	int err = sl_prefilter_file_read(f->name, f->text, NULL, &diag, &f->prefilter);
	sl_file_free(&f->text);
	return err == SL_EMALF ? SL_ENOENT : err;
}

static int read_database(struct reading *r, struct sl_pir_file *f, enum sl_pir_form form)
{
	uint64_t at = 0;

	f->kind = SL_PIR_DATABASE;
	int err = sl_pir_set_read(form, f->text, &f->set, &at);
	if (err == SL_OK || err == SL_ENOMEM)
		return err;
	say(r->faults, "%s: no KeywordDatabase: broken at %s %llu (NE-PIR-01)", f->name,
	    form == SL_PIR_TEXT ? "line" : "byte", (unsigned long long)at);
	return SL_ENOENT;
}

static int read_json(struct reading *r, struct sl_pir_file *f)
{
	json_error_t error;
	json_t *root = json_loadb((const char *)f->text.p, f->text.len, JSON_REJECT_DUPLICATES, &error);

	if (root == NULL)
		say(r->faults, "%s:%d: no valid JSON: %s", f->name, error.line, error.text);
	bool process = json_object_get(root, "inputDatabase") != NULL,
	     service = json_object_get(root, "usecases") != NULL,
	     prefilter = json_object_get(root, "bitCount") != NULL || json_object_get(root, "bits") != NULL;
	if (process || service) {
		f->kind = process ? SL_PIR_PROCESS : SL_PIR_SERVICE;
		f->json = root;
		sl_file_free(&f->text);
		return SL_OK;
	}
	json_decref(root);
	return prefilter ? read_prefilter(r, f) : SL_ENOENT;
}

/* SL_ENOENT: it is nothing of ours. */
static int understand(struct reading *r, struct sl_pir_file *f)
{
	if (ends_in(f->name, ".plist"))
		return read_prefilter(r, f);
	if (ends_in(f->name, ".json"))
		return read_json(r, f);
	if (ends_in(f->name, ".txtpb"))
		return read_database(r, f, SL_PIR_TEXT);
	if (ends_in(f->name, ".binpb"))
		return read_database(r, f, SL_PIR_BINARY);
	if (strcmp(f->name, "entries.txt") == 0) {
		f->kind = SL_PIR_ENTRIES;
		return sl_pir_set_lines(f->text, &f->set);
	}
	f->kind = SL_PIR_BITS;
	return SL_OK;
}

static bool wanted(const char *name)
{
	bool bits = ends_in(name, ".bin") && (starts_with(name, "prefilter") || starts_with(name, "bloom"));
	bool made = strstr(name, ".params.") != NULL;

	return name[0] != '.' && strlen(name) < SL_PIR_NAME_MAX && !made &&
	       (bits || ends_in(name, ".plist") || ends_in(name, ".json") || ends_in(name, ".txtpb") ||
	        ends_in(name, ".binpb") || strcmp(name, "entries.txt") == 0);
}

static void file_free(struct sl_pir_file *f)
{
	if (f->kind == SL_PIR_PREFILTER)
		sl_prefilter_file_free(&f->prefilter);
	sl_pir_set_free(&f->set);
	json_decref(f->json);
	sl_file_free(&f->text);
}

static int read_one(struct reading *r, const char *name)
{
	struct sl_pir_folder *folder = r->folder;
	void *more = realloc(folder->file, (folder->n + 1) * sizeof(*folder->file));

	if (more == NULL)
		return SL_ENOMEM;
	folder->file = (struct sl_pir_file *)more;
	struct sl_pir_file *f = &folder->file[folder->n];
	*f = (struct sl_pir_file){ .kind = SL_PIR_BITS };
	memcpy(f->name, name, strlen(name) + 1);
	int fd = openat(r->dir, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int err = fd < 0 ? SL_ESYS : sl_file_read(fd, &f->text);
	if (err == SL_ESYS) {
		say(r->faults, "%s: cannot be read: %s", name, strerror(errno));
		err = SL_ENOENT;
	} else if (err == SL_OK) {
		err = understand(r, f);
	}
	if (fd >= 0)
		(void)close(fd);
	if (err == SL_OK)
		folder->n++;
	else
		file_free(f);
	return err == SL_ENOENT ? SL_OK : err;
}

int sl_pir_folder_read(const char *dir, json_t *faults, struct sl_pir_folder *out)
{
	struct dirent **names = NULL;
	struct sl_pir_folder folder = { NULL, 0 };
	struct reading r = { open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), faults, &folder };
	int n = r.dir < 0 ? -1 : scandir(dir, &names, NULL, alphasort), err = n < 0 ? SL_ESYS : SL_OK;

	for (int i = 0; i < n; i++) {
		if (err == SL_OK && wanted(names[i]->d_name))
			err = read_one(&r, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	if (r.dir >= 0)
		(void)close(r.dir);
	if (err == SL_OK)
		*out = folder;
	else
		sl_pir_folder_free(&folder);
	return err;
}

const struct sl_pir_file *sl_pir_folder_first(const struct sl_pir_folder *folder, enum sl_pir_kind kind)
{
	for (size_t i = 0; i < folder->n; i++)
		if (folder->file[i].kind == kind)
			return &folder->file[i];
	return NULL;
}

void sl_pir_folder_free(struct sl_pir_folder *folder)
{
	for (size_t i = 0; i < folder->n; i++)
		file_free(&folder->file[i]);
	free(folder->file);
	*folder = (struct sl_pir_folder){ NULL, 0 };
}
