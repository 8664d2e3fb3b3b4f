/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/conf_lists.h"

#include <assert.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "daemon/compile_lists.h"
#include "daemon/conf_group_value.h"
#include "daemon/conf_reader.h"
#include "daemon/conf_value.h"
#include "policy/url.h"

enum { NAME_CUT = 72 }; /* bytes of a derived name, so that "-64" fits behind it within the key's limit */

static_assert(SL_FORMAT_AUTO == 0 && SL_FORMAT_URLS == 3 && SL_FORMAT_ADBLOCK == 5 && SL_FORMAT_RPZ == 6 &&
                      SL_FORMAT_APPLE == 10 && SL_FORMAT_COUNT == 11,
              "the words of conf_list.def stand in the order of the enum");

static const struct sl_conf_opt *find_opt(const char *name)
{
	const struct sl_conf_opt *opt;
	for (size_t i = 0; (opt = sl_conf_list_opt_at(i)) != NULL; i++)
		if (strcmp(opt->name, name) == 0)
			return opt;
	return NULL;
}

/* Room for one more list; NULL where there is none, which is told. */
static struct sl_conf_list *add_list(struct sl_conf_reader *r, unsigned line)
{
	struct sl_conf *c = r->conf;
	if (c->list == NULL)
		c->list = calloc(SL_CONF_LISTS_MAX, sizeof(*c->list));
	if (c->list == NULL) {
		r->nomem = true;
		return NULL;
	}
	if (c->lists == SL_CONF_LISTS_MAX) {
		sl_conf_error(&r->errors, line, "more than %d lists", SL_CONF_LISTS_MAX);
		return NULL;
	}
	c->list[c->lists].at = line;
	return &c->list[c->lists++];
}

static void unknown_key(struct sl_conf_reader *r, const struct sl_yaml_node *node)
{
	char shown[SL_CONF_SHOWN_MAX], question[SL_CONF_SHOWN_MAX];
	struct sl_near near = sl_near_to(node->key);
	const struct sl_conf_opt *opt;
	for (size_t i = 0; (opt = sl_conf_list_opt_at(i)) != NULL; i++)
		sl_near_try(&near, sl_bytes_str(opt->name));
	sl_conf_error(&r->errors, node->key_line, "lists: unknown key %s%s", sl_conf_shown(node->key, shown),
	              sl_near_question(&near, "; ", question));
}

static void read_key(struct sl_conf_reader *r, const struct sl_yaml_node *node,
                     struct sl_conf_list_keys *keys)
{
	char label[64];
	const struct sl_conf_opt *opt = find_opt(node->key);
	if (opt == NULL) {
		unknown_key(r, node);
		return;
	}
	(void)snprintf(label, sizeof(label), "lists: %s", opt->name);
	sl_conf_reader_value(r, node, label, opt, keys);
}

static void set_defaults(struct sl_conf_list_keys *keys)
{
	char why[SL_CONF_WHY_MAX];
	const struct sl_conf_opt *opt;
	for (size_t i = 0; (opt = sl_conf_list_opt_at(i)) != NULL; i++)
		if (opt->def[0] != '\0') /* file and name have none */
			(void)sl_conf_value_read(opt, opt->def, "/", (char *)keys + opt->offset, why);
}

static void refuse_same_file(struct sl_conf_reader *r, const struct sl_conf_list *l)
{
	char shown[SL_CONF_SHOWN_MAX];
	for (const struct sl_conf_list *o = r->conf->list; o < l && l->file != NULL; o++) {
		if (o->file == NULL || strcmp(o->file, l->file) != 0)
			continue;
		sl_conf_error(&r->errors, l->at, "the file %s is a list already, in line %u",
		              sl_conf_shown(l->file, shown), o->at);
		return;
	}
}

static void read_list(struct sl_conf_reader *r, const struct sl_yaml_node *node)
{
	unsigned before = r->errors.count;
	struct sl_conf_list_keys keys = { 0 };
	struct sl_conf_list *l = add_list(r, node->line);
	if (l == NULL)
		return;
	set_defaults(&keys);
	for (const struct sl_yaml_node *c = node->child; c != NULL; c = c->next)
		read_key(r, c, &keys);
	if (keys.file == NULL && keys.url == NULL && r->errors.count == before && !r->nomem)
		sl_conf_error(&r->errors, node->line,
		              "lists: the key \"file\" is missing; expected the path of a list, or \"url\"");
	l->file = keys.file;
	l->name = keys.name;
	l->format = (enum sl_list_format)keys.format;
	l->kind = keys.action == 1 ? SL_LIST_ALLOW : SL_LIST_BLOCK;
	l->role = keys.role == 0 ? (l->kind == SL_LIST_ALLOW ? SL_ROLE_ON : SL_ROLE_BLOCK)
	                         : (enum sl_role)(keys.role - 1); /* behind auto */
	if (!sl_role_fits(l->role, l->kind))
		sl_conf_error(&r->errors, node->line, "lists: role: found \"%s\", expected %s",
		              sl_role_name(l->role),
		              l->kind == SL_LIST_ALLOW ? "on or off, as the list allows"
		                                       : "block, shadow or off, as the list blocks");
	l->wildcard_below = keys.wildcard == 1;
	l->subdomains = keys.subdomains;
	l->max_refused = keys.max_refused;
	l->max_unpacked = keys.max_unpacked;
	l->url = keys.url;
	l->sha256 = keys.sha256;
	l->sign_key = keys.sign_key;
	l->update = keys.update;
	l->max_size = keys.max_size;
	l->min_entries = keys.min_entries;
	l->max_growth = keys.max_growth;
	l->max_shrink = keys.max_shrink;
	l->max_newly_blocked = keys.max_newly_blocked;
	l->every_skip = keys.every == 1;
	sl_conf_source_check(r, l);
	refuse_same_file(r, l);
}

void sl_conf_lists_read(struct sl_conf_reader *r, const struct sl_yaml_node *node)
{
	if (node->kind == SL_YAML_NULL)
		return;
	if (node->kind != SL_YAML_SEQUENCE) {
		sl_conf_reader_refuse(r, node, "lists",
		                      "a sequence of lists: \"- file: PATH\" and its other keys", "");
		return;
	}
	for (const struct sl_yaml_node *c = node->child; c != NULL; c = c->next) {
		if (c->kind == SL_YAML_MAPPING)
			read_list(r, c);
		else
			sl_conf_reader_refuse(r, c, "lists", "the keys of a list, such as \"file: PATH\"",
			                      "");
	}
}

static void read_never(struct sl_conf_reader *r, const struct sl_yaml_node *node)
{
	struct sl_conf_list_keys keys = { 0 };
	struct sl_conf_list *l = add_list(r, node->line);
	if (l == NULL)
		return;
	set_defaults(&keys);
	sl_conf_reader_value(r, node, "never_block", find_opt("file"), &keys);
	*l = (struct sl_conf_list){ .file = keys.file,
		                    .format = SL_FORMAT_DOMAINS,
		                    .kind = SL_LIST_NEVER,
		                    .max_refused = keys.max_refused,
		                    .max_unpacked = keys.max_unpacked,
		                    .max_growth = keys.max_growth,
		                    .max_shrink = keys.max_shrink,
		                    .max_newly_blocked = keys.max_newly_blocked,
		                    .at = node->line };
	refuse_same_file(r, l);
}

void sl_conf_never_read(struct sl_conf_reader *r, const struct sl_yaml_node *node)
{
	if (node->kind == SL_YAML_NULL)
		return;
	if (node->kind == SL_YAML_SCALAR)
		read_never(r, node);
	else if (node->kind != SL_YAML_SEQUENCE)
		sl_conf_reader_refuse(r, node, "never_block",
		                      "the path of a domain list, or a sequence of paths", "");
	for (const struct sl_yaml_node *c = node->child; node->kind == SL_YAML_SEQUENCE && c != NULL;
	     c = c->next)
		read_never(r, c);
}

/* Lists first and never-block lists behind them, each in their own order, wherever the file has the two keys. */
static void sort_lists(struct sl_conf *c)
{
	struct sl_conf_list sorted[SL_CONF_LISTS_MAX];
	size_t n = 0;
	for (int never = 0; never < 2; never++)
		for (size_t i = 0; i < c->lists; i++)
			if ((c->list[i].kind == SL_LIST_NEVER) == (never == 1))
				sorted[n++] = c->list[i];
	if (n > 0)
		memcpy(c->list, sorted, n * sizeof(sorted[0]));
}

static const struct sl_conf_list *find_name(const struct sl_conf *c, const char *name, size_t before)
{
	for (size_t i = 0; i < before; i++)
		if (c->list[i].name != NULL && strcmp(c->list[i].name, name) == 0)
			return &c->list[i];
	return NULL;
}

static void refuse_same_names(struct sl_conf_reader *r)
{
	char shown[SL_CONF_SHOWN_MAX];
	for (size_t i = 0; i < r->conf->lists; i++) {
		const struct sl_conf_list *l = &r->conf->list[i], *o;
		o = l->name == NULL ? NULL : find_name(r->conf, l->name, i);
		if (o != NULL)
			sl_conf_error(&r->errors, l->at, "lists: the name %s is taken by the list in line %u",
			              sl_conf_shown(l->name, shown), o->at);
		else if (l->name != NULL &&
		         (strcmp(l->name, SL_POLICY_SHIPPED) == 0 || strcmp(l->name, SL_POLICY_SERVERS) == 0))
			sl_conf_error(
			        &r->errors, l->at,
			        "lists: the name %s is that of the set which sluice ships; expected another",
			        sl_conf_shown(l->name, shown));
	}
}

/* The file's name without folder and extension, of an url without query, too, or its host. */
static struct sl_bytes base_name(const char *place, const struct sl_url_parts *url)
{
	struct sl_bytes base = sl_bytes_str(place);
	if (url != NULL)
		base = sl_bytes_first(url->tail,
		                      sl_min(sl_bytes_find(url->tail, '?'), sl_bytes_find(url->tail, '#')));
	for (size_t slash = sl_bytes_find(base, '/'); slash < base.len; slash = sl_bytes_find(base, '/'))
		base = sl_bytes_skip(base, slash + 1);
	for (size_t dot = base.len; dot > 1; dot--)
		if (base.p[dot - 1] == '.')
			return sl_bytes_first(base, dot - 1);
	return base.len == 0 && url != NULL ? sl_bytes_str(url->host.name) : base;
}

/* "-2" and so on behind it where a list has that name already. */
static char *derive_name(const struct sl_conf *c, const struct sl_conf_list *l)
{
	struct sl_url_parts url;
	bool fetched = l->url != NULL && sl_url_split(sl_bytes_str(l->url), &url) == SL_OK;
	struct sl_bytes all = base_name(l->file, fetched ? &url : NULL), rest = all;
	const char *base = (const char *)all.p;
	char name[NAME_CUT + 32];
	while (rest.len > 0 && all.len - rest.len + sl_max(1, sl_utf8_len(rest)) <= NAME_CUT)
		rest = sl_bytes_skip(rest, sl_max(1, sl_utf8_len(rest)));
	int len = (int)(all.len - rest.len);
	(void)snprintf(name, sizeof(name), "%.*s", len, base);
	for (unsigned n = 2; find_name(c, name, c->lists) != NULL; n++)
		(void)snprintf(name, sizeof(name), "%.*s-%u", len, base, n);
	return strdup(name);
}

void sl_conf_lists_finish(struct sl_conf_reader *r)
{
	struct sl_conf *c = r->conf;
	sort_lists(c);
	refuse_same_names(r);
	if (r->errors.count > 0 || r->nomem)
		return;
	for (size_t i = 0; i < c->lists; i++) {
		struct sl_conf_list *l = &c->list[i];
		if (l->name == NULL)
			l->name = derive_name(c, l);
		r->nomem = r->nomem || l->name == NULL;
		if (l->url != NULL && !r->nomem)
			sl_conf_source_place(r, l);
	}
	if (c->never_block_shipped && c->lists == SL_CONF_LISTS_MAX)
		sl_conf_error(&r->errors, c->list[c->lists - 1].at,
		              "found %d lists, expected at most %d beside the one of never_block_shipped",
		              SL_CONF_LISTS_MAX, SL_CONF_LISTS_MAX - 1);
	else if (c->lists + c->never_block_shipped + sl_conf_has_urls(c) > SL_CONF_LISTS_MAX)
		sl_conf_error(&r->errors, c->list[c->lists - 1].at,
		              "found %zu lists, expected fewer: the servers of url are one more", c->lists);
}
