/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"
#include "daemon/log.h"

static const struct sl_ctl_peer peer = { .uid = 1000, .gid = 50, .pid = 4711, .comm = "sluice" };

struct place {
	char folder[64], path[96];
	struct sl_audit audit;
};

static void setup(struct place *p)
{
	memset(p, 0, sizeof(*p));
	(void)snprintf(p->folder, sizeof(p->folder), "/tmp/sluice-test-audit-XXXXXX");
	assert_non_null(mkdtemp(p->folder));
	(void)snprintf(p->path, sizeof(p->path), "%s/audit.json", p->folder);
	sl_log_set_level(SL_LOG_ERR); /* the log has its own test, with processes */
	sl_audit_open(&p->audit, p->path);
}

/* Closes it, and gives the lines as an array. */
static json_t *finish(struct place *p)
{
	json_t *lines = json_array();
	char line[16384];

	sl_audit_close(&p->audit);
	FILE *f = fopen(p->path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		assert_int_equal(json_array_append_new(lines, json_loads(line, 0, NULL)), 0);
	(void)fclose(f);
	(void)unlink(p->path);
	(void)rmdir(p->folder);
	return lines;
}

static void ask(struct place *p, uint64_t client, const char *request)
{
	json_t *args = json_loads(request, 0, NULL);
	assert_non_null(args);
	sl_audit_begin(&p->audit, client, &peer, args);
	json_decref(args);
}

static void answer(struct place *p, uint64_t client, const char *reply)
{
	json_t *json = json_loads(reply, 0, NULL);
	sl_audit_end(&p->audit, client, json);
	json_decref(json);
}

static const char *text(const json_t *lines, size_t i, const char *name)
{
	return json_string_value(json_object_get(json_array_get(lines, i), name));
}

static void test_lines(void **state)
{
	struct place p;
	(void)state;

	setup(&p);
	ask(&p, 5, "{\"v\":1,\"cmd\":\"pause\",\"for_ms\":60000}");
	ask(&p, 6, "{\"v\":1,\"cmd\":\"reload\"}");
	answer(&p, 7, "{\"ok\":true}"); /* who has asked for nothing */
	answer(&p, 6, "{\"ok\":false,\"error\":\"lists/a.txt:3:\\nno list\"}");
	answer(&p, 5, "{\"ok\":true}");
	answer(&p, 5, "{\"ok\":true}"); /* once */
	json_t *lines = finish(&p);
	assert_int_equal(json_array_size(lines), 2);
	assert_string_equal(text(lines, 0, "cmd"), "reload");
	assert_true(json_is_false(json_object_get(json_array_get(lines, 0), "ok")));
	assert_string_equal(text(lines, 0, "error"), "lists/a.txt:3:\nno list");
	const json_t *one = json_array_get(lines, 1), *args = json_object_get(one, "args");
	assert_string_equal(text(lines, 1, "cmd"), "pause");
	assert_string_equal(text(lines, 1, "comm"), "sluice");
	assert_int_equal(json_integer_value(json_object_get(one, "uid")), 1000);
	assert_int_equal(json_integer_value(json_object_get(one, "gid")), 50);
	assert_int_equal(json_integer_value(json_object_get(one, "pid")), 4711);
	assert_true(json_is_true(json_object_get(one, "ok")));
	assert_int_equal(json_integer_value(json_object_get(args, "for_ms")), 60000);
	assert_null(json_object_get(args, "v"));
	assert_int_equal(strlen(text(lines, 1, "timestamp")), strlen("2026-01-31T12:00:00.123456+0000"));
	json_decref(lines);
}

static void test_long(void **state)
{
	char request[10000], *at = request;
	struct place p;
	(void)state;

	setup(&p);
	at += sprintf(at, "{\"cmd\":\"update\",\"lists\":[\"");
	memset(at, 'x', 9000);
	at += 9000;
	(void)sprintf(at, "\"]}");
	ask(&p, 5, request);
	answer(&p, 5, "{\"ok\":true}");
	json_t *lines = finish(&p);
	assert_string_equal(text(lines, 0, "cmd"),
	                    "update"); /* what was asked for is not lost with the rest */
	assert_true(
	        json_is_true(json_object_get(json_object_get(json_array_get(lines, 0), "args"), "too_long")));
	json_decref(lines);
}

/* Clients that go before their answer leave their changes behind: these do not push each other out while there is a place. */
static void test_pending(void **state)
{
	struct place p;
	(void)state;

	setup(&p);
	for (uint64_t client = 1; client <= SL_AUDIT_PENDING + 1; client++)
		ask(&p, client, "{\"cmd\":\"reload\"}");
	for (uint64_t client = 1; client <= SL_AUDIT_PENDING + 1; client++)
		answer(&p, client, "{\"ok\":true}");
	json_t *lines = finish(&p);
	assert_int_equal(json_array_size(lines), SL_AUDIT_PENDING);
	json_decref(lines);
}

static void test_handed_over(void **state)
{
	struct place p;
	(void)state;

	setup(&p);
	assert_null(sl_audit_state(&p.audit, 5));
	ask(&p, 5, "{\"cmd\":\"upgrade\",\"path\":\"/usr/sbin/sluiced\"}");
	json_t *left = sl_audit_state(&p.audit, 5);
	sl_audit_close(&p.audit);
	sl_audit_open(&p.audit, p.path);
	sl_audit_resume(&p.audit, 9, left);
	sl_audit_resume(&p.audit, 10, NULL);
	json_decref(left);
	answer(&p, 10, "{\"ok\":true}");
	answer(&p, 9, "{\"ok\":true}");
	json_t *lines = finish(&p);
	assert_int_equal(json_array_size(lines), 1);
	assert_string_equal(text(lines, 0, "cmd"), "upgrade");
	assert_string_equal(text(lines, 0, "comm"), "sluice");
	json_decref(lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "a line a change: who, what, and what came of it", test_lines, NULL, NULL, NULL },
		{ "a request too long for a line keeps its name", test_long, NULL, NULL, NULL },
		{ "as many changes may be under way as there are clients", test_pending, NULL, NULL, NULL },
		{ "a change goes on over an upgrade", test_handed_over, NULL, NULL, NULL },
	};
	return cmocka_run_group_tests_name("daemon/audit", tests, NULL, NULL);
}
