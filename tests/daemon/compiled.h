/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compiled.h - for tests: list texts compiled by the way of the daemon, into a memory file. */
#ifndef SL_TESTS_DAEMON_COMPILED_H
#define SL_TESTS_DAEMON_COMPILED_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/compile_job.h"
#include "daemon/snapshot_file.h"

enum { COMPILED_LISTS = 3 };

/* Lists named l0, l1, l2, of kinds block, allow, block; text[i] NULL: no more. */
struct compiled {
	const char *text[COMPILED_LISTS];
	struct sl_conf_list list[COMPILED_LISTS];
	struct sl_conf conf;
	struct sl_compile_job job;
	struct sl_compile_job_stats stats;
};

/* The path of list i is "/i". */
static inline int compiled_open(void *ctx, const char *path)
{
	const struct compiled *c = (const struct compiled *)ctx;
	const char *text = c->text[path[1] - '0'];
	int fd = memfd_create("list", MFD_CLOEXEC);
	size_t len = strlen(text);
	return fd >= 0 && write(fd, text, len) == (ssize_t)len ? fd : -1;
}

static inline void compiled_prepare(struct compiled *c)
{
	static char name[COMPILED_LISTS][3] = { "l0", "l1", "l2" },
	            file[COMPILED_LISTS][3] = { "/0", "/1", "/2" };
	c->conf = (struct sl_conf){ .list = c->list };
	for (size_t i = 0; i < COMPILED_LISTS && c->text[i] != NULL; i++) {
		c->list[i] = (struct sl_conf_list){ .name = name[i],
			                            .file = file[i],
			                            .kind = i == 1 ? SL_LIST_ALLOW : SL_LIST_BLOCK,
			                            .max_refused = 50,
			                            .max_unpacked = UINT64_MAX };
		c->conf.lists++;
	}
	c->job =
	        (struct sl_compile_job){ .source = { .conf = &c->conf, .open_file = compiled_open, .ctx = c },
		                         .spill = -1,
		                         .fold = true };
}

/* A sealed memory file; -1 where it fails. */
static inline int compiled_fd(struct compiled *c)
{
	int fd = memfd_create("snapshot", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd >= 0 && sl_compile_job_run(&c->job, fd, &c->stats) == SL_OK)
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

/* The policy of one block list. Threads may judge by it. */
static inline struct sl_policy *compiled_policy(const char *text, uint64_t generation)
{
	struct compiled *c = (struct compiled *)calloc(1, sizeof(*c));
	struct sl_policy *policy = NULL;
	const char *why;
	c->text[0] = text;
	compiled_prepare(c);
	c->job.generation = generation;
	int fd = compiled_fd(c);
	if (fd >= 0) {
		(void)sl_snapshot_file_map(fd, SL_SNAPSHOT_JUDGE, &why, &policy);
		(void)close(fd);
	}
	free(c);
	return policy;
}

#endif
