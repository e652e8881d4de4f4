/*
 * A PKCS #11 token in software (SoftHSM) in a scratch folder, for tests: one for each test program,
 * since the module reads its configuration once. Ends the test program when it can't be made.
 */
#ifndef TESTS_SUPPORT_SOFT_TOKEN_H
#define TESTS_SUPPORT_SOFT_TOKEN_H

#include "hal/pkcs11.h"
#include "tests/support/scratch.h"

struct soft_token {
    struct scratch scratch;
    char uri[PKCS11_URI_MAX]; /* with its PIN's file */
};

void soft_token_make(struct soft_token *token);
void soft_token_remove(struct soft_token *token);
/* How many private keys it holds. */
size_t soft_token_count(const struct soft_token *token);

#endif
