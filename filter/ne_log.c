/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/ne_log.h"

#include "base/cur.h"
#include "base/util.h"

static const struct pattern {
	const char *id, *event, *text;
	enum sl_ne_log_layer layer;
} patterns[] = {
#define X(name, id, layer, event, text) { id, event, text, SL_NE_LOG_##layer },
	SL_NE_LOG_PLAIN(X) SL_NE_LOG_CFIL(X)
#undef X
	        { "LOG-CF", "other", NULL, SL_NE_LOG_CONTENT_FILTER },
	{ "LOG-PIR", "pir_error", NULL, SL_NE_LOG_PIR },
};

const char *sl_ne_log_id(enum sl_ne_log_id id)
{
	return patterns[id].id;
}

const char *sl_ne_log_event(enum sl_ne_log_id id)
{
	return patterns[id].event;
}

const char *sl_ne_log_how(unsigned how)
{
	return how == 0 ? "read" : how == 1 ? "write" : "both";
}

/* ---- words ---- */

static const struct sl_bytes private_text = { (const uint8_t *)"<private>", 9 };

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(uint8_t c)
{
	return is_digit(c) || c == '_' || (sl_ascii_lower(c) >= 'a' && sl_ascii_lower(c) <= 'z');
}

static bool begins(struct sl_bytes b, struct sl_bytes with)
{
	return b.len >= with.len && sl_bytes_equal_nocase(sl_bytes_first(b, with.len), with);
}

static bool next_is(const struct sl_cur *c, const char *text)
{
	return c->err == SL_OK && begins(sl_bytes_of(c->p, c->left), sl_bytes_str(text));
}

/* Skips the text where it is next. */
static bool take(struct sl_cur *c, const char *text)
{
	bool is = next_is(c, text);
	if (is)
		sl_cur_skip(c, strlen(text));
	return is;
}

static void need(struct sl_cur *c, const char *text)
{
	if (!take(c, text))
		sl_cur_fail(c, SL_EPROTO);
}

static bool take_private(struct sl_cur *c, struct sl_ne_log_line *l)
{
	bool is = take(c, "<private>");
	l->hidden |= is;
	return is;
}

/* Digits; what does not fit into 64 bits is no number of these lines. */
static uint64_t number(struct sl_cur *c)
{
	uint64_t n = 0;
	if (c->err != SL_OK || c->left == 0 || !is_digit(*c->p))
		sl_cur_fail(c, SL_EPROTO);
	while (sl_cur_more(c) && is_digit(*c->p)) {
		uint8_t digit = (uint8_t)(sl_cur_u8(c) - '0');
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, digit, &n))
			sl_cur_fail(c, SL_EPROTO);
	}
	return n;
}

static int64_t signed_number(struct sl_cur *c)
{
	bool minus = take(c, "-");
	uint64_t n = number(c);
	if (n > INT64_MAX)
		sl_cur_fail(c, SL_EPROTO);
	return n > INT64_MAX ? 0 : minus ? -(int64_t)n : (int64_t)n;
}

static uint64_t hex(struct sl_cur *c)
{
	uint64_t n = 0;
	size_t digits = 0;
	while (sl_cur_more(c)) {
		uint8_t d = sl_ascii_lower(*c->p);
		if (!is_digit(d) && (d < 'a' || d > 'f'))
			break;
		sl_cur_skip(c, 1);
		n = n << 4 | (uint64_t)(is_digit(d) ? d - '0' : d - 'a' + 10);
		digits++;
	}
	if (digits == 0 || digits > 16)
		sl_cur_fail(c, SL_EPROTO);
	return n;
}

/* Up to the next byte that is one of these; may be empty. */
static struct sl_bytes until(struct sl_cur *c, const char *ends)
{
	size_t n = 0;
	while (c->err == SL_OK && n < c->left && memchr(ends, c->p[n], strlen(ends)) == NULL)
		n++;
	return sl_cur_bytes(c, n);
}

/* ---- the plain patterns: text, with {letters} where a value stands ---- */

static void take_field(struct sl_cur *c, char letter, struct sl_ne_log_line *l)
{
	if (take_private(c, l))
		return;
	switch (letter) {
	case 'f':
		l->flow = number(c);
		l->has_flow = true;
		break;
	case 'n':
		l->n = number(c);
		break;
	case 'o':
		l->out = number(c);
		break;
	case 'i':
		l->in = number(c);
		break;
	case 'g':
		l->group = number(c);
		break;
	case 'r':
		l->refs = signed_number(c);
		break;
	case 'h':
		l->how = (unsigned)(sl_cur_u8(c) - '0');
		if (l->how > 2)
			sl_cur_fail(c, SL_EPROTO);
		break;
	case 'T':
		l->type = until(c, ", \t");
		break;
	case 'A':
		l->app = until(c, ", \t");
		break;
	case 'x':
		need(c, "0x");
		(void)hex(c);
		break;
	default: /* '*': a word */
		if (until(c, " bB").len == 0)
			sl_cur_fail(c, SL_EPROTO);
	}
}

/* Does the pattern stand at the head of c? It is moved behind it then. */
static bool fits(struct sl_cur *c, const char *text, struct sl_ne_log_line *l)
{
	for (const char *t = text; *t != '\0' && c->err == SL_OK; t++) {
		if (*t == '{') {
			take_field(c, t[1], l);
			t += 2;
		} else if (*t == '$') {
			sl_cur_fail(c, c->left > 0 ? SL_EPROTO : SL_OK);
		} else if (sl_ascii_lower(sl_cur_u8(c)) != sl_ascii_lower((uint8_t)*t)) {
			sl_cur_fail(c, SL_EPROTO);
		}
	}
	return c->err == SL_OK;
}

/* "(515129771): " in front of at. */
static bool numbered(struct sl_bytes message, size_t at, uint64_t *flow)
{
	size_t open = at;
	if (at < 4 || message.p[at - 1] != ' ' || message.p[at - 2] != ':' || message.p[at - 3] != ')')
		return false;
	open = at - 3;
	while (open > 0 && is_digit(message.p[open - 1]))
		open--;
	if (open == 0 || message.p[open - 1] != '(')
		return false;
	struct sl_cur c = sl_cur_whole(sl_bytes_first(sl_bytes_skip(message, open), at - 3 - open));
	*flow = number(&c);
	return sl_cur_end(&c) == SL_OK;
}

/* A pattern that begins with ^ is one common word: it counts at the head of a message, or behind a flow's number only. */
static bool fits_at(struct sl_bytes message, size_t at, const struct pattern *p, struct sl_ne_log_line *out)
{
	bool head = p->text[0] == '^';
	struct sl_ne_log_line l = { .layer = p->layer };
	struct sl_cur c = sl_cur_whole(sl_bytes_skip(message, at));
	l.has_flow = numbered(message, at, &l.flow);
	if (head && !l.has_flow && at > 0)
		return false;
	if (!fits(&c, p->text + head, &l) || (c.left > 0 && is_word(*c.p) && is_word(c.p[-1])))
		return false;
	*out = l;
	return true;
}

static int read_plain(struct sl_bytes message, struct sl_ne_log_line *out)
{
	for (int id = 0; id < SL_NE_LOG_CF_01; id++) {
		const struct pattern *p = &patterns[id];
		uint8_t first = sl_ascii_lower((uint8_t)p->text[p->text[0] == '^']);
		for (size_t at = 0; at < message.len; at++) {
			if (sl_ascii_lower(message.p[at]) != first || (at > 0 && is_word(message.p[at - 1])))
				continue;
			if (fits_at(message, at, p, out)) {
				out->id = (enum sl_ne_log_id)id;
				return SL_OK;
			}
		}
	}
	return SL_EPROTO;
}

/* ---- the content filter's: <CFIL: what>: [pid process] <proto dir so ...> lport ... ---- */

static enum sl_ne_log_id cfil_id(struct sl_bytes what, struct sl_ne_log_line *l)
{
	for (int id = SL_NE_LOG_CF_01; id < SL_NE_LOG_CF_30; id++) {
		struct sl_cur c = sl_cur_whole(what);
		if (fits(&c, patterns[id].text, l) && c.left == 0)
			return (enum sl_ne_log_id)id;
	}
	l->hidden |= begins(what, private_text);
	return SL_NE_LOG_CFIL_OTHER;
}

static uint8_t protocol_of(struct sl_bytes name)
{
	if (begins(name, SL_BYTES_LIT("TCP")))
		return 6;
	return begins(name, SL_BYTES_LIT("UDP")) ? 17 : 0;
}

static struct sl_bytes word(struct sl_cur *c, const char *ends, struct sl_ne_log_line *l)
{
	return take_private(c, l) ? (struct sl_bytes){ NULL, 0 } : until(c, ends);
}

static void read_process(struct sl_cur *c, struct sl_ne_log_line *l)
{
	need(c, ": [");
	if (!take_private(c, l)) {
		l->pid = number(c);
		l->has_pid = c->err == SL_OK;
	}
	need(c, " ");
	l->process = word(c, "]", l);
	need(c, "] <");
}

static bool take_age(struct sl_cur *c, struct sl_ne_log_line *l)
{
	if (!take(c, " age "))
		return false;
	if (!take_private(c, l)) {
		l->age = signed_number(c);
		l->has_age = c->err == SL_OK;
	}
	return true;
}

/* After the address of the socket: flags, identifiers and the age, each of which a line may lack. */
static void read_socket(struct sl_cur *c, struct sl_ne_log_line *l)
{
	l->protocol = protocol_of(word(c, " ", l));
	need(c, " ");
	l->inbound = take(c, "in");
	if (!l->inbound && !take_private(c, l))
		need(c, "out");
	need(c, " so ");
	if (!take_private(c, l))
		l->socket = hex(c);
	(void)take(c, " -");
	if (take(c, " flags ")) {
		(void)word(c, " ", l);
		need(c, " ");
		(void)word(c, " >", l);
	}
	for (int i = 0; i < 2 && !take_age(c, l) && take(c, " "); i++) {
		bool hidden = take_private(c, l);
		uint64_t n = hidden ? 0 : number(c);
		if (i == 0) {
			l->sock_id = n;
			l->has_sock_id = !hidden;
		}
	}
	(void)take_age(c, l);
	need(c, ">");
}

static uint16_t port(struct sl_cur *c, struct sl_ne_log_line *l)
{
	if (take_private(c, l))
		return 0;
	uint64_t n = number(c);
	if (n > UINT16_MAX)
		sl_cur_fail(c, SL_EPROTO);
	l->has_ports = true;
	return (uint16_t)n;
}

static void read_ends(struct sl_cur *c, struct sl_ne_log_line *l)
{
	need(c, " lport ");
	l->local_port = port(c, l);
	need(c, " fport ");
	l->remote_port = port(c, l);
	need(c, " laddr ");
	l->local = word(c, " ", l);
	need(c, " faddr ");
	l->remote = word(c, " ", l);
	if (take(c, " hash "))
		l->hash = word(c, " ", l);
}

static int read_message(struct sl_cur c, struct sl_ne_log_line *out)
{
	struct sl_ne_log_line l = { .layer = SL_NE_LOG_CONTENT_FILTER };
	struct sl_bytes what = sl_bytes_of(c.p, c.left);
	size_t n = 0; /* up to ">: [": an arrow of policy_changed has one too */
	while (n < what.len && !begins(sl_bytes_skip(what, n), SL_BYTES_LIT(">: [")))
		n++;
	what = sl_cur_bytes(&c, n);
	need(&c, ">");
	l.id = cfil_id(what, &l);
	read_process(&c, &l);
	read_socket(&c, &l);
	read_ends(&c, &l);
	if (c.err != SL_OK)
		return SL_EPROTO;
	*out = l;
	return SL_OK;
}

/* VERDICT RECEIVED: <so ... sockID ... <...>> <IN peek:a pass:b, OUT peek:c pass:d> */
static int read_offsets(struct sl_cur c, struct sl_ne_log_line *out)
{
	struct sl_ne_log_line l = { .id = SL_NE_LOG_CF_30, .layer = SL_NE_LOG_CONTENT_FILTER };
	l.drop = take(&c, "DROP ");
	need(&c, "RECEIVED: <so ");
	if (!take_private(&c, &l))
		l.socket = hex(&c);
	need(&c, " sockID ");
	if (!take_private(&c, &l)) {
		l.sock_id = number(&c);
		l.has_sock_id = true;
	}
	need(&c, " <");
	(void)word(&c, ">", &l);
	need(&c, ">> <IN peek:");
	l.in_peek = number(&c);
	need(&c, " pass:");
	l.in_pass = number(&c);
	need(&c, ", OUT peek:");
	l.out_peek = number(&c);
	need(&c, " pass:");
	l.out_pass = number(&c);
	need(&c, ">");
	if (c.err != SL_OK)
		return SL_EPROTO;
	*out = l;
	return SL_OK;
}

static int read_cfil(struct sl_bytes message, struct sl_ne_log_line *out)
{
	for (size_t at = 0; at < message.len; at++) {
		struct sl_cur c = sl_cur_whole(sl_bytes_skip(message, at));
		if (take(&c, "<CFIL: "))
			return read_message(c, out);
		if (take(&c, "CFIL: VERDICT "))
			return read_offsets(c, out);
	}
	return SL_EPROTO;
}

int sl_ne_log_read(struct sl_bytes message, struct sl_ne_log_line *out)
{
	message = sl_bytes_first(message, SL_NE_LOG_MESSAGE_MAX);
	int err = read_cfil(message, out);
	if (err == SL_EPROTO)
		err = sl_ne_log_read_pir(message, out);
	return err == SL_EPROTO ? read_plain(message, out) : err;
}
