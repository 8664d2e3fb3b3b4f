/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/syn_log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/lines.h"
#include "base/util.h"
#include "daemon/clock.h"
#include "daemon/mark.h"
#include "daemon/nfq.h"
#include "daemon/nfq_message.h"
#include "daemon/rules.h"
#include "filter/packet.h"

enum {
	CONFIG_MAX = 256,
	MESSAGES = 64,      /* read at once */
	MESSAGE_MAX = 1024, /* headers of the packet and of its link, and what the kernel says of it */
	READS_MAX = 1024,   /* at a time: a flood must not keep a worker from its queue */
	SYNS_MAX = 1 << 16, /* connections that may wait for their first bytes; 4 MB */
	WAIT_US = 1000, /* for another worker, which may have been put to sleep with a copy in its hands */
	SPINS = 200,    /* before others are let run */
};

/* Odd while the worker reads. On a line of its own. */
struct reading {
	_Atomic uint64_t number;
} SL_ALIGNED;

struct sl_syn_log {
	struct reading worker[SL_WORKERS_MAX];
	unsigned workers;
	uint32_t fresh; /* the bit of a packet's mark (daemon/mark.h) */
	struct sl_syns *syns;
};

struct sl_syn_reader {
	struct sl_syn_log *log;
	struct sl_worker_shared *counters;
	int fd;
	unsigned worker;
	bool fresh; /* read since the batch came */
	struct mmsghdr msg[MESSAGES];
	struct iovec iov[MESSAGES];
	uint8_t buf[MESSAGES][MESSAGE_MAX] __attribute__((aligned(8)));
};

/* ---- the supervisor's part ---- */

/* One message: bind, copy headers only, and tell at once: by default the kernel collects a hundred, for up to a second. */
static int bind_group(int fd, uint16_t group)
{
	char buf[CONFIG_MAX] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfulnl_msg_config_cmd cmd = { .command = NFULNL_CFG_CMD_BIND };
	struct nfulnl_msg_config_mode mode = { .copy_range = htonl(SL_RULES_SYN_BYTES),
		                               .copy_mode = NFULNL_COPY_PACKET };

	nlh->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	struct nfgenmsg *gen = mnl_nlmsg_put_extra_header(nlh, sizeof(*gen));
	*gen = (struct nfgenmsg){ AF_UNSPEC, NFNETLINK_V0, htons(group) };
	mnl_attr_put(nlh, NFULA_CFG_CMD, sizeof(cmd), &cmd);
	mnl_attr_put(nlh, NFULA_CFG_MODE, sizeof(mode), &mode);
	mnl_attr_put_u32(nlh, NFULA_CFG_QTHRESH, htonl(1));
	return sl_nfq_talk(fd, nlh, 1);
}

int sl_syn_log_open(uint16_t group, uint32_t receive_buffer, const struct sl_diag *diag, int *fd)
{
	int s = sl_nfq_socket(receive_buffer);

	if (s >= 0 && bind_group(s, group) == SL_OK) {
		*fd = s;
		return SL_OK;
	}
	int err = errno == EBUSY || errno == EPERM ? SL_EBUSY : SL_EUNSUP;
	sl_diag(diag, NULL, 0, "NFLOG group %u: %s%s", group, strerror(errno),
	        err == SL_EBUSY ? "; another program may hold it" : "; is nfnetlink_log there?");
	if (s >= 0)
		(void)close(s);
	return err;
}

/* ---- the engine's ---- */

int sl_syn_log_new(unsigned workers, uint32_t mark_mask, uint64_t seed, struct sl_syn_log **out)
{
	struct sl_syn_log *log = sl_lines_new(1, sizeof(*log));

	if (log == NULL)
		return SL_ENOMEM;
	log->workers = workers;
	log->fresh = sl_mark_started(mark_mask);
	int err = sl_syns_new(SYNS_MAX, seed, &log->syns);
	if (err == SL_OK)
		*out = sl_take(&log);
	sl_syn_log_free(&log);
	return err;
}

void sl_syn_log_free(struct sl_syn_log **log)
{
	struct sl_syn_log *old = sl_take(log);

	if (old == NULL)
		return;
	sl_syns_free(&old->syns);
	free(old);
}

int sl_syn_reader_new(struct sl_syn_log *log, int fd, unsigned worker, struct sl_worker_shared *counters,
                      struct sl_syn_reader **out)
{
	struct sl_syn_reader *r = sl_lines_new(1, sizeof(*r));

	if (r == NULL) {
		(void)close(fd);
		return SL_ENOMEM;
	}
	r->log = log;
	r->fd = fd;
	r->worker = worker;
	r->counters = counters;
	for (size_t i = 0; i < MESSAGES; i++) {
		r->iov[i] = (struct iovec){ r->buf[i], MESSAGE_MAX };
		r->msg[i].msg_hdr.msg_iov = &r->iov[i];
		r->msg[i].msg_hdr.msg_iovlen = 1;
	}
	*out = r;
	return SL_OK;
}

void sl_syn_reader_free(struct sl_syn_reader **r)
{
	struct sl_syn_reader *old = sl_take(r);

	if (old == NULL)
		return;
	(void)close(old->fd);
	free(old);
}

static void take_in(struct sl_syn_reader *r, size_t i, struct sl_mono now)
{
	struct sl_bytes ip;
	struct sl_packet syn;
	uint32_t mark;

	if ((r->msg[i].msg_hdr.msg_flags & MSG_TRUNC) != 0 ||
	    !sl_nflog_message_read((const void *)r->buf[i], r->msg[i].msg_len, &ip, &mark) ||
	    sl_packet_read(ip, ip.len, &syn) != SL_OK || syn.key.proto != SL_PROTO_TCP ||
	    (syn.flags & SL_TCP_SYN) == 0 ||
	    !sl_syns_put(r->log->syns, &syn.key, syn.seq, syn.ttl, (mark & r->log->fresh) != 0, now))
		sl_counter_add(&r->counters->syns_lost, 1);
}

/* False: there is no more. */
static bool read_some(struct sl_syn_reader *r, struct sl_mono now)
{
	int n = recvmmsg(r->fd, r->msg, MESSAGES, MSG_DONTWAIT, NULL);

	if (n < 0 && errno == ENOBUFS) {
		sl_counter_add(&r->counters->syn_overruns, 1);
		return true;
	}
	for (int i = 0; i < n; i++)
		take_in(r, (size_t)i, now);
	return n == MESSAGES || (n < 0 && errno == EINTR);
}

static void read_all(struct sl_syn_reader *r)
{
	_Atomic uint64_t *mine = &r->log->worker[r->worker].number;
	struct sl_mono now = sl_clock_now();

	(void)atomic_fetch_add(mine, 1);
	for (int i = 0; i < READS_MAX && read_some(r, now); i++)
		;
	(void)atomic_fetch_add(mine, 1);
}

static void wait_for(const _Atomic uint64_t *theirs, struct sl_mono limit)
{
	uint64_t number = atomic_load(theirs);

	for (unsigned i = 0; (number & 1) != 0 && atomic_load(theirs) == number; i++) {
		if (i < SPINS)
			continue;
		if (sl_mono_reached(sl_clock_now(), limit))
			break;
		(void)sched_yield();
	}
}

/* Those that began to read before we did may have taken what we look for, an older SYN of the same ports in its place being no use.
 * Who begins later finds nothing that was there for us. */
static void wait_for_others(struct sl_syn_reader *r)
{
	struct sl_mono limit = sl_mono_add(sl_clock_now(), (struct sl_span){ WAIT_US });

	for (unsigned i = 0; i < r->log->workers; i++)
		if (i != r->worker)
			wait_for(&r->log->worker[i].number, limit);
}

void sl_syn_reader_batch(struct sl_syn_reader *r)
{
	r->fresh = false;
}

bool sl_syn_reader_find(void *ctx, const struct sl_flow_key *key, struct sl_syn *out)
{
	struct sl_syn_reader *r = ctx;

	if (!r->fresh) {
		read_all(r);
		wait_for_others(r);
		r->fresh = true;
	}
	return sl_syns_take(r->log->syns, key, out);
}

void sl_syn_reader_idle(struct sl_syn_reader *r)
{
	read_all(r);
}
