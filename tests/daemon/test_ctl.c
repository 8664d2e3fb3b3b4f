/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/util.h"

enum { RATE = 50, BURST = 20, SHARE = 4, READERS = 4242, ADMINS = 4243, OTHERS = 4244 };

/* A server in a folder of its own, and the handler that the tests ask. */
struct server {
	char folder[64], path[96];
	struct sl_ctl *ctl;
	uint64_t waiting[128]; /* who asked "later" */
	size_t waitings;
	char said[256]; /* the last diagnosis */
};

static void keep_said(void *ctx, const char *file, unsigned line, const char *text)
{
	struct server *s = ctx;
	(void)line;
	(void)snprintf(s->said, sizeof(s->said), "%s: %s", file, text);
}

static json_t *big_reply(void)
{
	static char text[4 << 20];
	memset(text, 'x', sizeof(text) - 1);
	return json_pack("{s:b, s:s}", "ok", 1, "text", text);
}

static void on_request(void *ctx, uint64_t client, const struct sl_ctl_peer *peer, const char *cmd,
                       json_t *args)
{
	struct server *s = ctx;

	if (strcmp(cmd, "echo") == 0)
		sl_ctl_reply(s->ctl, client,
		             json_pack("{s:b, s:O?}", "ok", 1, "n", json_object_get(args, "n")));
	else if (strcmp(cmd, "who") == 0)
		sl_ctl_reply(s->ctl, client, json_pack("{s:b, s:b}", "ok", 1, "change", peer->may_change));
	else if (strcmp(cmd, "big") == 0)
		sl_ctl_reply(s->ctl, client, big_reply());
	else if (strcmp(cmd, "bad text") == 0)
		sl_ctl_reply_error(s->ctl, client, "file \xff is bad");
	else if (strcmp(cmd, "subscribe") == 0) {
		sl_ctl_subscribe(s->ctl, client, (unsigned)json_integer_value(json_object_get(args, "n")));
		sl_ctl_reply(s->ctl, client, json_pack("{s:b}", "ok", 1));
	} else if (strcmp(cmd, "later") == 0)
		s->waiting[s->waitings++] = client;
	else
		sl_ctl_reply_error(s->ctl, client, "unknown command");
}

static int open_ctl(struct server *s)
{
	const struct sl_ctl_handler handler = { .ctx = s,
		                                .request = on_request,
		                                .limits = { RATE, BURST, SHARE } };
	const struct sl_diag diag = { keep_said, s };
	return sl_ctl_open(s->path, &handler, &diag, &s->ctl);
}

static int setup(struct server *s)
{
	memset(s, 0, sizeof(*s));
	(void)snprintf(s->folder, sizeof(s->folder), "/tmp/sluice-test-ctl-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	(void)chmod(s->folder, 0755);
	(void)snprintf(s->path, sizeof(s->path), "%s/run/control.sock", s->folder);
	return open_ctl(s);
}

static void teardown(struct server *s)
{
	char run[96];
	sl_ctl_close(&s->ctl);
	assert_null(s->ctl);
	(void)unlink(s->path);
	(void)snprintf(run, sizeof(run), "%s/run", s->folder);
	(void)rmdir(run);
	assert_int_equal(rmdir(s->folder), 0);
}

static int64_t now_ms(void)
{
	struct timespec ts;
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void serve(struct server *s, int ms)
{
	struct pollfd p = { sl_ctl_fd(s->ctl), POLLIN, 0 };
	while (poll(&p, 1, ms) > 0)
		sl_ctl_serve(s->ctl);
}

static int connect_to(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

/* What a client hears: the replies so far, and whether the connection ended. */
struct heard {
	char text[262144];
	size_t len;
	bool ended;
};

static void hear(int fd, struct heard *h)
{
	for (;;) {
		ssize_t n = recv(fd, h->text + h->len, sizeof(h->text) - 1 - h->len, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno == ECONNRESET))
			h->ended = true;
		if (n <= 0)
			break;
		h->len += (size_t)n;
	}
	h->text[h->len] = '\0';
}

/* Sends all in pieces while the server serves. */
static void say(struct server *s, int fd, const void *text, size_t len, size_t piece, struct heard *h)
{
	struct sl_bytes rest = sl_bytes_of(text, len);
	while (rest.len > 0) {
		ssize_t n = send(fd, rest.p, sl_min(piece, rest.len), MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0)
			rest = sl_bytes_skip(rest, (size_t)n);
		serve(s, 0);
		hear(fd, h);
		if (n < 0 && errno != EAGAIN)
			break;
	}
	serve(s, 0);
	hear(fd, h);
}

#define OK_N(n)     "{\"v\":1,\"ok\":true,\"n\":" #n "}\n"
#define ERROR(text) "{\"v\":1,\"ok\":false,\"error\":\"" text "\"}\n"
#define ECHO_N(n)   "{\"v\":1,\"cmd\":\"echo\",\"n\":" #n "}\n"

static struct talk_case {
	const char *name, *in, *out; /* replies are compared as JSON, line by line */
	bool close;                  /* the client closes its side at the end */
} talks[] = {
	{ "a request gets a reply with the version", ECHO_N(7), OK_N(7), false },
	{ "requests in one piece are answered in order", ECHO_N(1) ECHO_N(2) ECHO_N(3),
	  OK_N(1) OK_N(2) OK_N(3), false },
	{ "twenty requests at once, more than one turn",
	  ECHO_N(1) ECHO_N(2) ECHO_N(3) ECHO_N(4) ECHO_N(5) ECHO_N(6) ECHO_N(7) ECHO_N(8) ECHO_N(9) ECHO_N(10)
	          ECHO_N(11) ECHO_N(12) ECHO_N(13) ECHO_N(14) ECHO_N(15) ECHO_N(16) ECHO_N(17) ECHO_N(18)
	                  ECHO_N(19) ECHO_N(20),
	  OK_N(1) OK_N(2) OK_N(3) OK_N(4) OK_N(5) OK_N(6) OK_N(7) OK_N(8) OK_N(9) OK_N(10) OK_N(11) OK_N(12)
	          OK_N(13) OK_N(14) OK_N(15) OK_N(16) OK_N(17) OK_N(18) OK_N(19) OK_N(20),
	  false },
	{ "CRLF ends a line too", "{\"v\":1,\"cmd\":\"echo\",\"n\":4}\r\n", OK_N(4), false },
	{ "an unknown command gets an error", "{\"v\":1,\"cmd\":\"make coffee\"}\n", ERROR("unknown command"),
	  false },
	{ "an error's text of any bytes stays JSON", "{\"v\":1,\"cmd\":\"bad text\"}\n",
	  ERROR("file \\u00ff is bad"), false },
	{ "what is no JSON gets an error, and the connection goes on", "hello\n" ECHO_N(2),
	  ERROR("a request is one JSON object on a line") OK_N(2), false },
	{ "an empty line is no request", "\n" ECHO_N(2),
	  ERROR("a request is one JSON object on a line") OK_N(2), false },
	{ "an array is no request", "[1]\n", ERROR("a request is one JSON object on a line"), false },
	{ "a member that stands twice is refused", "{\"v\":1,\"v\":1,\"cmd\":\"echo\"}\n",
	  ERROR("a request is one JSON object on a line"), false },
	{ "a request without version is refused", "{\"cmd\":\"echo\"}\n",
	  ERROR("the request has no number \\\"v\\\", the version of the protocol"), false },
	{ "another version is refused", "{\"v\":2,\"cmd\":\"echo\"}\n",
	  ERROR("this daemon speaks version 1 of the protocol; use the command that came with it"), false },
	{ "a request without command is refused", "{\"v\":1,\"cmd\":5}\n",
	  ERROR("the request has no text \\\"cmd\\\""), false },
	{ "an unfinished line at the end gets no reply", ECHO_N(1) "{\"v\":1,\"cmd\":\"echo\"}", OK_N(1),
	  true },
	{ "a client that closes its side gets its replies", ECHO_N(1) ECHO_N(2), OK_N(1) OK_N(2), true },
};

static void expect_replies(const struct heard *h, const char *want)
{
	struct sl_bytes got = sl_bytes_of(h->text, h->len), expected = sl_bytes_str(want);

	while (expected.len > 0) {
		size_t n = sl_bytes_find(got, '\n'), m = sl_bytes_find(expected, '\n');
		json_t *a = json_loadb((const char *)got.p, n, 0, NULL);
		json_t *b = json_loadb((const char *)expected.p, m, 0, NULL);
		assert_non_null(b);
		if (n == got.len || !json_equal(a, b))
			fail_msg("got  %.*s\nwant %.*s", (int)n, (const char *)got.p, (int)m,
			         (const char *)expected.p);
		json_decref(a);
		json_decref(b);
		got = sl_bytes_skip(got, n + 1);
		expected = sl_bytes_skip(expected, m + 1);
	}
	assert_int_equal(got.len, 0);
}

static void test_talk(void **state)
{
	static const size_t pieces[] = { SIZE_MAX, 1, 7, 31 };
	const struct talk_case *c = *state;
	static struct heard h;
	struct server s;

	assert_int_equal(setup(&s), SL_OK);
	for (size_t i = 0; i < SL_COUNT(pieces); i++) {
		int fd = connect_to(s.path);
		memset(&h, 0, sizeof(h));
		say(&s, fd, c->in, strlen(c->in), pieces[i], &h);
		if (c->close) {
			(void)shutdown(fd, SHUT_WR);
			serve(&s, 0);
			hear(fd, &h);
		}
		expect_replies(&h, c->out);
		assert_int_equal(h.ended, c->close);
		(void)close(fd);
		serve(&s, 0);
	}
	teardown(&s);
}

static struct length_case {
	const char *name;
	size_t len; /* of the line, LF not counted */
	bool ended;
} lengths[] = {
	{ "a line of 64 KiB is answered", 65536, false },
	{ "a line over 64 KiB ends the connection", 65537, true },
	{ "a line without end ends the connection", 1 << 20, true },
};

static void test_length(void **state)
{
	const struct length_case *c = *state;
	static struct heard h;
	struct server s;
	char *line = malloc(c->len + 1);

	assert_non_null(line);
	memset(line, ' ', c->len);
	memcpy(line, "{\"v\":1,\"cmd\":\"echo\"}", 20);
	line[c->len] = '\n';
	assert_int_equal(setup(&s), SL_OK);
	for (size_t piece = 1000; piece <= 100000; piece *= 10) {
		int fd = connect_to(s.path);
		memset(&h, 0, sizeof(h));
		say(&s, fd, line, c->len + 1, piece, &h);
		assert_int_equal(h.ended, c->ended);
		assert_int_equal(h.len > 0, !c->ended);
		(void)close(fd);
	}
	free(line);
	teardown(&s);
}

static void test_later(struct server *s)
{
	static const char both[] = "{\"v\":1,\"cmd\":\"later\"}\n" ECHO_N(2);
	static struct heard h;
	int fd = connect_to(s->path), other = connect_to(s->path);

	memset(&h, 0, sizeof(h));
	say(s, fd, both, sizeof(both) - 1, SIZE_MAX, &h);
	assert_int_equal(h.len, 0); /* the second one waits for the first */
	say(s, other, ECHO_N(3), strlen(ECHO_N(3)), SIZE_MAX, &h);
	expect_replies(&h, OK_N(3)); /* but another client does not */
	memset(&h, 0, sizeof(h));
	sl_ctl_reply(s->ctl, s->waiting[0], json_pack("{s:b, s:i}", "ok", 1, "n", 1));
	sl_ctl_reply(s->ctl, s->waiting[0], json_pack("{s:b}", "ok", 1)); /* a second reply goes nowhere */
	serve(s, 0);
	hear(fd, &h);
	expect_replies(&h, OK_N(1) OK_N(2));
	(void)close(fd);
	(void)close(other);
}

static void test_gone(struct server *s)
{
	static const char later[] = "{\"v\":1,\"cmd\":\"later\"}\n";
	static struct heard h;
	int fd = connect_to(s->path);

	memset(&h, 0, sizeof(h));
	say(s, fd, later, sizeof(later) - 1, SIZE_MAX, &h);
	(void)close(fd);
	serve(s, 0);
	sl_ctl_reply(s->ctl, s->waiting[0], json_pack("{s:b}", "ok", 1));
	sl_ctl_reply(s->ctl, s->waiting[0], NULL);
	sl_ctl_reply_error(s->ctl, 999, "nobody");
	fd = connect_to(s->path); /* may get the same place, not the same reply */
	say(s, fd, ECHO_N(1), strlen(ECHO_N(1)), SIZE_MAX, &h);
	expect_replies(&h, OK_N(1));
	(void)close(fd);
}

static void test_many(struct server *s)
{
	static struct heard h;
	int fd[200];

	for (size_t i = 0; i < SL_COUNT(fd); i++) {
		fd[i] = connect_to(s->path);
		serve(s, 0);
	}
	for (size_t i = 0; i < SL_COUNT(fd); i++) {
		memset(&h, 0, sizeof(h));
		say(s, fd[i], ECHO_N(5), strlen(ECHO_N(5)), SIZE_MAX, &h);
		assert_int_equal(h.ended, i < SL_COUNT(fd) - 64); /* the silent ones made room */
		if (!h.ended)
			expect_replies(&h, OK_N(5));
		(void)close(fd[i]);
	}
}

/* It asks for megabytes and reads nothing: others are served, it asks no more, and is gone after a while. */
static void test_never_reads(struct server *s)
{
	static const char big[] = "{\"v\":1,\"cmd\":\"big\"}\n{\"v\":1,\"cmd\":\"later\"}\n";
	static struct heard h;
	int fd = connect_to(s->path), other = connect_to(s->path);
	struct pollfd p = { fd, 0, 0 };
	int64_t start = now_ms();

	assert_int_equal(send(fd, big, sizeof(big) - 1, 0), sizeof(big) - 1);
	serve(s, 0);
	while (poll(&p, 1, 0) == 0 && now_ms() - start < 15000) {
		memset(&h, 0, sizeof(h));
		say(s, other, ECHO_N(6), strlen(ECHO_N(6)), SIZE_MAX, &h);
		expect_replies(&h, OK_N(6));
		serve(s, 100);
	}
	assert_in_range(now_ms() - start, 4000, 14000);
	assert_int_equal(s->waitings, 0);
	(void)close(fd);
	(void)close(other);
}

static void test_slow_reader(struct server *s)
{
	static const char big[] = "{\"v\":1,\"cmd\":\"big\"}\n" ECHO_N(8);
	static char buf[65536];
	int fd = connect_to(s->path);
	size_t len = 0;
	bool more = true;

	assert_int_equal(send(fd, big, sizeof(big) - 1, 0), sizeof(big) - 1);
	while (more) {
		serve(s, 1);
		ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
		len += n > 0 ? (size_t)n : 0;
		more = n > 0;
	}
	assert_int_equal(len,
	                 (4 << 20) - 1 + strlen("{\"ok\":true,\"text\":\"\",\"v\":1}\n") + strlen(OK_N(8)));
	(void)close(fd);
}

/* Files in the way. */
static void test_busy(struct server *s)
{
	struct server second = *s;
	assert_int_equal(open_ctl(&second), SL_EBUSY);
	assert_non_null(strstr(second.said, "another sluiced"));
	int fd = connect_to(s->path); /* the first one is unharmed */
	(void)close(fd);
}

static void test_stale(struct server *s)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sl_ctl_close(&s->ctl);
	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", s->path);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	(void)close(fd); /* the file stays, as after a crash */
	assert_int_equal(access(s->path, F_OK), 0);
	assert_int_equal(open_ctl(s), SL_OK);
	(void)close(connect_to(s->path));
}

static void test_no_socket(struct server *s)
{
	struct stat st;
	sl_ctl_close(&s->ctl);
	(void)close(open(s->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	assert_int_equal(open_ctl(s), SL_EEXIST);
	assert_non_null(strstr(s->said, "no socket"));
	assert_int_equal(lstat(s->path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
}

static void test_anothers(struct server *s)
{
	struct server second = *s;
	assert_int_equal(unlink(s->path), 0);
	assert_int_equal(open_ctl(&second), SL_OK);
	sl_ctl_close(&s->ctl);
	assert_int_equal(access(s->path, F_OK), 0);
	sl_ctl_close(&second.ctl);
	assert_int_equal(access(s->path, F_OK), -1);
}

static void test_long_path(struct server *s)
{
	struct server second = *s;
	char path[200];
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	const struct sl_ctl_handler handler = { .ctx = s, .request = on_request };
	assert_int_equal(sl_ctl_open(path, &handler, NULL, &second.ctl), SL_EINVAL);
	assert_int_equal(sl_ctl_open("", &handler, NULL, &second.ctl), SL_EINVAL);
}

/* The client's side, against a server that polls in a thread of its own. */
struct polling {
	struct server *s;
	int stop[2];
	pthread_t thread;
};

static void *poll_server(void *arg)
{
	struct polling *p = arg;
	struct pollfd fd[2] = { { sl_ctl_fd(p->s->ctl), POLLIN, 0 }, { p->stop[0], POLLIN, 0 } };
	while (poll(fd, 2, -1) >= 0 && fd[1].revents == 0)
		sl_ctl_serve(p->s->ctl);
	return NULL;
}

static void start_polling(struct polling *p, struct server *s)
{
	p->s = s;
	assert_int_equal(pipe2(p->stop, O_CLOEXEC), 0);
	assert_int_equal(pthread_create(&p->thread, NULL, poll_server, p), 0);
}

static void stop_polling(struct polling *p)
{
	(void)close(p->stop[1]);
	assert_int_equal(pthread_join(p->thread, NULL), 0);
	(void)close(p->stop[0]);
}

static int call(const char *path, const char *cmd, int ms, json_t **reply)
{
	json_t *request = json_pack("{s:i, s:s, s:i}", "v", 1, "cmd", cmd, "n", 7);
	int err = sl_ctl_call(path, request, ms, reply);
	json_decref(request);
	return err;
}

static void test_call(struct server *s)
{
	struct polling p;
	json_t *reply = NULL;

	start_polling(&p, s);
	assert_int_equal(call(s->path, "echo", 5000, &reply), SL_OK);
	assert_int_equal(json_integer_value(json_object_get(reply, "n")), 7);
	json_decref(reply);
	assert_int_equal(call(s->path, "big", 10000, &reply), SL_OK);
	assert_int_equal(json_string_length(json_object_get(reply, "text")), (4 << 20) - 1);
	json_decref(reply);
	stop_polling(&p);
}

static void test_call_fails(struct server *s)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct polling p;
	json_t *reply = NULL, *request = json_pack("{s:i, s:s}", "v", 1, "cmd", "echo");
	static char text[70000];

	start_polling(&p, s);
	assert_int_equal(call(s->path, "later", 200, &reply), SL_ETIME);
	memset(text, 'x', sizeof(text) - 1);
	json_object_set_new(request, "text", json_string(text));
	assert_int_equal(sl_ctl_call(s->path, request, 1000, &reply), SL_EINVAL);
	json_decref(request);
	stop_polling(&p);
	sl_ctl_close(&s->ctl);
	assert_int_equal(call(s->path, "echo", 200, &reply), SL_ENOENT);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", s->path);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(call(s->path, "echo", 200, &reply), SL_ENOENT); /* nobody listens */
	(void)close(fd);
	assert_null(reply);
}

/* ---- as another user, in a process of its own ---- */

struct user {
	uid_t uid;
	gid_t gid, group; /* group: a supplementary one; 0: none */
};

static void become(const struct user *u)
{
	if (u->uid == 0)
		return;
	if (setgroups(u->group != 0, &u->group) != 0 || setgid(u->gid) != 0 || setuid(u->uid) != 0)
		_exit(99);
}

/* The exit status of story(), which gets the server's path. */
static int as(const struct user *u, const char *path, int (*story)(const char *path))
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		become(u);
		_exit(story(path));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

enum { MAY_NOTHING = 100, MAY_READ, MAY_CHANGE };

/* What the call returned, or what this user may. */
static int ask_who(const char *path)
{
	json_t *reply = NULL;
	int err = call(path, "who", 5000, &reply);
	if (err != SL_OK)
		return -err;
	if (json_is_true(json_object_get(reply, "ok")))
		return json_is_true(json_object_get(reply, "change")) ? MAY_CHANGE : MAY_READ;
	const char *code = json_string_value(json_object_get(reply, "code"));
	return code != NULL && strcmp(code, "denied") == 0 ? MAY_NOTHING : 98;
}

static struct right_case {
	const char *name;
	struct user user;
	int may;
} rights[] = {
	{ "root may change", { 0, 0, 0 }, MAY_CHANGE },
	{ "whoever is in neither group may nothing, and is told so", { 65534, OTHERS, 0 }, MAY_NOTHING },
	{ "root's group is nobody's right", { 65534, 0, 0 }, MAY_NOTHING },
	{ "the readers' group, the effective one, may read", { 65534, READERS, 0 }, MAY_READ },
	{ "a supplementary one may, too", { 65534, OTHERS, READERS }, MAY_READ },
	{ "the admins' group may change, and so read", { 65534, ADMINS, 0 }, MAY_CHANGE },
	{ "a supplementary one may, too (change)", { 65534, OTHERS, ADMINS }, MAY_CHANGE },
};

static void test_right(void **state)
{
	static const struct sl_ctl_rights groups = { READERS, ADMINS };
	const struct right_case *c = *state;
	struct polling p;
	struct server s;

	if (geteuid() != 0)
		skip();
	assert_int_equal(setup(&s), SL_OK);
	sl_ctl_set_rights(s.ctl, &groups);
	start_polling(&p, &s);
	assert_int_equal(as(&c->user, s.path, ask_who), c->may);
	stop_polling(&p);
	teardown(&s);
}

static void test_permission(struct server *s)
{
	static const struct user nobody = { 65534, READERS, 0 };
	struct polling p;
	if (geteuid() != 0)
		skip();
	start_polling(&p, s);
	assert_int_equal(as(&nobody, s->path, ask_who), MAY_NOTHING); /* no group was named */
	assert_int_equal(chmod(s->folder, 0700), 0);
	assert_int_equal(as(&nobody, s->path, ask_who), -SL_EPERM);
	stop_polling(&p);
}

/* Reads to the end of the connection, or for so long; the replies. */
static size_t read_all(int fd, char *text, size_t size, int ms)
{
	struct pollfd p = { fd, POLLIN, 0 };
	size_t len = 0;
	ssize_t n = 1;

	while (n > 0 && len < size - 1 && poll(&p, 1, ms) == 1) {
		n = recv(fd, text + len, size - 1 - len, 0);
		len += n > 0 ? (size_t)n : 0;
	}
	text[len] = '\0';
	return len;
}

static unsigned count(const char *text, const char *word)
{
	unsigned n = 0;
	for (; (text = strstr(text, word)) != NULL; text += strlen(word))
		n++;
	return n;
}

/* 0: as it should be; else the number of what was not. A story runs in a process without cmocka. */
#define EXPECT(n, what) \
	if (!(what))    \
	return n

static int ask_as_often_as_possible(const char *path)
{
	static char text[65536];
	char many[4096];
	size_t len = 0;
	int fd = connect_to(path), other = connect_to(path);

	for (int i = 0; i < BURST * 4; i++) /* all of a turn's requests are there at once */
		len += (size_t)snprintf(many + len, sizeof(many) - len, "%s", ECHO_N(1));
	EXPECT(1, send(fd, many, len, 0) == (ssize_t)len);
	int64_t start = now_ms();
	(void)shutdown(fd, SHUT_WR);
	(void)read_all(fd, text, sizeof(text), 10000);
	/* Each line got one answer, in time; those beyond the rate an error. The ticks let one through now and then. */
	EXPECT(2, count(text, "\n") == BURST * 4);
	EXPECT(3, count(text, "\"ok\":true") >= BURST && count(text, "\"code\":\"rate\"") > 0);
	EXPECT(4, strstr(text, "retry_ms") != NULL && strstr(text, "try again in") != NULL);
	EXPECT(5, now_ms() - start > 200);
	/* The bucket is the user's: a second connection pays into the same one, and is let in when time has passed. */
	(void)usleep(600000);
	EXPECT(6, send(other, ECHO_N(1), strlen(ECHO_N(1)), 0) > 0);
	(void)shutdown(other, SHUT_WR);
	(void)read_all(other, text, sizeof(text), 5000);
	EXPECT(7, count(text, "\"ok\":true") == 1);
	return 0;
}

/* As many as it likes connect; its share stays, and those that wait for something are not put out for another. */
static int connect_as_often_as_possible(const char *path)
{
	static char text[65536];
	int fd[SHARE + 1];

	for (int i = 0; i < SHARE; i++) {
		fd[i] = connect_to(path);
		EXPECT(1, send(fd[i], "{\"v\":1,\"cmd\":\"subscribe\",\"n\":1}\n", 32, 0) == 32);
		struct pollfd p = { fd[i], POLLIN, 0 };
		EXPECT(2, poll(&p, 1, 5000) == 1 && recv(fd[i], text, sizeof(text), 0) > 0);
	}
	fd[SHARE] = connect_to(path);
	EXPECT(3, read_all(fd[SHARE], text, sizeof(text), 5000) > 0);
	EXPECT(4, strstr(text, "\"code\":\"busy\"") != NULL && strstr(text, "too many connections") != NULL);
	(void)close(fd[0]);
	(void)usleep(50000);
	fd[0] = connect_to(path);
	EXPECT(5, send(fd[0], ECHO_N(1), strlen(ECHO_N(1)), 0) > 0);
	(void)shutdown(fd[0], SHUT_WR);
	(void)read_all(fd[0], text, sizeof(text), 5000);
	EXPECT(6, count(text, "\"ok\":true") == 1);
	return 0;
}

static void run_as_reader(struct server *s, int (*story)(const char *path))
{
	static const struct sl_ctl_rights groups = { READERS, ADMINS };
	static const struct user reader = { 65534, READERS, 0 };
	struct polling p;
	json_t *reply = NULL;

	if (geteuid() != 0)
		skip();
	sl_ctl_set_rights(s->ctl, &groups);
	start_polling(&p, s);
	assert_int_equal(as(&reader, s->path, story), 0);
	for (int i = 0; i < BURST * 4; i++) { /* root has no limit, and its place */
		assert_int_equal(call(s->path, "echo", 5000, &reply), SL_OK);
		assert_true(json_is_true(json_object_get(reply, "ok")));
		json_decref(reply);
	}
	stop_polling(&p);
}

static void test_rate(struct server *s)
{
	run_as_reader(s, ask_as_often_as_possible);
}

static void test_share(struct server *s)
{
	run_as_reader(s, connect_as_often_as_possible);
}

/* ---- events ---- */

#define EVENT(n) "{\"v\":1,\"event\":\"flow\",\"n\":" #n "}\n"

static void tell(struct server *s, unsigned event, const char *line)
{
	sl_ctl_event(s->ctl, event, sl_bytes_str(line), 1, 0);
}

static int subscriber(struct server *s, const char *request)
{
	static struct heard h;
	int fd = connect_to(s->path);

	memset(&h, 0, sizeof(h));
	say(s, fd, request, strlen(request), SIZE_MAX, &h);
	assert_string_equal(h.text, "{\"ok\":true,\"v\":1}\n");
	return fd;
}

static void test_events(struct server *s)
{
	static struct heard h;
	int both = subscriber(s, "{\"v\":1,\"cmd\":\"subscribe\",\"n\":3}\n");
	int one = subscriber(s, "{\"v\":1,\"cmd\":\"subscribe\",\"n\":2}\n");
	int none = connect_to(s->path);

	assert_int_equal(sl_ctl_subscribed(s->ctl), 3);
	tell(s, 1, EVENT(1));
	tell(s, 2, EVENT(2));
	memset(&h, 0, sizeof(h));
	hear(both, &h);
	assert_string_equal(h.text, EVENT(1) EVENT(2));
	say(s, both, ECHO_N(3), strlen(ECHO_N(3)), SIZE_MAX, &h); /* a request in between */
	assert_non_null(strstr(h.text, "\"n\":3"));
	memset(&h, 0, sizeof(h));
	hear(one, &h);
	assert_string_equal(h.text, EVENT(2));
	memset(&h, 0, sizeof(h));
	hear(none, &h);
	assert_int_equal(h.len, 0);
	sl_ctl_event(s->ctl, 2, sl_bytes_str(EVENT(3)), 1, 7); /* lost before they came here */
	memset(&h, 0, sizeof(h));
	hear(one, &h);
	assert_string_equal(h.text, "{\"v\":1,\"event\":\"lost\",\"count\":7}\n" EVENT(3));
	(void)close(both);
	serve(s, 0);
	assert_int_equal(sl_ctl_subscribed(s->ctl), 2);
	(void)close(one);
	(void)close(none);
}

/* Every event is heard or counted, whatever the subscriber does; nobody waits for it. */
static void test_slow_subscriber(struct server *s)
{
	static struct heard h;
	static char text[8 << 20];
	int fd = subscriber(s, "{\"v\":1,\"cmd\":\"subscribe\",\"n\":1}\n");
	unsigned heard = 0, lost = 0, count_of = 100000;
	size_t len = 0;

	for (unsigned i = 0; i < count_of; i++)
		tell(s, 1, EVENT(1)); /* nobody reads meanwhile: who waited for that would wait for ever */
	int other = connect_to(s->path);
	memset(&h, 0, sizeof(h));
	say(s, other, ECHO_N(6), strlen(ECHO_N(6)), SIZE_MAX, &h);
	expect_replies(&h, OK_N(6));
	for (int i = 0; i < 200; i++) { /* now it reads */
		ssize_t n = recv(fd, text + len, sizeof(text) - 1 - len, MSG_DONTWAIT);
		len += n > 0 ? (size_t)n : 0;
		serve(s, 0);
	}
	sl_ctl_event(s->ctl, 1, (struct sl_bytes){ NULL, 0 }, 0,
	             0); /* what is owed is told without another one */
	serve(s, 0);
	ssize_t n = recv(fd, text + len, sizeof(text) - 1 - len, MSG_DONTWAIT);
	len += n > 0 ? (size_t)n : 0;
	text[len] = '\0';
	for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		json_t *event = json_loads(line, 0, NULL);
		assert_non_null(event);
		lost += (unsigned)json_integer_value(json_object_get(event, "count"));
		heard += json_object_get(event, "n") != NULL;
		json_decref(event);
	}
	assert_in_range(heard, 1000, count_of - 1); /* some 256 KiB and what the socket holds */
	assert_int_equal(heard + lost, count_of);
	(void)close(other);
	(void)close(fd);
}

/* The command's side of it. */
struct followed {
	unsigned heard, until;
};

static bool hear_event(void *ctx, const json_t *event)
{
	struct followed *f = ctx;
	f->heard += json_object_get(event, "n") != NULL;
	return f->heard < f->until;
}

static void *tell_them(void *arg)
{
	struct server *s = arg;
	struct pollfd p = { sl_ctl_fd(s->ctl), POLLIN, 0 };
	while (sl_ctl_subscribed(s->ctl) == 0 && poll(&p, 1, 5000) == 1)
		sl_ctl_serve(s->ctl);
	for (int i = 0; i < 1000; i++)
		tell(s, 1, EVENT(1));
	serve(s, 200);
	sl_ctl_close(&s->ctl);
	return NULL;
}

static void test_follow(struct server *s)
{
	struct followed f = { 0, 2000 };
	json_t *request = json_pack("{s:i, s:s, s:i}", "v", 1, "cmd", "subscribe", "n", 1), *reply = NULL;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, tell_them, s), 0);
	assert_int_equal(sl_ctl_follow(s->path, request, 5000, &reply, hear_event, &f), SL_OK);
	assert_int_equal(f.heard, 1000); /* to the end of the connection */
	assert_int_equal(pthread_join(thread, NULL), 0);
	json_decref(reply);
	json_decref(request);
}

static struct server_case {
	const char *name;
	void (*run)(struct server *s);
} server_cases[] = {
	{ "a reply may come later; meanwhile others are served", test_later },
	{ "a client that has gone is no error", test_gone },
	{ "many clients: those that are silent for longest make room", test_many },
	{ "a client that never reads holds nobody up, and is ended", test_never_reads },
	{ "a large reply reaches a client that reads in pieces", test_slow_reader },
	{ "a socket that somebody listens on is left alone", test_busy },
	{ "a stale socket file is replaced", test_stale },
	{ "a file that is no socket is left alone", test_no_socket },
	{ "the socket file of a successor is left alone", test_anothers },
	{ "a path that is too long is refused", test_long_path },
	{ "a call gets its reply, however long", test_call },
	{ "a call says why there is no reply", test_call_fails },
	{ "without groups only root may ask; a folder's mode keeps others out", test_permission },
	{ "a user who asks too often is told so, and slowed down", test_rate },
	{ "a user has a share of the connections", test_share },
	{ "events reach those who have subscribed to them", test_events },
	{ "a subscriber that does not read loses events, which are counted, and holds nobody up",
	  test_slow_subscriber },
	{ "events are followed to the end of the connection", test_follow },
};

static void test_server(void **state)
{
	const struct server_case *c = *state;
	struct server s;
	assert_int_equal(setup(&s), SL_OK);
	c->run(&s);
	teardown(&s);
}

int main(void)
{
	struct CMUnitTest
	        tests[SL_COUNT(talks) + SL_COUNT(lengths) + SL_COUNT(server_cases) + SL_COUNT(rights)];
	size_t n = 0;
	for (size_t i = 0; i < SL_COUNT(talks); i++)
		tests[n++] = (struct CMUnitTest){ talks[i].name, test_talk, NULL, NULL, &talks[i] };
	for (size_t i = 0; i < SL_COUNT(lengths); i++)
		tests[n++] = (struct CMUnitTest){ lengths[i].name, test_length, NULL, NULL, &lengths[i] };
	for (size_t i = 0; i < SL_COUNT(server_cases); i++)
		tests[n++] = (struct CMUnitTest){ server_cases[i].name, test_server, NULL, NULL,
			                          &server_cases[i] };
	for (size_t i = 0; i < SL_COUNT(rights); i++)
		tests[n++] = (struct CMUnitTest){ rights[i].name, test_right, NULL, NULL, &rights[i] };
	return cmocka_run_group_tests_name("daemon/ctl", tests, NULL, NULL);
}
