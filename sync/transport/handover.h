/*
 * How libmosquitto gets our own TLS: it connects to a Unix socket that lives for a moment in a
 * private folder, and nobody but this process may be that peer.
 */
#ifndef SYNC_TRANSPORT_HANDOVER_H
#define SYNC_TRANSPORT_HANDOVER_H

#include "hal/base/fault.h"

#include <sys/un.h>

struct handover {
    int listener;
    struct sockaddr_un address;
};

/*
 * Listens on a fresh name in `folder`. ERR_TOO_LARGE when the path doesn't fit into the 107 bytes
 * of a socket's address.
 */
enum err handover_open(struct handover *handover, const char *folder,
                       struct fault *fault) MUST_CHECK;
/*
 * Accepts the peer that connected: the first one that is this very process (SO_PEERCRED). Does not
 * wait: ERR_CLOSED when there is none. *fd is non-blocking and the caller's.
 */
enum err handover_accept(struct handover *handover, int *fd, struct fault *fault) MUST_CHECK;
/* Stops listening and removes the name. */
void handover_close(struct handover *handover);

#endif
