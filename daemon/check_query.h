/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_query.h - what a policy says about something that a person typed, as JSON; for the daemon and the command. */
#ifndef SL_DAEMON_CHECK_QUERY_H
#define SL_DAEMON_CHECK_QUERY_H

#include <jansson.h>

#include "policy/policy.h"
#include "policy/suburl.h"

/* input  a host or a URL. The path of a URL counts where the gateway would see it: scheme http, ws, or none named.
 * Returns an object, the caller's; NULL when memory is short:
 *   input    as asked
 *   verdict  "allow" or "block"; null where the input is no host or URL
 *   list, line, key   what decided; null where no list speaks
 *   letter   of policy-resolution line 6; null with verdict
 *   host     canonical; null with verdict
 *   over_http  only where the path of the URL cannot be seen and would have changed the answer: that answer, as an
 *            object of verdict, list, line, key
 *   tried    only where explain and verdict: the keys that were looked up (check_explain.h)
 *   parsing_miss  true, where the parsing regular expression does not match: nothing is looked up
 *   error    only where verdict is null: why */
enum { SL_CHECK_INPUT_MAX = 8192 };
json_t *sl_check_query(const struct sl_policy *p, const char *input, bool explain);
/* Of a policy of profile ne27, with a parsing configuration of its own; NULL: as above. */
json_t *sl_check_query_parsed(const struct sl_policy *p, const char *input, bool explain,
                              const struct sl_suburl_parsing *parsing);
/* Why the input is refused whatever the policy says (too long, not UTF-8: no JSON could carry it); else NULL.
 * sl_check_query() then looks at no policy. */
const char *sl_check_query_unfit(const char *input);

#endif
