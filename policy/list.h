/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list.h - readers of list files, one per format, all feeding the same sink (policy-resolution lines 1 and 2). */
#ifndef SL_POLICY_LIST_H
#define SL_POLICY_LIST_H

#include "base/bytes.h"
#include "base/diag.h"
#include "base/err.h"
#include "policy/address.h"
#include "policy/url.h"

enum sl_list_format { SL_FORMAT_AUTO, SL_FORMAT_DOMAINS, SL_FORMAT_HOSTS, SL_FORMAT_URLS };

/* Where an entry counts (policy-resolution line 1). */
enum sl_scope {
	SL_SCOPE_EXACT,   /* this host */
	SL_SCOPE_BELOW,   /* strict subdomains */
	SL_SCOPE_TREE,    /* both */
	SL_SCOPE_PATH,    /* host tree and path prefix at a segment boundary; clear-text HTTP only */
	SL_SCOPE_ADDRESS, /* a destination address, or a prefix of some */
};

enum sl_effect { SL_EFFECT_BLOCK, SL_EFFECT_EXCEPT };

struct sl_list_entry {
	const struct sl_host *host; /* NULL: SL_SCOPE_ADDRESS */
	uint16_t port;              /* 0 = any */
	struct sl_bytes path;       /* SL_SCOPE_PATH: canonical, starts with "/" */
	enum sl_scope scope;
	uint32_t line;
	enum sl_effect effect;
	bool important;
	struct sl_prefix prefix; /* SL_SCOPE_ADDRESS */
};

struct sl_list_stats {
	uint32_t lines, entries, comments;
	uint32_t refused; /* lines that could not be kept without widening, or not be read */
};

struct sl_list_cfg {
	const char *file; /* for messages */
	enum sl_list_format format;
	bool wildcard_below;          /* `*.x` means strict subdomains only */
	bool hosts_tree;              /* names of a hosts file count with their subdomains */
	uint32_t max_refused_percent; /* beyond it the list is refused: SL_EMALF */
};

/* Reads a whole file from memory. entry() is called once an entry, in order of lines; another answer than SL_OK ends
 * the reading with that answer. The first refused lines are told to diag, with line and reason.
 * SL_FORMAT_AUTO looks at the first lines. Tolerates CRLF, a BOM, comments (# and !), blank lines, upper case, IDN.
 * Returns SL_OK; SL_EMALF when too much was refused, or when it is no list at all (HTML, binary). stats is always set. */
int sl_list_read(const struct sl_list_cfg *cfg, struct sl_bytes text,
                 int (*entry)(void *ctx, const struct sl_list_entry *e), void *ctx,
                 const struct sl_diag *diag, struct sl_list_stats *stats);

const char *sl_list_format_name(enum sl_list_format format);

#endif
