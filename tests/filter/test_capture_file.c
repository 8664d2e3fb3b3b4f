/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Captures as bytes, and what is in them as a line of text: "LINKTYPE@MICROSECONDS:BYTES/WIRE" for each frame, "!" where the file
 * breaks off. */
#include "filter/capture_file.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/out.h"
#include "base/util.h"

/* pcap, little-endian */
#define HEAD_LE(magic) magic "\2\0\4\0\0\0\0\0\0\0\0\0\xff\xff\0\0\1\0\0\0"
#define MICRO          "\xd4\xc3\xb2\xa1"
#define NANO           "\x4d\x3c\xb2\xa1"
#define LONG           "\x34\xcd\xb2\xa1"
/* pcapng, little-endian */
#define SECTION        "\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a\1\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x1c\0\0\0"
#define IDB(type)      "\1\0\0\0\x14\0\0\0" type "\0\0\0\0\0\0\x14\0\0\0"
#define EPB(iface)     "\6\0\0\0\x24\0\0\0" iface "\0\0\0\0\x40\x42\x0f\0\2\0\0\0\5\0\0\0ab\0\0\x24\0\0\0"

static const struct row {
	const char *name, *bytes;
	size_t len;
	const char *want; /* NULL: no capture */
} rows[] = {
#define ROW(name, bytes, want)                       \
	{                                            \
		name, bytes, sizeof(bytes) - 1, want \
	}
	ROW("pcap",
	    HEAD_LE(MICRO) "\1\0\0\0\2\0\0\0\3\0\0\0\5\0\0\0abc"
	                   "\2\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0",
	    "1@1000002:3/5 1@2000000:0/1"),
	ROW("pcap with nanoseconds", HEAD_LE(NANO) "\1\0\0\0\xb8\x0b\0\0\1\0\0\0\1\0\0\0a", "1@1000003:1/1"),
	ROW("pcap of the other byte order",
	    "\xa1\xb2\xc3\xd4\0\2\0\4\0\0\0\0\0\0\0\0\0\0\xff\xff\0\0\0\x65"
	    "\0\0\0\1\0\0\0\2\0\0\0\1\0\0\0\1a",
	    "101@1000002:1/1"),
	ROW("pcap of old Linux systems", HEAD_LE(LONG) "\1\0\0\0\2\0\0\0\1\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0a",
	    "1@1000002:1/1"),
	ROW("pcap without frames", HEAD_LE(MICRO), ""),
	ROW("pcap that breaks off in a frame", HEAD_LE(MICRO) "\1\0\0\0\2\0\0\0\3\0\0\0\5\0\0\0ab", "!"),
	ROW("pcap that breaks off in a head", HEAD_LE(MICRO) "\1\0\0\0\2", "!"),
	ROW("pcap that is a part of its head", MICRO "\2\0\4", NULL),

	ROW("pcapng", SECTION IDB("\1\0") EPB("\0\0\0\0"), "1@1000000:2/5"),
	ROW("interfaces of two link types", SECTION IDB("\1\0") IDB("\x71\0") EPB("\1\0\0\0") EPB("\0\0\0\0"),
	    "113@1000000:2/5 1@1000000:2/5"),
	ROW("an interface that is not described", SECTION IDB("\1\0") EPB("\7\0\0\0") EPB("\0\0\0\0"),
	    "1@1000000:2/5"),
	ROW("a block of no meaning here",
	    SECTION IDB("\1\0") "\5\0\0\0\x10\0\0\0xxxx\x10\0\0\0" EPB("\0\0\0\0"), "1@1000000:2/5"),
	ROW("nanoseconds, and an offset",
	    SECTION "\1\0\0\0\x2c\0\0\0\1\0\0\0\0\0\0\0\x09\0\1\0\x09\0\0\0\x0e\0\x08\0\2\0\0\0\0\0\0\0\0\0\0"
	            "\0\x2c\0\0\0" EPB("\0\0\0\0"),
	    "1@2001000:2/5"),
	ROW("a resolution of a power of two",
	    SECTION
	    "\1\0\0\0\x20\0\0\0\1\0\0\0\0\0\0\0\x09\0\1\0\x94\0\0\0\0\0\0\0\x20\0\0\0" EPB("\0\0\0\0"),
	    "1@953674:2/5"),
	ROW("a resolution that no clock has",
	    SECTION
	    "\1\0\0\0\x20\0\0\0\1\0\0\0\0\0\0\0\x09\0\1\0\x7f\0\0\0\0\0\0\0\x20\0\0\0" EPB("\0\0\0\0"),
	    ""),
	ROW("a simple packet", SECTION IDB("\1\0") "\3\0\0\0\x14\0\0\0\3\0\0\0abc\0\x14\0\0\0", "1@0:3/3"),
	ROW("a second section begins anew",
	    SECTION IDB("\1\0") SECTION EPB("\0\0\0\0") IDB("\x65\0") EPB("\0\0\0\0"), "101@1000000:2/5"),
	ROW("a section of the other byte order",
	    SECTION IDB("\1\0") "\x0a\x0d\x0d\x0a\0\0\0\x1c\x1a\x2b\x3c\x4d\0\1\0\0\xff\xff\xff\xff\xff\xff"
	                        "\xff\xff\0\0\0\x1c"
	                        "\0\0\0\1\0\0\0\x14\0\x65\0\0\0\0\0\0\0\0\0\x14"
	                        "\0\0\0\6\0\0\0\x24\0\0\0\0\0\0\0\0\0\x0f\x42\x40\0\0\0\2\0\0\0\5ab\0\0\0\0\0"
	                        "\x24",
	    "101@1000000:2/5"),
	ROW("a block that breaks off", SECTION IDB("\1\0") "\6\0\0\0\x24\0\0\0\0\0\0\0", "!"),
	ROW("a block shorter than its frame", SECTION "\6\0\0\0\x0b\0\0\0", "!"),
	ROW("a length that is no multiple of 4", SECTION "\5\0\0\0\x11\0\0\0xxxxx\x11\0\0\0", "!"),
	ROW("a packet longer than its block",
	    SECTION IDB("\1\0") "\6\0\0\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xff\0\0\0\xff\0\0\0\x20\0\0\0",
	    ""),
	ROW("a section without a byte order", "\x0a\x0d\x0d\x0a\x1c\0\0\0\1\2\3\4", NULL),
	ROW("text", "<html>", NULL),
	ROW("nothing", "", NULL),
};

static void tell(struct sl_capture_file *f, struct sl_out *o)
{
	struct sl_capture_frame frame;
	int err;
	while ((err = sl_capture_file_next(f, &frame)) == SL_OK)
		sl_out_fmt(o, "%s%u@%" PRId64 ":%zu/%zu", o->len > 0 ? " " : "", frame.linktype, frame.at.us,
		           frame.bytes.len, frame.wire_len);
	if (err != SL_ENOENT)
		sl_out_str(o, o->len > 0 ? " !" : "!");
	assert_int_equal(sl_capture_file_next(f, &frame), SL_ENOENT);
}

static void test_row(void **state)
{
	const struct row *row = *state;
	static struct sl_capture_file f;
	char text[256] = "";
	struct sl_out o = sl_out_of(text, sizeof(text) - 1);
	uint8_t *copy = malloc(row->len + 1);
	assert_non_null(copy);
	memcpy(copy + 1, row->bytes, row->len);
	int err = sl_capture_file_open(sl_bytes_of(copy + 1, row->len), &f);
	assert_int_equal(err, row->want == NULL ? SL_EPROTO : SL_OK);
	if (err == SL_OK) {
		tell(&f, &o);
		assert_string_equal(text, row->want);
	}
	free(copy);
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(rows)];
	for (size_t i = 0; i < SL_COUNT(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL,
			                        (void *)(uintptr_t)&rows[i] };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
