/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/conf_yaml.h"

#include <stdlib.h>
#include <yaml.h>

#include "base/err.h"

struct loader {
	yaml_parser_t parser;
	struct sl_bytes text;
	struct sl_conf_errors *errors;
	int err; /* the first that ends the reading */
};

static void fail(struct loader *l, int err)
{
	if (l->err == SL_OK)
		l->err = err;
}

static unsigned line_of(const yaml_event_t *ev)
{
	return (unsigned)ev->start_mark.line + 1;
}

static bool line_has_tab(struct sl_bytes text, size_t line)
{
	for (; line > 0; line--)
		text = sl_bytes_skip(text, sl_bytes_find(text, '\n') + 1);
	text = sl_bytes_first(text, sl_bytes_find(text, '\n'));
	return sl_bytes_find(text, '\t') < text.len;
}

/* libyaml's own words, which name the place. */
static void tell_syntax(struct loader *l)
{
	const yaml_parser_t *p = &l->parser;
	const char *problem = p->problem == NULL ? "not YAML" : p->problem;
	if (p->error == YAML_READER_ERROR) {
		size_t at = sl_min(p->problem_offset, l->text.len), line = 1;
		for (size_t i = 0; i < at; i++)
			line += l->text.p[i] == '\n';
		sl_conf_error(l->errors, (unsigned)line, "not UTF-8 text: %s", problem);
		return;
	}
	sl_conf_error(l->errors, (unsigned)p->problem_mark.line + 1, "not YAML at column %zu: %s%s%s%s",
	              p->problem_mark.column + 1, p->context == NULL ? "" : p->context,
	              p->context == NULL ? "" : ", ", problem,
	              line_has_tab(l->text, p->problem_mark.line)
	                      ? " (YAML indents with spaces, not with tabs)"
	                      : "");
}

/* False at the end of reading, for whatever cause; else the caller deletes the event. */
static bool next_event(struct loader *l, yaml_event_t *ev)
{
	if (l->err != SL_OK)
		return false;
	if (yaml_parser_parse(&l->parser, ev) == 1)
		return true;
	if (l->parser.error == YAML_MEMORY_ERROR) {
		fail(l, SL_ENOMEM);
	} else {
		tell_syntax(l);
		fail(l, SL_EMALF);
	}
	return false;
}

static struct sl_yaml_node *node_new(struct loader *l, enum sl_yaml_kind kind, unsigned line)
{
	struct sl_yaml_node *n = calloc(1, sizeof(*n));
	if (n == NULL) {
		fail(l, SL_ENOMEM);
		return NULL;
	}
	n->kind = kind;
	n->line = line;
	return n;
}

void sl_yaml_free(struct sl_yaml_node **root)
{
	struct sl_yaml_node *n = sl_take(root);
	while (n != NULL) {
		struct sl_yaml_node *next = n->next;
		sl_yaml_free(&n->child);
		free(n->key);
		free(n->text);
		free(n);
		n = next;
	}
}

/* Nothing that is named in a configuration (path, interface, word) has a control character in it. */
static bool has_control(struct sl_bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] < 0x20 || text.p[i] == 0x7f)
			return true;
	return false;
}

static bool is_null(const yaml_event_t *ev)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };
	if (ev->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	for (size_t i = 0; i < SL_COUNT(nulls); i++)
		if (strcmp((const char *)ev->data.scalar.value, nulls[i]) == 0)
			return true;
	return false;
}

/* A copy of a scalar's text; NULL when it is not to be had, which has been told. */
static char *scalar_text(struct loader *l, const yaml_event_t *ev)
{
	struct sl_bytes text = sl_bytes_of(ev->data.scalar.value, ev->data.scalar.length);
	if (has_control(text)) {
		sl_conf_error(l->errors, line_of(ev), "a control character or line end inside a value");
		return NULL;
	}
	char *copy = strndup((const char *)text.p, text.len);
	if (copy == NULL)
		fail(l, SL_ENOMEM);
	return copy;
}

static struct sl_yaml_node *read_scalar(struct loader *l, const yaml_event_t *ev)
{
	struct sl_yaml_node *n = node_new(l, is_null(ev) ? SL_YAML_NULL : SL_YAML_SCALAR, line_of(ev));
	if (n != NULL && n->kind == SL_YAML_SCALAR)
		n->text = scalar_text(l, ev);
	if (n != NULL && n->kind == SL_YAML_SCALAR && n->text == NULL)
		n->kind = SL_YAML_BAD;
	return n;
}

static struct sl_yaml_node *read_node(struct loader *l, yaml_event_t *ev, unsigned depth);

static struct sl_yaml_node *read_sequence(struct loader *l, unsigned line, unsigned depth)
{
	struct sl_yaml_node *n = node_new(l, SL_YAML_SEQUENCE, line);
	if (n == NULL)
		return NULL;
	struct sl_yaml_node **tail = &n->child;
	yaml_event_t ev;
	while (next_event(l, &ev)) {
		bool end = ev.type == YAML_SEQUENCE_END_EVENT;
		if (!end)
			*tail = read_node(l, &ev, depth + 1);
		yaml_event_delete(&ev);
		if (end || *tail == NULL)
			break;
		tail = &(*tail)->next;
	}
	return n;
}

static const struct sl_yaml_node *find_key(const struct sl_yaml_node *mapping, const char *key)
{
	for (const struct sl_yaml_node *c = mapping->child; c != NULL; c = c->next)
		if (c->key != NULL && strcmp(c->key, key) == 0)
			return c;
	return NULL;
}

/* The key of the next pair, and its line; NULL at the end of the mapping and after a failure. */
static char *read_key(struct loader *l, unsigned *line)
{
	char *key = NULL;
	yaml_event_t ev;
	if (!next_event(l, &ev))
		return NULL;
	*line = line_of(&ev);
	if (ev.type == YAML_SCALAR_EVENT) {
		key = scalar_text(l, &ev);
		if (key == NULL)
			fail(l, SL_EMALF);
	} else if (ev.type != YAML_MAPPING_END_EVENT) {
		sl_conf_error(l->errors, *line, "expected a key, which is one word");
		fail(l, SL_EMALF);
	}
	yaml_event_delete(&ev);
	return key;
}

static struct sl_yaml_node *read_value(struct loader *l, unsigned depth)
{
	yaml_event_t ev;
	if (!next_event(l, &ev))
		return NULL;
	struct sl_yaml_node *n = read_node(l, &ev, depth);
	yaml_event_delete(&ev);
	return n;
}

/* The value of key, which it takes over; NULL after a failure. */
static struct sl_yaml_node *read_pair(struct loader *l, const struct sl_yaml_node *mapping, char *key,
                                      unsigned key_line, unsigned depth)
{
	char shown[SL_CONF_SHOWN_MAX];
	const struct sl_yaml_node *twin = find_key(mapping, key);
	struct sl_yaml_node *value = read_value(l, depth + 1);
	if (value == NULL) {
		free(key);
		return NULL;
	}
	if (value->kind == SL_YAML_NULL)
		value->line = key_line;
	value->key = key;
	value->key_line = key_line;
	if (twin != NULL) {
		sl_conf_error(l->errors, key_line, "the key %s is there twice; the first is in line %u",
		              sl_conf_shown(key, shown), twin->key_line);
		value->kind = SL_YAML_BAD;
	}
	return value;
}

static struct sl_yaml_node *read_mapping(struct loader *l, unsigned line, unsigned depth)
{
	struct sl_yaml_node *n = node_new(l, SL_YAML_MAPPING, line);
	if (n == NULL)
		return NULL;
	struct sl_yaml_node **tail = &n->child;
	unsigned keys = 0, key_line;
	char *key;
	while ((key = read_key(l, &key_line)) != NULL) {
		if (++keys > SL_YAML_KEYS_MAX) {
			sl_conf_error(l->errors, key_line, "more than %d keys", SL_YAML_KEYS_MAX);
			fail(l, SL_EMALF);
		}
		*tail = read_pair(l, n, key, key_line, depth);
		if (*tail == NULL)
			break;
		tail = &(*tail)->next;
	}
	return n;
}

static void refuse_properties(struct loader *l, const yaml_event_t *ev, const yaml_char_t *anchor,
                              const yaml_char_t *tag)
{
	if (anchor != NULL)
		sl_conf_error(l->errors, line_of(ev), "anchors (&%s) are not used here",
		              (const char *)anchor);
	if (tag != NULL)
		sl_conf_error(l->errors, line_of(ev), "tags (%s) are not used here", (const char *)tag);
}

/* The node that begins with ev. Bounded by SL_YAML_DEPTH_MAX, as the walk is recursive. */
static struct sl_yaml_node *read_node(struct loader *l, yaml_event_t *ev, unsigned depth)
{
	if (depth > SL_YAML_DEPTH_MAX) {
		sl_conf_error(l->errors, line_of(ev), "nested deeper than anything that belongs here");
		fail(l, SL_EMALF);
		return NULL;
	}
	switch (ev->type) {
	case YAML_SCALAR_EVENT:
		refuse_properties(l, ev, ev->data.scalar.anchor, ev->data.scalar.tag);
		return read_scalar(l, ev);
	case YAML_SEQUENCE_START_EVENT:
		refuse_properties(l, ev, ev->data.sequence_start.anchor, ev->data.sequence_start.tag);
		return read_sequence(l, line_of(ev), depth);
	case YAML_MAPPING_START_EVENT:
		refuse_properties(l, ev, ev->data.mapping_start.anchor, ev->data.mapping_start.tag);
		return read_mapping(l, line_of(ev), depth);
	default: /* YAML_ALIAS_EVENT: no other event can stand for a node */
		sl_conf_error(l->errors, line_of(ev), "aliases (*%s) are not used here; write the value out",
		              (const char *)ev->data.alias.anchor);
		return node_new(l, SL_YAML_BAD, line_of(ev));
	}
}

static void read_stream(struct loader *l, struct sl_yaml_node **root)
{
	unsigned documents = 0;
	yaml_event_t ev;
	while (next_event(l, &ev)) {
		bool end = ev.type == YAML_STREAM_END_EVENT;
		if (ev.type == YAML_DOCUMENT_START_EVENT && ++documents > 1) {
			sl_conf_error(l->errors, line_of(&ev),
			              "a second document; one file holds one configuration");
			fail(l, SL_EMALF);
		} else if (ev.type == YAML_DOCUMENT_START_EVENT) {
			*root = read_value(l, 0);
		}
		yaml_event_delete(&ev);
		if (end)
			break;
	}
}

int sl_yaml_read(struct sl_bytes text, struct sl_conf_errors *e, struct sl_yaml_node **out)
{
	struct loader l = { .text = text, .errors = e, .err = SL_OK };
	struct sl_yaml_node *root = NULL;
	if (text.len > SL_YAML_BYTES_MAX) {
		sl_conf_error(e, 0, "found %zu bytes, expected at most %d", text.len, SL_YAML_BYTES_MAX);
		return SL_EMALF;
	}
	if (yaml_parser_initialize(&l.parser) == 0)
		return SL_ENOMEM;
	yaml_parser_set_encoding(&l.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&l.parser, text.len == 0 ? (const unsigned char *)"" : text.p, text.len);
	read_stream(&l, &root);
	yaml_parser_delete(&l.parser);
	if (l.err == SL_OK)
		*out = sl_take(&root);
	sl_yaml_free(&root);
	return l.err;
}
