/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signatures that minisign 0.11 made of "ads.example\n", and what is left of them when a byte is changed. */
#include "daemon/minisign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/util.h"

#define KEY   "RWT7LH7JpVcycQlSEGfmqPyVtBYXtoA2jQCXs2Nf6zsUDICPXOnXN7/W"
#define OTHER "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"
#define SIGNED                                                    \
	"untrusted comment: signature from minisign secret key\n" \
	"RUT7LH7JpVcycbe6Gxxu1Ge8N/OaIbJu1wdYuIlHdDJ2n5YDPr/"     \
	"oqa1a8cAyWPRZNdxXW911pndFbePBHAPuaWao2LhufFRvuAM=\n"     \
	"trusted comment: timestamp of the test\n"                \
	"4I5ZHaiTRhcaIFbpv4x1+Hj2u79v5eKrOkpJuNErjQjzw3sxPxDh/SHoku/SOvu5bsuS084gunJ4fSjP8E3OAA==\n"
#define SIGNED_OLD                                                             \
	"untrusted comment: signature from minisign secret key\n"              \
	"RWT7LH7JpVcycZrJxTKUBwd1scZHA+9yQ6iTVqhrQ91Vl9hJAKUUntcxvYNNIOiDZDw/" \
	"4MX+J5ggTyAu+qv8tFaTBSCLgRhqlw0=\n"                                   \
	"trusted comment: an older one\n"                                      \
	"CaWLFpFYGG/ckAWePWn7qzHMw0OjuOP8u8+4bqWD19Yq33KwTKhVK7x/Xif55ZD9HSDgYtbJ6ZNAzyvAvwBBAA==\n"

static struct sign_case {
	const char *name, *key, *signature, *text;
	const char *why; /* NULL: it is right; "": the signature cannot be read */
} cases[] = {
	{ "what minisign signs", KEY, SIGNED, "ads.example\n", NULL },
	{ "what it signed before 0.10", KEY, SIGNED_OLD, "ads.example\n", NULL },
	{ "another text", KEY, SIGNED, "ads.example", "the signature is not that of this text" },
	{ "another text, signed as before 0.10", KEY, SIGNED_OLD, "ads.examplf\n",
	  "the signature is not that of this text" },
	{ "no text", KEY, SIGNED, "", "the signature is not that of this text" },
	{ "another key", OTHER, SIGNED, "ads.example\n", "it was signed with another key" },
	{ "another comment", KEY,
	  "untrusted comment: signature from minisign secret key\n"
	  "RUT7LH7JpVcycbe6Gxxu1Ge8N/OaIbJu1wdYuIlHdDJ2n5YDPr/"
	  "oqa1a8cAyWPRZNdxXW911pndFbePBHAPuaWao2LhufFRvuAM=\n"
	  "trusted comment: timestamp of the tesT\n"
	  "4I5ZHaiTRhcaIFbpv4x1+Hj2u79v5eKrOkpJuNErjQjzw3sxPxDh/SHoku/SOvu5bsuS084gunJ4fSjP8E3OAA==\n",
	  "ads.example\n", "the signature of its comment is wrong" },
	{ "nothing", KEY, "", "ads.example\n", "" },
	{ "a web page", KEY, "<html>\n<body>\n</body>\n</html>\n", "ads.example\n", "" },
	{ "one line less", KEY,
	  "untrusted comment: x\n"
	  "RUT7LH7JpVcycbe6Gxxu1Ge8N/OaIbJu1wdYuIlHdDJ2n5YDPr/"
	  "oqa1a8cAyWPRZNdxXW911pndFbePBHAPuaWao2LhufFRvuAM=\n"
	  "trusted comment: x\n",
	  "ads.example\n", "" },
	{ "a signature of another kind", KEY,
	  "untrusted comment: x\n"
	  "RXT7LH7JpVcycbe6Gxxu1Ge8N/OaIbJu1wdYuIlHdDJ2n5YDPr/"
	  "oqa1a8cAyWPRZNdxXW911pndFbePBHAPuaWao2LhufFRvuAM=\n"
	  "trusted comment: x\n"
	  "4I5ZHaiTRhcaIFbpv4x1+Hj2u79v5eKrOkpJuNErjQjzw3sxPxDh/SHoku/SOvu5bsuS084gunJ4fSjP8E3OAA==\n",
	  "ads.example\n", "" },
};

static void test_verify(void **state)
{
	const struct sign_case *c = *state;
	struct sl_minisign_key key;
	struct sl_minisign sig;
	const char *why = NULL;
	int fd = memfd_create("signed", MFD_CLOEXEC);
	assert_int_equal(write(fd, c->text, strlen(c->text)), strlen(c->text));
	assert_int_equal(sl_minisign_key_read(c->key, &key), SL_OK);
	int err = sl_minisign_read(sl_bytes_str(c->signature), &sig);
	if (c->why != NULL && *c->why == '\0') {
		assert_int_equal(err, SL_EMALF);
	} else {
		assert_int_equal(err, SL_OK);
		assert_int_equal(sl_minisign_verify(&key, &sig, fd, &why), c->why == NULL ? SL_OK : SL_EMALF);
	}
	if (c->why != NULL && *c->why != '\0')
		assert_string_equal(why, c->why);
	(void)close(fd);
}

/* With CR LF, as a server may send it, it is the same. */
static void test_line_ends(void **state)
{
	char text[1024];
	struct sl_minisign sig, other;
	size_t n = 0;
	(void)state;
	for (const char *p = SIGNED; *p != '\0'; p++) {
		if (*p == '\n')
			text[n++] = '\r';
		text[n++] = *p;
	}
	assert_int_equal(sl_minisign_read(sl_bytes_of(text, n), &sig), SL_OK);
	assert_int_equal(sl_minisign_read(SL_BYTES_LIT(SIGNED), &other), SL_OK);
	assert_memory_equal(sig.signature, other.signature, sizeof(sig.signature));
	assert_true(sl_bytes_equal(sig.comment, other.comment));
}

static void test_keys(void **state)
{
	static const char *const bad[] = {
		"",
		"RWT7",
		"RWT7LH7JpVcycQlSEGfmqPyVtBYXtoA2jQCXs2Nf6zsUDICPXOnXN7/WA",
		"UWT7LH7JpVcycQlSEGfmqPyVtBYXtoA2jQCXs2Nf6zsUDICPXOnXN7/W",
		"RWT7LH7JpVcycQlSEGfmqPyVtBYXtoA2jQCXs2Nf6zsUDICPXOnXN7/",
		"RWT7LH7JpVcycQlSEGfmqPyVtBYXtoA2jQCXs2Nf6zsUDICPXOnXN7/!",
	};
	struct sl_minisign_key key;
	(void)state;
	for (size_t i = 0; i < SL_COUNT(bad); i++)
		assert_int_equal(sl_minisign_key_read(bad[i], &key), SL_EMALF);
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(cases) + 2] = {
		[SL_COUNT(cases)] = cmocka_unit_test(test_line_ends),
		[SL_COUNT(cases) + 1] = cmocka_unit_test(test_keys),
	};
	for (size_t i = 0; i < SL_COUNT(cases); i++)
		tests[i] = (struct CMUnitTest){ cases[i].name, test_verify, NULL, NULL, &cases[i] };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
