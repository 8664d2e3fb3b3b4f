/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/cur.h"
#include "daemon/rules_impl.h"

static int run_nft(const char *const *argv, struct sl_bytes input, struct sl_command_reply *reply)
{
	struct sl_command cmd = { argv, input, SL_RULES_OUTPUT_MAX, SL_RULES_TIMEOUT_MS };
	return sl_command_run(&cmd, reply);
}

static int feed(const struct sl_rules_cfg *cfg, const char *const *argv, const struct sl_diag *diag)
{
	size_t cap = sl_rules_text_max(cfg);
	void *buf = malloc(cap);
	if (buf == NULL)
		return SL_ENOMEM;
	struct sl_out text = sl_out_of(buf, cap);
	struct sl_command_reply reply;
	sl_nft_text(cfg, &text);
	int err = run_nft(argv, sl_bytes_of(text.p, text.len), &reply);
	if (err != SL_OK)
		sl_rules_complain(diag, "nft", &reply);
	sl_command_reply_free(&reply);
	free(buf);
	return err;
}

/* -c: the kernel checks the transaction, `queue` included, and throws it away. */
static int probe(struct sl_rules *r, const char *suffix, const struct sl_diag *diag)
{
	static const char *const argv[] = { "nft", "-c", "-f", "-", NULL };
	(void)suffix;
	return feed(&r->cfg, argv, diag);
}

static int install(struct sl_rules *r, const struct sl_diag *diag)
{
	static const char *const argv[] = { "nft", "-f", "-", NULL };
	return feed(&r->cfg, argv, diag);
}

static int look(struct sl_rules *r)
{
	static const char *const argv[] = { "nft", "list", "table", "inet", SL_NFT_TABLE, NULL };
	int err = run_nft(argv, (struct sl_bytes){ NULL, 0 }, &r->look.save[0]);
	r->look.taken = err == SL_OK && r->look.save[0].out != NULL;
	if (err == SL_OK)
		return r->look.taken ? SL_OK : SL_ENOENT;
	return err == SL_EINVAL ? SL_ENOENT : err;
}

static struct sl_bytes seen(const struct sl_rules *r)
{
	return sl_bytes_of(r->look.save[0].out, r->look.save[0].out_len);
}

/* Without the values of counters, which are lines of their own. */
static int listing(const struct sl_rules *r, char **text)
{
	struct sl_bytes all = seen(r), line;
	char *p = malloc(all.len + 2);
	if (p == NULL)
		return SL_ENOMEM;
	struct sl_out o = sl_out_of(p, all.len + 2);
	struct sl_cur c = sl_cur_whole(all);
	while ((line = sl_cur_line(&c)).p != NULL) {
		struct sl_bytes head = sl_bytes_first(sl_bytes_trim(line), strlen("packets "));
		if (sl_bytes_equal(head, SL_BYTES_LIT("packets ")))
			continue;
		sl_out_bytes(&o, line.p, line.len);
		sl_out_u8(&o, '\n');
	}
	sl_out_u8(&o, '\0');
	*text = p;
	return SL_OK;
}

static uint64_t number_after(struct sl_bytes line, const char *word)
{
	uint64_t n = 0;
	if (!sl_bytes_equal(sl_bytes_first(line, strlen(word)), sl_bytes_str(word)))
		return 0;
	struct sl_cur c = sl_cur_whole(sl_bytes_skip(line, strlen(word)));
	for (uint8_t d = sl_cur_u8(&c); d >= '0' && d <= '9'; d = sl_cur_u8(&c))
		n = n * 10 + (uint64_t)(d - '0');
	return n;
}

/* "counter NAME {" and in the next line "packets N bytes N". */
static void read_counters(struct sl_bytes text, struct sl_rules_counts *out)
{
	struct sl_cur c = sl_cur_whole(text);
	struct sl_bytes line;
	uint64_t *to = NULL;
	while ((line = sl_cur_line(&c)).p != NULL) {
		struct sl_bytes word = sl_bytes_trim(line);
		if (sl_bytes_equal(word, SL_BYTES_LIT("counter unjudged {")))
			to = &out->unjudged_packets;
		else if (sl_bytes_equal(word, SL_BYTES_LIT("counter invalid {")))
			to = &out->invalid_packets;
		else if (sl_bytes_equal(word, SL_BYTES_LIT("counter unrefused {")))
			to = &out->unrefused_packets;
		else if (to != NULL)
			*to += number_after(word, "packets ");
	}
}

static void count(const struct sl_rules *r, struct sl_rules_counts *out)
{
	read_counters(seen(r), out);
}

const struct sl_rules_ops sl_rules_nft = { "nft", probe, look, install, listing, count };
