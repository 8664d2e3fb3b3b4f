/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapshot_open.c - nothing of an image is believed before it was held against what the header says, and nothing of the
 * header before its checksum. */
#include <stdlib.h>

#include "base/util.h"
#include "policy/snapshot_impl.h"

static int refuse(const char **why, int err, const char *text)
{
	if (why != NULL)
		*why = text;
	return err;
}

static int read_header(struct sl_bytes image, struct sl_snapshot_header *h, const char **why)
{
	if (image.len < sizeof(h->magic) || memcmp(image.p, SL_SNAPSHOT_MAGIC, sizeof(h->magic)) != 0)
		return refuse(why, SL_EMALF, "it is no snapshot of sluice");
	memset(h, 0, sizeof(*h));
	memcpy(h, image.p, sl_min(image.len, sizeof(*h)));
	if (image.len < offsetof(struct sl_snapshot_header, size))
		return refuse(why, SL_EMALF, "it was cut short");
	if (h->version < SL_SNAPSHOT_VERSION)
		return refuse(why, SL_EUNSUP, "an older sluice made it; compile the lists again");
	if (h->version > SL_SNAPSHOT_VERSION)
		return refuse(why, SL_EUNSUP, "a newer sluice made it; compile the lists again");
	if (image.len < sizeof(*h))
		return refuse(why, SL_EMALF, "it was cut short");
	uint64_t want = h->checksum;
	h->checksum = 0;
	if (h->size != sizeof(*h) || sl_snapshot_checksum(sl_bytes_of(h, sizeof(*h)), 0) != want)
		return refuse(why, SL_EMALF, "its header is damaged");
	h->checksum = want;
	if (image.len < h->file_len)
		return refuse(why, SL_EMALF, "it was cut short");
	return image.len == h->file_len ? SL_OK : refuse(why, SL_EMALF, "it is longer than it says");
}

/* What the header says of counts fixes how long each section is. */
static bool lengths_fit(const struct sl_snapshot_header *h)
{
	const struct sl_snapshot_section *s = h->section;
	uint64_t blocks = h->keys / SL_HEAP_BLOCK + (h->keys % SL_HEAP_BLOCK != 0);
	bool ok = h->keys < UINT32_MAX && h->lines <= UINT32_MAX && h->lists <= UINT16_MAX &&
	          h->categories <= SL_CATEGORIES && h->profile <= SL_PROFILE_BOTH &&
	          (h->combo_width == 1 || h->combo_width == 2 || h->combo_width == 4);
	ok = ok && s[SL_SECTION_PREFILTER].len == sl_prefilter_bytes(&h->prefilter);
	ok = ok && s[SL_SECTION_INDEX].len > 0 && s[SL_SECTION_INDEX].len % sizeof(struct sl_bucket) == 0 &&
	     s[SL_SECTION_INDEX].len / sizeof(struct sl_bucket) <= UINT32_MAX &&
	     h->probes <= s[SL_SECTION_INDEX].len / sizeof(struct sl_bucket);
	ok = ok && s[SL_SECTION_BLOCKS].len == blocks * SL_BLOCK_OFFSET;
	ok = ok && s[SL_SECTION_COMBO_OF].len == h->keys * h->combo_width;
	ok = ok && s[SL_SECTION_COMBOS].len == h->combos * sizeof(struct sl_combo);
	ok = ok && s[SL_SECTION_MASKS].len == h->masks * sizeof(struct sl_combo_mask);
	ok = ok && s[SL_SECTION_MENTIONS].len == h->mentions * sizeof(struct sl_mention);
	ok = ok && s[SL_SECTION_LINES].len == h->lines * sizeof(uint32_t);
	ok = ok && s[SL_SECTION_LINE_BASE].len == blocks * sizeof(uint32_t);
	ok = ok && s[SL_SECTION_LISTS].len == h->lists * sizeof(struct sl_snapshot_list);
	ok = ok && s[SL_SECTION_CATEGORIES].len == h->categories * sizeof(struct sl_snapshot_category);
	return ok && s[SL_SECTION_NAMES].len > 0;
}

static bool sections_fit(const struct sl_snapshot_header *h)
{
	for (size_t i = 0; i < SL_SECTIONS; i++) {
		const struct sl_snapshot_section *s = &h->section[i];
		if (s->offset % SL_SNAPSHOT_ALIGN != 0 || s->offset < sizeof(*h) || s->offset > h->file_len ||
		    s->len > h->file_len - s->offset)
			return false;
	}
	return lengths_fit(h);
}

static void set_views(struct sl_snapshot *s, const uint8_t *image)
{
	s->image = image;
	s->bucket = sl_snapshot_at(s, SL_SECTION_INDEX);
	s->buckets = s->h.section[SL_SECTION_INDEX].len / sizeof(*s->bucket);
	s->strings = sl_bytes_of(sl_snapshot_at(s, SL_SECTION_STRINGS), s->h.section[SL_SECTION_STRINGS].len);
	s->blocks = sl_snapshot_at(s, SL_SECTION_BLOCKS);
	s->combo_of = sl_snapshot_at(s, SL_SECTION_COMBO_OF);
	s->combo = sl_snapshot_at(s, SL_SECTION_COMBOS);
	s->mask = sl_snapshot_at(s, SL_SECTION_MASKS);
	s->mention = sl_snapshot_at(s, SL_SECTION_MENTIONS);
	s->line = sl_snapshot_at(s, SL_SECTION_LINES);
	s->line_base = sl_snapshot_at(s, SL_SECTION_LINE_BASE);
	s->list = sl_snapshot_at(s, SL_SECTION_LISTS);
	s->category = sl_snapshot_at(s, SL_SECTION_CATEGORIES);
	s->names = sl_snapshot_at(s, SL_SECTION_NAMES);
}

/* Lists and categories are few, and their names are handed out as C strings: looked at now, once. */
static bool names_fit(struct sl_snapshot *s)
{
	uint64_t len = s->h.section[SL_SECTION_NAMES].len;
	if (s->names[len - 1] != '\0')
		return false;
	for (uint32_t i = 0; i < s->h.lists; i++)
		if (s->list[i].name >= len || s->list[i].file >= len ||
		    s->list[i].category >= s->h.categories)
			return false;
	for (uint32_t i = 0; i < s->h.categories; i++) {
		if (s->category[i].name >= len || s->category[i].kind >= SL_LIST_KINDS)
			return false;
		s->kind[s->category[i].kind] |= UINT64_C(1) << i;
	}
	return true;
}

static int open_sections(struct sl_snapshot *s, struct sl_bytes image, const char **why)
{
	if (!sections_fit(&s->h))
		return refuse(why, SL_EMALF, "its sections contradict its header");
	set_views(s, image.p);
	if (sl_prefilter_open(&s->mem, &s->h.prefilter, sl_snapshot_prefilter(s), &s->prefilter) != SL_OK)
		return refuse(why, SL_EMALF, "its prefilter contradicts its header");
	return names_fit(s) ? SL_OK : refuse(why, SL_EMALF, "its lists are damaged");
}

int sl_snapshot_open(struct sl_bytes image, const char **why, struct sl_snapshot **out)
{
	if ((uintptr_t)image.p % SL_SNAPSHOT_ALIGN != 0)
		return refuse(why, SL_EINVAL, "it is not aligned in memory");
	struct sl_snapshot *s = (struct sl_snapshot *)calloc(1, sizeof(*s));
	if (s == NULL)
		return refuse(why, SL_ENOMEM, sl_strerror(SL_ENOMEM));
	int err = read_header(image, &s->h, why);
	if (err == SL_OK)
		err = open_sections(s, image, why);
	if (err == SL_OK)
		*out = sl_take(&s);
	free(s);
	return err;
}
