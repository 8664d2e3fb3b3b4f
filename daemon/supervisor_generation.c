/* SPDX-License-Identifier: GPL-2.0-or-later */
/* supervisor_generation.c - the policies that were in force: kept on the disk by a process of its own, taken from there at a
 * start without good lists, and by `sluice policy rollback`. What cannot be kept is in force all the same, and is said. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "daemon/log.h"
#include "daemon/supervisor_state.h"

enum { KEEP_AGAIN_MS = 60000 };

static bool keeps(const struct sl_supervisor *s)
{
	return s->kept.folder[0] != '\0';
}

static int restore(struct sl_supervisor *s, uint64_t number, const char *why)
{
	struct sl_bundle *kept = NULL;
	int err = sl_bundle_like(s->next != NULL ? s->next : s->good, &kept);

	if (err != SL_OK)
		return err;
	sl_bundle_free(&s->next);
	s->next = kept;
	return sl_supervisor_restore(s, number, why);
}

bool sl_supervisor_fall_back(struct sl_supervisor *s)
{
	const struct sl_generation *newest = sl_generations_newest(&s->kept);

	if (newest == NULL || s->next == NULL || s->next_restored)
		return false;
	sl_log(SL_LOG_ERR,
	       "no policy could be made of the lists: generation %llu, the last that was good, is used "
	       "instead",
	       (unsigned long long)newest->number);
	return restore(s, newest->number, "last good") == SL_OK;
}

int sl_supervisor_begin(struct sl_supervisor *s)
{
	const struct sl_conf *conf = sl_bundle_conf(s->next);

	if (sl_feeds_follow(&s->feeds, conf) != SL_OK)
		return SL_ENOMEM;
	sl_generations_open(&s->kept, s->conf->state, s->conf_path, &s->feeds);
	sl_supervisor_operator_open(s);
	if (s->kept.pinned != 0)
		return restore(s, s->kept.pinned, "rollback");
	struct sl_diag diag = sl_trouble_diag(&s->last_error);
	int err = sl_bundle_open_lists(s->next, &s->feeds, &diag);
	if (err == SL_OK)
		err = sl_supervisor_compile(s, "start");
	return err == SL_OK || sl_supervisor_fall_back(s) ? SL_OK : err;
}

void sl_supervisor_generation_resume(struct sl_supervisor *s)
{
	if (sl_feeds_follow(&s->feeds, sl_bundle_conf(s->good)) != SL_OK)
		sl_log(SL_LOG_ERR, "no memory for the lists with url");
	sl_generations_open(&s->kept, s->conf->state, s->conf_path, &s->feeds);
	if (sl_generations_find(&s->kept, s->generation) != NULL)
		return;
	(void)sl_generations_add(&s->kept, s->generation, "upgrade", sl_clock_wall_us() / 1000000,
	                         sl_bundle_about(s->good));
	sl_supervisor_keep(s);
}

/* s->next has become s->good. */
void sl_supervisor_published(struct sl_supervisor *s)
{
	const struct sl_conf *conf = sl_bundle_conf(s->good);

	sl_feeds_publish(&s->feeds);
	if (sl_feeds_follow(&s->feeds, conf) != SL_OK)
		sl_log(SL_LOG_ERR, "no memory for the lists with url");
	if (strcmp(s->next_why, "last good") == 0)
		return; /* it is on the disk; s->last_error says why it had to be */
	s->last_error = (struct sl_trouble){ 0 };
	s->kept.pinned = strcmp(s->next_why, "rollback") == 0 ? s->generation : 0;
	if (!s->next_restored)
		(void)sl_generations_add(&s->kept, s->generation, s->next_why, sl_clock_wall_us() / 1000000,
		                         sl_bundle_about(s->good));
	sl_supervisor_keep(s);
}

static void failed(struct sl_supervisor *s)
{
	sl_log(SL_LOG_ERR, "generation %llu is in force and is not kept: %s; tried again every minute",
	       (unsigned long long)s->generation, s->kept_error.text);
	s->keep_at = sl_mono_add(sl_clock_now(), sl_span_ms(KEEP_AGAIN_MS));
}

static void cannot_start(struct sl_supervisor *s, int err)
{
	struct sl_diag diag = sl_trouble_diag(&s->kept_error);

	sl_diag(&diag, NULL, 0, "cannot start the keeper: %s",
	        err == SL_ESYS ? strerror(errno) : sl_strerror(err));
	if (s->keeper.pid > 0)
		sl_child_signal(&s->keeper, SIGKILL);
	failed(s);
}

/* One at a time: what changes meanwhile is written by the next. */
void sl_supervisor_keep(struct sl_supervisor *s)
{
	static const struct sl_priv_user root = { 0, 0, false };

	if (!keeps(s))
		return;
	s->keep_at = sl_clock_now();
	if (s->keeper.pid > 0)
		return;
	int err = sl_child_start(&s->keeper, "--keeper", &root);
	s->keeping = s->generation;
	if (err == SL_OK)
		err = sl_generations_store(&s->kept, s->keeper.ipc, s->keeping,
		                           sl_bundle_snapshot_fd(s->good), s->conf_path, &s->feeds,
		                           sl_bundle_conf(s->good));
	if (err == SL_OK)
		s->keep_at.us = 0;
	else
		cannot_start(s, err);
}

static void on_kept(struct sl_supervisor *s)
{
	sl_generations_stored(&s->kept, s->keeping, sl_bundle_conf(s->good)->generations);
	sl_generations_lock(&s->kept);
	s->kept_error = (struct sl_trouble){ 0 };
	if (s->keeping == s->generation && s->keep_at.us == 0) /* what the feeds hold is what was written */
		for (size_t i = 0; i < s->feeds.n; i++)
			sl_feed_text_drop(&s->feeds.feed[i].held);
}

void sl_supervisor_keeper_message(struct sl_supervisor *s)
{
	if (sl_ipc_receive(s->keeper.ipc, &s->msg) != SL_OK)
		return;                   /* it is dying: the signal tells */
	s->keeper.state = SL_CHILD_READY; /* it has spoken */
	if (s->msg.type == SL_IPC_KEPT) {
		on_kept(s);
	} else if (s->msg.type == SL_IPC_KEEP_FAILED) {
		s->kept_error.len = sl_min(s->msg.text.len, sizeof(s->kept_error.text) - 1);
		memcpy(s->kept_error.text, s->msg.text.p, s->kept_error.len);
		s->kept_error.text[s->kept_error.len] = '\0';
		failed(s);
	}
	sl_ipc_close_fds(&s->msg);
}

void sl_supervisor_keeper_event(struct sl_supervisor *s)
{
	bool spoke;
	int status;

	if (s->keeper.pid > 0 && s->keeper.state != SL_CHILD_READY)
		sl_supervisor_keeper_message(s);
	spoke = s->keeper.state == SL_CHILD_READY;
	if (!sl_child_ended(&s->keeper, &status) || spoke)
		return;
	struct sl_diag diag = sl_trouble_diag(&s->kept_error);
	sl_diag(&diag, NULL, 0, "the keeper died");
	failed(s);
}

void sl_supervisor_generation_timers(struct sl_supervisor *s, struct sl_mono now)
{
	if (s->keep_at.us != 0 && s->keeper.pid <= 0 && sl_mono_reached(now, s->keep_at) && s->ready)
		sl_supervisor_keep(s);
	if (s->compile_by.us != 0 && s->compiler.pid > 0 && sl_mono_reached(now, s->compile_by)) {
		s->compile_by.us = 0;
		s->compile_late = true;
		sl_child_signal(&s->compiler, SIGKILL); /* its end is a reload that failed */
	}
}

const char *sl_supervisor_rollback(struct sl_supervisor *s, uint64_t number)
{
	const struct sl_generation *one = sl_generations_find(&s->kept, number);

	if (!s->ready || s->next != NULL || sl_supervisor_upgrading(s))
		return "a reload or an upgrade is under way; try again";
	if (one == NULL || !one->stored)
		return "this generation is not kept; see: sluice policy list";
	struct sl_diag diag = sl_trouble_diag(&s->last_error);
	int err = restore(s, number, "rollback");
	if (err == SL_OK)
		return NULL;
	if (s->last_error.len == 0)
		sl_diag(&diag, NULL, 0, "%s", sl_strerror(err));
	sl_bundle_free(&s->next);
	return s->last_error.text;
}

void sl_supervisor_keeper_wait(struct sl_supervisor *s, int limit_ms)
{
	const struct timespec pause = { 0, 5000000 };
	int status;

	for (int waited = 0; s->keeper.pid > 0 && waited < limit_ms && !sl_child_ended(&s->keeper, &status);
	     waited += 5)
		(void)nanosleep(&pause, NULL);
}

json_t *sl_supervisor_kept(const struct sl_supervisor *s)
{
	json_t *out = json_pack("{s:s, s:I, s:I}", "folder", s->kept.folder, "generations",
	                        (json_int_t)s->kept.n, "pinned", (json_int_t)s->kept.pinned);
	if (s->kept_error.len > 0)
		(void)json_object_set_new(out, "error", json_string(s->kept_error.text));
	return out;
}
