/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_scenario_value.h - the values in a scenario's objects: words, amounts, endpoints, verdicts, rules, options. Each reader returns
 * false where the value is wrong, which was told with its file and line, and leaves *out alone where the key is absent. */
#ifndef SL_DAEMON_NE_SCENARIO_VALUE_H
#define SL_DAEMON_NE_SCENARIO_VALUE_H

#include "daemon/ne_scenario.h"

struct sl_ne_scenario_place {
	const char *name;
	unsigned line;
	const struct sl_diag *diag;
};

/* Tells; returns false. */
SL_PRINTF(2, 3) bool sl_ne_scenario_wrong(const struct sl_ne_scenario_place *at, const char *fmt, ...);

/* Does object hold keys only that are words of known, or of also? */
bool sl_ne_scenario_keys(const struct sl_ne_scenario_place *at, const json_t *object, const char *known,
                         const char *also);
bool sl_ne_scenario_bool(const struct sl_ne_scenario_place *at, const json_t *object, const char *key,
                         bool *out);
bool sl_ne_scenario_u64(const struct sl_ne_scenario_place *at, const json_t *object, const char *key,
                        uint64_t max, uint64_t *out);
/* Borrowed; without NUL inside, at most max bytes. */
bool sl_ne_scenario_text(const struct sl_ne_scenario_place *at, const json_t *object, const char *key,
                         size_t max, const char **out);
/* Which of the words it is; NULLs among them are none. */
bool sl_ne_scenario_word(const struct sl_ne_scenario_place *at, const json_t *object, const char *key,
                         const char *const *words, size_t n, unsigned *out);
/* "192.0.2.1:443", "[2001:db8::1]:443", "example.com:0"; a name where `named` takes one. */
bool sl_ne_scenario_endpoint(const struct sl_ne_scenario_place *at, const json_t *object, const char *key,
                             bool named, struct sl_ne_endpoint *out);
/* An object, or a string that is its kind alone. */
bool sl_ne_scenario_verdict(const struct sl_ne_scenario_place *at, const json_t *value,
                            struct sl_ne_verdict *out);
/* null is NULL. *out is freed with sl_ne_scenario_settings_free(). */
bool sl_ne_scenario_settings(const struct sl_ne_scenario_place *at, const json_t *value,
                             struct sl_ne_scenario_settings **out);
void sl_ne_scenario_settings_free(struct sl_ne_scenario_settings *settings);
/* The head's profile, platform and options. */
bool sl_ne_scenario_options(const struct sl_ne_scenario_place *at, const json_t *head,
                            struct sl_ne_scenario *out);

/* The head's provider, or its filters, each with a name, a grade and a provider. */
bool sl_ne_scenario_filters(const struct sl_ne_scenario_place *at, const json_t *head,
                            struct sl_ne_scenario *out);
/* Which filter an event is of, and the answers that come with it: a list, or a list by the name of a filter. */
bool sl_ne_scenario_whose(const struct sl_ne_scenario_place *at, const struct sl_ne_scenario *s,
                          struct sl_ne_scenario_event *e);
bool sl_ne_scenario_answers(const struct sl_ne_scenario_place *at, const struct sl_ne_scenario *s,
                            struct sl_ne_scenario_event *e);

#endif
