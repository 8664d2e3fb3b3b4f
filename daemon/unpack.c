/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/unpack.h"

#include <lzma.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/util.h"

enum { GZIP = 16 + MAX_WBITS, XZ_MEMORY = 128 << 20, ZSTD_WINDOW_LOG = 27 };

/* One step of a format: what it took and gave. done: the bytes so far are whole, and the text may end here. */
struct step {
	size_t taken, given;
	bool done;
};

struct format {
	const char *name;
	struct sl_bytes magic;
	int (*open)(struct sl_unpack *u);
	int (*step)(struct sl_unpack *u, struct sl_bytes in, bool last, struct step *s);
	void (*close)(struct sl_unpack *u);
};

struct sl_unpack {
	const struct format *format;
	uint64_t left; /* bytes that may still come out */
	int err;
	bool done, full; /* the last step filled the buffer: there may be more without more input */
	union {
		z_stream gzip;
		lzma_stream xz;
		ZSTD_DCtx *zstd;
	};
	uint8_t buf[SL_UNPACK_PIECE];
};

static int gzip_open(struct sl_unpack *u)
{
	return inflateInit2(&u->gzip, GZIP) == Z_OK ? SL_OK : SL_ENOMEM;
}

/* A member ended. Zeros behind it are padding; anything else has to be a member again. */
static int gzip_next(struct sl_unpack *u, struct sl_bytes rest, size_t *zeros)
{
	*zeros = 0;
	while (*zeros < rest.len && rest.p[*zeros] == 0)
		(*zeros)++;
	return *zeros < rest.len && inflateReset(&u->gzip) != Z_OK ? SL_EMALF : SL_OK;
}

static int gzip_step(struct sl_unpack *u, struct sl_bytes in, bool last, struct step *s)
{
	z_stream *z = &u->gzip;
	size_t zeros = 0;
	(void)last;
	if (u->done && gzip_next(u, in, &zeros) != SL_OK)
		return SL_EMALF;
	s->done = u->done;
	s->taken = zeros;
	if (zeros == in.len && u->done)
		return SL_OK;
	in = sl_bytes_skip(in, zeros);
	z->next_in = (z_const Bytef *)(uintptr_t)in.p;
	z->avail_in = (uInt)sl_min(in.len, UINT32_MAX);
	z->next_out = u->buf;
	z->avail_out = sizeof(u->buf);
	uInt before = z->avail_in;
	int rc = inflate(z, Z_NO_FLUSH);
	s->taken += before - z->avail_in;
	s->given = sizeof(u->buf) - z->avail_out;
	s->done = rc == Z_STREAM_END;
	if (rc == Z_MEM_ERROR)
		return SL_ENOMEM;
	return rc == Z_OK || rc == Z_STREAM_END || rc == Z_BUF_ERROR ? SL_OK : SL_EMALF;
}

static void gzip_close(struct sl_unpack *u)
{
	(void)inflateEnd(&u->gzip);
}

static int xz_open(struct sl_unpack *u)
{
	u->xz = (lzma_stream)LZMA_STREAM_INIT;
	return lzma_stream_decoder(&u->xz, XZ_MEMORY, LZMA_CONCATENATED) == LZMA_OK ? SL_OK : SL_ENOMEM;
}

static int xz_step(struct sl_unpack *u, struct sl_bytes in, bool last, struct step *s)
{
	lzma_stream *z = &u->xz;
	z->next_in = in.p;
	z->avail_in = in.len;
	z->next_out = u->buf;
	z->avail_out = sizeof(u->buf);
	/* Only with LZMA_FINISH does it tell an end from a stop between two members. */
	lzma_ret rc = u->done ? LZMA_STREAM_END : lzma_code(z, last ? LZMA_FINISH : LZMA_RUN);
	s->taken = in.len - z->avail_in;
	s->given = sizeof(u->buf) - z->avail_out;
	s->done = rc == LZMA_STREAM_END;
	if (rc == LZMA_MEM_ERROR)
		return SL_ENOMEM;
	if (rc == LZMA_MEMLIMIT_ERROR)
		return SL_ELIMIT;
	return rc == LZMA_OK || rc == LZMA_STREAM_END || rc == LZMA_BUF_ERROR ? SL_OK : SL_EMALF;
}

static void xz_close(struct sl_unpack *u)
{
	lzma_end(&u->xz);
}

static int zstd_open(struct sl_unpack *u)
{
	u->zstd = ZSTD_createDCtx();
	if (u->zstd == NULL)
		return SL_ENOMEM;
	(void)ZSTD_DCtx_setParameter(u->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG);
	return SL_OK;
}

static int zstd_step(struct sl_unpack *u, struct sl_bytes in, bool last, struct step *s)
{
	ZSTD_inBuffer from = { in.p, in.len, 0 };
	ZSTD_outBuffer to = { u->buf, sizeof(u->buf), 0 };
	(void)last;
	if (in.len == 0 && u->done) { /* a call would begin the next member */
		s->done = true;
		return SL_OK;
	}
	size_t rc = ZSTD_decompressStream(u->zstd, &to, &from);
	s->taken = from.pos;
	s->given = to.pos;
	s->done = rc == 0;
	if (!ZSTD_isError(rc))
		return SL_OK;
	ZSTD_ErrorCode code = ZSTD_getErrorCode(rc);
	if (code == ZSTD_error_memory_allocation)
		return SL_ENOMEM;
	return code == ZSTD_error_frameParameter_windowTooLarge ? SL_ELIMIT : SL_EMALF;
}

static void zstd_close(struct sl_unpack *u)
{
	(void)ZSTD_freeDCtx(u->zstd);
}

static const struct format formats[] = {
	{ "gzip", SL_BYTES_LIT("\x1f\x8b"), gzip_open, gzip_step, gzip_close },
	{ "xz",
	  SL_BYTES_LIT("\xfd"
	               "7zXZ\0"),
	  xz_open, xz_step, xz_close },
	{ "zstd", SL_BYTES_LIT("\x28\xb5\x2f\xfd"), zstd_open, zstd_step, zstd_close },
};

int sl_unpack_new(struct sl_bytes head, uint64_t max, struct sl_unpack **out)
{
	struct sl_unpack *u = (struct sl_unpack *)calloc(1, sizeof(*u));
	if (u == NULL)
		return SL_ENOMEM;
	u->left = max;
	for (size_t i = 0; i < SL_COUNT(formats); i++)
		if (sl_bytes_equal(sl_bytes_first(head, formats[i].magic.len), formats[i].magic))
			u->format = &formats[i];
	int err = u->format == NULL ? SL_OK : u->format->open(u);
	if (err != SL_OK) {
		free(u);
		return err;
	}
	*out = u;
	return SL_OK;
}

void sl_unpack_free(struct sl_unpack **u)
{
	struct sl_unpack *gone = sl_take(u);
	if (gone == NULL)
		return;
	if (gone->format != NULL)
		gone->format->close(gone);
	free(gone);
}

const char *sl_unpack_format(const struct sl_unpack *u)
{
	return u->format == NULL ? "plain" : u->format->name;
}

static int plain_step(struct sl_bytes *in, bool last, struct sl_bytes *out)
{
	bool some = in->len > 0;
	*out = some ? *in : (struct sl_bytes){ NULL, 0 };
	*in = (struct sl_bytes){ NULL, 0 };
	return some || last ? SL_OK : SL_EMORE;
}

static int packed_step(struct sl_unpack *u, struct sl_bytes *in, bool last, struct sl_bytes *out)
{
	struct step s;
	*out = (struct sl_bytes){ NULL, 0 };
	do {
		if (in->len == 0 && !last && !u->full)
			return SL_EMORE;
		s = (struct step){ 0 };
		int err = u->format->step(u, *in, last, &s);
		if (err != SL_OK)
			return err;
		*in = sl_bytes_skip(*in, s.taken);
		u->done = s.done;
		u->full = s.given == sizeof(u->buf);
		if (s.given == 0 && in->len == 0 && last)
			return u->done ? SL_OK : SL_EMALF;
		if (s.given == 0 && s.taken == 0 && in->len > 0)
			return SL_EMALF; /* it cannot go on with what there is */
	} while (s.given == 0);
	if (s.given > u->left)
		return SL_ELIMIT;
	u->left -= s.given;
	*out = sl_bytes_of(u->buf, s.given);
	return SL_OK;
}

int sl_unpack_step(struct sl_unpack *u, struct sl_bytes *in, bool last, struct sl_bytes *out)
{
	if (u->format == NULL)
		return plain_step(in, last, out);
	int err = u->err == SL_OK ? packed_step(u, in, last, out) : u->err;
	if (err != SL_OK && err != SL_EMORE) {
		u->err = err;
		*out = (struct sl_bytes){ NULL, 0 };
	}
	return err;
}
