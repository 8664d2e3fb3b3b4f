/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/conf.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/conf_inside.h"
#include "daemon/conf_reader.h"
#include "daemon/conf_value.h"

static const char *const cause_names[] = {
#define SL_CAUSE(name, action, doc) #name,
#include "filter/cause.def"
#undef SL_CAUSE
};

static const char *const cause_actions[] = {
#define SL_CAUSE(name, action, doc) #action,
#include "filter/cause.def"
#undef SL_CAUSE
};

static const char *kind_name(const struct sl_yaml_node *node, char shown[SL_CONF_SHOWN_MAX])
{
	switch (node->kind) {
	case SL_YAML_NULL:
		return "no value";
	case SL_YAML_SEQUENCE:
		return "a sequence";
	case SL_YAML_MAPPING:
		return "a mapping";
	default:
		return sl_conf_shown(node->text, shown);
	}
}

void sl_conf_reader_refuse(struct sl_conf_reader *r, const struct sl_yaml_node *node, const char *key,
                           const char *expected, const char *why)
{
	char shown[SL_CONF_SHOWN_MAX];
	if (node->kind == SL_YAML_BAD)
		return;
	sl_conf_error(&r->errors, node->line, "%s: found %s, expected %s%s%s", key, kind_name(node, shown),
	              expected, why[0] == '\0' ? "" : "; ", why);
}

void sl_conf_reader_value(struct sl_conf_reader *r, const struct sl_yaml_node *node, const char *key,
                          const struct sl_conf_opt *opt, void *base)
{
	char why[SL_CONF_WHY_MAX] = "", expected[256];
	struct sl_out o = sl_out_of(expected, sizeof(expected));
	int err = SL_EMALF;
	if (node->kind == SL_YAML_SCALAR)
		err = sl_conf_value_read(opt, node->text, r->folder, (char *)base + opt->offset, why);
	if (err == SL_ENOMEM)
		r->nomem = true;
	if (err != SL_EMALF)
		return;
	sl_conf_expected(opt, &o);
	sl_out_u8(&o, '\0');
	sl_conf_reader_refuse(r, node, key, expected, why);
}

static void read_inside_entry(struct sl_conf_reader *r, const struct sl_yaml_node *node)
{
	static const char expected[] =
	        "an interface or a prefix, such as lan0, lan+, 192.168.1.0/24 or fd00::/8";
	char why[SL_CONF_WHY_MAX] = "", shown[SL_CONF_SHOWN_MAX];
	struct sl_conf *c = r->conf;
	struct sl_inside entry;
	if (node->kind != SL_YAML_SCALAR || sl_conf_inside_read(node->text, &entry, why) != SL_OK) {
		sl_conf_reader_refuse(r, node, "inside", expected, why);
		return;
	}
	for (size_t i = 0; i < c->insides; i++) {
		if (memcmp(&c->inside[i], &entry, sizeof(entry)) == 0) {
			sl_conf_error(&r->errors, node->line, "inside: %s is there twice",
			              sl_conf_shown(node->text, shown));
			return;
		}
	}
	if (c->insides < SL_INSIDES_MAX)
		c->inside[c->insides++] = entry;
	else
		sl_conf_error(&r->errors, node->line, "inside: more than %d entries", SL_INSIDES_MAX);
}

static void read_inside(struct sl_conf_reader *r, const struct sl_yaml_node *node)
{
	if (r->conf->inside == NULL)
		r->conf->inside = calloc(SL_INSIDES_MAX, sizeof(*r->conf->inside));
	if (r->conf->inside == NULL) {
		r->nomem = true;
		return;
	}
	if (node->kind != SL_YAML_SEQUENCE) {
		read_inside_entry(r, node);
		return;
	}
	if (node->child == NULL)
		sl_conf_error(&r->errors, node->key_line,
		              "inside: found an empty sequence, expected at least one entry");
	for (const struct sl_yaml_node *c = node->child; c != NULL && r->errors.count <= SL_CONF_ERRORS_SHOWN;
	     c = c->next)
		read_inside_entry(r, c);
}

static void unknown_cause(struct sl_conf_reader *r, const struct sl_yaml_node *node)
{
	char shown[SL_CONF_SHOWN_MAX], question[SL_CONF_SHOWN_MAX];
	struct sl_near near = sl_near_to(node->key);
	for (size_t i = 0; i < SL_COUNT(cause_names); i++)
		sl_near_try(&near, sl_bytes_str(cause_names[i]));
	sl_conf_error(&r->errors, node->key_line, "unjudged: unknown cause %s%s",
	              sl_conf_shown(node->key, shown), sl_near_question(&near, "; ", question));
}

static void read_cause(struct sl_conf_reader *r, const struct sl_yaml_node *node)
{
	static const struct sl_conf_opt action = { .type = SL_CONF_choice, .words = "allow|block" };
	char label[64];
	for (size_t i = 0; i < SL_COUNT(cause_names); i++) {
		if (strcmp(cause_names[i], node->key) != 0)
			continue;
		int word = r->conf->unjudged_block[i];
		(void)snprintf(label, sizeof(label), "unjudged: %s", cause_names[i]);
		sl_conf_reader_value(r, node, label, &action, &word);
		r->conf->unjudged_block[i] = word == 1;
		return;
	}
	unknown_cause(r, node);
}

static void read_unjudged(struct sl_conf_reader *r, const struct sl_yaml_node *node)
{
	if (node->kind == SL_YAML_NULL)
		return;
	if (node->kind != SL_YAML_MAPPING) {
		sl_conf_reader_refuse(r, node, "unjudged",
		                      "a mapping of causes to allow or block, such as \"quic: block\"", "");
		return;
	}
	for (const struct sl_yaml_node *c = node->child; c != NULL; c = c->next)
		read_cause(r, c);
}

/* The keys that are not scalars. */
static const struct section {
	const char *name;
	void (*read)(struct sl_conf_reader *r, const struct sl_yaml_node *node);
} sections[] = {
	{ "groups", sl_conf_groups_read },     { "inside", read_inside },     { "lists", sl_conf_lists_read },
	{ "never_block", sl_conf_never_read }, { "unjudged", read_unjudged },
};

static void unknown_key(struct sl_conf_reader *r, const struct sl_yaml_node *node)
{
	char shown[SL_CONF_SHOWN_MAX], question[SL_CONF_SHOWN_MAX];
	struct sl_near near = sl_near_to(node->key);
	for (size_t i = 0; sl_conf_opt_at(i) != NULL; i++)
		sl_near_try(&near, sl_bytes_str(sl_conf_opt_at(i)->name));
	for (size_t i = 0; i < SL_COUNT(sections); i++)
		sl_near_try(&near, sl_bytes_str(sections[i].name));
	sl_conf_error(&r->errors, node->key_line, "unknown key %s%s", sl_conf_shown(node->key, shown),
	              sl_near_question(&near, "; ", question));
}

static void read_key(struct sl_conf_reader *r, const struct sl_yaml_node *node)
{
	const struct sl_conf_opt *opt = sl_conf_opt_find(node->key);
	if (opt != NULL) {
		sl_conf_reader_value(r, node, opt->name, opt, r->conf);
		return;
	}
	for (size_t i = 0; i < SL_COUNT(sections); i++) {
		if (strcmp(sections[i].name, node->key) == 0) {
			sections[i].read(r, node);
			return;
		}
	}
	unknown_key(r, node);
}

static unsigned line_of_key(const struct sl_yaml_node *root, const char *key)
{
	for (const struct sl_yaml_node *c = root == NULL ? NULL : root->child; c != NULL; c = c->next)
		if (strcmp(c->key, key) == 0)
			return c->key_line;
	return 0;
}

/* Where it is not said otherwise. */
static void apply_profile(struct sl_conf_reader *r, const struct sl_yaml_node *root)
{
	enum { GATEWAY, MACOS, STRICT };
	static const struct {
		const char *name, *def;
		int from; /* that profile on */
	} defaults[] = {
		{ "bypass", "no", MACOS },          { "on_failure", "drop", MACOS },
		{ "existing", "drop", MACOS },      { "starting", "closed", MACOS },
		{ "late", "drop", MACOS },          { "platform", "macos", MACOS },
		{ "udp_collector", "10s", STRICT }, { "report_counts", "closed", STRICT },
	};
	for (size_t i = 0; i < SL_COUNT(defaults); i++) {
		const struct sl_conf_opt *opt = sl_conf_opt_find(defaults[i].name);
		char why[SL_CONF_WHY_MAX];
		if (r->conf->profile >= defaults[i].from && line_of_key(root, opt->name) == 0)
			(void)sl_conf_value_read(opt, defaults[i].def, "/", (char *)r->conf + opt->offset,
			                         why);
	}
}

/* Nobody sits in front of a gateway to see that its provider is stuck: NE has no limit (NE-CHOICE-22). */
static void apply_external(struct sl_conf_reader *r, const struct sl_yaml_node *root)
{
	enum { GATEWAY, LIMIT_MS = 1000 };
	if (r->conf->provider == SL_PROVIDER_EXTERNAL && r->conf->profile == GATEWAY &&
	    line_of_key(root, "answer_limit") == 0)
		r->conf->answer_limit = sl_span_ms(LIMIT_MS);
}

/* What no value shows alone. */
static void check_together(struct sl_conf_reader *r, const struct sl_yaml_node *root)
{
	const struct sl_conf *c = r->conf;
	if (line_of_key(root, "inside") == 0)
		sl_conf_error(&r->errors, 0,
		              "the key \"inside\" is missing; expected the interfaces or prefixes whose "
		              "flows are judged");
	if (c->queue_first + c->queue_count - 1 > UINT16_MAX)
		sl_conf_error(&r->errors, line_of_key(root, "queue_first"),
		              "queue_first: found %u with a queue_count of %u, expected at most %u, as the "
		              "last queue is 65535",
		              c->queue_first, c->queue_count, UINT16_MAX + 1 - c->queue_count);
	if (c->workers > c->queue_count)
		sl_conf_error(&r->errors, line_of_key(root, "workers"),
		              "workers: found %u, expected at most the %u of queue_count, as each worker "
		              "serves whole queues",
		              c->workers, c->queue_count);
}

/* A content filter: one worker, three queues, and a file that its provider reads, or a socket. */
static void check_filter(struct sl_conf_reader *r, const struct sl_yaml_node *root)
{
	const struct sl_conf *c = r->conf;
	bool policy = c->provider == SL_PROVIDER_POLICY, file = c->provider_file[0] != '\0';
	bool reads = !policy && c->provider != SL_PROVIDER_EXTERNAL;
	if (reads != file)
		sl_conf_error(
		        &r->errors, line_of_key(root, reads ? "provider" : "provider_file"),
		        reads ? "provider: this one needs a provider_file; write its path"
		        : policy
		                ? "provider_file: found a path, expected none, as the provider policy reads "
		                  "the lists; write the provider it is for"
		                : "provider_file: found a path, expected none, as the provider external is a "
		                  "process; see provider_socket");
	if (policy && c->trace[0] != '\0')
		sl_conf_error(&r->errors, line_of_key(root, "trace"),
		              "trace: found a path, expected none, as the provider policy has no trace; see "
		              "flow_log");
	if (!policy && c->workers > 1)
		sl_conf_error(&r->errors, line_of_key(root, "workers"),
		              "workers: found %u, expected at most 1, as a content filter has one",
		              c->workers);
	if (!policy && c->queue_first > UINT16_MAX - SL_CONF_FILTER_QUEUES + 1)
		sl_conf_error(
		        &r->errors, line_of_key(root, "queue_first"),
		        "queue_first: found %u, expected at most %u, as a content filter has three queues",
		        c->queue_first, UINT16_MAX - SL_CONF_FILTER_QUEUES + 1);
}

static void read_root(struct sl_conf_reader *r, const struct sl_yaml_node *root)
{
	bool empty = root == NULL || root->kind == SL_YAML_NULL; /* every line is a comment */
	if (!empty && root->kind != SL_YAML_MAPPING) {
		sl_conf_reader_refuse(r, root, "the file", "lines of the form \"key: value\"", "");
		return;
	}
	for (const struct sl_yaml_node *c = empty ? NULL : root->child; c != NULL; c = c->next)
		read_key(r, c);
	apply_profile(r, empty ? NULL : root);
	apply_external(r, empty ? NULL : root);
	check_together(r, empty ? NULL : root);
	check_filter(r, empty ? NULL : root);
	sl_conf_metrics_check(r, line_of_key(empty ? NULL : root, "metrics_listen"));
	sl_conf_lists_finish(r);
	sl_conf_groups_finish(r);
}

static int conf_new(struct sl_conf **out)
{
	char why[SL_CONF_WHY_MAX];
	struct sl_conf *c = calloc(1, sizeof(*c));
	int err = c == NULL ? SL_ENOMEM : SL_OK;
	for (size_t i = 0; err == SL_OK && sl_conf_opt_at(i) != NULL; i++) {
		const struct sl_conf_opt *opt = sl_conf_opt_at(i);
		err = sl_conf_value_read(opt, opt->def, "/", (char *)c + opt->offset, why);
		assert(err != SL_EMALF); /* a default that its own line of conf.def refuses */
	}
	for (size_t i = 0; err == SL_OK && i < SL_COUNT(cause_names); i++)
		c->unjudged_block[i] = strcmp(cause_actions[i], "block") == 0;
	if (err == SL_OK)
		*out = sl_take(&c);
	sl_conf_free(&c);
	return err;
}

void sl_conf_free(struct sl_conf **conf)
{
	struct sl_conf *c = sl_take(conf);
	if (c == NULL)
		return;
	for (size_t i = 0; sl_conf_opt_at(i) != NULL; i++) {
		const struct sl_conf_opt *opt = sl_conf_opt_at(i);
		if (opt->type == SL_CONF_path || opt->type == SL_CONF_text)
			free(*(char **)(void *)((char *)c + opt->offset));
	}
	for (size_t i = 0; i < c->lists; i++) {
		free(c->list[i].name);
		free(c->list[i].file);
		free(c->list[i].url);
		free(c->list[i].sha256);
		free(c->list[i].sign_key);
	}
	free(c->list);
	sl_conf_groups_free(&c->group, c->groups);
	free(c->inside);
	free(c);
}

/* The folder of file, absolute, so that what is printed names the same paths wherever it is read again. */
static char *folder_of(const char *file)
{
	char *cwd = file[0] == '/' ? strdup("/") : getcwd(NULL, 0);
	const char *slash = strrchr(file, '/');
	char *relative = strndup(file, slash == NULL ? 0 : (size_t)(slash - file));
	char *folder = cwd == NULL || relative == NULL ? NULL : sl_conf_path_of(cwd, relative);
	free(cwd);
	free(relative);
	return folder;
}

int sl_conf_read(const char *file, struct sl_bytes text, const struct sl_diag *diag, struct sl_conf **out)
{
	struct sl_conf_reader r = { .errors = { .diag = diag, .file = file }, .folder = folder_of(file) };
	struct sl_yaml_node *root = NULL;
	int err = r.folder == NULL ? SL_ENOMEM : conf_new(&r.conf);
	if (err == SL_OK)
		err = sl_yaml_read(text, &r.errors, &root);
	if (err == SL_OK)
		read_root(&r, root);
	if (err == SL_OK && r.nomem)
		err = SL_ENOMEM;
	if (err == SL_OK && r.errors.count > 0)
		err = SL_EMALF;
	if (err == SL_OK)
		*out = sl_take(&r.conf);
	sl_yaml_free(&root);
	sl_conf_free(&r.conf);
	free(r.folder);
	return err;
}

static bool same_value(const struct sl_conf_opt *opt, const void *a, const void *b)
{
	switch (opt->type) {
	case SL_CONF_flag:
		return *(const bool *)a == *(const bool *)b;
	case SL_CONF_size:
		return *(const uint64_t *)a == *(const uint64_t *)b;
	case SL_CONF_duration:
		return ((const struct sl_span *)a)->us == ((const struct sl_span *)b)->us;
	case SL_CONF_path:
	case SL_CONF_text:
		return strcmp(*(char *const *)a, *(char *const *)b) == 0;
	default:
		return *(const uint32_t *)a == *(const uint32_t *)b;
	}
}

/* Entries are unique: as many, and each one found, is the same set. */
static bool same_insides(const struct sl_conf *a, const struct sl_conf *b)
{
	size_t found = 0;
	for (size_t i = 0; i < a->insides; i++)
		for (size_t j = 0; j < b->insides; j++)
			found += memcmp(&a->inside[i], &b->inside[j], sizeof(a->inside[i])) == 0;
	return a->insides == b->insides && found == a->insides;
}

static void add_name(struct sl_out *o, const char *name)
{
	size_t len = o->len;
	if (len > 0)
		sl_out_str(o, ", ");
	sl_out_str(o, name);
	if (o->overflow)
		o->len = len;
}

void sl_conf_restart_needed(const struct sl_conf *running, const struct sl_conf *next, char *out, size_t cap)
{
	struct sl_out o = sl_out_of(out, cap - 1);
	for (size_t i = 0; sl_conf_opt_at(i) != NULL; i++) {
		const struct sl_conf_opt *opt = sl_conf_opt_at(i);
		const char *was = (const char *)running + opt->offset, *is = (const char *)next + opt->offset;
		if (!opt->live && !same_value(opt, was, is))
			add_name(&o, opt->name);
	}
	if (!same_insides(running, next))
		add_name(&o, "inside");
	if (memcmp(running->unjudged_block, next->unjudged_block, sizeof(running->unjudged_block)) != 0)
		add_name(&o, "unjudged");
	out[o.len] = '\0';
}
