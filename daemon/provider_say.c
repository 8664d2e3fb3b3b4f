/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <nettle/base64.h>

#include "base/err.h"
#include "base/json.h"
#include "daemon/ne_field.h"
#include "daemon/provider_message.h"

static void begin(struct sl_out *o, const char *message)
{
	sl_out_u8(o, '{');
	sl_ne_field_word(o, "message", message);
}

static void end(struct sl_out *o)
{
	sl_out_u8(o, '}');
}

void sl_provider_say(struct sl_out *o, const char *message)
{
	begin(o, message);
	end(o);
}

void sl_provider_say_hello(struct sl_out *o, enum sl_ne_platform platform, struct sl_span deadline,
                           enum sl_ne_late late)
{
	static const char *const platforms[] = { "gateway", "macos", "ios" };
	begin(o, "hello");
	sl_ne_field_word(o, "protocol", SL_PROVIDER_PROTOCOL);
	sl_json_field_u64(o, "version", SL_PROVIDER_VERSION);
	sl_ne_field_word(o, "platform", platforms[platform]);
	if (deadline.us > 0)
		sl_json_field_u64(o, "deadline", (uint64_t)deadline.us);
	sl_ne_field_word(o, "late", late == SL_NE_LATE_ALLOW ? "allow" : "drop");
	end(o);
}

void sl_provider_say_stop(struct sl_out *o, enum sl_ne_stop_reason reason)
{
	begin(o, "stopFilter");
	sl_ne_field_word(o, "reason", sl_ne_stop_reason_name(reason));
	end(o);
}

void sl_provider_say_configuration(struct sl_out *o, bool filter_sockets, struct sl_bytes vendor)
{
	begin(o, "filterConfiguration");
	sl_ne_field_bool(o, "filterSockets", filter_sockets);
	if (vendor.p != NULL)
		sl_json_field_str(o, "vendorConfiguration", sl_bytes_first(vendor, SL_PROVIDER_SPEC_MAX / 8));
	end(o);
}

static void begin_of_flow(struct sl_out *o, const char *message, uint64_t flow)
{
	begin(o, message);
	sl_json_field_u64(o, "flow", flow);
}

static void begin_question(struct sl_out *o, enum sl_ne_event callback, uint64_t flow, uint64_t question)
{
	begin_of_flow(o, sl_ne_event_name(callback), flow);
	sl_json_field_u64(o, "question", question);
}

void sl_provider_say_new_flow(struct sl_out *o, uint64_t flow, uint64_t question,
                              const struct sl_ne_flow_info *info)
{
	begin_question(o, SL_NE_EVENT_NEW_FLOW, flow, question);
	sl_ne_field_flow(o, info);
	end(o);
}

static bool is_known(struct sl_ne_read_bytes bytes)
{
	struct sl_bytes piece;
	while (sl_ne_read_bytes_next(&bytes, &piece))
		if (piece.p == NULL && piece.len > 0)
			return false;
	return true;
}

static void field_bytes(struct sl_out *o, const struct sl_ne_read_bytes *bytes, uint8_t *scratch)
{
	size_t n = sl_ne_read_bytes_copy(bytes, scratch, SL_PROVIDER_BYTES_MAX);
	size_t len = BASE64_ENCODE_RAW_LENGTH(n);
	sl_json_key(o, "bytes");
	sl_out_u8(o, '"');
	if (o->overflow || len > o->cap - o->len) {
		o->overflow = true;
		return;
	}
	base64_encode_raw((char *)o->p + o->len, n, scratch);
	o->len += len;
	sl_out_u8(o, '"');
}

void sl_provider_say_data(struct sl_out *o, enum sl_ne_event callback, uint64_t flow, uint64_t question,
                          const struct sl_ne_flow_info *info, const struct sl_ne_read_bytes *bytes,
                          uint8_t *scratch)
{
	begin_question(o, callback, flow, question);
	if (info->hostname_origin == SL_NE_HOSTNAME_SNIFFED)
		sl_ne_field_hostname(o, info);
	sl_json_field_u64(o, "offset", bytes->start_offset);
	sl_json_field_u64(o, "len", bytes->len);
	if (bytes->attribute != 0)
		sl_json_field_u64(o, "attribute", bytes->attribute);
	if (is_known(*bytes))
		field_bytes(o, bytes, scratch);
	end(o);
}

void sl_provider_say_complete(struct sl_out *o, enum sl_ne_event callback, uint64_t flow, uint64_t question)
{
	begin_question(o, callback, flow, question);
	end(o);
}

void sl_provider_say_report(struct sl_out *o, uint64_t flow, const struct sl_ne_report *report)
{
	begin_of_flow(o, "handleReport", flow);
	sl_ne_field_report(o, report);
	end(o);
}

void sl_provider_say_released(struct sl_out *o, uint64_t flow)
{
	begin_of_flow(o, "flowReleased", flow);
	end(o);
}

void sl_provider_say_applied(struct sl_out *o, int error)
{
	begin(o, sl_ne_event_name(SL_NE_EVENT_SETTINGS));
	if (error != SL_OK)
		sl_ne_field_word(o, "error", sl_strerror(error));
	end(o);
}

void sl_provider_say_ignored(struct sl_out *o, uint64_t flow, enum sl_provider_message_kind of,
                             const char *why)
{
	begin(o, "ignored");
	if (flow != 0)
		sl_json_field_u64(o, "flow", flow);
	sl_ne_field_word(o, "of", sl_provider_kind_name(of));
	sl_ne_field_word(o, "why", why);
	end(o);
}

void sl_provider_say_error(struct sl_out *o, const char *text)
{
	begin(o, "error");
	sl_ne_field_text(o, "text", text, SL_PROVIDER_SPEC_MAX / 8);
	end(o);
}
