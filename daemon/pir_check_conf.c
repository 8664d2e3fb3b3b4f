/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pir_check_conf.c - the configurations of PIRProcessDatabase and PIRService (NE-PIR-05..10). What is wrong here shows on the
 * device as a filter that is running and blocks nothing, since an unknown use case is like an empty one. */
#include <inttypes.h>
#include <nettle/base64.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pir_check.h"

static const char suffix[] = ".url.filtering";

struct conf {
	const struct sl_pir_folder *folder;
	const struct sl_pir_file *process, *service;
	const char *bundle;
	json_t *faults, *notes;
};

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	return text == NULL ? "" : text;
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash == NULL ? path : slash + 1;
}

/* ------------------------------------------------------------------ symmetric PIR (NE-PIR-08) */

static const char key_made[] = "outputDatabaseEncryptionKeyFilePath",
                  key_used[] = "databaseEncryptionKeyFilePath";

static const json_t *symmetric_of(const json_t *object)
{
	const json_t *args = json_object_get(object, "symmetricPirArguments");
	return json_is_null(args) ? NULL : args;
}

static void check_symmetric_type(const struct conf *c, const struct sl_pir_file *file, const json_t *args)
{
	static const char type[] = "OPRF_P384_AES_GCM_192_NONCE_96_TAG_128";
	const char *said = text_of(args, "configType");

	if (*said != '\0' && strcmp(said, type) != 0)
		sl_pir_say(c->faults, "%s: configType is %s; there is only %s (NE-PIR-08)", file->name, said,
		           type);
}

/* One key, that is made or was: with two or none the tool stops. */
static void check_symmetric_process(const struct conf *c, const json_t *args)
{
	bool made = *text_of(args, key_made) != '\0', used = *text_of(args, key_used) != '\0';

	if (made == used)
		sl_pir_say(c->faults,
		           "%s: symmetricPirArguments has %s %s and %s: exactly one is expected (NE-PIR-08)",
		           c->process->name, made ? "both" : "neither", key_made, key_used);
	check_symmetric_type(c, c->process, args);
}

/* Rows that were encrypted are found with the same key only. */
static void check_symmetric(const struct conf *c, const json_t *usecase)
{
	const json_t *process = c->process == NULL ? NULL : symmetric_of(c->process->json),
	             *service = symmetric_of(usecase);
	const char *key = text_of(process, *text_of(process, key_made) != '\0' ? key_made : key_used);

	if (c->process != NULL && (process == NULL) != (service == NULL))
		sl_pir_say(c->faults,
		           "%s has symmetricPirArguments and %s has none: what one encrypts the other does "
		           "not know, and "
		           "no keyword is found (NE-PIR-08)",
		           process != NULL ? c->process->name : c->service->name,
		           process != NULL ? c->service->name : c->process->name);
	if (service == NULL)
		return;
	if (*text_of(service, key_used) == '\0')
		sl_pir_say(c->faults, "%s: symmetricPirArguments has no %s (NE-PIR-08)", c->service->name,
		           key_used);
	else if (process != NULL && *key != '\0' &&
	         strcmp(base_of(key), base_of(text_of(service, key_used))) != 0)
		sl_pir_say(c->faults, "%s: its key is %s, and %s encrypts with %s (NE-PIR-08)",
		           c->service->name, text_of(service, key_used), c->process->name, key);
	check_symmetric_type(c, c->service, service);
}

/* ------------------------------------------------------------------ processing */

static void check_input(const struct conf *c)
{
	const char *input = base_of(text_of(c->process->json, "inputDatabase"));

	for (size_t i = 0; i < c->folder->n; i++)
		if (c->folder->file[i].kind == SL_PIR_DATABASE && strcmp(c->folder->file[i].name, input) == 0)
			return;
	sl_pir_say(c->faults, "%s: inputDatabase is %s, which is not here or cannot be read",
	           c->process->name, input);
}

static void check_process(const struct conf *c)
{
	static const char *const required[] = { "outputDatabase", "outputPirParameters", "rlweParameters" };
	const json_t *root = c->process->json;
	const char *type = text_of(root, "databaseType");

	check_input(c);
	for (size_t i = 0; i < SL_COUNT(required); i++)
		if (*text_of(root, required[i]) == '\0')
			sl_pir_say(c->faults, "%s: %s is missing (NE-PIR-05)", c->process->name, required[i]);
	for (size_t i = 0; i < 2; i++)
		if (*text_of(root, required[i]) != '\0' &&
		    strstr(text_of(root, required[i]), "SHARD_ID") == NULL)
			sl_pir_say(c->faults,
			           "%s: %s has no SHARD_ID, and the service looks for fileStem-0 and so on "
			           "(NE-PIR-09)",
			           c->process->name, required[i]);
	if (symmetric_of(root) != NULL)
		check_symmetric_process(c, symmetric_of(root));
	if (*type != '\0' && strcmp(type, "keyword") != 0)
		sl_pir_say(c->faults, "%s: databaseType is %s; a URL filter's is keyword (NE-PIR-05)",
		           c->process->name, type);
}

/* How many shards the processing makes; 0 where it does not say. */
static uint64_t shards_made(const struct conf *c)
{
	const struct sl_pir_file *database = sl_pir_folder_first(c->folder, SL_PIR_DATABASE);
	const json_t *sharding = c->process == NULL ? NULL : json_object_get(c->process->json, "sharding");
	json_int_t count = json_integer_value(json_object_get(sharding, "shardCount")),
	           per_shard = json_integer_value(json_object_get(sharding, "entryCountPerShard")),
	           most = json_integer_value(json_object_get(sharding, "maxShardCount"));

	if (count > 0)
		return (uint64_t)count;
	if (per_shard <= 0 || database == NULL)
		return 0;
	uint64_t made = sl_pir_shards(database->set.rows, (uint64_t)per_shard);
	made = most > 0 && made > (uint64_t)most ? (uint64_t)most : made;
	if (json_is_true(json_object_get(sharding, "requirePowerOfTwoShardCount")))
		while ((made & (made - 1)) != 0)
			made &= made - 1;
	return made;
}

/* ------------------------------------------------------------------ service */

/* NE-PIR-10: the app's identifier, not its extension's. */
static void check_name(const struct conf *c, const char *name)
{
	size_t n = strlen(name), m = strlen(suffix);

	if (n <= m || strcmp(name + n - m, suffix) != 0) {
		sl_pir_say(
		        c->faults,
		        "%s: the use case is called %s: a device asks for the app's bundle identifier and %s "
		        "(NE-PIR-10)",
		        c->service->name, name, suffix);
		return;
	}
	if (c->bundle != NULL && (strlen(c->bundle) != n - m || strncmp(name, c->bundle, n - m) != 0))
		sl_pir_say(c->faults,
		           "%s: the use case is called %s: the device of %s asks for %s%s (NE-PIR-10)",
		           c->service->name, name, c->bundle, c->bundle, suffix);
	else if (c->bundle == NULL &&
	         (strcasestr(name, "extension") != NULL || strcasestr(name, "provider") != NULL))
		sl_pir_say(c->notes,
		           "%s: the use case is called %s: that must be the app's identifier, not its "
		           "extension's (NE-PIR-10)",
		           c->service->name, name);
}

static void check_files(const struct conf *c, const json_t *usecase)
{
	static const char id[] = "-SHARD_ID.bin";
	const char *stem = text_of(usecase, "fileStem"),
	           *made = c->process == NULL ? "" : base_of(text_of(c->process->json, "outputDatabase"));
	json_int_t shards = json_integer_value(json_object_get(usecase, "shardCount"));
	uint64_t right = shards_made(c);
	size_t n = strlen(base_of(stem));

	if (*made != '\0' && (strncmp(made, base_of(stem), n) != 0 || strcmp(made + n, id) != 0))
		sl_pir_say(c->faults,
		           "%s: fileStem is %s, and %s makes %s: they have to be STEM and STEM%s (NE-PIR-09)",
		           c->service->name, stem, c->process->name, made, id);
	if (right != 0 && shards != (json_int_t)right)
		sl_pir_say(c->faults,
		           "%s: shardCount is %" JSON_INTEGER_FORMAT ", and %s makes %" PRIu64
		           " (NE-PIR-07): keywords "
		           "in the others are not found",
		           c->service->name, shards, c->process->name, right);
}

static void check_usecases(const struct conf *c)
{
	const json_t *all = json_object_get(c->service->json, "usecases");
	json_t *one;
	size_t i;

	if (json_array_size(all) == 0)
		sl_pir_say(c->faults, "%s: no use case (NE-PIR-09)", c->service->name);
	json_array_foreach((json_t *)(uintptr_t)all, i, one)
	{
		const json_t *versions = json_object_get(one, "versionCount");
		if (json_array_size(all) > 1 && strstr(text_of(one, "name"), suffix) == NULL)
			continue; /* another service's */
		check_name(c, text_of(one, "name"));
		check_files(c, one);
		check_symmetric(c, one);
		if (json_is_integer(versions) && json_integer_value(versions) == 0)
			sl_pir_say(c->faults, "%s: versionCount 0 takes the use case away (NE-PIR-09)",
			           c->service->name);
	}
}

static bool is_base64(const char *text)
{
	struct base64_decode_ctx ctx;
	size_t n = strlen(text), len = BASE64_DECODE_LENGTH(n);
	uint8_t *bytes = (uint8_t *)malloc(len + 1);

	base64_decode_init(&ctx);
	bool good = bytes != NULL && n > 0 && base64_decode_update(&ctx, &len, bytes, n, text) == 1 &&
	            base64_decode_final(&ctx) == 1;
	free(bytes);
	return good;
}

static void check_users(const struct conf *c)
{
	const json_t *users = json_object_get(c->service->json, "users");
	size_t i, k, tokens = 0;
	json_t *user, *token;

	json_array_foreach((json_t *)(uintptr_t)users, i, user)
	        json_array_foreach(json_object_get(user, "tokens"), k, token)
	{
		tokens++;
		if (!json_is_string(token) || !is_base64(json_string_value(token)))
			sl_pir_say(c->faults, "%s: a token of tier %s is no base64 (NE-PIR-09)",
			           c->service->name, text_of(user, "tier"));
	}
	if (tokens == 0)
		sl_pir_say(c->faults, "%s: no user has a token, so no device gets an answer (NE-PIR-09)",
		           c->service->name);
}

void sl_pir_check_conf(const struct sl_pir_folder *folder, const char *bundle, json_t *faults, json_t *notes)
{
	const struct conf c = { folder,
		                sl_pir_folder_first(folder, SL_PIR_PROCESS),
		                sl_pir_folder_first(folder, SL_PIR_SERVICE),
		                bundle,
		                faults,
		                notes };

	if (c.process != NULL)
		check_process(&c);
	else
		sl_pir_say(notes, "no configuration of PIRProcessDatabase (JSON with inputDatabase) is here");
	if (c.service == NULL) {
		sl_pir_say(notes,
		           "no configuration of PIRService (JSON with usecases) is here: the name of the "
		           "use case cannot be judged");
		return;
	}
	check_usecases(&c);
	check_users(&c);
}
