/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon.c - what the subcommands share: the configuration, and the way to the daemon that it names. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/cli/cli.h"
#include "daemon/conf_opt.h"
#include "daemon/conf_value.h"
#include "daemon/ctl.h"

const struct sl_cli_defaults sl_cli_defaults = {
#define SL_OPT(name, type, def, min, max, live, doc) .name = (def),
#define SL_CHOICE(name, def, words, live, doc)       .name = (def),
#include "daemon/conf.def"
#undef SL_OPT
#undef SL_CHOICE
};

void sl_cli_error(const char *fmt, ...)
{
	va_list ap;

	(void)fputs("sluice: ", stderr);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
}

static void emit(void *ctx, const char *file, unsigned line, const char *text)
{
	(void)ctx;
	if (file == NULL)
		sl_cli_error("%s", text);
	else if (line == 0)
		sl_cli_error("%s: %s", file, text);
	else
		sl_cli_error("%s:%u: %s", file, line, text);
}

const struct sl_diag sl_cli_diag = { emit, NULL };

/* The whole of a file, in memory of the caller's. */
static int read_text(const char *path, char **text, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t cap = 0, have = 0;
	char *p = NULL;
	ssize_t n = fd < 0 ? -1 : 1;

	while (n > 0) {
		if (have == cap) {
			cap = cap == 0 ? 16384 : 2 * cap;
			char *more = (char *)realloc(p, cap);
			if (more == NULL) {
				errno = ENOMEM;
				n = -1;
				break;
			}
			p = more;
		}
		n = read(fd, p + have, cap - have);
		have += n > 0 ? (size_t)n : 0;
	}
	int saved = errno;
	if (fd >= 0)
		(void)close(fd);
	if (n < 0) {
		free(p);
		errno = saved;
		return SL_ESYS;
	}
	*text = p;
	*len = have;
	return SL_OK;
}

static int read_conf(const struct sl_cli *cli, struct sl_conf **out)
{
	char *text = NULL;
	size_t len = 0;

	int err = read_text(sl_cli_conf_path(cli), &text, &len);
	if (err != SL_OK && errno == ENOENT && cli->config == NULL)
		return SL_ENOENT;
	if (err != SL_OK) {
		sl_cli_error("%s: the configuration cannot be read: %s; name another one with --config",
		             sl_cli_conf_path(cli), strerror(errno));
		return err;
	}
	err = sl_conf_read(sl_cli_conf_path(cli), sl_bytes_of(text, len), &sl_cli_diag, out);
	free(text);
	return err;
}

int sl_cli_memory(const struct sl_cli *cli, const char *command, uint64_t least, uint64_t *out)
{
	const struct sl_conf_opt opt = {
		.name = "memory", .type = SL_CONF_size, .min = (int64_t)least, .max = INT64_MAX
	};
	char why[SL_CONF_WHY_MAX] = "";
	if (cli->memory == NULL || sl_conf_value_read(&opt, cli->memory, "/", out, why) == SL_OK)
		return SL_OK;
	sl_cli_error("%s: --memory %s: a size is expected, as 512MiB, of at least %llu MiB", command,
	             cli->memory, (unsigned long long)(least >> 20));
	return SL_EINVAL;
}

int sl_cli_word(const char *command, const char *option, const char *text, const char *const *words, int n)
{
	for (int i = 0; i < n; i++)
		if (strcmp(text, words[i]) == 0)
			return i;
	sl_cli_error("%s: --%s %s: say %s%s%s%s%s%s%s", command, option, text, words[0], n > 3 ? ", " : "",
	             n > 3 ? words[1] : "", n > 2 ? ", " : "", n > 2 ? words[n - 2] : "", " or ",
	             words[n - 1]);
	return -1;
}

bool sl_cli_profile(const struct sl_cli *cli, const char *command, enum sl_profile *profile,
                    enum sl_suburl_www *www)
{
	static const char *const words[] = { "strip", "keep", "both" };
	const char *profiles[SL_PROFILE_BOTH + 1];
	for (int i = 0; i <= SL_PROFILE_BOTH; i++)
		profiles[i] = sl_profile_name((enum sl_profile)i);
	int is = cli->profile == NULL
	                 ? 0
	                 : sl_cli_word(command, "profile", cli->profile, profiles, SL_PROFILE_BOTH + 1);
	int how = cli->www == NULL ? SL_WWW_KEEP : sl_cli_word(command, "www", cli->www, words, 3);
	if (is == SL_PROFILE_NATIVE && cli->www != NULL) {
		sl_cli_error(
		        "%s: --www goes with --profile ne26, ne27 or both; the gateway takes www. as it is",
		        command);
		return false;
	}
	*profile = (enum sl_profile)(is < 0 ? 0 : is);
	*www = (enum sl_suburl_www)(how < 0 ? 0 : how);
	return is >= 0 && how >= 0;
}

const char *sl_cli_conf_path(const struct sl_cli *cli)
{
	return cli->config == NULL ? "/etc/sluice/sluice.yaml" : cli->config;
}

int sl_cli_conf(const struct sl_cli *cli, struct sl_conf **out)
{
	static int failed =
	        SL_OK; /* what is wrong is told once, also when a command comes back for the lists */

	if (failed == SL_OK)
		failed = read_conf(cli, out);
	return failed;
}

void sl_cli_control_path(const struct sl_cli *cli, char path[SL_CLI_PATH])
{
	const char *found = cli->control;
	struct sl_conf *conf = NULL;

	if (found == NULL && sl_cli_conf(cli, &conf) == SL_OK)
		found = conf->control;
	if (found == NULL)
		found = SL_CLI_DEFAULT(control);
	(void)snprintf(path, SL_CLI_PATH, "%s", found);
	sl_conf_free(&conf);
}

int sl_cli_call(const struct sl_cli *cli, json_t *request, int timeout_ms, char path_out[SL_CLI_PATH],
                json_t **reply)
{
	sl_cli_control_path(cli, path_out);
	return request == NULL ? SL_ENOMEM : sl_ctl_call(path_out, request, timeout_ms, reply);
}

void sl_cli_call_failed(const char *command, const char *path, int err)
{
	switch (err) {
	case SL_ENOENT:
		sl_cli_error("%s: sluiced is not running: nobody listens on %s; start it with: systemctl "
		             "start sluiced",
		             command, path);
		break;
	case SL_EPERM:
		sl_cli_error("%s: no permission to use %s; try again as root", command, path);
		break;
	case SL_ETIME:
		sl_cli_error("%s: sluiced does not answer on %s in time; see: journalctl -u sluiced", command,
		             path);
		break;
	case SL_EMALF:
		sl_cli_error("%s: sluiced ended the connection on %s without an answer; try again", command,
		             path);
		break;
	default:
		sl_cli_error("%s: %s cannot be used: %s", command, path,
		             err == SL_ESYS ? strerror(errno) : sl_strerror(err));
	}
}

int sl_cli_refused(const json_t *reply, int otherwise)
{
	const char *code = json_string_value(json_object_get(reply, "code"));

	return code != NULL && strcmp(code, "denied") == 0 ? SL_EXIT_DENIED : otherwise;
}

int sl_cli_outcome(const char *command, const char *path, int err, const json_t *reply)
{
	if (err != SL_OK) {
		sl_cli_call_failed(command, path, err);
		return err == SL_ENOENT  ? SL_EXIT_NOT_RUNNING
		       : err == SL_EPERM ? SL_EXIT_DENIED
		                         : SL_EXIT_ERROR;
	}
	if (json_is_true(json_object_get(reply, "ok")))
		return SL_EXIT_OK;
	sl_cli_error("%s: %s", command, sl_cli_reply_error(reply));
	return sl_cli_refused(reply, SL_EXIT_NO);
}

int sl_cli_ask(const struct sl_cli *cli, const char *command, json_t *request, int timeout_ms, json_t **reply)
{
	char path[SL_CLI_PATH];
	int err = sl_cli_call(cli, request, timeout_ms, path, reply);

	json_decref(request);
	return sl_cli_outcome(command, path, err, *reply);
}

const char *sl_cli_reply_error(const json_t *reply)
{
	const char *text = json_string_value(json_object_get(reply, "error"));
	return text != NULL ? text : "sluiced refused, without a reason";
}
