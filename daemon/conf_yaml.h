/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf_yaml.h - a YAML 1.1 document as a tree that remembers its lines, so that an error found later can name one.
 * Read with libyaml's events. Of YAML only scalars, sequences and mappings are taken: anchors, aliases, tags and a
 * second document are errors, as no key of ours has a use for them. */
#ifndef SL_DAEMON_CONF_YAML_H
#define SL_DAEMON_CONF_YAML_H

#include "base/bytes.h"
#include "daemon/conf_error.h"

enum sl_yaml_kind {
	SL_YAML_NULL, /* no value: nothing, ~ or null, unquoted */
	SL_YAML_SCALAR,
	SL_YAML_SEQUENCE,
	SL_YAML_MAPPING,
	SL_YAML_BAD, /* its error is told already */
};

enum {
	SL_YAML_BYTES_MAX = 1 << 20,
	SL_YAML_DEPTH_MAX = 8,
	SL_YAML_KEYS_MAX = 256, /* of one mapping */
};

struct sl_yaml_node {
	enum sl_yaml_kind kind;
	unsigned line;              /* counted from 1 */
	char *key;                  /* of a mapping's child; NULL elsewhere */
	unsigned key_line;          /* of the key */
	char *text;                 /* of a scalar: UTF-8 without control characters; NULL elsewhere */
	struct sl_yaml_node *child; /* first of a sequence or mapping */
	struct sl_yaml_node *next;  /* of the same parent */
};

/* On success *out is the root; NULL where the document is empty. Errors that leave a tree (a key given twice, an alias)
 * are counted in e and do not end the reading.
 * Returns SL_OK, SL_EMALF (told to e), SL_ENOMEM. */
int sl_yaml_read(struct sl_bytes text, struct sl_conf_errors *e, struct sl_yaml_node **out);
void sl_yaml_free(struct sl_yaml_node **root);

#endif
