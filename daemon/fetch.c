/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/fetch.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/out.h"
#include "base/util.h"
#include "daemon/clock.h"
#include "daemon/compile_source.h"
#include "daemon/minisign.h"
#include "daemon/version.h"

enum { AT_ONCE = 4, REDIRECTS = 5, CONNECT_MS = 30000, TELL_MS = 100, WAIT_MS = 200, URL = 4096 };

/* One list on its way: first its text, then its signature. */
struct transfer {
	const struct sl_fetch_list *list;
	uint64_t number;
	int ipc;
	CURL *easy;
	struct curl_slist *headers;
	bool is_signature;
	int fd;
	uint64_t max, written;
	int wrote_errno;
	bool too_large, outside,
	        forbidden; /* outside: it began at a public address; forbidden: it was led to another kind */
	bool began;
	char *etag, *modified;
	int64_t told_ms;
	char error[CURL_ERROR_SIZE], url[URL];
};

static void say(const struct transfer *t, enum sl_ipc_type type, json_t *what)
{
	char *text = what == NULL ? NULL : json_dumps(what, JSON_COMPACT);
	(void)sl_ipc_send(t->ipc, type, t->number, sl_bytes_str(text == NULL ? "null" : text), NULL, 0, 0);
	free(text);
	json_decref(what);
}

static void fail(const struct transfer *t, const char *why)
{
	char *text = NULL;
	if (asprintf(&text, "%s: %s", t->url, why) < 0)
		text = NULL;
	say(t, SL_IPC_FETCHED, json_pack("{s:s}", "error", text == NULL ? why : text));
	free(text);
}

static size_t on_bytes(char *p, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;
	size_t len = size * n, done = 0;
	t->too_large = len > t->max - t->written;
	while (!t->too_large && done < len) {
		ssize_t some = write(t->fd, p + done, len - done);
		if (some < 0 && errno == EINTR)
			continue;
		if (some <= 0) {
			t->wrote_errno = errno;
			return 0;
		}
		done += (size_t)some;
	}
	t->written += done;
	return t->too_large ? 0 : len;
}

static int on_progress(void *ctx, curl_off_t total, curl_off_t done, curl_off_t up_total, curl_off_t up_done)
{
	struct transfer *t = ctx;
	int64_t now = sl_clock_now_ms();
	(void)up_total;
	(void)up_done;
	if (!t->is_signature && now - t->told_ms >= TELL_MS) {
		t->told_ms = now;
		say(t, SL_IPC_FETCHING,
		    json_pack("{s:I, s:I}", "done", (json_int_t)done, "total", (json_int_t)total));
	}
	return 0;
}

static bool is_inside4(uint32_t a)
{
	return a >> 24 == 127 || a >> 24 == 10 || a >> 24 == 0 || a >> 20 == 0xac1 || a >> 16 == 0xc0a8 ||
	       a >> 16 == 0xa9fe || a >> 22 == 0x64400000 >> 22;
}

/* Addresses that mean something else to everybody: loopback, private, link-local. */
static bool is_inside(const struct sockaddr *a)
{
	if (a->sa_family == AF_INET)
		return is_inside4(ntohl(((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr));
	const uint8_t *p = ((const struct sockaddr_in6 *)(const void *)a)->sin6_addr.s6_addr;
	if (IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)p))
		return is_inside4((uint32_t)p[12] << 24 | (uint32_t)p[13] << 16 | (uint32_t)p[14] << 8 |
		                  p[15]);
	return (p[0] & 0xfe) == 0xfc || (p[0] == 0xfe && (p[1] & 0xc0) == 0x80) ||
	       IN6_IS_ADDR_LOOPBACK((const struct in6_addr *)(const void *)p) ||
	       IN6_IS_ADDR_UNSPECIFIED((const struct in6_addr *)(const void *)p);
}

/* A publisher who redirects us to a machine behind the gateway would have it asked from the inside. */
static curl_socket_t on_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct transfer *t = ctx;
	long redirects = 0;
	(void)purpose;
	(void)curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_COUNT, &redirects);
	if (redirects == 0 && !t->began)
		t->outside = !is_inside(&a->addr);
	t->began = true;
	if (redirects > 0 && t->outside && is_inside(&a->addr)) {
		t->forbidden = true;
		return CURL_SOCKET_BAD;
	}
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static void add_header(struct transfer *t, const char *name, const char *value)
{
	char *line = NULL;
	if (value == NULL || asprintf(&line, "%s: %s", name, value) < 0)
		return;
	struct curl_slist *more = curl_slist_append(t->headers, line);
	t->headers = more == NULL ? t->headers : more;
	free(line);
}

/* The signature stands beside the list: its name ends before the query. */
static void set_url(struct transfer *t)
{
	size_t path = strcspn(t->list->url, "?#");
	struct sl_out o = sl_out_of(t->url, sizeof(t->url) - 1);
	sl_out_bytes(&o, t->list->url, path);
	if (t->is_signature)
		sl_out_str(&o, SL_SIGNATURE_SUFFIX);
	sl_out_str(&o, t->list->url + path);
	t->url[o.len] = '\0';
}

static void set_limits(struct transfer *t, int64_t limit_ms)
{
	CURL *e = t->easy;
	(void)curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)limit_ms);
	(void)curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)sl_min((uint64_t)limit_ms, CONNECT_MS));
	(void)curl_easy_setopt(e, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)t->max);
	(void)curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	/* Who was asked over TLS is not to send us where anybody can change the list. */
	(void)curl_easy_setopt(e, CURLOPT_REDIR_PROTOCOLS_STR,
	                       strncasecmp(t->url, "https:", 6) == 0 ? "https" : "http,https");
	(void)curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 1L);
	(void)curl_easy_setopt(e, CURLOPT_MAXREDIRS, (long)REDIRECTS);
	(void)curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
	(void)curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L);
	(void)curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
}

static void set_callbacks(struct transfer *t)
{
	CURL *e = t->easy;
	(void)curl_easy_setopt(e, CURLOPT_PRIVATE, t);
	(void)curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->error);
	(void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_bytes);
	(void)curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
	(void)curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_socket);
	(void)curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, t);
	(void)curl_easy_setopt(e, CURLOPT_XFERINFOFUNCTION, on_progress);
	(void)curl_easy_setopt(e, CURLOPT_XFERINFODATA, t);
	(void)curl_easy_setopt(e, CURLOPT_NOPROGRESS, 0L);
}

static int begin(struct transfer *t, CURLM *multi, int64_t limit_ms)
{
	t->easy = curl_easy_init();
	if (t->easy == NULL)
		return SL_ENOMEM;
	t->fd = t->is_signature ? t->list->signature : t->list->fd;
	t->max = t->is_signature ? SL_MINISIGN_MAX : t->list->max;
	t->written = 0;
	t->began = false;
	set_url(t);
	set_limits(t, limit_ms);
	set_callbacks(t);
	if (!t->is_signature) {
		add_header(t, "If-None-Match", t->list->etag);
		add_header(t, "If-Modified-Since", t->list->modified);
	}
	(void)curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
	(void)curl_easy_setopt(t->easy, CURLOPT_USERAGENT, "sluice/" SL_VERSION);
	(void)curl_easy_setopt(t->easy, CURLOPT_URL, t->url);
	return curl_multi_add_handle(multi, t->easy) == CURLM_OK ? SL_OK : SL_ENOMEM;
}

static void end(struct transfer *t, CURLM *multi)
{
	(void)curl_multi_remove_handle(multi, t->easy);
	curl_easy_cleanup(t->easy);
	curl_slist_free_all(t->headers);
	t->easy = NULL;
	t->headers = NULL;
}

/* Why what came is not what was wanted; NULL: it is. */
static const char *trouble(struct transfer *t, CURLcode code, long status, char *text, size_t cap)
{
	if (t->forbidden)
		return "it was redirected from a public address to a private one";
	if (t->too_large || code == CURLE_FILESIZE_EXCEEDED)
		(void)snprintf(text, cap, "it is larger than %s allows (%" PRIu64 " bytes)",
		               t->is_signature ? "a signature" : "max_size", t->max);
	else if (t->wrote_errno != 0)
		(void)snprintf(text, cap, "it cannot be written: %s", strerror(t->wrote_errno));
	else if (code == CURLE_OPERATION_TIMEDOUT)
		(void)snprintf(text, cap, "not done in time: %s", t->error);
	else if (code != CURLE_OK)
		(void)snprintf(text, cap, "%s", t->error[0] != '\0' ? t->error : curl_easy_strerror(code));
	else if (status != 200 && (status != 304 || t->is_signature))
		(void)snprintf(text, cap, "the server answers %ld", status);
	else if (status == 200 && t->written == 0)
		return "the server sent nothing";
	else
		return NULL;
	return text;
}

static char *header_of(const struct transfer *t, const char *name)
{
	struct curl_header *h = NULL;
	if (curl_easy_header(t->easy, name, 0, CURLH_HEADER, -1, &h) != CURLHE_OK)
		return NULL;
	return strdup(h->value);
}

static void set_text(json_t *to, const char *name, const char *text)
{
	if (text != NULL)
		(void)json_object_set_new(to, name, json_string(text));
}

/* True: the signature is to be fetched now. */
static bool conclude(struct transfer *t, CURLcode code)
{
	char text[512];
	long status = 0;
	(void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	const char *why = trouble(t, code, status, text, sizeof(text));
	if (why != NULL) {
		fail(t, why);
		return false;
	}
	if (status == 304) {
		say(t, SL_IPC_FETCHED, json_pack("{s:b}", "same", 1));
		return false;
	}
	if (!t->is_signature) {
		t->etag = header_of(t, "ETag");
		t->modified = header_of(t, "Last-Modified");
	}
	if (!t->is_signature && t->list->signature >= 0)
		return true;
	json_t *done = json_object();
	set_text(done, "etag", t->etag);
	set_text(done, "modified", t->modified);
	say(t, SL_IPC_FETCHED, done);
	return false;
}

/* A place is free again, or goes on with the signature. */
static void on_done(struct transfer *t, CURLM *multi, CURLcode code, int64_t limit_ms)
{
	bool more = conclude(t, code);
	end(t, multi);
	t->is_signature = more;
	if (more && begin(t, multi, limit_ms) != SL_OK) {
		fail(t, sl_strerror(SL_ENOMEM));
		more = false;
	}
	if (!more) {
		free(t->etag);
		free(t->modified);
		*t = (struct transfer){ .list = NULL };
	}
}

static void fill(const struct sl_fetch_request *r, struct transfer *place, CURLM *multi, int ipc,
                 size_t *next)
{
	for (size_t i = 0; i < AT_ONCE && *next < r->lists; i++) {
		if (place[i].list != NULL)
			continue;
		place[i] = (struct transfer){ .list = &r->list[*next], .number = *next, .ipc = ipc };
		(*next)++;
		if (begin(&place[i], multi, r->limit_ms) != SL_OK) {
			fail(&place[i], sl_strerror(SL_ENOMEM));
			place[i] = (struct transfer){ .list = NULL };
		}
	}
}

static void collect(CURLM *multi, int64_t limit_ms)
{
	struct transfer *t = NULL;
	CURLMsg *m;
	int left;
	while ((m = curl_multi_info_read(multi, &left)) != NULL) {
		CURLcode code = m->data.result;
		if (m->msg == CURLMSG_DONE &&
		    curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t) == CURLE_OK)
			on_done(t, multi, code, limit_ms);
	}
}

static bool is_busy(const struct transfer *place)
{
	for (size_t i = 0; i < AT_ONCE; i++)
		if (place[i].list != NULL)
			return true;
	return false;
}

int sl_fetch_run(const struct sl_fetch_request *r, int ipc)
{
	struct transfer *place = calloc(AT_ONCE, sizeof(*place));
	CURLM *multi = curl_multi_init();
	size_t next = 0;
	int running = 0;
	CURLMcode code = place == NULL || multi == NULL ? CURLM_OUT_OF_MEMORY : CURLM_OK;
	while (code == CURLM_OK) {
		fill(r, place, multi, ipc, &next);
		if (!is_busy(place))
			break;
		code = curl_multi_perform(multi, &running);
		collect(multi, r->limit_ms);
		if (code == CURLM_OK && running > 0)
			code = curl_multi_poll(multi, NULL, 0, WAIT_MS, NULL);
	}
	(void)curl_multi_cleanup(multi);
	free(place);
	return code == CURLM_OK ? SL_OK : SL_ESYS;
}
