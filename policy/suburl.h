/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suburl.h - what Apple's NEURLFilter looks up for a URL: its sub-URLs (NE-URL-30..39, NE-CHOICE-30..39), and the form in
 * which an entry can be found by them (NE-CHOICE-37). For the NE URL provider, replay, `check --profile` and export; the
 * gateway's own keys are those of keys.h.
 *
 * A sub-URL is a head (host, with or without port) and a tail (path, query, fragment). All heads go with the same tails,
 * and a tail is an earlier one and some more bytes: so a hash that runs along bytes (FNV-1a, MurmurHash3) takes each head
 * once and, behind it, the bytes of the URL about once for all tails.
 * Host in canonical form (host.h), IPv6 in brackets; path, query and fragment as they are (NE-CHOICE-31, -33); userinfo
 * dropped, an empty query or fragment is none (NE-CHOICE-34, -38). Pure, no allocation for ASCII hosts, any thread. */
#ifndef SL_POLICY_SUBURL_H
#define SL_POLICY_SUBURL_H

#include "policy/suburl_regex.h"
#include "policy/url.h"

enum sl_suburl_profile {                     /* bits */
	                 SL_SUBURL_NE26 = 1, /* NE-URL-31 */
	                 SL_SUBURL_NE27 = 2, /* NE-URL-32 */
	                 SL_SUBURL_BOTH = 3, /* the union, no key twice */
};

enum {
	SL_SUBURL_LABELS = 127,
	SL_SUBURL_HEADS = 2 * SL_SUBURL_LABELS,
	SL_SUBURL_SEGMENTS = 62,
	SL_SUBURL_TAILS = 2 + 2 * SL_SUBURL_SEGMENTS + 6, /* root; segments; query and fragment */
	SL_SUBURL_QUERY_MAX =
	        2048, /* bytes of a query that is written anew, or of what a regular expression makes */
	SL_SUBURL_NONE = 255,
};

/* ParsingConfiguration (NE-URL-37); a profile ne27 thing. An excluded component that was there becomes "%*" (NE-URL-38).
 * Where a hierarchy is not enumerated, only its longest member is a key: one host; the full path with all behind it. */
struct sl_suburl_parsing {
	const struct sl_suburl_regex *regex; /* NULL: none. Else nothing below counts (NE-URL-39); borrowed */
	bool exclude_scheme;
	struct {
		bool excluded, strip_www, hierarchy;
		unsigned levels; /* labels, counted from the right; 0: all */
	} domain;
	struct {
		bool excluded, hierarchy;
		unsigned segments; /* from the left; 0: all */
	} path;
	struct {
		bool excluded;
		const struct sl_bytes *parameters; /* names to keep, in this order; NULL: all, as they are */
		size_t n_parameters;
	} query;
	bool fragment_excluded;
};

/* What Apple documents as defaults; without scheme, as an entry has none (NE-URL-30). */
extern const struct sl_suburl_parsing sl_suburl_parsing_default;

struct sl_suburl_head {
	struct sl_bytes host, port; /* port: ":443", or empty */
	uint8_t profiles;
};

struct sl_suburl_tail {
	struct sl_bytes more; /* what comes behind the bytes of base */
	uint8_t base;         /* index of an earlier tail, or SL_SUBURL_NONE */
	uint8_t profiles;     /* 0: only a step towards others */
};

/* (head, tail) is a sub-URL where sl_suburl_is_key(). Views lie in here and in the text that was read: do not copy. */
struct sl_suburls {
	struct sl_bytes scheme; /* "https://" in front of every head; empty unless asked for */
	uint16_t n_heads, n_tails;
	bool made; /* by a regular expression: a tail alone, behind no head; or none where it does not match */
	bool deep; /* the path has more than SL_SUBURL_SEGMENTS segments: the rest, query and fragment are no keys */
	struct sl_suburl_head head[SL_SUBURL_HEADS];
	struct sl_suburl_tail tail[SL_SUBURL_TAILS];
	struct sl_host host;
	char port[8], literal[SL_HOST_MAX + 3], prefix[16], query[SL_SUBURL_QUERY_MAX];
};

/* in: a URL with or without scheme; without, or with an unknown one, the effective port is 443. parsing NULL: none.
 * SL_OK; SL_EMALF where there is no valid host; SL_EINVAL where parsing goes with another profile than ne27; SL_ELIMIT
 * where a query that has to be written anew is too long, and as sl_suburl_regex_text(); SL_ENOMEM, with a regular expression
 * only. in must outlive out. */
int sl_suburls_of(struct sl_bytes in, enum sl_suburl_profile profile, const struct sl_suburl_parsing *parsing,
                  struct sl_suburls *out);

static inline bool sl_suburl_is_key(const struct sl_suburls *s, unsigned head, unsigned tail)
{
	return (s->head[head].profiles & s->tail[tail].profiles) != 0;
}

/* How many sub-URLs there are. */
uint32_t sl_suburls_count(const struct sl_suburls *s);
/* Writes one, without NUL, as far as it fits; returns its length. */
size_t sl_suburl_write(const struct sl_suburls *s, unsigned head, unsigned tail, char *out, size_t cap);
/* Writes what stands behind its head. False, and *len is 0, where it does not fit. */
bool sl_suburl_tail_write(const struct sl_suburls *s, unsigned tail, char *out, size_t cap, size_t *len);

/* ---- entries ---- */

enum sl_suburl_www { SL_WWW_STRIP, SL_WWW_KEEP, SL_WWW_BOTH }; /* NE-CHOICE-37 */

/* Why an entry may never be found, or not where its author thinks (NE-CHOICE-33): bits of a mask. */
enum {
	SL_LINT_WWW = 1,     /* starts with www.: ne27 never asks for it (NE-URL-33) */
	SL_LINT_ESCAPE = 2,  /* an escape of a character that needs none, or in lower case */
	SL_LINT_DOTS = 4,    /* dot segments: no client sends them */
	SL_LINT_SLASHES = 8, /* empty segments */
	SL_LINT_BYTES = 16,  /* bytes that a client would write as escapes */
	SL_LINT_END = 32,    /* a slash behind query or fragment: ne26 only */
	SL_LINT_LABEL = 64,  /* one label: found for that host only, never for what is below it */
	SL_LINT_DEEP = 128,  /* more than SL_SUBURL_SEGMENTS segments: never found here */
};

struct sl_suburl_entry {
	struct sl_host host;
	uint16_t port;        /* 0: none, or the one that its scheme implies */
	struct sl_bytes tail; /* path and query as they are; empty for a bare host. Borrowed from the text */
	struct sl_bytes fragment; /* with its "#"; likewise */
	uint8_t lint;
	bool www; /* there is a form without www. */
};

/* The canonical form: no scheme, no userinfo, no final slash on a bare host. SL_OK, or SL_EMALF: no valid host. */
int sl_suburl_entry_read(struct sl_bytes in, struct sl_suburl_entry *out);
/* How many forms the knob gives: 1 or 2; and the i-th of them, the one without www. first. Writes no NUL, as far as it
 * fits; returns its length. */
unsigned sl_suburl_entry_forms(const struct sl_suburl_entry *e, enum sl_suburl_www www);
size_t sl_suburl_entry_write(const struct sl_suburl_entry *e, enum sl_suburl_www www, unsigned i, char *out,
                             size_t cap);

#endif
