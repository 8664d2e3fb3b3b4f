/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/bloom/vectors.h"

#include <nettle/base64.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void die(const char *what, const char *name)
{
	(void)fprintf(stderr, "tests/bloom/vectors: %s: %s\n", name, what);
	abort();
}

json_t *vectors_load(const char *name)
{
	char path[512];
	json_error_t error;

	(void)snprintf(path, sizeof(path), SL_SOURCE_DIR "/tests/bloom/vectors/%s.json", name);
	json_t *root = json_load_file(path, 0, &error);
	if (root == NULL)
		die(error.text, path);
	return root;
}

json_t *vectors_member(const json_t *object, const char *name)
{
	json_t *member = json_object_get(object, name);
	if (member == NULL)
		die("no such member", name);
	return member;
}

struct sl_bytes *vectors_strings(const json_t *array, size_t *n)
{
	*n = json_array_size(array);
	struct sl_bytes *out = (struct sl_bytes *)calloc(*n + 1, sizeof(*out));
	if (out == NULL || *n == 0)
		die("no strings", "array");
	for (size_t i = 0; i < *n; i++)
		out[i] = sl_bytes_str(json_string_value(json_array_get(array, i)));
	return out;
}

uint8_t *vectors_base64(const char *text, size_t *len)
{
	struct base64_decode_ctx ctx;
	uint8_t *out = (uint8_t *)malloc(strlen(text) + 8);

	base64_decode_init(&ctx);
	if (out == NULL || !base64_decode_update(&ctx, len, out, strlen(text), text) ||
	    !base64_decode_final(&ctx))
		die("no base64", text);
	return out;
}

struct sl_prefilter_shape vectors_shape(const json_t *row)
{
	return (struct sl_prefilter_shape){
		.format = SL_PREFILTER_APPLE,
		.bits = (uint64_t)json_integer_value(vectors_member(row, "bitCount")),
		.hashes = (uint32_t)json_integer_value(vectors_member(row, "hashCount")),
		.seed = (uint32_t)json_integer_value(vectors_member(row, "murmurSeed")),
	};
}
