/*
 * Money: int64 minor units with an ISO 4217 code (design: never a float, never a bare number).
 *
 * Pure functions, any thread. Rounding is half away from zero, the sign applied last.
 * Amounts are limited to less than +-2^53 so that JSON carries them exactly.
 */
#ifndef SYNC_CONTRACT_MONEY_H
#define SYNC_CONTRACT_MONEY_H

#include "hal/base/buf.h"

#define MONEY_MAX_MINOR INT64_C(9007199254740991)

enum { CURRENCY_TEXT = 3 };

struct currency {
    char code[CURRENCY_TEXT + 1]; /* "EUR" */
    uint8_t exponent;             /* 2: 1 EUR is 100 minor units */
};

/* The ISO 4217 entry; NULL if there is none. Borrowed from a constant table. */
const struct currency *currency_find(struct slice code);

/*
 * amount * part / whole, rounded; whole > 0. Exact inside (128 bits); what doesn't fit in 64 bits
 * is
 * +-INT64_MAX, which is no amount either.
 */
int64_t money_share(int64_t amount_minor, int64_t part, int64_t whole);

/*
 * Splits `amount_minor` over `count` weights (none negative, not all zero, their sum an int64) by
 * largest remainder, ties by position; the shares sum exactly to the amount.
 */
enum err money_spread(int64_t amount_minor, const int64_t *weights, size_t count,
                      int64_t *shares) MUST_CHECK;

/* Rounds to the nearest multiple of `step_minor` (5 for Swiss cash), half away from zero. */
int64_t money_round_to(int64_t amount_minor, int64_t step_minor);

/* Below, at or above zero as one unit costs less, as much or more at a's price than at b's: exact.
 */
int money_compare_each(int64_t a_minor, int64_t a_units, int64_t b_minor, int64_t b_units);

/*
 * A decimal factor such as a tax rate ("19", "7.5") or an exchange rate ("1.1523"):
 * digits / 10^places.
 */
struct decimal {
    int64_t digits;
    uint8_t places; /* at most 18 */
};

/* Takes an optional minus, digits, and up to nine digits behind a point. ERR_INVALID otherwise. */
enum err decimal_parse(struct slice text, struct decimal *out) MUST_CHECK;
/* The same value as a text that decimal_parse takes: "7.5". */
void decimal_write(struct buf *out, struct decimal value);
/* value * factor, when that is a whole number within +-MONEY_MAX_MINOR. */
bool decimal_times_whole(struct decimal value, int64_t factor, int64_t *out) MUST_CHECK;
/*
 * amount * factor, rounded, as in money_share. A percentage is the caller's: divide by 100 with
 * places + 2.
 */
int64_t money_times(int64_t amount_minor, struct decimal factor);
/* "12.34" with the currency's exponent, for people's eyes in documents and diagnostics. */
void money_format(struct buf *out, int64_t amount_minor, const struct currency *currency);
enum { MONEY_TEXT_MAX = 40 };
/* "12.34 EUR" into `words`, which is returned; two decimals where the currency isn't known. */
const char *money_text(char words[static MONEY_TEXT_MAX], int64_t amount_minor,
                       const char *currency);

#endif
