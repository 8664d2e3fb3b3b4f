/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list_reader.h - what the readers of the formats share. Private to policy/.
 * list.c walks the lines; a format's reader gets one line and emits, refuses, or calls it a comment. */
#ifndef SL_POLICY_LIST_READER_H
#define SL_POLICY_LIST_READER_H

#include "policy/list.h"

enum {
	SL_LIST_LINE_MAX = 1 << 14, /* bytes of a line; longer ones are refused, unless they are comments */
	SL_LIST_HEAD = 1 << 18,     /* bytes that are looked at before the first entry */
};

enum { SL_LIST_NAME_MAX = 255 }; /* bytes of a name in a zone file */

struct sl_list_name {
	uint8_t len;
	uint8_t text[SL_LIST_NAME_MAX];
};

/* Where in a zone file the reader is. */
struct sl_list_zone {
	struct sl_list_name apex;  /* the zone, without the last dot; empty where it is not known */
	struct sl_list_name sub;   /* the origin, relative to it */
	struct sl_list_name owner; /* of the last record, as written */
	unsigned depth;            /* of parentheses */
	bool root;                 /* the origin is the root */
};

struct sl_list_reader {
	struct sl_list_cfg cfg;
	int (*entry)(void *ctx, const struct sl_list_entry *e);
	void *ctx;
	const struct sl_diag *diag;
	struct sl_list_stats stats;
	int (*line)(struct sl_list_reader *r, struct sl_bytes line); /* NULL until the format is known */
	int err;                                                     /* the first failure */
	uint32_t body; /* lines that say something: entries or refused */
	bool refused;  /* the line at hand was refused: counted and told once */

	uint8_t sink_len; /* hosts: the address that was last found to be one that blocks, as written */
	uint8_t sink[SL_ADDRESS_MAX];
	uint32_t conditions;      /* adblock: "!#if" that are open */
	struct sl_list_zone zone; /* rpz */
	struct sl_host redirect;  /* unbound: the last zone that waits for its data */
	struct sl_url url;        /* room for the line at hand */

	uint8_t *head; /* of the text, until the format is known */
	size_t head_cap;
	size_t held; /* bytes of head, then of part */
	bool part_long;
	uint8_t part[SL_LIST_LINE_MAX]; /* a line that came in pieces */
};

/* One a format. line is without its end, not trimmed. Returns SL_OK or what entry() answered. */
int sl_list_line_domains(struct sl_list_reader *r, struct sl_bytes line);
int sl_list_line_hosts(struct sl_list_reader *r, struct sl_bytes line);
int sl_list_line_urls(struct sl_list_reader *r, struct sl_bytes line);
int sl_list_line_apple(struct sl_list_reader *r, struct sl_bytes line);
int sl_list_line_adblock(struct sl_list_reader *r, struct sl_bytes line);
int sl_list_line_rpz(struct sl_list_reader *r, struct sl_bytes line);
int sl_list_line_dnsmasq(struct sl_list_reader *r, struct sl_bytes line);
int sl_list_line_unbound(struct sl_list_reader *r, struct sl_bytes line);
int sl_list_line_addresses(struct sl_list_reader *r, struct sl_bytes line);

/* Hands on an entry; its line is set here. */
int sl_list_emit(struct sl_list_reader *r, struct sl_list_entry e);
/* A block of this host; of this destination where it is an address without port. */
int sl_list_emit_host(struct sl_list_reader *r, const struct sl_host *host, enum sl_scope scope);
/* Makes the entry of an address one of destinations, unless it has a port or a path. */
void sl_list_aim(struct sl_list_entry *e);
/* Counts the line, once; tells the first few. Always SL_OK. */
int sl_list_refuse(struct sl_list_reader *r, struct sl_bytes what, enum sl_list_refused why);

/* The next word of a line, and the line behind it; absent at its end. */
struct sl_bytes sl_list_word(struct sl_bytes *line);
/* Trimmed, without an inline comment: "#" counts only behind a blank, as it has other uses in URLs and element rules.
 * Empty for a comment line ("#", "!"), which is counted, and for a blank one. */
struct sl_bytes sl_list_body(struct sl_list_reader *r, struct sl_bytes line);
/* The same, comment lines included, uncounted. */
struct sl_bytes sl_list_plain(struct sl_bytes line);
static inline bool sl_list_is_comment(struct sl_bytes body)
{
	return body.p[0] == '#' || body.p[0] == '!';
}

/* The helpers below say SL_LIST_FINE or why not. */
enum { SL_LIST_FINE = -1 };
/* A host as lists write it: stricter than on a wire, so that rules of other formats are not taken for names. */
int sl_list_host(struct sl_bytes text, struct sl_host *out);
int sl_list_plain_host(const struct sl_host *host); /* the same of one that is canonical already */
/* Takes "*." or a leading "." off the head. *star: it was there, and *dot: one of the two. */
int sl_list_wildcard(struct sl_bytes *text, bool *star, bool *dot);
/* "192.0.2.0/24", whether its bits are right or not. */
bool sl_list_is_prefix(struct sl_bytes text);
/* An address that leads nowhere, as hosts files have it. */
int sl_list_sink(struct sl_list_reader *r, struct sl_bytes text);
int sl_list_prefix(struct sl_bytes text, struct sl_prefix *out);

/* list_refused.c: tells the totals of what was refused. SL_EMALF, told to diag, where it is too much. */
int sl_list_weigh(const struct sl_list_reader *r);

/* list_detect.c: the format of a text by its first lines; SL_EMALF, told to diag, where it is none that is read. */
int sl_list_detect(const struct sl_list_cfg *cfg, struct sl_bytes text, const struct sl_diag *diag,
                   enum sl_list_format *out);
/* Is it a list at all, whatever its format? SL_EMALF, told to diag, for HTML, archives and other binary files. */
int sl_list_is_text(const struct sl_list_cfg *cfg, struct sl_bytes text, const struct sl_diag *diag);

#endif
