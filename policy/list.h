/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list.h - readers of list files, one per format, all feeding the same sink (policy-resolution lines 1 and 2).
 * They stream: text comes in pieces, entries go out, and no more than a line and the head of the text is held. */
#ifndef SL_POLICY_LIST_H
#define SL_POLICY_LIST_H

#include "base/bytes.h"
#include "base/diag.h"
#include "base/err.h"
#include "policy/address.h"
#include "policy/url.h"

enum sl_list_format {
#define SL_FORMAT(name, word, reader) SL_FORMAT_##name,
#include "policy/list_format.def"
#undef SL_FORMAT
	SL_FORMAT_COUNT
};

/* What an entry asks for; an exception takes back what its own category blocks (policy-resolution line 3). */
enum sl_effect { SL_EFFECT_BLOCK, SL_EFFECT_EXCEPT };

/* Where an entry counts (policy-resolution line 1). */
enum sl_scope {
	SL_SCOPE_EXACT,   /* this host */
	SL_SCOPE_BELOW,   /* strict subdomains */
	SL_SCOPE_TREE,    /* both */
	SL_SCOPE_PATH,    /* host tree and path prefix at a segment boundary; clear-text HTTP only */
	SL_SCOPE_ADDRESS, /* destination addresses; no host */
};

struct sl_list_entry {
	const struct sl_host *host; /* NULL for SL_SCOPE_ADDRESS */
	uint16_t port;              /* 0 = any */
	struct sl_bytes path;       /* SL_SCOPE_PATH: canonical, starts with "/", without final slash */
	enum sl_scope scope;
	uint32_t line;
	enum sl_effect effect;
	bool important;          /* policy-resolution line 6e */
	struct sl_prefix prefix; /* SL_SCOPE_ADDRESS only */
	struct sl_bytes url; /* formats urls and apple: as the list has it, for NE's keys; absent elsewhere */
};

/* Why a line was refused: list_refused.def. */
enum sl_list_refused {
#define SL_REFUSED(name, kind, sentence) SL_REFUSED_##name,
#include "policy/list_refused.def"
#undef SL_REFUSED
	SL_REFUSED_COUNT
};

struct sl_list_stats {
	uint32_t lines, entries, comments; /* comments: and lines that only give the file its form */
	uint32_t refused;                  /* lines that could not be read, or not be kept without widening */
	uint32_t errors;                   /* of these, the ones that could not be read */
	uint32_t exceptions_lost;          /* of these, the ones that would have taken something back */
	uint32_t by_reason[SL_REFUSED_COUNT];
	uint32_t first_line[SL_REFUSED_COUNT]; /* the first line refused for this reason; 0: none */
	enum sl_list_format format;            /* that was named or found */
};

struct sl_list_cfg {
	const char *file; /* for messages */
	enum sl_list_format format;
	bool wildcard_below; /* `*.x` of domain, wildcard and URL lists means strict subdomains only */
	bool hosts_tree;     /* names of hosts files, RPZ and local-data count with their subdomains */
	uint32_t
	        max_refused_percent; /* more lines than these that cannot be read refuse the list: SL_EMALF */
};

struct sl_list_reader; /* opaque; one thread */

/* cfg is copied, its file borrowed. entry() is called once an entry, in order of lines; another answer than SL_OK ends
 * the reading with that answer; what it is given lives during the call. The first refused lines are told to diag, with
 * line and reason, and the rest by reason.
 * SL_FORMAT_AUTO looks at the first lines: no entry comes before the head of the text is there (256 KiB) or its end.
 * Tolerates CRLF, a BOM, comments, blank lines, upper case, IDN. How the text is cut into pieces changes nothing.
 * Returns SL_OK, SL_EINVAL, SL_ENOMEM. */
int sl_list_reader_new(const struct sl_list_cfg *cfg, int (*entry)(void *ctx, const struct sl_list_entry *e),
                       void *ctx, const struct sl_diag *diag, struct sl_list_reader **out);
/* The next piece. SL_EMALF: it is no list (HTML, binary); what entry() was given before does not count. The first failure
 * sticks. */
int sl_list_reader_feed(struct sl_list_reader *r, struct sl_bytes piece);
/* The text is over; feed no more. SL_EMALF also where too much was refused, or something was and nothing is left.
 * stats is always set. */
int sl_list_reader_end(struct sl_list_reader *r, struct sl_list_stats *stats);
void sl_list_reader_free(struct sl_list_reader **r);

/* All of this with a text in memory. */
int sl_list_read(const struct sl_list_cfg *cfg, struct sl_bytes text,
                 int (*entry)(void *ctx, const struct sl_list_entry *e), void *ctx,
                 const struct sl_diag *diag, struct sl_list_stats *stats);

/* Static text; "unknown" beyond the last. */
const char *sl_list_format_name(enum sl_list_format format);
const char *sl_list_refused_name(enum sl_list_refused why);
const char *sl_list_refused_text(enum sl_list_refused why);
bool sl_list_refused_error(enum sl_list_refused why); /* could not be read, as against not be kept */

#endif
