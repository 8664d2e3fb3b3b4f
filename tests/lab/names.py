# SPDX-License-Identifier: GPL-2.0-or-later
"""names.py - the host names that the lab asks for, and the lists that speak of them. None is looked up: clients are
told the server's address, as with curl --resolve."""

ALLOWED = "allowed.example"
BLOCKED = "blocked.example"
BELOW_BLOCKED = "a.b.blocked.example"
LISTED = "example.com"
LOOK_ALIKE = "badexample.com"
PARENT = "parent.example"
EXCEPTED = "good.parent.example"
CAPTIVE = "captive.apple.com"  # of the shipped never-block set
# Where devices ask whether there is a network: Android and ChromeOS, Firefox, Windows (twice, and over IPv6), GNOME.
PROBED = ("connectivitycheck.gstatic.com", "connectivitycheck.android.com", "detectportal.firefox.com",
          "www.msftconnecttest.com", "ipv6.msftconnecttest.com", "www.msftncsi.com", "nmcheck.gnome.org")
HOSTS_ENTRY = "counter.example"
BELOW_HOSTS_ENTRY = "other.counter.example"
URL_HOST = "urlhost.example"
PATHS = "paths.example"
BLOCKED_PATH = "/ads/banner.gif"
SIBLING_PATH = "/adsense/banner.gif"
RELOADED = "reloaded.example"
SHIPPED = "ads.example"  # of the example policy in daemon/example
SHIPPED_EXCEPTED = "good.ads.example"

ALL = (ALLOWED, BLOCKED, BELOW_BLOCKED, LISTED, LOOK_ALIKE, PARENT, EXCEPTED, CAPTIVE, HOSTS_ENTRY,
       BELOW_HOSTS_ENTRY, URL_HOST, PATHS, RELOADED, SHIPPED, SHIPPED_EXCEPTED)

# Beside those of the shipped example. Name of the list: file, format, action, text.
LISTS = {
    "blocked": ("blocked.txt", "domains", "block",
                "# names, each with all below it\n%s\n" % "\n".join((BLOCKED, LISTED, PARENT, CAPTIVE) + PROBED)),
    "trackers": ("trackers.hosts", "hosts", "block",
                 "127.0.0.1 localhost\n0.0.0.0 %s\n" % HOSTS_ENTRY),
    "pages": ("pages.urls", "urls", "block",
              "http://%s/ads\nhttps://%s/\n" % (PATHS, URL_HOST)),
    "good": ("good.txt", "domains", "allow", EXCEPTED + "\n"),
}
