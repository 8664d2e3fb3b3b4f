/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/judging.h"

#include <stdlib.h>
#include <string.h>

#include "base/lines.h"
#include "daemon/clock.h"
#include "daemon/mark.h"
#include "filter/held.h"
#include "filter/packet.h"

enum { BATCH_MANY = 4 }; /* from so many packets on it pays to look ahead */

/* In a pause what was judged stays here. */
static int send_answers(struct sl_judging *j)
{
	if (!j->paused)
		return j->flush(j->ctx);
	j->answers.answers = j->answers.resets = 0;
	return SL_OK;
}

static int room_for(struct sl_judging *j, size_t answers, size_t resets)
{
	const struct sl_answers *a = &j->answers;

	if (a->answer_cap - a->answers >= answers && a->reset_cap - a->resets >= resets)
		return SL_OK;
	return send_answers(j);
}

static int read_packet(const struct sl_nfq_packet *p, struct sl_packet *view)
{
	int err = sl_packet_read(p->ip, p->wire_len, view);

	if (err == SL_OK)
		view->damaged = p->unverified && sl_packet_is_damaged(p->ip, p->wire_len);
	else
		*view = (struct sl_packet){ .damaged = false };
	return err;
}

/* All headers first, so that the flow table knows what it will be asked. */
static void read_batch(struct sl_judging *j, const struct sl_nfq_packet *packet, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		j->read[i] = read_packet(&packet[i], &j->view[i]);
		j->view[i].origin = packet[i].origin;
	}
	if (n >= BATCH_MANY)
		sl_filter_expect(j->filter, j->view, n, j->bucket);
}

/* By what the rule that queued it said (daemon/mark.h). */
static bool is_reply(uint32_t packet_mark, uint32_t mask)
{
	return (packet_mark & sl_mark_verdict_mask(mask)) == sl_mark_of(mask, SL_MARK_PASSED);
}

static void judge_packet(struct sl_judging *j, const struct sl_nfq_packet *p, size_t i, struct sl_mono now)
{
	bool started = (p->ticket.mark & sl_mark_started(j->mark_mask)) != 0;

	if (j->read[i] == SL_OK && is_reply(p->ticket.mark, j->mark_mask))
		sl_filter_reply(j->filter, &j->view[i], p->ticket, now, &j->answers);
	else if (j->read[i] == SL_OK)
		sl_filter_packet(j->filter, &j->view[i], p->ticket, started, now, &j->answers);
	else
		sl_filter_unreadable(j->filter, j->read[i], p->ticket, &j->answers);
}

static struct sl_mono enter(struct sl_judging *j)
{
	const struct sl_policy *p = sl_policy_slot_enter(j->slot);
	uint64_t serial = sl_policy_slot_serial(j->slot);

	if (j->provider.counts != NULL &&
	    SL_UNLIKELY(p != j->provider.places.policy || serial != j->provider.places.serial))
		sl_list_places_find(&j->provider.places, j->provider.counts, p, serial);
	j->provider.policy = p;
	j->provider.realtime_us = sl_clock_wall_us();
	return sl_clock_now();
}

/* Nothing borrowed outlives the batch. */
static int leave(struct sl_judging *j)
{
	j->provider.policy = NULL;
	sl_policy_slot_leave(j->slot);
	return send_answers(j);
}

/* What a pause begins or ends with, and in it all packets of the batch: they, and what is held, go on before anything is read. */
static int pass_all(struct sl_judging *j, const struct sl_nfq_packet *packet, size_t n, bool paused)
{
	int err = j->paused ? SL_OK : room_for(j, n + sl_filter_held(j->filter), 0);

	if (paused != j->paused)
		sl_filter_hold_nothing(j->filter, paused, &j->answers);
	for (size_t i = 0; i < n && paused && err == SL_OK; i++)
		sl_answer_push(&j->answers, packet[i].ticket, SL_ACTION_PASS);
	j->paused = false;
	if (err == SL_OK && j->answers.answers > 0)
		err = j->flush(j->ctx);
	j->paused = paused;
	j->provider.paused = paused ? j->pause_count : NULL;
	if (paused)
		sl_counter_add(&j->pause_count->packets, n);
	return err;
}

int sl_judging_batch(struct sl_judging *j, const struct sl_nfq_packet *packet, size_t n)
{
	struct sl_mono now = enter(j);
	bool paused = j->pause != NULL && sl_pause_is_on(j->pause, now);
	int err = paused || j->paused ? pass_all(j, packet, n, paused) : SL_OK;

	if (j->syns != NULL && n > 0)
		sl_syn_reader_batch(j->syns);
	else if (j->syns != NULL)
		sl_syn_reader_idle(j->syns);
	read_batch(j, packet, n);
	for (size_t i = 0; i < n && err == SL_OK; i++) {
		err = room_for(j, 1 + sl_filter_held(j->filter), 1);
		judge_packet(j, &packet[i], i, now);
	}
	if (err == SL_OK)
		err = room_for(j, sl_filter_held(j->filter), sl_filter_held(j->filter));
	sl_filter_tick(j->filter, now, &j->answers);
	int sent = leave(j);
	if (n > 0 && j->provider.counts != NULL)
		sl_histogram_add(&j->provider.counts->latency, sl_mono_since(sl_clock_now(), now).us, n);
	return err != SL_OK ? err : sent;
}

int sl_judging_release(struct sl_judging *j)
{
	int err = room_for(j, sl_filter_held(j->filter), sl_filter_held(j->filter));

	if (err != SL_OK)
		return err;
	sl_filter_release(j->filter, enter(j), &j->answers);
	return leave(j);
}

static struct sl_filter_cfg filter_cfg(const struct sl_judging_cfg *j)
{
	const struct sl_conf *c = j->conf;
	struct sl_filter_cfg f = {
		.max_flows = c->max_flows,
		.max_streams = c->max_streams,
		.max_held = c->max_held,
		.budget = (uint32_t)c->budget,
		.hold = c->hold == 0 ? SL_HOLD_LAST : SL_HOLD_ALL,
		.syns = c->tcp_hold != 0,
		.hold_limit = c->hold_limit,
		.flow_idle = c->flow_idle,
		.seed = j->seed,
		.names = j->names,
		.find_syn = j->syns == NULL ? NULL : sl_syn_reader_find,
		.syn_ctx = j->syns,
		.name_life = c->dns_names_life,
		.clients = { c->max_clients, c->client_rate, c->client_flows, c->client_held,
		             (uint8_t)c->client_prefix6 },
	};
	memcpy(f.block, c->unjudged_block, sizeof(f.block));
	return f;
}

static int make_answers(const struct sl_conf *c, struct sl_answers *a)
{
	size_t answers = (size_t)c->batch + c->max_held + 1, resets = (size_t)c->batch + c->max_held;

	a->answer = sl_lines_new(answers, sizeof(*a->answer));
	a->reset = sl_lines_new(resets, sizeof(*a->reset));
	a->answer_cap = answers;
	a->reset_cap = resets;
	return a->answer == NULL || a->reset == NULL ? SL_ENOMEM : SL_OK;
}

static int make_views(size_t batch, struct sl_judging *j)
{
	j->view = sl_lines_new(batch, sizeof(*j->view));
	j->read = sl_lines_new(batch, sizeof(*j->read));
	j->bucket = sl_lines_new(batch, sizeof(*j->bucket));
	return j->view == NULL || j->read == NULL || j->bucket == NULL ? SL_ENOMEM : SL_OK;
}

int sl_judging_new(const struct sl_judging_cfg *cfg, struct sl_judging *j)
{
	struct sl_filter_cfg fc = filter_cfg(cfg);

	*j = (struct sl_judging){
		.provider = { .log = cfg->log, .worker = cfg->worker, .counts = cfg->counts },
		.slot = cfg->slot,
		.syns = cfg->syns,
		.mark_mask = cfg->conf->mark_mask,
		.pause = cfg->pause,
		.pause_count = cfg->pause_count,
		.flush = cfg->flush,
		.ctx = cfg->ctx,
	};
	struct sl_provider table = sl_policy_provider_table(&j->provider);
	int err = make_answers(cfg->conf, &j->answers);
	if (err == SL_OK)
		err = make_views(cfg->conf->batch, j);
	if (err == SL_OK)
		err = sl_filter_new(&fc, &table, cfg->stats, &j->filter);
	if (err != SL_OK)
		sl_judging_free(j);
	return err;
}

void sl_judging_free(struct sl_judging *j)
{
	sl_filter_free(&j->filter);
	free(j->answers.answer);
	free(j->answers.reset);
	free(j->view);
	free(j->read);
	free(j->bucket);
	j->view = NULL;
	j->read = NULL;
	j->bucket = NULL;
	j->answers = (struct sl_answers){ NULL, 0, 0, NULL, 0, 0 };
}
