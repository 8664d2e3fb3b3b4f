/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/out.h"
#include "base/util.h"

#define MACS                  "\1\2\3\4\5\6\7\x08\x09\x0a\x0b\x0c"
#define IP4                   "\x45\0\0\x14"
#define IP6                   "\x60\0\0\0"
#define VLAN                  "\x81\0\0\1"
#define PKTAP(len, kind, dlt) len "\0\0\0" kind "\0\0\0" dlt "\0\0\0"

static const struct row {
	const char *name;
	uint32_t linktype;
	const char *frame;
	size_t len;
	int want;
	const char *ip;    /* first byte of the packet, as text "4" or "6" */
	const char *encap; /* names with blanks between */
} rows[] = {
#define ROW(name, type, frame, want, ip, encap)                       \
	{                                                             \
		name, type, frame, sizeof(frame) - 1, want, ip, encap \
	}
	ROW("Ethernet with IPv4", 1, MACS "\x08\0" IP4, SL_OK, "4", ""),
	ROW("Ethernet with IPv6", 1, MACS "\x86\xdd" IP6, SL_OK, "6", ""),
	ROW("Ethernet with ARP", 1, MACS "\x08\6\0\1", SL_EPROTO, "", ""),
	ROW("a VLAN (IEEE 802.1Q)", 1, MACS VLAN "\x08\0" IP4, SL_OK, "4", "vlan"),
	ROW("QinQ (IEEE 802.1ad)", 1, MACS "\x88\xa8\0\2" VLAN "\x86\xdd" IP6, SL_OK, "6", "vlan vlan"),
	ROW("nine VLANs", 1, MACS VLAN VLAN VLAN VLAN VLAN VLAN VLAN VLAN VLAN "\x08\0" IP4, SL_EMALF, "",
	    ""),
	ROW("PKTAP of macOS, with Ethernet in it", 258, PKTAP("\x10", "\1", "\1") "en0\0" MACS "\x08\0" IP4,
	    SL_OK, "4", ""),
	ROW("with the packet alone, as of utun", 258, PKTAP("\x0c", "\1", "\x0c") IP6, SL_OK, "6", ""),
	ROW("with a link type that is not known: no packet, and no error", 258,
	    PKTAP("\x0c", "\1", "\x69") IP4, SL_EPROTO, "", ""),
	ROW("a record that is no packet", 258, PKTAP("\x0c", "\0", "\1") MACS "\x08\0" IP4, SL_EPROTO, "",
	    ""),
	ROW("PKTAP in PKTAP", 258, "\x0c\0\0\0\1\0\0\0\2\1\0\0" IP4, SL_EPROTO, "", ""),
	ROW("a header longer than the frame", 258, PKTAP("\xff", "\1", "\1") IP4, SL_EMALF, "", ""),
	ROW("a header shorter than itself", 258, PKTAP("\x0b", "\1", "\1") IP4, SL_EMALF, "", ""),
	ROW("PPPoE (RFC 2516)", 1, MACS "\x88\x64\x11\0\0\1\0\6\0\x21" IP4, SL_OK, "4", "pppoes ppp"),
	ROW("PPPoE with IPv6 in a VLAN", 1, MACS VLAN "\x88\x64\x11\0\0\1\0\6\0\x57" IP6, SL_OK, "6",
	    "vlan pppoes ppp"),
	ROW("PPPoE with LCP", 1, MACS "\x88\x64\x11\0\0\1\0\6\xc0\x21\1\1", SL_EPROTO, "", ""),
	ROW("MPLS with two labels (RFC 3032)", 1, MACS "\x88\x47\0\0\x10\x40\0\0\x21\x40" IP4, SL_OK, "4",
	    "mpls"),
	ROW("MPLS with Ethernet inside", 1, MACS "\x88\x47\0\0\x21\x40" MACS, SL_EPROTO, "", ""),
	ROW("MPLS without a bottom", 1, MACS "\x88\x47\0\0\x20\x40", SL_EMALF, "", ""),
	ROW("SNAP (RFC 1042)", 1, MACS "\0\x1c\xaa\xaa\3\0\0\0\x08\0" IP4, SL_OK, "4", "llc"),
	ROW("LLC without SNAP", 1, MACS "\0\x1c\x42\x42\3\0\0\0\x08\0" IP4, SL_EPROTO, "", ""),
	ROW("SNAP within SNAP is none", 1, MACS "\0\x1c\xaa\xaa\3\0\0\0\0\x1c\xaa\xaa\3\0\0\0\x08\0" IP4,
	    SL_EPROTO, "", ""),
	ROW("a type and a version that differ", 1, MACS "\x08\0\x20\0\0\0", SL_EPROTO, "", ""),
	ROW("Ethernet cut short", 1, MACS "\x08", SL_EMALF, "", ""),
	ROW("Ethernet that ends before the packet", 1, MACS "\x08\0", SL_EMALF, "", ""),
	ROW("BSD loopback, little-endian", 0, "\2\0\0\0" IP4, SL_OK, "4", "null"),
	ROW("BSD loopback, big-endian, IPv6 of macOS", 0, "\0\0\0\x1e" IP6, SL_OK, "6", "null"),
	ROW("PPP", 9, "\0\x21" IP4, SL_OK, "4", "ppp"),
	ROW("PPP with a compressed protocol (RFC 1661 §6.5)", 9, "\x21" IP4, SL_OK, "4", "ppp"),
	ROW("PPP in HDLC-like framing (RFC 1662)", 50, "\xff\3\0\x57" IP6, SL_OK, "6", "ppp"),
	ROW("Cisco HDLC", 104, "\x0f\0\x08\0" IP4, SL_OK, "4", ""),
	ROW("raw IPv4", 101, IP4, SL_OK, "4", ""),
	ROW("raw IPv6", 12, IP6, SL_OK, "6", ""),
	ROW("raw bytes that are none", 101, "\x11", SL_EPROTO, "", ""),
	ROW("nothing", 101, "", SL_EMALF, "", ""),
	ROW("Linux cooked", 113, "\0\0\0\1\0\6\1\2\3\4\5\6\0\0\x08\0" IP4, SL_OK, "4", "sll"),
	ROW("Linux cooked, version 2", 276, "\x86\xdd\0\0\0\0\0\1\0\1\0\6\1\2\3\4\5\6\0\0" IP6, SL_OK, "6",
	    "sll"),
	ROW("NFLOG, little-endian", 239, "\2\0\0\0\x08\0\1\0\0\0\0\0\5\0\x0a\0x\0\0\0\x08\0\x09\0" IP4, SL_OK,
	    "4", ""),
	ROW("NFLOG, big-endian", 239, "\2\0\0\0\0\x08\0\1\0\0\0\0\0\x08\0\x09" IP4, SL_OK, "4", ""),
	ROW("NFLOG without a packet", 239, "\2\0\0\0\x08\0\1\0\0\0\0\0", SL_EPROTO, "", ""),
	ROW("NFLOG with a length below its header", 239, "\2\0\0\0\0\0\0\0", SL_EMALF, "", ""),
	ROW("a link type that is not known", 147, IP4, SL_EUNSUP, "", ""),
};

static void test_row(void **state)
{
	const struct row *row = *state;
	struct sl_link link = { 0 };
	char text[128] = "";
	struct sl_out o = sl_out_of(text, sizeof(text) - 1);
	uint8_t *copy = malloc(row->len + 1);
	assert_non_null(copy);
	memcpy(copy + 1, row->frame, row->len);
	int err = sl_link_read(row->linktype, sl_bytes_of(copy + 1, row->len), &link);
	assert_int_equal(err, row->want);
	for (size_t i = 0; i < link.encaps; i++)
		sl_out_fmt(&o, "%s%s", i > 0 ? " " : "", sl_encap_name((enum sl_encap)link.encap[i]));
	if (err == SL_OK)
		assert_int_equal(link.ip.p[0] >> 4, row->ip[0] - '0');
	if (err == SL_OK)
		assert_int_equal(link.ip.len, 4);
	assert_string_equal(text, row->encap);
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
