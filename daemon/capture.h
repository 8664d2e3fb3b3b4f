/* SPDX-License-Identifier: GPL-2.0-or-later */
/* capture.h - a capture file in memory: mapped, or read to its end where it is a pipe. */
#ifndef SL_DAEMON_CAPTURE_H
#define SL_DAEMON_CAPTURE_H

#include "base/diag.h"
#include "base/err.h"
#include "filter/capture_file.h"

struct sl_capture;

/* path "-" is standard input. SL_ESYS, SL_EPROTO, SL_ENOMEM: diag was told. */
int sl_capture_open(const char *path, const struct sl_diag *diag, struct sl_capture **out);
void sl_capture_close(struct sl_capture **c);
/* Bytes of the whole file. */
size_t sl_capture_size(const struct sl_capture *c);
/* As sl_capture_file_next(); diag was told where the file breaks off. number gets 1 for the first frame, and so on. */
int sl_capture_next(struct sl_capture *c, struct sl_capture_frame *out, uint32_t *number);

#endif
