/* SPDX-License-Identifier: GPL-2.0-or-later */
/* never_block.c - the shipped never-block set (policy-resolution line 6d): a domain list, so each name counts with all
 * below it. It holds only hosts that serve one purpose, never a site that also carries what people read. */
#include "policy/policy.h"

static const char text[] =
        "# Captive-portal and connectivity checks. Blocked, a device believes that it has no network, shows "
        "a login\n"
        "# page that is not there, or leaves this network for another one.\n"
        "captive.apple.com\n"
        "connectivitycheck.gstatic.com\n"
        "connectivitycheck.android.com\n"
        "connectivitycheck.platform.hicloud.com\n"
        "clients3.google.com\n"
        "detectportal.firefox.com\n"
        "www.msftconnecttest.com\n"
        "ipv6.msftconnecttest.com\n"
        "www.msftncsi.com\n"
        "dns.msftncsi.com\n"
        "nmcheck.gnome.org\n"
        "networkcheck.kde.org\n"
        "network-test.debian.org\n"
        "connectivity-check.ubuntu.com\n"
        "ping.archlinux.org\n"
        "\n"
        "# Updates of operating systems. Blocked, machines stay open to attacks that are long mended, and "
        "nobody sees why.\n"
        "deb.debian.org\n"
        "security.debian.org\n"
        "archive.ubuntu.com\n"
        "security.ubuntu.com\n"
        "ports.ubuntu.com\n"
        "windowsupdate.com\n"
        "update.microsoft.com\n"
        "swscan.apple.com\n"
        "swcdn.apple.com\n"
        "swdist.apple.com\n"
        "mesu.apple.com\n"
        "gdmf.apple.com\n"
        "updates.cdn-apple.com\n"
        "\n"
        "# Time. With a wrong clock no certificate is valid, and every TLS connection fails.\n"
        "pool.ntp.org\n"
        "time.apple.com\n"
        "time.windows.com\n"
        "time.google.com\n"
        "time.cloudflare.com\n"
        "time.android.com\n"
        "ntp.ubuntu.com\n";

struct sl_bytes sl_policy_never_block(void)
{
	return sl_bytes_of(text, sizeof(text) - 1);
}
