/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vectors.h - the known answers in tests/bloom/vectors/. What is missing or ill-formed there ends the test. */
#ifndef SL_TESTS_BLOOM_VECTORS_H
#define SL_TESTS_BLOOM_VECTORS_H

#include <jansson.h>

#include "base/bytes.h"
#include "bloom/prefilter.h"

/* "hashes", "sizing" or "bloom". Never NULL; json_decref() it at the end. */
json_t *vectors_load(const char *name);
json_t *vectors_member(const json_t *object, const char *name);
/* The strings of an array; *n of them, freed with free(). They are views of the JSON. */
struct sl_bytes *vectors_strings(const json_t *array, size_t *n);
/* Base64 as bytes, freed with free(). */
uint8_t *vectors_base64(const char *text, size_t *len);
/* bitCount, hashCount and murmurSeed of a row of bloom.json. */
struct sl_prefilter_shape vectors_shape(const json_t *row);

#endif
