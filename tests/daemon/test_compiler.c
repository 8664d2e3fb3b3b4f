/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The compiler process: what it answers to the supervisor. What its box lets it do: test_box.c */
#include "daemon/compiler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/ipc.h"
#include "daemon/snapshot_file.h"

static int memory_file(const char *text)
{
	int fd = memfd_create("file", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

static const char conf[] = "inside: lan0\nnever_block_shipped: no\nlists:\n  - file: /lists/ads.txt\n";
static const char names[] = "/conf.yaml\0/lists/ads.txt"; /* and a NUL */

static struct compiler_case {
	const char *name, *conf, *list;
	enum sl_ipc_type answer;
	const char *text; /* somewhere in the answer */
} cases[] = {
	{ "lists become a sealed snapshot", conf, "ads.example\n", SL_IPC_COMPILED, "\"entries\":1" },
	{ "a list that is refused is told, with file and reason", conf, "<!DOCTYPE html><html></html>\n",
	  SL_IPC_COMPILE_FAILED, "/lists/ads.txt: " },
	{ "a configuration that is refused is told, with file and line", "inside: lan0\nlists: 7\n", "",
	  SL_IPC_COMPILE_FAILED, "/conf.yaml:2: lists" },
	{ "a list that did not come with the message is told",
	  "inside: lan0\nlists:\n  - file: /lists/other.txt\n", "", SL_IPC_COMPILE_FAILED,
	  "/lists/other.txt: list other cannot be read: No such file or directory" },
};

/* The supervisor's part, in a child that becomes the compiler. */
static pid_t start(int end[2])
{
	const struct sl_priv_user nobody = { 0, 0, false };
	assert_int_equal(sl_ipc_pair(end), SL_OK);
	pid_t pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		(void)dup2(null, STDERR_FILENO); /* its log */
		(void)close(end[0]);
		_exit(sl_compiler_run(end[1], &nobody));
	}
	(void)close(end[1]);
	return pid;
}

static void look_at_snapshot(int fd)
{
	const struct sl_query q = { .host = SL_BYTES_LIT("x.ads.example") };
	struct sl_snapshot_info info;
	struct sl_policy *policy = NULL;
	struct sl_decision d;
	const char *why;
	assert_int_equal(fcntl(fd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
	assert_int_equal(sl_snapshot_file_map(fd, SL_SNAPSHOT_JUDGE, &why, &policy), SL_OK);
	sl_snapshot_info(sl_policy_snapshot(policy), &info);
	assert_int_equal(info.generation, 9);
	sl_policy_decide(policy, &q, &d);
	assert_true(d.block);
	sl_policy_free(&policy);
}

static void test_answer(void **state)
{
	const struct compiler_case *c = *state;
	struct sl_ipc_msg *msg = calloc(1, sizeof(*msg));
	int end[2], status = 0;
	int fd[] = { memory_file(""), memory_file(c->conf), memory_file(c->list) };
	assert_non_null(msg);
	pid_t pid = start(end);
	assert_int_equal(sl_ipc_send(end[0], SL_IPC_COMPILE, 9, sl_bytes_of(names, sizeof(names)), fd, 3, 0),
	                 SL_OK);
	int err = sl_ipc_receive(end[0], msg);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (err == SL_ENOENT && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE)
		skip(); /* not allowed to give up privileges that it does not have: the test needs root */
	assert_int_equal(err, SL_OK);
	assert_int_equal(msg->type, c->answer);
	assert_int_equal(msg->number, 9);
	msg->buf[msg->text.len] = '\0';
	if (strstr(msg->buf, c->text) == NULL)
		fail_msg("answer: %s", msg->buf);
	assert_int_equal(WEXITSTATUS(status), c->answer == SL_IPC_COMPILED ? EXIT_SUCCESS : EXIT_FAILURE);
	if (c->answer == SL_IPC_COMPILED)
		look_at_snapshot(fd[0]);
	for (size_t i = 0; i < SL_COUNT(fd); i++)
		(void)close(fd[i]);
	(void)close(end[0]);
	free(msg);
}

/* ---- a policy that was kept ---- */

static struct kept_case {
	const char *name, *list;
	bool other_checksum;
	long damaged_from; /* -1: nowhere; of the kept snapshot */
	bool taken;
} kept[] = {
	{ "what was kept of the same lists is taken", "ads.example\n", false, -1, true },
	{ "of a list with one other byte it is not", "adz.example\n", false, -1, false },
	{ "nor where its body is damaged", "ads.example\n", false, 1200, false },
	{ "nor where its head is", "ads.example\n", false, 40, false },
	{ "nor where it is another than what was told of", "ads.example\n", true, -1, false },
};

/* Sends lists, and what was kept, if any; the snapshot's descriptor, and the answer. */
static int ask(const char *list, int from, const char *as, struct sl_ipc_msg *answer)
{
	char text[512];
	int end[2], status = 0, fd[] = { memory_file(""), memory_file(conf), memory_file(list), from };
	size_t len = sizeof(names);
	memcpy(text, names, len);
	if (as != NULL)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s", as) + 1;
	pid_t pid = start(end);
	assert_int_equal(sl_ipc_send(end[0], SL_IPC_COMPILE, 9, sl_bytes_of(text, len), fd,
	                             as == NULL ? 3 : 4, as == NULL ? 0 : SL_IPC_KEPT_TOO),
	                 SL_OK);
	int err = sl_ipc_receive(end[0], answer);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (err == SL_ENOENT && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE)
		skip();
	assert_int_equal(err, SL_OK);
	assert_int_equal(answer->type, SL_IPC_COMPILED);
	answer->buf[answer->text.len] = '\0';
	(void)close(fd[1]);
	(void)close(fd[2]);
	(void)close(end[0]);
	return fd[0];
}

static void text_of(const struct sl_ipc_msg *m, const char *key, char *out, size_t len)
{
	const char *at = strstr(m->buf, key);
	assert_non_null(at);
	assert_true(snprintf(out, len + 1, "%s", at + strlen(key)) >= (int)len);
}

static void test_kept(void **state)
{
	const struct kept_case *c = *state;
	struct sl_ipc_msg *answer = calloc(1, sizeof(*answer));
	char as[64 + 1 + 16 + 1], byte;
	assert_non_null(answer);
	int before = ask("ads.example\n", -1, NULL, answer);
	text_of(answer, "\"made_of\":\"", as, 64);
	as[64] = ' ';
	text_of(answer, "\"checksum\":\"", as + 65, 16);
	if (c->other_checksum)
		as[70] = as[70] == '0' ? '1' : '0';
	int disk = memory_file(""), again;
	for (off_t at = 0; pread(before, &byte, 1, at) == 1; at++) {
		byte = (char)(c->damaged_from >= 0 && at >= c->damaged_from ? ~byte : byte);
		assert_int_equal(pwrite(disk, &byte, 1, at), 1);
	}
	again = ask(c->list, disk, as, answer);
	assert_int_equal(answer->have, c->taken ? SL_IPC_KEPT_TOO : 0);
	assert_int_equal(strcmp(answer->buf, "null") == 0, c->taken);
	if (strcmp(c->list, "ads.example\n") == 0)
		look_at_snapshot(again); /* sealed, and it blocks what it shall, wherever it comes from */
	(void)close(before);
	(void)close(disk);
	(void)close(again);
	free(answer);
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(cases) + SL_COUNT(kept)];
	size_t n = 0;
	for (size_t i = 0; i < SL_COUNT(cases); i++)
		tests[n++] = (struct CMUnitTest){ cases[i].name, test_answer, NULL, NULL, &cases[i] };
	for (size_t i = 0; i < SL_COUNT(kept); i++)
		tests[n++] = (struct CMUnitTest){ kept[i].name, test_kept, NULL, NULL, &kept[i] };
	return cmocka_run_group_tests_name("daemon/compiler", tests, NULL, NULL);
}
