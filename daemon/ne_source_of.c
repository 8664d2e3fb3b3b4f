/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ne_source_of.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "daemon/file.h"
#include "daemon/log.h"
#include "daemon/ne_live.h"
#include "daemon/provider_external.h"

unsigned sl_ne_source_needs(enum sl_provider_kind kind)
{
	return kind == SL_PROVIDER_SCRIPTED || kind == SL_PROVIDER_EXTERNAL ? SL_NE_NEEDS_ALL : 0;
}

static void say(void *ctx, bool trouble, const char *text)
{
	(void)ctx;
	sl_log(trouble ? SL_LOG_WARN : SL_LOG_INFO, "%s", text);
}

static int open_external(const struct sl_conf *conf, int listen, struct sl_ne_source **out)
{
	const struct sl_provider_config config = { .listen = listen,
		                                   .options = sl_ne_live_options(conf),
		                                   .buffer = (size_t)conf->provider_buffer,
		                                   .say = say };
	return sl_provider_external_new(&config, out);
}

int sl_ne_source_open(const struct sl_conf *conf, int fd, const struct sl_diag *diag,
                      struct sl_ne_source **out)
{
	struct sl_bytes text;
	if (conf->provider == SL_PROVIDER_EXTERNAL)
		return open_external(conf, fd, out);
	const char *name = conf->provider_file;
	int err = sl_file_read(fd, &text);
	if (err == SL_ESYS)
		sl_diag(diag, name, 0, "cannot read it: %s", strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	if (err != SL_OK)
		return err;
	err = conf->provider == SL_PROVIDER_RULES ? sl_ne_source_rules(name, text, diag, out)
	                                          : sl_ne_source_scripted(name, text, diag, out);
	sl_file_free(&text);
	return err;
}
