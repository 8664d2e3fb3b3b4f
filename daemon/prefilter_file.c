/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/prefilter_file.h"

#include <jansson.h>
#include <math.h>
#include <nettle/base64.h>
#include <stdlib.h>

#include "daemon/plist.h"

enum field { BITS, HASHES, SEED, ITEMS, BYTES, TOLERANCE, TAG, DATA, FIELDS };

/* BloomFilterTool's key first (NE-BLOOM-08); then what others call it. */
static const char *const spellings[FIELDS][4] = {
	[BITS] = { "bitCount", "bits", "numberOfBits", "bit_count" },
	[HASHES] = { "hashCount", "hashes", "numberOfHashes", "hash_count" },
	[SEED] = { "murmurSeed", "seed", "murmur_seed" },
	[ITEMS] = { "itemCount", "items", "numberOfItems", "item_count" },
	[BYTES] = { "byteCount", "bytes", "byte_count" },
	[TOLERANCE] = { "falsePositiveTolerance", "tolerance", "falsePositiveRate", "p" },
	[TAG] = { "tag", "prefilterTag" },
	[DATA] = { "data", "content" },
};

/* What was found, before it is judged. */
struct found {
	struct sl_plist_value value[FIELDS];
	bool there[FIELDS];
	const char *twice; /* a field that the file names twice */
};

struct reading {
	const char *name;
	const struct sl_diag *diag;
};

const char *sl_prefilter_kind_name(enum sl_prefilter_kind kind)
{
	static const char *const names[] = { "property list (XML)", "property list (binary)", "JSON", "raw" };
	return names[kind];
}

static enum field field_of(struct sl_bytes key)
{
	for (unsigned f = 0; f < FIELDS; f++)
		for (unsigned s = 0; s < 4 && spellings[f][s] != NULL; s++)
			if (sl_bytes_equal(key, sl_bytes_str(spellings[f][s])))
				return (enum field)f;
	return FIELDS;
}

static void note_member(void *ctx, struct sl_bytes key, const struct sl_plist_value *value)
{
	struct found *found = (struct found *)ctx;
	enum field f = field_of(key);

	if (f == FIELDS)
		return;
	if (found->there[f])
		found->twice = spellings[f][0];
	found->there[f] = true;
	found->value[f] = *value;
}

static void note_json(struct found *found, const json_t *root)
{
	const char *name;
	json_t *member;

	json_object_foreach((json_t *)(uintptr_t)root, name, member)
	{
		struct sl_plist_value v = { .type = SL_PLIST_OTHER };
		if (json_is_integer(member))
			v.type = SL_PLIST_INTEGER;
		else if (json_is_real(member))
			v.type = SL_PLIST_REAL;
		else if (json_is_string(member))
			v.type = SL_PLIST_STRING;
		v.integer = json_integer_value(member);
		v.real = json_number_value(member);
		v.bytes = sl_bytes_of(json_string_value(member), json_string_length(member));
		note_member(found, sl_bytes_str(name), &v);
	}
}

static int bad_number(const struct reading *r, enum field f, const char *why, const char *option)
{
	sl_diag(r->diag, r->name, 0, "%s %s%s%s", spellings[f][0], why,
	        option == NULL ? "" : "; give it with ", option == NULL ? "" : option);
	return SL_EMALF;
}

/* A number from beside the file, else from the file, within its bounds. */
static int number(const struct reading *r, const struct found *found, enum field f,
                  const struct sl_maybe_u64 *beside, const char *option, uint64_t least, uint64_t most,
                  uint64_t *out)
{
	const struct sl_plist_value *v = &found->value[f];
	uint64_t value = beside->given ? beside->value : (uint64_t)v->integer;

	if (!beside->given && !found->there[f])
		return bad_number(r, f, "is missing", option);
	if (!beside->given && v->type != SL_PLIST_INTEGER)
		return bad_number(r, f, "is no whole number", option);
	if (value < least || value > most || (!beside->given && v->integer < 0))
		return bad_number(r, f, "is out of range", NULL);
	*out = value;
	return SL_OK;
}

/* A seed between -2^31 and 0 is one of 32 bits that somebody keeps as a signed number. */
static int read_shape(const struct reading *r, struct found *found, const struct sl_prefilter_beside *beside,
                      struct sl_prefilter_file *out)
{
	struct sl_plist_value *seed = &found->value[SEED];
	uint64_t bits = 0, hashes = 0, murmur = 0;

	if (!beside->seed.given && seed->type == SL_PLIST_INTEGER && seed->integer < 0 &&
	    seed->integer >= INT32_MIN) {
		seed->integer += INT64_C(1) << 32;
		out->signed_seed = true;
	}
	int err = number(r, found, BITS, &beside->bits, "--bits", 1, UINT32_MAX - 7, &bits);
	if (err == SL_OK)
		err = number(r, found, HASHES, &beside->hashes, "--hashes", 1, SL_PREFILTER_HASHES_MAX,
		             &hashes);
	if (err == SL_OK)
		err = number(r, found, SEED, &beside->seed, "--seed", 0, UINT32_MAX, &murmur);
	out->shape = (struct sl_prefilter_shape){ .format = SL_PREFILTER_APPLE,
		                                  .hashes = (uint32_t)hashes,
		                                  .bits = bits,
		                                  .seed = (uint32_t)murmur };
	return err;
}

static struct sl_maybe_u64 maybe(const struct found *found, enum field f)
{
	const struct sl_plist_value *v = &found->value[f];
	bool given = found->there[f] && v->type == SL_PLIST_INTEGER && v->integer >= 0;
	return (struct sl_maybe_u64){ given, given ? (uint64_t)v->integer : 0 };
}

static int copy(struct sl_bytes from, struct sl_bytes *out)
{
	uint8_t *p = (uint8_t *)malloc(from.len + 1);
	if (p == NULL)
		return SL_ENOMEM;
	if (from.len > 0)
		memcpy(p, from.p, from.len);
	*out = sl_bytes_of(p, from.len);
	return SL_OK;
}

static int decode(const struct reading *r, struct sl_bytes text, struct sl_bytes *out)
{
	struct base64_decode_ctx ctx;
	size_t len = BASE64_DECODE_LENGTH(text.len);
	uint8_t *p = (uint8_t *)malloc(len + 1);

	if (p == NULL)
		return SL_ENOMEM;
	base64_decode_init(&ctx);
	if (!base64_decode_update(&ctx, &len, p, text.len, (const char *)text.p) ||
	    !base64_decode_final(&ctx)) {
		sl_diag(r->diag, r->name, 0, "the data is no base64");
		free(p);
		return SL_EMALF;
	}
	*out = sl_bytes_of(p, len);
	return SL_OK;
}

static int read_data(const struct reading *r, const struct found *found, struct sl_bytes *out)
{
	const struct sl_plist_value *v = &found->value[DATA];

	if (!found->there[DATA]) {
		sl_diag(r->diag, r->name, 0, "data is missing");
		return SL_EMALF;
	}
	if (v->type == SL_PLIST_DATA)
		return copy(v->bytes, out);
	if (v->type == SL_PLIST_BASE64 || v->type == SL_PLIST_STRING)
		return decode(r, v->bytes, out);
	sl_diag(r->diag, r->name, 0, "data is neither bytes nor base64");
	return SL_EMALF;
}

/* found's views borrow from the file, or from the JSON that was read of it. */
static int judge(const struct reading *r, struct found *found, const struct sl_prefilter_beside *beside,
                 struct sl_prefilter_file *out)
{
	const struct sl_plist_value *tolerance = &found->value[TOLERANCE], *tag = &found->value[TAG];

	if (found->twice != NULL) {
		sl_diag(r->diag, r->name, 0, "%s is there twice", found->twice);
		return SL_EMALF;
	}
	out->items = maybe(found, ITEMS);
	out->bytes = maybe(found, BYTES);
	if (found->there[TOLERANCE] && tolerance->real > 0 && tolerance->real < 1)
		out->tolerance = tolerance->real;
	int err = read_shape(r, found, beside, out);
	if (err == SL_OK && found->there[TAG] && tag->type == SL_PLIST_STRING)
		err = copy(tag->bytes, &out->tag);
	if (err == SL_OK)
		err = read_data(r, found, &out->data);
	return err;
}

static int read_plist(const struct reading *r, struct sl_bytes text, const struct sl_prefilter_beside *beside,
                      struct sl_prefilter_file *out)
{
	struct found found = { .twice = NULL };

	out->kind = sl_plist_is_binary(text) ? SL_PREFILTER_PLIST_BINARY : SL_PREFILTER_PLIST_XML;
	int err = sl_plist_read(text, note_member, &found);
	if (err == SL_EPROTO)
		return err;
	if (err != SL_OK) {
		sl_diag(r->diag, r->name, 0, "broken property list: %s", sl_strerror(err));
		return SL_EMALF;
	}
	return judge(r, &found, beside, out);
}

static int read_json(const struct reading *r, struct sl_bytes text, const struct sl_prefilter_beside *beside,
                     struct sl_prefilter_file *out)
{
	struct found found = { .twice = NULL };
	json_error_t error;

	out->kind = SL_PREFILTER_JSON;
	json_t *root = json_loadb((const char *)text.p, text.len, JSON_REJECT_DUPLICATES, &error);
	if (root == NULL) {
		sl_diag(r->diag, r->name, error.line > 0 ? (unsigned)error.line : 0, "broken JSON: %s",
		        error.text);
		return SL_EMALF;
	}
	note_json(&found, root);
	int err = judge(r, &found, beside, out);
	json_decref(root);
	return err;
}

static int read_raw(const struct reading *r, struct sl_bytes text, const struct sl_prefilter_beside *beside,
                    struct sl_prefilter_file *out)
{
	struct found found = { .twice = NULL };

	out->kind = SL_PREFILTER_RAW;
	int err = read_shape(r, &found, beside, out);
	return err == SL_OK ? copy(text, &out->data) : err;
}

/* '{' at the head of raw bits is possible; then the numbers beside it say that they are raw. */
static bool looks_like_json(struct sl_bytes text)
{
	size_t i = 0;

	while (i < text.len && (text.p[i] == ' ' || (text.p[i] >= '\t' && text.p[i] <= '\r')))
		i++;
	return i < text.len && text.p[i] == '{';
}

int sl_prefilter_file_read(const char *name, struct sl_bytes text, const struct sl_prefilter_beside *beside,
                           const struct sl_diag *diag, struct sl_prefilter_file *out)
{
	static const struct sl_prefilter_beside none;
	const struct reading r = { name, diag };
	struct sl_prefilter_file file = { .kind = SL_PREFILTER_RAW };
	const struct sl_prefilter_beside *numbers = beside == NULL ? &none : beside;
	bool all = numbers->bits.given && numbers->hashes.given && numbers->seed.given;

	int err = read_plist(&r, text, numbers, &file);
	if (err == SL_EPROTO)
		err = looks_like_json(text) && !all ? read_json(&r, text, numbers, &file)
		                                    : read_raw(&r, text, numbers, &file);
	if (err == SL_OK)
		*out = file;
	else
		sl_prefilter_file_free(&file);
	return err;
}

void sl_prefilter_file_free(struct sl_prefilter_file *file)
{
	free((void *)(uintptr_t)file->data.p);
	free((void *)(uintptr_t)file->tag.p);
	*file = (struct sl_prefilter_file){ .kind = SL_PREFILTER_RAW };
}
