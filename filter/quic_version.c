/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/quic_version.h"

#include <stddef.h>
#include <stdio.h>

#include "base/util.h"

/* RFC 9001 §5.2; so since draft-33 */
static const uint8_t salt_v1[SL_QUIC_SALT] = { 0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
	                                       0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a };
/* RFC 9369 §3.3.1 */
static const uint8_t salt_v2[SL_QUIC_SALT] = { 0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
	                                       0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9 };
/* draft-ietf-quic-tls-29 §5.2 */
static const uint8_t salt_d29[SL_QUIC_SALT] = { 0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97,
	                                        0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99 };
/* draft-ietf-quic-tls-23 §5.2 */
static const uint8_t salt_d23[SL_QUIC_SALT] = { 0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7,
	                                        0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65, 0xbe, 0xf9, 0xf5, 0x02 };
static const uint8_t salt_q050[SL_QUIC_SALT] = { 0x50, 0x45, 0x74, 0xef, 0xd0, 0x66, 0xfe, 0x2f, 0x9d, 0x94,
	                                         0x5c, 0xfc, 0xdb, 0xd3, 0xa7, 0xf0, 0xd3, 0xb5, 0x6b, 0x45 };
static const uint8_t salt_t050[SL_QUIC_SALT] = { 0x7f, 0xf5, 0x79, 0xe5, 0xac, 0xd0, 0x72, 0x91, 0x55, 0x80,
	                                         0x30, 0x4c, 0x43, 0xa2, 0x36, 0x7c, 0x60, 0x48, 0x83, 0x10 };
static const uint8_t salt_t051[SL_QUIC_SALT] = { 0x7a, 0x4e, 0xde, 0xf4, 0xe7, 0xcc, 0xee, 0x5f, 0xa4, 0x50,
	                                         0x6c, 0x19, 0x12, 0x4f, 0xc8, 0xcc, 0xda, 0x6e, 0x03, 0x3d };

static const struct sl_quic_version versions[] = {
	{ .number = SL_QUIC_V1, .name = "v1", .salt = salt_v1 },
	{ .number = SL_QUIC_V2, .name = "v2", .salt = salt_v2, .v2 = true },
	{ .number = 0xff000022, .name = "draft-34", .salt = salt_v1 },
	{ .number = 0xff000021, .name = "draft-33", .salt = salt_v1 },
	{ .number = 0xff000020, .name = "draft-32", .salt = salt_d29 },
	{ .number = 0xff00001f, .name = "draft-31", .salt = salt_d29 },
	{ .number = 0xff00001e, .name = "draft-30", .salt = salt_d29 },
	{ .number = 0xff00001d, .name = "draft-29", .salt = salt_d29 },
	{ .number = 0xff00001c, .name = "draft-28", .salt = salt_d23 },
	{ .number = 0xff00001b, .name = "draft-27", .salt = salt_d23 },
	{ .number = 0xff00001a, .name = "draft-26", .salt = salt_d23 },
	{ .number = 0xff000019, .name = "draft-25", .salt = salt_d23 },
	{ .number = 0xff000018, .name = "draft-24", .salt = salt_d23 },
	{ .number = 0xff000017, .name = "draft-23", .salt = salt_d23 },
	{ .number = 0xfaceb002, .name = "mvfst-faceb002", .salt = salt_d23 },
	{ .number = 0xfaceb00e, .name = "mvfst-faceb00e", .salt = salt_d23 },
	{ .number = 0x51303530, .name = "Q050", .salt = salt_q050, .google = true, .chlo = true },
	{ .number = 0x54303530, .name = "T050", .salt = salt_t050, .google = true },
	{ .number = 0x54303531, .name = "T051", .salt = salt_t051, .google = true },
};

const struct sl_quic_version *sl_quic_version_of(uint32_t number)
{
	for (size_t i = 0; i < SL_COUNT(versions); i++)
		if (versions[i].number == number)
			return &versions[i];
	return NULL;
}

void sl_quic_version_name(uint32_t number, char name[SL_QUIC_NAME])
{
	const struct sl_quic_version *known = sl_quic_version_of(number);
	bool google = number >> 16 == 0x5130 || number >> 16 == 0x5430; /* "Q0", "T0" */
	if (known != NULL)
		(void)snprintf(name, SL_QUIC_NAME, "%s", known->name);
	else if (google && (number & 0x8080) == 0 && (number & 0xff) > ' ' && (number >> 8 & 0xff) > ' ')
		(void)snprintf(name, SL_QUIC_NAME, "%c0%c%c", (int)(number >> 24), (int)(number >> 8 & 0xff),
		               (int)(number & 0xff));
	else
		(void)snprintf(name, SL_QUIC_NAME, "%08x", number);
}

bool sl_quic_version_is_known(uint32_t v)
{
	return v == SL_QUIC_V1 || v == SL_QUIC_V2 || v >> 8 == 0xff0000 || v >> 16 == 0x5130 ||
	       v >> 16 == 0x5430 || v >> 8 == 0xfaceb0 || (v & 0x0f0f0f0f) == 0x0a0a0a0a;
}

enum sl_quic_type sl_quic_version_type(const struct sl_quic_version *version, uint8_t first)
{
	unsigned bits = (first >> 4) & 3U;
	return (enum sl_quic_type)(version->v2 ? (bits + 3U) & 3U : bits);
}
