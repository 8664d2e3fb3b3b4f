/* SPDX-License-Identifier: GPL-2.0-or-later */
/* export_conf.c - the configurations of Apple's PIRProcessDatabase and PIRService (NE-PIR-05, -06, -09, -10). */
#include <errno.h>
#include <nettle/base64.h>
#include <string.h>
#include <sys/random.h>

#include "daemon/export_impl.h"
#include "daemon/pir.h"

enum { JSON_FORM = JSON_INDENT(2), TOKEN = 32, PATH = 4096 };
static const char stem[] = "url";

static int write_json(struct sl_export *x, const char *name, mode_t mode, const json_t *root)
{
	FILE *file = root == NULL ? NULL : sl_export_files_open(x->files, name, mode);

	if (root == NULL)
		return SL_ENOMEM;
	if (file == NULL || json_dumpf(root, file, JSON_FORM) != 0 || putc('\n', file) == EOF)
		return sl_export_failed(x, name);
	return SL_OK;
}

static int write_process(struct sl_export *x)
{
	json_t *root = json_pack("{s:s, s:s, s:s, s:s, s:s, s:{s:i}, s:i}", "inputDatabase",
	                         "pir-database.binpb", "outputDatabase", "url-SHARD_ID.bin",
	                         "outputPirParameters", "url-SHARD_ID.params.txtpb", "rlweParameters",
	                         "n_4096_logq_27_28_28_logt_5", "databaseType", "keyword", "sharding",
	                         "entryCountPerShard", SL_EXPORT_PER_SHARD, "trialsPerShard", 5);
	int err = write_json(x, "pir-process.json", 0644, root);

	json_decref(root);
	return err;
}

/* A first user. The device shows the token to the issuer, so nobody must be able to guess it. */
static json_t *new_users(struct sl_export *x)
{
	uint8_t secret[TOKEN];
	char text[BASE64_ENCODE_RAW_LENGTH(TOKEN)];

	if (getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret))
		return NULL;
	base64_encode_raw(text, sizeof(secret), secret);
	x->token = true;
	return json_pack("[{s:s, s:[s#]}]", "tier", "tier1", "tokens", text, (int)sizeof(text));
}

/* What an earlier run or the operator has left there; an empty object where there is nothing, NULL where it is broken. */
static json_t *service_before(const struct sl_export *x)
{
	char path[PATH];
	json_error_t error;

	(void)snprintf(path, sizeof(path), "%s/pir-service.json", x->cfg->dir);
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return json_object();
	json_t *root = json_loadf(file, JSON_REJECT_DUPLICATES, &error);
	(void)fclose(file);
	if (json_is_object(root))
		return root;
	json_decref(root);
	sl_diag(x->diag, path, 0, "no JSON object; mend or remove it, since its users would be lost");
	return NULL;
}

/* Ours is the one of that name, or else the one with our files. */
static json_t *own_usecase(json_t *usecases, const char *name)
{
	json_t *one, *found = NULL;
	size_t i;

	json_array_foreach(usecases, i, one)
	{
		const char *theirs = json_string_value(json_object_get(one, "name"));
		const char *files = json_string_value(json_object_get(one, "fileStem"));
		if (theirs != NULL && strcmp(theirs, name) == 0)
			return one;
		if (files != NULL && strcmp(files, stem) == 0)
			found = one;
	}
	if (found == NULL) {
		found = json_object();
		(void)json_array_append_new(usecases, found);
	}
	return found;
}

static int write_service(struct sl_export *x)
{
	json_t *root = service_before(x);

	if (root == NULL)
		return SL_EMALF;
	if (!json_is_array(json_object_get(root, "users")))
		(void)json_object_set_new(root, "users", new_users(x));
	if (!json_is_array(json_object_get(root, "usecases")))
		(void)json_object_set_new(root, "usecases", json_array());
	json_t *name = json_sprintf("%s.url.filtering", x->cfg->bundle);
	json_t *own =
	        name == NULL ? NULL : own_usecase(json_object_get(root, "usecases"), json_string_value(name));
	uint64_t shards = sl_pir_shards(x->stats.written, SL_EXPORT_PER_SHARD);
	bool good = json_object_set_new(own, "fileStem", json_string(stem)) == 0 &&
	            json_object_set_new(own, "shardCount", json_integer((json_int_t)shards)) == 0 &&
	            json_object_set(own, "name", name) == 0 && json_is_array(json_object_get(root, "users"));
	int err = good ? write_json(x, "pir-service.json", 0600, root) : SL_ENOMEM;
	json_decref(name);
	json_decref(root);
	x->service = err == SL_OK;
	return err;
}

int sl_export_conf(struct sl_export *x)
{
	int err = write_process(x);

	return err == SL_OK && x->cfg->bundle != NULL ? write_service(x) : err;
}
