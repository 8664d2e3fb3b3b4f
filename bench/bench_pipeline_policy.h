/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench_pipeline_policy.h - what sl_pipeline judges by. */
#ifndef SL_BENCH_BENCH_PIPELINE_POLICY_H
#define SL_BENCH_BENCH_PIPELINE_POLICY_H

#include "policy/policy.h"

enum { SL_PIPE_NAMES = 256 };

void sl_pipe_die(const char *what) __attribute__((noreturn));

/* A list of that many names; 0: none at all. And names for clients, copied: such as no entry covers, and entries. */
struct sl_policy *sl_pipe_policy(unsigned names, char *clean[SL_PIPE_NAMES], char *blocked[SL_PIPE_NAMES]);
/* The same lists with groups, clients and exceptions. */
struct sl_policy *sl_pipe_grouped(const struct sl_policy *lists);

#endif
