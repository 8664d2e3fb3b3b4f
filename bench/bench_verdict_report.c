/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench_verdict_report.c - the same rows and facts as JSON, as Markdown and as plots. */
#include <stdio.h>
#include <stdlib.h>

#include "bench/bench_verdict.h"

static void *grow(void *mem, size_t n, size_t size)
{
	if ((n & (n - 1)) != 0)
		return mem;
	mem = realloc(mem, (n == 0 ? 1 : n * 2) * size);
	if (mem == NULL)
		sl_verdict_die("memory");
	return mem;
}

void sl_report_row(struct sl_report *r, const struct sl_row *row)
{
	r->row = (struct sl_row *)grow(r->row, r->rows, sizeof(*row));
	r->row[r->rows++] = *row;
	(void)fprintf(stderr, "%9llu  %-32s %-4s %-36s %u thread  %-30s %9.1f ns  x%-7.2f p99.9 %9.0f\n",
	              (unsigned long long)row->entries, row->mix, row->cold ? "cold" : "warm", row->engine,
	              row->threads, row->reload, row->ns, row->ratio, row->p999);
}

void sl_report_fact(struct sl_report *r, uint64_t entries, const char *name, double value, const char *unit)
{
	r->fact = (struct sl_fact *)grow(r->fact, r->facts, sizeof(*r->fact));
	r->fact[r->facts++] = (struct sl_fact){ entries, name, unit, value };
	(void)fprintf(stderr, "%9llu  %s: %.6g %s\n", (unsigned long long)entries, name, value, unit);
}

static FILE *open_out(const char *file)
{
	FILE *f = strcmp(file, "-") == 0 ? stdout : fopen(file, "we");
	if (f == NULL)
		sl_verdict_die(file);
	return f;
}

static void close_out(FILE *f, const char *file)
{
	if (fflush(f) != 0 || (f != stdout && fclose(f) != 0))
		sl_verdict_die(file);
}

/* Names are our own, and hold nothing that JSON or Markdown would have to escape. */
void sl_report_json(const struct sl_report *r, const char *file)
{
	FILE *f = open_out(file);
	(void)fputs("{\"facts\":[", f);
	for (size_t i = 0; i < r->facts; i++)
		(void)fprintf(f, "%s\n{\"entries\":%llu,\"name\":\"%s\",\"value\":%.9g,\"unit\":\"%s\"}",
		              i == 0 ? "" : ",", (unsigned long long)r->fact[i].entries, r->fact[i].name,
		              r->fact[i].value, r->fact[i].unit);
	(void)fputs("],\n\"rows\":[", f);
	for (size_t i = 0; i < r->rows; i++) {
		const struct sl_row *w = &r->row[i];
		(void)fprintf(
		        f,
		        "%s\n{\"entries\":%llu,\"mix\":\"%s\",\"cold\":%s,\"engine\":\"%s\",\"threads\":%u,"
		        "\"reload\":\"%s\",\"rounds\":%u,\"keys\":%.3f,\"blocked\":%.4f,\"ns\":%.2f,"
		        "\"ns_low\":%.2f,\"ns_high\":%.2f,\"ratio\":%.4f,\"p50\":%.1f,\"p90\":%.1f,"
		        "\"p99\":%.1f,\"p99.9\":%.1f,\"per_second\":%.0f}",
		        i == 0 ? "" : ",", (unsigned long long)w->entries, w->mix, w->cold ? "true" : "false",
		        w->engine, w->threads, w->reload, w->rounds, w->keys, w->hits, w->ns, w->ns_low,
		        w->ns_high, w->ratio, w->p50, w->p90, w->p99, w->p999, w->per_second);
	}
	(void)fputs("]}\n", f);
	close_out(f, file);
}

static void print_row(FILE *f, const struct sl_row *w)
{
	(void)fprintf(f, "| %s | %.1f [%.1f .. %.1f] | %.2f | %.0f | %.0f | %.0f | %.0f | %.2f |\n",
	              w->engine, w->ns, w->ns_low, w->ns_high, w->ratio, w->p50, w->p90, w->p99, w->p999,
	              w->per_second * 1e-6);
}

static void print_head(FILE *f, const struct sl_row *w)
{
	(void)fprintf(f,
	              "\n%llu entries, %s, %s: %.1f keys, %.1f %% blocked\n\n"
	              "| engine | ns a verdict [least .. greatest round] | times the first | p50 | p90 | p99 "
	              "| p99.9 | "
	              "million/s |\n|---|---|---|---|---|---|---|---|\n",
	              (unsigned long long)w->entries, w->mix, w->cold ? "cold" : "warm", w->keys,
	              w->hits * 100);
}

static bool same_table(const struct sl_row *a, const struct sl_row *b)
{
	return a->entries == b->entries && strcmp(a->mix, b->mix) == 0 && a->cold == b->cold &&
	       (a->keys > 0) == (b->keys > 0);
}

static void print_rows(FILE *f, const struct sl_report *r)
{
	for (size_t i = 0; i < r->rows; i++) {
		struct sl_row w = r->row[i];
		char name[128];
		if (i == 0 || !same_table(&w, &r->row[i - 1]))
			print_head(f, &w);
		if (w.keys <= 0) {
			(void)snprintf(name, sizeof(name), "%u thread%s, reload: %s", w.threads,
			               w.threads > 1 ? "s" : "", w.reload);
			w.engine = name;
		}
		print_row(f, &w);
	}
}

void sl_report_markdown(const struct sl_report *r, const char *file)
{
	FILE *f = open_out(file);
	(void)fputs("| entries | what | value |\n|---|---|---|\n", f);
	for (size_t i = 0; i < r->facts; i++)
		(void)fprintf(f, "| %llu | %s | %.6g %s |\n", (unsigned long long)r->fact[i].entries,
		              r->fact[i].name, r->fact[i].value, r->fact[i].unit);
	print_rows(f, r);
	close_out(f, file);
}

/* One data file, a block for each mix and engine: entries, ns. */
static void write_data(const struct sl_report *r, const char *dir, const char *mix, FILE *script)
{
	char path[4096];
	const char *seen[64];
	size_t n = 0;
	for (size_t i = 0; i < r->rows; i++) {
		const struct sl_row *w = &r->row[i];
		bool known = strcmp(w->mix, mix) != 0 || !w->cold || w->keys <= 0;
		for (size_t k = 0; k < n && !known; k++)
			known = strcmp(seen[k], w->engine) == 0;
		if (known || n == sizeof(seen) / sizeof(seen[0]))
			continue;
		seen[n++] = w->engine;
		(void)fprintf(script, "$d%zu << E\n", n);
		for (size_t k = i; k < r->rows; k++)
			if (strcmp(r->row[k].mix, mix) == 0 && r->row[k].cold && r->row[k].keys > 0 &&
			    strcmp(r->row[k].engine, w->engine) == 0)
				(void)fprintf(script, "%llu %.2f\n", (unsigned long long)r->row[k].entries,
				              r->row[k].ns);
		(void)fputs("E\n", script);
	}
	(void)snprintf(path, sizeof(path), "%s/verdict-%s.svg", dir,
	               strncmp(mix, "host", 4) == 0 ? "host" : "url");
	(void)fprintf(script, "set output '%s'\nset title '%s'\nplot ", path, mix);
	for (size_t k = 0; k < n; k++)
		(void)fprintf(script, "%s$d%zu with linespoints title \"%s\"", k == 0 ? "" : ", ", k + 1,
		              seen[k]);
	(void)fputs("\n", script);
}

void sl_report_plot(const struct sl_report *r, const char *dir)
{
	char command[4200], path[4096];
	(void)snprintf(path, sizeof(path), "%s/verdict.gnuplot", dir);
	FILE *script = open_out(path);
	(void)fputs("set terminal svg size 900,600\nset logscale xy\nset key outside below\nset xlabel "
	            "'entries'\n"
	            "set ylabel 'ns a verdict'\n",
	            script);
	write_data(r, dir, sl_mixes[0].name, script);
	write_data(r, dir, sl_mixes[3].name, script);
	close_out(script, path);
	(void)snprintf(command, sizeof(command), "gnuplot '%s'", path);
	if (system(command) != 0)
		(void)fprintf(stderr, "sl_verdict: no plots: %s failed (Debian: gnuplot-nox)\n", command);
}
