/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "base/out.h"
#include "daemon/conf_reader.h"
#include "daemon/minisign.h"
#include "policy/url.h"

static bool is_hex(const char *text)
{
	return strlen(text) == 64 && strspn(text, "0123456789abcdefABCDEF") == 64;
}

/* Spaces and control characters would end the request line or the header. */
static bool is_plain(struct sl_bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] <= ' ' || text.p[i] >= 0x7f)
			return false;
	return true;
}

static bool is_url(const char *text)
{
	struct sl_url_parts parts;
	struct sl_bytes url = sl_bytes_str(text);
	return is_plain(url) && sl_url_split(url, &parts) == SL_OK &&
	       (sl_bytes_equal_nocase(parts.scheme, SL_BYTES_LIT("http")) ||
	        sl_bytes_equal_nocase(parts.scheme, SL_BYTES_LIT("https")));
}

void sl_conf_source_check(struct sl_conf_reader *r, const struct sl_conf_list *l)
{
	char shown[SL_CONF_SHOWN_MAX];
	struct sl_minisign_key key;
	if (l->url != NULL && l->file != NULL)
		sl_conf_error(&r->errors, l->at, "lists: found \"file\" and \"url\", expected one of them");
	if (l->url != NULL && !is_url(l->url))
		sl_conf_error(
		        &r->errors, l->at,
		        "lists: url: found %s, expected an address that begins with https:// or http://",
		        sl_conf_shown(l->url, shown));
	if (l->sha256 != NULL && !is_hex(l->sha256))
		sl_conf_error(&r->errors, l->at, "lists: sha256: found %s, expected 64 hexadecimal digits",
		              sl_conf_shown(l->sha256, shown));
	if (l->sign_key != NULL && sl_minisign_key_read(l->sign_key, &key) != SL_OK)
		sl_conf_error(
		        &r->errors, l->at,
		        "lists: sign_key: found %s, expected a public key as minisign prints it (RW...)",
		        sl_conf_shown(l->sign_key, shown));
}

/* A name may have any characters, a slash too; a file's name gets the harmless ones and %XX for the rest. */
void sl_conf_source_place(struct sl_conf_reader *r, struct sl_conf_list *l)
{
	size_t cap = strlen(r->conf->state) + sizeof("/lists/.list") + 3 * strlen(l->name);
	struct sl_out o = sl_out_of(malloc(cap), cap);
	if (o.p == NULL) {
		r->nomem = true;
		return;
	}
	if (r->conf->state[0] == '\0')
		sl_conf_error(&r->errors, l->at,
		              "lists: url: found no folder \"state\", expected one in which what is fetched "
		              "is kept");
	sl_out_fmt(&o, "%s/lists/", r->conf->state);
	for (const char *p = l->name; *p != '\0'; p++) {
		bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		             (*p >= '0' && *p <= '9') || *p == '-' || *p == '_';
		sl_out_fmt(&o, plain ? "%c" : "%%%02X", (unsigned char)*p);
	}
	sl_out_str(&o, ".list");
	sl_out_u8(&o, '\0');
	free(l->file);
	l->file = (char *)o.p;
}

bool sl_conf_has_urls(const struct sl_conf *conf)
{
	for (size_t i = 0; i < conf->lists; i++)
		if (conf->list[i].url != NULL)
			return true;
	return false;
}
