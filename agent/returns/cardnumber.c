#include "agent/returns/cardnumber.h"

#include <string.h>

enum { CARD_MIN = 12, CARD_MAX = 19, SEPARATORS_MAX = 3 };

/* Issuer prefixes and the lengths they issue; prefixes are compared on `digits` digits. */
static const struct issuer {
    unsigned from, to;
    unsigned digits;
    unsigned length_min, length_max;
} issuers[] = {
    {4, 4, 1, 13, 13},           {4, 4, 1, 16, 16},       {4, 4, 1, 19, 19},   /* Visa */
    {51, 55, 2, 16, 16},         {2221, 2720, 4, 16, 16},                      /* Mastercard */
    {34, 34, 2, 15, 15},         {37, 37, 2, 15, 15},                          /* Amex */
    {6011, 6011, 4, 16, 19},     {644, 649, 3, 16, 19},   {65, 65, 2, 16, 19}, /* Discover */
    {622126, 622925, 6, 16, 19}, {62, 62, 2, 16, 19},     {81, 81, 2, 16, 19}, /* UnionPay */
    {3528, 3589, 4, 16, 19},                                                   /* JCB */
    {300, 305, 3, 14, 19},       {3095, 3095, 4, 14, 19}, {36, 36, 2, 14, 19},
    {38, 39, 2, 14, 19}, /* Diners */
    {5018, 5018, 4, 12, 19},     {5020, 5020, 4, 12, 19}, {5038, 5038, 4, 12, 19},
    {5893, 5893, 4, 12, 19},     {6304, 6304, 4, 12, 19}, {6759, 6759, 4, 12, 19},
    {6761, 6763, 4, 12, 19},                            /* Maestro */
    {2200, 2204, 4, 16, 19},                            /* Mir */
    {60, 60, 2, 16, 16},         {508, 508, 3, 16, 16}, /* RuPay */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/*
 * The bytes of the space or dash at the start, 0 if there is none. Outside of ASCII: U+00A0,
 * U+00AD, U+2000 to U+2015 and U+202F, which word processors put in.
 */
static size_t separator_len(struct slice text)
{
    if (memchr(" -.\t", text.data[0], 4))
        return 1;
    if (text.len >= 2 &&
        (memcmp(text.data, "\xc2\xa0", 2) == 0 || memcmp(text.data, "\xc2\xad", 2) == 0))
        return 2;
    if (text.len < 3 || memcmp(text.data, "\xe2\x80", 2) != 0)
        return 0;
    unsigned char last = (unsigned char)text.data[2];
    return last <= 0x95 || last == 0xaf ? 3 : 0;
}

static bool issued(const char *digits, unsigned length)
{
    for (size_t i = 0; i < sizeof issuers / sizeof *issuers; i++) {
        const struct issuer *issuer = &issuers[i];
        unsigned prefix = 0;
        for (unsigned k = 0; k < issuer->digits; k++)
            prefix = prefix * 10 + (unsigned)(digits[k] - '0');
        if (prefix >= issuer->from && prefix <= issuer->to && length >= issuer->length_min &&
            length <= issuer->length_max)
            return true;
    }
    return false;
}

/* The check digit of ISO/IEC 7812-1, annex B. */
static bool luhn(const char *digits, unsigned length)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < length; i++) {
        unsigned digit = (unsigned)(digits[length - 1 - i] - '0');
        if (i % 2 == 1)
            digit = digit > 4 ? 2 * digit - 9 : 2 * digit;
        sum += digit;
    }
    return sum % 10 == 0;
}

/* Tries every end of a group of digits, from a group that starts at `start`. */
static bool card_starts_at(struct slice text, size_t start)
{
    char digits[CARD_MAX];
    unsigned length = 0;
    unsigned separators = 0;
    for (size_t i = start; i < text.len;) {
        if (is_digit(text.data[i])) {
            if (length == CARD_MAX)
                return false;
            digits[length++] = text.data[i++];
            separators = 0;
            bool ends = i == text.len || !is_digit(text.data[i]);
            if (ends && length >= CARD_MIN && issued(digits, length) && luhn(digits, length))
                return true;
            continue;
        }
        size_t len = separator_len((struct slice){text.data + i, text.len - i});
        if (len == 0 || ++separators > SEPARATORS_MAX)
            return false;
        i += len;
    }
    return false;
}

static bool take_any(const void *context, struct slice text)
{
    (void)context;
    (void)text;
    return true;
}

const struct known_formats cardnumber_checked_before = {.recognises = take_any};

bool cardnumber_in(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (is_digit(text.data[i]) && (i == 0 || !is_digit(text.data[i - 1])) &&
            card_starts_at(text, i))
            return true;
    return false;
}

enum err cardnumber_refuse(const char *text, const char *where, const struct known_formats *known,
                           struct fault *fault)
{
    if (!text || !cardnumber_in(slice_of(text)))
        return ERR_OK;
    if (known && known->recognises && known->recognises(known->context, slice_of(text)))
        return ERR_OK;
    return fault_set(fault, ERR_REFUSED, where,
                     "looks like a payment card number, which is never "
                     "stored; send a token");
}
