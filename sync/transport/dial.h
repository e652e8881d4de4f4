/*
 * Connects to a host and completes the TLS handshake: look-up, TCP to one address after the other
 * (RFC 8305 without the race), through an HTTP CONNECT proxy (RFC 9110, section 9.3.6) if there is
 * one. Loop thread only; never blocks.
 */
#ifndef SYNC_TRANSPORT_DIAL_H
#define SYNC_TRANSPORT_DIAL_H

#include "hal/base/buf.h"
#include "sync/transport/tls.h"
#include "sync/transport/url.h"

struct dial;

enum { DIAL_PROXY_ANSWER_MAX = 4096 };

struct dial_config {
    const char *host;
    uint16_t port;
    const struct url *proxy; /* NULL: none */
    struct tls_context *tls;
    int64_t timeout_ms;         /* for everything together */
    int64_t address_timeout_ms; /* for TCP to one address; 3000 when 0 */
};

/*
 * Comes once: with the connected stream, which is then the callee's, or with why not; `fault` says
 * which step failed. The dial is then only good for dial_close.
 */
typedef void dial_ended(void *context, struct tls_stream *stream, const struct fault *fault);

/* The texts and the proxy are copied. */
enum err dial_open(struct dial **dial, struct loop *loop, const struct dial_config *config,
                   dial_ended *ended, void *context, struct fault *fault) MUST_CHECK;
/* Gives up; no callback comes after. Takes NULL. */
void dial_close(struct dial *dial);

/*
 * Reads a proxy's answer up to its empty line: *whole tells whether it is there yet. ERR_INVALID
 * when it isn't HTTP, ERR_REFUSED with the status when it isn't a 2xx. Pure.
 */
enum err dial_proxy_answer(struct slice answer, bool *whole, struct fault *fault) MUST_CHECK;

#endif
