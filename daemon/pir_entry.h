/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pir_entry.h - can a client's sub-URL ever equal this keyword, and if not, what is wrong with its spelling? */
#ifndef SL_DAEMON_PIR_ENTRY_H
#define SL_DAEMON_PIR_ENTRY_H

#include "daemon/pir_set.h"
#include "policy/suburl.h"

enum sl_pir_fault {
	SL_PIR_FAULT_NONE,
	SL_PIR_FAULT_SCHEME,
	SL_PIR_FAULT_HOST,
	SL_PIR_FAULT_USER,
	SL_PIR_FAULT_PUNYCODE,
	SL_PIR_FAULT_CASE,
	SL_PIR_FAULT_DOT,
	SL_PIR_FAULT_WWW,
	SL_PIR_FAULT_SLASH,
	SL_PIR_FAULT_PORT,
	SL_PIR_FAULT_DEEP,
	SL_PIR_FAULT_MADE,
	SL_PIR_FAULT_FORM,
	SL_PIR_FAULTS
};
const char *sl_pir_fault_text(enum sl_pir_fault fault);

enum { SL_PIR_ENTRY_MAX = 4096 };

/* How a device asks. */
struct sl_pir_asking {
	enum sl_suburl_profile profile;
	const struct sl_suburl_parsing *parsing; /* of ne27 only; NULL: as by default */
};

/* NONE where some URL has it among its sub-URLs; SLASH also where that URL's own query ends in one, since an entry that
 * was meant for ne26 looks the same. mended gets the form that would be found, *len its length (0: there is
 * none, or it does not fit). */
enum sl_pir_fault sl_pir_entry_judge(struct sl_bytes keyword, const struct sl_pir_asking *asking,
                                     char mended[SL_PIR_ENTRY_MAX], size_t *len);

/* The keywords of a set that are never found, by what they should have been. */
struct sl_pir_mended_one {
	struct sl_bytes form;
	struct sl_bytes keyword;
	enum sl_pir_fault fault;
	uint8_t *memory; /* of form; owned */
};
struct sl_pir_mended {
	struct sl_pir_mended_one *one; /* sorted by form */
	size_t n;
	uint64_t count[SL_PIR_FAULTS];
	struct sl_bytes example[SL_PIR_FAULTS];
};

/* SL_OK, SL_ENOMEM. set has to outlive out, which is given back with sl_pir_mended_free(). */
int sl_pir_mended_of(const struct sl_pir_set *set, const struct sl_pir_asking *asking,
                     struct sl_pir_mended *out);
/* NULL where none has that form. */
const struct sl_pir_mended_one *sl_pir_mended_find(const struct sl_pir_mended *m, struct sl_bytes form);
void sl_pir_mended_free(struct sl_pir_mended *m);

#endif
