/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <nettle/base64.h>

#include "base/json.h"
#include "base/out.h"
#include "daemon/prefilter_file.h"

enum { LINE_BYTES = 54, LINE_TEXT = 72 }; /* a line of base64 */
enum { HEAD_MAX = 1024 };                 /* more than all but the data takes */

/* Where it goes, and whether that still works. */
struct writing {
	sl_prefilter_put *put;
	void *ctx;
	int err;
};

static void put(struct writing *w, const void *p, size_t n)
{
	if (w->err == SL_OK && n > 0)
		w->err = w->put(w->ctx, p, n);
}

static void put_str(struct writing *w, const char *text)
{
	put(w, text, strlen(text));
}

static void put_base64(struct writing *w, struct sl_bytes data, const char *line_end)
{
	char text[LINE_TEXT + 1];

	for (size_t at = 0; at < data.len; at += LINE_BYTES) {
		struct sl_bytes line = sl_bytes_first(sl_bytes_skip(data, at), LINE_BYTES);
		base64_encode_raw(text, line.len, line.p);
		put(w, text, BASE64_ENCODE_RAW_LENGTH(line.len));
		put_str(w, line_end);
	}
}

static void plist_u64(struct sl_out *o, const char *key, uint64_t value)
{
	sl_out_fmt(o, "\t<key>%s</key>\n\t<integer>%llu</integer>\n", key, (unsigned long long)value);
}

static void write_plist(struct writing *w, const struct sl_prefilter_file *f)
{
	uint8_t buf[HEAD_MAX];
	struct sl_out o = sl_out_of(buf, sizeof(buf));

	sl_out_str(&o, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	               "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
	               "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
	               "<plist version=\"1.0\">\n<dict>\n");
	if (f->items.given)
		plist_u64(&o, "itemCount", f->items.value);
	if (f->tolerance > 0)
		sl_out_fmt(&o, "\t<key>falsePositiveTolerance</key>\n\t<real>%.17g</real>\n", f->tolerance);
	plist_u64(&o, "murmurSeed", f->shape.seed);
	plist_u64(&o, "bitCount", f->shape.bits);
	if (f->bytes.given)
		plist_u64(&o, "byteCount", f->bytes.value);
	plist_u64(&o, "hashCount", f->shape.hashes);
	sl_out_str(&o, "\t<key>data</key>\n\t<data>\n");
	put(w, o.p, o.len);
	put_base64(w, f->data, "\n");
	put_str(w, "\t</data>\n</dict>\n</plist>\n");
}

static void json_u64(struct sl_out *o, const char *key, uint64_t value)
{
	sl_out_fmt(o, "  \"%s\": %llu,\n", key, (unsigned long long)value);
}

/* A tag longer than any tag is left out; the file is whole without it. */
static void put_json_tag(struct writing *w, struct sl_bytes tag)
{
	uint8_t buf[HEAD_MAX];
	struct sl_out o = sl_out_of(buf, sizeof(buf));

	sl_out_str(&o, "  \"tag\": ");
	sl_json_string(&o, tag);
	sl_out_str(&o, ",\n");
	if (!o.overflow)
		put(w, o.p, o.len);
}

static void write_json(struct writing *w, const struct sl_prefilter_file *f)
{
	uint8_t buf[HEAD_MAX];
	struct sl_out o = sl_out_of(buf, sizeof(buf));

	sl_out_str(&o, "{\n");
	if (f->items.given)
		json_u64(&o, "itemCount", f->items.value);
	if (f->tolerance > 0)
		sl_out_fmt(&o, "  \"falsePositiveTolerance\": %.17g,\n", f->tolerance);
	json_u64(&o, "murmurSeed", f->shape.seed);
	json_u64(&o, "bitCount", f->shape.bits);
	if (f->bytes.given)
		json_u64(&o, "byteCount", f->bytes.value);
	json_u64(&o, "hashCount", f->shape.hashes);
	put(w, o.p, o.len);
	if (f->tag.p != NULL)
		put_json_tag(w, f->tag);
	put_str(w, "  \"data\": \"");
	put_base64(w, f->data, "");
	put_str(w, "\"\n}\n");
}

int sl_prefilter_file_write(const struct sl_prefilter_file *file, enum sl_prefilter_kind kind,
                            sl_prefilter_put *sink, void *ctx)
{
	struct writing w = { sink, ctx, SL_OK };

	switch (kind) {
	case SL_PREFILTER_PLIST_XML:
		write_plist(&w, file);
		break;
	case SL_PREFILTER_JSON:
		write_json(&w, file);
		break;
	case SL_PREFILTER_RAW:
		put(&w, file->data.p, file->data.len);
		break;
	case SL_PREFILTER_PLIST_BINARY:
		return SL_EUNSUP;
	}
	return w.err;
}
