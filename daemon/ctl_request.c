/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ctl_request.h"

#include "base/util.h"

static int check(json_t *root, const char **why)
{
	const json_t *version = json_object_get(root, "v");

	if (!json_is_object(root)) {
		*why = "a request is one JSON object on a line";
		return SL_EMALF;
	}
	if (!json_is_integer(version)) {
		*why = "the request has no number \"v\", the version of the protocol";
		return SL_EMALF;
	}
	if (json_integer_value(version) != 1) {
		*why = "this daemon speaks version 1 of the protocol; use the command that came with it";
		return SL_EUNSUP;
	}
	if (!json_is_string(json_object_get(root, "cmd"))) {
		*why = "the request has no text \"cmd\"";
		return SL_EMALF;
	}
	return SL_OK;
}

int sl_ctl_request_read(struct sl_bytes line, json_t **args, const char **cmd, const char **why)
{
	json_t *root = NULL;

	if (line.len > 0 && line.len <= SL_CTL_LINE_MAX)
		root = json_loadb((const char *)line.p, line.len, JSON_REJECT_DUPLICATES, NULL);
	int err = check(root, why);
	if (err == SL_OK) {
		*cmd = json_string_value(json_object_get(root, "cmd"));
		*args = sl_take(&root);
	}
	json_decref(root);
	return err;
}
