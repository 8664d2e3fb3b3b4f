/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_ne_captured.c - two bytes that say how long a capture is, the capture, and a trace. Properties: time does not go backwards, a flow
 * opens once and is silent once closed, its bytes are counted as they come; and the capture with the trace's verdicts, or with none, is
 * replayed to the same trace twice, which reads without a line that is not understood. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/ne_replay_capture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LONGEST_S = 600 };

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void check_flow(const struct sl_ne_captured *c, uint32_t flow)
{
	uint64_t bytes[2] = { 0, 0 };
	size_t opens = 0;
	bool closed = false;
	for (size_t i = 0; i < c->events; i++) {
		const struct sl_ne_captured_event *e = &c->event[i];
		must(i == 0 || e->time >= c->event[i - 1].time);
		if (e->flow != flow)
			continue;
		must(!closed && (opens > 0) == (e->kind != SL_NE_CAPTURED_OPEN));
		opens += e->kind == SL_NE_CAPTURED_OPEN;
		closed = e->kind == SL_NE_CAPTURED_CLOSE;
		bytes[e->back] += e->bytes.len;
	}
	must(opens == 1 && bytes[0] == c->flow[flow].bytes[0] && bytes[1] == c->flow[flow].bytes[1]);
}

static char *replay(const struct sl_ne_captured *c, const struct sl_ne_recording *trace, size_t *n)
{
	struct sl_ne_capture_replay r = { .name = "x.pcap", .captured = c, .verdicts = trace };
	struct sl_ne_capture_played played;
	char *text = NULL;
	FILE *to = open_memstream(&text, n);
	must(to != NULL);
	int err = sl_ne_replay_capture(&r, to, &played);
	must(err == SL_OK && fclose(to) == 0);
	must(played.flows + played.left_out == c->flows);
	return text;
}

static void check_replay(const struct sl_ne_captured *c, const struct sl_ne_recording *trace)
{
	struct sl_ne_recording *read = NULL;
	size_t n, m;
	char *one = replay(c, trace, &n), *two = replay(c, trace, &m);
	must(n == m && memcmp(one, two, n) == 0);
	FILE *from = fmemopen(one, n, "r");
	must(from != NULL && sl_ne_recording_read(from, "x", NULL, &read) == SL_OK);
	must(read->malformed == 0 && read->unknown == 0 && read->lost == 0);
	(void)fclose(from);
	sl_ne_recording_free(&read);
	free(one);
	free(two);
}

static struct sl_ne_recording *read_trace(const uint8_t *data, size_t size)
{
	struct sl_ne_recording *rec = NULL;
	FILE *from = size == 0 ? NULL : fmemopen((void *)(uintptr_t)data, size, "r");
	if (from == NULL)
		return NULL;
	(void)sl_ne_recording_read(from, "x.trace", NULL, &rec);
	(void)fclose(from);
	if (rec != NULL && (rec->kind != SL_NE_TRACE || rec->end > LONGEST_S * INT64_C(1000000)))
		sl_ne_recording_free(&rec);
	return rec;
}

static void check_capture(struct sl_capture *capture, const uint8_t *trace, size_t size)
{
	struct sl_ne_captured *c = NULL;
	must(sl_ne_captured_read(capture, "x.pcap", NULL, &c) == SL_OK);
	for (uint32_t i = 0; i < c->flows; i++)
		check_flow(c, i);
	if (c->events > 0 && c->event[c->events - 1].time < LONGEST_S * INT64_C(1000000)) {
		struct sl_ne_recording *rec = read_trace(trace, size);
		check_replay(c, NULL);
		if (rec != NULL)
			check_replay(c, rec);
		sl_ne_recording_free(&rec);
	}
	sl_ne_captured_free(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	char path[32];
	if (size < 2)
		return 0;
	size_t n = (size_t)(data[0] << 8 | data[1]);
	n = n > size - 2 ? size - 2 : n;
	if (fd < 0)
		fd = memfd_create("capture", 0);
	must(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, data + 2, n, 0) == (ssize_t)n);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	struct sl_capture *capture = NULL;
	if (sl_capture_open(path, NULL, &capture) == SL_OK)
		check_capture(capture, data + 2 + n, size - 2 - n);
	sl_capture_close(&capture);
	return 0;
}
