/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list_reader.h - what the readers of the formats share. Private to policy/.
 * list.c walks the lines; a format's reader gets one line that is neither blank nor a comment and emits or refuses. */
#ifndef SL_POLICY_LIST_READER_H
#define SL_POLICY_LIST_READER_H

#include "policy/list.h"

struct sl_list_reader {
	const struct sl_list_cfg *cfg;
	int (*entry)(void *ctx, const struct sl_list_entry *e);
	void *ctx;
	const struct sl_diag *diag;
	struct sl_list_stats *stats;
	bool refused;         /* the line at hand was refused: counted and told once */
	struct sl_bytes sink; /* hosts: the address that was last found to be one that blocks */
	struct sl_url url;    /* urls: room for the line at hand */
};

/* One a format. Returns SL_OK or what entry() answered. */
int sl_list_line_domains(struct sl_list_reader *r, struct sl_bytes line);
int sl_list_line_hosts(struct sl_list_reader *r, struct sl_bytes line);
int sl_list_line_urls(struct sl_list_reader *r, struct sl_bytes line);

int sl_list_emit(struct sl_list_reader *r, const struct sl_host *host, enum sl_scope scope);
/* Counts the line; tells the first few. */
void sl_list_refuse(struct sl_list_reader *r, struct sl_bytes what, const char *why);

/* The next word of a line, and the line behind it; absent at its end. */
struct sl_bytes sl_list_word(struct sl_bytes *line);
/* Trimmed, without an inline comment: "#" counts only behind a blank, as it has other uses in URLs and element rules. */
struct sl_bytes sl_list_body(struct sl_bytes line);
static inline bool sl_list_is_comment(struct sl_bytes body)
{
	return body.p[0] == '#' || body.p[0] == '!';
}

/* A host as lists write it: stricter than on a wire, so that rules of other formats are not taken for names.
 * NULL, or why not. */
const char *sl_list_host(struct sl_bytes text, struct sl_host *out);
/* Takes "*." or a leading "." off the head. *below: only what is below the rest is meant. NULL, or why not. */
const char *sl_list_wildcard(const struct sl_list_reader *r, struct sl_bytes *text, bool *below);
/* "192.0.2.0/24": a prefix of addresses, which no reader takes. */
bool sl_list_is_prefix(struct sl_bytes text);

/* list_detect.c: the format of a text by its first lines; SL_EMALF, told to diag, where it is none that is read. */
int sl_list_detect(const struct sl_list_cfg *cfg, struct sl_bytes text, const struct sl_diag *diag,
                   enum sl_list_format *out);
/* Is it a list at all, whatever its format? SL_EMALF, told to diag, for HTML, archives and other binary files. */
int sl_list_is_text(const struct sl_list_cfg *cfg, struct sl_bytes text, const struct sl_diag *diag);

#endif
