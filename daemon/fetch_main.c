/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fetch_main.c - sluice-fetch --fetch UID GID, from the supervisor only: descriptor 3 leads to it. */
#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/util.h"
#include "daemon/child.h"
#include "daemon/fetch.h"
#include "daemon/log.h"

enum { IPC_FD = 3, USAGE_ERROR = 2, NICE = 5 };

/* Whatever becomes of this process, it cannot fill the memory with what it fetches. */
static void limit_files(const struct sl_fetch_request *r)
{
	uint64_t most = 0;
	for (size_t i = 0; i < r->lists; i++)
		most = r->list[i].max > most ? r->list[i].max : most;
	const struct rlimit limit = { most, most };
	(void)setrlimit(RLIMIT_FSIZE, &limit);
}

static int run(const struct sl_priv_user *user)
{
	struct sl_ipc_msg *msg = calloc(1, sizeof(*msg));
	struct sl_fetch_request request = { .lists = 0 };
	int err = msg == NULL ? SL_ENOMEM : sl_ipc_receive(IPC_FD, msg);
	if (err == SL_OK)
		err = msg->type == SL_IPC_FETCH ? sl_fetch_request_read(msg, &request) : SL_EMALF;
	if (err == SL_OK && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		err = SL_ENOMEM;
	if (err == SL_OK)
		limit_files(&request);
	if (err == SL_OK)
		err = sl_priv_drop_all(user);
	if (err == SL_OK && sl_fetch_box() != SL_OK)
		sl_log(SL_LOG_WARN,
		       "fetcher: no Landlock or no seccomp (%s): lists are fetched without it, and without "
		       "privileges",
		       strerror(errno));
	if (err == SL_OK)
		err = sl_fetch_run(&request, IPC_FD);
	if (err != SL_OK)
		sl_log(SL_LOG_ERR, "fetcher: %s", sl_strerror(err));
	sl_fetch_request_free(&request);
	free(msg);
	return err == SL_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	if (argc != 4 || strcmp(argv[1], "--fetch") != 0) {
		(void)fputs("sluice-fetch: it is for sluiced only, which starts it to fetch lists\n", stderr);
		return USAGE_ERROR;
	}
	const struct sl_priv_user user = sl_child_user(argv[2], argv[3]);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	(void)setpriority(PRIO_PROCESS, 0, NICE);
	return run(&user);
}
