/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/cli/flow_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static FILE *open_log(const struct sl_cli *cli, const char *command)
{
	struct sl_conf *conf = NULL;
	if (cli->log != NULL && strcmp(cli->log, "-") == 0)
		return stdin;
	int err = cli->log == NULL ? sl_cli_conf(cli, &conf) : SL_OK;
	if (err != SL_OK && err != SL_ENOENT)
		return NULL;
	const char *path = cli->log != NULL ? cli->log
	                   : conf != NULL   ? conf->flow_log
	                                    : SL_CLI_DEFAULT(flow_log);
	FILE *f = path[0] == '\0' ? NULL : fopen(path, "re");
	if (path[0] == '\0')
		sl_cli_error(
		        "%s: the option flow_log is empty: nothing was written down; set it, or name a log "
		        "with --log",
		        command);
	else if (f == NULL)
		sl_cli_error("%s: %s: %s; name the log with --log", command, path, strerror(errno));
	sl_conf_free(&conf);
	return f;
}

int sl_cli_flow_file(const struct sl_cli *cli, const char *command,
                     bool (*each)(void *ctx, const json_t *record), void *ctx, uint64_t *unreadable)
{
	FILE *f = open_log(cli, command);
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	bool more = true;
	*unreadable = 0;
	if (f == NULL)
		return SL_ENOENT;
	while (more && (n = getline(&line, &cap, f)) > 0) {
		json_t *record = json_loadb(line, (size_t)n, 0, NULL);
		if (json_is_object(record))
			more = each(ctx, record);
		else
			(*unreadable)++;
		json_decref(record);
	}
	free(line);
	if (f != stdin)
		(void)fclose(f);
	return SL_OK;
}

static const char *in(const json_t *record, const char *object, const char *member)
{
	return json_string_value(json_object_get(json_object_get(record, object), member));
}

const char *sl_cli_flow_name(const json_t *record)
{
	const char *name = in(record, "tls", "sni");
	if (name == NULL)
		name = in(record, "quic", "sni");
	if (name == NULL)
		name = in(record, "http", "hostname");
	if (name == NULL)
		name = in(record, "dns", "rrname");
	return name == NULL ? in(record, "sluice", "name") : name;
}
