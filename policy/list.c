/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/list.h"

#include <stdlib.h>

#include "base/util.h"
#include "policy/list_reader.h"

static const struct sl_bytes bom = SL_BYTES_LIT("\xef\xbb\xbf");

static const struct format {
	const char *word;
	int (*line)(struct sl_list_reader *r, struct sl_bytes line);
} formats[] = {
#define SL_FORMAT(name, word, reader) { word, reader },
#include "policy/list_format.def"
#undef SL_FORMAT
};

const char *sl_list_format_name(enum sl_list_format format)
{
	return (size_t)format < SL_COUNT(formats) ? formats[format].word : "unknown";
}

int sl_list_reader_new(const struct sl_list_cfg *cfg, int (*entry)(void *ctx, const struct sl_list_entry *e),
                       void *ctx, const struct sl_diag *diag, struct sl_list_reader **out)
{
	if ((size_t)cfg->format >= SL_COUNT(formats))
		return SL_EINVAL;
	struct sl_list_reader *r = (struct sl_list_reader *)calloc(1, sizeof(*r));
	if (r == NULL)
		return SL_ENOMEM;
	r->cfg = *cfg;
	r->entry = entry;
	r->ctx = ctx;
	r->diag = diag;
	r->stats.format = cfg->format;
	*out = r;
	return SL_OK;
}

void sl_list_reader_free(struct sl_list_reader **r)
{
	struct sl_list_reader *gone = sl_take(r);
	if (gone == NULL)
		return;
	free(gone->head);
	free(gone);
}

/* One line without its LF; where it is longer than SL_LIST_LINE_MAX, only its head. */
static int read_line(struct sl_list_reader *r, struct sl_bytes line, bool cut)
{
	uint32_t before = r->stats.entries + r->stats.refused;
	int err = SL_OK;
	if (!cut && line.len > 0 && line.p[line.len - 1] == '\r')
		line.len--;
	r->stats.lines++;
	r->refused = false;
	if (SL_LIKELY(!cut))
		err = r->line(r, line);
	else if (sl_list_body(r, line).len > 0)
		err = sl_list_refuse(r, line, SL_REFUSED_LONG);
	r->body += r->stats.entries + r->stats.refused > before;
	return err;
}

/* Keeps a piece of a line until its end comes. */
static void hold(struct sl_list_reader *r, struct sl_bytes piece)
{
	size_t room = sizeof(r->part) - r->held;
	if (piece.len > room)
		r->part_long = true;
	piece = sl_bytes_first(piece, room);
	if (piece.len > 0)
		memcpy(&r->part[r->held], piece.p, piece.len);
	r->held += piece.len;
}

static int read_part(struct sl_list_reader *r)
{
	struct sl_bytes line = sl_bytes_of(r->part, r->held);
	bool cut = r->part_long;
	r->held = 0;
	r->part_long = false;
	return read_line(r, line, cut);
}

static int read_lines(struct sl_list_reader *r, struct sl_bytes text)
{
	int err = SL_OK;
	while (err == SL_OK && text.len > 0) {
		size_t n = sl_bytes_find(text, '\n');
		struct sl_bytes line = sl_bytes_first(text, n);
		bool whole = n < text.len;
		text = sl_bytes_skip(text, n + 1);
		if (!whole || r->held > 0 || line.len > SL_LIST_LINE_MAX) {
			hold(r, line);
			err = whole ? read_part(r) : SL_OK;
		} else {
			err = read_line(r, line, false);
		}
	}
	return err;
}

/* Lines up to a zero byte, with which the text stops being one. */
static int read_text(struct sl_list_reader *r, struct sl_bytes text)
{
	size_t zero = sl_bytes_find(text, '\0');
	int err = read_lines(r, sl_bytes_first(text, zero));
	if (err != SL_OK || zero == text.len)
		return err;
	sl_diag(r->diag, r->cfg.file, r->stats.lines + 1,
	        "this is no list: it is a binary file; check that it is the list that was meant");
	return SL_EMALF;
}

/* The head is there, or all of the text. */
static int start(struct sl_list_reader *r)
{
	struct sl_bytes head = sl_bytes_of(r->head, r->head == NULL ? 0 : r->held);
	r->held = 0;
	if (sl_bytes_equal(sl_bytes_first(head, bom.len), bom))
		head = sl_bytes_skip(head, bom.len);
	int err = sl_list_is_text(&r->cfg, head, r->diag);
	if (err == SL_OK && r->stats.format == SL_FORMAT_AUTO)
		err = sl_list_detect(&r->cfg, head, r->diag, &r->stats.format);
	if (err != SL_OK)
		return err;
	r->line = formats[r->stats.format].line;
	err = read_text(r, head);
	free(r->head);
	r->head = NULL;
	return err;
}

/* Keeps a piece of the head. Short texts take little. */
static int hold_head(struct sl_list_reader *r, struct sl_bytes piece)
{
	size_t need = r->held + piece.len;
	if (piece.len == 0)
		return SL_OK;
	if (need > r->head_cap) {
		size_t cap = sl_min(sl_max(need, r->head_cap * 2), SL_LIST_HEAD);
		uint8_t *more = (uint8_t *)realloc(r->head, cap);
		if (more == NULL)
			return SL_ENOMEM;
		r->head = more;
		r->head_cap = cap;
	}
	memcpy(&r->head[r->held], piece.p, piece.len);
	r->held = need;
	return SL_OK;
}

int sl_list_reader_feed(struct sl_list_reader *r, struct sl_bytes piece)
{
	if (r->err == SL_OK && r->line == NULL) {
		struct sl_bytes first = sl_bytes_first(piece, SL_LIST_HEAD - r->held);
		r->err = hold_head(r, first);
		piece = sl_bytes_skip(piece, first.len);
		if (r->err == SL_OK && r->held == SL_LIST_HEAD)
			r->err = start(r);
	}
	if (r->err == SL_OK && piece.p != NULL && piece.len > 0)
		r->err = read_text(r, piece);
	return r->err;
}

int sl_list_reader_end(struct sl_list_reader *r, struct sl_list_stats *stats)
{
	if (r->err == SL_OK && r->line == NULL)
		r->err = start(r);
	if (r->err == SL_OK && (r->held > 0 || r->part_long))
		r->err = read_part(r);
	if (r->err == SL_OK)
		r->err = sl_list_weigh(r);
	*stats = r->stats;
	return r->err;
}

int sl_list_read(const struct sl_list_cfg *cfg, struct sl_bytes text,
                 int (*entry)(void *ctx, const struct sl_list_entry *e), void *ctx,
                 const struct sl_diag *diag, struct sl_list_stats *stats)
{
	struct sl_list_reader *r = NULL;
	*stats = (struct sl_list_stats){ 0 };
	int err = sl_list_reader_new(cfg, entry, ctx, diag, &r);
	if (err != SL_OK)
		return err;
	(void)sl_list_reader_feed(r, text);
	err = sl_list_reader_end(r, stats);
	sl_list_reader_free(&r);
	return err;
}
