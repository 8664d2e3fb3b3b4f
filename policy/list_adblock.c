/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list_adblock.c - of adblock rules those that are about a host, or about a host and a path: `||x^`, `@@||x^` and what means
 * the same or less. Kept is only what the rule matches too (policy-resolution line 2): a rule about some requests of a
 * host, or about a piece of an address, is refused. What becomes of each option is in list_adblock.def.
 *
 *   ||x^  ||x/  ||x^*     tree of x (line 2)
 *   ||x                   tree of x; that it also matches names that begin with x is lost
 *   x  x^                 the same: what holds "x" anywhere is more than the tree of x. With two labels or more, as "ads^"
 *                         is a piece of a path in most lists
 *   ||*.x^  *.x^  .x^     below x
 *   ||x:8080^             tree of x, on that port
 *   ||x/p  ||x/p^         path: a prefix that ends inside a segment is lost. On any port, as only clear-text HTTP has paths */
#include "base/util.h"
#include "policy/list_reader.h"

enum { KEEP = -1, IMPORTANT = -2 }; /* beside enum sl_list_refused */

static const struct option {
	struct sl_bytes word;
	int what;
} options[] = {
#define OPTION_TYPE            SL_REFUSED_OPTION_TYPE
#define OPTION_PARTY           SL_REFUSED_OPTION_PARTY
#define OPTION_SITE            SL_REFUSED_OPTION_SITE
#define OPTION_CHANGE          SL_REFUSED_OPTION_CHANGE
#define BADFILTER              SL_REFUSED_BADFILTER
#define SL_ADBLOCK(word, what) { SL_BYTES_LIT(word), what },
#include "policy/list_adblock.def"
#undef SL_ADBLOCK
#undef OPTION_TYPE
#undef OPTION_PARTY
#undef OPTION_SITE
#undef OPTION_CHANGE
#undef BADFILTER
};

struct rule {
	struct sl_bytes pattern, options;
	bool except, important;
	bool tied;  /* "||": the pattern begins with a host */
	bool below; /* "*." or "." in front of it */
	bool has_options;
};

static bool take(struct sl_bytes *text, const char *head)
{
	struct sl_bytes want = sl_bytes_str(head);
	if (!sl_bytes_equal(sl_bytes_first(*text, want.len), want))
		return false;
	*text = sl_bytes_skip(*text, want.len);
	return true;
}

static bool has(struct sl_bytes text, uint8_t c)
{
	return sl_bytes_find(text, c) < text.len;
}

/* "##", "#@#", "#?#", "#$#", "#%#" and their mixtures; "$$" and "$@$" (AdGuard). */
static bool is_page_rule(struct sl_bytes line)
{
	if (!has(line, '#') && !has(line, '$'))
		return false;
	for (size_t at = 0; at + 1 < line.len; at++) {
		if (line.p[at] != '#' && line.p[at] != '$')
			continue;
		size_t end = at + 1;
		while (end < line.len && strchr("@?$%", line.p[end]) != NULL && line.p[at] == '#')
			end++;
		if (line.p[at] == '$' && line.p[end] == '@')
			end++;
		if (end < line.len && line.p[end] == line.p[at])
			return true;
	}
	return false;
}

/* "!#if" begins what counts under a condition, "!#endif" ends it; both only give the file its form. */
static int read_directive(struct sl_list_reader *r, struct sl_bytes line)
{
	struct sl_bytes rest = line;
	if (take(&rest, "!#include"))
		return sl_list_refuse(r, line, SL_REFUSED_INCLUDE);
	if (take(&rest, "!#if"))
		r->conditions++;
	else if (take(&rest, "!#endif") && r->conditions > 0)
		r->conditions--;
	r->stats.comments++;
	return SL_OK;
}

static int find_option(struct sl_bytes word)
{
	for (size_t i = 0; i < SL_COUNT(options); i++)
		if (sl_bytes_equal_nocase(options[i].word, word))
			return options[i].what;
	return SL_REFUSED_OPTION_UNKNOWN;
}

static int read_option(struct rule *rule, struct sl_bytes text)
{
	bool not = take(&text, "~");
	size_t equals = sl_bytes_find(text, '=');
	int what = find_option(sl_bytes_first(text, equals));
	if ((what == KEEP || what == IMPORTANT) && (not || equals < text.len))
		return SL_REFUSED_OPTION_UNKNOWN;
	if (what == IMPORTANT)
		rule->important = true;
	return what == IMPORTANT ? KEEP : what;
}

static int read_options(struct rule *rule)
{
	struct sl_bytes rest = rule->options;
	int why = KEEP;
	for (bool more = rule->has_options; more && why == KEEP;) {
		size_t comma = sl_bytes_find(rest, ',');
		more = comma < rest.len;
		why = read_option(rule, sl_bytes_trim(sl_bytes_first(rest, comma)));
		rest = sl_bytes_skip(rest, comma + 1);
	}
	return why;
}

/* The host at the head of a pattern, and what follows it. */
static struct sl_bytes take_host(struct sl_bytes *pattern)
{
	size_t n = 0;
	while (n < pattern->len && strchr("/^*|?", pattern->p[n]) == NULL)
		n++;
	struct sl_bytes host = sl_bytes_first(*pattern, n);
	*pattern = sl_bytes_skip(*pattern, n);
	return host;
}

static bool is_one_of(struct sl_bytes text, const char *const *words)
{
	for (; *words != NULL; words++)
		if (sl_bytes_equal(text, sl_bytes_str(*words)))
			return true;
	return false;
}

/* What stands behind a host, where it is a path: without the separator or star at its end. */
static int read_path(struct sl_list_reader *r, const struct rule *rule, struct sl_bytes path,
                     struct sl_list_entry *e)
{
	uint16_t len = 0;
	if (path.len > 1 && (path.p[path.len - 1] == '^' || path.p[path.len - 1] == '*'))
		path.len--;
	if (has(path, '|'))
		return SL_REFUSED_ANCHOR;
	if (!rule->tied || path.p[0] != '/' || has(path, '*') || has(path, '^'))
		return SL_REFUSED_PATTERN;
	if (path.p[path.len - 1] == '/')
		return SL_REFUSED_PATH_SLASH;
	if (rule->below)
		return SL_REFUSED_PATH_BELOW;
	if (path.len > SL_PATH_MAX)
		return SL_REFUSED_URL_LONG;
	sl_path_canon(path, r->url.path, &len);
	if (!sl_bytes_equal(path, sl_bytes_of(r->url.path, len)))
		return SL_REFUSED_PATH_FORM;
	e->path = sl_bytes_of(r->url.path, len);
	e->scope = SL_SCOPE_PATH;
	return SL_LIST_FINE;
}

/* A host, and a port where there is one, into r->url. */
static int canon_host(struct sl_list_reader *r, struct sl_bytes host)
{
	r->url.port = 0;
	if (SL_LIKELY(!has(host, ':')))
		return sl_list_host(host, &r->url.host);
	if (sl_url_canon(host, &r->url) != SL_OK || r->url.has_path)
		return SL_REFUSED_HOST;
	return sl_list_plain_host(&r->url.host);
}

/* A host of a pattern. Names that end in a dot, or have one label only, are pieces of addresses more often than names. */
static int read_host(struct sl_list_reader *r, const struct rule *rule, struct sl_bytes host, bool ended)
{
	if (host.len == 0 || host.p[host.len - 1] == '.' || has(host, '@') || has(host, '='))
		return SL_REFUSED_PATTERN;
	if ((!rule->tied || !ended) && !has(host, '.'))
		return SL_REFUSED_PATTERN;
	int why = canon_host(r, host);
	if (why != SL_LIST_FINE)
		return rule->tied ? why : SL_REFUSED_PATTERN;
	return rule->below && r->url.host.address ? SL_REFUSED_BELOW_ADDRESS : SL_LIST_FINE;
}

/* Anchors, stars and separators alone, or nothing: such a line is what is left of one that was damaged. */
static bool matches_all(struct sl_bytes pattern)
{
	for (size_t i = 0; i < pattern.len; i++)
		if (strchr("|*^.", pattern.p[i]) == NULL)
			return false;
	return true;
}

static int read_pattern(struct sl_list_reader *r, struct rule *rule, struct sl_list_entry *e)
{
	static const char *const ends[] = { "^", "^*", "/", "/*", "", NULL };
	struct sl_bytes rest = rule->pattern;
	if (matches_all(rest))
		return SL_REFUSED_EVERY;
	rule->tied = take(&rest, "||");
	if (!rule->tied && rest.len > 0 && rest.p[0] == '|')
		return SL_REFUSED_ANCHOR;
	rule->below = take(&rest, "*.") || (!rule->tied && take(&rest, "."));
	struct sl_bytes host = take_host(&rest);
	bool whole = is_one_of(rest, ends);
	int why = read_host(r, rule, host, rest.len > 0);
	*e = (struct sl_list_entry){ .host = &r->url.host, .port = r->url.port };
	e->scope = rule->below ? SL_SCOPE_BELOW : SL_SCOPE_TREE;
	return why == SL_LIST_FINE && !whole ? read_path(r, rule, rest, e) : why;
}

static bool is_regex(struct sl_bytes pattern)
{
	return pattern.len > 2 && pattern.p[0] == '/' && pattern.p[pattern.len - 1] == '/';
}

static int read_rule(struct sl_list_reader *r, struct rule *rule, struct sl_list_entry *e)
{
	size_t dollar = sl_bytes_find(rule->pattern, '$');
	rule->has_options = dollar < rule->pattern.len;
	rule->options = sl_bytes_skip(rule->pattern, dollar + 1);
	rule->pattern = sl_bytes_first(rule->pattern, dollar);
	if (rule->pattern.len > 1 && rule->pattern.p[0] == '/' && has(sl_bytes_skip(rule->pattern, 1), '\\'))
		return SL_REFUSED_REGEX;
	int why = read_options(rule);
	if (why != KEEP)
		return why;
	if (is_regex(rule->pattern))
		return SL_REFUSED_REGEX;
	if (has(rule->pattern, ' '))
		return SL_REFUSED_ADBLOCK_FORM;
	why = read_pattern(r, rule, e);
	if (why == SL_LIST_FINE) {
		e->effect = rule->except ? SL_EFFECT_EXCEPT : SL_EFFECT_BLOCK;
		e->important = rule->important;
		sl_list_aim(e);
	}
	return why;
}

/* Does what is refused leave something blocked that the list would have freed? */
static bool frees(const struct rule *rule, int why)
{
	return rule->except && why != SL_REFUSED_OPTION_CHANGE && why != SL_REFUSED_BADFILTER;
}

int sl_list_line_adblock(struct sl_list_reader *r, struct sl_bytes line)
{
	struct sl_list_entry e;
	struct rule rule = { .important = false };
	line = sl_bytes_trim(line);
	if (line.len == 0)
		return SL_OK;
	if (line.p[0] == '!' && line.len > 1 && line.p[1] == '#')
		return read_directive(r, line);
	bool header = line.p[0] == '[' && line.p[line.len - 1] == ']';
	bool note = line.p[0] == '#' && (line.len == 1 || line.p[1] == ' ');
	if (line.p[0] == '!' || header || note) {
		r->stats.comments++;
		return SL_OK;
	}
	if (r->conditions > 0)
		return sl_list_refuse(r, line, SL_REFUSED_CONDITION);
	if (is_page_rule(line))
		return sl_list_refuse(r, line, SL_REFUSED_PAGE);
	rule.pattern = sl_list_plain(line); /* " # why" behind a rule */
	rule.except = take(&rule.pattern, "@@");
	int why = read_rule(r, &rule, &e);
	if (why == SL_LIST_FINE)
		return sl_list_emit(r, e);
	r->stats.exceptions_lost += frees(&rule, why);
	return sl_list_refuse(r, line, (enum sl_list_refused)why);
}
