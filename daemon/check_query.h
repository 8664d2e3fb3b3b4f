/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_query.h - what a policy says about something that a person typed, as JSON; for the daemon and the command. */
#ifndef SL_DAEMON_CHECK_QUERY_H
#define SL_DAEMON_CHECK_QUERY_H

#include <jansson.h>

#include "daemon/check_who.h"
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
 *   exception  only of letter c: the number of the operator's word; 0: it stands in the configuration
 *   shadow   only where lists in the shadow would have blocked: their names
 *   who      only where explain, and there are groups: sl_check_who_json()
 *   tried    only where explain and verdict: the keys that were looked up (check_explain.h)
 *   parsing_miss  true, where the parsing regular expression does not match: nothing is looked up
 *   error    only where verdict is null: why */
enum { SL_CHECK_INPUT_MAX = 8192 };
json_t *sl_check_query(const struct sl_policy *p, const char *input, bool explain);
/* parsing: of a policy of profile ne27, a configuration of its own; who: for whom it is asked. Both may be NULL: as above. */
json_t *sl_check_query_for(const struct sl_policy *p, const char *input, bool explain,
                           const struct sl_suburl_parsing *parsing, const struct sl_check_who *who);
/* Why the input is refused whatever the policy says (too long, not UTF-8: no JSON could carry it); else NULL.
 * sl_check_query() then looks at no policy. */
const char *sl_check_query_unfit(const char *input);

#endif
