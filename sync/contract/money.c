#include "sync/contract/money.h"
#include "hal/base/cleanup.h"
#include "sync/contract/wide.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * ISO 4217, table A.1: currencies with a minor unit, by code. ANG and BGN have lately been replaced
 * but stand on receipts that may still come back.
 */
/* clang-format off */
static const struct currency currencies[] = {
    {"AED", 2}, {"AFN", 2}, {"ALL", 2}, {"AMD", 2}, {"ANG", 2}, {"AOA", 2}, {"ARS", 2},
    {"AUD", 2}, {"AWG", 2}, {"AZN", 2}, {"BAM", 2}, {"BBD", 2}, {"BDT", 2}, {"BGN", 2},
    {"BHD", 3}, {"BIF", 0}, {"BMD", 2}, {"BND", 2}, {"BOB", 2}, {"BOV", 2}, {"BRL", 2},
    {"BSD", 2}, {"BTN", 2}, {"BWP", 2}, {"BYN", 2}, {"BZD", 2}, {"CAD", 2}, {"CDF", 2},
    {"CHE", 2}, {"CHF", 2}, {"CHW", 2}, {"CLF", 4}, {"CLP", 0}, {"CNY", 2}, {"COP", 2},
    {"COU", 2}, {"CRC", 2}, {"CUP", 2}, {"CVE", 2}, {"CZK", 2}, {"DJF", 0}, {"DKK", 2},
    {"DOP", 2}, {"DZD", 2}, {"EGP", 2}, {"ERN", 2}, {"ETB", 2}, {"EUR", 2}, {"FJD", 2},
    {"FKP", 2}, {"GBP", 2}, {"GEL", 2}, {"GHS", 2}, {"GIP", 2}, {"GMD", 2}, {"GNF", 0},
    {"GTQ", 2}, {"GYD", 2}, {"HKD", 2}, {"HNL", 2}, {"HTG", 2}, {"HUF", 2}, {"IDR", 2},
    {"ILS", 2}, {"INR", 2}, {"IQD", 3}, {"IRR", 2}, {"ISK", 0}, {"JMD", 2}, {"JOD", 3},
    {"JPY", 0}, {"KES", 2}, {"KGS", 2}, {"KHR", 2}, {"KMF", 0}, {"KPW", 2}, {"KRW", 0},
    {"KWD", 3}, {"KYD", 2}, {"KZT", 2}, {"LAK", 2}, {"LBP", 2}, {"LKR", 2}, {"LRD", 2},
    {"LSL", 2}, {"LYD", 3}, {"MAD", 2}, {"MDL", 2}, {"MGA", 2}, {"MKD", 2}, {"MMK", 2},
    {"MNT", 2}, {"MOP", 2}, {"MRU", 2}, {"MUR", 2}, {"MVR", 2}, {"MWK", 2}, {"MXN", 2},
    {"MXV", 2}, {"MYR", 2}, {"MZN", 2}, {"NAD", 2}, {"NGN", 2}, {"NIO", 2}, {"NOK", 2},
    {"NPR", 2}, {"NZD", 2}, {"OMR", 3}, {"PAB", 2}, {"PEN", 2}, {"PGK", 2}, {"PHP", 2},
    {"PKR", 2}, {"PLN", 2}, {"PYG", 0}, {"QAR", 2}, {"RON", 2}, {"RSD", 2}, {"RUB", 2},
    {"RWF", 0}, {"SAR", 2}, {"SBD", 2}, {"SCR", 2}, {"SDG", 2}, {"SEK", 2}, {"SGD", 2},
    {"SHP", 2}, {"SLE", 2}, {"SOS", 2}, {"SRD", 2}, {"SSP", 2}, {"STN", 2}, {"SVC", 2},
    {"SYP", 2}, {"SZL", 2}, {"THB", 2}, {"TJS", 2}, {"TMT", 2}, {"TND", 3}, {"TOP", 2},
    {"TRY", 2}, {"TTD", 2}, {"TWD", 2}, {"TZS", 2}, {"UAH", 2}, {"UGX", 0}, {"USD", 2},
    {"USN", 2}, {"UYI", 0}, {"UYU", 2}, {"UYW", 4}, {"UZS", 2}, {"VED", 2}, {"VES", 2},
    {"VND", 0}, {"VUV", 0}, {"WST", 2}, {"XAD", 2}, {"XAF", 0}, {"XCD", 2}, {"XCG", 2},
    {"XOF", 0}, {"XPF", 0}, {"YER", 2}, {"ZAR", 2}, {"ZMW", 2}, {"ZWG", 2},
};
/* clang-format on */

static int compare_code(const void *key, const void *entry)
{
    return memcmp(key, ((const struct currency *)entry)->code, CURRENCY_TEXT);
}

const struct currency *currency_find(struct slice code)
{
    if (code.len != CURRENCY_TEXT)
        return NULL;
    return bsearch(code.data, currencies, sizeof currencies / sizeof *currencies,
                   sizeof *currencies, compare_code);
}

static uint64_t size_of(int64_t value)
{
    return value < 0 ? -(uint64_t)value : (uint64_t)value;
}

/* a * b / whole, half away from zero; the largest there is where that doesn't fit. whole > 0. */
static int64_t divide_rounded(int64_t a, int64_t b, int64_t whole)
{
    uint64_t by = (uint64_t)whole;
    uint64_t quotient;
    uint64_t rest;
    if (!wide_divide(wide_times(size_of(a), size_of(b)), by, &quotient, &rest) ||
        quotient >= INT64_MAX)
        quotient = INT64_MAX;
    else if (rest >= by - rest)
        quotient++;
    return (a < 0) != (b < 0) ? -(int64_t)quotient : (int64_t)quotient;
}

int64_t money_share(int64_t amount_minor, int64_t part, int64_t whole)
{
    assert(whole > 0);
    return divide_rounded(amount_minor, part, whole);
}

/* An amount that is dealt out over weights; no weight is more than their total. */
struct deal {
    uint64_t amount;
    const int64_t *weights;
    size_t count;
    uint64_t total;
};

/* What the weight is due in whole units, and what is left of it. */
static uint64_t due_of(const struct deal *deal, size_t i, uint64_t *rest)
{
    uint64_t due = 0;
    bool fits =
        wide_divide(wide_times(deal->amount, (uint64_t)deal->weights[i]), deal->total, &due, rest);
    assert(fits);
    return due;
}

static size_t count_above(const struct deal *deal, uint64_t least)
{
    size_t above = 0;
    for (size_t i = 0; i < deal->count; i++) {
        uint64_t rest = 0;
        due_of(deal, i, &rest);
        above += rest > least;
    }
    return above;
}

/* The smallest remainder such that no more than `units` weights have a larger one. */
static uint64_t find_threshold(const struct deal *deal, size_t units)
{
    uint64_t low = 0;
    uint64_t high = deal->total;
    while (low < high) {
        uint64_t middle = (low + high) / 2;
        if (count_above(deal, middle) <= units)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Largest remainders first, then those equal to the threshold by their position. */
static void deal_units(const struct deal *deal, size_t units, int64_t *shares)
{
    uint64_t threshold = find_threshold(deal, units);
    size_t ties = units - count_above(deal, threshold);
    for (size_t i = 0; i < deal->count; i++) {
        uint64_t rest = 0;
        due_of(deal, i, &rest);
        if (rest > threshold) {
            shares[i]++;
        } else if (rest == threshold && ties > 0) {
            shares[i]++;
            ties--;
        }
    }
}

enum err money_spread(int64_t amount_minor, const int64_t *weights, size_t count, int64_t *shares)
{
    struct deal deal = {.amount = size_of(amount_minor), .weights = weights, .count = count};
    for (size_t i = 0; i < count; i++) {
        if (weights[i] < 0 || weights[i] > INT64_MAX - (int64_t)deal.total)
            return ERR_INVALID;
        deal.total += (uint64_t)weights[i];
    }
    if (deal.total == 0)
        return ERR_INVALID;
    uint64_t dealt = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t rest;
        uint64_t due = due_of(&deal, i, &rest);
        shares[i] = (int64_t)due;
        dealt += due;
    }
    if (dealt < deal.amount)
        deal_units(&deal, (size_t)(deal.amount - dealt), shares);
    for (size_t i = 0; i < count && amount_minor < 0; i++)
        shares[i] = -shares[i];
    return ERR_OK;
}

int64_t money_round_to(int64_t amount_minor, int64_t step_minor)
{
    assert(step_minor > 0);
    return divide_rounded(amount_minor, 1, step_minor) * step_minor;
}

int money_compare_each(int64_t a_minor, int64_t a_units, int64_t b_minor, int64_t b_units)
{
    assert(a_units > 0 && b_units > 0);
    if ((a_minor < 0) != (b_minor < 0))
        return a_minor < 0 ? -1 : 1;
    struct wide a = wide_times(size_of(a_minor), (uint64_t)b_units);
    struct wide b = wide_times(size_of(b_minor), (uint64_t)a_units);
    return a_minor < 0 ? wide_compare(b, a) : wide_compare(a, b);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

enum { PLACES_MAX = 9, DIGITS_MAX = 18 };

enum err decimal_parse(struct slice text, struct decimal *out)
{
    bool negative = text.len > 0 && text.data[0] == '-';
    size_t at = negative ? 1 : 0;
    int64_t digits = 0;
    size_t seen = 0;
    size_t places = 0;
    bool point = false;
    for (; at < text.len; at++) {
        char c = text.data[at];
        if (c == '.' && !point && seen > 0) {
            point = true;
            continue;
        }
        if (!is_digit(c) || ++seen > DIGITS_MAX || (point && ++places > PLACES_MAX))
            return ERR_INVALID;
        digits = digits * 10 + (c - '0');
    }
    if (seen == 0 || (point && places == 0))
        return ERR_INVALID;
    *out = (struct decimal){.digits = negative ? -digits : digits, .places = (uint8_t)places};
    return ERR_OK;
}

void decimal_write(struct buf *out, struct decimal value)
{
    uint64_t magnitude = size_of(value.digits);
    uint64_t scale = 1;
    for (unsigned i = 0; i < value.places; i++)
        scale *= 10;
    buf_printf(out, "%s%llu", value.digits < 0 ? "-" : "", (unsigned long long)(magnitude / scale));
    if (value.places > 0)
        buf_printf(out, ".%0*llu", value.places, (unsigned long long)(magnitude % scale));
}

bool decimal_times_whole(struct decimal value, int64_t factor, int64_t *out)
{
    uint64_t scale = 1;
    for (unsigned i = 0; i < value.places; i++)
        scale *= 10;
    uint64_t quotient;
    uint64_t rest;
    if (!wide_divide(wide_times(size_of(value.digits), size_of(factor)), scale, &quotient, &rest) ||
        rest > 0 || quotient > MONEY_MAX_MINOR)
        return false;
    *out = (value.digits < 0) != (factor < 0) ? -(int64_t)quotient : (int64_t)quotient;
    return true;
}

int64_t money_times(int64_t amount_minor, struct decimal factor)
{
    int64_t scale = 1;
    for (unsigned i = 0; i < factor.places; i++)
        scale *= 10;
    return divide_rounded(amount_minor, factor.digits, scale);
}

void money_format(struct buf *out, int64_t amount_minor, const struct currency *currency)
{
    uint64_t magnitude = size_of(amount_minor);
    uint64_t scale = 1;
    for (unsigned i = 0; i < currency->exponent; i++)
        scale *= 10;
    buf_printf(out, "%s%llu", amount_minor < 0 ? "-" : "", (unsigned long long)(magnitude / scale));
    if (currency->exponent > 0)
        buf_printf(out, ".%0*llu", currency->exponent, (unsigned long long)(magnitude % scale));
}

const char *money_text(char words[static MONEY_TEXT_MAX], int64_t amount_minor,
                       const char *currency)
{
    static const struct currency unknown = {.exponent = 2};
    const struct currency *known = currency_find(slice_of(currency));
    struct buf text CLEANUP(buf_free);
    buf_init(&text, MONEY_TEXT_MAX);
    money_format(&text, amount_minor, known ? known : &unknown);
    (void)snprintf(words, MONEY_TEXT_MAX, "%.*s %.3s", (int)text.len, text.data, currency);
    return words;
}
