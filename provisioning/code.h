/*
 * The enrolment code that a technician types: 26 characters in groups,
 *
 *     7K3M-Q9TX-0B4D-WWCR-H2N8-5VAF-P1
 *
 * Crockford's base32 (no I, L, O, U; small letters, and O for 0, I or L for 1, are understood;
 * dashes and spaces are passed over): 40 bits that tell the hub which bundle is meant, 80 bits that
 * are the one-time token, and two check digits. These find every single wrong character, every swap
 * of two neighbours, and all but one in a thousand of anything else.
 *
 * The token never crosses the network before the hub has proven that it knows it: the hub answers
 * the locator with the bundle and a seal over it, made when the code was (code_seal), so that it
 * may forget the token itself. Any thread; doesn't block.
 */
#ifndef PROVISIONING_CODE_H
#define PROVISIONING_CODE_H

#include "hal/base/sha256.h"

enum { CODE_LOCATOR_BYTES = 5, CODE_TOKEN_BYTES = 10, CODE_TEXT = 32, CODE_INPUT_MAX = 80 };

struct code {
    uint8_t locator[CODE_LOCATOR_BYTES];
    uint8_t token[CODE_TOKEN_BYTES]; /* a secret */
};

/* A new one, from the kernel's randomness. */
struct code code_make(void);
/* Upper case, in groups of four, NUL-terminated. */
void code_format(const struct code *code, char text[static CODE_TEXT + 1]);
/* ERR_INVALID says what is wrong: too short, an unknown character, a typing error found. */
enum err code_parse(struct slice text, struct code *code, struct fault *fault) MUST_CHECK;

/* What the hub keeps instead of the token, and looks a token up by. */
struct sha256 code_token_hash(const struct code *code);
/* HMAC-SHA-256 of a bundle's bytes under the token (RFC 2104): proves that a code's maker sent it.
 */
struct sha256 code_seal(const struct code *code, struct slice bundle);
/* ERR_REFUSED unless `seal` is just that. */
enum err code_check_seal(const struct code *code, struct slice bundle, const struct sha256 *seal,
                         struct fault *fault) MUST_CHECK;

#endif
