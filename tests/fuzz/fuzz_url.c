/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_url.c - a URL written from its canonical parts reads as the same parts, and a canonical path is what it says: no
 * dot segments, no empty segments, only bytes that a request target may have. */
#include <stdio.h>
#include <stdlib.h>

#include "policy/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void check_path(const char *path, uint16_t len)
{
	char again[SL_PATH_MAX + 1];
	uint16_t again_len = 0;
	must(len > 0 && len <= SL_PATH_MAX && strlen(path) == len && path[0] == '/');
	for (size_t i = 0; i < len; i++)
		must(path[i] > ' ' && path[i] < 0x7f && path[i] != '#');
	sl_path_canon(sl_bytes_of(path, len), again, &again_len);
	must(again_len == len && memcmp(again, path, len) == 0);
	size_t end = sl_bytes_find(sl_bytes_of(path, len), '?');
	must(end + 1 != len || path[end] != '?');
	for (size_t i = 0; i < end;) {
		size_t n = i + 1;
		while (n < end && path[n] != '/')
			n++;
		must(n > i + 1 || n == end);
		must(n != i + 2 || path[i + 1] != '.');
		must(n != i + 3 || path[i + 1] != '.' || path[i + 2] != '.');
		i = n;
	}
}

static void check_url(const struct sl_url *url)
{
	char text[SL_HOST_MAX + SL_PATH_MAX + 16], port[8] = "";
	struct sl_url again;
	bool v6 = strchr(url->host.name, ':') != NULL;
	if (url->port != 0)
		(void)snprintf(port, sizeof(port), ":%u", url->port);
	int n = snprintf(text, sizeof(text), "%s%s%s%s%s", v6 ? "[" : "", url->host.name, v6 ? "]" : "", port,
	                 url->path);
	must(sl_url_canon(sl_bytes_of(text, (size_t)n), &again) == SL_OK && !again.cut);
	must(strcmp(again.host.name, url->host.name) == 0 && again.port == url->port);
	must(again.path_len == url->path_len && strcmp(again.path, url->path) == 0);
	must(again.has_path == url->has_path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sl_url url;
	char path[SL_PATH_MAX + 1];
	uint16_t len = 0;
	uint8_t *copy = malloc(size == 0 ? 1 : size);
	must(copy != NULL);
	memcpy(copy, data, size);
	sl_path_canon(sl_bytes_of(copy, size), path, &len);
	check_path(path, len);
	if (sl_url_canon(sl_bytes_of(copy, size), &url) == SL_OK) {
		check_path(url.path, url.path_len);
		check_url(&url);
	}
	free(copy);
	return 0;
}
