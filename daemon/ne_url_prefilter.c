/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ne_url_prefilter.h"

#include <stdlib.h>

#include "bloom/apple_hash.h"
#include "bloom/apple_size.h"

enum { FILE_NAME_MAX = 1024 };

bool sl_ne_url_lines_read(const struct sl_ne_scenario_place *at, const json_t *list, const char *key,
                          struct sl_bytes *out)
{
	size_t len = 0, n = 0;
	json_t *one;
	size_t i;
	if (!json_is_array(list))
		return sl_ne_scenario_wrong(at, "\"%s\" is no list; write [\"example.com\", ...]", key);
	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		if (!json_is_string(one) || strpbrk(json_string_value(one), "\r\n") != NULL)
			return sl_ne_scenario_wrong(
			        at, "\"%s\" holds what is no text of one line; write texts", key);
		len += json_string_length(one) + 1;
	}
	uint8_t *text = (uint8_t *)malloc(len + 1);
	if (text == NULL)
		return sl_ne_scenario_wrong(at, "out of memory; write fewer entries");
	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		memcpy(text + n, json_string_value(one), json_string_length(one));
		n += json_string_length(one);
		text[n++] = '\n';
	}
	*out = sl_bytes_of(text, n);
	return true;
}

static bool read_tolerance(const struct sl_ne_scenario_place *at, const json_t *object, double *out)
{
	const json_t *value = json_object_get(object, "falsePositiveTolerance");
	*out = value == NULL ? SL_APPLE_TOLERANCE : json_number_value(value);
	return (*out > 0 && *out < 1) ||
	       sl_ne_scenario_wrong(at, "\"falsePositiveTolerance\" is no number between 0 and 1; write one");
}

static bool read_seed(const struct sl_ne_scenario_place *at, const json_t *object, uint32_t *out)
{
	uint64_t seed = 1;
	bool ok = sl_ne_scenario_u64(at, object, "murmurSeed", UINT32_MAX, &seed);
	*out = (uint32_t)seed;
	return ok;
}

/* NE-BLOOM-01: sized, and each entry put in. */
static bool build(const struct sl_ne_scenario_place *at, const json_t *object, struct sl_ne_url_given *g)
{
	const json_t *list = json_object_get(object, "entries");
	struct sl_apple_want want = { .lines = json_array_size(list), .distinct = json_array_size(list) };
	struct sl_prefilter_shape shape;
	union sl_prefilter_mem mem;
	struct sl_prefilter *pf = NULL;
	struct sl_bytes lines = { NULL, 0 };
	if (!read_tolerance(at, object, &want.tolerance) || !read_seed(at, object, &want.seed) ||
	    !sl_ne_scenario_bool(at, object, "strict", &want.strict) ||
	    !sl_ne_url_lines_read(at, list, "entries", &lines))
		return false;
	free((void *)(uintptr_t)lines.p); /* each was found to be a text */
	if (sl_apple_size(&want, &shape) != SL_OK)
		return sl_ne_scenario_wrong(
		        at, "a prefilter of these entries cannot be sized; write some entries");
	size_t len = sl_prefilter_bytes(&shape);
	g->bits = (uint8_t *)malloc(len);
	if (g->bits == NULL || sl_prefilter_build(&mem, &shape, g->bits, len, &pf) != SL_OK)
		return sl_ne_scenario_wrong(at, "out of memory; write fewer entries");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));
		uint64_t key = sl_apple_key(sl_bytes_str(text), shape.seed);
		sl_prefilter_add(pf, &key, 1);
	}
	g->prefilter = (struct sl_ne_url_prefilter){ .data = sl_bytes_of(g->bits, len),
		                                     .bit_count = shape.bits,
		                                     .hash_count = shape.hashes,
		                                     .murmur_seed = shape.seed };
	return true;
}

/* As a file would hold it. */
static bool read_bits(const struct sl_ne_scenario_place *at, const json_t *object, struct sl_ne_url_given *g)
{
	char *text = json_dumps(object, JSON_COMPACT);
	bool ok = text != NULL &&
	          sl_prefilter_file_read(at->name, sl_bytes_str(text), NULL, NULL, &g->file) == SL_OK;
	free(text);
	if (!ok)
		return sl_ne_scenario_wrong(
		        at, "no prefilter; write \"bitCount\", \"hashCount\", \"murmurSeed\" and "
		            "\"data\" in base64, or \"entries\"");
	g->prefilter = (struct sl_ne_url_prefilter){ .data = g->file.data,
		                                     .bit_count = g->file.shape.bits,
		                                     .hash_count = g->file.shape.hashes,
		                                     .murmur_seed = g->file.shape.seed };
	return true;
}

static bool read_file(const struct sl_ne_scenario_place *at, const json_t *object, struct sl_ne_url_given *g)
{
	uint64_t bits = 0, hashes = 0;
	if (!sl_ne_scenario_text(at, object, "file", FILE_NAME_MAX, &g->prefilter.path) ||
	    !sl_ne_scenario_u64(at, object, "bitCount", UINT32_MAX, &bits) ||
	    !sl_ne_scenario_u64(at, object, "hashCount", SL_PREFILTER_HASHES_MAX, &hashes) ||
	    !read_seed(at, object, &g->prefilter.murmur_seed))
		return false;
	g->prefilter.bit_count = bits;
	g->prefilter.hash_count = (uint32_t)hashes;
	return true;
}

static bool read_tag(const struct sl_ne_scenario_place *at, const json_t *object, struct sl_ne_url_given *g)
{
	const char *tag = NULL;
	if (!sl_ne_scenario_text(at, object, "tag", SL_NE_URL_TAG - 1, &tag))
		return false;
	if (tag == NULL && g->prefilter.path != NULL)
		return sl_ne_scenario_wrong(at, "a prefilter in a file has no \"tag\"; write one");
	if (tag != NULL)
		memcpy(g->tag, tag, strlen(tag) + 1);
	else
		sl_apple_tag(g->prefilter.data, g->tag); /* NE-CHOICE-41 */
	g->prefilter.tag = g->tag;
	return true;
}

bool sl_ne_url_given_read(const struct sl_ne_scenario_place *at, const json_t *object,
                          struct sl_ne_url_given *out)
{
	*out = (struct sl_ne_url_given){ .bits = NULL };
	if (!json_is_object(object))
		return sl_ne_scenario_wrong(at,
		                            "\"prefilter\" is neither an object nor null; write one of them");
	bool made = json_object_get(object, "entries") != NULL,
	     file = json_object_get(object, "file") != NULL;
	const char *known = made   ? "entries falsePositiveTolerance murmurSeed strict tag"
	                    : file ? "file bitCount hashCount murmurSeed tag"
	                           : "bitCount hashCount murmurSeed data tag";
	bool ok = sl_ne_scenario_keys(at, object, known, "") &&
	          (made   ? build(at, object, out)
	           : file ? read_file(at, object, out)
	                  : read_bits(at, object, out)) &&
	          read_tag(at, object, out);
	if (!ok)
		sl_ne_url_given_free(out);
	return ok;
}

void sl_ne_url_given_free(struct sl_ne_url_given *given)
{
	free(given->bits);
	sl_prefilter_file_free(&given->file);
	*given = (struct sl_ne_url_given){ .bits = NULL };
}
