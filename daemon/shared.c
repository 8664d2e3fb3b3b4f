/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/shared.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int sl_shared_new(uint32_t workers, int *fd, struct sl_shared **out)
{
	int m = memfd_create("sluice-shared", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (m < 0)
		return SL_ESYS;
	int err = ftruncate(m, sizeof(struct sl_shared)) == 0 ? sl_shared_map(m, out) : SL_ESYS;
	if (err != SL_OK) {
		(void)close(m);
		return err;
	}
	(void)fcntl(m, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	(*out)->workers = workers;
	*fd = m;
	return SL_OK;
}

int sl_shared_map(int fd, struct sl_shared **out)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return SL_ESYS;
	if (st.st_size != (off_t)sizeof(struct sl_shared))
		return SL_EMALF;
	void *p = mmap(NULL, sizeof(struct sl_shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return SL_ESYS;
	*out = p;
	return SL_OK;
}

void sl_shared_unmap(struct sl_shared **s)
{
	if (*s != NULL)
		(void)munmap(*s, sizeof(struct sl_shared));
	*s = NULL;
}
