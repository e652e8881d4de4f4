/*
 * A listening TCP socket: accepts, counts connections in all and per address, and closes at once
 * what is above the limits. Loop thread only; never blocks.
 */
#ifndef SYNC_TRANSPORT_LISTENER_H
#define SYNC_TRANSPORT_LISTENER_H

#include "hal/loop.h"

#include <netinet/in.h>

struct listener;

/* An address without its port; IPv4 as IPv6 (RFC 4291, section 2.5.5.2). */
struct peer_address {
    struct in6_addr ip;
};

/* The descriptor is non-blocking and the callee's, who says listener_released when it is closed. */
typedef void listener_accepted(void *context, int fd, const struct sockaddr_storage *address,
                               socklen_t len);

struct listener_config {
    const char *address; /* "127.0.0.1:8080", "[::1]:0", "localhost:0" */
    bool loopback_only;  /* ERR_FORBIDDEN for any other address */
    unsigned connections;
    unsigned per_address;
    int64_t unacknowledged_ms; /* a peer that acknowledges nothing for so long is gone */
    listener_accepted *accepted;
    void *context;
};

enum err listener_open(struct listener **listener, struct loop *loop,
                       const struct listener_config *config, struct fault *fault) MUST_CHECK;
void listener_close(struct listener *listener); /* takes NULL */
/* "127.0.0.1:43121": with the port that was really taken. Borrowed. */
const char *listener_address(const struct listener *listener);
void listener_released(struct listener *listener, const struct sockaddr_storage *address);

#endif
