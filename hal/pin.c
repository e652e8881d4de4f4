#include "hal/pin.h"
#include "hal/base/random.h"
#include "hal/crypto.h"

/* 1111, 1234 and 4321 are what everybody tries first. */
static bool is_run(struct slice pin)
{
    int step = pin.data[1] - pin.data[0];
    if (step < -1 || step > 1)
        return false;
    for (size_t i = 1; i < pin.len; i++)
        if (pin.data[i] - pin.data[i - 1] != step)
            return false;
    return true;
}

enum err pin_check(struct slice pin, struct fault *fault)
{
    bool digits = pin.len >= PIN_MIN && pin.len <= PIN_MAX;
    for (size_t i = 0; digits && i < pin.len; i++)
        digits = pin.data[i] >= '0' && pin.data[i] <= '9';
    if (!digits)
        return fault_set(fault, ERR_INVALID, "pin", "must be %d to %d digits", PIN_MIN, PIN_MAX);
    if (is_run(pin))
        return fault_set(fault, ERR_INVALID, "pin", "is too easy to guess");
    return ERR_OK;
}

static int derive(struct slice pin, const struct pin_verifier *verifier,
                  uint8_t hash[static PIN_HASH_BYTES])
{
    struct slice salt = {(const char *)verifier->salt, PIN_SALT_BYTES};
    return crypto_pbkdf2(pin, salt, verifier->rounds, hash, PIN_HASH_BYTES);
}

enum err pin_verifier_make(struct slice pin, uint32_t rounds, struct pin_verifier *verifier,
                           struct fault *fault)
{
    struct pin_verifier made = {.rounds = rounds ? rounds : PIN_ROUNDS};
    random_fill(NULL, made.salt, PIN_SALT_BYTES);
    int code = derive(pin, &made, made.hash);
    if (code != 0)
        return crypto_fault(fault, ERR_NO_MEMORY, "pin", "hashing", code);
    *verifier = made;
    return ERR_OK;
}

bool pin_matches(struct slice pin, const struct pin_verifier *verifier)
{
    uint8_t hash[PIN_HASH_BYTES];
    bool matches =
        derive(pin, verifier, hash) == 0 && crypto_equal(hash, verifier->hash, PIN_HASH_BYTES);
    crypto_wipe(hash, sizeof hash);
    return matches;
}

/* Bytes above the last whole multiple of ten are drawn again, so that every digit is as likely. */
static char random_digit(void)
{
    uint8_t byte;
    do
        random_fill(NULL, &byte, 1);
    while (byte >= 250);
    return (char)('0' + byte % 10);
}

void pin_random(char pin[static PIN_ONE_TIME + 1])
{
    do {
        for (size_t i = 0; i < PIN_ONE_TIME; i++)
            pin[i] = random_digit();
        pin[PIN_ONE_TIME] = '\0';
    } while (pin_check(slice_of(pin), NULL) != ERR_OK);
}
