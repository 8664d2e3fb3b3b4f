/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_priv.c - what is left to a process that has shed its privileges, in the kernel's own words (/proc/self/status). */
#include <cap-ng.h>
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"
#include "daemon/priv.h"

#define UNIT SL_SOURCE_DIR "/systemd/sluiced.service"

enum { NOBODY = 65534 };

static const struct sl_priv_user nobody = { NOBODY, NOBODY, true }, root = { 0, 0, false };

/* Of the unit's CapabilityBoundingSet=, which goes on in the next line behind a backslash. */
static uint64_t unit_set(void)
{
	static const char key[] = "CapabilityBoundingSet=";
	static char text[16384];
	uint64_t set = 0;
	FILE *f = fopen(UNIT, "r");
	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	(void)fclose(f);
	char *at = strstr(text, key);
	assert_non_null(at);
	at += sizeof(key) - 1;
	for (char *end = at; *end != '\0' && *end != '\n'; end++) {
		if (end[0] == '\\' && end[1] == '\n')
			end[0] = end[1] = ' ';
		*end = (char)tolower(*end);
	}
	at[strcspn(at, "\n")] = '\0';
	for (char *word = strtok(at, " "); word != NULL; word = strtok(NULL, " ")) {
		int number = capng_name_to_capability(word + strlen("cap_"));
		assert_true(number >= 0);
		set |= 1ULL << number;
	}
	return set;
}

/* A line of /proc/self/status; in hexadecimal digits, or decimal ones. */
static uint64_t status(const char *name, int base)
{
	char line[256];
	uint64_t value = UINT64_MAX;
	size_t n = strlen(name);
	FILE *f = fopen("/proc/self/status", "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, name, n) == 0 && line[n] == ':')
			value = strtoull(line + n + 1, NULL, base);
	if (f != NULL)
		(void)fclose(f);
	return value;
}

static int keep(void)
{
	/* As who starts it by a file with capabilities, or with an AmbientCapabilities=, might have it. */
	capng_get_caps_process();
	(void)capng_update(CAPNG_ADD, CAPNG_INHERITABLE, CAP_NET_ADMIN);
	(void)capng_apply(CAPNG_SELECT_CAPS);
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0);
	return sl_priv_keep();
}
static int engine(void)
{
	return sl_priv_drop(&nobody);
}
static int engine_without_user(void)
{
	return sl_priv_drop(&root);
}
static int without_any(void)
{
	return sl_priv_drop_all(&nobody);
}
static int root_without_any(void)
{
	return sl_priv_drop_all(&root);
}
static int engine_of_a_supervisor(void)
{
	int err = sl_priv_keep();
	return err == SL_OK ? sl_priv_drop(&nobody) : err;
}

enum { UNIT_SET = -1, NET_ADMIN = 1 << CAP_NET_ADMIN };

static struct row {
	const char *name;
	int (*shed)(void);
	int caps; /* effective and permitted */
	int bounding;
	uid_t uid;
} rows[] = {
	{ "the supervisor keeps what its unit names, and no more", keep, UNIT_SET, UNIT_SET, 0 },
	{ "the engine keeps CAP_NET_ADMIN", engine, NET_ADMIN, 0, NOBODY },
	{ "the engine of a supervisor that has shed its own can", engine_of_a_supervisor, NET_ADMIN, 0,
	  NOBODY },
	{ "where there is no such user it stays root, with no more", engine_without_user, NET_ADMIN, 0, 0 },
	{ "compiler, fetcher and an engine with a broker keep nothing", without_any, 0, 0, NOBODY },
	{ "the keeper stays root and keeps nothing", root_without_any, 0, 0, 0 },
};

static void test_row(void **state)
{
	const struct row *r = *state;
	uint64_t caps = r->caps == UNIT_SET ? unit_set() : (uint64_t)r->caps;
	uint64_t bounding = r->bounding == UNIT_SET ? unit_set() : (uint64_t)r->bounding;
	int status_of_child = 0;
	pid_t pid = fork();
	if (pid == 0) {
		if (r->shed() != SL_OK)
			_exit(1);
		/* What the container around this test has not, nobody can keep. */
		bool right = (status("CapEff", 16) & ~caps) == 0 && (status("CapPrm", 16) & ~caps) == 0 &&
		             (status("CapBnd", 16) & ~bounding) == 0 && status("CapAmb", 16) == 0 &&
		             status("CapInh", 16) == 0 && status("NoNewPrivs", 10) == 1 &&
		             status("Uid", 10) == r->uid &&
		             (caps & status("CapEff", 16)) == status("CapPrm", 16) &&
		             (caps == 0 || (status("CapEff", 16) & NET_ADMIN) != 0);
		_exit(right ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status_of_child, 0), pid);
	assert_true(WIFEXITED(status_of_child));
	assert_int_equal(WEXITSTATUS(status_of_child), 0);
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(rows)];
	if (geteuid() != 0 || capng_get_caps_process() != 0 ||
	    !capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN))
		return 77;
	for (size_t i = 0; i < SL_COUNT(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL, &rows[i] };
	return cmocka_run_group_tests_name("daemon/priv", tests, NULL, NULL);
}
