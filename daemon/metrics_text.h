/* SPDX-License-Identifier: GPL-2.0-or-later */
/* metrics_text.h - Prometheus' text exposition format, version 0.0.4, written to a stream: families with their samples. Pure but for
 * the stream; any thread.
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format */
#ifndef SL_DAEMON_METRICS_TEXT_H
#define SL_DAEMON_METRICS_TEXT_H

#include <stdint.h>
#include <stdio.h>

#include "daemon/histogram.h"

#define SL_METRICS_PREFIX "sluice_"
#define SL_METRICS_TYPE   "text/plain; version=0.0.4; charset=utf-8"

struct sl_metrics_label {
	const char *name,
	        *value; /* value: any bytes; those that are not UTF-8 become U+FFFD. NULL: the label is left out */
};

enum { SL_METRICS_LABELS = 4 }; /* of one sample */

struct sl_metrics_labels {
	struct sl_metrics_label label[SL_METRICS_LABELS];
};
#define SL_METRICS_NONE ((struct sl_metrics_labels){ { { NULL, NULL } } })

/* HELP and TYPE; once a family, before its samples, which follow one another. name without the prefix. */
void sl_metrics_family(FILE *to, const char *name, const char *type, const char *help);
void sl_metrics_count(FILE *to, const char *name, struct sl_metrics_labels labels, uint64_t value);
/* A time in the base unit. */
void sl_metrics_seconds(FILE *to, const char *name, struct sl_metrics_labels labels, uint64_t us);
/* _bucket, _sum and _count. At most three labels. */
void sl_metrics_histogram(FILE *to, const char *name, struct sl_metrics_labels labels,
                          const struct sl_histogram *h);

#endif
