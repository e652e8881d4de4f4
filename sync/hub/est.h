/*
 * Enrolment over Secure Transport (RFC 7030, with RFC 8951): for machines and tools that speak the
 * standard instead of our own enrolment. HTTPS on a listener of its own, below /.well-known/est:
 *
 *     GET  cacerts          the trusted authorities
 *     GET  csrattrs         what a request must be: P-256, ECDSA with SHA-256
 *     POST simpleenroll     a first certificate; HTTP Basic, the password is the one-time code
 *     POST simplereenroll   the next one, for who shows the present one in TLS
 *
 * The same registrar decides as for everyone else. Loop thread; the decision is the worker's.
 */
#ifndef SYNC_HUB_EST_H
#define SYNC_HUB_EST_H

#include "sync/hub/enrolment.h"
#include "sync/transport/http.h"

struct est;

struct est_config {
    const char *address;
    struct tls_context *tls; /* a server's, to whom clients need not show a certificate */
    const char *state;       /* the hub's directory */
    struct enrolment_desk *desk;
    struct diag *diag;
};

/* Texts are borrowed. */
enum err est_open(struct est **est, struct loop *loop, const struct est_config *config,
                  struct fault *fault) MUST_CHECK;
void est_close(struct est *est); /* takes NULL; before worker_close */
/* For connections from now on. */
void est_use_tls(struct est *est, struct tls_context *tls);

#endif
