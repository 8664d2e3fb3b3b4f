/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_live_new.c - a driver is made and freed, and looked into. */
#include <stdlib.h>

#include "daemon/ne_live_priv.h"

enum {
	ANSWERS = 1024, /* more are sent in between */
	RESETS = 64,
};

static struct sl_bytes vendor_configuration(const struct sl_conf *c)
{
	bool any = c->provider == SL_PROVIDER_EXTERNAL && c->provider_configuration[0] != '\0';
	return any ? sl_bytes_str(c->provider_configuration) : (struct sl_bytes){ NULL, 0 };
}

static int make_filter(struct sl_ne_live *live, struct sl_mono now)
{
	const struct sl_ne_source *s = live->cfg.source;
	struct sl_ne_filter_config fc = { .options = live->options,
		                          .provider = s->provider,
		                          .control = s->control,
		                          .sink = sl_ne_live_sink(live),
		                          .trace = live->cfg.trace,
		                          .configuration = { true, vendor_configuration(live->cfg.conf) } };
	int err = sl_ne_filter_new(&fc, now, &live->filter);
	if (err == SL_OK && s->begin != NULL)
		s->begin(s->ctx, live->filter, now);
	else if (err == SL_OK)
		err = sl_ne_filter_start(live->filter, now);
	return err;
}

static int make_names(struct sl_ne_live *live)
{
	const struct sl_conf *c = live->cfg.conf;
	const struct sl_ne_names_config config = { .naming = (enum sl_ne_naming)c->hostname,
		                                   .dns = live->cfg.names,
		                                   .life = c->dns_names_life,
		                                   .budget = c->budget,
		                                   .seed = live->cfg.seed };
	return sl_ne_names_new(&config, &live->names);
}

static int make_memory(struct sl_ne_live *live)
{
	const struct sl_conf *c = live->cfg.conf;
	struct sl_flow_table_cfg table = { c->max_flows, live->cfg.seed, sl_ne_live_on_gone,
		                           sl_ne_live_is_spared, live };
	struct sl_answers *a = &live->answers;
	live->conn = (struct sl_ne_conn *)calloc(c->max_flows, sizeof(live->conn[0]));
	a->answer = (struct sl_answer *)calloc(ANSWERS, sizeof(a->answer[0]));
	a->reset = (struct sl_reset *)calloc(RESETS, sizeof(a->reset[0]));
	a->answer_cap = ANSWERS;
	a->reset_cap = RESETS;
	if (live->conn == NULL || a->answer == NULL || a->reset == NULL)
		return SL_ENOMEM;
	for (uint32_t i = c->max_flows; i-- > 0;) {
		live->conn[i].next = live->spare;
		live->spare = &live->conn[i];
	}
	int err = sl_flow_table_new(&table, &live->table);
	if (err == SL_OK)
		err = make_names(live);
	if (err == SL_OK)
		err = sl_ne_parking_new(live->options.max_packets,
		                        (uint16_t)(live->first_queue + SL_NE_QUEUE_PARKING), &live->parking);
	return err;
}

int sl_ne_live_new(const struct sl_ne_live_cfg *cfg, struct sl_mono now, struct sl_ne_live **out)
{
	struct sl_ne_live *live = (struct sl_ne_live *)calloc(1, sizeof(*live));
	if (live == NULL)
		return SL_ENOMEM;
	live->cfg = *cfg;
	live->options = sl_ne_live_options(cfg->conf);
	live->options.seed = cfg->seed;
	live->first_queue = (uint16_t)cfg->conf->queue_first;
	live->both = cfg->source->needs != 0;
	live->hold_syn = cfg->conf->tcp_hold != 0;
	live->now = now;
	int err = make_memory(live);
	if (err == SL_OK)
		err = make_filter(live, now);
	if (err != SL_OK)
		sl_ne_live_free(&live);
	else
		*out = live;
	return err;
}

void sl_ne_live_free(struct sl_ne_live **live)
{
	struct sl_ne_live *l = sl_take(live);
	if (l == NULL)
		return;
	sl_ne_filter_free(&l->filter);
	sl_ne_parking_free(&l->parking);
	sl_flow_table_free(&l->table);
	sl_ne_names_free(&l->names);
	free(l->conn);
	free(l->answers.answer);
	free(l->answers.reset);
	free(l);
}

struct sl_answers *sl_ne_live_answers(struct sl_ne_live *live)
{
	return &live->answers;
}

struct sl_ne_filter *sl_ne_live_filter(struct sl_ne_live *live)
{
	return live->filter;
}

const struct sl_ne_live_counts *sl_ne_live_counts(const struct sl_ne_live *live)
{
	return &live->counts;
}

const struct sl_ne_names_counts *sl_ne_live_names(const struct sl_ne_live *live)
{
	return sl_ne_names_counts(live->names);
}

const struct sl_ne_parking_counts *sl_ne_live_parking(const struct sl_ne_live *live)
{
	return sl_ne_parking_counts(live->parking);
}

size_t sl_ne_live_held(const struct sl_ne_live *live)
{
	return sl_ne_parking_held(live->parking);
}
