/*
 * A signed document: a payload of exact bytes, the signer's certificate, the signature.
 *
 *     {"format":"tillback-signed-1","kind":"config","payload":"<base64>",
 *      "signer":"<PEM chain>","signature":"<base64 DER>"}
 *
 * What is signed is the kind, a NUL byte and the payload, so that a signed bundle can't be passed
 * off as a config. Whoever opens one gets the payload only after the signature and the signer's
 * certificate have been checked. No threading of its own.
 */
#ifndef PROVISIONING_ENVELOPE_H
#define PROVISIONING_ENVELOPE_H

#include "provisioning/signature.h"
#include "provisioning/verify.h"

enum { ENVELOPE_PAYLOAD_MAX = 256 * 1024, ENVELOPE_BYTES_MAX = 400 * 1024 };

/* Appends the envelope. `signer_pem` is a certificate for CERTIFICATE_SIGNER over `key`. */
enum err envelope_make(const char *kind, struct slice payload, struct slice signer_pem,
                       const struct key *key, struct buf *out, struct fault *fault) MUST_CHECK;
/*
 * Checks and appends the payload. ERR_INVALID: not such an envelope, or of another kind;
 * ERR_REFUSED: signature or signer not good at rules->now_ms.
 */
enum err envelope_open(const char *kind, struct slice envelope, const struct verify_rules *rules,
                       struct buf *payload, struct fault *fault) MUST_CHECK;
/*
 * Appends the payload without any check of who signed it: only for a reader that finds in the
 * payload whom to trust, and then opens the envelope with that.
 */
enum err envelope_peek(const char *kind, struct slice envelope, struct buf *payload,
                       struct fault *fault) MUST_CHECK;

/*
 * The same with a signer for another purpose: an appliance signs what it reports with its own
 * (CERTIFICATE_DEVICE). The kind keeps such a document from being taken for one of the centre's.
 */
enum err envelope_make_as(enum certificate_purpose purpose, const char *kind, struct slice payload,
                          struct slice signer_pem, const struct key *key, struct buf *out,
                          struct fault *fault) MUST_CHECK;
/* `signer` gets the signer's common name. */
enum err envelope_open_as(enum certificate_purpose purpose, const char *kind, struct slice envelope,
                          const struct verify_rules *rules, struct buf *payload,
                          char signer[static CERTIFICATE_NAME_MAX + 1],
                          struct fault *fault) MUST_CHECK;

#endif
