/* SPDX-License-Identifier: GPL-2.0-or-later */
/* h2_text.h - a client's bytes of HTTP/2 from a line of text.
 *
 * Tokens with blanks between. A capital begins a frame, with the number of its stream and then flags:
 *   H HEADERS   C CONTINUATION   D DATA   S SETTINGS   P PING   W WINDOW_UPDATE   R RST_STREAM   G GOAWAY   O PRIORITY
 *   U PUSH_PROMISE   X a type nobody knows        PRI  the preface
 *   e END_HEADERS   s END_STREAM   p 7 bytes of padding   P more padding than the frame is long   r with a priority
 * For a frame:
 *   N           N zeros, decimal (of DATA and others)
 *   name=value  a literal field without indexing     +name=value  one that goes into the dynamic table
 *   #N          an indexed field (1..126)            ^N           an update of the table's size (up to 2^28)
 *   !HEX        bytes as they are                    "_" stands for a blank in a value */
#ifndef SL_TESTS_H2_TEXT_H
#define SL_TESTS_H2_TEXT_H

#include "base/out.h"

/* Appends them. Aborts when the text is none of these. */
void h2_text(const char *text, struct sl_out *to);

#endif
