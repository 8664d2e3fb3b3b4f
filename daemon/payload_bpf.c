/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/payload_bpf.h"

#include <netinet/in.h>

#define YES                   BPF_STMT(BPF_RET | BPF_K, 65535)
#define NO                    BPF_STMT(BPF_RET | BPF_K, 0)
#define LOAD_BYTE(at)         BPF_STMT(BPF_LD | BPF_B | BPF_ABS, at)
#define LOAD_HALF(at)         BPF_STMT(BPF_LD | BPF_H | BPF_ABS, at)
#define LOAD_IHL              BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0) /* X = 4 * (first byte & 15) */
/* Jumps count from the next instruction; the numbers to the left say where each one stands. */
#define IF_EQ(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, yes, no)
#define IF_GT(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, value, yes, no)
#define IF_GT_X(yes, no)      BPF_JUMP(BPF_JMP | BPF_JGT | BPF_X, 0, yes, no)
/* The upper four bits of the byte at A count words of four bytes (RFC 9293 §3.1): A = 4 * (A >> 4). */
#define DOFF_TO_BYTES         BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xf0), BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 2)

static const struct sock_filter program4[] = {
	/*  0 */ LOAD_BYTE(9), /* protocol */
	/*  1 */ IF_EQ(IPPROTO_TCP, 1, 0),
	/*  2 */ IF_EQ(IPPROTO_UDP, 9, 14),
	/*  3 */ LOAD_IHL,
	/*  4 */ BPF_STMT(BPF_LD | BPF_B | BPF_IND, 12),
	/*  5 */ DOFF_TO_BYTES,
	/*  7 */ BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
	/*  8 */ BPF_STMT(BPF_MISC | BPF_TAX, 0),
	/*  9 */ LOAD_HALF(2), /* total length */
	/* 10 */ IF_EQ(0, 5, 0),
	/* 11 */ IF_GT_X(4, 5),
	/* 12 */ LOAD_IHL,
	/* 13 */ BPF_STMT(BPF_LD | BPF_H | BPF_IND, 4), /* length of the datagram */
	/* 14 */ IF_EQ(0, 1, 0),
	/* 15 */ IF_GT(8, 0, 1),
	/* 16 */ YES,
	/* 17 */ NO,
};

static const struct sock_filter program6[] = {
	/*  0 */ LOAD_BYTE(6), /* next header */
	/*  1 */ IF_EQ(IPPROTO_TCP, 9, 0),
	/*  2 */ IF_EQ(IPPROTO_UDP, 15, 0),
	/*  3 */ IF_EQ(IPPROTO_HOPOPTS, 17, 0),
	/*  4 */ IF_EQ(IPPROTO_ROUTING, 16, 0),
	/*  5 */ IF_EQ(IPPROTO_FRAGMENT, 15, 0),
	/*  6 */ IF_EQ(IPPROTO_AH, 14, 0),
	/*  7 */ IF_EQ(IPPROTO_DSTOPTS, 13, 0),
	/*  8 */ IF_EQ(IPPROTO_MH, 12, 0),
	/*  9 */ IF_EQ(139, 11, 0),  /* HIP, RFC 7401 §5.1 */
	/* 10 */ IF_EQ(140, 10, 11), /* Shim6, RFC 5533 §5.1 */
	/* 11 */ LOAD_BYTE(52),
	/* 12 */ DOFF_TO_BYTES,
	/* 14 */ BPF_STMT(BPF_MISC | BPF_TAX, 0),
	/* 15 */ LOAD_HALF(4), /* payload length */
	/* 16 */ IF_EQ(0, 4, 0),
	/* 17 */ IF_GT_X(3, 4),
	/* 18 */ LOAD_HALF(44), /* length of the datagram */
	/* 19 */ IF_EQ(0, 1, 0),
	/* 20 */ IF_GT(8, 0, 1),
	/* 21 */ YES,
	/* 22 */ NO,
};

const struct sock_filter *sl_payload_bpf(int family, size_t *n)
{
	*n = family == 4 ? SL_COUNT(program4) : SL_COUNT(program6);
	return family == 4 ? program4 : program6;
}

static const struct sock_filter short4[] = {
	/* 0 */ LOAD_BYTE(9), /* protocol */
	/* 1 */ IF_EQ(IPPROTO_UDP, 0, 3),
	/* 2 */ LOAD_IHL,
	/* 3 */ BPF_STMT(BPF_LD | BPF_B | BPF_IND, 8), /* of the payload; none is there: no */
	/* 4 */ IF_GT(0x7f, 0, 1),
	/* 5 */ NO,
	/* 6 */ YES,
};

static const struct sock_filter short6[] = {
	/* 0 */ LOAD_BYTE(6), /* next header */
	/* 1 */ IF_EQ(IPPROTO_UDP, 0, 2),
	/* 2 */ LOAD_BYTE(48),
	/* 3 */ IF_GT(0x7f, 0, 1),
	/* 4 */ NO,
	/* 5 */ YES,
};

const struct sock_filter *sl_quic_short_bpf(int family, size_t *n)
{
	*n = family == 4 ? SL_COUNT(short4) : SL_COUNT(short6);
	return family == 4 ? short4 : short6;
}

static void put_code(const struct sock_filter *code, size_t n, struct sl_out *o)
{
	sl_out_fmt(o, "%zu", n);
	for (size_t i = 0; i < n; i++)
		sl_out_fmt(o, ",%u %u %u %u", code[i].code, code[i].jt, code[i].jf, code[i].k);
}

void sl_payload_bpf_text(int family, struct sl_out *o)
{
	size_t n = 0;
	const struct sock_filter *code = sl_payload_bpf(family, &n);
	put_code(code, n, o);
}

void sl_quic_short_bpf_text(int family, struct sl_out *o)
{
	size_t n = 0;
	const struct sock_filter *code = sl_quic_short_bpf(family, &n);
	put_code(code, n, o);
}
