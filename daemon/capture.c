/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/capture.h"

#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

struct sl_capture {
	pcap_t *pcap;
	const struct sl_diag *diag;
	uint32_t number;
	char path[]; /* for messages */
};

int sl_capture_open(const char *path, const struct sl_diag *diag, struct sl_capture **out)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	struct sl_capture *c = calloc(1, sizeof(*c) + strlen(path) + 1);
	if (c == NULL)
		return SL_ENOMEM;
	memcpy(c->path, path, strlen(path) + 1);
	c->diag = diag;
	c->pcap = pcap_open_offline(path, why);
	if (c->pcap == NULL) {
		sl_diag(diag, path, 0, "cannot be read as a capture: %s", why);
		free(c);
		return SL_EMALF;
	}
	*out = c;
	return SL_OK;
}

void sl_capture_close(struct sl_capture **c)
{
	struct sl_capture *old = sl_take(c);
	if (old == NULL)
		return;
	pcap_close(old->pcap);
	free(old);
}

uint32_t sl_capture_linktype(const struct sl_capture *c)
{
	return (uint32_t)pcap_datalink(c->pcap);
}

int sl_capture_next(struct sl_capture *c, struct sl_frame *out)
{
	struct pcap_pkthdr *head;
	const u_char *bytes;
	int got = pcap_next_ex(c->pcap, &head, &bytes);
	if (got == PCAP_ERROR_BREAK)
		return SL_ENOENT;
	if (got != 1) {
		sl_diag(c->diag, c->path, 0, "breaks off after frame %u: %s", c->number,
		        pcap_geterr(c->pcap));
		return SL_EMALF;
	}
	*out = (struct sl_frame){
		.number = ++c->number,
		.at = { (int64_t)head->ts.tv_sec * 1000000 + head->ts.tv_usec },
		.bytes = sl_bytes_of(bytes, head->caplen),
		.wire_len = head->len,
	};
	return SL_OK;
}
