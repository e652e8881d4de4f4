/*
 * Which authorities an appliance is to trust, as the hub says it: while one authority replaces
 * another there are two. The document is signed (provisioning/envelope.h, kind "trust") by the
 * hub's signer, whose own authority must be trusted already: whoever merely carries it, a broker,
 * can't bring an authority of its own. An older document never replaces a newer one. Any thread,
 * but a key belongs to one at a time (key.h); trust_accept blocks on the disk.
 */
#ifndef PROVISIONING_TRUST_H
#define PROVISIONING_TRUST_H

#include "provisioning/envelope.h"

/* Appends the signed document over the authorities' certificates (PEM). */
enum err trust_make(struct slice ca_pem, int64_t issued_ms, struct slice signer_pem,
                    const struct key *key, struct buf *out, struct fault *fault) MUST_CHECK;
/*
 * Checks the document with the authorities of the identity directory, and replaces them. *changed
 * tells whether they are others now. ERR_REFUSED: not signed by one that is trusted, or older than
 * what is here; nothing is changed then.
 */
enum err trust_accept(const char *folder, struct slice envelope, int64_t now_ms, bool *changed,
                      struct fault *fault) MUST_CHECK;

#endif
