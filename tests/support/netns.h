/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netns.h - a client, a gateway and a server in network namespaces without names: they are held by descriptors alone, so
 * that nothing is left of them however the test ends, and nothing of the host's is touched.
 *
 *   client 10.77.1.2, fd77:1::2 --- 10.77.1.1, fd77:1::1 gateway 10.77.2.1, fd77:2::1 --- server 10.77.2.2, fd77:2::2
 *   cl0                             gwc                          gws                      sv0
 * Forwarding is on in the gateway; client and server have default routes to it. */
#ifndef SL_TESTS_NETNS_H
#define SL_TESTS_NETNS_H

#include <stdint.h>
#include <sys/socket.h>

#include "base/util.h"
#include "filter/flow_key.h"

struct netns {
	int home; /* the namespace the test began in */
	int client, gateway, server;
};

#define NETNS_CLIENT_4 "10.77.1.2"
#define NETNS_CLIENT_6 "fd77:1::2"
#define NETNS_PUBLIC_4 "10.77.9.9" /* nobody has these, and the gateway has no route to them: for DNAT */
#define NETNS_PUBLIC_6 "fd77:9::9"
#define NETNS_SERVER_4 "10.77.2.2"
#define NETNS_SERVER_6 "fd77:2::2"

/* Ends the program with 77 and a message where namespaces cannot be made (not root, no `ip`). */
struct netns netns_make(void);
void netns_free(struct netns *ns);
/* Moves this thread to a namespace: sockets opened there stay there. */
void netns_enter(int ns);
/* Runs a shell command in a namespace, with text as its standard input; fails the test when it fails. */
SL_PRINTF(3, 4) void netns_run(int ns, const char *input, const char *command, ...);

/* An idle TCP connection from the client to address:port, which the gateway leads to port 8080 of the server; one byte
 * has gone from client to server. */
struct netns_tcp {
	int client, server;
	struct sl_flow_key sent; /* as the client sends it */
	struct sl_flow_key seen; /* as it is forwarded: after DNAT, before SNAT */
	uint32_t next_seq;       /* what the server waits for */
	uint32_t server_seq;     /* what the client waits for */
};
struct netns_tcp netns_connect(const struct netns *ns, const char *address, uint16_t port);
void netns_close(struct netns_tcp *tcp);

#endif
