/* SPDX-License-Identifier: GPL-2.0-or-later */
/* provider_message.h - what a content filter and its provider, a process of its own, say to each other: sluice-provider(7).
 *
 * A message is an object of JSON (RFC 8259) behind its length: four bytes, network order, at most SL_PROVIDER_MESSAGE_MAX from a
 * provider. Its words are those of docs/ne-trace.md. What comes is read strictly: a key, a word or an amount that is not known is an
 * error, and so is a key that is missing. Pure but for the memory of jansson; any thread. */
#ifndef SL_DAEMON_PROVIDER_MESSAGE_H
#define SL_DAEMON_PROVIDER_MESSAGE_H

#include <jansson.h>

#include "base/diag.h"
#include "base/out.h"
#include "daemon/ne_scenario.h"
#include "filter/ne_options.h"

#define SL_PROVIDER_PROTOCOL "sluice-provider"
enum {
	SL_PROVIDER_VERSION = 1,
	SL_PROVIDER_HEAD = 4,                 /* bytes of the length */
	SL_PROVIDER_MESSAGE_MAX = 512 * 1024, /* bytes of one from a provider: 1000 rules fit */
	SL_PROVIDER_BYTES_MAX = 1024 * 1024,  /* of a callback's bytes, so many are sent at most */
	SL_PROVIDER_SPEC_MAX = 8192,          /* bytes of any message to a provider, but for those */
	SL_PROVIDER_TEXT_MAX = 1024           /* of a provider's name, error or log */
};

/* ---- from a provider ---- */

/* Name on the wire, the keys that must be there, and those that may be. */
#define SL_PROVIDER_MESSAGES(X)                                                              \
	X(HELLO, "hello", "message protocol version", "name")                                \
	X(STARTED, "filterStarted", "message", "error") /* startFilter's handler */          \
	X(STOPPED, "filterStopped", "message", "")      /* stopFilter's */                   \
	X(ASLEEP, "asleep", "message", "")              /* sleep's */                        \
	X(VERDICT, "verdict", "message flow question verdict", "")                           \
	X(RESUME, "resumeFlow", "message flow verdict", "")                                  \
	X(UPDATE, "updateFlow", "message flow verdict", "direction") /* no direction: any */ \
	X(APPLY, "apply", "message", "settings") /* null or absent: the defaults are back */ \
	X(LOG, "log", "message text", "")
enum sl_provider_message_kind {
#define X(name, text, needed, keys) SL_PROVIDER_##name,
	SL_PROVIDER_MESSAGES(X)
#undef X
	        SL_PROVIDER_KINDS
};

/* Which members mean something is said by the keys of its kind. Texts are borrowed from json. */
struct sl_provider_message {
	enum sl_provider_message_kind kind;
	uint64_t flow, question, version;
	enum sl_ne_direction direction;
	struct sl_ne_verdict verdict; /* its class is that of the callback that it answers */
	const char *name, *text;      /* text: of log; of filterStarted, NULL where it did not fail */
	struct sl_ne_scenario_settings *settings; /* NULL: nil */
	json_t *json;
};

/* The first message of a stream: its object, without the length. SL_OK; SL_EMORE; SL_ELIMIT where it is longer than it may be, SL_EMALF
 * where it is empty. */
int sl_provider_frame(struct sl_bytes stream, struct sl_bytes *out);
/* number  of the message on its connection, for diag, which is told once where it fails: what is wrong, and what to write instead.
 * SL_OK, and out is freed with sl_provider_message_free(); SL_EMALF. */
int sl_provider_message_read(struct sl_bytes object, unsigned number, const struct sl_diag *diag,
                             struct sl_provider_message *out);
void sl_provider_message_free(struct sl_provider_message *message);
/* Static text. */
const char *sl_provider_kind_name(enum sl_provider_message_kind kind);

/* ---- to a provider: each appends one object ---- */

/* deadline  for its verdicts; 0: none */
void sl_provider_say_hello(struct sl_out *o, enum sl_ne_platform platform, struct sl_span deadline,
                           enum sl_ne_late late);
/* Of startFilter, handleRulesChanged, sleep, wake. */
void sl_provider_say(struct sl_out *o, const char *message);
void sl_provider_say_stop(struct sl_out *o, enum sl_ne_stop_reason reason);
void sl_provider_say_configuration(struct sl_out *o, bool filter_sockets, struct sl_bytes vendor);
void sl_provider_say_new_flow(struct sl_out *o, uint64_t flow, uint64_t question,
                              const struct sl_ne_flow_info *info);
/* scratch  SL_PROVIDER_BYTES_MAX bytes. Without bytes where their content is not known. info: for a host's name that the flow's
 * bytes have told. */
void sl_provider_say_data(struct sl_out *o, enum sl_ne_event callback, uint64_t flow, uint64_t question,
                          const struct sl_ne_flow_info *info, const struct sl_ne_read_bytes *bytes,
                          uint8_t *scratch);
void sl_provider_say_complete(struct sl_out *o, enum sl_ne_event callback, uint64_t flow, uint64_t question);
void sl_provider_say_report(struct sl_out *o, uint64_t flow, const struct sl_ne_report *report);
void sl_provider_say_released(struct sl_out *o, uint64_t flow);
/* apply's handler; error SL_OK or why they were not applied. */
void sl_provider_say_applied(struct sl_out *o, int error);
/* A move that changed nothing, and why. flow 0: it is the filter's. */
void sl_provider_say_ignored(struct sl_out *o, uint64_t flow, enum sl_provider_message_kind of,
                             const char *why);
/* The last one before the connection is closed. */
void sl_provider_say_error(struct sl_out *o, const char *text);

#endif
