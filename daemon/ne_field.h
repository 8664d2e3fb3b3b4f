/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_field.h - the members of JSON objects that a trace (ne_trace_write.h) and a message to a provider (provider_message.h) have in
 * common, in the words of docs/ne-trace.md. Each appends `"key":value` with its comma. Pure; any thread. */
#ifndef SL_DAEMON_NE_FIELD_H
#define SL_DAEMON_NE_FIELD_H

#include "base/out.h"
#include "filter/ne_provider.h"

enum { SL_NE_FIELD_KEY_MAX = 256 };

/* Nothing where text is NULL; cut at max bytes. */
void sl_ne_field_text(struct sl_out *o, const char *key, const char *text, size_t max);
void sl_ne_field_word(struct sl_out *o, const char *key, const char *word);
void sl_ne_field_bool(struct sl_out *o, const char *key, bool value);
/* A number; SL_NE_BYTES_MAX is "max". */
void sl_ne_field_amount(struct sl_out *o, const char *key, uint64_t amount);
/* "key":{ */
void sl_ne_field_open(struct sl_out *o, const char *key);
/* direction, protocol, family, type, local, remote, identifier, remoteHostname, hostnameOrigin, url */
void sl_ne_field_flow(struct sl_out *o, const struct sl_ne_flow_info *info);
/* remoteHostname, hostnameOrigin; nothing where it is not known */
void sl_ne_field_hostname(struct sl_out *o, const struct sl_ne_flow_info *info);
/* "report": {...} */
void sl_ne_field_report(struct sl_out *o, const struct sl_ne_report *report);

#endif
