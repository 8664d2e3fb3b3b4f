/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_provider_message.c - a stream from a provider: a message that is there is the same one with more behind it, and none with less;
 * what is none says why, once; what is one has what its kind needs, and is the same when it is read again. */
#include <stdlib.h>

#include "daemon/provider_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void count(void *ctx, const char *file, unsigned line, const char *text)
{
	if (file != NULL || line != 0 || text[0] == '\0')
		abort();
	++*(unsigned *)ctx;
}

static void check_members(const struct sl_provider_message *m)
{
	bool verdict = m->kind == SL_PROVIDER_VERDICT || m->kind == SL_PROVIDER_RESUME ||
	               m->kind == SL_PROVIDER_UPDATE;
	if ((unsigned)m->kind >= SL_PROVIDER_KINDS || (unsigned)m->direction > SL_NE_OUTBOUND)
		abort();
	if (verdict && ((unsigned)m->verdict.kind >= SL_NE_VERDICT_KINDS ||
	                (m->kind == SL_PROVIDER_VERDICT && m->verdict.kind == SL_NE_VERDICT_LATER)))
		abort();
	if (m->kind == SL_PROVIDER_LOG && m->text == NULL)
		abort();
	if (m->settings != NULL && m->kind != SL_PROVIDER_APPLY)
		abort();
}

static void check_object(struct sl_bytes object)
{
	struct sl_provider_message m[2];
	unsigned errors[2] = { 0, 0 };
	int err[2];
	for (int i = 0; i < 2; i++) {
		const struct sl_diag diag = { count, &errors[i] };
		uint8_t *copy = (uint8_t *)malloc(object.len); /* its end is an end */
		if (copy == NULL || object.p == NULL)
			abort();
		memcpy(copy, object.p, object.len);
		err[i] = sl_provider_message_read(sl_bytes_of(copy, object.len), 7, &diag, &m[i]);
		free(copy);
		if (errors[i] != (err[i] != SL_OK))
			abort();
	}
	if (err[0] != err[1])
		abort();
	if (err[0] != SL_OK)
		return;
	check_members(&m[0]);
	if (m[0].kind != m[1].kind || m[0].flow != m[1].flow || m[0].question != m[1].question ||
	    m[0].verdict.kind != m[1].verdict.kind || m[0].verdict.pass_bytes != m[1].verdict.pass_bytes ||
	    (m[0].settings == NULL) != (m[1].settings == NULL))
		abort();
	sl_provider_message_free(&m[0]);
	sl_provider_message_free(&m[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_bytes rest = sl_bytes_of(data, size), object = { NULL, 0 }, again;
	while (sl_provider_frame(rest, &object) == SL_OK) {
		size_t whole = SL_PROVIDER_HEAD + object.len;
		if (object.len == 0 || object.p != rest.p + SL_PROVIDER_HEAD || whole > rest.len ||
		    sl_provider_frame(sl_bytes_first(rest, whole), &again) != SL_OK ||
		    again.len != object.len ||
		    sl_provider_frame(sl_bytes_first(rest, whole - 1), &again) != SL_EMORE)
			abort();
		check_object(object);
		rest = sl_bytes_skip(rest, whole);
	}
	return 0;
}
