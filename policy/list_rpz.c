/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list_rpz.c - response policy zones (draft-vixie-dnsop-dns-rpz) as zone files (RFC 1035 §5.1). Of the triggers the name
 * that is asked for, `x` for itself alone and `*.x` for what is below it (policy-resolution line 2); of the actions
 * NXDOMAIN, NODATA and drop, which block, and passthru, which excepts. Owners are relative to the zone, whose name is that
 * of the SOA record or of the first $ORIGIN; where neither is there, names with a dot at their end are taken as they are. */
#include "base/util.h"
#include "policy/list_reader.h"

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static bool ends_in_dot(struct sl_bytes name)
{
	return name.len > 0 && name.p[name.len - 1] == '.';
}

static void keep(struct sl_list_name *to, struct sl_bytes name)
{
	to->len = (uint8_t)sl_min(name.len, sizeof(to->text));
	if (to->len > 0)
		memcpy(to->text, name.p, to->len);
}

static struct sl_bytes name_of(const struct sl_list_name *name)
{
	return sl_bytes_of(name->text, name->len);
}

/* The line without its comment; *depth follows the parentheses, which join lines into one record. */
static struct sl_bytes strip(struct sl_bytes line, unsigned *depth)
{
	bool quoted = false;
	for (size_t i = 0; i < line.len; i++) {
		uint8_t c = line.p[i];
		if (c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (c == ';' && !quoted)
			return sl_bytes_first(line, i);
		else if (c == '(' && !quoted)
			(*depth)++;
		else if (c == ')' && !quoted && *depth > 0)
			(*depth)--;
	}
	return line;
}

/* Takes the zone's name off the end of one with a dot at its end. Absent where the name is outside of the zone. */
static struct sl_bytes relative(const struct sl_list_reader *r, struct sl_bytes name)
{
	struct sl_bytes zone = name_of(&r->zone.apex);
	name.len--;
	if (zone.len == 0)
		return name;
	if (name.len < zone.len || !sl_bytes_equal_nocase(sl_bytes_skip(name, name.len - zone.len), zone))
		return (struct sl_bytes){ NULL, 0 };
	name.len -= zone.len;
	if (name.len > 0 && name.p[--name.len] != '.')
		return (struct sl_bytes){ NULL, 0 };
	return name;
}

/* An owner as a trigger, relative to the zone; empty for the zone itself. Absent: outside, or too long. */
static struct sl_bytes trigger(struct sl_list_reader *r, struct sl_bytes owner,
                               uint8_t room[2 * SL_LIST_NAME_MAX])
{
	struct sl_bytes sub = name_of(&r->zone.sub);
	if (ends_in_dot(owner))
		return relative(r, owner);
	if (sl_bytes_equal(owner, SL_BYTES_LIT("@")))
		owner.len = 0;
	if (owner.len == 0 || (sub.len == 0 && !r->zone.root))
		return owner.len == 0 ? sub : owner;
	if (owner.len + 1 > SL_LIST_NAME_MAX)
		return (struct sl_bytes){ NULL, 0 };
	memcpy(room, owner.p, owner.len);
	room[owner.len] = '.';
	if (r->zone.root)
		return relative(r, sl_bytes_of(room, owner.len + 1));
	memcpy(&room[owner.len + 1], sub.p, sub.len);
	return sl_bytes_of(room, owner.len + 1 + sub.len);
}

/* $ORIGIN: the first one names the zone, later ones a part of it. */
static int read_origin(struct sl_list_reader *r, struct sl_bytes line, struct sl_bytes name)
{
	uint8_t room[2 * SL_LIST_NAME_MAX];
	if (name.len == 0 || name.len > SL_LIST_NAME_MAX)
		return sl_list_refuse(r, line, SL_REFUSED_ZONE_FORM);
	r->stats.comments++;
	if (sl_bytes_equal(name, SL_BYTES_LIT("."))) {
		r->zone.root = true;
		return SL_OK;
	}
	if (ends_in_dot(name) && r->zone.apex.len == 0) {
		keep(&r->zone.apex, sl_bytes_first(name, name.len - 1));
		r->zone.root = false;
		return SL_OK;
	}
	struct sl_bytes sub = trigger(r, name, room);
	if (sub.p == NULL || sub.len >= SL_LIST_NAME_MAX) {
		r->stats.comments--;
		return sl_list_refuse(r, line, SL_REFUSED_ZONE_OUTSIDE);
	}
	r->zone.root = false;
	keep(&r->zone.sub, sub);
	return SL_OK;
}

static int read_directive(struct sl_list_reader *r, struct sl_bytes line)
{
	struct sl_bytes rest = line, word = sl_list_word(&rest);
	if (sl_bytes_equal_nocase(word, SL_BYTES_LIT("$ORIGIN")))
		return read_origin(r, line, sl_list_word(&rest));
	if (sl_bytes_equal_nocase(word, SL_BYTES_LIT("$INCLUDE")))
		return sl_list_refuse(r, line, SL_REFUSED_INCLUDE);
	if (sl_bytes_equal_nocase(word, SL_BYTES_LIT("$GENERATE")))
		return sl_list_refuse(r, line, SL_REFUSED_ZONE_GENERATE);
	if (!sl_bytes_equal_nocase(word, SL_BYTES_LIT("$TTL")))
		return sl_list_refuse(r, line, SL_REFUSED_ZONE_FORM);
	r->stats.comments++;
	return SL_OK;
}

/* A time to live and a class may stand in front of the type, in any order. */
static struct sl_bytes take_type(struct sl_bytes *rest)
{
	struct sl_bytes word = sl_list_word(rest);
	for (; word.p != NULL; word = sl_list_word(rest)) {
		bool ttl = word.p[0] >= '0' && word.p[0] <= '9';
		if (!ttl && !sl_bytes_equal_nocase(word, SL_BYTES_LIT("IN")) &&
		    !sl_bytes_equal_nocase(word, SL_BYTES_LIT("CH")) &&
		    !sl_bytes_equal_nocase(word, SL_BYTES_LIT("HS")))
			break;
	}
	return word;
}

/* What a CNAME leads to: *effect, or why it is refused. */
static int read_action(struct sl_bytes target, enum sl_effect *effect)
{
	*effect = SL_EFFECT_BLOCK;
	if (sl_bytes_equal(target, SL_BYTES_LIT(".")) || sl_bytes_equal(target, SL_BYTES_LIT("*.")) ||
	    sl_bytes_equal_nocase(target, SL_BYTES_LIT("rpz-drop.")))
		return SL_LIST_FINE;
	*effect = SL_EFFECT_EXCEPT;
	return sl_bytes_equal_nocase(target, SL_BYTES_LIT("rpz-passthru.")) ? SL_LIST_FINE
	                                                                    : SL_REFUSED_RPZ_ACTION;
}

static bool is_other_trigger(struct sl_bytes name)
{
	static const struct sl_bytes last[] = { SL_BYTES_LIT("rpz-ip"), SL_BYTES_LIT("rpz-client-ip"),
		                                SL_BYTES_LIT("rpz-nsdname"), SL_BYTES_LIT("rpz-nsip") };
	size_t from = name.len;
	while (from > 0 && name.p[from - 1] != '.')
		from--;
	for (size_t i = 0; i < SL_COUNT(last); i++)
		if (sl_bytes_equal_nocase(sl_bytes_skip(name, from), last[i]))
			return true;
	return false;
}

static int read_trigger(struct sl_list_reader *r, struct sl_host *host, enum sl_scope *scope)
{
	uint8_t room[2 * SL_LIST_NAME_MAX];
	bool star = false, dot = false;
	struct sl_bytes name = trigger(r, name_of(&r->zone.owner), room);
	if (name.p == NULL || name.len == 0)
		return name.p == NULL ? SL_REFUSED_ZONE_OUTSIDE : SL_REFUSED_ZONE_FORM;
	if (is_other_trigger(name))
		return SL_REFUSED_RPZ_TRIGGER;
	int why = name.p[0] == '.' ? SL_REFUSED_HOST : sl_list_wildcard(&name, &star, &dot);
	if (why == SL_LIST_FINE)
		why = sl_list_host(name, host);
	if (why == SL_LIST_FINE && host->address && dot)
		why = SL_REFUSED_BELOW_ADDRESS;
	*scope = star ? SL_SCOPE_BELOW : r->cfg.hosts_tree ? SL_SCOPE_TREE : SL_SCOPE_EXACT;
	return why;
}

static int read_cname(struct sl_list_reader *r, struct sl_bytes line, struct sl_bytes rest)
{
	struct sl_host host;
	struct sl_list_entry e = { .host = &host };
	struct sl_bytes target = sl_list_word(&rest);
	int why = target.p == NULL || rest.len > 0 ? SL_REFUSED_ZONE_FORM : read_trigger(r, &host, &e.scope);
	if (why == SL_LIST_FINE)
		why = read_action(target, &e.effect);
	if (why != SL_LIST_FINE)
		return sl_list_refuse(r, line, (enum sl_list_refused)why);
	sl_list_aim(&e);
	return sl_list_emit(r, e);
}

/* The owner of the record stays that of later lines without one. */
static int read_record(struct sl_list_reader *r, struct sl_bytes line)
{
	struct sl_bytes rest = line, owner = { NULL, 0 };
	if (!is_blank(line.p[0]))
		owner = sl_list_word(&rest);
	if (owner.len > SL_LIST_NAME_MAX || (owner.p == NULL && r->zone.owner.len == 0))
		return sl_list_refuse(r, line, SL_REFUSED_ZONE_FORM);
	if (owner.p != NULL)
		keep(&r->zone.owner, owner);
	struct sl_bytes type = take_type(&rest);
	if (sl_bytes_equal_nocase(type, SL_BYTES_LIT("CNAME")))
		return read_cname(r, line, rest);
	bool soa = sl_bytes_equal_nocase(type, SL_BYTES_LIT("SOA"));
	if (!soa && !sl_bytes_equal_nocase(type, SL_BYTES_LIT("NS")))
		return sl_list_refuse(r, line, type.p == NULL ? SL_REFUSED_ZONE_FORM : SL_REFUSED_RPZ_ACTION);
	struct sl_bytes zone = name_of(&r->zone.owner);
	if (soa && zone.len > 1 && r->zone.apex.len == 0 && (r->zone.root || ends_in_dot(zone)))
		keep(&r->zone.apex, sl_bytes_first(zone, zone.len - ends_in_dot(zone)));
	r->stats.comments++;
	return SL_OK;
}

int sl_list_line_rpz(struct sl_list_reader *r, struct sl_bytes line)
{
	bool inside = r->zone.depth > 0;
	struct sl_bytes text = strip(line, &r->zone.depth);
	struct sl_bytes body = sl_bytes_trim(text);
	if (inside || body.len == 0 || sl_list_is_comment(body)) {
		r->stats.comments += inside || body.len > 0 || text.len < line.len;
		return SL_OK;
	}
	return body.p[0] == '$' ? read_directive(r, body) : read_record(r, text);
}
