/* SPDX-License-Identifier: GPL-2.0-or-later */
/* metrics.h - the families of `sluice metrics` (metrics.def), and those that are made of the tables of counters. */
#ifndef SL_DAEMON_METRICS_H
#define SL_DAEMON_METRICS_H

#include "daemon/metrics_text.h"
#include "daemon/shared.h"

enum sl_metric {
#define SL_METRIC(name, type, help) SL_METRIC_##name,
#include "daemon/metrics.def"
#undef SL_METRIC
	SL_METRICS
};

const char *sl_metric_name(enum sl_metric metric);
void sl_metric_family(FILE *to, enum sl_metric metric);
/* A family of one sample without labels. */
void sl_metric_count(FILE *to, enum sl_metric metric, uint64_t value);

/* Everything that is in the memory which workers share with the supervisor: filter/stats.def, causes, lists, histograms, what each
 * worker counts; where content is set, what a content filter counts. */
void sl_metrics_shared(FILE *to, const struct sl_shared *shared, unsigned workers, bool content);
/* Every family, and no sample: for the manual and its test. */
void sl_metrics_families(FILE *to);

#endif
