/*
 * Carries bytes both ways between a TLS stream and a local socket: one 16 KiB buffer each way,
 * stops reading when it is full, forwards each side's end by a half-close after the last byte.
 * Loop thread only; never blocks.
 */
#ifndef SYNC_TRANSPORT_RELAY_H
#define SYNC_TRANSPORT_RELAY_H

#include "sync/transport/tls.h"

struct relay;

enum { RELAY_BUFFER_BYTES = 16 * 1024 };

/*
 * Comes once: ERR_CLOSED after both sides ended and everything was carried, or the failure of one
 * side. The relay is then only good for relay_close.
 */
typedef void relay_ended(void *context, enum err err, const struct fault *fault);

/* Takes over the connected `stream` and the non-blocking `fd`, also when it fails. */
enum err relay_open(struct relay **relay, struct loop *loop, struct tls_stream *stream, int fd,
                    relay_ended *ended, void *context, struct fault *fault) MUST_CHECK;
/* Closes both sides at once; what is on its way is lost. Takes NULL. */
void relay_close(struct relay *relay);
/* Carries what can be carried now, without waiting: for last words before relay_close. */
void relay_flush(struct relay *relay);
/* Why the TLS side failed; its code is ERR_OK when it has not, or just ended. */
const struct fault *relay_fault(const struct relay *relay);

#endif
