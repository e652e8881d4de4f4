#include "provisioning/code.h"

#include "hal/base/random.h"
#include "hal/crypto.h"

#include <assert.h>
#include <mbedtls/md.h>
#include <string.h>

static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

enum {
    VALUE_BYTES = CODE_LOCATOR_BYTES + CODE_TOKEN_BYTES,
    VALUE_DIGITS = VALUE_BYTES * 8 / 5,
    CHECK_DIGITS = 2,
    ALL_DIGITS = VALUE_DIGITS + CHECK_DIGITS,
    GROUP = 4,
    PRIME = 1021, /* the largest below 32 * 32 */
    VERSION = 1,  /* what all digits, read as one number, leave over after division by PRIME */
};

static_assert(ALL_DIGITS + (ALL_DIGITS - 1) / GROUP == CODE_TEXT, "the text is as long as we say");

struct code code_make(void)
{
    struct code code = {0};
    random_fill(NULL, code.locator, sizeof code.locator);
    random_fill(NULL, code.token, sizeof code.token);
    return code;
}

static void join(const struct code *code, uint8_t value[static VALUE_BYTES])
{
    memcpy(value, code->locator, CODE_LOCATOR_BYTES);
    memcpy(value + CODE_LOCATOR_BYTES, code->token, CODE_TOKEN_BYTES);
}

static unsigned remainder_of(const uint8_t *values, size_t count)
{
    unsigned remainder = 0;
    for (size_t i = 0; i < count; i++)
        remainder = (remainder * 32 + values[i]) % PRIME;
    return remainder;
}

/* Splits the bytes into five-bit values and adds the two that check them. */
static void spread(const uint8_t bytes[static VALUE_BYTES], uint8_t values[static ALL_DIGITS])
{
    for (size_t i = 0; i < VALUE_DIGITS; i++) {
        size_t bit = 5 * i;
        unsigned pair = (unsigned)bytes[bit / 8] << 8;
        if (bit / 8 + 1 < VALUE_BYTES)
            pair |= bytes[bit / 8 + 1];
        values[i] = pair >> (11 - bit % 8) & 31;
    }
    unsigned shifted = remainder_of(values, VALUE_DIGITS) * 1024 % PRIME;
    unsigned check = (VERSION + PRIME - shifted) % PRIME;
    values[VALUE_DIGITS] = (uint8_t)(check / 32);
    values[VALUE_DIGITS + 1] = (uint8_t)(check % 32);
}

static void gather(const uint8_t values[static ALL_DIGITS], uint8_t bytes[static VALUE_BYTES])
{
    memset(bytes, 0, VALUE_BYTES);
    for (size_t i = 0; i < VALUE_DIGITS; i++) {
        size_t bit = 5 * i;
        unsigned pair = (unsigned)values[i] << (11 - bit % 8);
        bytes[bit / 8] |= (uint8_t)(pair >> 8);
        if (bit / 8 + 1 < VALUE_BYTES)
            bytes[bit / 8 + 1] |= (uint8_t)pair;
    }
}

void code_format(const struct code *code, char text[static CODE_TEXT + 1])
{
    uint8_t bytes[VALUE_BYTES], values[ALL_DIGITS];
    join(code, bytes);
    spread(bytes, values);
    for (size_t i = 0; i < ALL_DIGITS; i++) {
        if (i && i % GROUP == 0)
            *text++ = '-';
        *text++ = digits[values[i]];
    }
    *text = '\0';
    crypto_wipe(bytes, sizeof bytes);
    crypto_wipe(values, sizeof values);
}

/* A digit's value as people write it; -1 for what is no digit. */
static int value_of(char c)
{
    if (c >= 'a' && c <= 'z')
        c = (char)(c - 'a' + 'A');
    if (c == 'O')
        c = '0';
    if (c == 'I' || c == 'L')
        c = '1';
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

static enum err read_digits(struct slice text, uint8_t values[static ALL_DIGITS],
                            struct fault *fault)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '-' || c == ' ' || c == '\t' || c == '\r' || c == '\n')
            continue;
        int value = value_of(c);
        if (value < 0)
            return fault_set(fault, ERR_INVALID, "code",
                             "character %zu is neither a digit nor a letter that codes use", i + 1);
        if (count == ALL_DIGITS)
            return fault_set(fault, ERR_INVALID, "code", "more than %d characters", ALL_DIGITS);
        values[count++] = (uint8_t)value;
    }
    if (count < ALL_DIGITS)
        return fault_set(fault, ERR_INVALID, "code", "%zu characters are missing",
                         ALL_DIGITS - count);
    return ERR_OK;
}

enum err code_parse(struct slice text, struct code *code, struct fault *fault)
{
    uint8_t values[ALL_DIGITS] = {0}, bytes[VALUE_BYTES];
    if (text.len > CODE_INPUT_MAX)
        return fault_set(fault, ERR_TOO_LARGE, "code", "more than %d characters", CODE_INPUT_MAX);
    enum err err = read_digits(text, values, fault);
    if (err)
        return err;
    unsigned check = values[VALUE_DIGITS] * 32U + values[VALUE_DIGITS + 1];
    if (check >= PRIME || remainder_of(values, ALL_DIGITS) != VERSION)
        return fault_set(fault, ERR_INVALID, "code",
                         "mistyped: the check digits don't fit, compare it once more");
    gather(values, bytes);
    memcpy(code->locator, bytes, CODE_LOCATOR_BYTES);
    memcpy(code->token, bytes + CODE_LOCATOR_BYTES, CODE_TOKEN_BYTES);
    return ERR_OK;
}

struct sha256 code_token_hash(const struct code *code)
{
    struct slice parts[] = {SLICE_LITERAL("tillback enrolment token"),
                            {(const char *)code->token, CODE_TOKEN_BYTES}};
    return sha256_of_all(parts, 2);
}

struct sha256 code_seal(const struct code *code, struct slice bundle)
{
    struct sha256 seal;
    int failed =
        mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), code->token, CODE_TOKEN_BYTES,
                        (const unsigned char *)bundle.data, bundle.len, seal.bytes);
    assert(!failed);
    (void)failed;
    return seal;
}

enum err code_check_seal(const struct code *code, struct slice bundle, const struct sha256 *seal,
                         struct fault *fault)
{
    struct sha256 expected = code_seal(code, bundle);
    if (!crypto_equal(expected.bytes, seal->bytes, SHA256_BYTES))
        return fault_set(fault, ERR_REFUSED, "seal",
                         "the bundle doesn't come from the hub that made this code");
    return ERR_OK;
}
