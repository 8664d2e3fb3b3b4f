/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/cli/provider.h"

#include <fcntl.h>
#include <stdio.h>

#include "daemon/cli/cli.h"
#include "daemon/ctl_socket.h"
#include "daemon/ne_replay.h"
#include "daemon/provider_external.h"

static void say(void *ctx, bool trouble, const char *text)
{
	(void)ctx, (void)trouble;
	(void)fprintf(stderr, "%s\n", text);
}

/* For the owner of the process alone. */
static int listen_for(const char *path, const struct sl_ne_scenario *scenario, struct sl_ctl_socket *socket,
                      struct sl_ne_source **out)
{
	static const struct sl_ctl_socket_kind kind = { "provider's socket", 0600, (gid_t)-1 };
	struct sl_provider_config config = { .listen = -1,
		                             .options = scenario->options,
		                             .buffer = (size_t)4 * SL_PROVIDER_BUFFER_MIN,
		                             .say = say };
	int err = sl_ctl_socket_open(path, &kind, &sl_cli_diag, socket);
	config.options.max_flows = (uint32_t)scenario->flows + 1;
	if (err != SL_OK)
		return SL_EINVAL; /* it was told why */
	config.listen = fcntl(socket->fd, F_DUPFD_CLOEXEC, 0);
	return config.listen < 0 ? SL_ESYS : sl_provider_external_new(&config, out);
}

int sl_cli_play_provider(const char *path, const struct sl_ne_scenario *scenario, const char *provider)
{
	struct sl_ctl_socket socket = { .fd = -1 };
	struct sl_ne_source *external = NULL;
	int err = listen_for(provider, scenario, &socket, &external);
	if (err == SL_OK)
		err = sl_ne_replay_provider(path, scenario, &sl_cli_diag, external, stdout);
	if (external != NULL)
		external->close(external);
	sl_ctl_socket_close(&socket);
	return err;
}
