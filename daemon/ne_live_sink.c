/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_live_sink.c - what the core says of packets and flows, as answers to the kernel. */
#include "daemon/ne_live_priv.h"

static struct sl_ne_parked *parked_of(const struct sl_ne_packet *packet)
{
	return (struct sl_ne_parked *)(uintptr_t)packet->token;
}

static void on_decided(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	struct sl_ne_live *live = (struct sl_ne_live *)ctx;
	struct sl_ne_conn *c = (struct sl_ne_conn *)flow->driver;
	(void)now;
	if (c->syn != NULL)
		sl_ne_live_answer(live, sl_take(&c->syn), sl_ne_live_passing(live, c, flow));
}

static void on_release(void *ctx, struct sl_ne_flow *flow, enum sl_ne_direction direction,
                       const struct sl_ne_packet *packet, struct sl_mono now)
{
	struct sl_ne_live *live = (struct sl_ne_live *)ctx;
	struct sl_ne_conn *c = (struct sl_ne_conn *)flow->driver;
	(void)now;
	sl_ne_conn_way(c, direction)->passed += (uint32_t)packet->bytes.len;
	if (sl_ne_conn_way(c, direction)->first_early != NULL)
		sl_ne_live_look_after(live, c);
	sl_ne_live_answer(live, parked_of(packet), sl_ne_live_passing(live, c, flow));
}

/* A packet of a dropped flow is refused by the rules, which tell the end that sent it. Any other goes nowhere: of TCP, one that was not
 * taken is as good as lost; and of a flow that ended otherwise nobody is told. */
static void on_drop(void *ctx, struct sl_ne_flow *flow, enum sl_ne_direction direction,
                    const struct sl_ne_packet *packet, struct sl_mono now)
{
	struct sl_ne_live *live = (struct sl_ne_live *)ctx;
	struct sl_ne_conn *c = (struct sl_ne_conn *)flow->driver;
	(void)now;
	live->refused = !flow->dropped && !flow->ending;
	sl_ne_conn_way(c, direction)->refused |= flow->dropped;
	sl_ne_live_answer(live, parked_of(packet), flow->dropped ? SL_ACTION_BLOCK : SL_ACTION_DROP);
}

static void on_finish(void *ctx, struct sl_ne_flow *flow, enum sl_ne_direction direction, struct sl_mono now)
{
	struct sl_ne_live *live = (struct sl_ne_live *)ctx;
	struct sl_ne_conn *c = (struct sl_ne_conn *)flow->driver;
	struct sl_ne_way *way = sl_ne_conn_way(c, direction);
	(void)now;
	if (way->fin != NULL)
		sl_ne_live_answer(live, sl_take(&way->fin), sl_ne_live_passing(live, c, flow));
	way->passed++;
	way->finish_on = true;
	if (c->way[0].finish_on && c->way[1].finish_on) {
		c->close_due = true; /* the sockets close when each end has the other's FIN */
		sl_ne_live_look_after(live, c);
	}
}

static void on_detached(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	(void)now;
	sl_ne_live_look_after((struct sl_ne_live *)ctx, (struct sl_ne_conn *)flow->driver);
}

static void on_refuse(void *ctx, struct sl_ne_flow *flow, unsigned refusal, struct sl_mono now)
{
	struct sl_ne_live *live = (struct sl_ne_live *)ctx;
	struct sl_ne_conn *c = (struct sl_ne_conn *)flow->driver;
	(void)now;
	c->blocked = true;
	if (c->stream && !c->reset)
		sl_ne_live_tcp_refuse(live, c, refusal);
}

static void on_closed(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	struct sl_ne_live *live = (struct sl_ne_live *)ctx;
	struct sl_ne_conn *c = (struct sl_ne_conn *)flow->driver;
	(void)now;
	c->flow = NULL;
	c->blocked = flow->dropped;
	c->close_due = false;
	if (c->stream)
		sl_ne_live_tcp_forget(live, c);
	else if (!c->gone)
		sl_ne_live_look_after(live, c);
}

struct sl_ne_sink sl_ne_live_sink(struct sl_ne_live *live)
{
	return (struct sl_ne_sink){ .ctx = live,
		                    .decided = on_decided,
		                    .release = on_release,
		                    .drop = on_drop,
		                    .finish = on_finish,
		                    .detached = on_detached,
		                    .refuse = on_refuse,
		                    .closed = on_closed };
}
