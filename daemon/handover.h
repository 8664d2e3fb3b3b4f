/* SPDX-License-Identifier: GPL-2.0-or-later */
/* handover.h - what a supervisor leaves to the program that it becomes at an upgrade: JSON in a sealed memory file, whose
 * descriptor the next program gets as an argument. docs/upgrade.md has its members; both sides ignore those that they do not know.
 *
 * Descriptors go by number, under names, in "fds": they are inherited. One thread. */
#ifndef SL_DAEMON_HANDOVER_H
#define SL_DAEMON_HANDOVER_H

#include <jansson.h>
#include <stdbool.h>

#include "base/diag.h"
#include "base/err.h"

enum {
	SL_HANDOVER_LAYOUT = 1,   /* what we write, and the newest that we read */
	SL_HANDOVER_READABLE = 1, /* the oldest reader that understands what we write */
};

/* {"layout", "readable_by", "version", "fds": {}}; NULL: no memory. */
json_t *sl_handover_new(void);
void sl_handover_put_fd(json_t *state, const char *name, int fd); /* -1 is left out */
/* The number under this name; -1: none. It stays the state's. */
int sl_handover_fd(const json_t *state, const char *name);
/* The same, now the caller's: close-on-exec, and gone from the state. */
int sl_handover_take_fd(json_t *state, const char *name);
/* Whether the next program that this process becomes inherits them. */
void sl_handover_inherit(const json_t *state, bool yes);
/* Closes what nobody took. */
void sl_handover_close(json_t *state);

/* Into a memory file, whose descriptor is inherited, too. SL_ESYS, SL_ENOMEM. */
int sl_handover_write(const json_t *state, int *fd);
/* fd is closed. What is wrong is told: no such descriptor, no JSON, a layout that is too new. SL_EMALF, SL_EUNSUP, SL_ESYS. */
int sl_handover_read(int fd, const struct sl_diag *diag, json_t **state);

#endif
