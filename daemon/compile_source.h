/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile_source.h - is a list the one that its publisher made? Looked at before a line of it is read. */
#ifndef SL_DAEMON_COMPILE_SOURCE_H
#define SL_DAEMON_COMPILE_SOURCE_H

#include "daemon/compile_lists.h"

#define SL_SIGNATURE_SUFFIX ".minisig" /* behind the list's file, or its url */

/* fd is borrowed. The list's sha256 and the signature by its sign_key, where it has them; the signature is opened by
 * from->open_file. SL_OK, or a failure of which from->diag was told. */
int sl_compile_source_check(const struct sl_list_source *from, const struct sl_conf_list *list, int fd);

#endif
