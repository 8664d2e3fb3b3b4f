/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/conf_value.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/mono.h"
#include "base/utf8.h"
#include "daemon/conf_error.h"
#include "daemon/mark.h"

struct unit {
	const char *name;
	uint64_t of;
};

/* Largest last, so that an amount is printed in the largest unit that divides it. */
static const struct unit size_units[] = {
	{ "B", 1 }, { "KiB", 1 << 10 }, { "MiB", 1 << 20 }, { "GiB", 1 << 30 }
};
static const struct unit span_units[] = { { "us", 1 },       { "ms", 1000 },      { "s", 1000000 },
	                                  { "m", 60000000 }, { "h", 3600000000 }, { "d", 86400000000 } };

/* Takes decimal digits from the head of *b. False when there is none, or too many for 64 bits. */
static bool take_digits(struct sl_bytes *b, uint64_t *value)
{
	size_t n = 0;
	uint64_t v = 0;
	for (; n < b->len && b->p[n] >= '0' && b->p[n] <= '9'; n++)
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, b->p[n] - '0', &v))
			return false;
	*b = sl_bytes_skip(*b, n);
	*value = v;
	return n > 0;
}

/* YAML 1.1 would read 010 as eight; people read ten. */
static bool leading_zero(struct sl_bytes b)
{
	return b.len > 1 && b.p[0] == '0' && b.p[1] >= '0' && b.p[1] <= '9';
}

static bool in_range(const struct sl_conf_opt *opt, uint64_t value)
{
	return value >= (uint64_t)opt->min && value <= (uint64_t)opt->max;
}

static int read_number(const struct sl_conf_opt *opt, const char *text, uint64_t *to, char *why)
{
	struct sl_bytes b = sl_bytes_str(text);
	if (leading_zero(b)) {
		(void)snprintf(why, SL_CONF_WHY_MAX, "write it without leading zeros");
		return SL_EMALF;
	}
	return take_digits(&b, to) && b.len == 0 && in_range(opt, *to) ? SL_OK : SL_EMALF;
}

static const struct unit *find_unit(const struct unit *units, size_t n, struct sl_bytes name)
{
	for (size_t i = 0; i < n; i++)
		if (sl_bytes_equal(sl_bytes_str(units[i].name), name))
			return &units[i];
	return NULL;
}

/* A number and its unit, with or without a space between them. */
static int read_amount(const struct sl_conf_opt *opt, const char *text, const struct unit *units, size_t n,
                       uint64_t *to, char *why)
{
	struct sl_bytes b = sl_bytes_str(text);
	bool size = opt->type == SL_CONF_size;
	if (leading_zero(b) || !take_digits(&b, to))
		return SL_EMALF;
	b = sl_bytes_trim(b);
	if (b.len == 0 && size)
		return in_range(opt, *to) ? SL_OK : SL_EMALF; /* bytes */
	const struct unit *u = find_unit(units, n, b);
	if (u != NULL)
		return !__builtin_mul_overflow(*to, u->of, to) && in_range(opt, *to) ? SL_OK : SL_EMALF;
	if (size)
		(void)snprintf(why, SL_CONF_WHY_MAX,
		               "the units are B, KiB (1024 bytes), MiB and GiB, not %.*s",
		               (int)sl_min(b.len, 16), (const char *)b.p);
	else
		(void)snprintf(why, SL_CONF_WHY_MAX, "%s: us, ms, s, m, h or d",
		               b.len == 0 ? "it needs a unit" : "the unit is one of");
	return SL_EMALF;
}

static int read_mask(const char *text, uint32_t *to)
{
	struct sl_bytes b = sl_bytes_str(text);
	uint64_t v = 0;
	if (b.len > 2 && b.p[0] == '0' && sl_ascii_lower(b.p[1]) == 'x') {
		for (size_t i = 2; i < b.len; i++) {
			uint8_t c = sl_ascii_lower(b.p[i]);
			bool digit = c >= '0' && c <= '9', letter = c >= 'a' && c <= 'f';
			if ((!digit && !letter) || v > UINT32_MAX)
				return SL_EMALF;
			v = v << 4 | (uint64_t)(digit ? c - '0' : c - 'a' + 10);
		}
	} else if (leading_zero(b) || !take_digits(&b, &v) || b.len > 0) {
		return SL_EMALF;
	}
	if (v > UINT32_MAX || !sl_mark_mask_valid((uint32_t)v))
		return SL_EMALF;
	*to = (uint32_t)v;
	return SL_OK;
}

int sl_conf_flag_read(const char *text, bool *to)
{
	static const char *const words[] = { "no", "yes", "false", "true", "off", "on" };
	for (size_t i = 0; i < SL_COUNT(words); i++) {
		if (!sl_bytes_equal_nocase(sl_bytes_str(text), sl_bytes_str(words[i])))
			continue;
		*to = i % 2 == 1;
		return SL_OK;
	}
	return SL_EMALF;
}

/* ".." stays: what it names is for the file system to say. */
char *sl_conf_path_of(const char *folder, const char *text)
{
	size_t cap = strlen(folder) + strlen(text) + 3;
	char *path = malloc(cap);
	if (path == NULL)
		return NULL;
	struct sl_out o = sl_out_of(path, cap);
	struct sl_bytes parts[2] = { sl_bytes_str(text[0] == '/' ? "" : folder), sl_bytes_str(text) };
	for (size_t i = 0; i < SL_COUNT(parts); i++) {
		struct sl_bytes rest = parts[i];
		while (rest.len > 0) {
			struct sl_bytes segment = sl_bytes_first(rest, sl_bytes_find(rest, '/'));
			rest = sl_bytes_skip(rest, segment.len + 1);
			if (segment.len == 0 || sl_bytes_equal(segment, SL_BYTES_LIT(".")))
				continue;
			sl_out_u8(&o, '/');
			sl_out_bytes(&o, segment.p, segment.len);
		}
	}
	if (o.len == 0)
		sl_out_u8(&o, '/');
	sl_out_u8(&o, '\0');
	return path;
}

static int read_string(const struct sl_conf_opt *opt, const char *text, const char *folder, char **to,
                       char *why)
{
	size_t len = strlen(text);
	if (len == 0 && opt->min > 0)
		return SL_EMALF;
	if (opt->type == SL_CONF_path && len > 0 && text[len - 1] == '/') {
		(void)snprintf(why, SL_CONF_WHY_MAX, "this names a folder");
		return SL_EMALF;
	}
	char *s = opt->type == SL_CONF_path && len > 0 ? sl_conf_path_of(folder, text) : strdup(text);
	if (s == NULL)
		return SL_ENOMEM;
	if (strlen(s) > (size_t)opt->max) {
		(void)snprintf(why, SL_CONF_WHY_MAX, "it is %zu bytes long", strlen(s));
		free(s);
		return SL_EMALF;
	}
	free(*to);
	*to = s;
	return SL_OK;
}

static int read_choice(const struct sl_conf_opt *opt, const char *text, int *to, char *why)
{
	struct sl_near near = sl_near_to(text);
	int at = sl_conf_word_find(opt->words, text);
	if (at >= 0) {
		*to = at;
		return SL_OK;
	}
	for (size_t i = 0; sl_conf_word(opt->words, i).p != NULL; i++)
		sl_near_try(&near, sl_conf_word(opt->words, i));
	(void)sl_near_question(&near, "", why);
	return SL_EMALF;
}

int sl_conf_value_read(const struct sl_conf_opt *opt, const char *text, const char *folder, void *to,
                       char why[SL_CONF_WHY_MAX])
{
	uint64_t v = 0;
	int err = SL_EMALF;
	why[0] = '\0';
	switch (opt->type) {
	case SL_CONF_flag:
		return sl_conf_flag_read(text, to);
	case SL_CONF_number:
		err = read_number(opt, text, &v, why);
		if (err == SL_OK)
			*(uint32_t *)to = (uint32_t)v;
		return err;
	case SL_CONF_size:
		err = read_amount(opt, text, size_units, SL_COUNT(size_units), &v, why);
		if (err == SL_OK)
			*(uint64_t *)to = v;
		return err;
	case SL_CONF_duration:
		err = read_amount(opt, text, span_units, SL_COUNT(span_units), &v, why);
		if (err == SL_OK)
			*(struct sl_span *)to = (struct sl_span){ (int64_t)v };
		return err;
	case SL_CONF_mask:
		return read_mask(text, to);
	case SL_CONF_path:
	case SL_CONF_text:
		return read_string(opt, text, folder, to, why);
	case SL_CONF_choice:
		return read_choice(opt, text, to, why);
	}
	return err;
}

static void amount_in(const struct unit *units, size_t n, int64_t amount, struct sl_out *o)
{
	const struct unit *u = &units[0];
	for (size_t i = 1; i < n; i++)
		if (amount != 0 && amount % (int64_t)units[i].of == 0)
			u = &units[i];
	sl_out_fmt(o, "%" PRId64 "%s", amount / (int64_t)u->of, u->name);
}

void sl_conf_amount(enum sl_conf_type type, int64_t amount, struct sl_out *o)
{
	if (type == SL_CONF_size)
		amount_in(size_units, SL_COUNT(size_units), amount, o);
	else if (type == SL_CONF_duration)
		amount_in(span_units, SL_COUNT(span_units), amount, o);
	else
		sl_out_fmt(o, "%" PRId64, amount);
}

static void expected_words(const char *words, struct sl_out *o)
{
	struct sl_bytes word;
	for (size_t i = 0; (word = sl_conf_word(words, i)).p != NULL; i++) {
		bool last = sl_conf_word(words, i + 1).p == NULL;
		sl_out_str(o, i == 0 ? "" : last ? " or " : ", ");
		sl_out_bytes(o, word.p, word.len);
	}
}

static void expected_range(const struct sl_conf_opt *opt, const char *what, struct sl_out *o)
{
	sl_out_fmt(o, "%s from ", what);
	sl_conf_amount(opt->type, opt->min, o);
	sl_out_str(o, " to ");
	sl_conf_amount(opt->type, opt->max, o);
}

void sl_conf_expected(const struct sl_conf_opt *opt, struct sl_out *o)
{
	switch (opt->type) {
	case SL_CONF_flag:
		sl_out_str(o, "yes or no");
		return;
	case SL_CONF_number:
		expected_range(opt, "a whole number", o);
		return;
	case SL_CONF_size:
		expected_range(opt, "a size", o);
		return;
	case SL_CONF_duration:
		expected_range(opt, "a duration", o);
		return;
	case SL_CONF_mask:
		sl_out_str(o, "three neighbouring bits of 32, such as 0x70000000");
		return;
	case SL_CONF_path:
		sl_out_fmt(o, "a path of at most %" PRId64 " bytes%s", opt->max,
		           opt->min == 0 ? ", or \"\" for none" : "");
		return;
	case SL_CONF_text:
		sl_out_fmt(o, "text of %" PRId64 " to %" PRId64 " bytes", opt->min, opt->max);
		return;
	case SL_CONF_choice:
		expected_words(opt->words, o);
		return;
	}
}

/* What libyaml would not read raw, or would fold as a line end (YAML 1.1 §5.1, §5.4). */
static bool needs_escape(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == 0xfeff ||
	       c == 0xfffe || c == 0xffff;
}

static uint32_t decode(struct sl_bytes b, size_t len)
{
	if (len <= 1)
		return b.p[0];
	uint32_t c = b.p[0] & (0x7fU >> len);
	for (size_t i = 1; i < len; i++)
		c = c << 6 | (b.p[i] & 0x3fU);
	return c;
}

void sl_conf_string_print(const char *text, FILE *to)
{
	struct sl_bytes rest = sl_bytes_str(text);
	(void)fputc('"', to);
	while (rest.len > 0) {
		size_t len = sl_max(1, sl_utf8_len(rest));
		uint32_t c = decode(rest, len);
		if (needs_escape(c))
			(void)fprintf(to, "\\u%04" PRIX32, c);
		else
			(void)fprintf(to, "%s%.*s", c == '"' || c == '\\' ? "\\" : "", (int)len,
			              (const char *)rest.p);
		rest = sl_bytes_skip(rest, len);
	}
	(void)fputc('"', to);
}

void sl_conf_value_print(const struct sl_conf_opt *opt, const void *from, FILE *to)
{
	char buf[64];
	struct sl_out o = sl_out_of(buf, sizeof(buf));
	struct sl_bytes word;
	switch (opt->type) {
	case SL_CONF_flag:
		(void)fputs(*(const bool *)from ? "yes" : "no", to);
		return;
	case SL_CONF_number:
		(void)fprintf(to, "%" PRIu32, *(const uint32_t *)from);
		return;
	case SL_CONF_size:
	case SL_CONF_duration:
		sl_conf_amount(opt->type,
		               opt->type == SL_CONF_size ? (int64_t) * (const uint64_t *)from
		                                         : ((const struct sl_span *)from)->us,
		               &o);
		(void)fprintf(to, "%.*s", (int)o.len, buf);
		return;
	case SL_CONF_mask:
		(void)fprintf(to, "0x%08" PRIx32, *(const uint32_t *)from);
		return;
	case SL_CONF_path:
	case SL_CONF_text:
		sl_conf_string_print(*(char *const *)from, to);
		return;
	case SL_CONF_choice:
		word = sl_conf_word(opt->words, (size_t) * (const int *)from);
		(void)fprintf(to, "%.*s", (int)word.len, (const char *)word.p);
		return;
	}
}
