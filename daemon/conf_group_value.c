/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/conf_group_value.h"

#include <stdlib.h>
#include <strings.h>

#include "base/err.h"

static int digit_of(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
	                              : -1;
}

/* Six pairs of hexadecimal digits. An IPv6 address never looks so: it has eight groups, or two colons in a row. */
static bool read_mac(const char *text, uint8_t mac[6])
{
	if (strlen(text) != 17)
		return false;
	for (size_t i = 0; i < 6; i++) {
		int high = digit_of(text[3 * i]), low = digit_of(text[3 * i + 1]);
		char end = text[3 * i + 2];
		if (high < 0 || low < 0 || (i < 5 ? end != ':' && end != '-' : end != '\0'))
			return false;
		mac[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* Whole decimal numbers of at most `digits` digits, up to max. */
static bool read_number(const char *text, size_t digits, unsigned max, unsigned *out)
{
	size_t n = strspn(text, "0123456789");
	*out = 0;
	if (n == 0 || n > digits || text[n] != '\0')
		return false;
	for (size_t i = 0; i < n; i++)
		*out = *out * 10 + (unsigned)(text[i] - '0');
	return *out <= max;
}

static int read_vlan(const char *text, struct sl_conf_client *out, char why[SL_CONF_WHY_MAX])
{
	unsigned id;
	out->kind = SL_CLIENT_VLAN;
	if (!read_number(text, 4, 4094, &id) || id == 0) {
		(void)snprintf(why, SL_CONF_WHY_MAX, "a VLAN has a number from 1 to 4094");
		return SL_EMALF;
	}
	out->vlan = (uint16_t)id;
	return SL_OK;
}

int sl_conf_client_read(const char *text, struct sl_conf_client *out, char why[SL_CONF_WHY_MAX])
{
	if (read_mac(text, out->mac)) {
		out->kind = SL_CLIENT_MAC;
		if ((out->mac[0] & 1) == 0)
			return SL_OK;
		(void)snprintf(why, SL_CONF_WHY_MAX,
		               "that is a multicast address, and no client sends from it");
		return SL_EMALF;
	}
	if (strncmp(text, "vlan ", 5) == 0)
		return read_vlan(text + 5, out, why);
	int err = sl_conf_inside_read(text, &out->inside, why);
	out->kind = out->inside.family == 0 ? SL_CLIENT_INTERFACE : SL_CLIENT_PREFIX;
	return err;
}

static const char *const day_names[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" };

static int day_of(const char *text, size_t len)
{
	for (int i = 0; i < 7; i++)
		if (len == 3 && strncasecmp(text, day_names[i], 3) == 0)
			return i;
	return -1;
}

int sl_conf_days_read(const char *text, uint8_t *days)
{
	const char *dash = strchr(text, '-');
	size_t len = dash == NULL ? strlen(text) : (size_t)(dash - text);
	int from = day_of(text, len), to = dash == NULL ? from : day_of(dash + 1, strlen(dash + 1));
	if (from < 0 || to < 0)
		return SL_EMALF;
	for (int day = from;; day = (day + 1) % 7) {
		*days |= (uint8_t)(1 << day);
		if (day == to)
			return SL_OK;
	}
}

int sl_conf_time_read(const char *text, uint16_t *minutes)
{
	char hour[3] = { 0 };
	unsigned h, m;
	if (strlen(text) != 5 || text[2] != ':')
		return SL_EMALF;
	memcpy(hour, text, 2);
	if (!read_number(hour, 2, 24, &h) || !read_number(text + 3, 2, 59, &m) || h * 60 + m > SL_DAY_MINUTES)
		return SL_EMALF;
	*minutes = (uint16_t)(h * 60 + m);
	return SL_OK;
}

const char *sl_conf_client_text(const struct sl_conf_client *c, char out[SL_CONF_CLIENT_TEXT])
{
	if (c->kind == SL_CLIENT_MAC)
		(void)snprintf(out, SL_CONF_CLIENT_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", c->mac[0],
		               c->mac[1], c->mac[2], c->mac[3], c->mac[4], c->mac[5]);
	else if (c->kind == SL_CLIENT_VLAN)
		(void)snprintf(out, SL_CONF_CLIENT_TEXT, "vlan %u", c->vlan);
	else
		(void)sl_conf_inside_text(&c->inside, out);
	return out;
}

const char *sl_conf_days_text(uint8_t days, char out[SL_CONF_DAYS_TEXT])
{
	const char *comma = "";
	struct sl_out o = sl_out_of(out, SL_CONF_DAYS_TEXT);
	sl_out_u8(&o, '[');
	for (int i = 0; i < 7; i++)
		if ((days >> i & 1) != 0) {
			sl_out_fmt(&o, "%s%s", comma, day_names[i]);
			comma = ", ";
		}
	sl_out_str(&o, "]");
	sl_out_u8(&o, '\0');
	return out;
}

const char *sl_conf_time_text(uint16_t minutes, char out[SL_CONF_TIME_TEXT])
{
	(void)snprintf(out, SL_CONF_TIME_TEXT, "%02u:%02u", minutes / 60 % 100U, minutes % 60U);
	return out;
}

bool sl_conf_client_equal(const struct sl_conf_client *a, const struct sl_conf_client *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == SL_CLIENT_MAC)
		return memcmp(a->mac, b->mac, sizeof(a->mac)) == 0;
	if (a->kind == SL_CLIENT_VLAN)
		return a->vlan == b->vlan;
	return memcmp(&a->inside, &b->inside, sizeof(a->inside)) == 0;
}

bool sl_role_fits(enum sl_role role, enum sl_list_kind kind)
{
	return role == SL_ROLE_OFF || (kind == SL_LIST_ALLOW) == (role == SL_ROLE_ON);
}
