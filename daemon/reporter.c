/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/reporter.h"

#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/clock.h"
#include "daemon/ipc.h"
#include "daemon/metrics_text.h"

enum { TICK_MS = 250, TEXT_MAX = 16 << 20, CLIENT_MEMORY = 16384 };

struct place {
	struct MHD_Connection *connection; /* NULL: free */
	struct sl_mono since;
};

struct reporter {
	int ipc;
	bool alone; /* the supervisor is gone */
	struct sl_ipc_msg msg;
	uint64_t asked; /* number of the last question */
	char *text;     /* the last answer; NULL: there was none in time */
	size_t len;
	struct sl_mono ask_at; /* no sooner */
	struct place place[SL_REPORTER_CLIENTS];
	struct MHD_Response *no_text, *not_found, *no_method;
};

/* ---- the supervisor ---- */

static void keep_text(struct reporter *r, int fd)
{
	struct stat st;
	size_t got = 0;

	if (fstat(fd, &st) != 0 || st.st_size < 1 || st.st_size > TEXT_MAX)
		return;
	char *text = malloc((size_t)st.st_size);
	while (text != NULL && got < (size_t)st.st_size) {
		ssize_t n = pread(fd, text + got, (size_t)st.st_size - got, (off_t)got);
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	free(r->text);
	r->text = text;
	r->len = got;
}

/* One message, which is there. True: it was the answer to the last question. */
static bool hear(struct reporter *r)
{
	int err = sl_ipc_receive(r->ipc, &r->msg);

	r->alone = err == SL_ENOENT;
	bool answer =
	        err == SL_OK && r->msg.type == SL_IPC_METRICS && r->msg.number == r->asked && r->msg.fds == 1;
	if (answer)
		keep_text(r, r->msg.fd[0]);
	if (err == SL_OK)
		sl_ipc_close_fds(&r->msg);
	return answer;
}

/* Asks, and waits; meanwhile nobody else is served, since all want the same. */
static void ask(struct reporter *r)
{
	struct sl_mono limit = sl_mono_add(sl_clock_now(), sl_span_ms(SL_REPORTER_WAIT_MS));
	bool answered = false;

	free(sl_take(&r->text));
	if (sl_ipc_send(r->ipc, SL_IPC_METRICS, ++r->asked, SL_BYTES_LIT(""), NULL, 0, 0) != SL_OK)
		r->alone = true;
	while (!answered && !r->alone) {
		struct pollfd fd = { r->ipc, POLLIN, 0 };
		int64_t left_us = sl_mono_since(limit, sl_clock_now()).us;
		if (left_us <= 0 || poll(&fd, 1, (int)(left_us / 1000) + 1) < 0)
			break;
		if (fd.revents != 0)
			answered = hear(r);
	}
	r->ask_at = sl_mono_add(sl_clock_now(), sl_span_ms(SL_REPORTER_FRESH_MS));
}

/* ---- clients ---- */

static enum MHD_Result send_text(struct reporter *r, struct MHD_Connection *c)
{
	if (sl_mono_reached(sl_clock_now(), r->ask_at))
		ask(r);
	if (r->text == NULL)
		return MHD_queue_response(c, MHD_HTTP_SERVICE_UNAVAILABLE, r->no_text);
	struct MHD_Response *response =
	        MHD_create_response_from_buffer(r->len, r->text, MHD_RESPMEM_MUST_COPY);
	if (response == NULL)
		return MHD_NO;
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, SL_METRICS_TYPE);
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	enum MHD_Result queued = MHD_queue_response(c, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return queued;
}

/* Called when the head is there; a body is not waited for. */
static enum MHD_Result serve(void *ctx, struct MHD_Connection *c, const char *url, const char *method,
                             const char *version, const char *upload, size_t *upload_len, void **request)
{
	struct reporter *r = ctx;

	(void)version;
	(void)upload;
	(void)upload_len;
	(void)request;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return MHD_queue_response(c, MHD_HTTP_METHOD_NOT_ALLOWED, r->no_method);
	if (strcmp(url, "/metrics") != 0)
		return MHD_queue_response(c, MHD_HTTP_NOT_FOUND, r->not_found);
	return send_text(r, c);
}

static void come_or_go(void *ctx, struct MHD_Connection *c, void **socket_context,
                       enum MHD_ConnectionNotificationCode what)
{
	struct reporter *r = ctx;
	const struct MHD_Connection *wanted = what == MHD_CONNECTION_NOTIFY_STARTED ? NULL : c;

	(void)socket_context;
	for (size_t i = 0; i < SL_COUNT(r->place); i++) {
		if (r->place[i].connection != wanted)
			continue;
		r->place[i].connection = what == MHD_CONNECTION_NOTIFY_STARTED ? c : NULL;
		r->place[i].since = sl_clock_now();
		return;
	}
}

/* The library's own limit begins anew with each byte; this one does not. */
static void close_late(const struct reporter *r)
{
	struct sl_mono now = sl_clock_now();
	size_t taken = 0;

	for (size_t i = 0; i < SL_COUNT(r->place); i++)
		taken += r->place[i].connection != NULL;
	int64_t limit_ms = taken == SL_COUNT(r->place) ? SL_REPORTER_CROWDED_MS : SL_REPORTER_CLIENT_MS;
	for (size_t i = 0; i < SL_COUNT(r->place); i++) {
		struct MHD_Connection *c = r->place[i].connection;
		if (c == NULL || sl_mono_since(now, r->place[i].since).us < limit_ms * 1000)
			continue;
		const union MHD_ConnectionInfo *info =
		        MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
		if (info != NULL)
			(void)shutdown(info->connect_fd, SHUT_RDWR);
	}
}

/* ---- life ---- */

static struct MHD_Response *words(char *text)
{
	struct MHD_Response *response =
	        MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_PERSISTENT);

	if (response != NULL) {
		(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain");
		(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	}
	return response;
}

static void loop(struct reporter *r, struct MHD_Daemon *http)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(http, MHD_DAEMON_INFO_EPOLL_FD);

	while (!r->alone && info != NULL) {
		struct pollfd fd[] = { { r->ipc, POLLIN, 0 }, { info->epoll_fd, POLLIN, 0 } };
		MHD_UNSIGNED_LONG_LONG wait = TICK_MS;
		if (MHD_get_timeout(http, &wait) != MHD_YES || wait > TICK_MS)
			wait = TICK_MS;
		if (poll(fd, SL_COUNT(fd), (int)wait) < 0 && errno != EINTR)
			return;
		if (fd[0].revents != 0)
			(void)hear(r);
		(void)MHD_run(http);
		close_late(r);
	}
}

static struct MHD_Daemon *start(struct reporter *r, int listener)
{
	static char no_text[] = "sluiced did not answer in time\n";
	static char not_found[] = "there is /metrics, and nothing else\n";
	static char no_method[] = "GET and HEAD, and nothing else\n";

	r->no_text = words(no_text);
	r->not_found = words(not_found);
	r->no_method = words(no_method);
	if (r->no_text == NULL || r->not_found == NULL || r->no_method == NULL)
		return NULL;
	return MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, serve, r, MHD_OPTION_LISTEN_SOCKET, listener,
	                        MHD_OPTION_CONNECTION_LIMIT, (unsigned)SL_REPORTER_CLIENTS,
	                        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)(SL_REPORTER_CLIENT_MS / 1000),
	                        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CLIENT_MEMORY,
	                        MHD_OPTION_NOTIFY_CONNECTION, come_or_go, r, MHD_OPTION_END);
}

int sl_reporter_run(int ipc, int listener, int (*begun)(void))
{
	struct reporter *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return SL_ENOMEM;
	r->ipc = ipc;
	struct MHD_Daemon *http = start(r, listener);
	int err = http == NULL ? SL_ESYS : begun();
	if (err == SL_OK)
		loop(r, http);
	if (http != NULL)
		MHD_stop_daemon(http);
	struct MHD_Response *response[] = { r->no_text, r->not_found, r->no_method };
	for (size_t i = 0; i < SL_COUNT(response); i++)
		if (response[i] != NULL)
			MHD_destroy_response(response[i]);
	free(r->text);
	free(r);
	return err;
}
