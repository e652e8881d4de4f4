/*
 * Enrolment: how an appliance gets its first certificate, the next one, and what it is to trust.
 * The appliance asks on up/enrol, the hub answers on down/enrol, matched by MQTT 5 correlation
 * data; the same documents travel as files where there is no line, and mean the same.
 *
 *     bundle       by the locator of a typed code: the signed bundle, and the code's seal over it
 *     certificate  with the one-time code and a signing request: the first certificate
 *     renewal      with a signing request: the next one; who can't show the current certificate in
 *                  TLS any more (it has expired) sends it along, and signs the request with its key
 *     trust        the authorities and revocation lists as they are now
 *
 * Asking again with the same key gets the same answer, so that an answer may be lost. Pure; any
 * thread.
 */
#ifndef SYNC_CONTRACT_ENROL_H
#define SYNC_CONTRACT_ENROL_H

#include "hal/base/arena.h"

enum {
    ENROL_ASK_MAX = 64 * 1024,
    ENROL_ANSWER_MAX = 1000 * 1024, /* fits an MQTT message */
    ENROL_CORRELATION_MAX = 64,
};

#define ENROL_ASKS(X)                                                                              \
    X(BUNDLE, bundle)                                                                              \
    X(CERTIFICATE, certificate)                                                                    \
    X(RENEWAL, renewal)                                                                            \
    X(TRUST, trust)
#define ENROL_ASK_ENUM(upper, lower) ENROL_##upper,
enum enrol_kind { ENROL_ASKS(ENROL_ASK_ENUM) ENROL_KIND_COUNT };

/* Texts are NULL where the kind has no use for them. */
struct enrol_ask {
    int kind;
    const char *locator;   /* bundle: hexadecimal */
    const char *code;      /* certificate: as it was typed */
    const char *request;   /* certificate, renewal: PKCS#10, PEM */
    const char *identity;  /* renewal by who can't show it in TLS: the certificate, PEM */
    const char *signature; /* ... and its key's signature over enrol_signed(request): base64 */
};

struct enrol_answer {
    const char *bundle;      /* the signed envelope */
    const char *seal;        /* hexadecimal */
    const char *certificate; /* PEM */
    const char *trust;       /* the authorities, signed (provisioning/trust.h) */
    const char *crl;         /* PEM, a list of each authority */
    int64_t time_ms;         /* the hub's clock */
    enum err refused;        /* ERR_OK: it isn't */
    const char *detail;      /* why, for people */
};

void enrol_ask_write(struct buf *out, const struct enrol_ask *ask);
/* Texts are kept in the arena. ERR_INVALID also when the kind lacks one that it needs. */
enum err enrol_ask_read(struct slice text, struct arena *arena, struct enrol_ask *ask,
                        struct fault *fault) MUST_CHECK;
void enrol_answer_write(struct buf *out, const struct enrol_answer *answer);
enum err enrol_answer_read(struct slice text, struct arena *arena, struct enrol_answer *answer,
                           struct fault *fault) MUST_CHECK;

/* What the old key signs: appended to `out`. */
void enrol_signed(struct buf *out, const char *request);

#endif
