/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/metrics_text.h"

#include <string.h>

#include "base/bytes.h"
#include "base/utf8.h"

/* What may not stand as it is: in a label's value also the quote. */
static void put_escaped(FILE *to, const char *text, bool quoted)
{
	struct sl_bytes rest = sl_bytes_str(text);

	while (rest.len > 0) {
		size_t n = sl_utf8_len(rest);
		if (n == 0)
			(void)fputs("\xef\xbf\xbd", to); /* U+FFFD */
		else if (*rest.p == '\\' || (quoted && *rest.p == '"'))
			(void)fprintf(to, "\\%c", *rest.p);
		else if (*rest.p == '\n')
			(void)fputs("\\n", to);
		else
			(void)fwrite(rest.p, 1, n, to);
		rest = sl_bytes_skip(rest, n == 0 ? 1 : n);
	}
}

void sl_metrics_family(FILE *to, const char *name, const char *type, const char *help)
{
	(void)fprintf(to, "# HELP " SL_METRICS_PREFIX "%s ", name);
	put_escaped(to, help, false);
	(void)fprintf(to, "\n# TYPE " SL_METRICS_PREFIX "%s %s\n", name, type);
}

/* le: "": there is none. */
static void put_name(FILE *to, const char *name, const char *suffix, const struct sl_metrics_labels *labels,
                     const char *le)
{
	const char *before = "{";

	(void)fprintf(to, SL_METRICS_PREFIX "%s%s", name, suffix);
	for (size_t i = 0; i < SL_METRICS_LABELS; i++) {
		const struct sl_metrics_label *l = &labels->label[i];
		if (l->name == NULL || l->value == NULL)
			continue;
		(void)fprintf(to, "%s%s=\"", before, l->name);
		put_escaped(to, l->value, true);
		(void)fputc('"', to);
		before = ",";
	}
	if (*le != '\0') {
		(void)fprintf(to, "%sle=\"%s\"", before, le);
		before = ",";
	}
	(void)fputs(*before == ',' ? "} " : " ", to);
}

void sl_metrics_count(FILE *to, const char *name, struct sl_metrics_labels labels, uint64_t value)
{
	put_name(to, name, "", &labels, "");
	(void)fprintf(to, "%llu\n", (unsigned long long)value);
}

static void put_seconds(FILE *to, uint64_t us)
{
	(void)fprintf(to, "%llu.%06llu\n", (unsigned long long)(us / 1000000),
	              (unsigned long long)(us % 1000000));
}

void sl_metrics_seconds(FILE *to, const char *name, struct sl_metrics_labels labels, uint64_t us)
{
	put_name(to, name, "", &labels, "");
	put_seconds(to, us);
}

void sl_metrics_histogram(FILE *to, const char *name, struct sl_metrics_labels labels,
                          const struct sl_histogram *h)
{
	uint64_t sum = sl_counter_get(&h->sum_us), total = 0;
	char le[32];

	for (size_t i = 0; i <= SL_HISTOGRAM_BOUNDS; i++) {
		total += sl_counter_get(&h->count[i]);
		if (i < SL_HISTOGRAM_BOUNDS)
			(void)snprintf(le, sizeof(le), "%g", sl_histogram_bound[i] / 1e6);
		else
			(void)snprintf(le, sizeof(le), "+Inf");
		put_name(to, name, "_bucket", &labels, le);
		(void)fprintf(to, "%llu\n", (unsigned long long)total);
	}
	put_name(to, name, "_sum", &labels, "");
	put_seconds(to, sum);
	put_name(to, name, "_count", &labels, "");
	(void)fprintf(to, "%llu\n", (unsigned long long)total);
}
