/*
 * A session with a token: its module loaded and started, the token found, logged in (PKCS #11 2.40,
 * OASIS). Only within calls (hal/pkcs11_call.h), which come one at a time; may block as long as the
 * token likes.
 */
#ifndef HAL_PKCS11_SESSION_H
#define HAL_PKCS11_SESSION_H

#include "hal/pkcs11_uri.h"

#include <p11-kit/pkcs11.h>
#include <stdbool.h>

struct pkcs11_session {
    CK_FUNCTION_LIST *module;
    CK_SESSION_HANDLE handle;
    bool open;
};

/*
 * The errors of pkcs11_make. A token that isn't there is looked for once more with the module
 * started anew, which ends the sessions of other keys. A PIN that was refused isn't shown twice.
 */
enum err pkcs11_session_open(struct pkcs11_session *session, const struct pkcs11_uri *uri,
                             struct fault *fault) MUST_CHECK;
void pkcs11_session_close(struct pkcs11_session *session); /* fine if it isn't open */

/* What the module said, in words. */
enum err pkcs11_fault(struct fault *fault, const char *doing, CK_RV code);

#endif
