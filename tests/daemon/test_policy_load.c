/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/policy_load.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "base/util.h"

enum { MAX_UNPACKED = 1 << 16 };

/* A memfd of a text, packed; cut: bytes that are left off its end. */
static int packed_file(const char *text, size_t len, size_t cut)
{
	uint8_t out[4096];
	z_stream z = { 0 };
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (z_const Bytef *)(uintptr_t)text;
	z.avail_in = (uInt)len;
	z.next_out = out;
	z.avail_out = sizeof(out);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	size_t n = sizeof(out) - z.avail_out - cut;
	(void)deflateEnd(&z);
	int fd = memfd_create("list", MFD_CLOEXEC);
	assert_int_equal(write(fd, out, n), n);
	return fd;
}

/* Names without end, or rather with one beyond what is allowed. */
static int bomb(void)
{
	static char text[MAX_UNPACKED + 10];
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = "a.example\n"[i % 10];
	return packed_file(text, sizeof(text), 0);
}

/* Files by name, each a descriptor that stands at its end, as one does that another process has read. */
static int open_file(void *ctx, const char *path)
{
	static const struct {
		const char *path, *text;
	} files[] = {
		{ "/ads", "ads.example\nmore.example\n" },
		{ "/allow", "good.ads.example\n" },
		{ "/empty", "" },
		{ "/html", "<!DOCTYPE html>\n<html><body>404</body></html>\n" },
	};
	(void)ctx;
	if (strcmp(path, "/folder") == 0)
		return open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (strcmp(path, "/packed") == 0)
		return packed_file("ads.example\nmore.example\n", 25, 0);
	if (strcmp(path, "/broken") == 0)
		return packed_file("ads.example\nmore.example\n", 25, 3);
	if (strcmp(path, "/bomb") == 0)
		return bomb();
	for (size_t i = 0; i < SL_COUNT(files); i++) {
		if (strcmp(files[i].path, path) != 0)
			continue;
		int fd = memfd_create("list", MFD_CLOEXEC);
		size_t len = strlen(files[i].text);
		assert_int_equal(write(fd, files[i].text, len), len);
		return fd;
	}
	errno = ENOENT;
	return -1;
}

static void keep_said(void *ctx, const char *file, unsigned line, const char *text)
{
	char *said = ctx;
	size_t len = strlen(said);
	(void)snprintf(said + len, 1024 - len, "%s:%u: %s\n", file, line, text);
}

static struct load_case {
	const char *name;
	const char *file[3]; /* block, allow, block */
	bool shipped;
	int err;
	const char *said; /* somewhere in what was told */
	uint16_t lists;
} cases[] = {
	{ "lists in the order of the configuration", { "/ads", "/allow" }, false, SL_OK, "", 2 },
	{ "the shipped never-block set comes first", { "/ads", "/allow" }, true, SL_OK, "", 3 },
	{ "an empty file is an empty list", { "/empty" }, false, SL_OK, "", 1 },
	{ "no list at all is a policy that blocks nothing", { NULL }, false, SL_OK, "", 0 },
	{ "a file that cannot be opened fails the whole load",
	  { "/ads", "/none" },
	  false,
	  SL_ESYS,
	  "/none:0: list l1 cannot be read: No such file or directory",
	  0 },
	{ "a packed list is unpacked, whatever its name", { "/packed", "/allow" }, false, SL_OK, "", 2 },
	{ "a packed list that ends too early fails the whole load",
	  { "/ads", "/allow", "/broken" },
	  false,
	  SL_EMALF,
	  "/broken:0: list l2 cannot be read: this gzip file is broken or ends too early",
	  0 },
	{ "a packed list that holds more than allowed fails the whole load",
	  { "/bomb" },
	  false,
	  SL_ELIMIT,
	  "/bomb:0: list l0 cannot be read: this gzip file holds more than max_unpacked allows (65536 bytes)",
	  0 },
	{ "a folder is no list",
	  { "/folder" },
	  false,
	  SL_ESYS,
	  "/folder:0: list l0 cannot be read: Is a directory",
	  0 },
	{ "a page of HTML fails the whole load",
	  { "/ads", "/allow", "/html" },
	  false,
	  SL_EMALF,
	  "/html:",
	  0 },
};

static void test_load(void **state)
{
	const struct load_case *c = *state;
	static char names[3][3] = { "l0", "l1", "l2" };
	char said[1024] = "", path[3][16];
	struct sl_conf_list list[3] = { 0 };
	struct sl_conf conf = { .never_block_shipped = c->shipped, .list = list };
	const struct sl_diag diag = { keep_said, said };
	const struct sl_list_source source = { .conf = &conf, .open_file = open_file, .diag = &diag };
	struct sl_compile_job_stats stats;
	struct sl_policy *policy = NULL;

	for (; conf.lists < 3 && c->file[conf.lists] != NULL; conf.lists++) {
		(void)snprintf(path[conf.lists], sizeof(path[0]), "%s", c->file[conf.lists]);
		list[conf.lists].name = names[conf.lists];
		list[conf.lists].file = path[conf.lists];
		list[conf.lists].kind = conf.lists == 1 ? SL_LIST_ALLOW : SL_LIST_BLOCK;
		list[conf.lists].max_refused = 10;
		list[conf.lists].max_unpacked = MAX_UNPACKED;
	}
	assert_int_equal(sl_policy_load(&source, &policy, &stats), c->err);
	if (strstr(said, c->said) == NULL)
		fail_msg("told: %s", said);
	assert_int_equal(policy != NULL, c->err == SL_OK);
	if (policy != NULL)
		assert_int_equal(sl_policy_lists(policy), c->lists);
	for (uint16_t i = c->shipped; i < c->lists; i++)
		assert_string_equal(sl_policy_list_name(policy, i), names[i - c->shipped]);
	if (c->lists >= 2)
		assert_int_equal(stats.lists.list[c->shipped].entries, 2);
	sl_policy_free(&policy);
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(cases)];
	for (size_t i = 0; i < SL_COUNT(cases); i++)
		tests[i] = (struct CMUnitTest){ cases[i].name, test_load, NULL, NULL, &cases[i] };
	return cmocka_run_group_tests_name("daemon/policy_load", tests, NULL, NULL);
}
