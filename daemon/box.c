/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/box.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"

#ifdef SL_SANITIZE
int sl_box_calls(const int *call, size_t n, int (*more)(void *filter))
{
	(void)call;
	(void)n;
	(void)more;
	return SL_OK;
}
#else
int sl_box_calls(const int *call, size_t n, int (*more)(void *filter))
{
	scmp_filter_ctx box = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int failed = box == NULL ? -ENOMEM : 0;
	for (size_t i = 0; i < n && failed == 0; i++)
		failed = seccomp_rule_add(box, SCMP_ACT_ALLOW, call[i], 0);
	if (failed == 0 && more != NULL)
		failed = more(box);
	if (failed == 0)
		failed = seccomp_load(box);
	seccomp_release(box);
	errno = failed == 0 ? errno : -failed;
	return failed == 0 ? SL_OK : SL_ESYS;
}
#endif

/* Of the first version of Landlock, which all have. */
enum {
	READ = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
	WRITE = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
	        LANDLOCK_ACCESS_FS_MAKE_DIR,
	ALL = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1,
	OF_FILES = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_EXECUTE,
};

static int allow(int rules, const struct sl_box_folder *folder)
{
	struct landlock_path_beneath_attr beneath = { .allowed_access = READ | (folder->write ? WRITE : 0) };
	struct stat st;
	beneath.parent_fd = open(folder->path, O_PATH | O_CLOEXEC);
	if (beneath.parent_fd < 0)
		return SL_OK;
	if (fstat(beneath.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
		beneath.allowed_access &= OF_FILES;
	long failed = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
	(void)close(beneath.parent_fd);
	return failed == 0 ? SL_OK : SL_ESYS;
}

int sl_box_files(const struct sl_box_folder *folder, size_t n)
{
	const struct landlock_ruleset_attr attr = { .handled_access_fs = ALL };
	int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr.handled_access_fs), 0);
	int err = rules < 0 ? SL_ESYS : SL_OK;
	for (size_t i = 0; i < n && err == SL_OK; i++)
		err = allow(rules, &folder[i]);
	if (err == SL_OK && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	                     syscall(SYS_landlock_restrict_self, rules, 0) != 0))
		err = SL_ESYS;
	if (rules >= 0)
		(void)close(rules);
	return err;
}
