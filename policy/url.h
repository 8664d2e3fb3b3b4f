/* SPDX-License-Identifier: GPL-2.0-or-later */
/* url.h - URLs split into views (RFC 3986 §3) and brought into the one form that is compared (§6.2). */
#ifndef SL_POLICY_URL_H
#define SL_POLICY_URL_H

#include "policy/host.h"

enum {
	SL_PATH_MAX = 2048
}; /* bytes of a canonical path with query; longer ones are cut at a segment boundary */

struct sl_url {
	struct sl_host host;
	uint16_t port; /* 0 = none named */
	bool has_path; /* a path other than "/" or a query was named */
	bool cut;      /* the path was longer than SL_PATH_MAX and lost its end */
	uint16_t path_len;
	char path[SL_PATH_MAX + 1]; /* starts with "/"; with "?query" where there is one; no fragment */
};

/* A URL cut into its parts, nothing of it changed but the host. Views borrow from the text. */
struct sl_url_parts {
	struct sl_bytes scheme; /* without ":"; absent where there is none */
	struct sl_bytes tail;   /* path, query, fragment */
	struct sl_host host;
	uint16_t port; /* 0 = none named */
};

/* As sl_url_canon(), which goes on from here. */
int sl_url_split(struct sl_bytes in, struct sl_url_parts *out);

/* What a person types or a list holds: with or without scheme, userinfo, port, path, query, fragment.
 * Returns SL_OK, or SL_EMALF when there is no valid host. */
int sl_url_canon(struct sl_bytes in, struct sl_url *out);

/* Path and query of a request target: dot segments removed (§5.2.4), escapes of unreserved characters decoded and the
 * others in upper case (§6.2.2), empty segments merged, the slash before a query (but for the root's) and the fragment
 * dropped. *len gets the length; out is NUL-terminated. A path longer than SL_PATH_MAX loses its end at a segment boundary,
 * and its query goes whole: that can only lose matches of entries that are as long. docs/canonical.md says how this
 * relates to the forms of others. */
void sl_path_canon(struct sl_bytes in, char out[SL_PATH_MAX + 1], uint16_t *len);

#endif
