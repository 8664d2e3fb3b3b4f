/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ipc.h - supervisor and engine, and supervisor and compiler, talk over a SOCK_SEQPACKET pair: one message, with the
 * descriptors that belong to it. They trust each other's format but not each other's life: a closed end is an ordinary answer. */
#ifndef SL_DAEMON_IPC_H
#define SL_DAEMON_IPC_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

enum sl_ipc_type {
	/* supervisor to engine */
	SL_IPC_LOAD = 1, /* number: generation; text: conf file name, NUL; fds: snapshot, conf */
	SL_IPC_TAKE,     /* number: workers; fds: daemon/take.h */
	SL_IPC_LOG,      /* fds: the new flow log, or none */
	SL_IPC_CHECK, /* number: request; text: JSON object: items, an array of inputs; explain, a boolean */
	SL_IPC_STOP,  /* answer what waits, then end */
	SL_IPC_YIELD, /* end between two batches, and leave what is held to the next engine */
	/* engine to supervisor */
	SL_IPC_LOADED,      /* number: generation */
	SL_IPC_LOAD_FAILED, /* number: generation; text: why */
	SL_IPC_TAKEN,       /* the workers run */
	SL_IPC_CHECKED,     /* number: request; text: JSON array of results */
	SL_IPC_ADOPTED,     /* to a supervisor that is not the one which started it; as SL_IPC_TAKE */
	/* supervisor to compiler: number: generation; text: conf file name, NUL, a path, NUL, ...; fds: an empty memory file
	 * for the snapshot, conf, then one a path */
	SL_IPC_COMPILE,
	/* compiler to supervisor */
	SL_IPC_COMPILED,       /* the snapshot is there, sealed and verified; text: JSON of it for status */
	SL_IPC_COMPILE_FAILED, /* text: why */
	/* From a new program that is tried to the supervisor that tries it, which may be another version: these numbers and what
	 * they mean stay as they are, as does the head of a message. docs/upgrade.md */
	SL_IPC_TRIAL_COMPILES =
	        100, /* the old snapshot says nothing to it: lists are read anew, which may take its time */
	SL_IPC_TRIAL_READY, /* number: its engine's pid; text: JSON of the snapshot; fds: that engine's ipc, and, where it
	                      * had to compile, snapshot and conf */
	SL_IPC_TRIAL_FAILED, /* text: why */
};

enum {
	SL_IPC_TEXT_MAX = 128 * 1024,
	SL_IPC_FDS_MAX = 160,
};

struct sl_ipc_msg {
	uint32_t type;
	uint32_t have; /* bits that say which optional descriptors are there */
	uint64_t number;
	struct sl_bytes text; /* received: in the message's own buffer */
	int fd[SL_IPC_FDS_MAX];
	unsigned fds;
	char buf[SL_IPC_TEXT_MAX];
};

/* A pair of ends, both close-on-exec. */
int sl_ipc_pair(int end[2]);
/* Room for the longest message; pairs have it. */
void sl_ipc_set_buffer(int end);
/* Descriptors stay the caller's. SL_ENOENT: the other end is gone. */
int sl_ipc_send(int end, enum sl_ipc_type type, uint64_t number, struct sl_bytes text, const int *fd,
                unsigned fds, uint32_t have);
/* Waits for one message. Its descriptors become the caller's. SL_ENOENT: the other end is gone; SL_EMALF: not ours;
 * SL_EMORE: nothing there yet (a non-blocking end). */
int sl_ipc_receive(int end, struct sl_ipc_msg *out);
/* Closes the descriptors of a message that were not taken (taken ones are set to -1). */
void sl_ipc_close_fds(struct sl_ipc_msg *msg);

#endif
