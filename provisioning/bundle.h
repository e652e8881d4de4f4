/*
 * The enrolment bundle: all that an appliance must know to become a store's appliance. It travels
 * as a file (USB stick, phone) or is fetched by a typed code (provisioning/code.h), signed by the
 * hub's signer (provisioning/envelope.h, kind "bundle").
 *
 * A bundle brings its own authority, so its signature shows that it is whole and unchanged since
 * the hub made it; whether it comes from the right hub is shown by who carried it, by the code's
 * seal, or by an authority known from before (`trusted_ca`). Any thread, but a key belongs to one
 * at a time (key.h).
 */
#ifndef PROVISIONING_BUNDLE_H
#define PROVISIONING_BUNDLE_H

#include "hal/base/arena.h"
#include "provisioning/code.h"
#include "provisioning/envelope.h"

enum { BUNDLE_TIME_SERVERS_MAX = 8, BUNDLE_CONFIG_MAX = 128 * 1024 };

struct bundle {
    const char *device; /* the id that the certificate will carry */
    const char *store;
    const char *name;       /* for people, or NULL */
    const char *hub_url;    /* https://..., or NULL */
    const char *broker_url; /* mqtts://host:8883 */
    const char *enrol_url;  /* mqtts://host:8884, the listener for enrolment only, or NULL */
    const char *ca;         /* PEM */
    const char **time_servers;
    size_t time_server_count;
    const char *config; /* the first config: a signed envelope as it is, or NULL */
    /*
     * The one-time token with its locator, as text. NULL in a bundle that is fetched by code: it is
     * given to whoever knows the locator, and must not tell them the token.
     */
    const char *code;
    int64_t issued_ms;
    int64_t expires_ms;
};

/* Appends the signed bundle. ERR_INVALID names the field that isn't right. */
enum err bundle_make(const struct bundle *bundle, struct slice signer_pem, const struct key *key,
                     struct buf *out, struct fault *fault) MUST_CHECK;

/*
 * Reads and checks a bundle; texts are kept in the arena. `trusted_ca` may be NULL. A clock that
 * stands before the bundle was issued is wrong: then the bundle is judged at the time it was
 * issued. ERR_INVALID: not a bundle, or a field is wrong; ERR_REFUSED: signature, signer, or
 * expired.
 */
enum err bundle_open(struct slice envelope, mbedtls_x509_crt *trusted_ca, int64_t now_ms,
                     struct arena *arena, struct bundle *bundle, struct fault *fault) MUST_CHECK;

/*
 * The document without a signature around it, for what an appliance keeps once it was opened
 * (provisioning/assignment.h): times and signer aren't judged.
 */
enum err bundle_write(const struct bundle *bundle, struct buf *out, struct fault *fault) MUST_CHECK;
enum err bundle_read(struct slice payload, struct arena *arena, struct bundle *bundle,
                     struct fault *fault) MUST_CHECK;

#endif
