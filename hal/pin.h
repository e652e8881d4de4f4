/*
 * PINs and what is kept of them: a salted slow hash (PBKDF2-HMAC-SHA256, RFC 8018), compared in
 * constant time. A PIN is 4 to 12 digits; few enough to be guessed, so lockout.h stands beside it.
 * Making and matching take tens of milliseconds of processor time: never on a loop's thread.
 */
#ifndef HAL_PIN_H
#define HAL_PIN_H

#include "hal/base/buf.h"

enum {
    PIN_MIN = 4,
    PIN_MAX = 12,
    PIN_ONE_TIME = 8, /* digits of one that the program makes */
    PIN_SALT_BYTES = 16,
    PIN_HASH_BYTES = 32,
    PIN_ROUNDS = 200000,
};

struct pin_verifier {
    uint32_t rounds;
    uint8_t salt[PIN_SALT_BYTES];
    uint8_t hash[PIN_HASH_BYTES];
};

/* ERR_INVALID unless it is 4 to 12 digits, and not one digit repeated or a plain run. */
enum err pin_check(struct slice pin, struct fault *fault) MUST_CHECK;
/* A new verifier with a salt of its own; `rounds` 0 takes PIN_ROUNDS. */
enum err pin_verifier_make(struct slice pin, uint32_t rounds, struct pin_verifier *verifier,
                           struct fault *fault) MUST_CHECK;
bool pin_matches(struct slice pin, const struct pin_verifier *verifier);
/* Random digits and a NUL; passes pin_check. */
void pin_random(char pin[static PIN_ONE_TIME + 1]);

#endif
