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
	 * for the snapshot, conf, then one a path; with SL_IPC_KEPT_TOO one more of both, see there */
	SL_IPC_COMPILE,
	/* the same; no text; fds: an empty memory file for the snapshot, and the file in which it was kept */
	SL_IPC_RESTORE,
	/* compiler to supervisor */
	SL_IPC_COMPILED, /* the snapshot is there, sealed and verified; text: JSON of it for status; have: SL_IPC_KEPT_TOO where it
	                  * is the one that came */
	SL_IPC_COMPILE_FAILED, /* text: why; have: 1 + number of the list in the configuration because of which, 0: of none */
	/* supervisor to keeper: text: the folder, NUL, a name below it, NUL, ...; fds: the content of each name. Behind them "-name":
	 * is removed at the end */
	SL_IPC_KEEP,
	/* keeper to supervisor */
	SL_IPC_KEPT,
	SL_IPC_KEEP_FAILED, /* text: why */
	/* supervisor to fetcher: text: JSON, see fetch.h; fds: an empty memory file for each text */
	SL_IPC_FETCH,
	/* supervisor to broker, before SL_IPC_TAKE: text: struct sl_broker_setup */
	SL_IPC_BROKER,
	/* fetcher to supervisor; number: of the list in the request; text: JSON */
	SL_IPC_FETCHING,
	SL_IPC_FETCHED,
	/* supervisor to engine; an engine of an earlier version does not know them. Numbers above stay as they are: after an upgrade
	 * the engine of the version before is told to yield. */
	SL_IPC_TAP =
	        50, /* fds: where lines of the flow log go as they come (flow_tap.h), or none: nobody listens */
	SL_IPC_FLOWS,     /* number: request; answered with the last lines */
	SL_IPC_LOG_LEVEL, /* number: log.h */
	/* engine to supervisor */
	SL_IPC_FLOWS_ARE,   /* number: request; text: whole lines */
	SL_IPC_FLOWS_HEARD, /* over the tap; number: lines lost before; text: whole lines */
	/* supervisor to engine, which may be of another version: write into the shared memory how much memory is in use */
	SL_IPC_MEMORY = 60,
	/* supervisor to reporter: fds: the socket to listen on */
	SL_IPC_REPORT,
	/* reporter to supervisor, number: of the question; and back: the same, fds: a memory file with the text */
	SL_IPC_METRICS,
	/* supervisor to engine: fds: JSON of groups, roles and the operator's words (standing.h). In force at once for what is asked
	 * from then on; have: SL_IPC_WITH_NEXT, only with the policy that comes next. number: counts these messages */
	SL_IPC_STANDING = 70,
	/* engine to supervisor; number: of the message */
	SL_IPC_STANDS,
	SL_IPC_STANDING_FAILED, /* text: why; what stood before stands on */
	/* From a new program that is tried to the supervisor that tries it, which may be another version: these numbers and what
	 * they mean stay as they are, as does the head of a message. docs/upgrade.md */
	SL_IPC_TRIAL_COMPILES =
	        100, /* the old snapshot says nothing to it: lists are read anew, which may take its time */
	SL_IPC_TRIAL_READY, /* number: its engine's pid; text: JSON of the snapshot; fds: that engine's ipc, and, where it
	                      * had to compile, snapshot and conf */
	SL_IPC_TRIAL_FAILED, /* text: why */
};

/* Bits of have in SL_IPC_STANDING. */
enum {
	SL_IPC_WITH_NEXT = 1,
};

/* Bits of have in SL_IPC_COMPILE and SL_IPC_RESTORE. */
enum {
	SL_IPC_BEHIND = 1, /* an engine judges meanwhile, and comes first */
	SL_IPC_DRY =
	        2, /* the two descriptors behind the lists: the snapshot in force, and the names that were asked for of late */
	/* the last descriptor, behind those, is a snapshot that was kept, the last text its "made_of" and "checksum" (daemon/compiler.h), with a
	 * blank between them: where all that came makes the same again, it is taken */
	SL_IPC_KEPT_TOO = 4,
};
enum { SL_IPC_DRY_FDS = 2 };

enum {
	SL_IPC_TEXT_MAX = 128 * 1024,
	SL_IPC_FDS_MAX = 240, /* SCM_MAX_FD is 253 */
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
