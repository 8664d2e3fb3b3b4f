/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "daemon/fetch.h"

static int read_list(const json_t *from, const struct sl_ipc_msg *msg, unsigned *at,
                     struct sl_fetch_list *out)
{
	bool is_signed = json_is_true(json_object_get(from, "signed"));
	*out = (struct sl_fetch_list){
		.url = json_string_value(json_object_get(from, "url")),
		.etag = json_string_value(json_object_get(from, "etag")),
		.modified = json_string_value(json_object_get(from, "modified")),
		.max = (uint64_t)json_integer_value(json_object_get(from, "max")),
		.signature = -1,
	};
	if (out->url == NULL || *at + 1 + is_signed > msg->fds)
		return SL_EMALF;
	out->fd = msg->fd[(*at)++];
	if (is_signed)
		out->signature = msg->fd[(*at)++];
	return SL_OK;
}

int sl_fetch_request_read(const struct sl_ipc_msg *msg, struct sl_fetch_request *out)
{
	json_t *json = json_loadb((const char *)msg->text.p, msg->text.len, 0, NULL);
	const json_t *lists = json_object_get(json, "lists");
	unsigned at = 0;
	*out = (struct sl_fetch_request){ .json = json,
		                          .limit_ms = json_integer_value(json_object_get(json, "limit_ms")),
		                          .list = calloc(json_array_size(lists) + 1, sizeof(*out->list)),
		                          .lists = json_array_size(lists) };
	int err = out->list == NULL ? SL_ENOMEM : out->lists == 0 ? SL_EMALF : SL_OK;
	for (size_t i = 0; err == SL_OK && i < out->lists; i++)
		err = read_list(json_array_get(lists, i), msg, &at, &out->list[i]);
	if (err != SL_OK)
		sl_fetch_request_free(out);
	return err;
}

void sl_fetch_request_free(struct sl_fetch_request *r)
{
	json_decref(r->json);
	free(r->list);
	*r = (struct sl_fetch_request){ .lists = 0 };
}
