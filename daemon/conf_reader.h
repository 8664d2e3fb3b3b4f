/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf_reader.h - what the readers of the configuration's sections share. */
#ifndef SL_DAEMON_CONF_READER_H
#define SL_DAEMON_CONF_READER_H

#include "daemon/conf.h"
#include "daemon/conf_error.h"
#include "daemon/conf_opt.h"
#include "daemon/conf_yaml.h"

struct sl_conf_reader {
	struct sl_conf *conf;
	struct sl_conf_errors errors;
	char *folder;     /* of the file; where relative paths begin */
	unsigned clients; /* of all groups so far */
	bool nomem;
};

/* "KEY: found a sequence, expected WHAT". Silent where the node's error is told already. */
void sl_conf_reader_refuse(struct sl_conf_reader *r, const struct sl_yaml_node *node, const char *key,
                           const char *expected, const char *why);
/* Reads node into base + opt->offset, or tells what is wrong. key is what messages call it. */
void sl_conf_reader_value(struct sl_conf_reader *r, const struct sl_yaml_node *node, const char *key,
                          const struct sl_conf_opt *opt, void *base);

/* conf_lists.c: `lists` and `never_block`; and what can be said only when both are read: their order, names, number. */
void sl_conf_lists_read(struct sl_conf_reader *r, const struct sl_yaml_node *node);
void sl_conf_never_read(struct sl_conf_reader *r, const struct sl_yaml_node *node);
void sl_conf_lists_finish(struct sl_conf_reader *r);

/* conf_metrics.c: where metrics are served. line: of the key. */
void sl_conf_metrics_check(struct sl_conf_reader *r, unsigned line);
/* conf_groups.c: `groups`; and what can be said only when the lists are read, too: which of them there are. */
void sl_conf_groups_read(struct sl_conf_reader *r, const struct sl_yaml_node *node);
void sl_conf_groups_finish(struct sl_conf_reader *r);

/* conf_source.c: where a list comes from and how it is known to be the right one. What is wrong with it is told. */
void sl_conf_source_check(struct sl_conf_reader *r, const struct sl_conf_list *l);
/* The file of a list with url, below state, by the list's name. */
void sl_conf_source_place(struct sl_conf_reader *r, struct sl_conf_list *l);

#endif
