/* SPDX-License-Identifier: GPL-2.0-or-later */
/* export_prefilter.c - one walk along the canonical list makes the prefilter's bits and both forms of the PIR server's input
 * (NE-PIR-13). */
#include <errno.h>
#include <stdlib.h>

#include "base/util.h"
#include "bloom/apple_hash.h"
#include "bloom/apple_size.h"
#include "daemon/export_impl.h"
#include "daemon/pir.h"
#include "daemon/prefilter_file.h"

enum { BATCH = 64 }; /* keys that are added at once: their lines are fetched together */

struct filling {
	struct sl_prefilter *pf;
	FILE *text, *binary;
	uint64_t key[BATCH];
	size_t n;
};

static int size_it(struct sl_export *x)
{
	const struct sl_apple_want want = { .lines = x->stats.blocks,
		                            .distinct = x->stats.written,
		                            .tolerance = x->cfg->tolerance,
		                            .seed = x->cfg->seed,
		                            .strict = x->cfg->strict };

	int err = sl_apple_size(&want, &x->shape);
	if (err == SL_ELIMIT)
		sl_diag(x->diag, NULL, 0,
		        "so many entries at such a tolerance take more bits than can be addressed; raise "
		        "--p");
	else if (err != SL_OK)
		sl_diag(x->diag, NULL, 0, "the tolerance has to lie between 0 and 1");
	return err;
}

static int put_row(FILE *file, enum sl_pir_form form, struct sl_bytes keyword)
{
	uint8_t buf[4 * SL_EXPORT_TEXT_MAX + 64];
	struct sl_out o = sl_out_of(buf, sizeof(buf));

	sl_pir_write(form, &(struct sl_pir_row){ keyword, SL_PIR_VALUE }, &o);
	return fwrite(buf, 1, o.len, file) == o.len ? SL_OK : SL_ESYS;
}

static int add(struct filling *f, struct sl_bytes entry, uint32_t seed)
{
	f->key[f->n++] = sl_apple_key(entry, seed);
	if (f->n == BATCH) {
		sl_prefilter_add(f->pf, f->key, f->n);
		f->n = 0;
	}
	int err = put_row(f->text, SL_PIR_TEXT, entry);
	return err == SL_OK ? put_row(f->binary, SL_PIR_BINARY, entry) : err;
}

static int walk(struct sl_export *x, struct filling *f)
{
	char *line = NULL;
	size_t cap = 0;
	int err = fseeko(x->entries, 0, SEEK_SET) == 0 ? SL_OK : SL_ESYS;

	while (err == SL_OK) {
		ssize_t len = getline(&line, &cap, x->entries);
		if (len <= 0)
			break;
		err = add(f, sl_bytes_of(line, (size_t)len - 1), x->shape.seed);
	}
	sl_prefilter_add(f->pf, f->key, f->n);
	free(line);
	return ferror(x->entries) ? SL_ESYS : err;
}

static int put_bytes(void *ctx, const void *p, size_t n)
{
	return fwrite(p, 1, n, (FILE *)ctx) == n ? SL_OK : SL_ESYS;
}

static int write_files(struct sl_export *x, struct sl_bytes bits)
{
	static const struct {
		const char *name;
		enum sl_prefilter_kind kind;
	} files[] = { { "prefilter.plist", SL_PREFILTER_PLIST_XML },
		      { "prefilter.json", SL_PREFILTER_JSON },
		      { "prefilter.bin", SL_PREFILTER_RAW } };
	const struct sl_prefilter_file file = {
		.shape = x->shape,
		.items = { true, x->cfg->strict ? x->stats.blocks : x->stats.written },
		.bytes = { true, bits.len },
		.tolerance = x->cfg->tolerance,
		.tag = sl_bytes_str(x->tag),
		.data = bits,
	};
	for (size_t i = 0; i < SL_COUNT(files); i++) {
		FILE *to = sl_export_files_open(x->files, files[i].name, 0644);
		if (to == NULL || sl_prefilter_file_write(&file, files[i].kind, put_bytes, to) != SL_OK)
			return sl_export_failed(x, files[i].name);
	}
	return SL_OK;
}

static int fill(struct sl_export *x, uint8_t *bits, size_t len)
{
	struct filling f = { .n = 0 };
	union sl_prefilter_mem mem;

	f.text = sl_export_files_open(x->files, "pir-database.txtpb", 0644);
	f.binary = f.text == NULL ? NULL : sl_export_files_open(x->files, "pir-database.binpb", 0644);
	int err = f.binary == NULL ? SL_ESYS : sl_prefilter_build(&mem, &x->shape, bits, len, &f.pf);
	if (err == SL_OK)
		err = walk(x, &f);
	if (err != SL_OK)
		return err == SL_ESYS ? sl_export_failed(x, "pir-database") : err;
	sl_apple_tag(sl_bytes_of(bits, len), x->tag);
	sl_gauge(f.pf, sl_bytes_of(bits, len), &x->gauge);
	return write_files(x, sl_bytes_of(bits, len));
}

int sl_export_prefilter(struct sl_export *x)
{
	int err = size_it(x);

	if (err != SL_OK)
		return err;
	size_t len = sl_prefilter_bytes(&x->shape);
	uint8_t *bits = (uint8_t *)malloc(len);
	err = bits == NULL ? SL_ENOMEM : fill(x, bits, len);
	free(bits);
	return err;
}
