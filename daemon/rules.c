/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/rules.h"

#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "daemon/mark.h"
#include "daemon/nft_link.h"
#include "daemon/rules_impl.h"

/* Who is asked, in this order, for each word of the option `backend`. */
static const struct candidate {
	enum sl_backend backend;
	const struct sl_rules_ops *ops;
	const char *suffix;
} candidates[] = {
	{ SL_BACKEND_NFT, &sl_rules_nft, "" },
	{ SL_BACKEND_IPTABLES, &sl_rules_xt_nft, "" },
	{ SL_BACKEND_IPTABLES, &sl_rules_xt_legacy, "" },
	{ SL_BACKEND_IPTABLES, &sl_rules_xt_legacy, "-legacy" },
	{ SL_BACKEND_IPTABLES_LEGACY, &sl_rules_xt_legacy, "-legacy" },
	{ SL_BACKEND_IPTABLES_LEGACY, &sl_rules_xt_legacy, "" },
};

static const char *const nft_tables[] = { SL_NFT_TABLE, NULL };

void sl_rules_complain(const struct sl_diag *diag, const char *what, const struct sl_command_reply *reply)
{
	sl_diag(diag, NULL, 0, "%s: %.*s", what, (int)strcspn(reply->err, "\n"), reply->err);
}

/* The complaints of candidates: told only when none works. */
struct complaints {
	char text[2048];
	size_t len;
};

static void keep_complaint(void *ctx, const char *file, unsigned line, const char *text)
{
	struct complaints *c = ctx;
	(void)file;
	(void)line;
	int n = snprintf(c->text + c->len, sizeof(c->text) - c->len, "%s%s", c->len == 0 ? "" : "; ", text);
	c->len = sl_min(c->len + (size_t)(n < 0 ? 0 : n), sizeof(c->text) - 1);
}

/* Names of interfaces may hold nearly every byte; those that we write into rules may not. */
static bool ifname_plain(const char *name)
{
	size_t len = strnlen(name, IFNAMSIZ);
	if (len == 0 || len >= IFNAMSIZ)
		return false;
	for (size_t i = 0; i < len; i++) {
		uint8_t low = sl_ascii_lower((uint8_t)name[i]);
		bool plain = (low >= 'a' && low <= 'z') || (low >= '0' && low <= '9') ||
		             strchr("._-@", low) != NULL;
		if (!plain && !(name[i] == '+' && i == len - 1))
			return false;
	}
	return name[0] != '-';
}

static bool inside_valid(const struct sl_inside *in)
{
	if (in->family == 0)
		return ifname_plain(in->ifname);
	return (in->family == 4 && in->prefix <= 32) || (in->family == 6 && in->prefix <= 128);
}

static int check(const struct sl_rules_cfg *cfg, const struct sl_diag *diag)
{
	if (!sl_mark_mask_valid(cfg->mark_mask)) {
		sl_diag(diag, NULL, 0, "mark_mask: three neighbouring bits, not 0x%08x", cfg->mark_mask);
		return SL_EINVAL;
	}
	if (cfg->queue_count == 0 || (unsigned)cfg->queue_first + cfg->queue_count > 65536) {
		sl_diag(diag, NULL, 0, "queue_first and queue_count: queues end at 65535");
		return SL_EINVAL;
	}
	for (size_t i = 0; i < cfg->insides; i++) {
		if (!inside_valid(&cfg->inside[i])) {
			sl_diag(diag, NULL, 0,
			        "inside, entry %zu: letters, digits, '.', '_', '-', '@' and a last '+'",
			        i + 1);
			return SL_EINVAL;
		}
	}
	return SL_OK;
}

static bool wanted(enum sl_backend wish, enum sl_backend is)
{
	return wish == is || (wish == SL_BACKEND_AUTO && is != SL_BACKEND_IPTABLES_LEGACY);
}

static int choose(struct sl_rules *r, const struct sl_diag *diag)
{
	struct complaints why = { .len = 0 };
	struct sl_diag keep = { keep_complaint, &why };
	for (size_t i = 0; i < SL_COUNT(candidates); i++) {
		const struct candidate *c = &candidates[i];
		if (wanted(r->cfg.backend, c->backend) && c->ops->probe(r, c->suffix, &keep) == SL_OK) {
			r->ops = c->ops;
			return SL_OK;
		}
	}
	sl_diag(diag, NULL, 0, "no way to queue packets from rules here: %s", why.text);
	return SL_EUNSUP;
}

/* What is not needed for judging must not be what keeps a backend out. */
static int choose_with_copies(struct sl_rules *r, const struct sl_diag *diag)
{
	if (r->cfg.copy_syn && choose(r, NULL) == SL_OK)
		return SL_OK;
	r->cfg.copy_syn = false;
	return choose(r, diag);
}

bool sl_rules_copies(const struct sl_rules *r)
{
	return r->cfg.copy_syn;
}

void sl_rules_without_copies(struct sl_rules *r)
{
	r->cfg.copy_syn = false;
}

static int open_watch(struct sl_rules *r)
{
	if (r->ops == &sl_rules_xt_legacy)
		return sl_rules_watch_legacy(sl_xt_table_name, r->xt.v6, &r->watch);
	return sl_rules_watch_nft(r->ops == &sl_rules_nft ? nft_tables : sl_xt_table_name, &r->watch);
}

int sl_rules_open(const struct sl_rules_cfg *cfg, const struct sl_diag *diag, struct sl_rules **out)
{
	int err = check(cfg, diag);
	if (err != SL_OK)
		return err;
	struct sl_rules *r = calloc(1, sizeof(*r));
	if (r == NULL)
		return SL_ENOMEM;
	r->cfg = *cfg;
	err = choose_with_copies(r, diag);
	/* Before the first installation, so that no change after it can be missed; legacy tables have to exist first. */
	if (err == SL_OK && r->ops != &sl_rules_xt_legacy)
		err = open_watch(r);
	if (err == SL_OK)
		*out = sl_take(&r);
	sl_rules_close(&r);
	return err;
}

void sl_rules_close(struct sl_rules **r)
{
	if (*r == NULL)
		return;
	sl_rules_watch_free(&(*r)->watch);
	sl_rules_look_free(&(*r)->look);
	free((*r)->seen);
	free(*r);
	*r = NULL;
}

const char *sl_rules_backend(const struct sl_rules *r)
{
	return r->ops->name;
}

/* keep: the backend whose rules stay; NULL: none. */
static int remove_all(struct sl_rules *r, const struct sl_rules_ops *keep, const struct sl_diag *diag)
{
	static const char *const suffixes[] = { "", "-nft", "-legacy" };
	bool done[2] = { keep == &sl_rules_xt_nft, keep == &sl_rules_xt_legacy };
	int first = SL_OK;
	if (!done[0] && !done[1] && r->ops != &sl_rules_nft) { /* ours, which knows what it made */
		first = sl_xt_remove(&r->xt, diag);
		done[r->xt.legacy] = true;
	}
	for (size_t i = 0; i < SL_COUNT(suffixes) && !(done[0] && done[1]); i++) {
		struct sl_xt xt;
		if (!sl_xt_find(&xt, suffixes[i]) || done[xt.legacy])
			continue;
		int err = sl_xt_remove(&xt, diag);
		done[xt.legacy] = true;
		first = first != SL_OK ? first : err;
	}
	if (keep != &sl_rules_nft) {
		int err = sl_nft_table_delete(NFPROTO_INET, SL_NFT_TABLE);
		if (err != SL_ENOENT && err != SL_EUNSUP)
			first = first != SL_OK ? first : err;
	}
	return first;
}

static uint64_t grown(uint64_t now, uint64_t *last)
{
	uint64_t by = now >= *last ? now - *last : now; /* lower: somebody cleared it */
	*last = now;
	return by;
}

static void add_counts(struct sl_rules *r)
{
	struct sl_rules_counts now = { 0 };
	r->ops->count(r, &now);
	r->total.unjudged_packets += grown(now.unjudged_packets, &r->last.unjudged_packets);
	r->total.invalid_packets += grown(now.invalid_packets, &r->last.invalid_packets);
	r->total.unrefused_packets += grown(now.unrefused_packets, &r->last.unrefused_packets);
}

void sl_rules_look_free(struct sl_rules_look *look)
{
	for (size_t i = 0; i < SL_FAMILIES; i++)
		sl_command_reply_free(&look->save[i]);
	look->taken = false;
}

static int take_look(struct sl_rules *r)
{
	sl_rules_look_free(&r->look);
	int err = r->ops->look(r);
	if (err != SL_OK)
		sl_rules_look_free(&r->look);
	return err;
}

static int read_counts(struct sl_rules *r)
{
	int err = take_look(r);
	if (err == SL_OK)
		add_counts(r);
	sl_rules_look_free(&r->look);
	return err;
}

/* The rules as the kernel's tools say them; what verify compares with. */
static int note_listing(struct sl_rules *r)
{
	int err = take_look(r);
	if (err == SL_OK)
		err = r->ops->listing(r, &r->seen);
	sl_rules_look_free(&r->look);
	return err;
}

/* Not looked at again after the first time: our own change is noticed as anybody's, and verified then. */
int sl_rules_install(struct sl_rules *r, const struct sl_diag *diag)
{
	if (!r->installed) {
		sl_rules_look_free(&r->look);
		(void)remove_all(r, r->ops, diag); /* another backend's remains, from before a crash */
	} else if (r->look.taken || take_look(r) == SL_OK) {
		add_counts(r); /* they begin at 0 again; what is gone already cannot be read */
	}
	int err = r->ops->install(r, diag);
	sl_rules_look_free(&r->look);
	if (err != SL_OK)
		return err;
	r->installed = true;
	r->last = (struct sl_rules_counts){ 0 };
	r->unseen = r->seen != NULL;
	if (!r->unseen)
		err = note_listing(r);
	if (err == SL_OK && r->watch == NULL)
		err = open_watch(r);
	if (err != SL_OK)
		sl_diag(diag, NULL, 0, "%s: the rules do not stand after their installation", r->ops->name);
	return err;
}

/* Of what an installation would put in place. */
static uint64_t fingerprint(const struct sl_rules *r)
{
	size_t cap = 4 * sl_rules_text_max(&r->cfg);
	void *p = malloc(cap);
	struct sl_out o = sl_out_of(p, p == NULL ? 0 : cap);

	if (r->ops == &sl_rules_nft)
		sl_nft_text(&r->cfg, &o);
	for (int t = 0; r->ops != &sl_rules_nft && t < SL_XT_TABLES; t++) {
		sl_xt_text_chains(&r->cfg, 4, (enum sl_xt_table)t, &o);
		sl_xt_text_chains(&r->cfg, 6, (enum sl_xt_table)t, &o);
		sl_xt_text_jumps((enum sl_xt_table)t, &o);
	}
	uint64_t h = sl_hash(o.p, o.len, 0);
	free(p);
	return h;
}

void sl_rules_tell(const struct sl_rules *r, struct sl_rules_kept *out)
{
	*out = (struct sl_rules_kept){
		.backend = r->ops->name,
		.suffix = r->xt.suffix == NULL ? "" : r->xt.suffix,
		.seen = r->installed ? r->seen : NULL,
		.v6 = r->xt.v6,
		.copies = r->cfg.copy_syn,
		.made = sl_xt_made(&r->xt),
		.fingerprint = fingerprint(r),
		.total = r->total,
		.last = r->last,
	};
}

bool sl_rules_installed(const struct sl_rules *r)
{
	return r->installed;
}

/* The tool has to be there still, and to speak to the same tables. */
static bool take_backend(struct sl_rules *r, const struct sl_rules_kept *kept)
{
	for (size_t i = 0; i < SL_COUNT(candidates); i++) {
		const struct candidate *c = &candidates[i];
		if (!wanted(r->cfg.backend, c->backend) || strcmp(c->ops->name, kept->backend) != 0 ||
		    strcmp(c->suffix, kept->suffix) != 0)
			continue;
		r->ops = c->ops;
		if (c->ops == &sl_rules_nft)
			return true;
		bool found = sl_xt_find(&r->xt, c->suffix);
		r->xt.v6 = kept->v6;
		sl_xt_set_made(&r->xt, kept->made);
		return found && r->xt.legacy == (c->ops == &sl_rules_xt_legacy);
	}
	return false;
}

int sl_rules_open_kept(const struct sl_rules_cfg *cfg, const struct sl_rules_kept *kept,
                       struct sl_rules **out)
{
	struct sl_rules *r = kept->seen == NULL ? NULL : calloc(1, sizeof(*r));

	if (r == NULL)
		return SL_ENOENT;
	r->cfg = *cfg;
	r->cfg.copy_syn = cfg->copy_syn && kept->copies;
	r->seen = strdup(kept->seen);
	r->total = kept->total;
	r->last = kept->last;
	r->installed = true;
	if (check(cfg, NULL) == SL_OK && r->seen != NULL && take_backend(r, kept) &&
	    fingerprint(r) == kept->fingerprint && open_watch(r) == SL_OK) {
		*out = r;
		return SL_OK;
	}
	sl_rules_close(&r);
	return SL_ENOENT;
}

int sl_rules_remove(struct sl_rules *r, const struct sl_diag *diag)
{
	if (r->installed)
		(void)read_counts(r);
	r->installed = false;
	r->last = (struct sl_rules_counts){ 0 };
	free(sl_take(&r->seen));
	return remove_all(r, NULL, diag);
}

static size_t lines_in(const char *text)
{
	size_t n = 0;
	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

/* An update of iptables or nft may say the same rules in other words. They are believed once, in the first look after an
 * installation of our own, and only where none is missing; else they would be put back for ever. */
static int compare(struct sl_rules *r, char **now)
{
	bool first = r->unseen;
	r->unseen = false;
	if (strcmp(*now, r->seen) == 0)
		return SL_OK;
	if (!first || lines_in(*now) != lines_in(r->seen))
		return SL_ENOENT;
	free(r->seen);
	r->seen = sl_take(now);
	return SL_OK;
}

int sl_rules_verify(struct sl_rules *r)
{
	char *now = NULL;
	if (r->seen == NULL || !r->installed)
		return SL_ENOENT;
	int err = take_look(r);
	if (err == SL_OK)
		err = r->ops->listing(r, &now);
	if (err == SL_OK)
		err = compare(r, &now);
	free(now);
	if (err == SL_OK)
		sl_rules_look_free(&r->look);
	return err;
}

int sl_rules_watch_fd(const struct sl_rules *r)
{
	return r->watch == NULL ? -1 : sl_rules_watcher_fd(r->watch);
}

bool sl_rules_watch_poll_needed(const struct sl_rules *r)
{
	return r->ops == &sl_rules_xt_legacy;
}

bool sl_rules_watch_changed(struct sl_rules *r)
{
	return r->watch != NULL && sl_rules_watcher_changed(r->watch);
}

int sl_rules_count(struct sl_rules *r, struct sl_rules_counts *out)
{
	int err = r->installed ? read_counts(r) : SL_OK;
	*out = r->total;
	return err;
}
