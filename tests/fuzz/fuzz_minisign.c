/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A signature file from anywhere: what can be read stays within the text, and reads the same with another end of lines. */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "daemon/minisign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_minisign sig, again;
	uint8_t *copy = malloc(size + 1), *text = malloc(2 * size + 1);
	size_t n = 0;
	if (copy == NULL || text == NULL)
		abort();
	memcpy(copy, data, size);
	for (size_t i = 0; i < size; i++) {
		if (data[i] == '\n' && (i == 0 || data[i - 1] != '\r'))
			text[n++] = '\r';
		text[n++] = data[i];
	}
	int err = sl_minisign_read(sl_bytes_of(copy, size), &sig);
	if (err == SL_OK && (sig.comment.p < copy || sig.comment.p + sig.comment.len > copy + size))
		abort();
	if (sl_minisign_read(sl_bytes_of(text, n), &again) != err)
		abort();
	if (err == SL_OK &&
	    (!sl_bytes_equal(sig.comment, again.comment) || sig.prehashed != again.prehashed ||
	     memcmp(sig.signature, again.signature, sizeof(sig.signature)) != 0))
		abort();
	free(copy);
	free(text);
	return 0;
}
