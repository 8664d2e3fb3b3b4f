/* SPDX-License-Identifier: GPL-2.0-or-later */
/* export_made.c - where the filter has a parsing regular expression, the entries of the data set are what it makes of the
 * canonical ones (NE-URL-39): sorted anew, each once. */
#include "base/util.h"
#include "daemon/export_impl.h"

int sl_export_made_add(struct sl_export *x, struct sl_bytes entry)
{
	const struct sl_suburl_parsing parsing = { .regex = x->cfg->regex };
	struct sl_suburls urls;
	char text[SL_EXPORT_TEXT_MAX];

	int err = x->made == NULL ? sl_export_sort_new(x->cfg->dir, x->cfg->memory, &x->made) : SL_OK;
	if (err == SL_OK)
		err = sl_suburls_of(entry, SL_SUBURL_NE27, &parsing, &urls);
	if (err == SL_EMALF || err == SL_ELIMIT || (err == SL_OK && urls.n_heads == 0)) {
		x->stats.unmatched++;
		return SL_OK;
	}
	if (err != SL_OK)
		return err;
	const struct sl_export_record record = { .text = sl_bytes_of(text, sl_suburl_write(&urls, 0, 0, text,
		                                                                           sizeof(text))) };
	return sl_export_sort_add(x->made, &record);
}

static int write_one(struct sl_export *x, struct sl_bytes text)
{
	x->stats.written++;
	x->stats.bytes += text.len + 1;
	bool good = fwrite(text.p, 1, text.len, x->entries) == text.len && putc('\n', x->entries) != EOF;
	return good ? SL_OK : SL_ESYS;
}

int sl_export_made_write(struct sl_export *x)
{
	struct sl_export_record record;
	char last[SL_EXPORT_TEXT_MAX];
	size_t len = 0;

	if (x->made == NULL)
		return SL_OK;
	int err = sl_export_sort_finish(x->made);
	while (err == SL_OK && (err = sl_export_sort_next(x->made, &record)) == SL_OK) {
		if (sl_bytes_equal(record.text, sl_bytes_of(last, len)))
			continue;
		len = sl_min(record.text.len, sizeof(last));
		memcpy(last, record.text.p, len);
		err = write_one(x, sl_bytes_of(last, len));
	}
	sl_export_sort_free(&x->made); /* its memory is wanted for the bits */
	return err == SL_ENOENT ? SL_OK : err;
}
