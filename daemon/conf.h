/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf.h - the configuration: one YAML file; each option is declared once, in conf.def, and read from there by the
 * parser, the printer (`sluiced --check`) and the manual (sluice.yaml.5). */
#ifndef SL_DAEMON_CONF_H
#define SL_DAEMON_CONF_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/bytes.h"
#include "base/diag.h"
#include "base/err.h"
#include "base/mono.h"
#include "daemon/conf_group.h"
#include "daemon/inside.h"
#include "filter/cause.h"
#include "filter/filter.h"
#include "policy/policy.h"

/* The words of the option `provider`, in their order. Those of all but the first are content filters. */
enum sl_provider_kind { SL_PROVIDER_POLICY, SL_PROVIDER_RULES, SL_PROVIDER_SCRIPTED, SL_PROVIDER_EXTERNAL };

/* A content filter's queues, from queue_first on (daemon/ne_live.h). */
enum { SL_CONF_LIVE_QUEUES = 2, SL_CONF_FILTER_QUEUES = 3 };

struct sl_conf_list {
	char *name; /* shown in logs; default: the file's name without folder and extension */
	char *file; /* path; relative ones are relative to the configuration file. With url: below state; NULL where there is no state */
	char *url;  /* NULL: none */
	char *sha256;   /* 64 hexadecimal digits; NULL: none */
	char *sign_key; /* of minisign; NULL: none */
	struct sl_span update;
	uint64_t max_size;                                               /* bytes that a fetch may bring */
	uint32_t min_entries, max_growth, max_shrink, max_newly_blocked; /* percent, but the first */
	bool every_skip;
	enum sl_list_format format;
	enum sl_list_kind kind;
	enum sl_role role;     /* where a group says nothing */
	bool wildcard_below;   /* wildcard: tree | below */
	bool subdomains;       /* names of a hosts file count with their subdomains */
	uint32_t max_refused;  /* percent of lines */
	uint64_t max_unpacked; /* bytes of a packed file's text */
	unsigned at;           /* line in the configuration file */
};

struct sl_conf {
	/* One member an option of conf.def. */
#define SL_OPT_flag                                  bool
#define SL_OPT_number                                uint32_t
#define SL_OPT_size                                  uint64_t
#define SL_OPT_duration                              struct sl_span
#define SL_OPT_mask                                  uint32_t
#define SL_OPT_path                                  char *
#define SL_OPT_text                                  char *
#define SL_OPT(name, type, def, min, max, live, doc) SL_OPT_##type name;
#define SL_CHOICE(name, def, words, live, doc)       int name; /* index into words */
#include "daemon/conf.def"
#undef SL_OPT
#undef SL_CHOICE
	bool unjudged_block[SL_CAUSE_COUNT];
	struct sl_inside *inside;
	size_t insides;
	struct sl_conf_list *list;
	size_t lists;
	struct sl_conf_group *group;
	size_t groups;
};

/* Does a list come by url? */
bool sl_conf_has_urls(const struct sl_conf *conf);
/* Reads a configuration from memory; file is its name, for messages and relative paths. On failure *out is untouched and
 * diag was told, for each error: file, line, key, what was expected. Returns SL_OK, SL_EMALF, SL_ENOMEM. */
int sl_conf_read(const char *file, struct sl_bytes text, const struct sl_diag *diag, struct sl_conf **out);
void sl_conf_free(struct sl_conf **conf);
/* The effective configuration as YAML that reads back to the same. */
int sl_conf_print(const struct sl_conf *conf, FILE *to);
/* The options as mdoc(7) items, for the manual. */
int sl_conf_print_manual(FILE *to);
/* How many queues the rules queue to, from queue_first on. */
static inline uint16_t sl_conf_queues(const struct sl_conf *c)
{
	return (uint16_t)(c->provider == SL_PROVIDER_POLICY ? c->queue_count : (uint32_t)SL_CONF_LIVE_QUEUES);
}

static inline uint16_t sl_conf_parking_queue(const struct sl_conf *c)
{
	return (uint16_t)(c->queue_first + SL_CONF_LIVE_QUEUES);
}

/* A content filter is shown whole packets. */
static inline uint32_t sl_conf_copy_range(const struct sl_conf *c)
{
	return c->provider == SL_PROVIDER_POLICY ? (uint32_t)c->copy_range : UINT16_MAX;
}

/* Writes the names of all options that differ and are not live (need a restart), as "a, b"; nothing when none. Behind those
 * of conf.def come inside, compared as a set, and unjudged. What does not fit is left out at the end. */
void sl_conf_restart_needed(const struct sl_conf *running, const struct sl_conf *next, char *out, size_t cap);

#endif
